//===- ChannelPruning.cpp - Channels that go as a whole -------------------===//
#include "tenon/Transforms/ChannelPruning.h"
#include "ChannelChoice.h"
#include "ChannelGroups.h"
#include "mlir/IR/Remarks.h"
#include "tenon/Reference/Tensor.h"
#include "tenon/Transforms/CompressPasses.h"

#include <cmath>
#include <cstring>
#include <numeric>

namespace tenon {
#define GEN_PASS_DEF_PRUNECHANNELS
#include "tenon/Transforms/CompressPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;
using namespace tenon::graph;
using reference::HostTensor;

/// A constant for each use: a vector of zeros that many layers share would tie them all together.
static void unshareConstants(func::FuncOp function) {
  for (ConstantOp constant : llvm::make_early_inc_range(function.getOps<ConstantOp>())) {
    OpBuilder b(constant);
    SmallVector<OpOperand *> uses;
    for (OpOperand &use : constant->getUses())
      uses.push_back(&use);
    for (OpOperand *use : llvm::drop_begin(uses, !uses.empty()))
      use->set(ConstantOp::create(b, constant.getLoc(), constant.getValue()));
  }
}

namespace {

class Pruner {
public:
  Pruner(func::FuncOp function, const ChannelPruningOptions &options)
      : function(function), options(options), graph(function), groups(graph.findGroups()),
        isRemoved(graph.countNodes()) {
    dropKept();
  }

  ChannelPruningResult run();

private:
  void dropKept();
  std::vector<PrunableGroup> rankGroups();
  void addImportance(const WeightSlot &weight, std::vector<double> &ofChannel) const;
  std::vector<ProductCost> countProducts();
  std::optional<ProductCost> costOf(Operation *op) const;
  double extentOf(DimAttr dim) const;

  /// The indices of a dimension that stay.
  SmallVector<int64_t> keptOf(Value v, int64_t dim) const;
  LogicalResult checkConstants() const;
  void zero(const WeightSlot &weight) const;
  void shrinkConstant(ConstantOp constant);
  void shrink(Operation *op);
  void shrinkType(Value v) const;

