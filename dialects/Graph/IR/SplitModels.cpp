//===- SplitModels.cpp - Splits that no iteration space tells ----------------===//
#include "Graph/IR/GruOp.h"
#include "Graph/IR/OpSupport.h"
#include "Graph/IR/QuantizationOps.h"
#include "Graph/IR/SpecialOps.h"
#include "Graph/IR/SplitRules.h"

using namespace mlir;

namespace tenon::graph {

namespace {

/// Writes a rule down: loops, and the dimensions that they run over. Dimensions not mentioned are not split.
class RuleBuilder {
public:
  explicit RuleBuilder(Operation *op) : op(op) {
    for (Value operand : op->getOperands())
      rule.operands.push_back(LoopsOfDims(tensorType(operand.getType()).getRank(), -1));
    for (Value result : op->getResults())
      rule.results.push_back(LoopsOfDims(tensorType(result.getType()).getRank(), -1));
  }

  int loop(DimAttr extent, LoopKind kind = LoopKind::Parallel) {
    rule.loops.push_back({extent, kind});
    return int(rule.loops.size()) - 1;
  }
  void operand(unsigned number, unsigned axis, int loop) { rule.operands[number][axis] = loop; }
  void result(unsigned number, unsigned axis, int loop) { rule.results[number][axis] = loop; }

  /// A parallel loop over dimension `axis` of the first operand and of all results.
  void keep(unsigned axis) {
    const int number = loop(getDim(tensorType(op->getOperand(0).getType()), axis));
    operand(0, axis, number);
    for (unsigned i = 0; i < op->getNumResults(); ++i)
      result(i, axis, number);
  }

