//===- CApiValuesTest.cpp - Sequences and optionals in the C interface ----===//
#include "SampleSession.h"
#include "tenon-c/runtime.h"

#include <gtest/gtest.h>

using namespace tenon::test;

namespace {

std::string take(TenonError *error) {
  if (!error)
    return "ok";
  std::string text = std::string(tenon_error_code(error)) + " " + tenon_error_message(error);
  tenon_error_destroy(error);
  return text;
}

const int64_t pair[1] = {2}, single[2] = {1, 4};
float numbers[4] = {1, 2, 3, 4};

TEST(CApiValue, Tensor) {
  const TenonTensor tensor = {nullptr, numbers, TENON_F32, 1, pair};
  TenonValue *value = nullptr;
  ASSERT_EQ(take(tenon_value_tensor(&tensor, &value)), "ok");
  EXPECT_EQ(tenon_value_kind(value), TENON_VALUE_TENSOR);
  EXPECT_EQ(tenon_value_type(value), TENON_F32);
  EXPECT_EQ(tenon_value_size(value), 1u);
  TenonTensor back;
  ASSERT_EQ(take(tenon_value_element(value, 0, &back)), "ok");
  EXPECT_EQ(back.data, numbers);
  EXPECT_EQ(back.dims[0], 2);
  EXPECT_STREQ(back.name, "");
  EXPECT_NE(take(tenon_value_element(value, 1, &back)), "ok");
  tenon_value_destroy(value);
}

TEST(CApiValue, Sequence) {
  const TenonTensor elements[2] = {{nullptr, numbers, TENON_F32, 1, pair},
                                   {nullptr, numbers + 2, TENON_F32, 0, nullptr}};
  TenonValue *value = nullptr;
  ASSERT_EQ(take(tenon_value_sequence(TENON_F32, elements, 2, &value)), "ok");
  EXPECT_EQ(tenon_value_kind(value), TENON_VALUE_SEQUENCE);
  EXPECT_EQ(tenon_value_size(value), 2u);
  TenonTensor back;
  ASSERT_EQ(take(tenon_value_element(value, 1, &back)), "ok");
  EXPECT_EQ(back.rank, 0);
  EXPECT_EQ(*static_cast<float *>(back.data), 3);
  tenon_value_destroy(value);
  ASSERT_EQ(take(tenon_value_sequence(TENON_I64, nullptr, 0, &value)), "ok");
  EXPECT_EQ(tenon_value_type(value), TENON_I64);
  EXPECT_EQ(tenon_value_size(value), 0u);
  tenon_value_destroy(value);
}

TEST(CApiValue, None) {
  TenonValue *value = nullptr;
  ASSERT_EQ(take(tenon_value_none(&value)), "ok");
  EXPECT_EQ(tenon_value_kind(value), TENON_VALUE_NONE);
  EXPECT_EQ(tenon_value_type(value), -1);
  EXPECT_EQ(tenon_value_size(value), 0u);
  TenonTensor back;
  EXPECT_NE(take(tenon_value_element(value, 0, &back)), "ok");
  tenon_value_destroy(value);
}

TEST(CApiValue, MalformedOnesAreErrors) {
  TenonValue *value = nullptr;
  const TenonTensor unknown = {nullptr, numbers, 77, 1, pair}, negative = {nullptr, numbers, TENON_F32, -1, pair},
                    shapeless = {nullptr, numbers, TENON_F32, 1, nullptr},
                    whole = {nullptr, numbers, TENON_I32, 1, pair};
  for (const TenonTensor *tensor : {&unknown, &negative, &shapeless, static_cast<const TenonTensor *>(nullptr)}) {
    EXPECT_EQ(take(tenon_value_tensor(tensor, &value)).substr(0, 6), "TN7014");
    EXPECT_EQ(value, nullptr);
    EXPECT_EQ(take(tenon_value_sequence(TENON_F32, tensor, 1, &value)).substr(0, 6), "TN7014");
  }
  EXPECT_EQ(take(tenon_value_sequence(TENON_F32, &whole, 1, &value)).substr(0, 6), "TN7014");
  EXPECT_EQ(take(tenon_value_sequence(-1, nullptr, 0, &value)).substr(0, 6), "TN7014");
  EXPECT_NE(take(tenon_value_tensor(&whole, nullptr)), "ok");
  EXPECT_NE(take(tenon_value_none(nullptr)), "ok");
  EXPECT_EQ(tenon_value_kind(nullptr), TENON_VALUE_NONE);
  EXPECT_EQ(tenon_value_size(nullptr), 0u);
  tenon_value_destroy(nullptr);
}

class CApiValueRun : public ::testing::Test {
protected:
  void SetUp() override {
    const std::vector<uint8_t> file = packed(makeSample());
    ASSERT_EQ(take(tenon_session_create_from_memory(file.data(), file.size(), nullptr, &session)), "ok");
    const TenonTensor tensor = {nullptr, numbers, TENON_F32, 2, single};
    ASSERT_EQ(take(tenon_value_tensor(&tensor, &input)), "ok");
  }
  void TearDown() override {
    tenon_value_destroy(input);
    tenon_session_destroy(session);
  }

  TenonSession *session = nullptr;
  TenonValue *input = nullptr, *output = nullptr;
};

TEST_F(CApiValueRun, DescribesKinds) {
  int32_t kind = -1, optional = -1, ranked = -1;
  ASSERT_EQ(take(tenon_session_input_kind(session, 0, &kind, &optional, &ranked)), "ok");
  EXPECT_EQ(kind, TENON_VALUE_TENSOR);
  EXPECT_EQ(optional, 0);
  EXPECT_EQ(ranked, 1);
  EXPECT_EQ(take(tenon_session_output_kind(session, 0, nullptr, nullptr, nullptr)), "ok");
  EXPECT_NE(take(tenon_session_output_kind(session, 1, &kind, nullptr, nullptr)), "ok");
  EXPECT_NE(take(tenon_session_input_kind(nullptr, 0, &kind, nullptr, nullptr)), "ok");
}

TEST_F(CApiValueRun, TakesAndGivesValues) {
  ASSERT_EQ(take(tenon_session_run_values(session, &input, 1, nullptr, &output, 1)), "ok");
  tenon_session_destroy(session); // the result outlives it
  session = nullptr;
  TenonTensor y;
  ASSERT_EQ(take(tenon_value_element(output, 0, &y)), "ok");
  EXPECT_EQ(y.dims[1], 4);
  EXPECT_EQ(static_cast<float *>(y.data)[0], 22);
  tenon_value_destroy(output);
}

TEST_F(CApiValueRun, ReportsErrors) {
  const TenonValue *none = nullptr;
  EXPECT_EQ(take(tenon_session_run_values(session, &none, 1, nullptr, &output, 1)).substr(0, 3), "TN7");
  EXPECT_EQ(output, nullptr);
  EXPECT_EQ(take(tenon_session_run_values(session, &input, 0, nullptr, &output, 1)).substr(0, 6), "TN7004");
  EXPECT_EQ(take(tenon_session_run_values(session, &input, 1, nullptr, &output, 0)).substr(0, 6), "TN7014");
  EXPECT_EQ(take(tenon_session_run_values(session, nullptr, 1, nullptr, &output, 1)).substr(0, 6), "TN7014");
  EXPECT_EQ(take(tenon_session_run_values(nullptr, &input, 1, nullptr, &output, 1)).substr(0, 6), "TN7014");
}

} // namespace
