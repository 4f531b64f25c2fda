//===- Driver.cpp - Opens the CUDA driver ---------------------------------===//
#include "Driver.h"

#include <cstdlib>
#include <dlfcn.h>
#include <type_traits>

namespace tenon::cuda {

std::string Driver::open() {
  const char *variable = std::getenv("TENON_CUDA_DRIVER");
  const std::string path = variable && *variable ? variable : "libcuda.so.1";
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *reason = dlerror();
    return "the CUDA driver cannot be opened: " + std::string(reason ? reason : path.c_str());
  }
  std::string missing;
  auto find = [&](auto &function, const char *name) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name));
    if (!function && missing.empty())
      missing = name;
  };
  // The suffixes are what cuda.h makes of the plain names since CUDA 4 and 11.
  find(init, "cuInit");
  find(errorString, "cuGetErrorString");
  find(errorName, "cuGetErrorName");
  find(deviceGet, "cuDeviceGet");
  find(deviceCount, "cuDeviceGetCount");
  find(deviceName, "cuDeviceGetName");
  find(deviceAttribute, "cuDeviceGetAttribute");
  find(retainContext, "cuDevicePrimaryCtxRetain");
  find(releaseContext, "cuDevicePrimaryCtxRelease_v2");
  find(pushContext, "cuCtxPushCurrent_v2");
  find(popContext, "cuCtxPopCurrent_v2");
  find(loadModule, "cuModuleLoadDataEx");
  find(unloadModule, "cuModuleUnload");
  find(moduleFunction, "cuModuleGetFunction");
  find(functionAttribute, "cuFuncGetAttribute");
  find(setFunctionAttribute, "cuFuncSetAttribute");
  find(allocate, "cuMemAlloc_v2");
  find(release, "cuMemFree_v2");
  find(copyAsync, "cuMemcpyAsync");
  find(copyRowsAsync, "cuMemcpy2DAsync_v2");
  find(createStream, "cuStreamCreate");
  find(destroyStream, "cuStreamDestroy_v2");
  find(synchronize, "cuStreamSynchronize");
  find(createEvent, "cuEventCreate");
  find(recordEvent, "cuEventRecord");
  find(elapsed, "cuEventElapsedTime");
  find(destroyEvent, "cuEventDestroy_v2");
  find(launch, "cuLaunchKernel");
  encodeTensorMap = reinterpret_cast<decltype(encodeTensorMap)>(dlsym(library, "cuTensorMapEncodeTiled"));
  find(beginCapture, "cuStreamBeginCapture_v2");
  find(endCapture, "cuStreamEndCapture");
  find(instantiate, "cuGraphInstantiateWithFlags");
  find(launchGraph, "cuGraphLaunch");
  find(destroyExec, "cuGraphExecDestroy");
  find(destroyGraph, "cuGraphDestroy");
  if (!missing.empty())
    return "the CUDA driver " + path + " lacks " + missing;
  const Result result = init(0);
  return result ? "the CUDA driver does not start: " + describe(result) : "";
}

std::string Driver::describe(Result result) const {
  if (result == 0)
    return {};
  const char *text = nullptr, *name = nullptr;
  if (errorString(result, &text) != 0 || !text || errorName(result, &name) != 0 || !name)
    return "CUDA error " + std::to_string(result);
  return std::string(text) + " (" + name + ")";
}

} // namespace tenon::cuda
