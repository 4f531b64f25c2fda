//===- Values.cpp - Tensors in files, as the values a model takes and gives ===//
#include "common/Values.h"

#include "tenon/Data/Npy.h"

using tenon::runtime::NamedTensor;
using tenon::runtime::Tensor;
using tenon::runtime::TensorInfo;
using tenon::runtime::Value;
using tenon::runtime::ValueKind;

namespace tenon::tools {

static Expected<Value> assemble(const TensorInfo &info, std::vector<Tensor> tensors) {
  if (tensors.empty() && info.isOptional)
    return Value();
  if (tensors.empty())
    return Status::error("TN7004", "input '" + info.name + "' is missing");
  if (info.kind == ValueKind::Sequence)
    return Value::sequence(info.type, std::move(tensors));
  if (tensors.size() > 1)
    return Status::error("TN7004", "input '" + info.name + "' is given twice");
  return Value(std::move(tensors.front()));
}

Expected<std::vector<Value>> assembleValues(std::vector<NamedTensor> tensors, llvm::ArrayRef<TensorInfo> declared) {
  std::vector<Value> values;
  for (const TensorInfo &info : declared) {
    std::vector<Tensor> found;
    for (NamedTensor &named : tensors)
      if (named.name == info.name)
        found.push_back(std::move(named.tensor));
    Expected<Value> value = assemble(info, std::move(found));
    if (!value)
      return value.takeStatus();
    values.push_back(std::move(*value));
  }
  return values;
}

static Status writeTensor(std::string path, const Tensor &tensor, std::vector<std::string> &paths) {
  TENON_RETURN_IF_ERROR(data::writeNpy(path, tensor));
  paths.push_back(std::move(path));
  return Status::success();
}

Status writeValue(const std::string &stem, const Value &value, std::vector<std::string> &paths) {
  if (value.kind == ValueKind::Tensor)
    return writeTensor(stem + ".npy", value.tensor, paths);
  for (size_t i = 0; i < value.elements.size(); ++i)
    TENON_RETURN_IF_ERROR(writeTensor(stem + "_" + std::to_string(i) + ".npy", value.elements[i], paths));
  return Status::success();
}

} // namespace tenon::tools
