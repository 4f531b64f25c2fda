//===- ValuesTest.cpp - Tensors in files as values ------------------------===//
#include "common/Values.h"
#include "common/Inputs.h"
#include "tenon/Data/Npy.h"
#include "llvm/Support/FileSystem.h"

#include <gtest/gtest.h>

using namespace tenon;
using namespace tenon::tools;
using runtime::NamedTensor;
using runtime::Tensor;
using runtime::TensorInfo;
using runtime::Value;
using runtime::ValueKind;

static TensorInfo info(const std::string &name, ValueKind kind = ValueKind::Tensor, bool isOptional = false) {
  TensorInfo out;
  out.name = name;
  out.type = ElementType::F32;
  out.kind = kind;
  out.isOptional = isOptional;
  return out;
}

static float numbers[3] = {1, 2, 3};

static Tensor scalar(int index) { return Tensor::borrow(numbers + index, ElementType::F32, {}); }

static std::string codeOf(std::vector<NamedTensor> tensors, const TensorInfo &declared) {
  auto values = assembleValues(std::move(tensors), declared);
  return values ? "ok" : values.status().error().code;
}

TEST(Values, OfOneNameAreASequenceInTheirOrder) {
  const std::vector<TensorInfo> declared = {info("x"), info("s", ValueKind::Sequence),
                                            info("o", ValueKind::Sequence, true)};
  auto values = assembleValues({{"s", scalar(2)}, {"x", scalar(0)}, {"s", scalar(1)}}, declared);
  ASSERT_TRUE(values.ok());
  ASSERT_EQ(values->size(), 3u);
  EXPECT_EQ(*(*values)[0].tensor.as<float>(), 1);
  ASSERT_EQ((*values)[1].elements.size(), 2u);
  EXPECT_EQ(*(*values)[1].elements[0].as<float>(), 3);
  EXPECT_EQ((*values)[2].kind, ValueKind::None);
}

TEST(Values, ThatAreMissingOrGivenTwiceAreErrors) {
  EXPECT_EQ(codeOf({}, info("x")), "TN7004");
  EXPECT_EQ(codeOf({}, info("x", ValueKind::Sequence)), "TN7004");
  EXPECT_EQ(codeOf({{"x", scalar(0)}, {"x", scalar(1)}}, info("x")), "TN7004");
  EXPECT_EQ(codeOf({}, info("x", ValueKind::Tensor, true)), "ok");
}

TEST(Values, AreWrittenElementByElement) {
  llvm::SmallString<128> folder;
  ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("values", folder));
  std::vector<std::string> paths;
  const std::string stem = std::string(folder) + "/y";
  ASSERT_TRUE(writeValue(stem, Value::sequence(ElementType::F32, {scalar(0), scalar(1)}), paths).ok());
  ASSERT_TRUE(writeValue(stem, Value(), paths).ok());
  ASSERT_EQ(paths, (std::vector<std::string>{stem + "_0.npy", stem + "_1.npy"}));
  auto read = data::readNpy(paths[1]);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(*read->as<float>(), 2);
  llvm::sys::fs::remove_directories(folder);
}

TEST(Values, ThatCannotBeDrawnAreRefused) {
  auto drawn = completeInputs({}, info("s", ValueKind::Sequence), {}, 0);
  ASSERT_FALSE(drawn.ok());
  EXPECT_EQ(drawn.status().error().code, "TN9016");
  TensorInfo rankless = info("x");
  rankless.isRanked = false;
  drawn = completeInputs({}, rankless, {}, 0);
  ASSERT_FALSE(drawn.ok());
  EXPECT_EQ(drawn.status().error().code, "TN9016");
  ShapeSet shapes;
  shapes["x"] = {"x", {2, 3}};
  drawn = completeInputs({}, rankless, shapes, 0);
  ASSERT_TRUE(drawn.ok());
  EXPECT_EQ(drawn->front().tensor.dims, (std::vector<int64_t>{2, 3}));
}
