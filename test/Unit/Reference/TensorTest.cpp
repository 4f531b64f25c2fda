//===- TensorTest.cpp - Elements, budget, attributes ----------------------===//
#include "ReferenceTest.h"

#include "mlir/IR/DialectResourceBlobManager.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

using TensorTest = ReferenceTest;

static double through(ElementType type, double value) {
  char bytes[8];
  storeDouble(type, bytes, 0, value);
  return loadDouble(type, bytes, 0);
}

TEST_F(TensorTest, RoundsToHalfOnce) {
  EXPECT_EQ(through(ElementType::F16, 1.0 / 3), 0.333251953125);
  EXPECT_EQ(through(ElementType::F16, 65519), 65504);
  EXPECT_EQ(through(ElementType::F16, 65520), std::numeric_limits<double>::infinity());
  EXPECT_EQ(through(ElementType::F16, 0x1p-24), 0x1p-24);
  EXPECT_EQ(through(ElementType::F16, 0x1p-25), 0);
  EXPECT_EQ(through(ElementType::F16, 0x1.8p-25), 0x1p-24);
  EXPECT_EQ(through(ElementType::F16, -2049), -2048);
  // A detour over float would round 1 + 2^-11 + 2^-30 to the tie first, and then down.
  EXPECT_EQ(through(ElementType::F16, 1 + 0x1p-11 + 0x1p-30), 1 + 0x1p-10);
  EXPECT_TRUE(std::isnan(through(ElementType::F16, NAN)));
}

TEST_F(TensorTest, RoundsToBFloat) {
  EXPECT_EQ(through(ElementType::BF16, 1 + 0x1p-8), 1);
  EXPECT_EQ(through(ElementType::BF16, 1 + 3 * 0x1p-8), 1 + 0x1p-6);
  EXPECT_EQ(through(ElementType::BF16, 3.4e38), std::numeric_limits<double>::infinity());
  EXPECT_EQ(through(ElementType::BF16, 0x1p-133), 0x1p-133);
}

TEST_F(TensorTest, FloatsTruncateAndSaturate) {
  EXPECT_EQ(through(ElementType::I8, -1.9), -1);
  EXPECT_EQ(through(ElementType::I8, 300), 127);
  EXPECT_EQ(through(ElementType::U8, -3), 0);
  EXPECT_EQ(through(ElementType::I64, 1e30), static_cast<double>(INT64_MAX));
  EXPECT_EQ(through(ElementType::I32, NAN), 0);
  EXPECT_EQ(through(ElementType::Bool, 0.5), 1);
}

TEST_F(TensorTest, IntegersWrap) {
  char bytes[8];
  storeInteger(ElementType::I8, bytes, 0, 200);
  EXPECT_EQ(loadInteger(ElementType::I8, bytes, 0), -56);
  storeInteger(ElementType::U64, bytes, 0, -1);
  EXPECT_EQ(loadDouble(ElementType::U64, bytes, 0), 0x1p64);
}

TEST_F(TensorTest, BudgetIsChargedAndReleased) {
  auto budget = std::make_shared<MemoryBudget>(100);
  {
    auto first = HostTensor::allocate(ElementType::F32, {5, 4}, budget);
    ASSERT_TRUE(succeeded(first));
    EXPECT_TRUE(failed(HostTensor::allocate(ElementType::F32, {6}, budget)));
    HostTensor copy = *first;
    first = failure();
    EXPECT_EQ(budget->getUsed(), 80u);
  }
  EXPECT_EQ(budget->getUsed(), 0u);
  EXPECT_EQ(budget->getPeak(), 80u);
}

TEST_F(TensorTest, RefusesExtentsThatOverflow) {
  EXPECT_TRUE(failed(HostTensor::allocate(ElementType::F32, {INT64_MAX, 4})));
  EXPECT_TRUE(failed(HostTensor::allocate(ElementType::F32, {-1})));
  EXPECT_EQ(countElements({INT64_MAX, INT64_MAX, 0}), 0);
}

TEST_F(TensorTest, BorrowsDenseAndExpandsSplats) {
  Builder b(&context);
  auto type = RankedTensorType::get({3}, b.getF32Type());
  auto dense = DenseElementsAttr::get(type, ArrayRef<float>{1, 2, 3});
  auto borrowed = constantToTensor(dense);
  ASSERT_TRUE(succeeded(borrowed));
  EXPECT_FALSE(borrowed->isOwned());
  EXPECT_EQ(values(*borrowed), (std::vector<double>{1, 2, 3}));
  auto splat = constantToTensor(DenseElementsAttr::get(type, 7.0f));
  ASSERT_TRUE(succeeded(splat));
  EXPECT_EQ(values(*splat), (std::vector<double>{7, 7, 7}));
  auto tooSmall = std::make_shared<MemoryBudget>(8);
  EXPECT_TRUE(failed(constantToTensor(DenseElementsAttr::get(type, 7.0f), tooSmall)));
}

TEST_F(TensorTest, ReadsPackedBools) {
  auto type = RankedTensorType::get({9}, IntegerType::get(&context, 1));
  bool bits[] = {true, false, false, true, false, true, true, false, true};
  auto tensor = constantToTensor(DenseElementsAttr::get(type, ArrayRef<bool>(bits)));
  ASSERT_TRUE(succeeded(tensor));
  EXPECT_EQ(values(*tensor), (std::vector<double>{1, 0, 0, 1, 0, 1, 1, 0, 1}));
  EXPECT_EQ(values(*constantToTensor(tensorToAttr(&context, *tensor, "b"))), values(*tensor));
}

TEST_F(TensorTest, LargeConstantsBecomeResourcesThatShareBytes) {
  HostTensor tensor = iota({65});
  const char *bytes = tensor.bytes();
  auto attr = dyn_cast<DenseResourceElementsAttr>(tensorToAttr(&context, std::move(tensor), "weights"));
  ASSERT_TRUE(attr);
  auto back = constantToTensor(attr);
  ASSERT_TRUE(succeeded(back));
  EXPECT_EQ(back->bytes(), bytes);
  EXPECT_EQ(back->getDouble(64), 64);
  EXPECT_TRUE(isa<DenseElementsAttr>(tensorToAttr(&context, iota({64}), "weights")));
}

TEST_F(TensorTest, RefusesResourcesOfTheWrongSize) {
  auto type = RankedTensorType::get({3}, Float32Type::get(&context));
  auto blob = HeapAsmResourceBlob::allocateAndCopyWithAlign(ArrayRef<char>("1234567", 8), 4);
  EXPECT_TRUE(failed(constantToTensor(DenseResourceElementsAttr::get(type, "w", std::move(blob)))));
}

TEST_F(TensorTest, CopiesResourcesThatAreNotAligned) {
  auto type = RankedTensorType::get({3}, Float32Type::get(&context));
  alignas(4) char file[16] = {};
  const float elements[] = {1, 2, 3};
  std::memcpy(file + 1, elements, sizeof(elements));
  auto blob = UnmanagedAsmResourceBlob::allocateWithAlign(ArrayRef<char>(file + 1, sizeof(elements)), 1);
  auto attr = DenseResourceElementsAttr::get(type, "w", std::move(blob));
  auto tensor = constantToTensor(attr);
  ASSERT_TRUE(succeeded(tensor));
  EXPECT_TRUE(tensor->isOwned());
  EXPECT_EQ(values(*tensor), (std::vector<double>{1, 2, 3}));
  EXPECT_TRUE(failed(constantToTensor(attr, std::make_shared<MemoryBudget>(8))));
}