  func::FuncOp function;
  const ChannelPruningOptions &options;
  ChannelGraph graph;
  std::vector<ChannelGroup> groups;
  std::vector<bool> isRemoved; ///< of channels, by root
};

} // namespace

/// Groups that weights touch which are to stay as they are.
void Pruner::dropKept() {
  llvm::DenseSet<int64_t> kept;
  for (const WeightSlot &weight : graph.getWeights())
    if (options.keeps && options.keeps(weight.op))
      kept.insert(weight.slot);
  llvm::erase_if(groups, [&](const ChannelGroup &group) {
    return llvm::any_of(group.slots, [&](auto slot) { return kept.contains(slot.first); });
  });
}

double Pruner::extentOf(DimAttr dim) const {
  auto value =
      dim.evaluate([&](StringRef name) -> std::optional<int64_t> { return options.extent ? options.extent(name) : 1; });
  return value ? std::max(double(*value), 1.0) : 1.0;
}

/// The squared weights of each index of the slot, relative to their mean, to its channel.
void Pruner::addImportance(const WeightSlot &weight, std::vector<double> &ofChannel) const {
  const ChannelSlot &slot = graph.getSlots()[weight.slot];
  auto constant = slot.value.getDefiningOp<ConstantOp>();
  auto tensor = constant ? reference::constantToTensor(constant.getValue()) : FailureOr<HostTensor>(failure());
  if (failed(tensor))
    return;
  int64_t inner = 1;
  for (int64_t extent : tensor->getDims().drop_front(slot.dim + 1))
    inner *= extent;
  std::vector<double> squares(slot.extent);
  for (int64_t i = 0; i < tensor->getNumElements(); ++i) {
    double value = tensor->getDouble(i);
    squares[i / inner % slot.extent] += value * value;
  }
  if (weight.isInput && options.inputSquares)
    if (std::vector<double> seen = options.inputSquares(weight.op); !seen.empty())
      for (int64_t i = 0; i < slot.extent; ++i) // a grouped convolution's weights see channels i, i + extent, ..
        for (size_t j = i; j < seen.size(); j += slot.extent)
          squares[i] *= j == size_t(i) ? seen[j] : 1;
  double sum = std::accumulate(squares.begin(), squares.end(), 0.0);
  for (int64_t i = 0; i < slot.extent && sum > 0; ++i)
    ofChannel[graph.channelOf(slot.first + i)] += squares[i] * double(slot.extent) / sum;
}

std::vector<PrunableGroup> Pruner::rankGroups() {
  std::vector<double> ofChannel(graph.countNodes());
  for (const WeightSlot &weight : graph.getWeights())
    if (weight.isInput || !options.inputSquares) // what is known of a channel's size says more than what writes it
      addImportance(weight, ofChannel);
  std::vector<PrunableGroup> result;
  for (ChannelGroup &group : groups) {
    // The least important first: the number that go are then the first ones.
    llvm::sort(group.channels, [&](int64_t a, int64_t b) {
      return ofChannel[a] != ofChannel[b] ? ofChannel[a] < ofChannel[b] : a < b;
    });
    PrunableGroup &ranked = result.emplace_back();
    for (int64_t channel : group.channels)
      ranked.importance.push_back(ofChannel[channel]);
    int64_t width = 1, count = int64_t(group.channels.size());
    for (auto [slot, nodes] : group.slots)
      width = std::max(width, nodes);
    ranked.unit = unitOf(count, width, options.multiple);
    int64_t least = int64_t(std::ceil(options.leastKept * double(count) / double(ranked.unit))) * ranked.unit;
    ranked.least = std::max(least, ranked.unit);
  }
  return result;
}

/// Of a product all extents of the result and the one that is summed over; of a convolution those of its weight, at
/// every place of the smaller side.
std::optional<ProductCost> Pruner::costOf(Operation *op) const {
  SmallVector<std::pair<Value, int64_t>> factors;
  auto addAll = [&](Value v, int64_t first = 0) {
    for (int64_t dim = first; dim < cast<RankedTensorType>(v.getType()).getRank(); ++dim)
      factors.push_back({v, dim});
  };
  if (auto product = dyn_cast<MatMulOp>(op)) {
    addAll(product.getResult());
    factors.push_back({product.getX(), product.getX().getType().getRank() - 1});
  } else if (isa<ConvOp, ConvTransposeOp>(op)) {
    Value places = isa<ConvOp>(op) ? op->getResult(0) : op->getOperand(0);
    addAll(op->getOperand(1));
    factors.push_back({places, 0});
    addAll(places, 2);
  } else {
    return std::nullopt;
  }
  ProductCost cost;
  for (auto [value, dim] : factors) {
    int64_t slot = graph.slotOf(value, dim);
    if (slot < 0) {
      cost.fixed *= extentOf(getDim(cast<RankedTensorType>(value.getType()), unsigned(dim)));
      continue;
    }
    ProductCost::Extent &extent = cost.extents.emplace_back();
    extent.full = graph.getSlots()[slot].extent;
    for (auto [g, group] : llvm::enumerate(groups))
      for (auto [touched, width] : group.slots)
        if (touched == slot)
          extent.groups.push_back({g, width});
  }
  return cost;
}

std::vector<ProductCost> Pruner::countProducts() {
  std::vector<ProductCost> products;
  for (Operation &op : function.getBody().front())
    if (auto cost = costOf(&op))
      products.push_back(std::move(*cost));
  return products;
}

SmallVector<int64_t> Pruner::keptOf(Value v, int64_t dim) const {
  SmallVector<int64_t> kept;
  const ChannelSlot &slot = graph.getSlots()[graph.slotOf(v, dim)];
  for (int64_t i = 0; i < slot.extent; ++i)
    if (!isRemoved[graph.channelOf(slot.first + i)])
      kept.push_back(i);
  return kept;
}

LogicalResult Pruner::checkConstants() const {
  for (const ChannelGroup &group : groups)
    for (auto [index, width] : group.slots)
      if (auto constant = graph.getSlots()[index].value.getDefiningOp<ConstantOp>())
        if (failed(reference::constantToTensor(constant.getValue())))
          return failure();
  return success();
}

/// The elements at `kept` of each dimension, in order.
static HostTensor select(const HostTensor &from, ArrayRef<SmallVector<int64_t>> kept) {
  SmallVector<int64_t> dims;
  for (const SmallVector<int64_t> &indices : kept)
    dims.push_back(int64_t(indices.size()));
  HostTensor to = *HostTensor::allocate(from.getType(), dims);
  int64_t size = from.getNumElements() ? from.getNumBytes() / from.getNumElements() : 1, rank = from.getRank();
  SmallVector<int64_t> at(rank, 0), strides(rank, 1);
  for (int64_t dim = rank - 1; dim-- > 0;)
    strides[dim] = strides[dim + 1] * from.getDims()[dim + 1];
  for (int64_t i = 0; i < to.getNumElements(); ++i) {
    int64_t source = 0;
    for (int64_t dim = 0; dim < rank; ++dim)
      source += kept[dim][at[dim]] * strides[dim];
    std::memcpy(to.mutableBytes() + i * size, from.bytes() + source * size, size);
    for (int64_t dim = rank; dim-- > 0 && ++at[dim] == dims[dim];)
      at[dim] = 0;
  }
  return to;
}

/// The weights that read removed channels.
void Pruner::zero(const WeightSlot &weight) const {
  const ChannelSlot &slot = graph.getSlots()[weight.slot];
  auto constant = slot.value.getDefiningOp<ConstantOp>();
  if (!weight.isInput || !constant)
    return;
  auto isGone = [&](int64_t i) { return isRemoved[graph.channelOf(slot.first + i)]; };
  if (llvm::none_of(llvm::seq<int64_t>(slot.extent), isGone))
    return;
  HostTensor from = *reference::constantToTensor(constant.getValue());
  HostTensor to = *HostTensor::allocate(from.getType(), from.getDims());
  int64_t inner = 1;
  for (int64_t extent : from.getDims().drop_front(slot.dim + 1))
    inner *= extent;
  for (int64_t i = 0; i < from.getNumElements(); ++i)
    to.setDouble(i, isGone(i / inner % slot.extent) ? 0 : from.getDouble(i));
  constant.setValueAttr(reference::tensorToAttr(constant.getContext(), std::move(to), "zeroed"));
}

void Pruner::shrinkConstant(ConstantOp constant) {
  auto type = constant.getType();
  SmallVector<SmallVector<int64_t>> kept;
  bool isSmaller = false;
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    kept.push_back(keptOf(constant, dim));
    isSmaller |= int64_t(kept.back().size()) != type.getDimSize(dim);
  }
  if (!isSmaller)
    return;
  HostTensor tensor = *reference::constantToTensor(constant.getValue());
  constant.setValueAttr(reference::tensorToAttr(constant.getContext(), select(tensor, kept), "pruned"));
}

