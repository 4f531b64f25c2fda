//===- MockCuda.h - What the mock CUDA driver saw -------------------------===//
//
// libmock_cuda.so stands in for libcuda.so.1: functions of the same names, memory of the host, kernels by name. Work
// waits in its stream until that is synchronised. Environment, read at each call:
//
//   TENON_MOCK_CAPABILITY=8.6            compute capability; 9.0 otherwise
//   TENON_MOCK_FAIL=cuLaunchKernel=719   that function returns this error
//   TENON_MOCK_MEMORY=1000000            bytes of memory; 2^30 otherwise
//
// An image is text: "MOCK add_rows scale" holds two kernels; one that begins with anything else is invalid.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_TEST_UNIT_RUNTIME_MOCKCUDA_H
#define TENON_TEST_UNIT_RUNTIME_MOCKCUDA_H

#include <map>
#include <string>
#include <vector>

namespace tenon::test {

struct MockCudaReport {
  std::vector<std::string> violations; ///< what a real driver would have let pass, or crashed on
  std::map<std::string, int> calls;    ///< by function
  std::vector<std::string> launches;   ///< "scale<<<8, 256, 0>>>"
  int contexts = 0, modules = 0, streams = 0, allocations = 0, graphs = 0; ///< alive
  int depth = 0; ///< contexts on the stack of the asking thread
};

/// Exported as tenon_mock_cuda_report: what happened since the last call.
using MockCudaReportFunction = void (*)(MockCudaReport *);

} // namespace tenon::test

#endif // TENON_TEST_UNIT_RUNTIME_MOCKCUDA_H
