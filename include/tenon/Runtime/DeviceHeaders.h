//===- DeviceHeaders.h - The headers that kernels include -----------------===//
//
// The files of include/tenon/cuda, embedded, so that an installed compiler needs no source tree: NVRTC takes them from
// memory, a host compiler from a folder they are written to. And how a host compiler makes an object for the virtual
// GPU out of a kernel's text. Nothing here throws.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_RUNTIME_DEVICEHEADERS_H
#define TENON_RUNTIME_DEVICEHEADERS_H

#include <cstddef>
#include <string>
#include <vector>

namespace tenon {

/// One header; `name` is as kernels include it ("tenon/cuda/warp.cuh"), `text` ends with a zero byte.
struct DeviceHeader {
  const char *name;
  const char *text;
};

/// All of them, in alphabetical order. Also what a cache key hashes.
const std::vector<DeviceHeader> &deviceHeaders();

/// Writes the headers beneath `directory` (created where missing), leaving equal files alone, so that -I`directory`
/// finds them. Returns an error, or an empty string.
std::string writeDeviceHeaders(const std::string &directory);

namespace vgpu {

/// $TENON_HOST_CXX where it is set, else the first of clang++-22, clang++, g++ on PATH; empty where there is none.
std::string findHostCompiler();

/// The command that compiles a kernel's text for the virtual GPU: `source` (a .cu file) to the shared object `object`,
/// headers from `includeDirectory`. `extra` comes last, -fsanitize=address,alignment for instance (with address also
/// "--param asan-stack=0" for g++ or "-mllvm -asan-stack=0" for clang; the program must have been linked with it).
/// The object is for x86-64-v3 and imports nothing but libc and libm.
std::vector<std::string> hostCompileCommand(const std::string &compiler, const std::string &source,
                                            const std::string &object, const std::string &includeDirectory,
                                            const std::vector<std::string> &extra = {});

/// Compiles a kernel's text in a temporary folder and fills `object` with the bytes for Module::load. Returns an error
/// with the compiler's messages, or an empty string. Takes 0.05 to 0.1 s. Thread-safe.
std::string compileForHost(const std::string &source, std::vector<char> &object,
                           const std::vector<std::string> &extra = {});

} // namespace vgpu
} // namespace tenon

#endif // TENON_RUNTIME_DEVICEHEADERS_H
