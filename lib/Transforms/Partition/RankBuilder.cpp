//===- RankBuilder.cpp - The program of one rank -------------------------------===//
#include "RankBuilder.h"

#include "Graph/IR/CollectiveOps.h"
#include "Resharding.h"
#include "tenon/Reference/Evaluate.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::partition {

static RankedTensorType tensorOf(Value v) { return cast<RankedTensorType>(v.getType()); }
static TensorLayout wholeLayout(Value v) { return TensorLayout(tensorOf(v).getRank()); }

static Value createSlice(OpBuilder &builder, Location loc, Value v, RankedTensorType type, ArrayRef<Range> box) {
  const auto begins = llvm::map_to_vector(box, [](const Range &range) { return range.begin; });
  return SliceOp::create(builder, loc, type, v, ShapeAttr::get(builder.getContext(), begins),
                         builder.getDenseI64ArrayAttr(SmallVector<int64_t>(box.size(), 1)));
}

ElementsAttr ConstantParts::get(Value constant, ArrayRef<Range> box) {
  const auto value = constant.getDefiningOp<ConstantOp>().getValue();
  SmallVector<DimAttr> bounds;
  for (const Range &range : box)
    bounds.append({range.begin, range.extent});
  if (!llvm::all_of(bounds, [](DimAttr bound) { return bound.getConstant().has_value(); }))
    return {};
  MLIRContext *context = value.getContext();
  ElementsAttr &part = parts[{value, ShapeAttr::get(context, bounds)}];
  if (part)
    return part;
  auto tensor = reference::constantToTensor(value);
  if (failed(tensor))
    return {};
  OpBuilder builder(context);
  const auto dims = llvm::map_to_vector(box, [](const Range &range) { return range.extent; });
  Value slice =
      createSlice(builder, constant.getLoc(), constant, getTensorType(dims, tensorOf(constant).getElementType()), box);
  SmallVector<reference::HostTensor> results;
  if (succeeded(reference::evaluate(slice.getDefiningOp(), *tensor, results, {})))
    part = reference::tensorToAttr(context, std::move(results.front()), "part");
  slice.getDefiningOp()->erase();
  return part;
}

RankBuilder::RankBuilder(func::FuncOp source, const PartitionPlan &plan, ConstantParts &constants, int64_t rank)
    : source(source), plan(plan), constants(constants), rank(rank), stage(plan.grid.stageOf(rank)),
      coords(plan.grid.coordsOf(rank)), builder(source), loc(source.getLoc()) {}

