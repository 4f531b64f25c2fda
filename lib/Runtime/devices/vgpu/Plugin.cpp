//===- Plugin.cpp - The virtual GPU as a device of the runtime ------------===//
//
// libtenon_device_vgpu.so. Nothing happens before finish(), as late as a real queue may be; new memory holds NaN; and a
// kernel may touch memory of the device only. $TENON_VGPU_SEED chooses the order of warps, 0 is the default.
//
//===----------------------------------------------------------------------===//
#include "../Guarded.h"
#include "tenon-c/device.h"
#include "tenon/Plan/ElementType.h"
#include "tenon/Plan/ImageArchive.h"
#include "tenon/Runtime/Vgpu.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <map>
#include <mutex>

using namespace tenon;

struct TenonDevice {
  vgpu::VirtualGpu gpu;
  size_t code = 0;
  uint64_t seed = 0;
  std::vector<vgpu::Kernel> kernels;
  std::vector<uint32_t> threads;
  std::mutex mutex;
  std::map<char *, size_t> memory;

  std::vector<vgpu::MemoryRange> ranges() {
    std::lock_guard lock(mutex);
    std::vector<vgpu::MemoryRange> out;
    for (const auto &[base, bytes] : memory)
      out.push_back({base, bytes});
    return out;
  }
};

namespace {
/// What a kernel takes as a tensor map.
struct alignas(64) EncodedTensor {
  char opaque[128];
};

/// A launch, or a copy where `kernel` is noKernel.
struct Task {
  size_t kernel;
  int64_t blocks = 0; ///< or bytes of a copy
  size_t shared = 0;
  std::vector<EncodedTensor> tensors;
  std::vector<std::vector<char>> arguments; ///< values after the tensors; of a copy: none
  void *target = nullptr;
  const void *source = nullptr;
};
constexpr size_t noKernel = std::numeric_limits<size_t>::max();
constexpr size_t alignment = 256;

std::string loadKernels(const TenonDeviceProgram &program, size_t code, TenonDevice &device) {
  const std::span bytes(static_cast<const char *>(program.codes[code]), program.code_sizes[code]);
  std::vector<std::span<const char>> images;
  if (!plan::unpackImages(bytes, images))
    return "the code object is no archive of images";
  std::vector<vgpu::Module> modules;
  for (std::span<const char> image : images) {
    std::string error;
    modules.push_back(vgpu::Module::load(image.data(), image.size(), error));
    if (!error.empty())
      return error;
  }
  for (size_t i = 0; i < program.num_kernels; ++i) {
    if (program.kernels[i].call)
      return std::string("kernel '") + program.kernels[i].name + "' calls a library, and the virtual GPU has none";
    device.threads.push_back(program.kernels[i].threads);
    vgpu::Kernel &found = device.kernels.emplace_back();
    if (!isHeld(program.kernels[i], code))
      continue;
    for (const vgpu::Module &module : modules)
      if (vgpu::Kernel kernel = module.find(program.kernels[i].name); kernel.trampoline)
        found = std::move(kernel);
    if (!found.trampoline)
      return std::string("the code objects lack kernel '") + program.kernels[i].name + "'";
  }
  return {};
}

int open(const TenonDeviceProgram *program, TenonDevice **device, TenonDeviceError *error) {
  return guarded(error, [&]() -> std::string {
    size_t code = 0;
    while (code < program->num_codes && program->arch && std::strcmp(program->arch, program->archs[code]) != 0)
      ++code;
    if (code == program->num_codes)
      return program->arch ? std::string("the plan holds no code for ") + program->arch : "the plan holds no code";
    auto made = std::make_unique<TenonDevice>();
    made->code = code;
    if (const char *seed = std::getenv("TENON_VGPU_SEED"))
      made->seed = std::strtoull(seed, nullptr, 10);
    std::string message = loadKernels(*program, code, *made);
    if (message.empty())
      *device = made.release();
    return message;
  });
}

void close(TenonDevice *device) { delete device; }
size_t code(const TenonDevice *device) { return device->code; }

void *allocate(TenonDevice *device, size_t bytes) {
  if (bytes > std::numeric_limits<size_t>::max() - alignment)
    return nullptr;
  char *memory = static_cast<char *>(std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment));
  if (!memory)
    return nullptr;
  std::memset(memory, 0xff, bytes);
  try {
    std::lock_guard lock(device->mutex);
    device->memory[memory] = bytes;
    return memory;
  } catch (const std::bad_alloc &) {
    std::free(memory);
    return nullptr;
  }
}

