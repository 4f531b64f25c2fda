//===- ImportRegions.cpp - RoiAlign, DeformConv, AffineGrid ----------------===//
//
// As GridSample: positions are computed in the graph, the elements around each are gathered from the flat tensor, and
// their weighted sum is what the operator reduces. Kernels compute positions where they need them.
//
//===----------------------------------------------------------------------===//
#include "Compose.h"
#include "Registry.h"
#include "Window.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {
namespace {

/// The two elements around a position along one dimension: whole numbers as i64, and their weights.
struct Neighbours {
  Value index[2], weight[2];
};

//===----------------------------------------------------------------------===//
// RoiAlign
//===----------------------------------------------------------------------===//

/// Dimensions of what is computed: [R, C, PH, PW, S, S] with S samples along each side of a bin.
class RoiAligner {
public:
  explicit RoiAligner(NodeImporter &n) : n(n), c{n} {}
  LogicalResult run();

private:
  LogicalResult readOperands();
  /// Column `i` of the boxes, [R, 1, 1, 1, 1, 1].
  Value box(int64_t i);
  Neighbours neighbours(bool isVertical);
  Value sample(const Neighbours &y, const Neighbours &x);

  NodeImporter &n;
  Compose c;
  Value x, rois, batch;
  Type real;
  int64_t pooled[2] = {1, 1}, samples = 0; ///< pooled: height, width
  bool isMax = false, hasOffset = false;
};

LogicalResult RoiAligner::readOperands() {
  x = n.input(0);
  rois = n.input(1);
  batch = n.input(2);
  if (!x || !rois || !batch)
    return failure();
  if (rankOf(x) != 4 || rankOf(rois) != 2 || !dimsOf(rois)[1].isConstant(4) || rankOf(batch) != 1)
    return n.error(Code::WrongOperands) << "the operands must be [N, C, H, W], [R, 4] and [R]";
  real = typeOf(x).getElementType();
  if (!isa<FloatType>(real))
    return n.typeError(real, /*takesFloats=*/true);
  n.requireEqual(dimsOf(rois)[0], dimsOf(batch)[0]);
  pooled[0] = n.intAttr("output_height", 1);
  pooled[1] = n.intAttr("output_width", 1);
  samples = n.intAttr("sampling_ratio", 0);
  if (samples == 0)
    return n.error(Code::UnsupportedForm, "export the model with a sampling_ratio, for example 2")
           << "sampling_ratio 0, whose number of samples depends on each box";
  for (int64_t value : {pooled[0], pooled[1], samples})
    if (value < 1 || value > 1 << 12)
      return n.error(Code::WrongAttribute) << "output_height, output_width and sampling_ratio must be positive";
  auto mode = n.choiceAttr("mode", "avg", {"avg", "max"});
  auto coordinates = n.choiceAttr("coordinate_transformation_mode", n.opset < 16 ? "output_half_pixel" : "half_pixel",
                                  {"half_pixel", "output_half_pixel"});
  if (failed(mode) || failed(coordinates))
    return failure();
  isMax = *mode == "max";
  hasOffset = *coordinates == "half_pixel";
  return success();
}

Value RoiAligner::box(int64_t i) {
  Dims dims(6, n.dim(1));
  dims[0] = dimsOf(rois)[0];
  Value scaled = c.mul(n.reshape(c.cast(c.pick(rois, 1, i), real), dims), n.floatAttr("spatial_scale", 1));
  return hasOffset ? c.sub(scaled, 0.5) : scaled;
}

/// Of the samples along height or width. Positions up to one element outside count as the border, others as 0.
Neighbours RoiAligner::neighbours(bool isVertical) {
  const int64_t side = isVertical ? 0 : 1;
  Value start = box(isVertical ? 1 : 0), size = c.sub(box(isVertical ? 3 : 2), start);
  if (!hasOffset) // malformed boxes are 1 x 1
    size = c.max(size, 1);
  Value bin = c.div(size, double(pooled[side]));
  Value inBin = c.div(c.add(c.iota(n.dim(samples), real, 6, 4 + side), 0.5), double(samples));
  Value at = c.add(start, c.mul(bin, c.add(c.iota(n.dim(pooled[side]), real, 6, 2 + side), inBin)));
  Value extent = c.extent(dimsOf(x)[size_t(2 + side)], real), last = c.sub(extent, 1);
  Value isInside = c.both(c.atLeast(at, c.like(at, -1)), c.make<LessOrEqualOp>(at, extent));
  at = c.min(c.max(at, 0), last);
  Value low = c.floor(at), high = c.min(c.add(low, 1), last), fraction = c.sub(at, low);
  Value zero = c.like(at, 0);
  return {{c.cast(low, c.i64()), c.cast(high, c.i64())},
          {c.select(isInside, c.sub(c.like(fraction, 1), fraction), zero), c.select(isInside, fraction, zero)}};
}

/// The weighted sum of the four elements around each sample, or the largest of the four products.
Value RoiAligner::sample(const Neighbours &y, const Neighbours &across) {
  Dims dims = dimsOf(x), own(6, n.dim(1));
  own[0] = dimsOf(batch)[0];
  Value row = c.mul(n.reshape(c.cast(batch, c.i64()), own), c.extent(dims[1], c.i64()));
  row = c.add(row, c.iota(dims[1], c.i64(), 6, 1));
  Value result;
  for (int i : {0, 1}) {
    Value line = c.add(c.mul(row, c.extent(dims[2], c.i64())), y.index[i]);
    for (int j : {0, 1}) {
      Value picked = c.gatherFlat(x, c.add(c.mul(line, c.extent(dims[3], c.i64())), across.index[j]));
      Value part = c.mul(picked, c.mul(y.weight[i], across.weight[j]));
      result = !result ? part : isMax ? c.max(result, part) : c.add(result, part);
    }
  }
  return result;
}

LogicalResult RoiAligner::run() {
  if (failed(readOperands()))
    return failure();
  Value sampled = sample(neighbours(true), neighbours(false));
  return n.setOutput(isMax ? c.reduce<ReduceMaxOp>(sampled, {4, 5}, false)
                           : c.reduce<ReduceMeanOp>(sampled, {4, 5}, false));
}

//===----------------------------------------------------------------------===//
// DeformConv
//===----------------------------------------------------------------------===//

/// A matrix product of the weights with the sampled elements. Dimensions of these: [N, G, C/G, k1.., O1..] for G groups
/// of offsets.
class DeformableConvolution {
public:
  explicit DeformableConvolution(NodeImporter &n) : n(n), c{n} {}
  LogicalResult run();

private:
  LogicalResult readOperands();
  Neighbours neighbours(size_t d);
  Value sample(ArrayRef<Neighbours> around, size_t d, Value index, Value weight);
  Value product();

