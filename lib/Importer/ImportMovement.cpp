//===- ImportMovement.cpp - Operators that move elements -------------------===//
#include "NodeImporter.h"
#include "Registry.h"
#include "RunTimeAxes.h"
#include "RunTimeIndex.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {
namespace {

LogicalResult importTranspose(NodeImporter &n) {
  Value x = n.input(0);
  if (!x)
    return failure();
  Ints perm = n.intsAttr("perm").value_or(llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, rankOf(x)))));
  Ints sorted = perm;
  llvm::sort(sorted);
  if (!llvm::equal(sorted, llvm::seq<int64_t>(0, rankOf(x))))
    return n.error(Code::WrongAttribute) << "perm is not a permutation of " << rankOf(x) << " axes";
  if (llvm::is_sorted(perm))
    return n.forward(0, 0);
  return n.setOutput(n.create<TransposeOp>(x, perm));
}

LogicalResult importConcat(NodeImporter &n) {
  SmallVector<Value> inputs;
  for (size_t i = 0; i < n.getNumInputs(); ++i)
    if (!inputs.emplace_back(n.input(i)))
      return failure();
  if (inputs.empty())
    return n.error(Code::WrongOperands) << "there are no operands";
  for (Value v : inputs)
    if (rankOf(v) != rankOf(inputs[0]) || typeOf(v).getElementType() != typeOf(inputs[0]).getElementType())
      return n.error(Code::ShapeMismatch) << "operands differ in rank or element type";
  if (n.opset >= 4 && !n.hasAttr("axis"))
    return n.error(Code::WrongAttribute) << "axis is missing";
  auto axis = n.normalizeAxis(n.intAttr("axis", 1), rankOf(inputs[0]));
  if (failed(axis))
    return failure();
  if (inputs.size() == 1)
    return n.forward(0, 0);
  return n.setOutput(n.create<ConcatOp>(inputs, *axis));
}

LogicalResult importGather(NodeImporter &n) {
  Value x = n.input(0), indices = n.input(1);
  if (!x || !indices)
    return failure();
  auto axis = n.normalizeAxis(n.intAttr("axis", 0), rankOf(x));
  if (failed(axis))
    return failure();
  Type type = typeOf(indices).getElementType();
  if (!type.isInteger(32) && !type.isInteger(64))
    return n.error(Code::WrongOperands) << "indices must be int32 or int64, got " << type;
  return n.setOutput(n.create<GatherOp>(x, indices, *axis));
}

/// pads, and the axes they are for, as one begin and one end for every dimension.
FailureOr<std::pair<Ints, Ints>> readPads(NodeImporter &n, int64_t rank) {
  Ints pads, axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  if (n.opset < 11) {
    pads = n.intsAttr(n.opset < 2 ? "paddings" : "pads").value_or(Ints());
  } else {
    auto operand = n.constantOperand(1);
    if (failed(operand))
      return failure();
    pads = *operand;
    if (n.hasInput(3)) {
      auto stated = n.constantOperand(3);
      if (failed(stated) || failed(n.normalizeAxes(*stated, rank)))
        return failure();
      axes = *stated;
    }
  }
  if (pads.size() != 2 * axes.size())
    return n.error(Code::WrongAttribute) << pads.size() << " pads for " << axes.size() << " axes";
  Ints begins(size_t(rank), 0), ends(size_t(rank), 0);
  for (auto [i, axis] : llvm::enumerate(axes)) {
    size_t at = size_t(axis < 0 ? axis + rank : axis);
    begins[at] = pads[i];
    ends[at] = pads[axes.size() + i];
    for (int64_t pad : {begins[at], ends[at]})
      if (pad < -INT32_MAX || pad > INT32_MAX)
        return n.error(Code::WrongAttribute) << "pad " << pad << " is out of range";
  }
  return std::pair(begins, ends);
}

/// Removes what negative pads cut away; they become 0.
Value cutNegativePads(NodeImporter &n, Value x, Ints &begins, Ints &ends) {
  Dims dims = dimsOf(x), starts(dims.size(), n.dim(0));
  bool cuts = false;
  for (size_t i = 0; i < dims.size(); ++i) {
    int64_t begin = std::min<int64_t>(begins[i], 0), end = std::min<int64_t>(ends[i], 0);
    cuts |= begin < 0 || end < 0;
    starts[i] = n.dim(-begin);
    dims[i] = dims[i] + (begin + end);
    begins[i] -= begin;
    ends[i] -= end;
  }
  if (!cuts)
    return x;
  auto type = getTensorType(dims, typeOf(x).getElementType());
  return n.createTyped<SliceOp>(type, x, ShapeAttr::get(n.context, starts), Ints(dims.size(), 1));
}

/// Whether graph.pad, whose pads and value are constants, cannot say it.
bool needsRunTimePad(NodeImporter &n, StringRef mode) {
  auto whole = n.hasInput(2) ? n.knownInts(2) : std::nullopt;
  bool isLarge = whole && llvm::any_of(*whole, [](int64_t v) { return v > 1LL << 53 || v < -(1LL << 53); });
  bool hasRunTimeFill = mode == "constant" && n.hasInput(2) && (isLarge || !n.knownFloats(2));
  return mode == "wrap" || (n.opset >= 11 && (getRunTimeAxes(n, 1) || getRunTimeAxes(n, 3) || hasRunTimeFill));
}

