//===- ImportReduction.cpp - Reductions ------------------------------------===//
//
// The axes are an attribute at first and an operand since opset 18 (ReduceSum: 13). Norms and logarithms of sums are
// composed around the plain reductions.
//
//===----------------------------------------------------------------------===//
#include "Compose.h"
#include "Graph/IR/SpecialOps.h"
#include "Registry.h"
#include "RunTimeAxes.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {
namespace {

/// The reduced axes; nothing if the op is to leave x as it is.
FailureOr<std::optional<Ints>> getAxes(NodeImporter &n, int64_t rank, int64_t sinceInput) {
  auto stated = n.axes(1, sinceInput);
  if (failed(stated))
    return failure();
  if (*stated && !(*stated)->empty()) {
    auto axes = n.normalizeAxes(**stated, rank);
    if (failed(axes))
      return failure();
    return std::optional<Ints>(*axes);
  }
  if (n.opset >= sinceInput && n.intAttr("noop_with_empty_axes", 0) != 0)
    return std::optional<Ints>();
  return std::optional<Ints>(llvm::to_vector(llvm::seq<int64_t>(0, rank)));
}

/// What is reduced along which axes, and the shape of the result where it is not that of the reduction.
struct ReducedOperand {
  Value x;
  std::optional<Ints> axes; ///< none: nothing is to be reduced
  bool keepsDims;
  std::optional<Dims> result;

  Value finish(NodeImporter &n, Value reduced) const { return result ? n.reshape(reduced, *result) : reduced; }
};

/// Axes that a run gives: every dimension d becomes [1, d] if it is named, else [d, 1], and the second ones are
/// reduced.
ReducedOperand prepareRunTimeAxes(NodeImporter &n, Value x, const Dims &named) {
  AxisFlags flags(n, named, rankOf(x));
  Dims dims = dimsOf(x), split, kept;
  Ints axes;
  for (auto [i, dim] : llvm::enumerate(dims)) {
    kept.push_back(chooseExtent(flags.isNamed(i), n.dim(1), dim));
    split.push_back(kept.back());
    split.push_back(chooseExtent(flags.isNamed(i), dim, n.dim(1)));
    axes.push_back(int64_t(2 * i + 1));
  }
  return {n.reshape(x, split), axes, false, n.intAttr("keepdims", 1) != 0 ? kept : flags.drop(dims)};
}

FailureOr<ReducedOperand> prepareReduction(NodeImporter &n, Value x, int64_t sinceInput) {
  if (const Dims *named = n.opset >= sinceInput ? getRunTimeAxes(n, 1) : nullptr)
    return prepareRunTimeAxes(n, x, *named);
  auto axes = getAxes(n, rankOf(x), sinceInput);
  if (failed(axes))
    return failure();
  return ReducedOperand{x, *axes, n.intAttr("keepdims", 1) != 0, std::nullopt};
}

ShapeAttr getShape(NodeImporter &n, DimAttr extent) { return ShapeAttr::get(n.context, {extent}); }

using Map = Value (*)(NodeImporter &, Value);
Value same(NodeImporter &, Value x) { return x; }
Value magnitude(NodeImporter &n, Value x) { return n.create<AbsOp>(x); }
Value square(NodeImporter &n, Value x) { return n.create<MulOp>(x, x); }
Value root(NodeImporter &n, Value x) { return n.create<SqrtOp>(x); }
Value logarithm(NodeImporter &n, Value x) { return n.create<LogOp>(x); }

/// The type integers are reduced in: bool and unsigned ones in a signed type that holds them (of 64 bits, sums and
/// products wrap to the same bits).
Type getReducedType(NodeImporter &n, Type type) {
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer || (integer.isSignless() && integer.getWidth() > 1))
    return type;
  return IntegerType::get(n.context, integer.getWidth() < 32 ? 32 : 64);
}

/// post(reduce(pre(x))).
template <typename OpTy, Map pre = same, Map post = same, int64_t sinceInput = 18>
LogicalResult importReduce(NodeImporter &n) {
  Value x = n.input(0);
  if (!x)
    return failure();
  Type type = typeOf(x).getElementType();
  constexpr bool isExtremum = std::is_same_v<OpTy, ReduceMaxOp> || std::is_same_v<OpTy, ReduceMinOp>;
  if (type.isUnsignedInteger(64) && isExtremum)
    return n.error(Code::UnsupportedElementType, "cast the operand to int64, the nearest type")
           << "not supported for element type " << type;
  x = n.cast(x, getReducedType(n, type));
  x = x ? pre(n, x) : Value();
  auto operand = x ? prepareReduction(n, x, sinceInput) : FailureOr<ReducedOperand>(failure());
  if (failed(operand) || !operand->x)
    return failure();
  if (operand->axes && !operand->axes->empty())
    x = operand->finish(n, n.create<OpTy>(operand->x, *operand->axes, operand->keepsDims));
  x = x ? post(n, x) : Value();
  // Of no bools at all the maximum is false, not the smallest number.
  if (x && type.isInteger(1) && std::is_same_v<OpTy, ReduceMaxOp>)
    x = n.create<ReluOp>(x);
  return n.setOutput(n.cast(x, type));
}