  NodeImporter &n;
  Compose c;
  Value x, weights, offsets, bias, mask;
  Window window;
  Dims dims, outputs;
  size_t r = 0;
  int64_t rank = 0, group = 1, offsetGroups = 1;
  Type real;
};

LogicalResult DeformableConvolution::readOperands() {
  x = n.input(0);
  weights = n.input(1);
  offsets = n.input(2);
  bias = n.optionalInput(3);
  mask = n.optionalInput(4);
  if (!x || !weights || !offsets || (n.hasInput(3) && !bias) || (n.hasInput(4) && !mask))
    return failure();
  if (rankOf(x) < 3 || rankOf(x) > 5 || rankOf(weights) != rankOf(x) || rankOf(offsets) != rankOf(x) ||
      (bias && rankOf(bias) != 1) || (mask && rankOf(mask) != rankOf(x)))
    return n.error(Code::WrongOperands) << "operand, weights, offsets and mask must have one rank, between 3 and 5";
  dims = dimsOf(x);
  r = dims.size() - 2;
  rank = int64_t(3 + 2 * r);
  real = typeOf(x).getElementType();
  auto kernel = readKernel(n, typeOf(weights));
  auto read = failed(kernel) ? FailureOr<Window>(failure()) : readWindow(n, ArrayRef(dims).drop_front(2), *kernel);
  if (failed(read) || !isa<FloatType>(real))
    return failed(read) ? failure() : LogicalResult(n.typeError(real, /*takesFloats=*/true));
  window = *read;
  group = n.intAttr("group", 1);
  offsetGroups = n.intAttr("offset_group", 1);
  if (group < 1 || offsetGroups < 1 || group > INT32_MAX || offsetGroups > INT32_MAX)
    return n.error(Code::WrongAttribute) << "group and offset_group must be positive";
  DimAttr places = n.dim(offsetGroups);
  for (size_t d = 0; d < r; ++d) {
    DimAttr room = dims[2 + d] + (window.pads[d] + window.pads[r + d] - (window.kernel[d] - 1) * window.dilations[d]);
    outputs.push_back(floorDiv(room - 1, window.strides[d]) + 1);
    n.requireEqual(outputs.back(), dimsOf(offsets)[2 + d], "offsets for each element of the result");
    places = places * window.kernel[d];
  }
  n.requireEqual(dimsOf(weights)[1] * group, dims[1], "channels of the weights times group");
  n.requireEqual(dimsOf(offsets)[1], places * int64_t(r), "offsets for each place of the kernel");
  return success();
}

/// The elements around each position along spatial dimension `d`; outside of x they weigh nothing.
Neighbours DeformableConvolution::neighbours(size_t d) {
  const auto axis = int64_t(d), spatial = int64_t(r);
  Dims split = {dims[0], n.dim(offsetGroups), n.dim(1)};
  for (int64_t extent : window.kernel)
    split.push_back(n.dim(extent));
  split.push_back(n.dim(spatial));
  llvm::append_range(split, outputs);
  Value at = c.pick(n.reshape(c.cast(offsets, real), split), 3 + spatial, axis);
  at = c.add(at, c.mul(c.iota(n.dim(window.kernel[d]), real, rank, 3 + axis), double(window.dilations[d])));
  at = c.add(at, c.mul(c.iota(outputs[d], real, rank, 3 + spatial + axis), double(window.strides[d])));
  at = c.sub(at, double(window.pads[d]));
  Value low = c.floor(at), fraction = c.sub(at, low), last = c.extent(dims[2 + d] - 1, real);
  Value shares[] = {c.sub(c.like(at, 1), fraction), fraction};
  Neighbours result;
  for (int i : {0, 1}) {
    Value whole = i ? c.add(low, 1) : low, zero = c.like(at, 0);
    Value isInside = c.both(c.atLeast(whole, zero), c.make<LessOrEqualOp>(whole, last));
    result.weight[i] = c.select(isInside, shares[i], zero);
    result.index[i] = c.cast(c.clamp(whole, zero, last), c.i64());
  }
  return result;
}

/// The sum over the neighbours in dimensions d, d + 1, ..; `index` and `weight` are of the dimensions before.
Value DeformableConvolution::sample(ArrayRef<Neighbours> around, size_t d, Value index, Value weight) {
  if (d == r) {
    Value picked = c.gatherFlat(x, index);
    return weight ? c.mul(picked, weight) : picked;
  }
  Value sum;
  for (int i : {0, 1}) {
    Value at = c.add(c.mul(index, c.extent(dims[2 + d], c.i64())), around[d].index[i]);
    Value part = sample(around, d + 1, at, weight ? c.mul(weight, around[d].weight[i]) : around[d].weight[i]);
    sum = sum ? c.add(sum, part) : part;
  }
  return sum;
}

Value DeformableConvolution::product() {
  DimAttr perGroup = floorDiv(dims[1], offsetGroups), places = n.dim(1), pixels = n.dim(1);
  Value row = c.add(c.mul(c.iota(n.dim(offsetGroups), c.i64(), rank, 1), c.extent(perGroup, c.i64())),
                    c.iota(perGroup, c.i64(), rank, 2));
  row = c.add(c.mul(c.iota(dims[0], c.i64(), rank, 0), c.extent(dims[1], c.i64())), row);
  SmallVector<Neighbours> around;
  for (size_t d = 0; d < r; ++d)
    around.push_back(neighbours(d));
  Value sampled = sample(around, 0, row, {});
  Dims own = {dims[0], n.dim(offsetGroups), n.dim(1)};
  for (int64_t extent : window.kernel) {
    own.push_back(n.dim(extent));
    places = places * extent;
  }
  for (DimAttr extent : outputs) {
    own.push_back(extent);
    pixels = pixels * extent;
  }
  if (mask)
    sampled = c.mul(sampled, n.reshape(c.cast(mask, real), own));
  DimAttr depth = dimsOf(weights)[1] * places;
  Value columns = n.reshape(sampled, {dims[0], n.dim(group), depth, pixels});
  Value rows = n.reshape(weights, {n.dim(1), n.dim(group), floorDiv(dimsOf(weights)[0], group), depth});
  return rows && columns ? n.create<MatMulOp>(rows, columns, false) : Value();
}

LogicalResult DeformableConvolution::run() {
  if (failed(readOperands()))
    return failure();
  Dims result = {dims[0], dimsOf(weights)[0]}, perChannel(r + 2, n.dim(1));
  llvm::append_range(result, outputs);
  perChannel[1] = result[1];
  Value y = n.reshape(product(), result);
  return n.setOutput(bias ? c.add(y, n.reshape(bias, perChannel)) : y);
}

//===----------------------------------------------------------------------===//
// AffineGrid
//===----------------------------------------------------------------------===//

/// theta [N, r, r + 1] times (x, y, .., 1) of each element of a grid over [-1, 1]: [N, D1.., Dr, r], x the last
/// dimension.
LogicalResult importAffineGrid(NodeImporter &n) {
  Value theta = n.input(0);
  auto size = n.shapeOperand(1);
  if (!theta || failed(size))
    return failure();
  const auto r = int64_t(size->size()) - 2;
  if ((r != 2 && r != 3) || rankOf(theta) != 3 || !dimsOf(theta)[1].isConstant(r) ||
      !dimsOf(theta)[2].isConstant(r + 1))
    return n.error(Code::WrongOperands) << "theta must be [N, r, r + 1] and size [N, C, D1, .., Dr] for r of 2 or 3";
  Compose c{n};
  Type real = typeOf(theta).getElementType();
  const bool alignsCorners = n.intAttr("align_corners", 0) != 0;
  n.requireEqual((*size)[0], dimsOf(theta)[0], "a theta for each element of the batch");
  Dims own(size_t(r + 2), n.dim(1)), result = { dimsOf(theta)[0] };
  own.front() = result[0];
  own.back() = n.dim(r);
  Value sum = n.reshape(c.pick(theta, 2, r), own);
  for (int64_t d = 0; d < r; ++d) {
    DimAttr extent = max((*size)[size_t(2 + d)], n.dim(0));
    result.push_back(extent);
    // Where there is one element, it is -1 with aligned corners and 0 without.
    Value steps = c.extent(alignsCorners ? max(extent - 1, n.dim(1)) : extent, real);
    Value at = c.mul(c.iota(extent, real, r + 2, 1 + d), 2);
    Value position = c.sub(c.div(alignsCorners ? at : c.add(at, 1), steps), 1);
    sum = c.add(sum, c.mul(position, n.reshape(c.pick(theta, 2, r - 1 - d), own)));
  }
  result.push_back(n.dim(r));
  return n.setOutput(c.expand(sum, result));
}

LogicalResult importRoiAlign(NodeImporter &n) { return RoiAligner(n).run(); }
LogicalResult importDeformConv(NodeImporter &n) { return DeformableConvolution(n).run(); }

} // namespace

void addRegionRules(Registry &r) {
  r.add("RoiAlign", 10, importRoiAlign);
  r.add("DeformConv", 19, importDeformConv);
  r.add("AffineGrid", 20, importAffineGrid);
}

} // namespace tenon::importer
