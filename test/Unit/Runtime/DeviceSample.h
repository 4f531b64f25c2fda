//===- DeviceSample.h - Plans for devices with memory of their own --------===//
#ifndef TENON_TEST_UNIT_RUNTIME_DEVICESAMPLE_H
#define TENON_TEST_UNIT_RUNTIME_DEVICESAMPLE_H

#include "SampleSession.h"
#include "tenon/Plan/ImageArchive.h"

#include <initializer_list>

namespace tenon::test {

/// Gives each kernel the blocks that GPUs want.
inline PlanMaker forDevice(PlanMaker m, const char *target) {
  m.plan.target = target;
  if (std::string(target) != "cpu")
    for (auto &kernel : m.plan.kernels)
      kernel->threads = 64;
  return m;
}

/// makeSample() for a device with memory of its own: what it reads and writes is copied there and back. `scales` times
/// a kernel doubles the result; each launch has `shared` bytes of scratch.
inline PlanMaker deviceSample(const char *target = "test", int scales = 1, int64_t shared = 0) {
  using namespace plan;
  PlanMaker m;
  const uint32_t n = m.inputDim(0, 0), four = m.constant(4), zero = m.constant(0), two = m.constant(2);
  m.function().inputs.push_back(m.tensor("x", {n, four}, {"N", ""}));
  m.function().outputs.push_back(m.tensor("y", {n, four}, {"N", ""}));
  const uint32_t rowBytes = m.constant(16), bytes = m.mul(n, rowBytes), count = m.mul(n, four);
  const uint32_t scratch = m.constant(shared), last = uint32_t(scales) + 1;
  const uint32_t x = m.buffer(BufferKind::Input, 0, bytes), y = m.buffer(BufferKind::Output, 0, bytes);
  const uint32_t w = m.buffer(BufferKind::Weight, 0, rowBytes), in = m.buffer(BufferKind::Arena, 0, bytes, 0, 1);
  uint32_t t = m.buffer(BufferKind::Arena, 0, bytes, 1, 2);
  const uint32_t add = m.kernel("add_rows", 3, 1), scale = m.kernel("scale", 2, 1);
  m.copy({x, zero}, {in, zero}, bytes);
  m.launch(add, n, {{in, zero}, {w, zero}, {t, zero}}, {four}, {"Add_0"}).scratch = scratch;
  for (uint32_t i = 2; i <= last; ++i) {
    const uint32_t out = m.buffer(BufferKind::Arena, 0, bytes, i, i + 1);
    m.launch(scale, count, {{t, zero}, {out, zero}}, {two}, {"Mul_1"}).scratch = scratch;
    t = out;
  }
  m.copy({t, zero}, {y, zero}, bytes);
  auto weight = std::make_unique<WeightT>();
  weight->name = "w";
  weight->length = 16;
  m.plan.weights.push_back(std::move(weight));
  return forDevice(std::move(m), target);
}

/// deviceSample(target) whose last kernel, scale_map, gets its operand as a tensor map, a row of 4 for each block.
inline PlanMaker mapSample(const char *target) {
  PlanMaker m = deviceSample(target);
  plan::LaunchT &launch = *m.function().records[2]->operation.AsLaunch();
  m.plan.kernels[launch.kernel]->name = "scale_map";
  m.plan.kernels[launch.kernel]->maps = 1;
  auto map = std::make_unique<plan::TensorMapT>();
  map->extents = {m.constant(4), m.inputDim(0, 0)};
  map->strides = {m.constant(16)};
  map->box = {4, 1};
  launch.maps.push_back(std::move(map));
  launch.grid = m.inputDim(0, 0);
  return m;
}

/// What deviceSample(target, 1) makes of element `i` of a row where x is 1.
inline float sampleResult(int64_t i) { return 2 * (1 + 10 * float(i % 4 + 1)); }

/// An archive of images that are text.
inline std::vector<uint8_t> textArchive(std::initializer_list<std::string> texts) {
  std::vector<std::vector<char>> images;
  for (const std::string &text : texts)
    images.emplace_back(text.begin(), text.end());
  const std::vector<char> archive = plan::packImages(images);
  return {archive.begin(), archive.end()};
}

/// The file of a plan with the weight {10, 20, 30, 40} and one code object for each of `archs`.
inline std::vector<uint8_t> packed(PlanMaker m, const std::vector<std::string> &archs,
                                   const std::vector<uint8_t> &code) {
  TemporaryFolder folder;
  auto writer = plan::ContainerWriter::create(folder / "a.tenon");
  if (!writer || !(*writer)->addWeight(bytesOf({10, 20, 30, 40})))
    return {};
  for (const std::string &arch : archs) {
    auto object = std::make_unique<plan::CodeObjectT>();
    object->arch = arch;
    object->length = code.size();
    auto offset = (*writer)->addCode(code);
    object->offset = offset ? *offset : 0;
    m.plan.code.push_back(std::move(object));
  }
  return (*writer)->finish(m.plan).ok() ? readFile(folder / "a.tenon") : std::vector<uint8_t>();
}

} // namespace tenon::test

#endif // TENON_TEST_UNIT_RUNTIME_DEVICESAMPLE_H
