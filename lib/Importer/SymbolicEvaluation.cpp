//===- SymbolicEvaluation.cpp - Shape arithmetic at import -----------------===//
//
// Exported models compute shapes by graphs of small integer tensors: Shape, Gather, Concat, Mul, .. Where all operands
// are known as expressions over input extents, so is the result, and no op is built for it. An evaluator that cannot
// give the exact value declines, and the node is imported as any other.
//
//===----------------------------------------------------------------------===//
#include "NodeImporter.h"
#include "Registry.h"
#include "RunTimeAxes.h"
#include "SliceBounds.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include <numeric>

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {
namespace {

/// True: results bound. False: declined.
using Evaluator = FailureOr<bool> (*)(NodeImporter &);

FailureOr<bool> bind(NodeImporter &n, ArrayRef<int64_t> shape, Type elementType, Dims elements) {
  if (failed(n.setKnown(0, RankedTensorType::get(shape, elementType), std::move(elements))))
    return failure();
  return true;
}

/// Whether constant elements are in [low, high].
bool areWithin(const Dims &elements, int64_t low, int64_t high) {
  return llvm::all_of(
      elements, [&](DimAttr e) { return !e.getConstant() || (*e.getConstant() >= low && *e.getConstant() <= high); });
}

/// Floats are tracked only where float arithmetic on them is exact, and integers where theirs does not wrap:
/// expressions saturate.
bool isExact(const Dims &elements, Type type) {
  if (auto integer = dyn_cast<IntegerType>(type)) {
    if (integer.getWidth() == 64)
      return areWithin(elements, integer.isUnsigned() ? 0 : INT64_MIN + 1, INT64_MAX - 1);
    bool isSigned = !integer.isUnsigned() && integer.getWidth() > 1;
    int64_t end = int64_t(1) << (integer.getWidth() - isSigned);
    return areWithin(elements, isSigned ? -end : 0, end - 1);
  }
  if (type.getIntOrFloatBitWidth() < 16) // casts round and saturate
    return false;
  int64_t largest = type.isF64() ? int64_t(1) << 52 : type.isF32() ? 1 << 24 : 256;
  return areWithin(elements, -largest, largest);
}

//===----------------------------------------------------------------------===//
// Shape and Size
//===----------------------------------------------------------------------===//

FailureOr<bool> evaluateShape(NodeImporter &n) {
  RankedTensorType type = n.inputType(0);
  if (!type)
    return failure();
  Dims dims = getDims(type);
  int64_t rank = type.getRank();
  auto clampIndex = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + rank : i, 0, rank); };
  int64_t start = clampIndex(n.intAttr("start", 0)), end = clampIndex(n.intAttr("end", rank));
  Dims part(dims.begin() + start, dims.begin() + std::max(start, end));
  return bind(n, {int64_t(part.size())}, IntegerType::get(n.context, 64), part);
}

