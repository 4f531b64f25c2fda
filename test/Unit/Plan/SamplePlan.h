//===- SamplePlan.h - A small plan for the tests of lib/Plan and lib/Runtime ===//
#ifndef TENON_TEST_UNIT_PLAN_SAMPLEPLAN_H
#define TENON_TEST_UNIT_PLAN_SAMPLEPLAN_H

#include "tenon/Plan/Writer.h"
#include "tenon/Plan/plan_generated.h"

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace tenon::test {

/// Builds a PlanT with one function, "main", without saying everything twice.
class PlanMaker {
public:
  plan::PlanT plan;

  PlanMaker() {
    plan.producer = "tenon test";
    plan.target = "cpu";
    plan.functions.push_back(std::make_unique<plan::FunctionT>());
    function().name = "main";
  }
  plan::FunctionT &function() { return *plan.functions[0]; }

  /// Shape values.
  uint32_t value(plan::ShapeOp op, uint32_t a = 0, uint32_t b = 0, uint32_t c = 0, int64_t imm = 0) {
    function().shape.emplace_back(op, a, b, c, imm);
    return uint32_t(function().shape.size() - 1);
  }
  uint32_t constant(int64_t imm) { return value(plan::ShapeOp::Constant, 0, 0, 0, imm); }
  uint32_t inputDim(uint32_t input, uint32_t axis) { return value(plan::ShapeOp::InputDim, input, axis); }
  uint32_t mul(uint32_t a, uint32_t b) { return value(plan::ShapeOp::Mul, a, b); }

  std::unique_ptr<plan::TensorT> tensor(std::string name, std::vector<uint32_t> dims, std::vector<std::string> dimNames,
                                        plan::ElementType type = plan::ElementType::F32) {
    auto tensor = std::make_unique<plan::TensorT>();
    tensor->name = std::move(name);
    tensor->type = type;
    tensor->dims = std::move(dims);
    tensor->dim_names = std::move(dimNames);
    return tensor;
  }
  uint32_t buffer(plan::BufferKind kind, uint32_t index, uint32_t bytes, uint32_t first = 0, uint32_t last = 0) {
    auto buffer = std::make_unique<plan::BufferT>();
    buffer->kind = kind;
    buffer->index = index;
    buffer->bytes = bytes;
    buffer->first_record = first;
    buffer->last_record = last;
    function().buffers.push_back(std::move(buffer));
    return uint32_t(function().buffers.size() - 1);
  }
  uint32_t kernel(std::string name, uint32_t buffers, uint32_t params) {
    auto kernel = std::make_unique<plan::KernelT>();
    kernel->name = std::move(name);
    kernel->buffers = buffers;
    kernel->params = params;
    plan.kernels.push_back(std::move(kernel));
    return uint32_t(plan.kernels.size() - 1);
  }
  plan::LaunchT &launch(uint32_t kernel, uint32_t grid, std::vector<plan::BufferRef> buffers,
                        std::vector<uint32_t> params, std::vector<std::string> nodes = {}) {
    plan::LaunchT launch;
    launch.kernel = kernel;
    launch.grid = grid;
    launch.buffers = std::move(buffers);
    launch.params = std::move(params);
    return *add(std::move(launch), std::move(nodes)).operation.AsLaunch();
  }
  plan::CopyT &copy(plan::BufferRef source, plan::BufferRef target, uint32_t bytes) {
    plan::CopyT copy;
    copy.source = std::make_unique<plan::BufferRef>(source);
    copy.target = std::make_unique<plan::BufferRef>(target);
    copy.bytes = bytes;
    return *add(std::move(copy), {}).operation.AsCopy();
  }
  void check(uint32_t condition, std::string message, std::string node) {
    plan::CheckT check;
    check.condition = condition;
    check.message = std::move(message);
    check.node = std::move(node);
    add(std::move(check), {});
  }

private:
  template <typename Operation>
  plan::RecordT &add(Operation operation, std::vector<std::string> nodes) {
    auto record = std::make_unique<plan::RecordT>();
    record->operation.Set(std::move(operation));
    record->nodes = std::move(nodes);
    function().records.push_back(std::move(record));
    return *function().records.back();
  }
};

/// y[n, k] = 2 * (x[n, k] + w[k]), k < 4, for any N: kernel add_rows into the arena, then kernel scale.
inline PlanMaker makeSample() {
  using namespace plan;
  PlanMaker m;
  const uint32_t n = m.inputDim(0, 0), four = m.constant(4), zero = m.constant(0);
  m.function().inputs.push_back(m.tensor("x", {n, four}, {"N", ""}));
  m.function().outputs.push_back(m.tensor("y", {n, four}, {"N", ""}));
  const uint32_t rowBytes = m.constant(16), bytes = m.mul(n, rowBytes), count = m.mul(n, four), two = m.constant(2);
  const uint32_t x = m.buffer(BufferKind::Input, 0, bytes), w = m.buffer(BufferKind::Weight, 0, rowBytes);
  const uint32_t t = m.buffer(BufferKind::Arena, 0, bytes, 0, 1), y = m.buffer(BufferKind::Output, 0, bytes);
  const uint32_t add = m.kernel("add_rows", 3, 1), scale = m.kernel("scale", 2, 1);
  m.launch(add, n, {{x, zero}, {w, zero}, {t, zero}}, {four}, {"Add_0"});
  m.launch(scale, count, {{t, zero}, {y, zero}}, {two}, {"Mul_1"});
  auto weight = std::make_unique<WeightT>();
  weight->name = "w";
  weight->length = 16;
  m.plan.weights.push_back(std::move(weight));
  return m;
}

inline std::vector<uint8_t> bytesOf(const std::vector<float> &values) {
  const auto *begin = reinterpret_cast<const uint8_t *>(values.data());
  return {begin, begin + values.size() * sizeof(float)};
}

inline std::vector<uint8_t> readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void writeFile(const std::string &path, const std::vector<uint8_t> &bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char *>(bytes.data()), std::streamsize(bytes.size()));
}