  size_t numLoops() const { return rule.loops.size(); }
  SplitRule take() { return std::move(rule); }

private:
  Operation *op;
  SplitRule rule;
};

DimAttr dimOf(Value v, unsigned axis) { return getDim(tensorType(v.getType()), axis); }
unsigned rankOf(Value v) { return tensorType(v.getType()).getRank(); }

//===----------------------------------------------------------------------===//
// Along an axis, all other dimensions kept
//===----------------------------------------------------------------------===//

SplitRule keepAllBut(Operation *op, llvm::function_ref<bool(unsigned)> isKept) {
  RuleBuilder rule(op);
  for (unsigned i = 0; i < rankOf(op->getOperand(0)); ++i)
    if (isKept(i))
      rule.keep(i);
  return rule.take();
}

template <typename Op>
struct AlongAxisSplit : SplitOpInterface::ExternalModel<AlongAxisSplit<Op>, Op> {
  SplitRule getSplitRule(Operation *op) const {
    return keepAllBut(op, [&](unsigned i) { return i != cast<Op>(op).getAxis(); });
  }
};

struct DftSplit : SplitOpInterface::ExternalModel<DftSplit, DftOp> {
  SplitRule getSplitRule(Operation *op) const {
    const unsigned last = rankOf(op->getOperand(0)) - 1;
    return keepAllBut(op, [&](unsigned i) { return i != cast<DftOp>(op).getAxis() && i != last; });
  }
};

struct DetSplit : SplitOpInterface::ExternalModel<DetSplit, DetOp> {
  SplitRule getSplitRule(Operation *op) const {
    return keepAllBut(op, [&](unsigned i) { return i + 2 < rankOf(op->getOperand(0)); });
  }
};

struct PadSplit : SplitOpInterface::ExternalModel<PadSplit, PadOp> {
  SplitRule getSplitRule(Operation *op) const {
    auto pad = cast<PadOp>(op);
    return keepAllBut(op, [&](unsigned i) { return pad.getBegins()[i] == 0 && pad.getEnds()[i] == 0; });
  }
};

struct ResizeSplit : SplitOpInterface::ExternalModel<ResizeSplit, ResizeOp> {
  SplitRule getSplitRule(Operation *op) const {
    auto resize = cast<ResizeOp>(op);
    return keepAllBut(op, [&](unsigned i) {
      return dimOf(resize.getX(), i) == dimOf(resize.getResult(), i) &&
             (!resize.getScales() || (*resize.getScales())[i] == 1);
    });
  }
};

struct SliceSplit : SplitOpInterface::ExternalModel<SliceSplit, SliceOp> {
  SplitRule getSplitRule(Operation *op) const {
    auto slice = cast<SliceOp>(op);
    return keepAllBut(op, [&](unsigned i) {
      return slice.getStarts()[i].isConstant(0) && slice.getSteps()[i] == 1 &&
             dimOf(slice.getX(), i) == dimOf(slice.getResult(), i);
    });
  }
};

struct ConcatSplit : SplitOpInterface::ExternalModel<ConcatSplit, ConcatOp> {
  SplitRule getSplitRule(Operation *op) const {
    auto concat = cast<ConcatOp>(op);
    RuleBuilder rule(op);
    for (unsigned i = 0; i < rankOf(concat.getResult()); ++i) {
      const DimAttr extent = dimOf(concat.getResult(), i);
      if (i == concat.getAxis() || llvm::any_of(op->getOperands(), [&](Value v) { return dimOf(v, i) != extent; }))
        continue;
      const int loop = rule.loop(extent);
      for (unsigned k = 0; k < op->getNumOperands(); ++k)
        rule.operand(k, i, loop);
      rule.result(0, i, loop);
    }
    return rule.take();
  }
};

struct BatchNormalizationSplit : SplitOpInterface::ExternalModel<BatchNormalizationSplit, BatchNormalizationOp> {
  SplitRule getSplitRule(Operation *op) const {
    RuleBuilder rule(op);
    for (unsigned i = 0; i < rankOf(op->getOperand(0)); ++i)
      rule.keep(i);
    for (unsigned k = 1; k < op->getNumOperands(); ++k)
      rule.operand(k, 0, /*loop=*/1);
    return rule.take();
  }
};

struct ScatterSplit : SplitOpInterface::ExternalModel<ScatterSplit, ScatterOp> {
  SplitRule getSplitRule(Operation *op) const {
    RuleBuilder rule(op);
    rule.keep(1);
    if (dimOf(op->getOperand(2), 1) == dimOf(op->getOperand(0), 1))
      rule.operand(2, 1, 0);
    return dimOf(op->getOperand(2), 1) == dimOf(op->getOperand(0), 1) ? rule.take() : RuleBuilder(op).take();
  }
};

//===----------------------------------------------------------------------===//
// Recurrences: rows of the batch
//===----------------------------------------------------------------------===//

template <typename Op>
struct RecurrenceSplit : SplitOpInterface::ExternalModel<RecurrenceSplit<Op>, Op> {
  SplitRule getSplitRule(Operation *op) const {
    auto recurrence = cast<Op>(op);
    RuleBuilder rule(op);
    const DimAttr rows = dimOf(recurrence.getGates(), 1);
    const int loop = rule.loop(rows);
    rule.operand(0, 1, loop);
    for (OpOperand &operand : op->getOpOperands()) {
      const bool isState = operand.get() == recurrence.getInitialH() || isInitialC(recurrence, operand.get());
      if (isState || operand.get() == recurrence.getLengths())
        rule.operand(operand.getOperandNumber(), isState ? 1 : 0, loop);
      if ((isState || operand.get() == recurrence.getLengths()) && dimOf(operand.get(), isState ? 1 : 0) != rows)
        return RuleBuilder(op).take();
    }
    for (unsigned i = 0; i < op->getNumResults(); ++i)
      rule.result(i, i == 0 ? 2 : 1, loop);
    return rule.take();
  }

  static bool isInitialC(LstmOp op, Value v) { return v == op.getInitialC(); }
  static bool isInitialC(GruOp, Value) { return false; }
};

//===----------------------------------------------------------------------===//
// Attention: batch and heads
//===----------------------------------------------------------------------===//

/// Loops: heads of k, each of which serves several of q; rows of q; samples, if all operands have as many.
struct AttentionSplit : SplitOpInterface::ExternalModel<AttentionSplit, AttentionOp> {
  enum { Heads, Rows };

