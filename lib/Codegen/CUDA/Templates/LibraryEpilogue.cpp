//===- LibraryEpilogue.cpp - Epilogues that libraries have ----------------===//
//
// Additions first, then an activation. GELU is spelled out by the importer and simplified after, so its form is not
// known: it is recognised by its values. Only sums, products and tanh of the argument and constants count, which are
// analytic: what agrees with GELU to 1e-6 at every sample is GELU.
//
//===----------------------------------------------------------------------===//
#include "LibraryEpilogue.h"

#include <cmath>

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {
namespace {

RankedTensorType tensorOf(Value v) { return cast<RankedTensorType>(v.getType()); }

class Matcher {
public:
  explicit Matcher(const HeavyRegion &region) : region(region) {}

  std::optional<LibraryEpilogue> run() {
    if (auto conv = dyn_cast<ConvOp>(region.heavy); conv && conv.getBias() && !take(conv.getBias()))
      return std::nullopt;
    Value sums = region.heavy->getResult(0);
    Value yielded = region.dispatch.getBody().front().getTerminator()->getOperand(0);
    while (Value next = addition(sums))
      sums = next;
    if (yielded == sums)
      return found;
    auto relu = yielded.getDefiningOp<ReluOp>();
    if (relu && relu->getOperand(0) == sums)
      found.activation = LibraryCall::Relu;
    else if (isGelu(yielded, sums))
      found.activation = LibraryCall::Gelu;
    else
      return std::nullopt;
    return found;
  }

private:
  /// The sum of `v` and an operand that is taken; null if `v` is used in any other way.
  Value addition(Value v) {
    auto add = v.hasOneUse() ? dyn_cast<AddOp>(*v.user_begin()) : AddOp();
    if (!add)
      return {};
    Value other = add->getOperand(0) == v ? add->getOperand(1) : add->getOperand(0);
    return other != v && take(other) ? add->getResult(0) : Value();
  }

  /// Takes `v` as bias or residual.
  bool take(Value v) {
    auto argument = dyn_cast<BlockArgument>(v);
    RankedTensorType sums = region.resultType();
    if (!argument || tensorOf(v).getElementType() != sums.getElementType())
      return false;
    auto dims = getDims(tensorOf(v)), all = getDims(sums);
    auto isOne = [](DimAttr dim) { return dim.isConstant(1); };
    if (found.bias < 0 && !dims.empty() && dims.back() == all.back() && llvm::all_of(ArrayRef(dims).drop_back(), isOne))
      found.bias = argument.getArgNumber();
    else if (found.residual < 0 && dims == all)
      found.residual = argument.getArgNumber();
    else
      return false;
    return true;
  }

  static std::optional<double> evaluate(Value v, Value argument, double at, int &left);
  static bool isGelu(Value v, Value argument);

  const HeavyRegion &region;
  LibraryEpilogue found;
};

/// `v` as a function of `argument`, at `at`. Looks at no more than `left` values.
std::optional<double> Matcher::evaluate(Value v, Value argument, double at, int &left) {
  if (v == argument)
    return at;
  if (--left < 0)
    return std::nullopt;
  if (auto constant = v.getDefiningOp<ConstantOp>()) {
    auto dense = dyn_cast<DenseElementsAttr>(constant.getValue());
    if (!dense || !dense.isSplat() || !isa<FloatType>(dense.getElementType()))
      return std::nullopt;
    APFloat value = dense.getSplatValue<APFloat>();
    bool ignored;
    value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &ignored);
    return value.convertToDouble();
  }
  Operation *op = v.getDefiningOp();
  if (!op || !isa<AddOp, MulOp, TanhOp>(op))
    return std::nullopt;
  std::optional<double> x = evaluate(op->getOperand(0), argument, at, left);
  if (!x || isa<TanhOp>(op))
    return x ? std::optional(std::tanh(*x)) : x;
  std::optional<double> y = evaluate(op->getOperand(1), argument, at, left);
  return !y ? y : isa<AddOp>(op) ? *x + *y : *x * *y;
}

bool Matcher::isGelu(Value v, Value argument) {
  const bool isNarrow = !tensorOf(v).getElementType().isF32(); // its constants are rounded
  for (double x = -6; x <= 6; x += 0.37) {
    int left = 256;
    std::optional<double> value = evaluate(v, argument, x, left);
    const double expected = 0.5 * x * (1 + std::tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
    if (!value || std::abs(*value - expected) > (isNarrow ? 1e-2 : 1e-6))
      return false;
  }
  return true;
}

} // namespace

std::optional<LibraryEpilogue> LibraryEpilogue::match(const HeavyRegion &region) { return Matcher(region).run(); }

} // namespace tenon::codegen::cuda
