//===- TestDevice.h - The device that device tests run on -----------------===//
//
// Loads a file of test/Device and launches its kernels: on the virtual GPU, or with TENON_TEST_DEVICE=cuda on a real
// one (CudaTestDevice.h). Tests of what only the virtual GPU does derive from EmulatorTest.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_TEST_VGPU_TESTDEVICE_H
#define TENON_TEST_VGPU_TESTDEVICE_H

#include "CudaTestDevice.h"
#include "tenon/Runtime/DeviceHeaders.h"
#include "tenon/Runtime/Vgpu.h"

#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <sstream>

namespace tenon::test {

inline std::string readText(const std::string &path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}
inline std::string deviceSource(const std::string &name) {
  const std::string folder = std::string(TENON_DEVICE_TESTS) + "/", include = "#include \"", ending = ".inc\"";
  std::string text = readText(folder + name);
  // Files of this folder stand in place of their includes: compilers know no folder.
  for (size_t end = text.find(ending); end != std::string::npos; end = text.find(ending)) {
    const size_t start = text.rfind(include, end), from = start + include.size();
    text.replace(start, end + ending.size() - start, readText(folder + text.substr(from, end + 4 - from)));
  }
  return text;
}

/// The bits of a float as half and bfloat16, and back; for tests, so slow and plain.
inline uint16_t toHalf(float value) {
  _Float16 h = static_cast<_Float16>(value);
  uint16_t bits;
  memcpy(&bits, &h, 2);
  return bits;
}
inline float fromHalf(uint16_t bits) {
  _Float16 h;
  memcpy(&h, &bits, 2);
  return static_cast<float>(h);
}
inline uint16_t toBfloat16(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
inline float fromBfloat16(uint16_t bits) {
  uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  memcpy(&value, &wide, 4);
  return value;
}

/// Global memory of a test, between two guard zones that no kernel may touch. Starts out as NaN (all bits set).
template <class T>
class Buffer {
public:
  explicit Buffer(size_t count) { resize(count); }
  explicit Buffer(const std::vector<T> &values) {
    resize(values.size());
    if (!values.empty())
      memcpy(data(), values.data(), values.size() * sizeof(T));
  }
  ~Buffer() {
    if (onGpu())
      CudaTestDevice::get().release(storage);
    else
      free(storage);
  }
  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;

  T *data() { return reinterpret_cast<T *>(start()); }
  T &operator[](size_t i) { return data()[i]; }
  size_t size() const { return count; }
  vgpu::MemoryRange range() { return {start(), count * sizeof(T)}; }
  void poison() { memset(start(), 0xff, count * sizeof(T)); }
  /// Whether nothing was written around the buffer.
  bool guardsAreWhole() {
    const unsigned char *first = storage, *last = first + bytes, *begin = start();
    auto whole = [](const unsigned char *from, const unsigned char *to) {
      for (; from < to; ++from)
        if (*from != 0xff)
          return false;
      return true;
    };
    return whole(first, begin) && whole(begin + count * sizeof(T), last);
  }

private:
  static constexpr size_t kGuard = 64 << 10;
  unsigned char *start() {
    return reinterpret_cast<unsigned char *>((reinterpret_cast<uintptr_t>(storage) + kGuard + 255) & ~uintptr_t(255));
  }
  void resize(size_t newCount) {
    count = newCount;
    bytes = 2 * kGuard + 256 + count * sizeof(T);
    storage = static_cast<unsigned char *>(onGpu() ? CudaTestDevice::get().allocate(bytes) : malloc(bytes));
    memset(storage, 0xff, bytes);
  }
  size_t count = 0, bytes = 0;
  unsigned char *storage = nullptr;
};

/// Compiles text once per process.
inline vgpu::Module &moduleOf(const std::string &source, std::string &error) {
  static std::map<std::string, std::pair<vgpu::Module, std::string>> modules;
  auto [entry, isNew] = modules.try_emplace(source);
  if (isNew) {
    std::vector<char> object;
    entry->second.second = vgpu::compileForHost(source, object);
    if (entry->second.second.empty())
      entry->second.first = vgpu::Module::load(object.data(), object.size(), entry->second.second);
  }
  error = entry->second.second;
  return entry->second.first;
}

/// One launch; `args` are the kernel's arguments themselves. Returns the launch's message.
struct Launcher {
  vgpu::VirtualGpu &gpu;
  std::string source;
  vgpu::LaunchOptions options = {};

  template <class... Args>
  std::string operator()(const std::string &kernel, vgpu::Dim3 grid, vgpu::Dim3 block, size_t shared, Args... args) {
    void *pointers[sizeof...(Args) + 1] = {&args...};
    if (onGpu())
      return CudaTestDevice::get().launch(source, kernel, grid, block, shared, pointers);
    std::string error;
    vgpu::Module &module = moduleOf(source, error);
    if (!error.empty())
      return error;
    return gpu.launch(module.find(kernel), grid, block, shared, pointers, options);
  }
};

/// What a kernel takes as tenon::device::TensorMap.
struct alignas(64) Map {
  char bytes[128];
};
inline std::string encodeMap(const vgpu::TensorMapDescription &tensor, Map &map) {
  return onGpu() ? CudaTestDevice::get().encode(tensor, &map) : vgpu::encodeTensorMap(tensor, &map);
}

/// A device test: `run(seed)` is called for 8 seeds.
class DeviceTest : public testing::Test {
protected:
  static constexpr uint64_t kSeeds = 8;

  void SetUp() override {
    if (onGpu() && !CudaTestDevice::get().error().empty())
      FAIL() << CudaTestDevice::get().error();
  }
  /// For kernels that need an architecture; the virtual GPU has them all.
  static bool lacks(int first, int last) {
    return onGpu() && (CudaTestDevice::get().capability() < first || CudaTestDevice::get().capability() > last);
  }

  static vgpu::VirtualGpu &gpu() {
    static vgpu::VirtualGpu device;
    return device;
  }
  /// For kernels of a file of test/Device.
  Launcher file(const std::string &name, uint64_t seed = 0) { return {gpu(), deviceSource(name), {seed, {}}}; }
  /// For kernels in a string, after an include of every header.
  Launcher text(const std::string &kernels, uint64_t seed = 0);

  template <class F>
  void forSeeds(F run) {
    for (uint64_t seed = 0; seed < kSeeds && !HasFailure(); ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      run(seed);
    }
  }
};

class EmulatorTest : public DeviceTest {
protected:
  void SetUp() override {
    if (onGpu())
      GTEST_SKIP() << "for the virtual GPU only";
  }
};

inline Launcher DeviceTest::text(const std::string &kernels, uint64_t seed) {
  std::string includes;
  for (const DeviceHeader &header : deviceHeaders())
    if (std::string(header.name).find("host_") == std::string::npos &&
        std::string(header.name).find("_abi") == std::string::npos)
      includes += "#include \"" + std::string(header.name) + "\"\n";
  return {gpu(), includes + "using namespace tenon::device;\n" + kernels, {seed, {}}};
}

} // namespace tenon::test

#endif // TENON_TEST_VGPU_TESTDEVICE_H
