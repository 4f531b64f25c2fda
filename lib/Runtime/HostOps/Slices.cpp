//===- Slices.cpp - Tensors from sequences and back -----------------------===//
//
// All of these copy runs of bytes: what lies behind the axis is contiguous.
//
//===----------------------------------------------------------------------===//
#include "Operators.h"
#include "tenon/Plan/Checked.h"

#include <cstring>

namespace tenon::runtime {

/// A tensor of more elements than this is not split: each takes some 100 bytes, even where it is empty.
static constexpr int64_t mostElements = int64_t(1) << 24;

/// Copies `rows` runs of `bytes` each, whose starts are the given strides apart.
static void copyRuns(char *to, size_t toStride, const char *from, size_t fromStride, size_t rows, size_t bytes) {
  for (size_t row = 0; row < rows; ++row, to += toStride, from += fromStride)
    std::memcpy(to, from, bytes);
}

/// Slices [begin, begin + extent) of `x` along `axis`, with the extents `dims`.
static Expected<Tensor> copySlices(const Tensor &x, size_t axis, int64_t begin, int64_t extent,
                                   std::vector<int64_t> dims) {
  Expected<Tensor> y = allocateResult(x.type, std::move(dims));
  if (!y || y->bytes() == 0)
    return y;
  const Slices slices = slicesAlong(x, axis);
  copyRuns(y->as<char>(), size_t(extent) * slices.inner, x.as<const char>() + size_t(begin) * slices.inner,
           slices.extent * slices.inner, slices.outer, size_t(extent) * slices.inner);
  return y;
}

/// The extents of the result, from those of the elements, which must agree but along the axis.
static Expected<std::vector<int64_t>> concatDims(const std::vector<Tensor> &elements, size_t axis, bool newAxis) {
  std::vector<int64_t> dims = elements[0].dims;
  for (size_t i = 1; i < elements.size(); ++i) {
    const std::vector<int64_t> &other = elements[i].dims;
    bool agree = other.size() == dims.size();
    for (size_t d = 0; agree && d < dims.size(); ++d)
      agree = other[d] == dims[d] || (d == axis && !newAxis);
    if (!agree)
      return refuse("a sequence of tensors with the extents " + printDims(elements[0].dims) + " and " +
                    printDims(other) + " cannot be concatenated along axis " + std::to_string(axis));
    if (newAxis)
      continue;
    std::optional<int64_t> sum = checkedAdd(dims[axis], other[axis]);
    if (!sum)
      return Status::error("TN7011", "the extents of a result are too large");
    dims[axis] = *sum;
  }
  if (newAxis)
    dims.insert(dims.begin() + int64_t(axis), int64_t(elements.size()));
  return dims;
}

HostResult runConcatFromSequence(const HostOpCall &call) {
  Expected<const Value *> sequence = sequenceOperand(call, 0);
  if (!sequence)
    return sequence.takeStatus();
  const std::vector<Tensor> &elements = (*sequence)->elements;
  if (elements.empty())
    return refuse("ConcatFromSequence of an empty sequence");
  const bool newAxis = call.attributes[1] != 0;
  Expected<size_t> axis = normalizeAxis(call.attributes[0], elements[0].dims.size() + newAxis);
  if (!axis)
    return axis.takeStatus();
  auto dims = concatDims(elements, *axis, newAxis);
  if (!dims)
    return dims.takeStatus();
  Expected<Tensor> y = allocateResult((*sequence)->type, std::move(*dims));
  if (!y)
    return y.takeStatus();
  if (y->bytes() == 0)
    return only(std::move(*y));

  const Slices slices = slicesAlong(*y, *axis);
  char *to = y->as<char>();
  for (const Tensor &element : elements) {
    // Not empty, as the result is not: only the extent along the axis may be zero.
    const size_t run = size_t(newAxis ? 1 : element.dims[*axis]) * slices.inner;
    if (run != 0)
      copyRuns(to, slices.extent * slices.inner, element.as<const char>(), run, slices.outer, run);
    to += run;
  }
  return only(std::move(*y));
}

/// The extents that a vector of integers gives; they add up to `extent`.
static Expected<std::vector<int64_t>> givenExtents(const Tensor &split, int64_t extent) {
  if (split.type != ElementType::I64 && split.type != ElementType::I32)
    return refuse("split must be of int32 or int64, found " + std::string(elementName(split.type)));
  if (split.elements() > mostElements)
    return refuse("split has " + std::to_string(split.elements()) + " elements, the limit is " +
                  std::to_string(mostElements));
  std::vector<int64_t> extents(size_t(split.elements()));
  int64_t left = extent;
  for (size_t i = 0; i < extents.size(); ++i) {
    extents[i] = split.type == ElementType::I64 ? split.as<int64_t>()[i] : split.as<int32_t>()[i];
    if (extents[i] < 0 || extents[i] > left)
      return refuse("element " + std::to_string(i) + " of split is " + std::to_string(extents[i]) + ", and " +
                    std::to_string(left) + " of the extent " + std::to_string(extent) + " are left");
    left -= extents[i];
  }
  if (left != 0)
    return refuse("split leaves " + std::to_string(left) + " of the extent " + std::to_string(extent));
  return extents;
}

/// Extents of `length`; the last may be smaller.
static Expected<std::vector<int64_t>> equalExtents(int64_t length, int64_t extent) {
  if (length <= 0)
    return refuse("split must be positive, found " + std::to_string(length));
  const int64_t whole = extent / length, rest = extent % length;
  if (whole >= mostElements)
    return refuse("splitting the extent " + std::to_string(extent) + " by " + std::to_string(length) +
                  " makes more elements than a sequence may hold, " + std::to_string(mostElements));
  std::vector<int64_t> extents(size_t(whole), length);
  if (rest != 0)
    extents.push_back(rest);
  return extents;
}

static Expected<std::vector<int64_t>> splitExtents(const HostOpCall &call, int64_t extent) {
  if (!operand(call, 1))
    return equalExtents(1, extent);
  Expected<const Tensor *> split = tensorOperand(call, 1);
  if (!split)
    return split.takeStatus();
  if ((*split)->dims.size() == 1)
    return givenExtents(**split, extent);
  Expected<std::optional<int64_t>> length = integerOperand(call, 1);
  return length ? equalExtents(**length, extent) : length.takeStatus();
}

HostResult runSplitToSequence(const HostOpCall &call) {
  Expected<const Tensor *> x = tensorOperand(call, 0);
  if (!x)
    return x.takeStatus();
  Expected<size_t> axis = normalizeAxis(call.attributes[0], (*x)->dims.size());
  if (!axis)
    return axis.takeStatus();
  auto extents = splitExtents(call, (*x)->dims[*axis]);
  if (!extents)
    return extents.takeStatus();
  const bool squeeze = call.attributes[1] == 0 && !operand(call, 1);
  Value sequence = Value::sequence((*x)->type);
  sequence.elements.reserve(extents->size());
  int64_t begin = 0;
  for (int64_t extent : *extents) {
    std::vector<int64_t> dims = (*x)->dims;
    dims[*axis] = extent;
    if (squeeze)
      dims.erase(dims.begin() + int64_t(*axis));
    Expected<Tensor> element = copySlices(**x, *axis, begin, extent, std::move(dims));
    if (!element)
      return element.takeStatus();
    sequence.elements.push_back(std::move(*element));
    begin += extent;
  }
  return only(std::move(sequence));
}

HostResult runExtent(const HostOpCall &call) {
  Expected<const Tensor *> x = tensorOperand(call, 0);
  if (!x)
    return x.takeStatus();
  Expected<size_t> axis = normalizeAxis(call.attributes[0], (*x)->dims.size());
  return axis ? onlyInteger((*x)->dims[*axis]) : axis.takeStatus();
}

HostResult runTakeElement(const HostOpCall &call) {
  Expected<const Tensor *> x = tensorOperand(call, 0);
  if (!x)
    return x.takeStatus();
  Expected<std::optional<int64_t>> index = integerOperand(call, 1);
  if (!index)
    return index.takeStatus();
  if (!*index)
    return refuse("an element of a tensor is taken at no index");
  Expected<size_t> axis = normalizeAxis(call.attributes[0], (*x)->dims.size());
  if (!axis)
    return axis.takeStatus();
  const int64_t extent = (*x)->dims[*axis], position = **index;
  if (position < 0 || position >= extent)
    return refuse("element " + std::to_string(position) + " of an extent of " + std::to_string(extent));
  std::vector<int64_t> dims = (*x)->dims;
  dims.erase(dims.begin() + int64_t(*axis));
  const bool fromEnd = call.attributes[1] != 0;
  Expected<Tensor> y = copySlices(**x, *axis, fromEnd ? extent - 1 - position : position, 1, std::move(dims));
  return y ? only(std::move(*y)) : y.takeStatus();
}

} // namespace tenon::runtime
