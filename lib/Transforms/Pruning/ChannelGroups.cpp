//===- ChannelGroups.cpp - Which channels go together ---------------------===//
#include "ChannelGroups.h"

#include <map>

using namespace mlir;
using namespace tenon;
using namespace tenon::graph;

static RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }
static int64_t rankOf(Value v) { return typeOf(v).getRank(); }

ChannelGraph::ChannelGraph(func::FuncOp function) : parents{0} {
  Block &block = function.getBody().front();
  for (BlockArgument argument : block.getArguments()) {
    addValue(argument);
    pin(argument);
  }
  for (Operation &op : block) {
    for (Value result : op.getResults())
      addValue(result);
    relate(&op);
  }
}

void ChannelGraph::addValue(Value v) {
  auto type = dyn_cast<RankedTensorType>(v.getType());
  if (!type)
    return;
  SmallVector<int64_t, 4> &own = slotsOf[v];
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    if (type.isDynamicDim(dim)) {
      own.push_back(-1);
      continue;
    }
    own.push_back(int64_t(slots.size()));
    slots.push_back({v, dim, countNodes(), type.getDimSize(dim)});
    for (int64_t i = 0; i < type.getDimSize(dim); ++i)
      parents.push_back(countNodes());
  }
}

int64_t ChannelGraph::channelOf(int64_t node) const {
  while (parents[node] != node)
    node = parents[node] = parents[parents[node]];
  return node;
}

void ChannelGraph::unite(int64_t a, int64_t b) {
  a = channelOf(a);
  b = channelOf(b);
  parents[std::max(a, b)] = std::min(a, b); // the pinned node stays a root
}

void ChannelGraph::pin(Value v, int64_t dim) {
  int64_t slot = slotOf(v, dim);
  for (int64_t i = 0; slot >= 0 && i < slots[slot].extent; ++i)
    unite(0, slots[slot].first + i);
}

void ChannelGraph::pin(Value v) {
  if (isa<RankedTensorType>(v.getType()))
    for (int64_t dim = 0; dim < rankOf(v); ++dim)
      pin(v, dim);
}

void ChannelGraph::tie(Value a, int64_t i, Value b, int64_t j) {
  int64_t x = slotOf(a, i), y = slotOf(b, j);
  if ((x >= 0 && slots[x].extent == 1) || (y >= 0 && slots[y].extent == 1))
    return;
  if (x < 0 || y < 0 || slots[x].extent != slots[y].extent) {
    pin(a, i);
    pin(b, j);
    return;
  }
  for (int64_t k = 0; k < slots[x].extent; ++k)
    unite(slots[x].first + k, slots[y].first + k);
}

void ChannelGraph::tieBroadcast(Value a, Value b) {
  for (int64_t i = rankOf(a), j = rankOf(b); i-- > 0 && j-- > 0;)
    tie(a, i, b, j);
}

void ChannelGraph::relateConv(ConvOp op) {
  Value x = op.getX(), w = op.getW(), y = op.getResult();
  if (op.getChannelsLast() || slotOf(x, 1) < 0 || !typeOf(w).hasStaticShape())
    return pin(x), pin(w), pin(y);
  int64_t group = op.getGroup(), inputs = typeOf(w).getDimSize(1), outputs = typeOf(w).getDimSize(0) / group;
  tie(x, 0, y, 0);
  tie(w, 0, y, 1);
  if (op.getBias())
    tie(op.getBias(), 0, y, 1);
  for (int64_t dim = 2; dim < rankOf(x); ++dim)
    pin(x, dim), pin(w, dim), pin(y, dim);
  int64_t in = slots[slotOf(x, 1)].first, out = slots[slotOf(y, 1)].first, weight = slots[slotOf(w, 1)].first;
  if (group > 1 && inputs == 1) { // depthwise: a group goes with its input and its outputs
    for (int64_t g = 0; g < group; ++g)
      for (int64_t i = 0; i < outputs; ++i)
        unite(in + g, out + g * outputs + i);
    weights.push_back({slotOf(w, 0), op, false});
    return;
  }
  // The same channels of every group go, so that groups stay equal.
  for (int64_t g = 0; g < group; ++g) {
    for (int64_t i = 0; i < inputs; ++i)
      unite(in + g * inputs + i, weight + i);
    for (int64_t i = 0; i < outputs; ++i)
      unite(out + g * outputs + i, out + i);
  }
  weights.push_back({slotOf(w, 0), op, false});
  weights.push_back({slotOf(w, 1), op, true});
}

