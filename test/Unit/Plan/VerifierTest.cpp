// One case per rule of the verifier: a good plan, one change, the code and a piece of the message.
#include "tenon/Plan/Verifier.h"
#include "SamplePlan.h"

#include <gtest/gtest.h>

#include <functional>

using namespace tenon;
using namespace tenon::plan;
using namespace tenon::test;

namespace {

Status verify(const PlanT &plan, uint64_t weights = 64, uint64_t code = 0) {
  flatbuffers::FlatBufferBuilder builder;
  FinishPlanBuffer(builder, Plan::Pack(builder, &plan));
  return verifyPlan({builder.GetBufferPointer(), builder.GetSize()}, weights, code).takeStatus();
}

/// The sample after `change` must fail with `code` and a message that holds `text`.
void expectFailure(const std::function<void(PlanMaker &)> &change, const std::string &code, const std::string &text) {
  PlanMaker m = makeSample();
  change(m);
  Status status = verify(m.plan);
  ASSERT_FALSE(status.ok()) << "expected " << code << " " << text;
  EXPECT_EQ(status.error().code, code) << status.str();
  EXPECT_NE(status.error().message.find(text), std::string::npos) << status.str();
  EXPECT_FALSE(status.error().remedy.empty());
}

LaunchT &launchOf(PlanMaker &m, size_t record) { return *m.function().records[record]->operation.AsLaunch(); }
BufferT &arenaOf(PlanMaker &m) { return *m.function().buffers[2]; }

} // namespace

TEST(Verifier, AcceptsTheSample) {
  PlanMaker m = makeSample();
  EXPECT_TRUE(verify(m.plan).ok()) << verify(m.plan).str();
}

TEST(Verifier, RefusesWhatIsNoFlatBuffer) {
  alignas(8) const uint8_t bytes[64] = {};
  for (size_t size : {size_t(0), size_t(1), sizeof(bytes)})
    EXPECT_EQ(verifyPlan({bytes, size}, 0, 0).status().error().code, "TN6010");
}

TEST(Verifier, ChecksKernels) {
  expectFailure([](PlanMaker &m) { m.plan.kernels[0]->name = ""; }, "TN6021", "kernel 0 has no name");
  expectFailure([](PlanMaker &m) { m.plan.kernels[1]->name = "add_rows"; }, "TN6021", "'add_rows' occurs twice");
  expectFailure([](PlanMaker &m) { m.plan.kernels[1]->params = 70000; }, "TN6021", "more than 65536 arguments");
}

TEST(Verifier, ChecksCodeObjects) {
  auto add = [](PlanMaker &m, uint64_t offset, uint64_t length) {
    m.plan.code.push_back(std::make_unique<CodeObjectT>());
    m.plan.code.back()->arch = "x86-64-v3";
    m.plan.code.back()->offset = offset;
    m.plan.code.back()->length = length;
  };
  expectFailure([&](PlanMaker &m) { add(m, 0, 1); }, "TN6012", "offset 0 and length 1");
  expectFailure([&](PlanMaker &m) { add(m, 63, 1); }, "TN6013", "offset 63");
  expectFailure([&](PlanMaker &m) { add(m, ~uint64_t(63), 128); }, "TN6012", "its section has 0 bytes");
  expectFailure([&](PlanMaker &m) { add(m, 0, 0), add(m, 0, 0); }, "TN6021", "occurs twice");
}

TEST(Verifier, ChecksWeights) {
  expectFailure([](PlanMaker &m) { m.plan.weights[0]->length = 65; }, "TN6012", "weight 0");
  expectFailure([](PlanMaker &m) { m.plan.weights[0]->offset = 16; }, "TN6013", "offset 16");
  expectFailure([](PlanMaker &m) { m.plan.weights[0]->length = 8; }, "TN6012", "has 16 bytes, but weight 0 has 8");
}

TEST(Verifier, ChecksFunctions) {
  expectFailure([](PlanMaker &m) { m.plan.functions.clear(); }, "TN6021", "no function");
  expectFailure([](PlanMaker &m) { m.function().name = ""; }, "TN6021", "function 0 has no name");
}

