#include "SampleSession.h"
#include "tenon-c/runtime.h"

#include <gtest/gtest.h>

#include <cstring>

using namespace tenon::test;

namespace {

std::string take(TenonError *error) {
  if (!error)
    return "ok";
  std::string text = std::string(tenon_error_code(error)) + " " + tenon_error_message(error);
  EXPECT_NE(std::string(tenon_error_remedy(error)), "");
  tenon_error_destroy(error);
  return text;
}

class CApiTest : public ::testing::Test {
protected:
  void SetUp() override {
    file = packed(makeSample());
    ASSERT_EQ(take(tenon_session_create_from_memory(file.data(), file.size(), nullptr, &session)), "ok");
  }
  void TearDown() override { tenon_session_destroy(session); }

  std::vector<uint8_t> file;
  TenonSession *session = nullptr;
};

} // namespace

TEST_F(CApiTest, DescribesTheModel) {
  ASSERT_EQ(tenon_session_num_inputs(session), 1u);
  ASSERT_EQ(tenon_session_num_outputs(session), 1u);
  TenonTensorInfo info;
  ASSERT_EQ(take(tenon_session_input(session, 0, &info)), "ok");
  EXPECT_STREQ(info.name, "x");
  EXPECT_EQ(info.type, TENON_F32);
  ASSERT_EQ(info.rank, 2);
  EXPECT_EQ(info.dims[0], -1);
  EXPECT_EQ(info.dims[1], 4);
  EXPECT_STREQ(info.dim_names[0], "N");
  EXPECT_NE(take(tenon_session_input(session, 1, &info)), "ok");
  EXPECT_STREQ(tenon_session_arch(session), baseArch);
  EXPECT_GE(tenon_session_threads(session), 1);
}

TEST_F(CApiTest, RunsAndOutlivesTheSession) {
  float x[8] = {0, 1, 2, 3, 4, 5, 6, 7};
  const int64_t dims[2] = {2, 4};
  const TenonTensor input = {"x", x, TENON_F32, 2, dims};
  TenonResult *result = nullptr;
  ASSERT_EQ(take(tenon_session_run(session, &input, 1, nullptr, 0, nullptr, &result)), "ok");
  tenon_session_destroy(session);
  session = nullptr;
  ASSERT_EQ(tenon_result_num_outputs(result), 1u);
  TenonTensor output;
  ASSERT_EQ(take(tenon_result_output(result, 0, &output)), "ok");
  EXPECT_STREQ(output.name, "y");
  EXPECT_EQ(output.dims[0], 2);
  EXPECT_EQ(static_cast<float *>(output.data)[0], 20);
  EXPECT_EQ(static_cast<float *>(output.data)[7], 94);
  EXPECT_NE(take(tenon_result_output(result, 1, &output)), "ok");
  tenon_result_destroy(result);
}

TEST_F(CApiTest, WritesIntoGivenTensorsAndAProfile) {
  TemporaryFolder folder;
  const std::string path = folder / "trace.json";
  float x[4] = {}, y[4] = {};
  const int64_t dims[2] = {1, 4};
  const TenonTensor input = {"x", x, TENON_F32, 2, dims}, output = {"y", y, TENON_F32, 2, dims};
  TenonRunOptions options;
  tenon_run_options_init(&options);
  options.profile_path = path.c_str();
  TenonResult *result = nullptr;
  ASSERT_EQ(take(tenon_session_run(session, &input, 1, &output, 1, &options, &result)), "ok");
  EXPECT_EQ(y[3], 80);
  tenon_result_destroy(result);
  const std::vector<uint8_t> trace = readFile(path);
  EXPECT_NE(std::string(trace.begin(), trace.end()).find("add_rows"), std::string::npos);
}

TEST_F(CApiTest, ReportsErrors) {
  const int64_t dims[2] = {1, 5};
  float x[5] = {};
  TenonTensor input = {"x", x, TENON_F32, 2, dims};
  TenonResult *result = nullptr;
  EXPECT_NE(take(tenon_session_run(session, &input, 1, nullptr, 0, nullptr, &result)).find("TN7007 input 'x', axis 1"),
            std::string::npos);
  EXPECT_EQ(result, nullptr);
  input.type = 77;
  EXPECT_NE(take(tenon_session_run(session, &input, 1, nullptr, 0, nullptr, &result)).find("TN7014"),
            std::string::npos);
  input = {"x", x, TENON_F32, -1, dims};
  EXPECT_NE(take(tenon_session_run(session, &input, 1, nullptr, 0, nullptr, &result)).find("TN7014"),
            std::string::npos);
}

TEST_F(CApiTest, NullPointersAreErrors) {
  TenonSession *other = nullptr;
  EXPECT_NE(take(tenon_session_create(nullptr, nullptr, &other)), "ok");
  EXPECT_NE(take(tenon_session_create("a.tenon", nullptr, nullptr)), "ok");
  EXPECT_NE(take(tenon_session_create_from_memory(nullptr, 5, nullptr, &other)), "ok");
  EXPECT_NE(take(tenon_session_run(nullptr, nullptr, 0, nullptr, 0, nullptr, nullptr)), "ok");
  EXPECT_NE(take(tenon_session_input(nullptr, 0, nullptr)), "ok");
  EXPECT_NE(take(tenon_result_output(nullptr, 0, nullptr)), "ok");
  tenon_session_destroy(nullptr);
  tenon_result_destroy(nullptr);
  tenon_error_destroy(nullptr);
}

TEST_F(CApiTest, OptionsAreVersionedBySize) {
  TenonSessionOptions options;
  tenon_session_options_init(&options);
  EXPECT_EQ(options.threads, -1);
  options.threads = 2;
  options.size = offsetof(TenonSessionOptions, verify_weights); // an older caller
  TenonSession *other = nullptr;
  ASSERT_EQ(take(tenon_session_create_from_memory(file.data(), file.size(), &options, &other)), "ok");
  EXPECT_EQ(tenon_session_threads(other), 2);
  tenon_session_destroy(other);
  options.size = 0;
  EXPECT_NE(take(tenon_session_create_from_memory(file.data(), file.size(), &options, &other)), "ok");
}

TEST_F(CApiTest, KnowsRanks) {
  EXPECT_EQ(tenon_session_ranks(session), 1);
  EXPECT_EQ(tenon_session_rank(session), 0);
  TenonSessionOptions options;
  tenon_session_options_init(&options);
  options.transport = "mpi";
  TenonSession *other = nullptr;
  EXPECT_NE(take(tenon_session_create_from_memory(file.data(), file.size(), &options, &other)).find("TN7021"),
            std::string::npos);
}

TEST(CApi, SaysWhatItIs) {
  EXPECT_EQ(std::string(tenon_runtime_version()).substr(0, 6), "tenon ");
  EXPECT_STRNE(tenon_cpu_arch(), "");
  EXPECT_EQ(tenon_type_size(TENON_BF16), 2u);
  EXPECT_EQ(tenon_type_size(99), 0u);
}

TEST(CApi, MissingFilesAreNamed) {
  TenonSession *session = nullptr;
  EXPECT_NE(take(tenon_session_create("missing.tenon", nullptr, &session)).find("TN6001 cannot open 'missing.tenon'"),
            std::string::npos);
  EXPECT_EQ(session, nullptr);
}