void Pruner::shrinkType(Value v) const {
  auto type = dyn_cast<RankedTensorType>(v.getType());
  if (!type)
    return;
  SmallVector<DimAttr> dims = getDims(type);
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (graph.slotOf(v, dim) >= 0)
      dims[dim] = DimAttr::constant(v.getContext(), int64_t(keptOf(v, dim).size()));
  v.setType(getTensorType(dims, type.getElementType()));
}

/// What an op says about extents besides its types.
void Pruner::shrink(Operation *op) {
  if (auto constant = dyn_cast<ConstantOp>(op))
    shrinkConstant(constant);
  if (auto conv = dyn_cast<ConvOp>(op); conv && conv.getGroup() > 1 && !conv.getChannelsLast())
    if (conv.getW().getType().getDimSize(1) == 1 && graph.slotOf(conv.getX(), 1) >= 0)
      conv.setGroup(uint64_t(keptOf(conv.getX(), 1).size()));
  if (auto slice = dyn_cast<SliceOp>(op)) {
    SmallVector<DimAttr> starts(slice.getStarts().getDims());
    for (int64_t dim = 0; dim < int64_t(starts.size()); ++dim)
      if (graph.slotOf(slice.getX(), dim) >= 0 && starts[dim].getConstant() && slice.getSteps()[dim] == 1) {
        SmallVector<int64_t> kept = keptOf(slice.getX(), dim);
        int64_t before = llvm::lower_bound(kept, *starts[dim].getConstant()) - kept.begin();
        starts[dim] = DimAttr::constant(op->getContext(), before);
      }
    slice.setStartsAttr(ShapeAttr::get(op->getContext(), starts));
  }
}

