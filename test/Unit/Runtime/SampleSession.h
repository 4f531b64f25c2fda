//===- SampleSession.h - Sessions on plans made by hand -------------------===//
#ifndef TENON_TEST_UNIT_RUNTIME_SAMPLESESSION_H
#define TENON_TEST_UNIT_RUNTIME_SAMPLESESSION_H

#include "Plan/SamplePlan.h"
#include "tenon/Runtime/Session.h"

namespace tenon::test {

/// The code object of TestKernels.c.
inline std::vector<uint8_t> testKernels() { return readFile(TENON_TEST_KERNELS "/TestKernels.so"); }

/// Architecture that every machine which runs the tests supports.
#if defined(__aarch64__)
inline constexpr const char *baseArch = "aarch64";
#else
inline constexpr const char *baseArch = "x86-64";
#endif

/// The file of a plan with the test kernels and the weight {10, 20, 30, 40}.
inline std::vector<uint8_t> packed(PlanMaker m, const std::string &arch = baseArch) {
  TemporaryFolder folder;
  Status status = writePlan(folder / "a.tenon", m.plan, {10, 20, 30, 40}, testKernels(), arch);
  return status.ok() ? readFile(folder / "a.tenon") : std::vector<uint8_t>();
}

inline Expected<std::unique_ptr<runtime::Session>> load(PlanMaker m, runtime::SessionOptions options = {}) {
  return runtime::Session::create(packed(std::move(m)), options);
}

inline runtime::Tensor floats(const std::vector<float> &values, std::vector<int64_t> dims) {
  return runtime::Tensor::borrow(values.data(), ElementType::F32, std::move(dims));
}

inline std::vector<float> toVector(const runtime::Tensor &tensor) {
  return {tensor.as<float>(), tensor.as<float>() + tensor.elements()};
}

} // namespace tenon::test

#endif // TENON_TEST_UNIT_RUNTIME_SAMPLESESSION_H
