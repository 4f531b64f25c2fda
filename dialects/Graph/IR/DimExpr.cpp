//===- DimExpr.cpp - Arithmetic on symbolic extents -----------------------===//
//
// A polynomial is a list of (monomial, coefficient) sorted by monomial; a monomial is a sorted list of atoms. Building
// an attribute from a polynomial and reading it back are the only two places that know the Sum and Product layout.
//
//===----------------------------------------------------------------------===//
#include "Graph/IR/DimExpr.h"

#include "Graph/IR/InputElement.h"

#include <algorithm>
#include <numeric>

using namespace mlir;

namespace tenon::graph {
namespace {

using Monomial = SmallVector<DimAttr, 2>;
struct Term {
  Monomial atoms;
  int64_t coefficient;
};
using Polynomial = SmallVector<Term, 4>;

int64_t saturate(bool overflow, int64_t value, bool negative) {
  return !overflow ? value : negative ? INT64_MIN : INT64_MAX;
}

int64_t addSaturated(int64_t a, int64_t b) {
  int64_t r;
  bool overflow = __builtin_add_overflow(a, b, &r);
  return saturate(overflow, r, a < 0);
}

int64_t mulSaturated(int64_t a, int64_t b) {
  int64_t r;
  bool overflow = __builtin_mul_overflow(a, b, &r);
  return saturate(overflow, r, (a < 0) != (b < 0));
}

int64_t floorDivide(int64_t a, int64_t b) {
  int64_t q = a / b;
  return (a % b != 0 && (a < 0) != (b < 0)) ? q - 1 : q;
}

/// A total order on expressions that does not depend on addresses.
int compare(DimAttr a, DimAttr b) {
  if (a == b)
    return 0;
  if (a.getKind() != b.getKind())
    return a.getKind() < b.getKind() ? -1 : 1;
  if (a.getKind() == DimKind::Symbol)
    return a.getName().getValue().compare(b.getName().getValue());
  if (a.getOperands().size() != b.getOperands().size())
    return a.getOperands().size() < b.getOperands().size() ? -1 : 1;
  for (auto [x, y] : llvm::zip(a.dims(), b.dims()))
    if (int order = compare(x, y))
      return order;
  return a.getValue() < b.getValue() ? -1 : 1;
}

bool lessMonomial(const Monomial &a, const Monomial &b) {
  if (a.size() != b.size())
    return a.size() < b.size();
  for (auto [x, y] : llvm::zip(a, b))
    if (int order = compare(x, y))
      return order < 0;
  return false;
}

DimAttr makeNode(MLIRContext *context, DimKind kind, int64_t value, ArrayRef<DimAttr> operands) {
  SmallVector<Attribute> attributes(operands.begin(), operands.end());
  int64_t complexity = 1;
  for (DimAttr operand : operands)
    complexity = addSaturated(complexity, operand.getComplexity());
  return DimAttr::get(context, kind, value, StringAttr(), attributes, complexity);
}

Monomial toMonomial(DimAttr e) {
  if (e.getKind() == DimKind::Product)
    return llvm::to_vector<2>(e.dims());
  return {e};
}

int64_t coefficientOf(DimAttr e) { return e.getKind() == DimKind::Product ? e.getValue() : 1; }

Polynomial toPolynomial(DimAttr e) {
  Polynomial p;
  if (e.getKind() == DimKind::Sum) {
    if (e.getValue() != 0)
      p.push_back({{}, e.getValue()});
    for (DimAttr term : e.dims())
      p.push_back({toMonomial(term), coefficientOf(term)});
  } else if (e.getKind() == DimKind::Constant) {
    if (e.getValue() != 0)
      p.push_back({{}, e.getValue()});
  } else {
    p.push_back({toMonomial(e), coefficientOf(e)});
  }
  return p;
}

/// Sorts, merges equal monomials and drops zeros.
void normalise(Polynomial &p) {
  llvm::sort(p, [](const Term &a, const Term &b) { return lessMonomial(a.atoms, b.atoms); });
  Polynomial merged;
  for (Term &term : p) {
    if (!merged.empty() && merged.back().atoms == term.atoms)
      merged.back().coefficient = addSaturated(merged.back().coefficient, term.coefficient);
    else
      merged.push_back(std::move(term));
  }
  llvm::erase_if(merged, [](const Term &t) { return t.coefficient == 0; });
  p = std::move(merged);
}

DimAttr fromPolynomial(MLIRContext *context, Polynomial p) {
  normalise(p);
  int64_t constant = 0;
  SmallVector<DimAttr> terms;
  for (Term &term : p) {
    if (term.atoms.empty())
      constant = term.coefficient;
    else if (term.atoms.size() == 1 && term.coefficient == 1)
      terms.push_back(term.atoms.front());
    else
      terms.push_back(makeNode(context, DimKind::Product, term.coefficient, term.atoms));
  }
  if (terms.empty())
    return DimAttr::constant(context, constant);
  if (terms.size() == 1 && constant == 0)
    return terms.front();
  return makeNode(context, DimKind::Sum, constant, terms);
}

/// The terms of `p` that `divisor` divides exactly, divided, and the rest.
std::pair<Polynomial, Polynomial> splitDivisible(const Polynomial &p, const Term &divisor) {
  Polynomial quotient, rest;
  for (const Term &term : p) {
    Monomial left = term.atoms;
    bool exact = term.coefficient % divisor.coefficient == 0;
    for (DimAttr atom : divisor.atoms) {
      auto *it = llvm::find(left, atom);
      exact &= it != left.end();
      if (it != left.end())
        left.erase(it);
    }
    if (exact)
      quotient.push_back({left, term.coefficient / divisor.coefficient});
    else
      rest.push_back(term);
  }
  return {quotient, rest};
}

DimAttr minMax(DimAttr a, DimAttr b, DimKind kind) {
  DimAttr difference = a - b;
  bool isMin = kind == DimKind::Min;
  if (auto d = difference.getConstant())
    return (*d <= 0) == isMin ? a : b;
  if (difference.isNonNegative())
    return isMin ? b : a;
  if ((b - a).isNonNegative())
    return isMin ? a : b;
  // "To the end" in ONNX is any huge constant: no extent reaches it.
  constexpr int64_t huge = INT32_MAX;
  for (auto [x, y] : {std::pair(a, b), std::pair(b, a)})
    if (x.getConstant() && *x.getConstant() >= huge)
      return isMin ? y : x;
  if (compare(a, b) > 0)
    std::swap(a, b);
  return makeNode(a.getContext(), kind, 0, {a, b});
}

} // namespace

DimAttr DimAttr::constant(MLIRContext *context, int64_t value) {
  return get(context, DimKind::Constant, value, StringAttr(), {}, 1);
}

DimAttr DimAttr::symbol(MLIRContext *context, StringRef name) {
  return get(context, DimKind::Symbol, 0, StringAttr::get(context, name), {}, 1);
}

std::optional<int64_t> DimAttr::getConstant() const {
  if (getKind() == DimKind::Constant)
    return getValue();
  return std::nullopt;
}

/// A number the value is never below for non-negative symbols; nothing if none is known.
static std::optional<int64_t> getLowerBound(DimAttr e) {
  if (auto value = e.getConstant())
    return value;
  if (e.isSymbol())
    return parseInputElement(e.getName().getValue()) ? std::nullopt : std::optional<int64_t>(0);
  SmallVector<int64_t> bounds;
  for (DimAttr operand : e.dims()) {
    auto bound = getLowerBound(operand);
    if (!bound && e.getKind() != DimKind::Max)
      return std::nullopt;
    if (bound)
      bounds.push_back(*bound);
  }
  if (bounds.empty())
    return std::nullopt;
  switch (e.getKind()) {
  case DimKind::Sum:
    return std::accumulate(bounds.begin(), bounds.end(), e.getValue(), addSaturated);
  case DimKind::Product:
    // A factor that may be negative has a bound only alone.
    if (e.getValue() < 0 || (bounds.size() > 1 && llvm::any_of(bounds, [](int64_t b) { return b < 0; })))
      return std::nullopt;
    return std::accumulate(bounds.begin(), bounds.end(), e.getValue(), mulSaturated);
  case DimKind::FloorDiv:
    // A quotient is bounded by a constant divisor; without one only its sign is known.
    if (auto divisor = cast<DimAttr>(e.getOperands()[1]).getConstant(); divisor && *divisor > 0)
      return floorDivide(bounds[0], *divisor);
    return bounds[0] >= 0 && bounds[1] >= 0 ? std::optional<int64_t>(0) : std::nullopt;
  case DimKind::Max:
    return *llvm::max_element(bounds);
  default:
    return *llvm::min_element(bounds);
  }
}

bool DimAttr::isNonNegative() const { return getLowerBound(*this).value_or(-1) >= 0; }

void DimAttr::collectSymbols(SetVector<StringAttr> &symbols) const {
  if (isSymbol())
    symbols.insert(getName());
  for (DimAttr operand : dims())
    operand.collectSymbols(symbols);
}

static std::optional<int64_t> evaluateBinary(DimKind kind, int64_t a, int64_t b) {
  switch (kind) {
  case DimKind::FloorDiv:
    if (b == 0 || (a == INT64_MIN && b == -1))
      return std::nullopt;
    return floorDivide(a, b);
  case DimKind::Min:
    return std::min(a, b);
  case DimKind::Max:
    return std::max(a, b);
  default:
    if (a != b && a != 1 && b != 1)
      return std::nullopt;
    return a == 1 ? b : a;
  }
}

std::optional<int64_t> DimAttr::evaluate(function_ref<std::optional<int64_t>(StringRef)> symbols) const {
  if (getKind() == DimKind::Constant)
    return getValue();
  if (isSymbol())
    return symbols(getName().getValue());
  SmallVector<int64_t> values;
  for (DimAttr operand : dims()) {
    auto value = operand.evaluate(symbols);
    if (!value)
      return std::nullopt;
    values.push_back(*value);
  }
  if (getKind() != DimKind::Sum && getKind() != DimKind::Product)
    return evaluateBinary(getKind(), values[0], values[1]);
  int64_t result = getValue();
  for (int64_t value : values)
    if (getKind() == DimKind::Sum ? __builtin_add_overflow(result, value, &result)
                                  : __builtin_mul_overflow(result, value, &result))
      return std::nullopt;
  return result;
}

DimAttr operator+(DimAttr a, DimAttr b) {
  Polynomial p = toPolynomial(a);
  llvm::append_range(p, toPolynomial(b));
  return fromPolynomial(a.getContext(), std::move(p));
}

DimAttr operator*(DimAttr a, DimAttr b) {
  Polynomial p, q = toPolynomial(b);
  for (const Term &x : toPolynomial(a)) {
    for (const Term &y : q) {
      Monomial atoms = x.atoms;
      llvm::append_range(atoms, y.atoms);
      llvm::sort(atoms, [](DimAttr l, DimAttr r) { return compare(l, r) < 0; });
      p.push_back({atoms, mulSaturated(x.coefficient, y.coefficient)});
    }
  }
  return fromPolynomial(a.getContext(), std::move(p));
}

DimAttr operator-(DimAttr a, DimAttr b) { return a + b * -1; }
DimAttr operator+(DimAttr a, int64_t b) { return a + DimAttr::constant(a.getContext(), b); }
DimAttr operator-(DimAttr a, int64_t b) { return a + -b; }
DimAttr operator*(DimAttr a, int64_t b) { return a * DimAttr::constant(a.getContext(), b); }

DimAttr floorDiv(DimAttr a, DimAttr b) {
  MLIRContext *context = a.getContext();
  if (a == b)
    return DimAttr::constant(context, 1);
  Polynomial divisor = toPolynomial(b);
  if (divisor.size() == 1) {
    // floor((d * q + r) / d) = q + floor(r / d), exactly.
    auto [quotient, rest] = splitDivisible(toPolynomial(a), divisor.front());
    DimAttr exact = fromPolynomial(context, quotient), remainder = fromPolynomial(context, rest);
    if (remainder.isConstant(0))
      return exact;
    if (!quotient.empty())
      return exact + floorDiv(remainder, b);
    if (auto x = a.getConstant(), y = b.getConstant(); x && y)
      return DimAttr::constant(context, floorDivide(*x, *y));
    // (x / c) / d = x / (c * d) for positive c and d.
    if (b.getConstant() && a.getKind() == DimKind::FloorDiv) {
      auto inner = llvm::to_vector(a.dims());
      if (inner[1].getConstant().value_or(0) > 0 && *b.getConstant() > 0)
        return floorDiv(inner[0], inner[1] * b);
    }
  }
  return makeNode(context, DimKind::FloorDiv, 0, {a, b});
}

DimAttr floorDiv(DimAttr a, int64_t b) { return floorDiv(a, DimAttr::constant(a.getContext(), b)); }
DimAttr ceilDiv(DimAttr a, DimAttr b) { return floorDiv(a * -1, b) * -1; }
DimAttr ceilDiv(DimAttr a, int64_t b) { return floorDiv(a + (b - 1), b); }
DimAttr min(DimAttr a, DimAttr b) { return minMax(a, b, DimKind::Min); }
DimAttr max(DimAttr a, DimAttr b) { return minMax(a, b, DimKind::Max); }

DimAttr broadcast(DimAttr a, DimAttr b) {
  auto x = a.getConstant(), y = b.getConstant();
  if (a == b || (y && *y == 1))
    return a;
  if (x && *x == 1)
    return b;
  if (x && y)
    return {};
  for (auto [whole, part] : {std::pair(a, b), std::pair(b, a)})
    if (whole.getKind() == DimKind::Broadcast && llvm::is_contained(whole.dims(), part))
      return whole;
  if (compare(a, b) > 0)
    std::swap(a, b);
  return makeNode(a.getContext(), DimKind::Broadcast, 0, {a, b});
}

static constexpr StringLiteral elementPrefix = "element:", dimensionPrefix = "input:";

DimAttr inputElement(MLIRContext *context, unsigned input, unsigned element) {
  return DimAttr::symbol(context, (elementPrefix + Twine(input) + ":" + Twine(element)).str());
}

std::optional<std::pair<unsigned, unsigned>> parseInputElement(StringRef symbol) {
  unsigned input, element;
  if (!symbol.consume_front(elementPrefix) || symbol.consumeInteger(10, input) || !symbol.consume_front(":") ||
      symbol.getAsInteger(10, element))
    return std::nullopt;
  return std::pair(input, element);
}

bool isReservedSymbol(StringRef name) { return name.starts_with(elementPrefix) || name.starts_with(dimensionPrefix); }

SmallVector<DimAttr> getDims(RankedTensorType type) {
  if (auto shape = dyn_cast_or_null<ShapeAttr>(type.getEncoding()))
    return llvm::to_vector(shape.getDims());
  SmallVector<DimAttr> dims;
  for (int64_t extent : type.getShape()) {
    assert(!ShapedType::isDynamic(extent) && "a dynamic dimension must be named by the encoding");
    dims.push_back(DimAttr::constant(type.getContext(), extent));
  }
  return dims;
}

DimAttr getDim(RankedTensorType type, unsigned axis) {
  if (auto shape = dyn_cast_or_null<ShapeAttr>(type.getEncoding()))
    return shape[axis];
  return DimAttr::constant(type.getContext(), type.getDimSize(axis));
}

RankedTensorType getTensorType(ArrayRef<DimAttr> dims, Type elementType) {
  SmallVector<int64_t> shape;
  for (DimAttr dim : dims)
    shape.push_back(dim.getConstant().value_or(ShapedType::kDynamic));
  Attribute encoding;
  if (llvm::any_of(shape, ShapedType::isDynamic))
    encoding = ShapeAttr::get(elementType.getContext(), dims);
  return RankedTensorType::get(shape, elementType, encoding);
}

DimAttr product(MLIRContext *context, ArrayRef<DimAttr> dims) {
  DimAttr result = DimAttr::constant(context, 1);
  for (DimAttr dim : dims)
    result = result * dim;
  return result;
}

} // namespace tenon::graph
