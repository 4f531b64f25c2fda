//===- RegionData.cpp - What a tested region reads and has to give --------===//
#include "RegionData.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace mlir;

namespace tenon::codegen {

constexpr char guard = char(0xA5);

GuardedBytes::GuardedBytes(int64_t size)
    : size(size), data(static_cast<char *>(std::aligned_alloc(alignment, padded()))) {
  std::fill_n(data, padded(), guard);
}

bool GuardedBytes::isGuardIntact() const {
  return std::all_of(data + size, data + padded(), [](char c) { return c == guard; });
}

int64_t evaluate(graph::DimAttr e, const llvm::StringMap<int64_t> &symbols) {
  std::optional<int64_t> value = e.evaluate([&](StringRef name) -> std::optional<int64_t> {
    auto it = symbols.find(name);
    return it == symbols.end() ? std::nullopt : std::optional(it->second);
  });
  EXPECT_TRUE(value.has_value());
  return value.value_or(0);
}

static void fill(reference::HostTensor &tensor, double low, double high, std::minstd_rand &engine) {
  bool isFloat = reference::isFloat(tensor.getType());
  const bool isUnsigned = tensor.getType() == ElementType::U8;
  if ((isUnsigned || tensor.getType() == ElementType::I8) && high - low >= 256) {
    const int least = isUnsigned ? 0 : -128, corners[] = {least, least + 255, least + 128, least + 127};
    for (int64_t i = 0; i < tensor.getNumElements(); ++i) {
      const auto drawn = engine();
      tensor.setInteger(i, drawn % 3 ? least + int(drawn / 3 % 256) : corners[drawn / 3 % 4]);
    }
    return;
  }
  for (int64_t i = 0; i < tensor.getNumElements(); ++i) {
    double value = low + (high - low) * (engine() % 4096) / 4096.0;
    tensor.setDouble(i, isFloat ? value : std::floor(value));
  }
}

RegionData::RegionData(graph::DispatchOp dispatch, const llvm::StringMap<int64_t> &symbols, double low, double high)
    : numOperands(dispatch.getNumOperands()) {
  auto dimsOf = [&](Type type) { return *reference::evaluateDims(cast<RankedTensorType>(type), symbols); };
  auto typeOf = [&](Type type) { return *reference::getElementType(cast<RankedTensorType>(type).getElementType()); };
  std::minstd_rand engine(7);
  SmallVector<reference::HostTensor> inputs;
  for (Type type : dispatch->getOperandTypes()) {
    inputs.push_back(*reference::HostTensor::allocate(typeOf(type), dimsOf(type)));
    fill(inputs.back(), low, high, engine);
    buffers.emplace_back(inputs.back().getNumBytes());
    if (buffers.back().size)
      std::copy_n(inputs.back().bytes(), buffers.back().size, buffers.back().data);
  }
  for (Type type : dispatch->getResultTypes())
    buffers.emplace_back(*reference::countElements(dimsOf(type)) * elementSize(typeOf(type)));
  reference::Environment env;
  env.symbols = symbols;
  if (failed(reference::evaluate(dispatch, inputs, expected, env)))
    ADD_FAILURE() << "no reference";
}

static void compare(const reference::HostTensor &got, const reference::HostTensor &expected, double tolerance) {
  for (int64_t i = 0; i < expected.getNumElements(); ++i) {
    if (!reference::isFloat(expected.getType())) {
      ASSERT_EQ(got.getInteger(i), expected.getInteger(i)) << "at " << i;
      continue;
    }
    double a = got.getDouble(i), b = expected.getDouble(i);
    if ((std::isnan(a) && std::isnan(b)) || a == b)
      continue;
    ASSERT_NEAR(a, b, tolerance * std::max(1.0, std::abs(b))) << "at " << i;
  }
}

void RegionData::check(double tolerance) const {
  for (const GuardedBytes &bytes : buffers)
    EXPECT_TRUE(bytes.isGuardIntact()) << "written past the end";
  for (auto [i, tensor] : llvm::enumerate(expected)) {
    SCOPED_TRACE("result " + std::to_string(i));
    compare(reference::HostTensor::borrow(tensor.getType(), tensor.getDims(), buffers[numOperands + i].data), tensor,
            tolerance);
  }
}

} // namespace tenon::codegen