FailureOr<bool> evaluateSize(NodeImporter &n) {
  RankedTensorType type = n.inputType(0);
  if (!type)
    return failure();
  return bind(n, {}, IntegerType::get(n.context, 64), {product(n.context, getDims(type))});
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

/// The value of `f` on two elements; null declines.
using Binary = DimAttr (*)(DimAttr, DimAttr, Type);

DimAttr addElements(DimAttr a, DimAttr b, Type) { return a + b; }
DimAttr subElements(DimAttr a, DimAttr b, Type) { return a - b; }
DimAttr mulElements(DimAttr a, DimAttr b, Type) { return a * b; }
DimAttr minElements(DimAttr a, DimAttr b, Type) { return min(a, b); }
DimAttr maxElements(DimAttr a, DimAttr b, Type) { return max(a, b); }

/// Integers truncate, which is floor where both are non-negative; floats must divide exactly.
DimAttr divElements(DimAttr a, DimAttr b, Type type) {
  auto divisor = b.getConstant();
  if (divisor && *divisor == 0)
    return {};
  DimAttr quotient = floorDiv(a, b);
  bool isPositive = a.isNonNegative() && b.isNonNegative();
  if (quotient * b == a || (isa<IntegerType>(type) && isPositive))
    return quotient;
  if (isa<IntegerType>(type) && divisor && *divisor > 0 && dependsOnElements(a)) // towards zero
    return floorDiv(a + isLess(a, DimAttr::constant(a.getContext(), 0)) * (*divisor - 1), b);
  return {};
}

/// The remainder has the sign of b.
DimAttr floorModElements(DimAttr a, DimAttr b, Type type) {
  if (!isa<IntegerType>(type) || b.getConstant().value_or(0) <= 0)
    return {};
  return a - floorDiv(a, b) * b;
}

/// With fmod 1 it has that of a.
DimAttr truncatedModElements(DimAttr a, DimAttr b, Type type) {
  return a.isNonNegative() ? floorModElements(a, b, type) : DimAttr();
}

/// 1 or 0 where the answer holds for every size.
DimAttr equalElements(DimAttr a, DimAttr b, Type) {
  DimAttr difference = a - b;
  if (auto value = difference.getConstant())
    return DimAttr::constant(a.getContext(), *value == 0);
  if ((difference - 1).isNonNegative() || (b - a - 1).isNonNegative())
    return DimAttr::constant(a.getContext(), 0);
  return {};
}

DimAttr lessElements(DimAttr a, DimAttr b, Type) {
  if ((b - a - 1).isNonNegative())
    return DimAttr::constant(a.getContext(), 1);
  if ((a - b).isNonNegative())
    return DimAttr::constant(a.getContext(), 0);
  return {};
}

/// Booleans are 0 and 1.
DimAttr andElements(DimAttr a, DimAttr b, Type) { return a * b; }
DimAttr orElements(DimAttr a, DimAttr b, Type) { return max(a, b); }

DimAttr greaterElements(DimAttr a, DimAttr b, Type type) { return lessElements(b, a, type); }

/// The shape of operands that are alike, or all but one of which have one element; nothing otherwise.
std::optional<SmallVector<int64_t>> getCommonShape(ArrayRef<ModelValue *> values) {
  SmallVector<int64_t> shape;
  for (ModelValue *value : values) {
    ArrayRef<int64_t> other = value->type.getShape();
    int64_t elements = value->type.getNumElements();
    bool isOne = llvm::all_of(shape, [](int64_t d) { return d == 1; });
    if (isOne && (elements != 1 || other.size() > shape.size())) {
      if (other.size() < shape.size())
        return std::nullopt;
      shape.assign(other.begin(), other.end());
    } else if (elements == 1 ? other.size() > shape.size() : other != ArrayRef<int64_t>(shape)) {
      return std::nullopt;
    }
  }
  return shape;
}

template <Binary f, bool isComparison = false>
FailureOr<bool> evaluateBinary(NodeImporter &n) {
  const Dims &x = *n.known(0), &y = *n.known(1);
  Type type = n.getInput(0)->type.getElementType();
  auto shape = getCommonShape({n.getInput(0), n.getInput(1)});
  if (!shape || n.opset < 7 || n.getNumInputs() != 2 || n.getInput(1)->type.getElementType() != type)
    return false;
  Dims result;
  for (size_t i = 0; i < std::max(x.size(), y.size()) && !x.empty() && !y.empty(); ++i) {
    DimAttr value = f(x[x.size() == 1 ? 0 : i], y[y.size() == 1 ? 0 : i], type);
    if (!value)
      return false;
    result.push_back(value);
  }
  if (!isExact(result, type))
    return false;
  return bind(n, *shape, isComparison ? Type(IntegerType::get(n.context, 1)) : type, result);
}

FailureOr<bool> evaluateMod(NodeImporter &n) {
  return n.intAttr("fmod", 0) ? evaluateBinary<truncatedModElements>(n) : evaluateBinary<floorModElements>(n);
}

FailureOr<bool> evaluateWhere(NodeImporter &n) {
  auto condition = n.knownInts(0);
  auto shape = getCommonShape({n.getInput(0), n.getInput(1), n.getInput(2)});
  const Dims &x = *n.known(1), &y = *n.known(2);
  if (!condition || !shape || condition->empty() || x.empty() || y.empty())
    return false;
  Dims result;
  for (size_t i = 0; i < std::max({condition->size(), x.size(), y.size()}); ++i)
    result.push_back((*condition)[condition->size() == 1 ? 0 : i] ? x[x.size() == 1 ? 0 : i]
                                                                  : y[y.size() == 1 ? 0 : i]);
  return bind(n, *shape, n.getInput(1)->type.getElementType(), result);
}

FailureOr<bool> evaluateNeg(NodeImporter &n) {
  ModelValue *x = n.getInput(0);
  return bind(n, x->type.getShape(), x->type.getElementType(),
              llvm::map_to_vector(*x->known, [](DimAttr d) { return d * -1; }));
}

FailureOr<bool> evaluateNot(NodeImporter &n) {
  ModelValue *x = n.getInput(0);
  return bind(n, x->type.getShape(), x->type.getElementType(),
              llvm::map_to_vector(*x->known, [&](DimAttr d) { return n.dim(1) - d; }));
}

/// Floor, Ceil, Round: integers already.
FailureOr<bool> evaluateIdentity(NodeImporter &n) {
  if (failed(n.forward(0, 0)))
    return failure();
  return true;
}

FailureOr<bool> evaluateCast(NodeImporter &n) {
  ModelValue *x = n.getInput(0);
  Type to = getElementType(n.context, int32_t(n.intAttr("to", 0)));
  auto integer = dyn_cast_or_null<IntegerType>(to);
  if (!to || n.opset < 6)
    return false;
  if (to.isInteger(1) && !x->known->empty()) { // 0 or 1
    Dims result = llvm::map_to_vector(*x->known, [&](DimAttr d) { return equalElements(d, n.dim(0), to); });
    if (!llvm::all_of(result, [](DimAttr d) { return bool(d); }))
      return false;
    return bind(n, x->type.getShape(), to, llvm::map_to_vector(result, [&](DimAttr d) { return n.dim(1) - d; }));
  }
  // Narrow integers would wrap.
  if ((integer && integer.getWidth() < 32) || (to != x->type.getElementType() && !isExact(*x->known, to)))
    return false;
  return bind(n, x->type.getShape(), to, *x->known);
}

//===----------------------------------------------------------------------===//
// Movement
//===----------------------------------------------------------------------===//

FailureOr<bool> evaluateGather(NodeImporter &n) {
  ModelValue *x = n.getInput(0), *indices = n.getInput(1);
  auto positions = n.knownInts(1);
  if (!positions || x->type.getRank() != 1)
    return false;
  Dims result;
  int64_t size = int64_t(x->known->size());
  for (int64_t at : *positions) {
    if (at < -size || at >= size)
      return n.error(Code::WrongOperands) << "index " << at << " is outside [" << -size << ", " << size << ")";
    result.push_back((*x->known)[size_t(at < 0 ? at + size : at)]);
  }
  return bind(n, indices->type.getShape(), x->type.getElementType(), result);
}

/// The elements of a row-major tensor at the positions that `next` gives for each axis of the result.
Dims gatherElements(ModelValue *x, ArrayRef<int64_t> resultShape, function_ref<int64_t(ArrayRef<int64_t>)> positionOf) {
  Dims result;
  SmallVector<int64_t> index(resultShape.size(), 0);
  for (int64_t i = 0, count = llvm::product_of(resultShape); i < count; ++i) {
    result.push_back((*x->known)[size_t(positionOf(index))]);
    for (size_t axis = index.size(); axis-- > 0 && ++index[axis] == resultShape[axis];)
      index[axis] = 0;
  }
  return result;
}

/// One axis of a tensor of any rank.
FailureOr<bool> evaluateSlice(NodeImporter &n) {
  ModelValue *x = n.getInput(0);
  std::optional<Ints> starts = n.opset < 10 ? n.intsAttr("starts") : n.knownInts(1);
  std::optional<Ints> ends = n.opset < 10 ? n.intsAttr("ends") : n.knownInts(2);
  std::optional<Ints> axes = n.opset < 10 ? n.intsAttr("axes") : n.hasInput(3) ? n.knownInts(3) : std::nullopt;
  std::optional<Ints> steps = n.hasInput(4) ? n.knownInts(4) : Ints{1};
  if (!axes && !n.hasInput(3))
    axes = Ints{0};
  auto isOne = [](const std::optional<Ints> &v) { return v && v->size() == 1; };
  if (!isOne(starts) || !isOne(ends) || !isOne(axes) || !isOne(steps) || steps->front() == 0 ||
      std::abs(steps->front()) > INT32_MAX || x->type.getRank() == 0)
    return false;
  auto normalized = n.normalizeAxis(axes->front(), x->type.getRank());
  if (failed(normalized))
    return failure();
  const size_t axis = size_t(*normalized);
  SmallVector<int64_t> shape(x->type.getShape()), strides = mlir::computeSuffixProduct(shape);
  auto bounds = resolveSlice(n.dim(starts->front()), n.dim(ends->front()), steps->front(), n.dim(shape[axis]));
  auto start = bounds.start.getConstant(), extent = bounds.extent.getConstant();
  if (!start || !extent)
    return false;
  shape[axis] = *extent;
  return bind(n, shape, x->type.getElementType(), gatherElements(x, shape, [&](ArrayRef<int64_t> index) {
                return mlir::linearize(index, strides) + (*start + index[axis] * (steps->front() - 1)) * strides[axis];
              }));
}

FailureOr<bool> evaluateTranspose(NodeImporter &n) {
  ModelValue *x = n.getInput(0);
  ArrayRef<int64_t> shape = x->type.getShape();
  Ints perm = llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, x->type.getRank())));
  if (auto stated = n.intsAttr("perm"))
    perm = *stated;
  if (perm.size() != shape.size() || !mlir::isPermutationVector(perm))
    return false;
  SmallVector<int64_t> moved = mlir::applyPermutation(shape, perm),
                       strides = mlir::applyPermutation(ArrayRef(mlir::computeSuffixProduct(shape)), ArrayRef(perm));
  return bind(n, moved, x->type.getElementType(),
              gatherElements(x, moved, [&](ArrayRef<int64_t> index) { return mlir::linearize(index, strides); }));
}