  SplitRule getSplitRule(Operation *op) const {
    auto attention = cast<AttentionOp>(op);
    const DimAttr samples = dimOf(attention.getQ(), 0), rows = dimOf(attention.getQ(), 2);
    RuleBuilder rule(op);
    rule.loop(dimOf(attention.getK(), 1));
    rule.loop(rows);
    const bool isOneBatch = samples == dimOf(attention.getK(), 0) && samples == dimOf(attention.getV(), 0);
    const int b = isOneBatch ? rule.loop(samples) : -1;
    for (unsigned i = 0; i < 3; ++i) {
      rule.operand(i, 0, b);
      rule.operand(i, 1, Heads);
    }
    rule.operand(0, 2, Rows);
    for (auto [axis, loop] : {std::pair(0, b), std::pair(1, int(Heads)), std::pair(2, int(Rows))})
      rule.result(0, axis, loop);
    const unsigned rank = attention.getMask() ? rankOf(attention.getMask()) : 0;
    for (auto [axis, extent, loop] :
         {std::tuple(0u, samples, b), std::tuple(1u, dimOf(attention.getQ(), 1), int(Heads)),
          std::tuple(2u, rows, int(Rows))}) {
      if (axis + rank < 4)
        continue;
      const DimAttr dim = dimOf(attention.getMask(), axis + rank - 4);
      if (dim == extent)
        rule.operand(3, axis + rank - 4, loop);
      else if (!dim.isConstant(1)) // may be either in a run
        return RuleBuilder(op).take();
    }
    return rule.take();
  }

  SmallVector<Value> createLocalPart(Operation *op, OpBuilder &builder, ValueRange operands, TypeRange types,
                                     const LocalPart &part) const {
    SmallVector<Value> local = cloneLocal(builder, op, operands, types);
    auto attention = local.front().getDefiningOp<AttentionOp>();
    if (auto offset = attention.getCausalOffset(); offset && !part.begins.empty())
      attention.setCausalOffsetAttr(*offset + part.begins[Rows]);
    return local;
  }
};

struct RotarySplit : SplitOpInterface::ExternalModel<RotarySplit, RotaryEmbeddingOp> {
  SplitRule getSplitRule(Operation *op) const {
    RuleBuilder rule(op);
    const unsigned rank = rankOf(op->getOperand(0));
    for (unsigned i = 0; i + 1 < rank; ++i) {
      const DimAttr extent = dimOf(op->getOperand(0), i);
      auto fits = [&](Value v) { // has the dimension, or repeats
        const unsigned missing = rank - rankOf(v);
        return i < missing || dimOf(v, i - missing) == extent || dimOf(v, i - missing).isConstant(1);
      };
      if (!fits(op->getOperand(1)) || !fits(op->getOperand(2)))
        continue;
      rule.keep(i);
      const int loop = int(rule.numLoops()) - 1;
      for (unsigned k : {1u, 2u}) {
        const unsigned missing = rank - rankOf(op->getOperand(k));
        if (i >= missing && dimOf(op->getOperand(k), i - missing) == extent)
          rule.operand(k, i - missing, loop);
      }
    }
    return rule.take();
  }
};

//===----------------------------------------------------------------------===//
// Contractions: products and convolutions
//===----------------------------------------------------------------------===//

template <typename Op>
struct ProductSplit : SplitOpInterface::ExternalModel<ProductSplit<Op>, Op> {
  SplitRule getSplitRule(Operation *op) const {
    const IterationSpace space = cast<Op>(op).getIterationSpace();
    const unsigned operands = op->getNumOperands();
    RuleBuilder rule(op);
    for (auto [i, extent] : llvm::enumerate(space.extents)) {
      const bool isSum = space.iterators[i] == utils::IteratorType::reduction;
      SmallVector<std::pair<unsigned, unsigned>> dims; // map, axis
      bool fits = true;
      for (auto [map, exprs] : llvm::enumerate(space.maps))
        for (auto [axis, expr] : llvm::enumerate(exprs.getResults()))
          if (expr.isFunctionOfDim(i)) {
            dims.push_back({map, axis});
            Value v = map < operands ? op->getOperand(map) : op->getResult(0);
            fits &= dimOf(v, axis) == extent;
          }
      if (!fits)
        continue;
      const int loop = rule.loop(extent, isSum ? LoopKind::Sum : LoopKind::Parallel);
      for (auto [map, axis] : dims)
        map < operands ? rule.operand(map, axis, loop) : rule.result(0, axis, loop);
    }
    return rule.take();
  }
};

/// Without its bias where the part is not the first of a sum.
SmallVector<Value> createConvPart(Operation *op, OpBuilder &builder, ValueRange operands, TypeRange types,
                                  int64_t groups, bool hasBias) {
  SmallVector<Value> local = cloneLocal(builder, op, hasBias ? operands : operands.take_front(2), types);
  local.front().getDefiningOp()->setAttr("group", builder.getI64IntegerAttr(groups));
  return local;
}

/// Loops: rows of the batch; of one group output channels and, as a sum, input channels; else the groups.
template <typename Op, bool isTransposed>
struct ConvSplit : SplitOpInterface::ExternalModel<ConvSplit<Op, isTransposed>, Op> {
  SplitRule getSplitRule(Operation *op) const {
    auto conv = cast<Op>(op);
    RuleBuilder rule(op);
    rule.keep(0);
    const unsigned channels = isChannelsLast(conv) ? rankOf(conv.getX()) - 1 : 1;
    const unsigned in = isTransposed ? 0 : 1, out = 1 - in;
    if (conv.getGroup() != 1) {
      const int g = rule.loop(DimAttr::constant(op->getContext(), conv.getGroup()));
      rule.operand(0, channels, g);
      rule.operand(1, 0, g);
      if (conv.getBias())
        rule.operand(2, 0, g);
      rule.result(0, channels, g);
      return rule.take();
    }
    const int m = rule.loop(dimOf(conv.getW(), out));
    rule.operand(1, out, m);
    if (conv.getBias())
      rule.operand(2, 0, m);
    rule.result(0, channels, m);
    if (const DimAttr c = dimOf(conv.getX(), channels); c.getConstant() && c == dimOf(conv.getW(), in)) {
      const int sum = rule.loop(c, LoopKind::Sum);
      rule.operand(0, channels, sum);
      rule.operand(1, in, sum);
    }
    return rule.take();
  }