void ChannelGraph::relateConvTranspose(ConvTransposeOp op) {
  Value x = op.getX(), w = op.getW(), y = op.getResult();
  if (op.getGroup() != 1 || !typeOf(w).hasStaticShape())
    return pin(x), pin(w), pin(y);
  tie(x, 0, y, 0);
  tie(x, 1, w, 0);
  tie(w, 1, y, 1);
  if (op.getBias())
    tie(op.getBias(), 0, y, 1);
  for (int64_t dim = 2; dim < rankOf(x); ++dim)
    pin(x, dim), pin(w, dim), pin(y, dim);
  weights.push_back({slotOf(w, 1), op, false});
  weights.push_back({slotOf(w, 0), op, true});
}

void ChannelGraph::relateMatMul(MatMulOp op) {
  Value x = op.getX(), w = op.getW(), y = op.getResult();
  int64_t xRank = rankOf(x), wRank = rankOf(w), yRank = rankOf(y);
  if (xRank < 2 || wRank < 2)
    return pin(x), pin(w), pin(y);
  int64_t k = op.getTransposeW() ? wRank - 1 : wRank - 2, n = op.getTransposeW() ? wRank - 2 : wRank - 1;
  for (Value operand : {x, w})
    for (int64_t i = rankOf(operand) - 2, j = yRank - 2; i-- > 0 && j-- > 0;)
      tie(operand, i, y, j);
  tie(x, xRank - 2, y, yRank - 2);
  tie(w, n, y, yRank - 1);
  tie(x, xRank - 1, w, k);
  if (!w.getDefiningOp<ConstantOp>() || slotOf(w, k) < 0 || slotOf(w, n) < 0)
    return pin(w, k); // a sum over what two computed values have in common
  weights.push_back({slotOf(w, n), op, false});
  weights.push_back({slotOf(w, k), op, true});
}

void ChannelGraph::relateFactors(ReshapeOp op, int64_t x, int64_t xEnd, int64_t y, int64_t yEnd) {
  // Of dimensions that become one, or that one becomes, the first goes in blocks; the others stay.
  auto skipOnes = [&](Value v, int64_t &dim, int64_t end) {
    while (dim < end && typeOf(v).getDimSize(dim) == 1)
      ++dim;
  };
  skipOnes(op.getX(), x, xEnd);
  skipOnes(op.getResult(), y, yEnd);
  if (x == xEnd || y == yEnd)
    return;
  for (int64_t dim = x + 1; dim < xEnd; ++dim)
    pin(op.getX(), dim);
  for (int64_t dim = y + 1; dim < yEnd; ++dim)
    pin(op.getResult(), dim);
  int64_t from = slotOf(op.getX(), x), to = slotOf(op.getResult(), y);
  if (from < 0 || to < 0)
    return pin(op.getX(), x), pin(op.getResult(), y);
  const ChannelSlot &a = slots[from], &b = slots[to];
  int64_t few = std::min(a.extent, b.extent);
  if (few == 0 || a.extent % few || b.extent % few)
    return pin(op.getX(), x), pin(op.getResult(), y);
  int64_t wideA = a.extent / few, wideB = b.extent / few;
  for (int64_t i = 0; i < few; ++i) {
    for (int64_t j = 0; j < wideA; ++j)
      unite(a.first + i * wideA + j, b.first + i * wideB);
    for (int64_t j = 0; j < wideB; ++j)
      unite(a.first + i * wideA, b.first + i * wideB + j);
  }
}

