#include "SampleSession.h"
#include "tenon/Plan/Container.h"
#include "tenon/Runtime/CpuInfo.h"

#include <gtest/gtest.h>

#include <thread>

using namespace tenon;
using namespace tenon::runtime;
using namespace tenon::test;

namespace {
/// What the sample computes.
std::vector<float> expected(const std::vector<float> &x) {
  std::vector<float> y(x.size());
  for (size_t i = 0; i < x.size(); ++i)
    y[i] = 2 * (x[i] + 10 * float(i % 4 + 1));
  return y;
}

std::vector<float> ramp(size_t count) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = float(i);
  return values;
}
} // namespace

TEST(Session, DescribesInputsAndOutputs) {
  auto session = load(makeSample());
  ASSERT_TRUE(session.ok()) << session.status().str();
  ASSERT_EQ((*session)->inputs().size(), 1u);
  const TensorInfo &x = (*session)->inputs()[0];
  EXPECT_EQ(x.name, "x");
  EXPECT_EQ(x.dims, (std::vector<int64_t>{-1, 4}));
  EXPECT_EQ(x.dimNames, (std::vector<std::string>{"N", ""}));
  EXPECT_EQ((*session)->outputs()[0].name, "y");
  EXPECT_EQ((*session)->arch(), baseArch);
}

TEST(Session, RunsEveryShapeOnEveryThreadCount) {
  for (int threads : {1, 2, 5}) {
    SessionOptions options;
    options.threads = threads;
    auto session = load(makeSample(), options);
    ASSERT_TRUE(session.ok()) << session.status().str();
    EXPECT_EQ((*session)->threads(), unsigned(threads));
    for (int64_t n : {1, 3, 0, 200, 3}) {
      const std::vector<float> x = ramp(size_t(n) * 4);
      const Tensor input = floats(x, {n, 4});
      auto outputs = (*session)->run(std::span(&input, 1));
      ASSERT_TRUE(outputs.ok()) << outputs.status().str();
      EXPECT_EQ((*outputs)[0].dims, (std::vector<int64_t>{n, 4}));
      EXPECT_EQ(toVector((*outputs)[0]), expected(x));
    }
  }
}

TEST(Session, TakesThreadsFromThePlanUnlessTold) {
  PlanMaker m = makeSample();
  m.plan.threads = 3;
  auto session = load(std::move(m));
  ASSERT_TRUE(session.ok());
  EXPECT_EQ((*session)->threads(), 3u);
  SessionOptions all;
  all.threads = 0;
  PlanMaker again = makeSample();
  again.plan.threads = 3;
  EXPECT_EQ((*load(std::move(again), all))->threads(), cpuCores());
}

TEST(Session, WritesIntoTheCallersTensors) {
  auto session = load(makeSample());
  ASSERT_TRUE(session.ok());
  const std::vector<float> x = ramp(8);
  std::vector<float> y(8);
  const NamedTensor input{"x", floats(x, {2, 4})}, output{"y", floats(y, {2, 4})};
  auto outputs = (*session)->run(std::span(&input, 1), {}, std::span(&output, 1));
  ASSERT_TRUE(outputs.ok()) << outputs.status().str();
  EXPECT_EQ((*outputs)[0].data.get(), y.data());
  EXPECT_EQ(y, expected(x));
}

TEST(Session, AcceptsMisalignedInputs) {
  auto session = load(makeSample());
  ASSERT_TRUE(session.ok());
  const std::vector<float> x = ramp(4);
  std::vector<char> bytes(x.size() * 4 + 1);
  std::copy_n(reinterpret_cast<const char *>(x.data()), x.size() * 4, bytes.begin() + 1);
  const Tensor input = Tensor::borrow(bytes.data() + 1, ElementType::F32, {1, 4});
  auto outputs = (*session)->run(std::span(&input, 1));
  ASSERT_TRUE(outputs.ok());
  EXPECT_EQ(toVector((*outputs)[0]), expected(x));
}