  SmallVector<Value> createLocalPart(Operation *op, OpBuilder &builder, ValueRange operands, TypeRange types,
                                     const LocalPart &part) const {
    auto conv = cast<Op>(op);
    if (conv.getGroup() != 1)
      return createConvPart(op, builder, operands, types, *part.extents[1].getConstant(), true);
    const bool isFirst = part.begins.size() < 3 || part.begins[2].isConstant(0);
    return createConvPart(op, builder, operands, types, 1, isFirst);
  }

  static bool isChannelsLast(ConvOp op) { return op.getChannelsLast(); }
  static bool isChannelsLast(ConvTransposeOp) { return false; }
};

/// Loops: rows of the batch; of one group output channels.
struct IntegerConvSplit : SplitOpInterface::ExternalModel<IntegerConvSplit, IntegerConvOp> {
  SplitRule getSplitRule(Operation *op) const {
    auto conv = cast<IntegerConvOp>(op);
    RuleBuilder rule(op);
    rule.keep(0);
    if (conv.getGroup() != 1)
      return rule.take();
    const int m = rule.loop(dimOf(conv.getW(), 0));
    rule.operand(1, 0, m);
    if (conv.getWZero() && rankOf(conv.getWZero()) == 1)
      rule.operand(op->getNumOperands() - 1, 0, m);
    rule.result(0, conv.getChannelsLast() ? rankOf(conv.getX()) - 1 : 1, m);
    return rule.take();
  }
};

struct UnpackSplit : SplitOpInterface::ExternalModel<UnpackSplit, Unpack2To4Op> {
  SplitRule getSplitRule(Operation *op) const {
    RuleBuilder rule(op);
    rule.keep(1);
    rule.operand(1, 1, 0);
    return rule.take();
  }
};

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

/// Reduced dimensions are split as `kind`; those of a mean are not.
template <typename Op, LoopKind kind>
struct ReduceSplit : SplitOpInterface::ExternalModel<ReduceSplit<Op, kind>, Op> {
  SplitRule getSplitRule(Operation *op) const {
    auto reduction = cast<ReductionOpInterface>(op);
    RuleBuilder rule(op);
    unsigned axis = 0; // of the result
    for (unsigned i = 0; i < rankOf(op->getOperand(0)); ++i) {
      const DimAttr extent = dimOf(op->getOperand(0), i);
      if (!llvm::is_contained(reduction.getReducedAxes(), int64_t(i))) {
        const int loop = rule.loop(extent);
        rule.operand(0, i, loop);
        rule.result(0, axis++, loop);
        continue;
      }
      axis += reduction.keepsDims();
      if (kind != LoopKind::Parallel)
        rule.operand(0, i, rule.loop(extent, kind));
    }
    return rule.take();
  }
};

//===----------------------------------------------------------------------===//
// reshape, gather
//===----------------------------------------------------------------------===//

/// The dimensions of x and y fall into groups of as many elements. Within one the slowest dimensions share a loop: of
/// their greatest common divisor.
struct ReshapeSplit : SplitOpInterface::ExternalModel<ReshapeSplit, ReshapeOp> {
  SplitRule getSplitRule(Operation *op) const {
    auto reshape = cast<ReshapeOp>(op);
    const auto x = getDims(tensorType(reshape.getX().getType())), y = getDims(reshape.getResult().getType());
    RuleBuilder rule(op);
    size_t i = 0, k = 0;
    while (i < x.size() && k < y.size()) {
      auto [di, dk] = takeGroup(ArrayRef(x).drop_front(i), ArrayRef(y).drop_front(k));
      if (di == 0)
        break;
      const size_t a = skipOnes(x, i, i + di), b = skipOnes(y, k, k + dk);
      if (const DimAttr common = a < i + di && b < k + dk ? divisorOf(x[a], y[b]) : DimAttr()) {
        const int loop = rule.loop(common);
        rule.operand(0, a, loop);
        rule.result(0, b, loop);
      }
      i += di;
      k += dk;
    }
    return rule.take();
  }

