// What users see when they pass the wrong thing: one case per message.
#include "SampleSession.h"

#include <gtest/gtest.h>

#include <functional>

using namespace tenon;
using namespace tenon::runtime;
using namespace tenon::test;

namespace {

std::string describe(const Status &status) {
  return status.ok() ? "ok" : status.error().code + " " + status.error().message;
}

std::string runFailure(PlanMaker m, std::vector<NamedTensor> inputs, std::vector<NamedTensor> into = {}) {
  auto session = load(std::move(m));
  if (!session)
    return "load: " + describe(session.status());
  return describe((*session)->run(inputs, {}, into).status());
}

std::string loadFailure(PlanMaker m, SessionOptions options = {}) {
  return describe(load(std::move(m), options).status());
}

const std::vector<float> values(64);
NamedTensor named(const char *name, std::vector<int64_t> dims) { return {name, floats(values, std::move(dims))}; }

/// A plan without kernels: y = x[0:bytes], both f32 [N].
PlanMaker makeCopy() {
  using plan::BufferKind;
  PlanMaker m;
  const uint32_t n = m.inputDim(0, 0), bytes = m.mul(n, m.constant(4)), zero = m.constant(0);
  m.function().inputs.push_back(m.tensor("x", {n}, {"N"}));
  m.function().outputs.push_back(m.tensor("y", {n}, {"N"}));
  m.buffer(BufferKind::Input, 0, bytes);
  m.buffer(BufferKind::Output, 0, bytes);
  m.copy({0, zero}, {1, zero}, bytes);
  return m;
}

} // namespace

TEST(SessionError, InputNames) {
  EXPECT_EQ(runFailure(makeSample(), {named("z", {1, 4})}), "TN7003 there is no input 'z'; the model's inputs are 'x'");
  EXPECT_EQ(runFailure(makeSample(), {}), "TN7004 input 'x' is missing: expected float32 [N, 4]");
  EXPECT_EQ(runFailure(makeSample(), {named("x", {1, 4}), named("x", {1, 4})}), "TN7004 input 'x' is given twice");
  auto session = load(makeSample());
  EXPECT_EQ(describe((*session)->run(std::span<const Tensor>()).status()), "TN7004 the model has 1 inputs, found 0");
}

TEST(SessionError, InputTypesAndShapes) {
  NamedTensor wrongType{"x", Tensor::borrow(values.data(), ElementType::I64, {1, 4})};
  EXPECT_EQ(runFailure(makeSample(), {wrongType}), "TN7005 input 'x': expected float32, found int64");
  EXPECT_EQ(runFailure(makeSample(), {named("x", {4})}), "TN7006 input 'x': expected rank 2 [N, 4], found rank 1 [4]");
  EXPECT_EQ(runFailure(makeSample(), {named("x", {2, 5})}),
            "TN7007 input 'x', axis 1: expected 4, found 5 (expected [N, 4], found [2, 5])");
  EXPECT_EQ(runFailure(makeSample(), {named("x", {-2, 4})}), "TN7014 input 'x': the extents are negative or too large");
  EXPECT_EQ(runFailure(makeSample(), {{"x", Tensor{ElementType::F32, {2, 4}, nullptr}}}),
            "TN7014 input 'x': the data pointer is null");
}

TEST(SessionError, ExtentsOfOneNameMustAgree) {
  PlanMaker m = makeCopy();
  m.function().inputs.push_back(m.tensor("b", {0}, {"N"}));
  EXPECT_EQ(runFailure(std::move(m), {named("x", {3}), named("b", {4})}),
            "TN7008 input 'b', axis 0 ('N'): expected 3, found 4; axis 0 ('N') of input 'x' is 3");
}

TEST(SessionError, OutputTensors) {
  EXPECT_EQ(runFailure(makeSample(), {named("x", {2, 4})}, {named("q", {2, 4})}),
            "TN7003 there is no output 'q'; the model's outputs are 'y'");
  EXPECT_EQ(runFailure(makeSample(), {named("x", {2, 4})}, {named("y", {1, 4})}),
            "TN7013 the tensor for output 'y': expected float32 [2, 4], found float32 [1, 4]");
  EXPECT_EQ(runFailure(makeSample(), {named("x", {2, 4})}, {{"y", Tensor{ElementType::F32, {2, 4}, nullptr}}}),
            "TN7013 the tensor for output 'y': the data pointer is null or not aligned to its elements");
}