TEST(Verifier, ChecksShapePrograms) {
  expectFailure([](PlanMaker &m) { m.value(ShapeOp::Add, 0, 7); }, "TN6014", "operand 7 is not an earlier value");
  expectFailure([](PlanMaker &m) { m.value(ShapeOp::Select, 0, 1, 99); }, "TN6014", "operand 99");
  expectFailure([](PlanMaker &m) { m.value(ShapeOp(77)); }, "TN6014", "unknown operation 77");
  expectFailure([](PlanMaker &m) { m.inputDim(3, 0); }, "TN6011", "input 3 of 1");
  expectFailure([](PlanMaker &m) { m.inputDim(0, 2); }, "TN6011", "axis 2 of 2");
}

TEST(Verifier, ChecksElementsThatShapesDependOn) {
  using plan::ElementType;
  auto read = [](ElementType type, std::vector<uint32_t> dims, uint32_t element) {
    return [=](PlanMaker &m) {
      m.function().inputs.push_back(m.tensor("s", dims, std::vector<std::string>(dims.size()), type));
      m.value(ShapeOp::InputValue, 1, element);
    };
  };
  const uint32_t n = 0, four = 1; // of the sample: an extent of the input, and a constant
  expectFailure(read(ElementType::F64, {four}, 0), "TN6014", "input 1 is no list of numbers");
  expectFailure(read(ElementType::Bool, {four}, 0), "TN6014", "input 1 is no list of numbers");
  expectFailure(read(ElementType::I64, {four, four}, 0), "TN6014", "input 1 is no list of numbers");
  expectFailure(read(ElementType::I64, {four}, 4), "TN6014", "input 1 may have no element 4");
  expectFailure(read(ElementType::I64, {}, 1), "TN6014", "input 1 may have no element 1");
  expectFailure(read(ElementType::I64, {n}, 0), "TN6014", "input 1 may have no element 0");
  expectFailure([](PlanMaker &m) { m.value(ShapeOp::InputValue, 3, 0); }, "TN6011", "input 3 of 1");
}

TEST(Verifier, ChecksKernelsOfTheHost) {
  auto makeHost = [](PlanMaker &m) {
    m.plan.kernels[0]->host = true;
    m.plan.host_code.push_back(std::make_unique<plan::CodeObjectT>());
    m.plan.host_code[0]->arch = "x86-64-v3";
  };
  expectFailure([](PlanMaker &m) { m.plan.kernels[0]->host = true; }, "TN6021", "for which there is no code");
  expectFailure([&](PlanMaker &m) { makeHost(m), m.plan.kernels[0]->threads = 32; }, "TN6021",
                "what only a device has");
  expectFailure([&](PlanMaker &m) { makeHost(m), m.plan.host_code[0]->offset = 32; }, "TN6013", "code object");
  expectFailure([&](PlanMaker &m) { makeHost(m); }, "TN6016", "kernel 'add_rows' does not reach buffer 2");
  expectFailure([](PlanMaker &m) { m.function().buffers[2]->kind = plan::BufferKind::HostArena; }, "TN6016",
                "kernel 'add_rows' does not reach buffer 2");
  auto copyToHost = [](PlanMaker &m) {
    const uint32_t there = m.buffer(BufferKind::HostArena, 0, 0, 0, 2);
    m.copy({0, 0}, {there, 0}, 0);
  };
  expectFailure(copyToHost, "TN6021", "copies memory of the host");
}

TEST(Verifier, ChecksTensors) {
  expectFailure([](PlanMaker &m) { m.function().inputs[0]->name = ""; }, "TN6021", "input 0 has no name");
  expectFailure([](PlanMaker &m) { m.function().outputs[0]->type = plan::ElementType(23); }, "TN6021",
                "unknown element type 23");
  expectFailure([](PlanMaker &m) { m.function().outputs[0]->dims = {99}, m.function().outputs[0]->dim_names = {}; },
                "TN6011", "output 0: shape value 99");
  expectFailure([](PlanMaker &m) { m.function().outputs[0]->dim_names = {"N"}; }, "TN6021", "1 dim names for rank 2");
  expectFailure([](PlanMaker &m) { m.function().outputs[0]->dims.resize(65), m.function().outputs[0]->dim_names = {}; },
                "TN6021", "rank 65");
  expectFailure([](PlanMaker &m) { m.function().outputs.push_back(m.tensor("y", {0}, {""})); }, "TN6021",
                "'y' occurs twice");
}