void ChannelGraph::relateReshape(ReshapeOp op) {
  SmallVector<DimAttr> from = getDims(op.getX().getType()), to = getDims(op.getResult().getType());
  int64_t x = 0, y = 0, xEnd = int64_t(from.size()), yEnd = int64_t(to.size());
  auto tieDims = [&](int64_t i, int64_t j) { tie(op.getX(), i, op.getResult(), j); };
  while (x < xEnd && y < yEnd && from[x] == to[y])
    tieDims(x++, y++);
  while (x < xEnd && y < yEnd && from[xEnd - 1] == to[yEnd - 1])
    tieDims(--xEnd, --yEnd);
  // What is left falls into parts of equal products.
  auto isStatic = [](ArrayRef<DimAttr> dims) {
    return llvm::all_of(dims, [](DimAttr dim) { return dim.getConstant().has_value(); });
  };
  if (!isStatic(ArrayRef(from).slice(x, xEnd - x)) || !isStatic(ArrayRef(to).slice(y, yEnd - y))) {
    for (; x < xEnd; ++x)
      pin(op.getX(), x);
    for (; y < yEnd; ++y)
      pin(op.getResult(), y);
    return;
  }
  while (x < xEnd || y < yEnd) {
    int64_t i = x, j = y, a = 1, b = 1;
    if (i < xEnd)
      a = *from[i++].getConstant();
    if (j < yEnd)
      b = *to[j++].getConstant();
    while (a != b) {
      if (a < b && i < xEnd)
        a *= *from[i++].getConstant();
      else if (b < a && j < yEnd)
        b *= *to[j++].getConstant();
      else
        break;
    }
    relateFactors(op, x, i, y, j);
    x = i;
    y = j;
  }
}

void ChannelGraph::relateConcat(ConcatOp op) {
  Value y = op.getResult();
  int64_t axis = op.getAxis(), offset = 0;
  bool isStatic = slotOf(y, axis) >= 0;
  for (Value x : op.getInputs()) {
    for (int64_t dim = 0; dim < rankOf(x); ++dim)
      if (dim != axis)
        tie(x, dim, y, dim);
    if (!isStatic) {
      pin(x, axis);
      continue;
    }
    const ChannelSlot &from = slots[slotOf(x, axis)], &to = slots[slotOf(y, axis)];
    for (int64_t i = 0; i < from.extent; ++i)
      unite(from.first + i, to.first + offset + i);
    offset += from.extent;
  }
}

void ChannelGraph::relateSlice(SliceOp op) {
  Value x = op.getX(), y = op.getResult();
  for (int64_t dim = 0; dim < rankOf(x); ++dim) {
    std::optional<int64_t> start = op.getStarts()[dim].getConstant();
    int64_t from = slotOf(x, dim), to = slotOf(y, dim);
    if (!start || op.getSteps()[dim] != 1 || from < 0 || to < 0 || *start + slots[to].extent > slots[from].extent) {
      pin(x, dim);
      pin(y, dim);
      continue;
    }
    for (int64_t i = 0; i < slots[to].extent; ++i)
      unite(slots[from].first + *start + i, slots[to].first + i);
  }
}

/// Ops over windows: batch and channels stay what they are.
bool ChannelGraph::relateWindow(Operation *op) {
  bool isPool = isa<MaxPoolOp, AveragePoolOp>(op) && !op->hasAttr("channels_last");
  if (!isPool && !isa<ResizeOp, PadOp>(op))
    return false;
  Value x = op->getOperand(0), y = op->getResult(0);
  for (int64_t dim = 0; dim < rankOf(x); ++dim) {
    bool isKept = isPool && dim < 2;
    if (auto pad = dyn_cast<PadOp>(op))
      isKept = pad.getBegins()[dim] == 0 && pad.getEnds()[dim] == 0;
    if (auto resize = dyn_cast<ResizeOp>(op)) {
      std::optional<ArrayRef<double>> scales = resize.getScales();
      isKept = dim < 2 && (!scales || (*scales)[dim] == 1);
    }
    if (isKept)
      tie(x, dim, y, dim);
    else
      pin(x, dim), pin(y, dim);
  }
  return true;
}

