//===- Binding.cpp - Matching the caller's tensors with a model's ---------===//
#include "Binding.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace tenon::runtime {

static std::string typeName(ElementType type) {
  return unsigned(type) < numElementTypes ? std::string(elementName(type)) : "type " + std::to_string(unsigned(type));
}

/// "[1, 3, N, ?]": a dynamic extent by its name.
static std::string describe(const TensorInfo &info) {
  std::string text = "[";
  for (size_t k = 0; k < info.dims.size(); ++k) {
    text += k ? ", " : "";
    if (info.dims[k] >= 0)
      text += std::to_string(info.dims[k]);
    else
      text += info.dimNames[k].empty() ? "?" : info.dimNames[k];
  }
  return text + "]";
}

static std::string describe(const std::vector<int64_t> &dims) {
  return describe(TensorInfo{"", ElementType::F32, dims, std::vector<std::string>(dims.size())});
}

static std::string listNames(const std::vector<TensorInfo> &infos) {
  std::string text;
  for (const TensorInfo &info : infos)
    text += (text.empty() ? "'" : ", '") + info.name + "'";
  return text.empty() ? "none" : text;
}

size_t findTensor(const std::vector<TensorInfo> &infos, const std::string &name) {
  size_t index = 0;
  while (index < infos.size() && infos[index].name != name)
    ++index;
  return index;
}

static bool isAligned(const Tensor &tensor) {
  return reinterpret_cast<uintptr_t>(tensor.data.get()) % uintptr_t(elementSize(tensor.type)) == 0;
}

Expected<std::vector<Tensor>> bindInputs(const std::vector<TensorInfo> &infos, std::span<const NamedTensor> inputs) {
  std::vector<Tensor> tensors(infos.size());
  std::vector<bool> seen(infos.size());
  for (const NamedTensor &input : inputs) {
    const size_t index = findTensor(infos, input.name);
    if (index == tensors.size())
      return Status::error("TN7003",
                           "there is no input '" + input.name + "'; the model's inputs are " + listNames(infos));
    if (seen[index])
      return Status::error("TN7004", "input '" + input.name + "' is given twice");
    seen[index] = true;
    tensors[index] = input.tensor;
  }
  for (size_t i = 0; i < seen.size(); ++i)
    if (!seen[i])
      return Status::error("TN7004", "input '" + infos[i].name + "' is missing: expected " + typeName(infos[i].type) +
                                         " " + describe(infos[i]));
  return tensors;
}

Status checkInput(const TensorInfo &info, const Tensor &tensor) {
  const std::string name = "input '" + info.name + "'";
  if (tensor.type != info.type)
    return Status::error("TN7005", name + ": expected " + typeName(info.type) + ", found " + typeName(tensor.type));
  if (info.isRanked && tensor.dims.size() != info.dims.size())
    return Status::error("TN7006", name + ": expected rank " + std::to_string(info.dims.size()) + " " + describe(info) +
                                       ", found rank " + std::to_string(tensor.dims.size()) + " " +
                                       describe(tensor.dims));
  for (size_t k = 0; k < info.dims.size(); ++k)
    if (info.dims[k] >= 0 && info.dims[k] != tensor.dims[k])
      return Status::error("TN7007", name + ", axis " + std::to_string(k) + ": expected " +
                                         std::to_string(info.dims[k]) + ", found " + std::to_string(tensor.dims[k]) +
                                         " (expected " + describe(info) + ", found " + describe(tensor.dims) + ")");
  if (tensor.bytes() < 0)
    return Status::error("TN7014", name + ": the extents are negative or too large");
  if (tensor.bytes() > 0 && !tensor.data)
    return Status::error("TN7014", name + ": the data pointer is null");
  return Status::success();
}

Status checkInputs(const std::vector<TensorInfo> &infos, std::vector<Tensor> &inputs) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    Tensor &input = inputs[i];
    TENON_RETURN_IF_ERROR(checkInput(infos[i], input));
    if (isAligned(input))
      continue;
    auto copy = Tensor::allocate(input.type, input.dims);
    if (!copy)
      return copy.takeStatus();
    if (input.bytes() > 0)
      std::memcpy(copy->data.get(), input.data.get(), size_t(input.bytes()));
    input = std::move(*copy);
  }
  return Status::success();
}

template <typename T>
static std::vector<int64_t> readElements(const Tensor &tensor, size_t count) {
  return {tensor.as<T>(), tensor.as<T>() + count};
}