/// Where x equals its maximum (minimum), the index; the smallest of these, or the largest with `select_last_index`.
/// A row without such a place (all NaN) gives an index of the row.
template <typename ReduceTy>
LogicalResult importArg(NodeImporter &n) {
  Value x = n.input(0);
  if (!x)
    return failure();
  if (rankOf(x) == 0)
    return n.setOutput(n.scalar(IntegerType::get(n.context, 64), 0));
  auto axis = n.normalizeAxis(n.intAttr("axis", 0), rankOf(x));
  if (failed(axis))
    return failure();
  x = n.cast(x, getReducedType(n, typeOf(x).getElementType()));
  Ints axes = {*axis};
  Value best = x ? n.create<ReduceTy>(x, axes, true) : Value();
  Value isBest = best ? n.create<EqualOp>(x, best) : Value();
  if (!isBest)
    return failure();
  DimAttr extent = dimsOf(x)[size_t(*axis)];
  Type i64 = IntegerType::get(n.context, 64);
  Value index = n.createTyped<RangeOp>(getTensorType({extent}, i64), n.dim(0), 1);
  Dims dims(size_t(rankOf(x)), n.dim(1));
  dims[size_t(*axis)] = extent;
  index = n.reshape(index, dims);
  bool wantsLast = n.intAttr("select_last_index", 0) != 0, keepsDims = n.intAttr("keepdims", 1) != 0;
  Value other = wantsLast ? n.scalar(i64, 0) : n.createTyped<DimsOp>(getTensorType({}, i64), getShape(n, extent - 1));
  Value candidate = index && other ? n.create<WhereOp>(isBest, index, other) : Value();
  if (!candidate)
    return failure();
  return n.setOutput(wantsLast ? n.create<ReduceMaxOp>(candidate, axes, keepsDims)
                               : n.create<ReduceMinOp>(candidate, axes, keepsDims));
}

template <typename OpTy>
LogicalResult importCumulative(NodeImporter &n) {
  Value x = n.input(0);
  auto stated = x ? n.shapeOperand(1) : FailureOr<Dims>(failure());
  if (failed(stated))
    return failure();
  if (stated->size() != 1)
    return n.error(Code::WrongOperands) << "axis must be one number";
  auto sum = [&](Value v, int64_t axis) {
    return v ? n.create<OpTy>(v, axis, n.intAttr("exclusive", 0) != 0, n.intAttr("reverse", 0) != 0) : Value();
  };
  Dims dims = dimsOf(x);
  if (getRunTimeAxes(n, 1))
    return n.setOutput(n.reshape(sum(n.reshape(x, AxisFlags(n, *stated, rankOf(x)).split(dims)), 1), dims));
  auto axis = n.normalizeAxis(*stated->front().getConstant(), rankOf(x));
  return failed(axis) ? failure() : n.setOutput(sum(x, *axis));
}

/// The number of its type that is nearest to x, infinite ones aside. NaN stays.
Value makeFinite(NodeImporter &n, Value x) {
  auto type = x ? dyn_cast<FloatType>(typeOf(x).getElementType()) : FloatType();
  if (!type)
    return x;
  double largest = APFloat::getLargest(type.getFloatSemantics()).convertToDouble();
  return Compose{n}.min(Compose{n}.max(x, -largest), largest);
}

/// log sum e^x = m + log sum e^(x - m), m the maximum: no overflow. It is finite, so that infinities are no NaN.
LogicalResult importLogSumExp(NodeImporter &n) {
  Value x = n.input(0);
  if (!x)
    return failure();
  auto operand = prepareReduction(n, x, 18);
  if (failed(operand) || !operand->x)
    return failure();
  if (!operand->axes || operand->axes->empty())
    return n.setOutput(x);
  x = operand->x;
  const Ints &axes = *operand->axes;
  Value maximum = makeFinite(n, n.create<ReduceMaxOp>(x, axes, true));
  Value shifted = maximum ? n.create<SubOp>(x, maximum) : Value();
  Value exponential = shifted ? n.create<ExpOp>(shifted) : Value();
  Value sum = exponential ? n.create<ReduceSumOp>(exponential, axes, true) : Value();
  Value log = sum ? n.create<LogOp>(sum) : Value();
  Value result = log ? n.create<AddOp>(log, maximum) : Value();
  if (!result || operand->keepsDims)
    return n.setOutput(result);
  Dims dims;
  for (auto [i, dim] : llvm::enumerate(dimsOf(result)))
    if (!llvm::is_contained(axes, int64_t(i)))
      dims.push_back(dim);
  return n.setOutput(n.reshape(result, operand->result.value_or(dims)));
}

} // namespace

void addReductionRules(Registry &r) {
  r.add("ReduceSum", 1, importReduce<ReduceSumOp, same, same, 13>);
  r.add("ReduceMean", 1, importReduce<ReduceMeanOp>);
  r.add("ReduceProd", 1, importReduce<ReduceProdOp>);
  r.add("ReduceMax", 1, importReduce<ReduceMaxOp>);
  r.add("ReduceMin", 1, importReduce<ReduceMinOp>);
  r.add("ArgMax", 1, importArg<ReduceMaxOp>);
  r.add("ArgMin", 1, importArg<ReduceMinOp>);
  r.add("CumSum", 11, importCumulative<CumSumOp>);
  r.add("CumProd", 26, importCumulative<CumProdOp>);
  r.add("ReduceL1", 1, importReduce<ReduceSumOp, magnitude>);
  r.add("ReduceL2", 1, importReduce<ReduceSumOp, square, root>);
  r.add("ReduceSumSquare", 1, importReduce<ReduceSumOp, square>);
  r.add("ReduceLogSum", 1, importReduce<ReduceSumOp, same, logarithm>);
  r.add("ReduceLogSumExp", 1, importLogSumExp);
}

} // namespace tenon::importer