TEST(Session, RunsConcurrently) {
  SessionOptions options;
  options.threads = 3;
  auto session = load(makeSample(), options);
  ASSERT_TRUE(session.ok());
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t)
    callers.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) {
        const int64_t n = 1 + (i * 7 + t) % 60; // more shapes than the cache holds
        const std::vector<float> x = ramp(size_t(n) * 4);
        const Tensor input = floats(x, {n, 4});
        auto outputs = (*session)->run(std::span(&input, 1));
        wrong += !outputs || toVector((*outputs)[0]) != expected(x);
      }
    });
  for (std::thread &caller : callers)
    caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Session, GivesEachThreadItsScratch) {
  using plan::BufferKind;
  PlanMaker m;
  const uint32_t n = m.inputDim(0, 0), columns = m.inputDim(0, 1), zero = m.constant(0);
  m.function().inputs.push_back(m.tensor("x", {n, columns}, {"N", "K"}));
  m.function().outputs.push_back(m.tensor("y", {n, columns}, {"N", "K"}));
  const uint32_t rowBytes = m.mul(columns, m.constant(4)), bytes = m.mul(n, rowBytes);
  const uint32_t x = m.buffer(BufferKind::Input, 0, bytes), y = m.buffer(BufferKind::Output, 0, bytes);
  m.launch(m.kernel("through_scratch", 2, 1), n, {{x, zero}, {y, zero}}, {columns}).scratch = rowBytes;
  SessionOptions options;
  options.threads = 4;
  auto session = load(std::move(m), options);
  ASSERT_TRUE(session.ok()) << session.status().str();
  const std::vector<float> values = ramp(64 * 300);
  const Tensor input = floats(values, {64, 300});
  auto outputs = (*session)->run(std::span(&input, 1));
  ASSERT_TRUE(outputs.ok());
  EXPECT_EQ(toVector((*outputs)[0]), values);
}

TEST(Session, CopiesViews) {
  using plan::BufferKind;
  PlanMaker m; // y = x's second row
  const uint32_t two = m.constant(2), four = m.constant(4), zero = m.constant(0), row = m.constant(16);
  m.function().inputs.push_back(m.tensor("x", {two, four}, {}));
  m.function().outputs.push_back(m.tensor("y", {four}, {}));
  const uint32_t x = m.buffer(BufferKind::Input, 0, m.constant(32)), y = m.buffer(BufferKind::Output, 0, row);
  m.copy({x, row}, {y, zero}, row);
  auto session = load(std::move(m));
  ASSERT_TRUE(session.ok()) << session.status().str();
  const std::vector<float> values = ramp(8);
  const Tensor input = floats(values, {2, 4});
  auto outputs = (*session)->run(std::span(&input, 1));
  ASSERT_TRUE(outputs.ok());
  EXPECT_EQ(toVector((*outputs)[0]), (std::vector<float>{4, 5, 6, 7}));
}

TEST(Session, ProfilesEveryRecord) {
  auto session = load(makeSample());
  ASSERT_TRUE(session.ok());
  const std::vector<float> x = ramp(8);
  const Tensor input = floats(x, {2, 4});
  Profile profile;
  RunOptions options;
  options.profile = &profile;
  ASSERT_TRUE((*session)->run(std::span(&input, 1), options).ok());
  ASSERT_EQ(profile.events.size(), 2u);
  EXPECT_EQ(profile.events[0].name, "add_rows");
  EXPECT_EQ(profile.events[0].nodes, (std::vector<std::string>{"Add_0"}));
  EXPECT_EQ(profile.events[1].grid, 8);
  EXPECT_LE(profile.events[1].start + profile.events[1].duration, profile.total);
}

TEST(Session, RunsOnTheNullDeviceWithoutCode) {
  PlanMaker m = makeSample();
  TemporaryFolder folder;
  ASSERT_TRUE(writePlan(folder / "a.tenon", m.plan, {1, 2, 3, 4}).ok());
  SessionOptions options;
  options.device = "null";
  auto session = Session::create(folder / "a.tenon", options);
  ASSERT_TRUE(session.ok()) << session.status().str();
  const std::vector<float> x = ramp(8);
  const Tensor input = floats(x, {2, 4});
  auto outputs = (*session)->run(std::span(&input, 1));
  ASSERT_TRUE(outputs.ok());
  EXPECT_EQ((*outputs)[0].dims, (std::vector<int64_t>{2, 4}));
}
