//===- Operands.cpp - What operators on values share ----------------------===//
#include "Operands.h"

namespace tenon::runtime {

Status refuse(std::string reason) { return Status::error("TN7018", std::move(reason)); }

static std::string numbered(size_t index) { return "operand " + std::to_string(index) + " "; }

static bool isSound(const Tensor &tensor) {
  const int64_t bytes = tensor.bytes();
  return bytes == 0 || (bytes > 0 && tensor.data);
}

static Status refuseUnsound(const Tensor &tensor, const std::string &what) {
  if (tensor.bytes() < 0)
    return refuse(what + "has extents that are negative or too large: " + printDims(tensor.dims));
  return refuse(what + "has no data");
}

static std::string found(const Value *value) { return value ? describeKind(value->kind) : "nothing"; }

const Value *operand(const HostOpCall &call, size_t index) {
  return index < call.inputs.size() ? call.inputs[index] : nullptr;
}

Expected<const Tensor *> tensorOperand(const HostOpCall &call, size_t index) {
  const Value *value = operand(call, index);
  if (!value || value->kind != ValueKind::Tensor)
    return refuse(numbered(index) + "must be a tensor, found " + found(value));
  if (!isSound(value->tensor))
    return refuseUnsound(value->tensor, numbered(index));
  return &value->tensor;
}

Expected<const Value *> sequenceOperand(const HostOpCall &call, size_t index) {
  const Value *value = operand(call, index);
  if (!value || value->kind != ValueKind::Sequence)
    return refuse(numbered(index) + "must be a sequence, found " + found(value));
  for (const Tensor &element : value->elements) {
    if (element.type != value->type)
      return refuse(numbered(index) + "is a sequence of " + std::string(elementName(value->type)) +
                    ", one of its elements is of " + std::string(elementName(element.type)));
    if (!isSound(element))
      return refuseUnsound(element, "an element of " + numbered(index));
  }
  return value;
}

/// A tensor of one element, or null where the operand is absent.
static Expected<const Tensor *> scalarOperand(const HostOpCall &call, size_t index) {
  if (!operand(call, index))
    return static_cast<const Tensor *>(nullptr);
  Expected<const Tensor *> tensor = tensorOperand(call, index);
  if (tensor && (*tensor)->elements() != 1)
    return refuse(numbered(index) + "must have one element, found the extents " + printDims((*tensor)->dims));
  return tensor;
}

Expected<std::optional<int64_t>> integerOperand(const HostOpCall &call, size_t index) {
  Expected<const Tensor *> tensor = scalarOperand(call, index);
  if (!tensor)
    return tensor.takeStatus();
  if (!*tensor)
    return std::optional<int64_t>();
  if ((*tensor)->type == ElementType::I64)
    return std::optional<int64_t>(*(*tensor)->as<int64_t>());
  if ((*tensor)->type == ElementType::I32)
    return std::optional<int64_t>(*(*tensor)->as<int32_t>());
  return refuse(numbered(index) + "must be of int32 or int64, found " + std::string(elementName((*tensor)->type)));
}

Expected<std::optional<float>> floatOperand(const HostOpCall &call, size_t index) {
  Expected<const Tensor *> tensor = scalarOperand(call, index);
  if (!tensor)
    return tensor.takeStatus();
  if (!*tensor)
    return std::optional<float>();
  if ((*tensor)->type != ElementType::F32)
    return refuse(numbered(index) + "must be of float32, found " + std::string(elementName((*tensor)->type)));
  return std::optional<float>(*(*tensor)->as<float>());
}

Expected<size_t> normalizeAxis(int64_t axis, size_t rank) {
  const int64_t dims = int64_t(rank);
  if (axis < -dims || axis >= dims)
    return refuse("axis " + std::to_string(axis) + " of a tensor of rank " + std::to_string(rank));
  return size_t(axis < 0 ? axis + dims : axis);
}

Expected<size_t> normalizePosition(int64_t position, size_t count) {
  const int64_t all = int64_t(count);
  if (position < -all || position >= all)
    return refuse("position " + std::to_string(position) + " is not among the " + std::to_string(count) + " there are");
  return size_t(position < 0 ? position + all : position);
}

Expected<Tensor> allocateResult(ElementType type, std::vector<int64_t> dims) {
  Expected<Tensor> tensor = Tensor::allocate(type, std::move(dims));
  if (!tensor && tensor.status().error().code == "TN7014")
    return Status::error("TN7011", "the extents of a result are too large");
  return tensor;
}

Expected<Value> integerScalar(int64_t number) {
  Expected<Tensor> tensor = allocateResult(ElementType::I64, {});
  if (!tensor)
    return tensor.takeStatus();
  *tensor->as<int64_t>() = number;
  return Value(std::move(*tensor));
}

HostResult onlyInteger(int64_t number) {
  Expected<Value> value = integerScalar(number);
  return value ? only(std::move(*value)) : value.takeStatus();
}

HostResult only(Value value) {
  std::vector<Value> results;
  results.push_back(std::move(value));
  return results;
}

Slices slicesAlong(const Tensor &tensor, size_t axis) {
  Slices slices{1, size_t(tensor.dims[axis]), size_t(elementSize(tensor.type))};
  for (size_t d = 0; d < tensor.dims.size(); ++d)
    if (d != axis)
      (d < axis ? slices.outer : slices.inner) *= size_t(tensor.dims[d]);
  return slices;
}

std::string printDims(const std::vector<int64_t> &dims) {
  std::string text = "[";
  for (size_t d = 0; d < dims.size(); ++d)
    text += (d == 0 ? "" : ", ") + std::to_string(dims[d]);
  return text + "]";
}

} // namespace tenon::runtime