  /// How many leading dimensions of each have the same product, as few as possible; none: 0.
  static std::pair<size_t, size_t> takeGroup(ArrayRef<DimAttr> x, ArrayRef<DimAttr> y) {
    MLIRContext *context = x.front().getContext();
    DimAttr left = DimAttr::constant(context, 1);
    for (size_t i = 0; i < x.size(); ++i) {
      left = left * x[i];
      DimAttr right = DimAttr::constant(context, 1);
      for (size_t k = 0; k < y.size(); ++k) {
        right = right * y[k];
        if (left == right)
          return {i + 1, k + 1};
      }
    }
    return {0, 0};
  }

  static size_t skipOnes(ArrayRef<DimAttr> dims, size_t first, size_t end) {
    while (first < end && dims[first].isConstant(1))
      ++first;
    return first;
  }

  /// Divides both; null where that is 1 or not known.
  static DimAttr divisorOf(DimAttr a, DimAttr b) {
    if (a == b)
      return a;
    if (a.getConstant() && b.getConstant()) {
      const int64_t common = std::gcd(*a.getConstant(), *b.getConstant());
      return common > 1 ? DimAttr::constant(a.getContext(), common) : DimAttr();
    }
    if (floorDiv(a, b) * b == a)
      return b;
    if (floorDiv(b, a) * a == b)
      return a;
    return {};
  }
};

/// Any dimension, and the table's axis as a sum: a row that is elsewhere counts as zeros.
struct GatherSplit : SplitOpInterface::ExternalModel<GatherSplit, GatherOp> {
  SplitRule getSplitRule(Operation *op) const {
    auto gather = cast<GatherOp>(op);
    RuleBuilder rule(op);
    const unsigned axis = gather.getAxis(), inserted = rankOf(gather.getIndices());
    for (unsigned i = 0; i < rankOf(gather.getX()); ++i) {
      const bool isTable = i == axis;
      // No sum of bools; no part of the table may be empty.
      if (isTable && (gather.getX().getType().getElementType().isInteger(1) || gather.getX().getType().isDynamicDim(i)))
        continue;
      const int loop = rule.loop(dimOf(gather.getX(), i), isTable ? LoopKind::Sum : LoopKind::Parallel);
      rule.operand(0, i, loop);
      if (!isTable)
        rule.result(0, i < axis ? i : i - 1 + inserted, loop);
    }
    for (unsigned i = 0; i < inserted; ++i) {
      const int loop = rule.loop(dimOf(gather.getIndices(), i));
      rule.operand(1, i, loop);
      rule.result(0, axis + i, loop);
    }
    return rule.take();
  }