void release(TenonDevice *device, void *memory) {
  std::lock_guard lock(device->mutex);
  device->memory.erase(static_cast<char *>(memory));
  std::free(memory);
}

} // namespace

struct TenonQueue {
  TenonDevice *device;
  std::vector<Task> tasks;

  std::string run(Task &task, const std::vector<vgpu::MemoryRange> &memory);
};

std::string TenonQueue::run(Task &task, const std::vector<vgpu::MemoryRange> &memory) {
  if (task.kernel == noKernel) {
    std::memcpy(task.target, task.source, size_t(task.blocks));
    return {};
  }
  std::vector<void *> arguments;
  for (EncodedTensor &tensor : task.tensors)
    arguments.push_back(&tensor);
  for (std::vector<char> &value : task.arguments)
    arguments.push_back(value.data());
  vgpu::LaunchOptions options;
  options.seed = device->seed;
  options.globalMemory = memory;
  return device->gpu.launch(device->kernels[task.kernel], {unsigned(task.blocks), 1, 1},
                            {device->threads[task.kernel], 1, 1}, task.shared, arguments.data(), options);
}

namespace {

int createQueue(TenonDevice *device, TenonQueue **queue, TenonDeviceError *error) {
  return guarded(error, [&]() -> std::string {
    *queue = new TenonQueue{device, {}};
    return {};
  });
}

void destroyQueue(TenonQueue *queue) { delete queue; }

int copy(TenonQueue *queue, void *target, const void *source, size_t bytes, TenonDeviceError *error) {
  return guarded(error, [&]() -> std::string {
    Task task{noKernel, int64_t(bytes)};
    task.target = target;
    task.source = source;
    queue->tasks.push_back(std::move(task));
    return {};
  });
}

/// The message is what cuTensorMapEncodeTiled would not take.
std::string encode(const TenonDeviceTensor &tensor, EncodedTensor &map) {
  vgpu::TensorMapDescription description;
  description.base = tensor.data;
  description.elementBytes = unsigned(elementSize(ElementType(tensor.element_type)));
  description.rank = tensor.rank;
  for (unsigned d = 0; d < tensor.rank && d < 5; ++d) {
    description.extents[d] = uint64_t(tensor.extents[d]);
    description.box[d] = tensor.box[d];
    if (d > 0)
      description.strides[d - 1] = uint64_t(tensor.strides[d]);
  }
  description.swizzle = static_cast<vgpu::TensorSwizzle>(std::bit_width(tensor.swizzle / 32));
  return vgpu::encodeTensorMap(description, &map);
}

int launch(TenonQueue *queue, const TenonDeviceLaunch *launch, TenonDeviceError *error) {
  return guarded(error, [&]() -> std::string {
    if (launch->blocks > std::numeric_limits<int32_t>::max())
      return std::to_string(launch->blocks) + " blocks are more than a grid may have";
    Task task{launch->kernel, launch->blocks, launch->shared};
    for (size_t i = 0; i < launch->num_tensors; ++i)
      if (std::string message = encode(launch->tensors[i], task.tensors.emplace_back()); !message.empty())
        return message;
    for (size_t i = 0; i < launch->num_arguments; ++i) {
      const char *value = static_cast<const char *>(launch->arguments[i].value);
      task.arguments.emplace_back(value, value + launch->arguments[i].size);
    }
    queue->tasks.push_back(std::move(task));
    return {};
  });
}

int finish(TenonQueue *queue, TenonDeviceError *error) {
  return guarded(error, [&]() -> std::string {
    std::vector<Task> tasks = std::move(queue->tasks);
    queue->tasks.clear();
    const auto memory = queue->device->ranges();
    for (Task &task : tasks)
      if (std::string message = queue->run(task, memory); !message.empty())
        return message;
    return {};
  });
}

} // namespace

extern "C" __attribute__((visibility("default"))) const TenonDeviceApi *tenon_device_api(uint32_t version) {
  static const TenonDeviceApi api = {TENON_DEVICE_VERSION, open,         close, code,   allocate, release,
                                     createQueue,          destroyQueue, copy,  launch, finish};
  return version == TENON_DEVICE_VERSION ? &api : nullptr;
}