FailureOr<bool> evaluateConcat(NodeImporter &n) {
  Dims result;
  for (size_t i = 0; i < n.getNumInputs(); ++i) {
    ModelValue *x = n.getInput(i);
    if (!x || x->type.getRank() != 1 || x->type.getElementType() != n.getInput(0)->type.getElementType())
      return false;
    llvm::append_range(result, *x->known);
  }
  if (result.size() > size_t(maxKnownElements))
    return false;
  return bind(n, {int64_t(result.size())}, n.getInput(0)->type.getElementType(), result);
}

/// A list in parts: stated, or of equal length with the last one shorter.
FailureOr<bool> evaluateSplit(NodeImporter &n) {
  ModelValue *x = n.getInput(0);
  const int64_t size = int64_t(x->known->size()), outputs = int64_t(n.getNumOutputs());
  if (x->type.getRank() != 1 || outputs == 0)
    return false;
  std::optional<Ints> parts = n.opset < 13 ? n.intsAttr("split") : n.hasInput(1) ? n.knownInts(1) : std::nullopt;
  if (n.opset >= 13 && n.hasInput(1) && !parts)
    return false;
  if (!parts) {
    const int64_t chunk = (size + outputs - 1) / outputs;
    parts = Ints(size_t(outputs), chunk);
    parts->back() = size - chunk * (outputs - 1);
  }
  if (int64_t(parts->size()) != outputs || llvm::any_of(*parts, [](int64_t p) { return p < 0; }) ||
      std::accumulate(parts->begin(), parts->end(), int64_t(0)) != size)
    return false;
  ArrayRef<DimAttr> rest = *x->known;
  for (auto [i, part] : llvm::enumerate(*parts)) {
    if (failed(n.setKnown(i, RankedTensorType::get({part}, x->type.getElementType()), Dims(rest.take_front(part)))))
      return failure();
    rest = rest.drop_front(part);
  }
  return true;
}