  SmallVector<Value> createLocalPart(Operation *op, OpBuilder &builder, ValueRange operands, TypeRange types,
                                     const LocalPart &part) const {
    auto gather = cast<GatherOp>(op);
    const DimAttr whole = dimOf(gather.getX(), gather.getAxis()), extent = dimOf(operands[0], gather.getAxis());
    if (whole == extent)
      return cloneLocal(builder, op, operands, types);
    return createPartOfTable(builder, gather, operands, types.front(), part.begins[gather.getAxis()], extent, whole);
  }

private:
  static SmallVector<Value> createPartOfTable(OpBuilder &builder, GatherOp gather, ValueRange operands, Type type,
                                              DimAttr begin, DimAttr extent, DimAttr whole) {
    const Location loc = gather.getLoc();
    auto indexType = tensorType(operands[1].getType());
    auto scalar = [&](DimAttr value) -> Value {
      if (auto constant = value.getConstant())
        return ConstantOp::create(
            builder, loc,
            DenseElementsAttr::get(RankedTensorType::get({}, indexType.getElementType()),
                                   builder.getIntegerAttr(indexType.getElementType(), *constant)));
      return DimsOp::create(builder, loc, getTensorType({}, indexType.getElementType()),
                            ShapeAttr::get(builder.getContext(), {value}));
    };
    // As graph.gather reads an index: negative ones count from the end, then all are clamped into the whole table.
    const DimAttr zero = DimAttr::constant(builder.getContext(), 0);
    Value index = operands[1], none = scalar(zero);
    Value wrapped = AddOp::create(builder, loc, index, scalar(whole));
    index = WhereOp::create(builder, loc, ValueRange{LessOp::create(builder, loc, index, none), wrapped, index});
    index = MinOp::create(builder, loc, MaxOp::create(builder, loc, index, none), scalar(whole - 1));
    index = SubOp::create(builder, loc, index, scalar(begin));
    Value isHere = AndOp::create(builder, loc, GreaterOrEqualOp::create(builder, loc, index, none),
                                 LessOp::create(builder, loc, index, scalar(extent)));
    index = WhereOp::create(builder, loc, ValueRange{isHere, index, none});
    Value rows = GatherOp::create(builder, loc, type, operands[0], index, gather.getAxisAttr());
    const unsigned after = rankOf(operands[0]) - gather.getAxis() - 1;
    auto dims = getDims(tensorType(isHere.getType()));
    dims.append(after, DimAttr::constant(builder.getContext(), 1));
    isHere = ReshapeOp::create(builder, loc, getTensorType(dims, builder.getI1Type()), isHere);
    Value zeros = CastOp::create(builder, loc, getTensorType({}, tensorType(type).getElementType()), none);
    return {WhereOp::create(builder, loc, ValueRange{isHere, rows, zeros})};
  }
};

} // namespace

void registerSplitModels(MLIRContext &context) {
  CumSumOp::attachInterface<AlongAxisSplit<CumSumOp>>(context);
  CumProdOp::attachInterface<AlongAxisSplit<CumProdOp>>(context);
  TopKOp::attachInterface<AlongAxisSplit<TopKOp>>(context);
  DftOp::attachInterface<DftSplit>(context);
  DetOp::attachInterface<DetSplit>(context);
  PadOp::attachInterface<PadSplit>(context);
  ResizeOp::attachInterface<ResizeSplit>(context);
  SliceOp::attachInterface<SliceSplit>(context);
  ConcatOp::attachInterface<ConcatSplit>(context);
  BatchNormalizationOp::attachInterface<BatchNormalizationSplit>(context);
  ScatterOp::attachInterface<ScatterSplit>(context);
  LstmOp::attachInterface<RecurrenceSplit<LstmOp>>(context);
  GruOp::attachInterface<RecurrenceSplit<GruOp>>(context);
  AttentionOp::attachInterface<AttentionSplit>(context);
  RotaryEmbeddingOp::attachInterface<RotarySplit>(context);
  MatMulOp::attachInterface<ProductSplit<MatMulOp>>(context);
  IntegerMatMulOp::attachInterface<ProductSplit<IntegerMatMulOp>>(context);
  IntegerConvOp::attachInterface<IntegerConvSplit>(context);
  Unpack2To4Op::attachInterface<UnpackSplit>(context);
  ConvOp::attachInterface<ConvSplit<ConvOp, false>>(context);
  ConvTransposeOp::attachInterface<ConvSplit<ConvTransposeOp, true>>(context);
  ReduceSumOp::attachInterface<ReduceSplit<ReduceSumOp, LoopKind::Sum>>(context);
  ReduceProdOp::attachInterface<ReduceSplit<ReduceProdOp, LoopKind::Prod>>(context);
  ReduceMaxOp::attachInterface<ReduceSplit<ReduceMaxOp, LoopKind::Max>>(context);
  ReduceMinOp::attachInterface<ReduceSplit<ReduceMinOp, LoopKind::Min>>(context);
  ReduceMeanOp::attachInterface<ReduceSplit<ReduceMeanOp, LoopKind::Parallel>>(context);
  ReshapeOp::attachInterface<ReshapeSplit>(context);
  GatherOp::attachInterface<GatherSplit>(context);
}

} // namespace tenon::graph