LogicalResult importRunTimePad(NodeImporter &n, Value x, StringRef mode) {
  auto pads = n.shapeOperand(1);
  if (failed(pads))
    return failure();
  Dims axes;
  if (n.hasInput(3)) {
    auto stated = n.shapeOperand(3);
    if (failed(stated))
      return failure();
    axes = *stated;
    AxisFlags(n, axes, rankOf(x)); // requires that they be in range
  }
  size_t count = n.hasInput(3) ? axes.size() : size_t(rankOf(x));
  if (pads->size() != 2 * count)
    return n.error(Code::WrongAttribute) << pads->size() << " pads for " << count << " axes";
  const Dims *named = n.hasInput(3) ? &axes : nullptr;
  const PerAxis begins{Dims(pads->begin(), pads->begin() + ptrdiff_t(count)), named};
  const PerAxis ends{Dims(pads->begin() + ptrdiff_t(count), pads->end()), named};
  Value fill = n.hasInput(2) ? n.reshape(n.input(2), {}) : n.scalar(typeOf(x).getElementType(), 0);
  return n.setOutput(padAtRunTime(n, x, begins, ends, mode, fill));
}

LogicalResult importPad(NodeImporter &n) {
  Value x = n.input(0);
  if (!x)
    return failure();
  auto mode = n.choiceAttr("mode", "constant", {"constant", "reflect", "edge", "wrap"});
  if (failed(mode))
    return failure();
  if (needsRunTimePad(n, *mode))
    return importRunTimePad(n, x, *mode);
  auto pads = readPads(n, rankOf(x));
  if (failed(pads))
    return failure();
  double value = n.opset < 11 ? n.floatAttr("value", 0) : 0;
  if (n.opset >= 11 && n.hasInput(2)) {
    auto constant = n.knownFloats(2);
    if (!constant || constant->size() != 1)
      return n.error(Code::UnsupportedForm, "make constant_value an initializer, or pad with 0 and select by Where")
             << "the padding value must be a constant";
    value = constant->front();
  }
  auto [begins, ends] = *pads;
  x = cutNegativePads(n, x, begins, ends);
  auto isZero = [](int64_t p) { return p == 0; };
  if (!x || (llvm::all_of(begins, isZero) && llvm::all_of(ends, isZero)))
    return n.setOutput(x);
  return n.setOutput(n.create<PadOp>(x, begins, ends, StringRef(*mode), APFloat(value)));
}

/// Both are a reshape to blocks, a permutation and a reshape back; `order` permutes [n, a, b, c, h, w] or alike.
Value permuteBlocks(NodeImporter &n, Value x, const Dims &split, ArrayRef<int64_t> order, const Dims &result) {
  Value blocks = n.reshape(x, split);
  return n.reshape(blocks ? n.create<TransposeOp>(blocks, order) : Value(), result);
}

FailureOr<int64_t> readBlock(NodeImporter &n, Value x) {
  int64_t block = n.intAttr("blocksize", 0);
  if (block < 1 || block > INT16_MAX)
    return n.error(Code::WrongAttribute) << "blocksize is " << block;
  if (rankOf(x) != 4)
    return n.error(Code::WrongOperands) << "the operand has rank " << rankOf(x) << ", expected 4";
  return block;
}

LogicalResult importDepthToSpace(NodeImporter &n) {
  Value x = n.input(0);
  auto block = x ? readBlock(n, x) : FailureOr<int64_t>(failure());
  if (failed(block))
    return failure();
  Dims d = dimsOf(x);
  DimAttr b = n.dim(*block), depth = floorDiv(d[1], *block * *block);
  Dims result{d[0], depth, d[2] * b, d[3] * b};
  if (n.stringAttr("mode", "DCR") == "CRD")
    return n.setOutput(permuteBlocks(n, x, {d[0], depth, b, b, d[2], d[3]}, {0, 1, 4, 2, 5, 3}, result));
  return n.setOutput(permuteBlocks(n, x, {d[0], b, b, depth, d[2], d[3]}, {0, 3, 4, 1, 5, 2}, result));
}

LogicalResult importSpaceToDepth(NodeImporter &n) {
  Value x = n.input(0);
  auto block = x ? readBlock(n, x) : FailureOr<int64_t>(failure());
  if (failed(block))
    return failure();
  Dims d = dimsOf(x);
  DimAttr b = n.dim(*block), height = floorDiv(d[2], b), width = floorDiv(d[3], b);
  SmallVector<int64_t> order{0, 3, 5, 1, 2, 4};
  if (n.stringAttr("mode", "DCR") == "CRD")
    order = {0, 1, 3, 5, 2, 4};
  return n.setOutput(
      permuteBlocks(n, x, {d[0], d[1], height, b, width, b}, order, {d[0], d[1] * (*block * *block), height, width}));
}

} // namespace

void addMovementRules(Registry &r) {
  r.add("Transpose", 1, importTranspose);
  r.add("Concat", 1, importConcat);
  r.add("Gather", 1, importGather);
  r.add("Pad", 1, importPad);
  r.add("DepthToSpace", 1, importDepthToSpace);
  r.add("SpaceToDepth", 1, importSpaceToDepth);
}

} // namespace tenon::importer
