//===- MockCuda.h - What the mock CUDA driver saw -------------------------===//
//
// libmock_cuda.so stands in for libcuda.so.1: functions of the same names, memory of the host, kernels by name. Work
// waits in its stream until that is synchronised. Environment, read at each call:
//
//   TENON_MOCK_CAPABILITY=8.6            compute capability; 9.0 otherwise
//   TENON_MOCK_FAIL=cuLaunchKernel=719   that function returns this error
//   TENON_MOCK_MEMORY=1000000            bytes of memory; 2^30 otherwise
//
// An image is text: "MOCK add_rows scale" holds two kernels. An ELF file is one for the virtual GPU, as MockNvrtc.cpp
// makes them: its kernels run when they are launched, not when the stream is synchronised, for only they know how many
// arguments they have; so they cannot be captured. Anything else is invalid.
//
// Events tell a time of their own: a launch takes 10 us and 0.1 us for each block, a call of a library
// $TENON_MOCK_LIBRARY_US (5), a copy 1 us.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_TEST_UNIT_RUNTIME_MOCKCUDA_H
#define TENON_TEST_UNIT_RUNTIME_MOCKCUDA_H

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace tenon::test {

struct MockCudaReport {
  std::vector<std::string> violations; ///< what a real driver would have let pass, or crashed on
  std::map<std::string, int> calls;    ///< by function
  std::vector<std::string> launches;   ///< "scale<<<8, 256, 0>>>"
  int contexts = 0, modules = 0, streams = 0, allocations = 0, graphs = 0; ///< alive
  int depth = 0;                    ///< contexts on the stack of the asking thread
  int events = 0, descriptions = 0; ///< alive; handles and descriptions are of libraries
};

/// Exported as tenon_mock_cuda_report: what happened since the last call.
using MockCudaReportFunction = void (*)(MockCudaReport *);

/// Exported as tenon_mock_cuda_libraries: what mock libraries use of the driver.
struct MockCudaLibraries {
  /// Work of a stream; `text` is for the report. Returns a CUresult.
  int (*enqueue)(void *stream, const std::string &text, std::function<bool()> work);
  /// Whether `bytes` at `pointer` are of one allocation.
  bool (*owns)(const void *pointer, size_t bytes);
  void (*violate)(const std::string &what);
  void (*count)(int change); ///< of handles and descriptions that are alive
};
using MockCudaLibrariesFunction = MockCudaLibraries (*)();

} // namespace tenon::test

#endif // TENON_TEST_UNIT_RUNTIME_MOCKCUDA_H