/// Squeeze, Unsqueeze, Reshape and Flatten: the same elements, shaped by the rule's arithmetic on a static shape.
FailureOr<bool> evaluateReshape(NodeImporter &n) {
  ModelValue *x = n.getInput(0);
  auto shape = n.knownInts(1);
  int64_t size = int64_t(x->known->size());
  if (!shape || n.opset < 5 || shape->size() > size_t(maxRank))
    return false;
  int64_t others = 1;
  for (int64_t extent : *shape)
    if (extent == 0 || extent < -1 || (extent > 0 && (others *= extent) > maxKnownElements))
      return false;
  if (llvm::count(*shape, -1) > 1 || size % others != 0)
    return false;
  for (int64_t &extent : *shape)
    extent = extent == -1 ? size / others : extent;
  if (llvm::count(*shape, -1) == 0 && llvm::product_of(*shape) != size)
    return false;
  return bind(n, *shape, x->type.getElementType(), *x->known);
}

template <bool inserts>
FailureOr<bool> evaluateSqueeze(NodeImporter &n) {
  ModelValue *x = n.getInput(0);
  if (n.hasInput(1) && !n.knownInts(1))
    return false;
  auto stated = n.axes(1, 13);
  if (failed(stated))
    return failure();
  SmallVector<int64_t> shape(x->type.getShape());
  if (!*stated) {
    if (inserts)
      return false;
    llvm::erase(shape, 1);
    return bind(n, shape, x->type.getElementType(), *x->known);
  }
  if ((*stated)->size() > size_t(maxRank))
    return false;
  auto axes = n.normalizeAxes(**stated, x->type.getRank() + (inserts ? int64_t((*stated)->size()) : 0));
  if (failed(axes))
    return failure();
  if (inserts) {
    for (int64_t axis : *axes)
      shape.insert(shape.begin() + axis, 1);
  } else {
    for (int64_t axis : llvm::reverse(*axes)) {
      if (shape[size_t(axis)] != 1)
        return false;
      shape.erase(shape.begin() + axis);
    }
  }
  return bind(n, shape, x->type.getElementType(), *x->known);
}

