//===- Normalize.cpp - One iteration domain for a region ------------------===//
//
// Elementwise ops and reductions are brought to one rank: each of their values has, per dimension of the domain, the
// domain's extent, 1, or an extent that may be 1 at run time. Then neighbouring dimensions that every value walks
// together become one, so that most kernels loop over one or two dimensions. Data movement ops keep their shapes; what
// they give to the elementwise part passes a reshape.
//
// Example: x: [N, S, C], m = reduce_mean(x) over C without keepdims, y = x - reshape(m): domain [N * S, C], m: [N * S,
// 1].
//
//===----------------------------------------------------------------------===//
#include "tenon/Codegen/Common/Region.h"

#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen {

namespace {

RankedTensorType tensorOf(Value v) { return cast<RankedTensorType>(v.getType()); }
SmallVector<DimAttr> dimsOf(Value v) { return getDims(tensorOf(v)); }

bool isLoopOp(Operation *op) { return isa<ElementwiseOpInterface, ReductionOpInterface, ConstantOp>(op); }

class Normalizer {
public:
  explicit Normalizer(GenericRegion &region) : region(region) {}

  bool run();

private:
  using Map = SmallVector<int64_t>; ///< per dimension of a value: the dimension of the domain, or -1 (extent 1)

  void stripReshapes();
  bool findDomain();
  void markNatural();
  bool assign(Value v, Map map);
  bool assignForward(Operation &op);
  bool assignResults();
  void anchor();
  bool isMergeable(ArrayRef<int64_t> group, int64_t d);
  void retype();

  bool hasReductions() { return !region.reduced.empty(); }
  int64_t rank() { return region.domain.size(); }

  GenericRegion &region;
  llvm::MapVector<Value, Map> maps;
  llvm::DenseSet<Operation *> natural; ///< ops that keep their shapes
  bool movesData = false;
};

/// Buffers are row-major under any shape: reshapes of operands and of results are dropped.
void Normalizer::stripReshapes() {
  for (Operation &op : llvm::make_early_inc_range(region.block().without_terminator())) {
    auto reshape = dyn_cast<ReshapeOp>(op);
    if (!reshape)
      continue;
    auto argument = dyn_cast<BlockArgument>(reshape.getX());
    if (argument && argument.hasOneUse()) {
      argument.setType(reshape.getResult().getType());
      reshape.getResult().replaceAllUsesWith(argument);
      reshape.erase();
    }
  }
  for (OpOperand &result : region.block().getTerminator()->getOpOperands())
    while (auto reshape = result.get().getDefiningOp<ReshapeOp>())
      result.set(reshape.getX());
  // Reversed as a block: iterators of a reversed range point behind what is erased.
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(region.block())))
    if (op.use_empty() && !op.hasTrait<OpTrait::IsTerminator>())
      op.erase();
}

bool Normalizer::findDomain() {
  region.domain = dimsOf(region.results().front());
  bool found = false;
  for (Operation &op : region.block()) {
    auto reduction = dyn_cast<ReductionOpInterface>(op);
    if (!reduction)
      continue;
    SmallVector<int64_t> axes(reduction.getReducedAxes());
    if (axes.empty() || (found && axes != region.reduced))
      return false;
    auto dims = dimsOf(op.getOperand(0));
    if (found && dims != region.domain)
      return false;
    found = true;
    region.domain = dims;
    region.reduced = axes;
  }
  return true;
}

/// Data movement and what it is computed from.
void Normalizer::markNatural() {
  for (Operation &op : llvm::reverse(region.block().without_terminator())) {
    bool feeds = llvm::any_of(op.getUsers(), [&](Operation *user) { return natural.contains(user); });
    if (!isLoopOp(&op) || feeds)
      natural.insert(&op);
  }
  movesData = !natural.empty();
}

