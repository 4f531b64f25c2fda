//===- BatchShape.cpp - Which dimension of a model is its batch -----------===//
#include "BatchShape.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace tenon::runtime {

// Kernels may round differently where there are more samples; samples that depend on each other differ by far more.
static constexpr double rounding = 1e-3;

static Status indivisible(const std::string &why, const std::string &name) {
  return Status::error("TN7033", "the batch cannot be divided: " + why, name);
}

bool isBatched(const TensorInfo &info, const std::string &symbol) {
  return !info.dimNames.empty() && info.dims[0] < 0 && info.dimNames[0] == symbol;
}

Expected<std::string> findBatch(const std::vector<TensorInfo> &inputs, const std::vector<TensorInfo> &outputs) {
  std::string symbol;
  for (const TensorInfo &output : outputs) {
    if (output.dimNames.empty() || output.dimNames[0].empty())
      return indivisible("dimension 0 of output '" + output.name + "' is not a symbol", output.name);
    if (symbol.empty())
      symbol = output.dimNames[0];
    if (output.dimNames[0] != symbol)
      return indivisible("dimension 0 of outputs is '" + symbol + "' and '" + output.dimNames[0] + "'", output.name);
  }
  if (symbol.empty() ||
      std::none_of(inputs.begin(), inputs.end(), [&](const TensorInfo &input) { return isBatched(input, symbol); }))
    return indivisible("dimension 0 of no input is that of the outputs", outputs.empty() ? "" : outputs[0].name);
  for (const std::vector<TensorInfo> *infos : {&inputs, &outputs})
    for (const TensorInfo &info : *infos) {
      if (info.kind != ValueKind::Tensor || info.isOptional)
        return indivisible("'" + info.name + "' is a sequence or optional", info.name);
      if (!info.dimNames.empty() &&
          std::find(info.dimNames.begin() + 1, info.dimNames.end(), symbol) != info.dimNames.end())
        return indivisible("'" + symbol + "' is another dimension of '" + info.name + "' too", info.name);
    }
  return symbol;
}

Tensor rowsOf(const Tensor &tensor, SampleRange range) {
  const int64_t rows = tensor.dims[0];
  Tensor part = tensor;
  part.dims[0] = range.size();
  const int64_t offset = rows > 0 ? tensor.bytes() / rows * range.begin : 0;
  part.data = std::shared_ptr<void>(tensor.data, static_cast<char *>(tensor.data.get()) + offset);
  return part;
}

/// Whether both are the same but for rounding; only equal bits are, but for f32 and f64.
template <typename T>
static bool areClose(const Tensor &a, const Tensor &b) {
  double largest = 0, difference = 0;
  for (int64_t i = 0; i < a.elements(); ++i) {
    const double x = a.as<T>()[i], y = b.as<T>()[i];
    if (std::isnan(x) != std::isnan(y) || std::isinf(x) != std::isinf(y))
      return false;
    if (!std::isfinite(x))
      continue;
    largest = std::max(largest, std::abs(x));
    difference = std::max(difference, std::abs(x - y));
  }
  return difference <= rounding * largest;
}

static bool areEqual(const Tensor &a, const Tensor &b) {
  if (a.dims != b.dims)
    return false;
  if (a.bytes() <= 0 || std::memcmp(a.data.get(), b.data.get(), size_t(a.bytes())) == 0)
    return true;
  return a.type == ElementType::F32 ? areClose<float>(a, b) : a.type == ElementType::F64 && areClose<double>(a, b);
}

Status compareSamples(const std::vector<TensorInfo> &outputs, std::span<const Tensor> together,
                      std::span<const std::vector<Tensor>> alone) {
  for (size_t i = 0; i < outputs.size(); ++i)
    for (size_t sample = 0; sample < alone.size(); ++sample) {
      const Tensor &whole = together[i];
      if (whole.dims.empty() || whole.dims[0] != int64_t(alone.size()))
        return indivisible("output '" + outputs[i].name + "' has not as many rows as there are samples",
                           outputs[i].name);
      if (!areEqual(rowsOf(whole, {int64_t(sample), int64_t(sample) + 1}), alone[sample][i]))
        return Status::error("TN7034", "the results of a sample depend on the others of its batch", outputs[i].name);
    }
  return Status::success();
}

} // namespace tenon::runtime