/// Small constant ranges.
FailureOr<bool> evaluateRange(NodeImporter &n) {
  const Dims &start = *n.known(0), &limit = *n.known(1);
  auto step = n.knownInts(2);
  if (start.size() != 1 || limit.size() != 1 || !step || step->size() != 1 || step->front() <= 0 ||
      step->front() > INT32_MAX)
    return false;
  auto count = ceilDiv(limit[0] - start[0], step->front()).getConstant();
  if (!count || *count > maxKnownElements)
    return false;
  Dims result;
  for (int64_t i = 0; i < *count; ++i)
    result.push_back(start[0] + i * step->front());
  return bind(n, {int64_t(result.size())}, n.getInput(0)->type.getElementType(), result);
}

/// A short list filled with one integer.
FailureOr<bool> evaluateConstantOfShape(NodeImporter &n) {
  auto shape = n.knownInts(0);
  const auto *value = n.findAttr("value");
  if (!shape || !value || shape->size() > 1)
    return false;
  int64_t size = shape->empty() ? 1 : shape->front();
  if (size < 0 || size > maxKnownElements)
    return false;
  ModelValue *fill = n.addTensor(value->t());
  if (!fill)
    return failure();
  if (!fill->known || fill->known->size() != 1)
    return false;
  return bind(n, *shape, fill->type.getElementType(), Dims(size_t(size), fill->known->front()));
}

FailureOr<bool> evaluateReduceProd(NodeImporter &n) {
  ModelValue *x = n.getInput(0);
  auto axes = n.opset >= 18 ? n.hasInput(1) ? n.knownInts(1) : Ints{0} : n.intsAttr("axes").value_or(Ints{0});
  if (x->type.getRank() != 1 || !axes || (*axes != Ints{0} && *axes != Ints{-1}))
    return false;
  Dims result{product(n.context, *x->known)};
  if (!isExact(result, x->type.getElementType()))
    return false;
  SmallVector<int64_t> shape(n.intAttr("keepdims", 1) != 0 ? 1 : 0, 1);
  return bind(n, shape, x->type.getElementType(), result);
}