bool Normalizer::assign(Value v, Map map) {
  auto dims = dimsOf(v);
  for (auto [entry, dim] : llvm::zip_equal(map, dims)) {
    if (dim.isConstant(1))
      entry = -1;
    else if (entry < 0)
      return false;
  }
  auto [known, isNew] = maps.insert({v, map});
  if (!isNew)
    return known->second == map;
  Operation *op = v.getDefiningOp();
  if (!op || natural.contains(op) || !isa<ElementwiseOpInterface>(op))
    return true;
  return llvm::all_of(op->getOperands(), [&](Value operand) {
    return assign(operand, Map(ArrayRef<int64_t>(map).take_back(tensorOf(operand).getRank())));
  });
}

bool Normalizer::assignForward(Operation &op) {
  if (natural.contains(&op))
    return !isa<ReductionOpInterface>(op);
  auto identity = llvm::to_vector(llvm::seq<int64_t>(0, rank()));
  if (auto reduction = dyn_cast<ReductionOpInterface>(op)) {
    Map kept = identity;
    if (!reduction.keepsDims())
      llvm::erase_if(kept, [&](int64_t d) { return llvm::is_contained(region.reduced, d); });
    return assign(op.getOperand(0), identity) && assign(op.getResult(0), kept);
  }
  if (!isa<ElementwiseOpInterface>(op) || maps.contains(op.getResult(0)))
    return true;
  auto dims = dimsOf(op.getResult(0));
  Map map(dims.size(), -1);
  bool isKnown = false;
  for (Value operand : op.getOperands()) {
    auto known = maps.find(operand);
    if (known == maps.end())
      continue;
    isKnown = true;
    size_t shift = dims.size() - known->second.size();
    for (auto [i, entry] : llvm::enumerate(known->second)) {
      int64_t &mine = map[shift + i];
      if (entry >= 0 && mine >= 0 && mine != entry)
        return false;
      mine = std::max(mine, entry);
    }
  }
  if (!isKnown)
    return true; // decided by its consumers
  for (auto [i, entry] : llvm::enumerate(map))
    if (entry < 0 && !dims[i].isConstant(1)) {
      if (static_cast<int64_t>(dims.size()) != rank())
        return false;
      entry = i;
    }
  return assign(op.getResult(0), map);
}

bool Normalizer::assignResults() {
  for (Value result : region.results()) {
    if (!maps.contains(result)) {
      auto identity = llvm::to_vector(llvm::seq<int64_t>(0, rank()));
      if (dimsOf(result) != region.domain || !assign(result, identity))
        return false;
    }
    Map map = maps.find(result)->second;
    llvm::erase(map, -1);
    if (!llvm::is_sorted(map) || std::adjacent_find(map.begin(), map.end()) != map.end())
      return false;
    // Every kept dimension, and all or none of the reduced ones.
    unsigned reducedSeen = 0, reducedAll = 0;
    for (int64_t d = 0; d < rank(); ++d) {
      bool isReduced = llvm::is_contained(region.reduced, d), seen = llvm::is_contained(map, d);
      if (region.domain[d].isConstant(1))
        continue;
      if (!isReduced && !seen)
        return false;
      reducedAll += isReduced;
      reducedSeen += isReduced && seen;
    }
    if (reducedSeen != 0 && reducedSeen != reducedAll)
      return false;
  }
  return true;
}

/// Values that keep their shapes reach the elementwise part through a reshape.
void Normalizer::anchor() {
  OpBuilder b(region.context());
  SmallVector<std::pair<Value, Map>> anchored;
  for (auto &[v, map] : maps) {
    Operation *op = v.getDefiningOp();
    bool keepsShape =
        op ? natural.contains(op) : llvm::any_of(v.getUsers(), [&](Operation *user) { return natural.contains(user); });
    if (keepsShape)
      anchored.push_back({v, map});
  }
  for (auto &[v, map] : anchored) {
    b.setInsertionPointToStart(&region.block());
    if (Operation *op = v.getDefiningOp())
      b.setInsertionPointAfter(op);
    Value reshaped = ReshapeOp::create(b, v.getLoc(), v.getType(), v);
    v.replaceUsesWithIf(reshaped, [&](OpOperand &use) {
      return use.getOwner() != reshaped.getDefiningOp() && !natural.contains(use.getOwner());
    });
    maps.erase(v);
    maps.insert({reshaped, map});
  }
}