TEST(SessionError, ChecksOfTheModelNameTheirNode) {
  PlanMaker m = makeCopy();
  m.check(m.value(plan::ShapeOp::Less, 0, m.constant(3)), "N must be below 3", "Reshape_7");
  auto session = load(std::move(m));
  ASSERT_TRUE(session.ok());
  std::vector<NamedTensor> small = {named("x", {2})}, large = {named("x", {3})};
  EXPECT_TRUE((*session)->run(small).ok());
  auto failed = (*session)->run(large);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(describe(failed.status()), "TN7010 N must be below 3");
  EXPECT_EQ(failed.status().error().node, "Reshape_7");
  EXPECT_FALSE(failed.status().error().remedy.empty());
}

TEST(SessionError, ShapesThatCannotBe) {
  PlanMaker negative = makeCopy();
  negative.function().outputs[0]->dims = {negative.value(plan::ShapeOp::Sub, 0, negative.constant(10))};
  EXPECT_EQ(runFailure(std::move(negative), {named("x", {2})}),
            "TN7009 the extents of output 'y' are negative or too large");
  PlanMaker broadcast = makeCopy();
  broadcast.value(plan::ShapeOp::Broadcast, 0, broadcast.constant(5));
  EXPECT_EQ(runFailure(std::move(broadcast), {named("x", {2})}),
            "TN7009 shape value 5: extents 2 and 5 do not broadcast");
}

TEST(SessionError, SizesThatDoNotFitTheirBuffers) {
  PlanMaker large = makeCopy();
  large.function().buffers[1]->bytes = large.mul(2, large.constant(2));
  EXPECT_NE(runFailure(std::move(large), {named("x", {2})}).find("TN7012 buffer 1 needs"), std::string::npos);
  PlanMaker beyond = makeCopy();
  beyond.function().records[0]->operation.AsCopy()->source = std::make_unique<plan::BufferRef>(0, beyond.constant(4));
  EXPECT_EQ(runFailure(std::move(beyond), {named("x", {2})}),
            "TN7012 record 0 uses buffer 0 of 8 bytes at offset 4 for 8 bytes");
  PlanMaker grid = makeSample();
  grid.function().records[0]->operation.AsLaunch()->grid = grid.constant(-1);
  EXPECT_EQ(runFailure(std::move(grid), {named("x", {2, 4})}), "TN7012 record 0 has grid -1 and scratch 0");
}

TEST(SessionError, MemoryThatIsNotThere) {
  PlanMaker arena = makeCopy();
  arena.buffer(plan::BufferKind::Arena, 0, arena.constant(int64_t(1) << 60));
  EXPECT_EQ(runFailure(std::move(arena), {named("x", {2})}),
            "TN7011 the intermediate tensors of this run need more than 2^46 bytes");
  PlanMaker scratch = makeSample();
  scratch.function().records[0]->operation.AsLaunch()->scratch = scratch.constant(int64_t(1) << 62);
  EXPECT_NE(runFailure(std::move(scratch), {named("x", {2, 4})}).find("TN7011 cannot allocate"), std::string::npos);
}

TEST(SessionError, Architectures) {
  SessionOptions options;
  options.arch = "x86-64-v9";
  EXPECT_NE(loadFailure(makeSample(), options).find("TN7002 no code for architecture 'x86-64-v9': the plan holds"),
            std::string::npos);
  auto unsupported = Session::create(packed(makeSample(), "riscv64"), SessionOptions());
  ASSERT_FALSE(unsupported.ok());
  EXPECT_NE(describe(unsupported.status()).find("TN7001 no code for this processor: the plan holds riscv64"),
            std::string::npos);
}

TEST(SessionError, DevicesAndThreads) {
  PlanMaker absent = makeSample();
  absent.plan.target = "absent";
  EXPECT_NE(loadFailure(std::move(absent)).find("TN8001 the library of device 'absent' cannot be opened"),
            std::string::npos);
  SessionOptions options;
  options.device = "cuda";
  EXPECT_EQ(loadFailure(makeSample(), options), "TN7017 the plan is for target 'cpu', the device asked for is 'cuda'");
  options.device = "";
  options.threads = 5000;
  EXPECT_EQ(loadFailure(makeSample(), options), "TN7014 5000 threads, expected 0 (all cores) to 1024");
}

TEST(SessionError, MissingKernels) {
  PlanMaker m = makeSample();
  m.plan.kernels[1]->name = "absent";
  EXPECT_NE(loadFailure(std::move(m)).find("lacks kernel 'absent'"), std::string::npos);
}