ChannelPruningResult Pruner::run() {
  ChannelPruningResult result;
  if (failed(checkConstants()))
    return result;
  std::vector<PrunableGroup> ranked = rankGroups();
  std::vector<ProductCost> products = countProducts();
  auto count = [&](const std::vector<int64_t> &removed) {
    double sum = 0;
    for (const ProductCost &product : products)
      sum += product.macs(removed);
    return sum;
  };
  result.groups = int64_t(groups.size());
  result.macsBefore = count(std::vector<int64_t>(groups.size(), 0));
  double target = result.macsBefore * options.macs;
  std::vector<int64_t> removed =
      options.global ? chooseGlobally(ranked, products, target) : chooseUniformly(ranked, products, target);
  result.macsAfter = count(removed);
  for (auto [group, number] : llvm::zip_equal(groups, removed)) {
    result.channels += int64_t(group.channels.size());
    result.channelsRemoved += number;
    for (int64_t i = 0; i < number; ++i)
      isRemoved[group.channels[i]] = true;
  }
  for (const WeightSlot &weight : graph.getWeights()) {
    const ChannelSlot &slot = graph.getSlots()[weight.slot];
    const SmallVector<int64_t> kept = keptOf(slot.value, slot.dim);
    if (options.refit && weight.isInput && int64_t(kept.size()) < slot.extent)
      options.refit(weight.op, kept);
  }
  if (options.onlyZero) {
    for (const WeightSlot &weight : graph.getWeights())
      zero(weight);
    return result;
  }
  // Attributes first: they are found by the old types.
  for (Operation &op : function.getBody().front())
    shrink(&op);
  for (Operation &op : function.getBody().front())
    for (Value v : op.getResults())
      shrinkType(v);
  return result;
}

ChannelPruningResult tenon::pruneChannels(func::FuncOp function, const ChannelPruningOptions &options) {
  if (function.isExternal())
    return {};
  unshareConstants(function);
  return Pruner(function, options).run();
}

namespace {
struct PruneChannels : tenon::impl::PruneChannelsBase<PruneChannels> {
  using PruneChannelsBase::PruneChannelsBase;
  void runOnOperation() override {
    ChannelPruningOptions options;
    options.macs = macs;
    options.global = global;
    options.multiple = std::max<int64_t>(multiple, 1);
    options.leastKept = leastKept;
    ChannelPruningResult result = pruneChannels(getOperation(), options);
    Location loc = getOperation().getLoc();
    auto label = remark::RemarkOpts::name("PruneChannels").category("pruning");
    if (result.channelsRemoved == 0)
      remark::missed(loc, label) << remark::reason("{0} groups of channels, none to remove", result.groups);
    else
      remark::passed(loc, label) << remark::metric("channels", result.channels)
                                 << remark::metric("removed", result.channelsRemoved)
                                 << remark::metric("macs before", result.macsBefore)
                                 << remark::metric("macs after", result.macsAfter);
  }
};
} // namespace