SmallVector<DimAttr> alignedDims(Value v, ArrayRef<int64_t> map, int64_t rank) {
  SmallVector<DimAttr> dims(rank, DimAttr::constant(v.getContext(), 1));
  for (auto [entry, dim] : llvm::zip_equal(map, dimsOf(v)))
    if (entry >= 0)
      dims[entry] = dim;
  return dims;
}

/// True if dimension d can join `group`, the dimensions before it.
bool Normalizer::isMergeable(ArrayRef<int64_t> group, int64_t d) {
  auto isReduced = [&](int64_t axis) { return llvm::is_contained(region.reduced, axis); };
  auto isKeptOne = [&](int64_t axis) { return region.domain[axis].isConstant(1) && !isReduced(axis); };
  // A kept extent of 1 joins anything.
  while (!group.empty() && isKeptOne(group.back()))
    group = group.drop_back();
  if (group.empty() || isKeptOne(d))
    return true;
  if (movesData || isReduced(group.back()) != isReduced(d))
    return false;
  // Of a reduced extent of 1 every value is whole: what is before it decides.
  while (!group.empty() && region.domain[group.back()].isConstant(1))
    group = group.drop_back();
  if (group.empty() || region.domain[d].isConstant(1))
    return true;
  int64_t outer = group.back();
  for (auto &[v, map] : maps) {
    auto dims = alignedDims(v, map, rank());
    bool whole = dims[outer] == region.domain[outer] && dims[d] == region.domain[d];
    bool absent = dims[outer].isConstant(1) && dims[d].isConstant(1);
    if (!whole && !absent)
      return false;
  }
  return true;
}

void Normalizer::retype() {
  SmallVector<SmallVector<int64_t>> groups;
  for (int64_t d = 0; d < rank(); ++d) {
    if (d > 0 && isMergeable(groups.back(), d))
      groups.back().push_back(d);
    else
      groups.push_back({d});
  }
  MLIRContext *context = region.context();
  auto merge = [&](ArrayRef<DimAttr> dims) {
    return llvm::map_to_vector(
        groups, [&](ArrayRef<int64_t> group) { return product(context, dims.slice(group.front(), group.size())); });
  };
  for (auto &[v, map] : maps)
    Value(v).setType(getTensorType(merge(alignedDims(v, map, rank())), tensorOf(v).getElementType()));
  SmallVector<int64_t> reduced;
  for (auto [i, group] : llvm::enumerate(groups))
    if (llvm::any_of(group, [&](int64_t d) { return llvm::is_contained(region.reduced, d); }))
      reduced.push_back(i);
  region.domain = merge(region.domain);
  region.reduced = reduced;
  Builder b(context);
  for (Operation &op : region.block())
    if (isa<ReductionOpInterface>(op)) {
      op.setAttr("axes", b.getDenseI64ArrayAttr(reduced));
      op.setAttr("keepdims", b.getBoolAttr(true));
    }
}

bool Normalizer::run() {
  stripReshapes();
  if (!findDomain())
    return false;
  markNatural();
  auto hasDomain = [&](Value v) { return dimsOf(v) == region.domain; };
  // Movement kernels and results of several shapes loop over the results as they are.
  if (!hasReductions() && (movesData || !llvm::all_of(region.results(), hasDomain)))
    return true;
  for (Operation &op : region.block().without_terminator())
    if (!assignForward(op))
      return false;
  if (!assignResults())
    return false;
  for (Operation &op : region.block().without_terminator())
    if (!natural.contains(&op) && !maps.contains(op.getResult(0)))
      return false;
  anchor();
  retype();
  return true;
}

} // namespace

bool normalizeRegion(GenericRegion &region) { return Normalizer(region).run(); }

} // namespace tenon::codegen
