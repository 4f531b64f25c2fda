#include "tenon/Runtime/Tensor.h"

#include <gtest/gtest.h>

using namespace tenon;
using namespace tenon::runtime;

TEST(Tensor, CountsElementsAndBytes) {
  EXPECT_EQ((Tensor{ElementType::I64, {2, 3}, nullptr}).bytes(), 48);
  EXPECT_EQ((Tensor{ElementType::Bool, {}, nullptr}).bytes(), 1);
  EXPECT_EQ((Tensor{ElementType::F32, {2, 0, 3}, nullptr}).bytes(), 0);
}

TEST(Tensor, NoticesExtentsThatCannotBe) {
  const int64_t big = int64_t(1) << 40;
  EXPECT_EQ((Tensor{ElementType::F32, {-1}, nullptr}).bytes(), -1);
  EXPECT_EQ((Tensor{ElementType::F32, {big, big}, nullptr}).bytes(), -1);
  EXPECT_EQ((Tensor{ElementType::F32, {0, big, big}, nullptr}).bytes(), -1) << "a zero must not hide it";
  EXPECT_EQ((Tensor{ElementType::F64, {int64_t(1) << 61}, nullptr}).bytes(), -1);
  EXPECT_EQ(Tensor::allocate(ElementType::F32, {-1}).status().error().code, "TN7014");
  EXPECT_EQ(Tensor::allocate(ElementType::I8, {int64_t(1) << 60}).status().error().code, "TN7011");
}

TEST(Tensor, AllocatesAligned) {
  auto tensor = Tensor::allocate(ElementType::F32, {3});
  ASSERT_TRUE(tensor.ok());
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor->data.get()) % 64, 0u);
  EXPECT_TRUE(Tensor::allocate(ElementType::F32, {0}).ok());
}