/// In units of 2^-32; INT64_MIN where it is no multiple of that, or too large.
static std::vector<int64_t> readScales(const Tensor &tensor, size_t count) {
  std::vector<int64_t> values;
  for (size_t i = 0; i < count; ++i) {
    const double value = std::ldexp(double(tensor.as<float>()[i]), 32);
    const bool fits = std::abs(value) < 0x1p62 && value == std::floor(value);
    values.push_back(fits ? int64_t(value) : INT64_MIN);
  }
  return values;
}

static std::vector<int64_t> readElements(const Tensor &tensor, size_t count) {
  switch (tensor.type) {
  case ElementType::F32:
    return readScales(tensor, count);
  case ElementType::I8:
    return readElements<int8_t>(tensor, count);
  case ElementType::I16:
    return readElements<int16_t>(tensor, count);
  case ElementType::I32:
    return readElements<int32_t>(tensor, count);
  case ElementType::U8:
    return readElements<uint8_t>(tensor, count);
  case ElementType::U16:
    return readElements<uint16_t>(tensor, count);
  case ElementType::U32:
    return readElements<uint32_t>(tensor, count);
  case ElementType::Bool:
    return readElements<uint8_t>(tensor, count);
  default: // 64 bits
    return readElements<int64_t>(tensor, count);
  }
}

/// Why an element cannot decide a shape, or success.
static Status checkElement(ElementType type, int64_t element) {
  if (type == ElementType::F32 && element == INT64_MIN)
    return Status::error("TN7014", "an element is no multiple of 2^-32 below 2^30, as a scale has to be");
  if (type == ElementType::U64 && element < 0)
    return Status::error("TN7014", "an element is above 2^63 - 1");
  return Status::success();
}

Expected<int64_t> readElement(const Tensor &tensor, size_t index) {
  if (tensor.type != ElementType::F32 && tensor.type != ElementType::Bool &&
      (tensor.type < ElementType::I8 || tensor.type > ElementType::U64))
    return Status::error("TN7018", "a number is read from a tensor of " + typeName(tensor.type));
  const int64_t element = readElements(tensor, index + 1).back();
  TENON_RETURN_IF_ERROR(checkElement(tensor.type, element));
  return element;
}

Expected<ShapeInputs> readShapes(const Program &program, std::span<const Tensor> inputs) {
  ShapeInputs shapes;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Tensor &input = inputs[i];
    shapes.dims.push_back(input.dims);
    shapes.elements.push_back(readElements(input, program.elementsRead[i]));
    for (int64_t element : shapes.elements.back())
      if (Status status = checkElement(input.type, element); !status.ok())
        return Status::error(status.error().code, "input '" + program.inputs[i].name + "': " + status.error().message);
  }
  return shapes;
}

Status checkOutput(const TensorInfo &info, const std::vector<int64_t> &dims, const Tensor &tensor) {
  const std::string name = "the tensor for output '" + info.name + "'";
  if (tensor.type != info.type || tensor.dims != dims)
    return Status::error("TN7013", name + ": expected " + typeName(info.type) + " " + describe(dims) + ", found " +
                                       typeName(tensor.type) + " " + describe(tensor.dims));
  if (tensor.bytes() > 0 && (!tensor.data || !isAligned(tensor)))
    return Status::error("TN7013", name + ": the data pointer is null or not aligned to its elements");
  return Status::success();
}

Expected<std::vector<Tensor>> bindOutputs(const Program &program, const Instance &instance,
                                          std::span<const NamedTensor> into) {
  std::vector<Tensor> tensors(program.outputs.size());
  std::vector<bool> given(program.outputs.size());
  for (const NamedTensor &output : into) {
    const size_t index = findTensor(program.outputs, output.name);
    if (index == tensors.size())
      return Status::error("TN7003", "there is no output '" + output.name + "'; the model's outputs are " +
                                         listNames(program.outputs));
    TENON_RETURN_IF_ERROR(checkOutput(program.outputs[index], instance.outputs[index], output.tensor));
    given[index] = true;
    tensors[index] = output.tensor;
  }
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (given[i])
      continue;
    auto tensor = Tensor::allocate(program.outputs[i].type, instance.outputs[i]);
    if (!tensor)
      return tensor.takeStatus();
    tensors[i] = std::move(*tensor);
  }
  return tensors;
}

} // namespace tenon::runtime
