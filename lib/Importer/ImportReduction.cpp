//===- ImportReduction.cpp - Reductions ------------------------------------===//
//
// The axes are an attribute at first and an operand since opset 18 (ReduceSum: 13). Norms and logarithms of sums are
// composed around the plain reductions.
//
//===----------------------------------------------------------------------===//
#include "NodeImporter.h"
#include "Registry.h"

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

using Map = Value (*)(NodeImporter &, Value);
Value same(NodeImporter &, Value x) { return x; }
Value magnitude(NodeImporter &n, Value x) { return n.create<AbsOp>(x); }
Value square(NodeImporter &n, Value x) { return n.create<MulOp>(x, x); }
Value root(NodeImporter &n, Value x) { return n.create<SqrtOp>(x); }
Value logarithm(NodeImporter &n, Value x) { return n.create<LogOp>(x); }

/// post(reduce(pre(x))).
template <typename OpTy, Map pre = same, Map post = same, int64_t sinceInput = 18>
LogicalResult importReduce(NodeImporter &n) {
  Value x = n.input(0);
  if (!x)
    return failure();
  auto axes = getAxes(n, rankOf(x), sinceInput);
  if (failed(axes))
    return failure();
  x = pre(n, x);
  if (x && *axes && !(*axes)->empty())
    x = n.create<OpTy>(x, **axes, n.intAttr("keepdims", 1) != 0);
  return n.setOutput(x ? post(n, x) : Value());
}

/// log sum e^x = m + log sum e^(x - m), m the maximum: no overflow.
LogicalResult importLogSumExp(NodeImporter &n) {
  Value x = n.input(0);
  if (!x)
    return failure();
  auto axes = getAxes(n, rankOf(x), 18);
  if (failed(axes))
    return failure();
  if (!*axes || (*axes)->empty())
    return n.setOutput(x);
  Value maximum = n.create<ReduceMaxOp>(x, **axes, true);
  Value shifted = maximum ? n.create<SubOp>(x, maximum) : Value();
  Value exponential = shifted ? n.create<ExpOp>(shifted) : Value();
  Value sum = exponential ? n.create<ReduceSumOp>(exponential, **axes, true) : Value();
  Value log = sum ? n.create<LogOp>(sum) : Value();
  Value result = log ? n.create<AddOp>(log, maximum) : Value();
  if (!result || n.intAttr("keepdims", 1) != 0)
    return n.setOutput(result);
  Dims dims;
  for (auto [i, dim] : llvm::enumerate(dimsOf(result)))
    if (!llvm::is_contained(**axes, int64_t(i)))
      dims.push_back(dim);
  return n.setOutput(n.reshape(result, dims));
}

} // namespace

void addReductionRules(Registry &r) {
  r.add("ReduceSum", 1, importReduce<ReduceSumOp, same, same, 13>);
  r.add("ReduceMean", 1, importReduce<ReduceMeanOp>);
  r.add("ReduceProd", 1, importReduce<ReduceProdOp>);
  r.add("ReduceMax", 1, importReduce<ReduceMaxOp>);
  r.add("ReduceMin", 1, importReduce<ReduceMinOp>);
  r.add("ReduceL1", 1, importReduce<ReduceSumOp, magnitude>);
  r.add("ReduceL2", 1, importReduce<ReduceSumOp, square, root>);
  r.add("ReduceSumSquare", 1, importReduce<ReduceSumOp, square>);
  r.add("ReduceLogSum", 1, importReduce<ReduceSumOp, same, logarithm>);
  r.add("ReduceLogSumExp", 1, importLogSumExp);
}

} // namespace tenon::importer