const llvm::StringMap<Evaluator> &getEvaluators() {
  static const llvm::StringMap<Evaluator> table = {
      {"Add", evaluateBinary<addElements>},
      {"Sub", evaluateBinary<subElements>},
      {"Mul", evaluateBinary<mulElements>},
      {"Div", evaluateBinary<divElements>},
      {"Mod", evaluateMod},
      {"Min", evaluateBinary<minElements>},
      {"Max", evaluateBinary<maxElements>},
      {"Equal", evaluateBinary<equalElements, true>},
      {"Less", evaluateBinary<lessElements, true>},
      {"Greater", evaluateBinary<greaterElements, true>},
      {"Where", evaluateWhere},
      {"Neg", evaluateNeg},
      {"Not", evaluateNot},
      {"And", evaluateBinary<andElements, true>},
      {"Or", evaluateBinary<orElements, true>},
      {"Floor", evaluateIdentity},
      {"Ceil", evaluateIdentity},
      {"Round", evaluateIdentity},
      {"Cast", evaluateCast},
      {"Gather", evaluateGather},
      {"Slice", evaluateSlice},
      {"Transpose", evaluateTranspose},
      {"Concat", evaluateConcat},
      {"Split", evaluateSplit},
      {"Reshape", evaluateReshape},
      {"Squeeze", evaluateSqueeze<false>},
      {"Unsqueeze", evaluateSqueeze<true>},
      {"Range", evaluateRange},
      {"ConstantOfShape", evaluateConstantOfShape},
      {"ReduceProd", evaluateReduceProd},
  };
  return table;
}

} // namespace

bool isShapeArithmetic(StringRef op) { return getEvaluators().contains(op); }

/// Where(a == 1, b, a): the extent that a and b have when they are broadcast.
static FailureOr<bool> evaluateBroadcast(NodeImporter &n) {
  auto shape = getCommonShape({n.getInput(0), n.getInput(1), n.getInput(2)});
  const Dims &ones = *n.getInput(0)->ones;
  if (!shape || !n.known(1) || !n.known(2) || n.known(1)->size() != ones.size() || *n.known(2) != ones)
    return false;
  Dims result;
  for (auto [a, b] : llvm::zip_equal(ones, *n.known(1)))
    if (!result.emplace_back(broadcast(a, b)))
      return false;
  return bind(n, *shape, n.getInput(1)->type.getElementType(), result);
}

std::optional<Dims> findComparedWithOne(NodeImporter &n) {
  auto isAllOnes = [](const Dims *dims) {
    return dims && !dims->empty() && llvm::all_of(*dims, [](DimAttr d) { return d.isConstant(1); });
  };
  if (n.node.op_type() != "Equal" || n.getNumInputs() != 2 || !n.known(0) || !isAllOnes(n.known(1)) ||
      n.known(1)->size() > n.known(0)->size())
    return std::nullopt;
  return *n.known(0);
}

FailureOr<bool> evaluateSymbolically(NodeImporter &n) {
  if (!n.node.domain().empty() && n.node.domain() != "ai.onnx")
    return false;
  if (n.node.op_type() == "Where" && n.hasInput(0) && n.getInput(0)->ones)
    return evaluateBroadcast(n);
  if (n.node.op_type() == "Shape")
    return evaluateShape(n);
  if (n.node.op_type() == "Size")
    return evaluateSize(n);
  auto it = getEvaluators().find(n.node.op_type());
  if (it == getEvaluators().end() || n.getNumInputs() == 0)
    return false;
  for (size_t i = 0; i < n.getNumInputs(); ++i)
    if (!n.known(i) && (n.hasInput(i) || i == 0))
      return false;
  // Operands every evaluator reads without asking.
  static const llvm::StringMap<size_t> operands = {{"Where", 3}, {"Range", 3},   {"Add", 2}, {"Sub", 2}, {"Mul", 2},
                                                   {"Div", 2},   {"Mod", 2},     {"Min", 2}, {"Max", 2}, {"Equal", 2},
                                                   {"Less", 2},  {"Greater", 2}, {"And", 2}, {"Or", 2},  {"Gather", 2}};
  for (size_t i = 0; i < operands.lookup(n.node.op_type()); ++i)
    if (!n.known(i))
      return false;
  return it->second(n);
}

} // namespace tenon::importer