TEST(Verifier, ChecksBuffers) {
  expectFailure([](PlanMaker &m) { m.function().buffers[0]->index = 1; }, "TN6011", "input 1 of 1");
  expectFailure([](PlanMaker &m) { m.function().buffers[1]->index = 5; }, "TN6011", "weight 5 of 1");
  expectFailure([](PlanMaker &m) { m.function().buffers[3]->index = 5; }, "TN6011", "output 5 of 1");
  expectFailure([](PlanMaker &m) { m.function().buffers[3]->bytes = 99; }, "TN6011", "shape value 99");
  expectFailure([](PlanMaker &m) { m.function().buffers[3]->kind = BufferKind(9); }, "TN6021", "unknown kind 9");
  expectFailure([](PlanMaker &m) { m.function().buffers[3]->offset = 64; }, "TN6015", "is not in the arena");
  expectFailure([](PlanMaker &m) { m.function().buffers[3]->bytes = m.constant(-5); }, "TN6021", "-5 is negative");
}

TEST(Verifier, ChecksLifetimes) {
  expectFailure([](PlanMaker &m) { arenaOf(m).last_record = 0; }, "TN6015", "record 1 uses buffer 2");
  expectFailure([](PlanMaker &m) { arenaOf(m).first_record = 1; }, "TN6015", "record 0 uses buffer 2");
  expectFailure([](PlanMaker &m) { arenaOf(m).last_record = 2; }, "TN6015", "live from record 0 to 2 of 2");
}

TEST(Verifier, ChecksFixedArenaOffsets) {
  expectFailure([](PlanMaker &m) { arenaOf(m).offset = 0; }, "TN6015", "no fixed size");
  expectFailure([](PlanMaker &m) { arenaOf(m).offset = 32; }, "TN6013", "arena offset 32");
  expectFailure([](PlanMaker &m) { arenaOf(m).offset = -64; }, "TN6013", "arena offset -64");
  expectFailure(
      [](PlanMaker &m) {
        arenaOf(m).bytes = m.constant(int64_t(1) << 62);
        arenaOf(m).offset = int64_t(1) << 62;
      },
      "TN6015", "overflows");
}

TEST(Verifier, FindsOverlapsInTheArena) {
  auto twoBuffers = [](PlanMaker &m, int64_t offset, uint32_t first, uint32_t last) {
    const uint32_t size = m.constant(256);
    arenaOf(m).bytes = size;
    arenaOf(m).offset = 0; // live in records 0 and 1
    m.function().buffers[m.buffer(BufferKind::Arena, 0, size, first, last)]->offset = offset;
  };
  expectFailure([&](PlanMaker &m) { twoBuffers(m, 192, 1, 1); }, "TN6015", "buffers 2 and 4 overlap");
  expectFailure([&](PlanMaker &m) { twoBuffers(m, 0, 0, 0); }, "TN6015", "overlap");
  PlanMaker apart = makeSample();
  twoBuffers(apart, 256, 0, 1);
  EXPECT_TRUE(verify(apart.plan).ok());
}

TEST(Verifier, ChecksLaunches) {
  expectFailure([](PlanMaker &m) { launchOf(m, 0).kernel = 2; }, "TN6011", "record 0: kernel 2 of 2");
  expectFailure([](PlanMaker &m) { launchOf(m, 0).params = {}; }, "TN6016", "3 buffers and 0 parameters");
  expectFailure([](PlanMaker &m) { launchOf(m, 1).buffers.pop_back(); }, "TN6016", "1 buffers and 1 parameters");
  expectFailure([](PlanMaker &m) { launchOf(m, 0).grid = 99; }, "TN6011", "shape value 99");
  expectFailure([](PlanMaker &m) { launchOf(m, 0).params = {99}; }, "TN6011", "shape value 99");
  expectFailure([](PlanMaker &m) { launchOf(m, 0).scratch = 98; }, "TN6011", "shape value 98");
  expectFailure([](PlanMaker &m) { launchOf(m, 0).buffers[0] = {7, 0}; }, "TN6011", "buffer 7 of 4");
  expectFailure([](PlanMaker &m) { launchOf(m, 0).buffers[0] = {0, 97}; }, "TN6011", "shape value 97");
}

