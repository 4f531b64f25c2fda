//===- CudaTestDevice.cpp - Device tests on a real GPU --------------------===//
#include "CudaTestDevice.h"

#include "Nvrtc.h"

#include <cstring>

namespace tenon::test {

namespace {

/// What is needed of libcuda.so.1, by the names and types of the driver API.
struct Driver {
  int (*init)(unsigned) = nullptr;
  int (*deviceGet)(int *, int) = nullptr;
  int (*deviceGetAttribute)(int *, int, int) = nullptr;
  int (*primaryCtxRetain)(void **, int) = nullptr;
  int (*ctxSetCurrent)(void *) = nullptr;
  int (*ctxSynchronize)() = nullptr;
  int (*getErrorString)(int, const char **) = nullptr;
  int (*memAllocManaged)(unsigned long long *, size_t, unsigned) = nullptr;
  int (*memFree)(unsigned long long) = nullptr;
  int (*moduleLoadData)(void **, const void *) = nullptr;
  int (*moduleGetFunction)(void **, void *, const char *) = nullptr;
  int (*funcSetAttribute)(void *, int, int) = nullptr;
  int (*launchKernel)(void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *, void **,
                      void **) = nullptr;
  int (*tensorMapEncodeTiled)(void *, int, unsigned, void *, const uint64_t *, const uint64_t *, const uint32_t *,
                              const uint32_t *, int, int, int, int) = nullptr;
  bool complete = false;

  static const Driver &get() {
    static const Driver driver;
    return driver;
  }
  std::string text(int code) const {
    const char *name = nullptr;
    return code && getErrorString(code, &name) == 0 && name ? name : code ? "error " + std::to_string(code) : "";
  }

private:
  Driver() {
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    complete = library != nullptr;
    auto find = [&](auto &function, const char *name) {
      if (library)
        function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name));
      complete &= function != nullptr;
    };
    find(init, "cuInit");
    find(deviceGet, "cuDeviceGet");
    find(deviceGetAttribute, "cuDeviceGetAttribute");
    find(primaryCtxRetain, "cuDevicePrimaryCtxRetain");
    find(ctxSetCurrent, "cuCtxSetCurrent");
    find(ctxSynchronize, "cuCtxSynchronize");
    find(getErrorString, "cuGetErrorString");
    find(memAllocManaged, "cuMemAllocManaged");
    find(memFree, "cuMemFree_v2");
    find(moduleLoadData, "cuModuleLoadData");
    find(moduleGetFunction, "cuModuleGetFunction");
    find(funcSetAttribute, "cuFuncSetAttribute");
    find(launchKernel, "cuLaunchKernel");
    find(tensorMapEncodeTiled, "cuTensorMapEncodeTiled");
  }
};

// Values of enumerations in cuda.h.
constexpr int kCapabilityMajor = 75, kCapabilityMinor = 76, kMaxDynamicShared = 8;
constexpr unsigned kAttachGlobal = 1;

} // namespace

bool onGpu() {
  static const bool selected = getenv("TENON_TEST_DEVICE") && strcmp(getenv("TENON_TEST_DEVICE"), "cuda") == 0;
  return selected;
}

CudaTestDevice &CudaTestDevice::get() {
  static CudaTestDevice device;
  return device;
}

CudaTestDevice::CudaTestDevice() {
  const Driver &driver = Driver::get();
  if (!driver.complete || !Nvrtc::get()) {
    problem = driver.complete ? "libnvrtc was not found" : "libcuda.so.1 was not found, or is too old";
    return;
  }
  int device = 0, major = 0, minor = 0;
  void *context = nullptr;
  int code = driver.init(0);
  code = code ? code : driver.deviceGet(&device, 0);
  code = code ? code : driver.primaryCtxRetain(&context, device);
  code = code ? code : driver.ctxSetCurrent(context);
  code = code ? code : driver.deviceGetAttribute(&major, kCapabilityMajor, device);
  code = code ? code : driver.deviceGetAttribute(&minor, kCapabilityMinor, device);
  problem = driver.text(code);
  version = 10 * major + minor;
}

void *CudaTestDevice::allocate(size_t bytes) {
  unsigned long long address = 0;
  if (!problem.empty() || Driver::get().memAllocManaged(&address, bytes, kAttachGlobal))
    return malloc(bytes); // the launch will say what is wrong
  return reinterpret_cast<void *>(address);
}

void CudaTestDevice::release(void *memory) {
  if (!problem.empty() || Driver::get().memFree(reinterpret_cast<unsigned long long>(memory)))
    free(memory);
}

std::string CudaTestDevice::load(const std::string &source, void *&module) {
  auto known = modules.find(source);
  if (known == modules.end()) {
    std::string arch = "sm_" + std::to_string(version) + (version >= 90 ? "a" : "");
    const Nvrtc::Compiled compiled = Nvrtc::get()->compile(source, arch);
    if (compiled.image.empty())
      return compiled.log;
    if (int code = Driver::get().moduleLoadData(&module, compiled.image.data()))
      return "loading: " + Driver::get().text(code);
    known = modules.emplace(source, module).first;
  }
  module = known->second;
  return {};
}

std::string CudaTestDevice::launch(const std::string &source, const std::string &kernel, vgpu::Dim3 grid,
                                   vgpu::Dim3 block, size_t shared, void **args) {
  if (!problem.empty())
    return problem;
  const Driver &driver = Driver::get();
  void *module = nullptr, *function = nullptr;
  if (std::string messages = load(source, module); !messages.empty())
    return messages;
  auto bytes = static_cast<unsigned>(shared);
  int code = driver.moduleGetFunction(&function, module, kernel.c_str());
  code = code ? code : driver.funcSetAttribute(function, kMaxDynamicShared, static_cast<int>(bytes));
  code = code ? code
              : driver.launchKernel(function, grid.x, grid.y, grid.z, block.x, block.y, block.z, bytes, nullptr, args,
                                    nullptr);
  code = code ? code : driver.ctxSynchronize();
  return driver.text(code);
}

std::string CudaTestDevice::encode(const vgpu::TensorMapDescription &tensor, void *map) {
  if (!problem.empty())
    return problem;
  // CU_TENSOR_MAP_DATA_TYPE_UINT8, _UINT16, _UINT32, _UINT64; swizzles have the same numbers as ours.
  int type = tensor.elementBytes == 1 ? 0 : tensor.elementBytes == 2 ? 1 : tensor.elementBytes == 4 ? 2 : 4;
  uint32_t steps[5] = {1, 1, 1, 1, 1};
  return Driver::get().text(Driver::get().tensorMapEncodeTiled(
      map, type, tensor.rank, tensor.base, tensor.extents, tensor.strides, tensor.box, steps, 0,
      static_cast<int>(tensor.swizzle), 0, tensor.fillNaN ? 1 : 0));
}

} // namespace tenon::test