void RankBuilder::run() {
  const bool isRoot = rank == 0;
  auto type = builder.getFunctionType(source.getArgumentTypes(),
                                      isRoot ? source.getResultTypes() : TypeRange(ArrayRef<Type>()));
  function = func::FuncOp::create(builder, loc, ("rank_" + Twine(rank)).str(), type);
  for (NamedAttribute attr : source->getDiscardableAttrs())
    if (!llvm::is_contained({axesAttr, stagesAttr, sharesAttr}, attr.getName().getValue()))
      function->setAttr(attr.getName(), attr.getValue());
  function->setAttr(rankAttr, builder.getI64IntegerAttr(rank));
  function.setArgAttrsAttr(source.getArgAttrsAttr());
  if (isRoot)
    function.setResAttrsAttr(source.getResAttrsAttr());
  builder.setInsertionPointToStart(function.addEntryBlock());
  for (auto [from, to] : llvm::zip_equal(source.getArguments(), function.getArguments()))
    versions[from].push_back({wholeLayout(from), to});
  for (Operation &op : source.getBody().front().without_terminator()) {
    loc = op.getLoc();
    if (isGenerator(&op))
      continue;
    if (plan.of(&op).stage == stage)
      build(&op);
    communicate(&op);
  }
  buildReturn(cast<func::ReturnOp>(source.getBody().front().getTerminator()));
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// `v` in `layout`, by slices and collectives where it is not yet.
Value RankBuilder::get(Value v, const TensorLayout &layout) {
  Versions &have = versions[v];
  if (have.empty()) { // a generator
    Operation *made = builder.clone(*v.getDefiningOp());
    have.push_back({wholeLayout(v), made->getResult(cast<OpResult>(v).getResultNumber())});
  }
  auto known = llvm::find_if(have, [&](const auto &version) { return version.first == layout; });
  if (known != have.end())
    return known->second;
  auto [from, value] = have.front();
  Value result = reshard(value, tensorOf(v), from, layout);
  versions[v].push_back({layout, result});
  return result;
}

Value RankBuilder::getWhole(Value v) { return get(v, wholeLayout(v)); }

/// Of a value of type `whole` that is here in the layout `have`: the part that is in `want`, which splits it further.
Value RankBuilder::slice(Value v, RankedTensorType whole, const TensorLayout &have, const TensorLayout &want) {
  SmallVector<Range> box;
  for (auto [dim, from, to] : llvm::zip_equal(getDims(whole), have, want)) {
    const Range outer = partOf(dim, from, plan.grid, coords), inner = partOf(dim, to, plan.grid, coords);
    box.push_back({inner.begin - outer.begin, inner.extent});
  }
  if (auto constant = v.getDefiningOp<ConstantOp>())
    if (ElementsAttr part = constants.get(v, box))
      return ConstantOp::create(builder, constant.getLoc(), part);
  return createSlice(builder, loc, v, typeOf(whole, want), box);
}

static AxesOfDims axesOf(const TensorLayout &layout) {
  return AxesOfDims(llvm::map_range(layout, [](const DimSplit &split) { return split.axes; }));
}

static void leave(DimSplit &split) {
  split.axes.pop_back();
  if (split.axes.empty())
    split.units = {};
}

static void enter(DimSplit &split, const DimSplit &want, unsigned axis) {
  split.axes.push_back(axis);
  split.units = want.units;
}

Value RankBuilder::reshard(Value v, RankedTensorType whole, TensorLayout have, const TensorLayout &want) {
  const auto dims = getDims(whole);
  SmallVector<bool> isCutAlike;
  for (auto [from, to] : llvm::zip_equal(have, want))
    isCutAlike.push_back(from.units == to.units);
  TensorLayout sliced = have; // slices in a row are one
  auto takeSlices = [&] {
    if (sliced != have)
      v = slice(v, whole, have, sliced);
    have = sliced;
  };
  auto extents = [&](int dim, const DimSplit &split) {
    return ShapeAttr::get(builder.getContext(), extentsAlong(dims[dim], split, plan.grid, coords));
  };
  for (const ReshardMove &move : findMoves(axesOf(have), axesOf(want), isCutAlike)) {
    if (move.kind == CollectiveKind::Slice) {
      enter(sliced[move.to], want[move.to], move.axis);
      continue;
    }
    takeSlices();
    const DimSplit split = have[move.from];
    leave(have[move.from]);
    if (move.kind == CollectiveKind::AllToAll) {
      enter(have[move.to], want[move.to], move.axis);
      v = AllToAllOp::create(builder, loc, typeOf(whole, have), v, move.to, extents(move.to, have[move.to]), move.from,
                             extents(move.from, split), lineOf(move.axis));
    } else {
      v = AllGatherOp::create(builder, loc, typeOf(whole, have), v, move.from, extents(move.from, split),
                              lineOf(move.axis));
    }
    sliced = have;
  }
  takeSlices();
  return v;
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

static StringRef getName(LoopKind kind) {
  switch (kind) {
  case LoopKind::Prod:
    return "prod";
  case LoopKind::Min:
    return "min";
  case LoopKind::Max:
    return "max";
  default:
    return "sum";
  }
}

Value RankBuilder::combine(Value v, RankedTensorType whole, TensorLayout &layout, const Combination &combination,
                           DimAttr units) {
  const StringRef kind = getName(combination.kind);
  if (combination.dim < 0)
    return AllReduceOp::create(builder, loc, v, kind, lineOf(combination.axis).asArrayRef());
  DimSplit &split = layout[combination.dim];
  split.axes.push_back(combination.axis);
  split.units = units;
  const auto extents = extentsAlong(getDim(whole, combination.dim), split, plan.grid, coords);
  return ReduceScatterOp::create(builder, loc, typeOf(whole, layout), v, kind, combination.dim,
                                 ShapeAttr::get(builder.getContext(), extents), lineOf(combination.axis).asArrayRef());
}

void RankBuilder::build(Operation *op) {
  const OpPlan &how = plan.of(op);
  SmallVector<Value> operands;
  for (auto [i, operand] : llvm::enumerate(op->getOperands()))
    operands.push_back(get(operand, how.operand(i)));
  SmallVector<DimAttr> begins, extents;
  for (auto [loop, split] : llvm::zip_equal(how.rule.loops, how.loops)) {
    const Range range = partOf(loop.extent, split, plan.grid, coords);
    begins.push_back(range.begin);
    extents.push_back(range.extent);
  }
  SmallVector<Type> types;
  for (auto [i, type] : llvm::enumerate(op->getResultTypes()))
    types.push_back(typeOf(cast<RankedTensorType>(type), how.partial(i)));
  SmallVector<Value> local = createLocal(builder, op, operands, types, {begins, extents});
  for (auto [i, result] : llvm::enumerate(op->getResults())) {
    TensorLayout layout = how.partial(i);
    Value value = local[i];
    for (const Combination &combination : how.combinations) {
      const DimAttr units = combination.dim < 0 ? DimAttr() : how.loops[how.rule.results[i][combination.dim]].units;
      value = combine(value, tensorOf(result), layout, combination, units);
    }
    versions[result] = {{layout, value}};
  }
  for (Value value : local)
    for (StringRef name : {splitAttr, scatterAttr, stageAttr})
      if (Operation *made = value.getDefiningOp())
        made->removeAttr(name);
}

/// The other stages that read `v`, in order. What the function returns is sent at its end.
SmallVector<int64_t> RankBuilder::getReaders(Value v) const {
  SmallVector<int64_t> stages;
  const int64_t home = plan.of(v.getDefiningOp()).stage;
  for (Operation *user : v.getUsers())
    if (!isa<func::ReturnOp>(user) && plan.of(user).stage != home)
      stages.push_back(plan.of(user).stage);
  llvm::sort(stages);
  stages.erase(llvm::unique(stages), stages.end());
  return stages;
}

/// Hands the results of `op` to the stages that read them: each rank its part to the one at its place.
void RankBuilder::communicate(Operation *op) {
  const OpPlan &how = plan.of(op);
  for (auto [i, result] : llvm::enumerate(op->getResults())) {
    const TensorLayout layout = how.result(i);
    for (int64_t reader : getReaders(result)) {
      if (how.stage == stage)
        SendOp::create(builder, loc, get(result, layout), plan.grid.rankAt(reader, coords));
      else if (reader == stage)
        versions[result] = {{layout, ReceiveOp::create(builder, loc, typeOf(tensorOf(result), layout),
                                                       plan.grid.rankAt(how.stage, coords))}};
    }
  }
}

//===----------------------------------------------------------------------===//
// The end
//===----------------------------------------------------------------------===//

/// Rank 0 returns everything, whole.
void RankBuilder::buildReturn(func::ReturnOp ret) {
  loc = ret.getLoc();
  SmallVector<Value> results;
  llvm::DenseMap<Value, Value> received;
  for (Value v : ret.getOperands()) {
    Operation *op = v.getDefiningOp();
    const int64_t home = op && !isGenerator(op) ? plan.of(op).stage : 0;
    Value whole = home == stage ? getWhole(v) : received.lookup(v);
    const int64_t first = plan.grid.rankAt(home, Coords(coords.size(), 0));
    if (home != 0 && rank == first && received.insert({v, whole}).second)
      SendOp::create(builder, loc, whole, 0);
    if (rank == 0 && !whole)
      whole = received[v] = ReceiveOp::create(builder, loc, v.getType(), first);
    results.push_back(whole);
  }
  func::ReturnOp::create(builder, loc, rank == 0 ? ValueRange(results) : ValueRange());
}

} // namespace tenon::partition
