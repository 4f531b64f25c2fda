//===- ImportUnpool.cpp - Where a maximum was, and back --------------------===//
//
// The index output of MaxPool, MaxUnpool and Col2Im: positions of windows as ranges, one dimension for each of the
// output and one for each of the window.
//
//===----------------------------------------------------------------------===//
#include "Compose.h"
#include "Graph/IR/SpecialOps.h"
#include "Registry.h"
#include "RunTimeAxes.h"
#include "RunTimeIndex.h"
#include "Window.h"
#include <limits>

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {
namespace {

/// sum of positions[d] * stride of dimension d of `dims`, row-major.
Value flatten(Compose &c, ArrayRef<Value> positions, ArrayRef<DimAttr> dims) {
  Value flat = positions.front();
  for (size_t d = 1; d < positions.size(); ++d)
    flat = c.add(c.mul(flat, c.extent(dims[d], c.i64())), positions[d]);
  return flat;
}

/// `x` with `count` extents of 1 behind its dimensions.
Value appendOnes(NodeImporter &n, Value x, size_t count) {
  if (!x)
    return {};
  Dims dims = dimsOf(x);
  dims.append(count, n.dim(1));
  return n.reshape(x, dims);
}

/// The flat index of an element whose row-major flat index is `flat`, where `dims` from the third on count column by
/// column.
Value toColumnMajor(Compose &c, Value flat, ArrayRef<DimAttr> dims) {
  Value rest = flat, spatial;
  SmallVector<Value> positions(dims.size());
  for (size_t d = dims.size(); d-- > 2;) {
    Value extent = c.extent(dims[d], c.i64());
    positions[d] = rest && extent ? c.n.create<ModOp>(rest, extent, /*fmod=*/true) : Value();
    rest = c.div(rest, extent);
  }
  DimAttr size = c.n.dim(1);
  for (size_t d = 2; d < dims.size(); ++d) {
    Value part = c.mul(positions[d], c.extent(size, c.i64()));
    spatial = spatial ? c.add(spatial, part) : part;
    size = size * dims[d];
  }
  return c.add(c.mul(rest, c.extent(size, c.i64())), spatial);
}

} // namespace

Value maxPoolIndices(NodeImporter &n, Value x, Value maxima, const Window &window, bool isColumnMajor) {
  if (!x || !maxima)
    return {};
  Compose c{n};
  const size_t r = window.kernel.size();
  const int64_t rank = rankOf(x) + int64_t(r);
  Dims dims = dimsOf(x), outputs = dimsOf(maxima);
  SmallVector<Value> positions = {c.iota(dims[0], c.i64(), rank, 0), c.iota(dims[1], c.i64(), rank, 1)};
  Value isInside;
  Ints axes;
  for (size_t d = 0; d < r; ++d) {
    axes.push_back(int64_t(2 + r + d));
    Value at = c.add(c.mul(c.iota(outputs[2 + d], c.i64(), rank, int64_t(2 + d)), double(window.strides[d])),
                     c.mul(c.iota(n.dim(window.kernel[d]), c.i64(), rank, axes.back()), double(window.dilations[d])));
    positions.push_back(c.sub(at, double(window.pads[d])));
    Value here = c.isInside(positions.back(), dims[2 + d]);
    isInside = isInside ? c.both(isInside, here) : here;
  }
  Value flat = flatten(c, positions, dims);
  Value isBest = c.both(isInside, c.make<NotOp>(c.less(c.gatherFlat(x, flat), appendOnes(n, maxima, r))));
  Value first = c.reduce<ReduceMinOp>(c.select(isBest, flat, c.extent(product(n.context, dims), c.i64())), axes, false);
  return isColumnMajor ? toColumnMajor(c, first, dims) : first;
}

namespace {

/// Each element at the place its index names, zeros elsewhere, cut or filled up at the end to `output_shape`.
LogicalResult importMaxUnpool(NodeImporter &n) {
  Value x = n.input(0), indices = n.input(1);
  auto kernel = n.intsAttr("kernel_shape");
  if (!x || !indices)
    return failure();
  if (!kernel || rankOf(x) < 3 || kernel->size() + 2 != size_t(rankOf(x)) || dimsOf(indices) != dimsOf(x))
    return n.error(Code::WrongOperands) << "kernel_shape must have an entry for each spatial dimension, and the "
                                           "indices the shape of the operand";
  Dims dims = dimsOf(x);
  auto window = readWindow(n, ArrayRef(dims).drop_front(2), *kernel);
  if (failed(window))
    return failure();
  Compose c{n};
  DimAttr count = product(n.context, dims);
  for (size_t d = 0, r = kernel->size(); d < r; ++d)
    dims[2 + d] = (dims[2 + d] - 1) * window->strides[d] + ((*kernel)[d] - window->pads[d] - window->pads[r + d]);
  DimAttr size = product(n.context, dims);
  Value zeros = c.expand(c.like(x, 0), {size, n.dim(1)});
  Value y = c.make<ScatterOp>(zeros, n.reshape(c.cast(indices, c.i64()), {count}), n.reshape(x, {count, n.dim(1)}),
                              n.getBuilder().getStringAttr("none"));
  y = n.reshape(y, dims);
  if (!y || !n.hasInput(2))
    return n.setOutput(y);
  auto shape = n.shapeOperand(2);
  if (failed(shape))
    return failure();
  if (shape->size() != dims.size())
    return n.error(Code::WrongOperands) << "output_shape has " << shape->size() << " entries, expected " << dims.size();
  Dims missing;
  for (auto [wanted, have] : llvm::zip(*shape, dims))
    missing.push_back(wanted - have);
  const PerAxis begins{Dims(dims.size(), n.dim(0)), nullptr}, ends{missing, nullptr};
  return n.setOutput(padAtRunTime(n, y, begins, ends, "constant", c.like(y, 0)));
}

/// Sums of overlapping blocks: an element gathers what each place of the block brings to it.
class BlockSum {
public:
  explicit BlockSum(NodeImporter &n) : n(n), c{n} {}
  LogicalResult run();

private:
  LogicalResult readOperands();
  void addDimension(size_t d, int64_t rank);

  NodeImporter &n;
  Compose c;
  Value x;
  Dims image, block, counts; ///< counts: blocks along each dimension
  Ints strides, dilations, pads;
  SmallVector<Value> inBlock, ofBlock; ///< the place in the block, and which block
  Value isHit;
};

LogicalResult BlockSum::readOperands() {
  x = n.input(0);
  auto imageShape = n.shapeOperand(1), blockShape = n.shapeOperand(2);
  if (!x || failed(imageShape) || failed(blockShape))
    return failure();
  image = *imageShape;
  block = *blockShape;
  if (rankOf(x) != 3 || image.empty() || image.size() != block.size())
    return n.error(Code::WrongOperands) << "the operand must be [N, C * block, L], and image_shape and block_shape "
                                           "have one length";
  size_t r = image.size();
  strides = n.intsAttr("strides").value_or(Ints(r, 1));
  dilations = n.intsAttr("dilations").value_or(Ints(r, 1));
  pads = n.intsAttr("pads").value_or(Ints(2 * r, 0));
  auto isSmall = [](int64_t v) { return v >= 0 && v <= INT32_MAX; };
  if (strides.size() != r || dilations.size() != r || pads.size() != 2 * r || llvm::is_contained(strides, 0) ||
      !llvm::all_of(strides, isSmall) || !llvm::all_of(dilations, isSmall) || !llvm::all_of(pads, isSmall))
    return n.error(Code::WrongAttribute) << "strides, dilations and pads must fit " << r << " dimensions";
  for (size_t d = 0; d < r; ++d) {
    image[d] = max(image[d], n.dim(0));
    block[d] = max(block[d], n.dim(0));
    DimAttr room = image[d] + (pads[d] + pads[r + d] - 1) - (block[d] - 1) * dilations[d];
    counts.push_back(floorDiv(room, strides[d]) + 1);
  }
  n.requireEqual(dimsOf(x)[2], product(n.context, counts), "as many blocks as image_shape has room for");
  return success();
}

/// Which block has the element at this place, if any: (i + pad - place * dilation) / stride.
void BlockSum::addDimension(size_t d, int64_t rank) {
  inBlock.push_back(c.iota(block[d], c.i64(), rank, int64_t(2 + image.size() + d)));
  Value offset = c.sub(c.add(c.iota(image[d], c.i64(), rank, int64_t(2 + d)), double(pads[d])),
                       c.mul(inBlock.back(), double(dilations[d])));
  ofBlock.push_back(c.div(offset, double(strides[d])));
  Value hits =
      c.both(c.isInside(ofBlock.back(), counts[d]), c.equal(c.mul(ofBlock.back(), double(strides[d])), offset));
  isHit = isHit ? c.both(isHit, hits) : hits;
}

LogicalResult BlockSum::run() {
  if (failed(readOperands()))
    return failure();
  const size_t r = image.size();
  const int64_t rank = int64_t(2 + 2 * r);
  Ints axes;
  for (size_t d = 0; d < r; ++d) {
    addDimension(d, rank);
    axes.push_back(int64_t(2 + r + d));
  }
  Dims dims = dimsOf(x);
  DimAttr places = product(n.context, block), channels = floorDiv(dims[1], places);
  n.requireEqual(channels * places, dims[1], "channels in whole blocks");
  SmallVector<Value> positions = {c.iota(dims[0], c.i64(), rank, 0), c.iota(channels, c.i64(), rank, 1),
                                  flatten(c, inBlock, block), flatten(c, ofBlock, counts)};
  Value picked = c.gatherFlat(x, flatten(c, positions, {dims[0], channels, places, dims[2]}));
  return n.setOutput(c.reduce<ReduceSumOp>(c.select(isHit, picked, c.like(x, 0)), axes, false));
}

LogicalResult importCol2Im(NodeImporter &n) { return BlockSum(n).run(); }

} // namespace

void addUnpoolRules(Registry &r) {
  r.add("MaxUnpool", 9, importMaxUnpool);
  r.add("Col2Im", 18, importCol2Im);
}

} // namespace tenon::importer
