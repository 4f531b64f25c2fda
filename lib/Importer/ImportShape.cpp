//===- ImportShape.cpp - Operators that change the shape only --------------===//
#include "Compose.h"
#include "Registry.h"
#include "RunTimeAxes.h"
#include "RunTimeIndex.h"
#include <cmath>

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {

/// The quotient of two products of extents: equal factors cancel first, so that a division remains only where the
/// factors do not show that it is exact.
static DimAttr divideProducts(MLIRContext *context, Dims total, Dims known) {
  for (auto *it = known.begin(); it != known.end();) {
    auto *match = llvm::find(total, *it);
    if (match == total.end()) {
      ++it;
      continue;
    }
    total.erase(match);
    it = known.erase(it);
  }
  return floorDiv(product(context, total), product(context, known));
}

/// The target of Reshape where only a run knows which of its elements are 0 (unless allowzero) and which is -1.
static Dims resolveRunTimeReshape(NodeImporter &n, const Dims &from, const Dims &shape, bool allowZero) {
  Dims stated, result; // stated: with 1 in the place of -1
  DimAttr count = n.dim(1);
  for (auto [i, d] : llvm::enumerate(shape)) {
    DimAttr extent = max(d, n.dim(0));
    if (!allowZero && i < from.size())
      extent = chooseExtent(isEqual(d, n.dim(0)), from[i], extent);
    stated.push_back(chooseExtent(isLess(d, n.dim(0)), n.dim(1), extent));
    count = count * stated.back();
  }
  DimAttr rest = floorDiv(product(n.context, from), max(count, n.dim(1)));
  for (auto [d, extent] : llvm::zip(shape, stated))
    result.push_back(chooseExtent(isLess(d, n.dim(0)), rest, extent));
  return result;
}

/// The target of Reshape: 0 copies (unless allowzero), one -1 takes what is left.
static FailureOr<Dims> resolveReshape(NodeImporter &n, const Dims &from, Dims shape, bool allowZero) {
  if (llvm::any_of(shape, dependsOnElements))
    return resolveRunTimeReshape(n, from, shape, allowZero);
  std::optional<size_t> inferred;
  for (auto [i, d] : llvm::enumerate(shape)) {
    auto value = d.getConstant();
    if (value == 0 && !allowZero) {
      if (i >= from.size())
        return n.error(Code::WrongOperands)
               << "dimension " << i << " is copied from an operand of rank " << from.size();
      d = from[i];
    } else if (value == -1) {
      if (inferred)
        return n.error(Code::WrongOperands) << "the shape holds -1 twice";
      inferred = i;
    } else if (value && *value < 0) {
      return n.error(Code::WrongOperands) << "the shape holds " << *value;
    }
  }
  if (!inferred)
    return shape;
  Dims known = shape;
  known.erase(known.begin() + ptrdiff_t(*inferred));
  DimAttr count = product(n.context, known);
  if (count.isConstant(0))
    return n.error(Code::ShapeMismatch) << "-1 cannot be inferred next to a dimension of 0";
  shape[*inferred] = divideProducts(n.context, from, known);
  return shape;
}

namespace {

LogicalResult importReshape(NodeImporter &n) {
  RankedTensorType type = n.inputType(0);
  if (!type)
    return failure();
  Dims target;
  if (n.opset < 5) {
    for (int64_t extent : n.intsAttr("shape").value_or(Ints()))
      target.push_back(n.dim(extent));
  } else {
    auto shape = n.shapeOperand(1);
    if (failed(shape))
      return failure();
    target = *shape;
  }
  auto dims = resolveReshape(n, getDims(type), std::move(target), n.intAttr("allowzero", 0) != 0);
  return failed(dims) ? failure() : n.setOutput(n.reshape(n.input(0), *dims));
}

LogicalResult importFlatten(NodeImporter &n) {
  Value x = n.input(0);
  if (!x)
    return failure();
  int64_t rank = rankOf(x), axis = n.intAttr("axis", 1);
  if (axis < -rank || axis > rank)
    return n.error(Code::WrongAttribute) << "axis " << axis << " is outside [" << -rank << ", " << rank << "]";
  Dims dims = dimsOf(x);
  size_t split = size_t(axis < 0 ? axis + rank : axis);
  ArrayRef<DimAttr> all = dims;
  return n.setOutput(
      n.reshape(x, {product(n.context, all.take_front(split)), product(n.context, all.drop_front(split))}));
}

LogicalResult importSqueeze(NodeImporter &n) {
  Value x = n.input(0);
  if (const Dims *named = x && n.opset >= 13 ? getRunTimeAxes(n, 1) : nullptr)
    return n.setOutput(n.reshape(x, AxisFlags(n, *named, rankOf(x)).drop(dimsOf(x))));
  auto stated = x ? n.axes(1, 13) : FailureOr<std::optional<Ints>>(failure());
  if (failed(stated))
    return failure();
  Ints axes;
  Dims dims = dimsOf(x), result;
  if (*stated) {
    auto normal = n.normalizeAxes(**stated, rankOf(x));
    if (failed(normal))
      return failure();
    axes = *normal;
  } else {
    for (auto [i, d] : llvm::enumerate(dims)) {
      const bool isOne = d.isConstant(1) || n.isAssumedOne(d);
      if (!d.getConstant()) // the rank of the result must be known
        n.requireEqual(isEqual(d, n.dim(1)), n.dim(isOne), "axes of Squeeze, or extents other than 1");
      if (isOne)
        axes.push_back(int64_t(i));
    }
  }
  for (auto [i, d] : llvm::enumerate(dims)) {
    bool removed = llvm::is_contained(axes, int64_t(i));
    if (removed && d.getConstant() && !d.isConstant(1))
      return n.error(Code::ShapeMismatch) << "axis " << i << " has extent " << *d.getConstant() << ", not 1";
    if (!removed)
      result.push_back(d);
  }
  return n.setOutput(n.reshape(x, result));
}

LogicalResult importUnsqueeze(NodeImporter &n) {
  Value x = n.input(0);
  if (const Dims *named = x && n.opset >= 13 ? getRunTimeAxes(n, 1) : nullptr)
    return n.setOutput(n.reshape(x, AxisFlags(n, *named, rankOf(x) + int64_t(named->size())).insertOnes(dimsOf(x))));
  auto stated = x ? n.axes(1, 13) : FailureOr<std::optional<Ints>>(failure());
  if (failed(stated))
    return failure();
  if (!*stated)
    return n.error(Code::WrongAttribute) << "axes are missing";
  if ((*stated)->size() > size_t(maxRank))
    return n.error(Code::TooManyNodes) << "the result has more than " << maxRank << " dimensions";
  auto axes = n.normalizeAxes(**stated, rankOf(x) + int64_t((*stated)->size()));
  if (failed(axes))
    return failure();
  Dims dims = dimsOf(x);
  for (int64_t axis : *axes)
    dims.insert(dims.begin() + axis, n.dim(1));
  return n.setOutput(n.reshape(x, dims));
}

LogicalResult importExpand(NodeImporter &n) {
  Value x = n.input(0);
  auto shape = x ? n.shapeOperand(1) : FailureOr<Dims>(failure());
  if (failed(shape))
    return failure();
  Dims from = dimsOf(x), result = *shape;
  while (result.size() < from.size())
    result.insert(result.begin(), n.dim(1));
  for (size_t i = 0; i < from.size(); ++i) {
    DimAttr &to = result[result.size() - from.size() + i];
    if (from[i].getConstant() && dependsOnElements(to)) {
      if (from[i].isConstant(1))
        continue;
      n.requireEqual(isEqual(to, n.dim(1)) + isEqual(to, from[i]), n.dim(1), "a shape that its operand broadcasts to");
      to = from[i];
      continue;
    }
    DimAttr both = broadcast(from[i], to);
    if (!both)
      return n.error(Code::ShapeMismatch)
             << "extent " << *from[i].getConstant() << " does not broadcast to " << *to.getConstant();
    to = both;
  }
  for (DimAttr d : result)
    if (d.getConstant().value_or(0) < 0)
      return n.error(Code::WrongOperands) << "the shape holds " << *d.getConstant();
  auto type = getTensorType(result, typeOf(x).getElementType());
  return n.setOutput(type == x.getType() ? x : n.createTyped<ExpandOp>(type, x));
}

/// [.., d, ..] -> [.., 1, d, ..] -> [.., repeat, d, ..] -> [.., repeat * d, ..].
LogicalResult importTile(NodeImporter &n) {
  if (n.opset < 6)
    return n.error(Code::UnsupportedForm, "convert the model to opset 6, whose Tile takes repeats")
           << "Tile with an axis operand (opset 1)";
  Value x = n.input(0);
  auto repeats = x ? n.shapeOperand(1) : FailureOr<Dims>(failure());
  if (failed(repeats))
    return failure();
  Dims dims = dimsOf(x), split, expanded, result;
  if (repeats->size() != dims.size())
    return n.error(Code::WrongOperands) << repeats->size() << " repeats for rank " << dims.size();
  for (auto [d, repeat] : llvm::zip(dims, *repeats)) {
    if (repeat.getConstant().value_or(0) < 0)
      return n.error(Code::WrongOperands) << "repeat " << *repeat.getConstant();
    if (!repeat.isConstant(1)) {
      split.push_back(n.dim(1));
      expanded.push_back(repeat);
    }
    split.push_back(d);
    expanded.push_back(d);
    result.push_back(d * repeat);
  }
  if (split.size() == dims.size())
    return n.forward(0, 0);
  Type elementType = typeOf(x).getElementType();
  Value wide = n.reshape(x, split);
  Value copied = wide ? n.createTyped<ExpandOp>(getTensorType(expanded, elementType), wide) : Value();
  return n.setOutput(n.reshape(copied, result));
}

/// Operand `i` of Range in units of 2^-32; null if neither a constant nor an input of the model.
DimAttr fixedPoint(NodeImporter &n, size_t i) {
  auto number = n.knownFloats(i);
  if (!number || number->size() != 1)
    return getRunTimeNumber(n, i, 0);
  double scaled = std::ldexp(number->front(), 32);
  return std::abs(scaled) < 0x1p62 && scaled == std::floor(scaled) ? n.dim(int64_t(scaled)) : DimAttr();
}

/// start + i * delta of floats that are inputs of the model; else the loop that ONNX defines.
LogicalResult importRunTimeRange(NodeImporter &n, Type elementType) {
  DimAttr start = fixedPoint(n, 0), limit = fixedPoint(n, 1), delta = fixedPoint(n, 2);
  if (!start || !limit || !delta)
    return n.inlineBody();
  Compose c{n};
  auto read = [&](size_t i) { return n.reshape(n.input(i), {}); };
  Value index = c.iota(max(ceilDiv(limit - start, delta), n.dim(0)), elementType, 1, 0);
  return n.setOutput(c.add(c.mul(index, read(2)), read(0)));
}

/// start + i * step; constants may be fractional.
LogicalResult importRange(NodeImporter &n) {
  RankedTensorType type = n.inputType(0);
  if (!type)
    return failure();
  auto finish = [&](DimAttr start, int64_t step, DimAttr extent, Type elementType) {
    return n.createTyped<RangeOp>(getTensorType({extent}, elementType), start, uint64_t(step));
  };
  const Dims *start = n.known(0), *limit = n.known(1);
  auto step = n.knownInts(2);
  for (size_t i : {0, 1, 2})
    if (n.hasInput(i) && n.getInput(i)->type.getNumElements() != 1)
      return n.error(Code::WrongOperands) << "operand " << i << " must have one element";
  if (start && limit && step && step->front() != 0 && std::abs(step->front()) <= INT32_MAX) {
    int64_t by = step->front();
    DimAttr span = by > 0 ? limit->front() - start->front() : start->front() - limit->front();
    DimAttr extent = ceilDiv(span, std::abs(by));
    return n.setOutput(finish(start->front(), by, max(extent, n.dim(0)), type.getElementType()));
  }
  if (start && limit && n.known(2) && !step)
    return n.setOutput(rangeAtRunTime(n, start->front(), limit->front(), n.known(2)->front(), type.getElementType()));
  auto first = n.knownFloats(0), last = n.knownFloats(1), by = n.knownFloats(2);
  if (!first || !last || !by)
    return importRunTimeRange(n, type.getElementType());
  double count = std::ceil((last->front() - first->front()) / by->front());
  if (!(std::abs(count) < double(INT32_MAX)))
    return n.error(Code::WrongOperands) << "the range has no or too many elements";
  Value index = finish(n.dim(0), 1, n.dim(std::max<int64_t>(int64_t(count), 0)), type.getElementType());
  Value scaled = index ? n.create<MulOp>(index, n.scalar(type.getElementType(), by->front())) : Value();
  return n.setOutput(scaled ? n.create<AddOp>(scaled, n.scalar(type.getElementType(), first->front())) : Value());
}

} // namespace

void addShapeRules(Registry &r) {
  r.add("Reshape", 1, importReshape);
  r.add("Flatten", 1, importFlatten);
  r.add("Squeeze", 1, importSqueeze);
  r.add("Unsqueeze", 1, importUnsqueeze);
  r.add("Expand", 8, importExpand);
  r.add("Tile", 1, importTile);
  r.add("Range", 11, importRange);
}

} // namespace tenon::importer