/// Ops that do something along some dimensions, and leave the others.
bool ChannelGraph::relateDimensions(Operation *op) {
  auto keep = [&](llvm::function_ref<bool(int64_t)> isKept) {
    Value x = op->getOperand(0), y = op->getResult(0);
    for (int64_t dim = 0; dim < rankOf(x); ++dim)
      if (isKept(dim))
        tie(x, dim, y, dim);
      else
        pin(x, dim), pin(y, dim);
    for (Value operand : op->getOperands().drop_front())
      pin(operand);
    return true;
  };
  if (isa<SoftmaxOp, LogSoftmaxOp>(op)) {
    int64_t axis = op->getAttrOfType<IntegerAttr>("axis").getInt();
    return keep([&](int64_t dim) { return dim != axis; });
  }
  if (isa<LayerNormalizationOp, RmsNormalizationOp>(op)) {
    int64_t axis = op->getAttrOfType<IntegerAttr>("axis").getInt();
    return keep([&](int64_t dim) { return dim < axis; });
  }
  auto reduction = dyn_cast<ReductionOpInterface>(op);
  if (!reduction)
    return false;
  Value x = op->getOperand(0), y = op->getResult(0);
  int64_t next = 0;
  for (int64_t dim = 0; dim < rankOf(x); ++dim) {
    if (!llvm::is_contained(reduction.getReducedAxes(), dim))
      tie(x, dim, y, next++);
    else
      pin(x, dim), next += reduction.keepsDims();
  }
  return true;
}

void ChannelGraph::relate(Operation *op) {
  if (auto conv = dyn_cast<ConvOp>(op))
    return relateConv(conv);
  if (auto conv = dyn_cast<ConvTransposeOp>(op))
    return relateConvTranspose(conv);
  if (auto product = dyn_cast<MatMulOp>(op))
    return relateMatMul(product);
  if (auto reshape = dyn_cast<ReshapeOp>(op))
    return relateReshape(reshape);
  if (auto concat = dyn_cast<ConcatOp>(op))
    return relateConcat(concat);
  if (auto slice = dyn_cast<SliceOp>(op))
    return relateSlice(slice);
  if (auto transpose = dyn_cast<TransposeOp>(op)) {
    for (auto [i, from] : llvm::enumerate(transpose.getPerm()))
      tie(transpose.getX(), from, transpose.getResult(), int64_t(i));
    return;
  }
  if (isa<ElementwiseOpInterface, ExpandOp>(op)) {
    for (Value operand : op->getOperands())
      tieBroadcast(operand, op->getResult(0));
    return;
  }
  if (isa<ConstantOp>(op) || relateWindow(op) || relateDimensions(op))
    return;
  for (Value v : op->getOperands())
    pin(v);
  for (Value v : op->getResults())
    pin(v);
}

std::vector<ChannelGroup> ChannelGraph::findGroups() const {
  // The slots of each channel, in order.
  std::vector<std::vector<std::pair<int64_t, int64_t>>> touched(parents.size());
  for (auto [index, slot] : llvm::enumerate(slots))
    for (int64_t node = slot.first; node < slot.first + slot.extent; ++node)
      if (int64_t channel = channelOf(node)) {
        auto &own = touched[channel];
        if (own.empty() || own.back().first != int64_t(index))
          own.push_back({int64_t(index), 0});
        ++own.back().second;
      }
  std::vector<bool> isRead(slots.size()), isWritten(slots.size());
  for (const WeightSlot &weight : weights)
    if (slots[weight.slot].value.getDefiningOp<ConstantOp>())
      (weight.isInput ? isRead : isWritten)[weight.slot] = true;
  std::map<std::vector<std::pair<int64_t, int64_t>>, size_t> known;
  std::vector<ChannelGroup> groups;
  for (int64_t channel = 1; channel < countNodes(); ++channel) {
    auto &own = touched[channel];
    auto any = [&](const std::vector<bool> &flags) {
      return llvm::any_of(own, [&](auto slot) { return flags[slot.first]; });
    };
    if (own.empty() || !any(isRead) || !any(isWritten))
      continue;
    auto [place, isNew] = known.try_emplace(own, groups.size());
    if (isNew)
      groups.push_back({{}, own});
    groups[place->second].channels.push_back(channel);
  }
  return groups;
}
