//===- HostOpsTest.h - Values for the tests of operators on the host ------===//
#ifndef TENON_TEST_UNIT_RUNTIME_HOSTOPSTEST_H
#define TENON_TEST_UNIT_RUNTIME_HOSTOPSTEST_H

#include "HostOps/HostOps.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

namespace tenon::runtime::testing {

inline constexpr int64_t most = INT64_MAX, least = INT64_MIN;

/// A tensor of these elements, of a type of the same size as T.
template <typename T>
Value makeTensor(ElementType type, std::vector<int64_t> dims, const std::vector<T> &elements) {
  Expected<Tensor> tensor = Tensor::allocate(type, std::move(dims));
  EXPECT_TRUE(tensor.ok());
  EXPECT_EQ(tensor->bytes(), int64_t(elements.size() * sizeof(T)));
  if (!elements.empty())
    std::memcpy(tensor->data.get(), elements.data(), elements.size() * sizeof(T));
  return Value(std::move(*tensor));
}

inline Value floats(std::vector<int64_t> dims, const std::vector<float> &elements) {
  return makeTensor(ElementType::F32, std::move(dims), elements);
}
inline Value integers(std::vector<int64_t> dims, const std::vector<int64_t> &elements) {
  return makeTensor(ElementType::I64, std::move(dims), elements);
}
inline Value integer(int64_t number) { return integers({}, {number}); }

/// A tensor that claims extents without having bytes.
inline Value claim(std::vector<int64_t> dims, ElementType type = ElementType::F32) {
  return Value(Tensor{type, std::move(dims), nullptr});
}

inline Value sequenceOf(const std::vector<Value> &tensors, ElementType type = ElementType::F32) {
  Value sequence = Value::sequence(type);
  for (const Value &value : tensors)
    sequence.elements.push_back(value.tensor);
  return sequence;
}

/// Runs an operator; a null operand is absent.
inline Expected<std::vector<Value>> runOn(plan::HostOp op, std::vector<const Value *> inputs,
                                          std::vector<int64_t> attributes = {}) {
  return runHostOp(op, {inputs, attributes});
}

/// The first result; a failure of the test where there is none.
inline Value resultOf(plan::HostOp op, std::vector<const Value *> inputs, std::vector<int64_t> attributes = {}) {
  auto results = runOn(op, std::move(inputs), std::move(attributes));
  if (!results) {
    ADD_FAILURE() << results.status().str();
    return {};
  }
  return (*results)[0];
}

/// The code of the error, or "ok".
inline std::string codeOf(plan::HostOp op, std::vector<const Value *> inputs, std::vector<int64_t> attributes = {}) {
  auto results = runOn(op, std::move(inputs), std::move(attributes));
  return results ? "ok" : results.status().error().code;
}

template <typename T>
std::vector<T> elementsOf(const Tensor &tensor) {
  const T *data = tensor.as<const T>();
  return {data, data + tensor.elements()};
}
template <typename T>
std::vector<T> elementsOf(const Value &value) {
  EXPECT_EQ(value.kind, ValueKind::Tensor);
  return elementsOf<T>(value.tensor);
}

using Dims = std::vector<int64_t>;
using I64s = std::vector<int64_t>;

} // namespace tenon::runtime::testing

#endif // TENON_TEST_UNIT_RUNTIME_HOSTOPSTEST_H