TEST(Verifier, ChecksTensorMaps) {
  auto add = [](PlanMaker &m) -> TensorMapT & {
    auto map = std::make_unique<TensorMapT>();
    map->extents = {m.constant(8), m.constant(4)};
    map->strides = {m.constant(32)};
    map->box = {8, 4};
    m.plan.kernels[0]->maps = 1;
    launchOf(m, 0).maps.push_back(std::move(map));
    return *launchOf(m, 0).maps.back();
  };
  PlanMaker good = makeSample();
  add(good).swizzle = 32;
  EXPECT_TRUE(verify(good.plan).ok()) << verify(good.plan).str();
  expectFailure([&](PlanMaker &m) { add(m), m.plan.kernels[0]->maps = 0; }, "TN6016", "takes 0 tensor maps");
  expectFailure([&](PlanMaker &m) { add(m).buffer = 3; }, "TN6011", "buffer of a tensor map 3 of 3");
  expectFailure([&](PlanMaker &m) { add(m).extents[1] = 99; }, "TN6011", "shape value 99");
  expectFailure([&](PlanMaker &m) { add(m).strides[0] = 98; }, "TN6011", "shape value 98");
  expectFailure([&](PlanMaker &m) { add(m).strides = {}; }, "TN6021", "2 extents, 0 strides and 2 box extents");
  expectFailure([&](PlanMaker &m) { add(m) = TensorMapT(); }, "TN6021", "0 extents");
  expectFailure([&](PlanMaker &m) { add(m).box[0] = 257; }, "TN6021", "a box of 257 elements");
  expectFailure([&](PlanMaker &m) { add(m).swizzle = 48; }, "TN6021", "swizzle 48");
}

TEST(Verifier, ChecksWhichCodeObjectsHoldKernels) {
  auto sample = [](PlanMaker &m) {
    for (const char *arch : {"a", "b"}) {
      m.plan.code.push_back(std::make_unique<CodeObjectT>());
      m.plan.code.back()->arch = arch;
    }
    m.plan.kernels[1]->codes = {0, 1};
    m.plan.kernels[0]->codes = {1};
    m.function().records[0]->codes = {1};
  };
  PlanMaker good = makeSample();
  sample(good);
  EXPECT_TRUE(verify(good.plan).ok()) << verify(good.plan).str();
  auto expect = [&](auto change, const char *code, const char *text) {
    expectFailure([&](PlanMaker &m) { sample(m), change(m); }, code, text);
  };
  expect([](PlanMaker &m) { m.plan.kernels[0]->codes = {2}; }, "TN6011", "kernel 'add_rows': code object 2 of 2");
  expect([](PlanMaker &m) { m.plan.kernels[1]->codes = {1, 0}; }, "TN6021", "out of order");
  expect([](PlanMaker &m) { m.function().records[1]->codes = {7}; }, "TN6011", "record 1: code object 7 of 2");
  expect([](PlanMaker &m) { m.function().records[0]->codes = {}; }, "TN6016", "code object 0, which lacks kernel");
  expect([](PlanMaker &m) { m.function().records[0]->codes = {0, 1}; }, "TN6016", "code object 0, which lacks kernel");
}

TEST(Verifier, ChecksCopiesAndChecks) {
  expectFailure([](PlanMaker &m) { m.copy({3, 0}, {0, 0}, 0); }, "TN6021", "writes into a weight or an input");
  expectFailure([](PlanMaker &m) { m.copy({0, 0}, {1, 0}, 0); }, "TN6021", "writes into a weight or an input");
  expectFailure([](PlanMaker &m) { m.copy({0, 0}, {3, 0}, 50); }, "TN6011", "shape value 50");
  expectFailure([](PlanMaker &m) { m.copy({9, 0}, {3, 0}, 0); }, "TN6011", "buffer 9");
  expectFailure([](PlanMaker &m) { m.check(50, "", ""); }, "TN6011", "shape value 50");
}

TEST(Verifier, LimitsWhatIsPlacedAtRunTime) {
  expectFailure(
      [](PlanMaker &m) {
        for (int i = 0; i < 32768; ++i)
          m.buffer(BufferKind::Arena, 0, 0);
      },
      "TN6021", "at most 32768");
}
