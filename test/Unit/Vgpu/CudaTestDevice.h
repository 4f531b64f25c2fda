//===- CudaTestDevice.h - Device tests on a real GPU ----------------------===//
//
// The driver and NVRTC, opened at run time, for tests only. Memory is managed: a test reads and writes it between
// launches as if it were the host's.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_TEST_VGPU_CUDATESTDEVICE_H
#define TENON_TEST_VGPU_CUDATESTDEVICE_H

#include "tenon/Runtime/Vgpu.h"

#include <map>
#include <string>

namespace tenon::test {

/// Whether TENON_TEST_DEVICE is "cuda".
bool onGpu();

/// The first GPU. A kernel that faults makes every later call fail, as the driver does.
class CudaTestDevice {
public:
  static CudaTestDevice &get();

  /// Why there is no GPU to test on; empty if there is.
  const std::string &error() const { return problem; }
  /// Compute capability: 90 for sm_90.
  int capability() const { return version; }
  void *allocate(size_t bytes);
  void release(void *memory);
  /// As VirtualGpu::launch, for the kernel of a text; waits for its end.
  std::string launch(const std::string &source, const std::string &kernel, vgpu::Dim3 grid, vgpu::Dim3 block,
                     size_t shared, void **args);
  /// As vgpu::encodeTensorMap, by the driver.
  std::string encode(const vgpu::TensorMapDescription &tensor, void *map);

private:
  CudaTestDevice();
  std::string load(const std::string &source, void *&module);

  std::string problem;
  int version = 0;
  std::map<std::string, void *> modules; ///< by source
};

} // namespace tenon::test

#endif // TENON_TEST_VGPU_CUDATESTDEVICE_H