/// A folder that is removed with all it holds at the end of the test.
class TemporaryFolder {
public:
  TemporaryFolder() {
    path = (std::filesystem::temp_directory_path() / "tenon-test-XXXXXX").string();
    if (!mkdtemp(path.data()))
      std::abort();
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string operator/(const std::string &name) const { return path + "/" + name; }
  /// Names of the files in it, hidden ones included.
  std::vector<std::string> list() const {
    std::vector<std::string> names;
    for (const auto &entry : std::filesystem::directory_iterator(path))
      names.push_back(entry.path().filename().string());
    return names;
  }

private:
  std::string path;
};

/// Writes a container: weight 0 is `weight`, and `code`, if any, becomes the code object for `arch`.
inline Status writePlan(const std::string &path, plan::PlanT &plan, const std::vector<float> &weight,
                        const std::vector<uint8_t> &code = {}, const std::string &arch = "") {
  auto writer = plan::ContainerWriter::create(path);
  if (!writer)
    return writer.takeStatus();
  Expected<uint64_t> offset = (*writer)->addWeight(bytesOf(weight));
  if (!offset)
    return offset.takeStatus();
  if (!code.empty()) {
    auto object = std::make_unique<plan::CodeObjectT>();
    object->arch = arch;
    object->length = code.size();
    Expected<uint64_t> at = (*writer)->addCode(code);
    if (!at)
      return at.takeStatus();
    object->offset = *at;
    plan.code.push_back(std::move(object));
  }
  (*writer)->setMeta("{\"made by\": \"a test\"}");
  return (*writer)->finish(plan);
}

} // namespace tenon::test

#endif // TENON_TEST_UNIT_PLAN_SAMPLEPLAN_H
