// A device of the tests, with memory of its own: everything waits until the queue is finished, and a kernel that is
// given anything but memory of the device is an error. Kernels: those of the sample plan.
#include "../../../lib/Runtime/devices/Guarded.h"

#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

using namespace tenon;

struct TenonDevice {
  std::vector<TenonDeviceKernel> kernels;
  std::vector<std::string> names;
  size_t code = 0;
  std::mutex mutex;
  std::map<char *, size_t> memory;

  bool owns(const void *p) {
    std::lock_guard lock(mutex);
    auto next = memory.upper_bound(static_cast<char *>(const_cast<void *>(p)));
    return next != memory.begin() && p < std::prev(next)->first + std::prev(next)->second;
  }
};

struct TenonQueue {
  TenonDevice *device;
  std::vector<std::function<void()>> work;
};

namespace {

int open(const TenonDeviceProgram *program, TenonDevice **device, TenonDeviceError *error) {
  for (size_t i = 0; i < program->num_codes; ++i) {
    if (std::strncmp(program->archs[i], "test", 4) != 0 ||
        (program->arch && std::strcmp(program->arch, program->archs[i]) != 0))
      continue;
    auto *made = new TenonDevice;
    made->code = i;
    for (size_t k = 0; k < program->num_kernels; ++k) {
      const TenonDeviceKernel &kernel = program->kernels[k];
      const std::string name = kernel.name;
      if (!isHeld(kernel, i)) {
        made->names.push_back("");
        continue;
      }
      if (name != "add_rows" && name != "scale") {
        delete made;
        return fail(error, "no kernel '" + name + "'");
      }
      made->names.push_back(name);
    }
    *device = made;
    return 0;
  }
  return fail(error, "no code for architecture test");
}

void close(TenonDevice *device) {
  if (!device->memory.empty())
    std::abort(); // the runtime forgot memory
  delete device;
}

size_t code(const TenonDevice *device) { return device->code; }

void *allocate(TenonDevice *device, size_t bytes) {
  if (bytes > (size_t(1) << 30))
    return nullptr;
  char *memory = static_cast<char *>(std::aligned_alloc(256, (bytes + 255) / 256 * 256));
  std::memset(memory, 0xff, bytes);
  std::lock_guard lock(device->mutex);
  device->memory[memory] = bytes;
  return memory;
}

void release(TenonDevice *device, void *memory) {
  std::lock_guard lock(device->mutex);
  if (!device->memory.erase(static_cast<char *>(memory)))
    std::abort();
  std::free(memory);
}

int createQueue(TenonDevice *device, TenonQueue **queue, TenonDeviceError *) {
  *queue = new TenonQueue{device, {}};
  return 0;
}

void destroyQueue(TenonQueue *queue) {
  if (!queue->work.empty())
    std::abort(); // the runtime did not wait
  delete queue;
}

int copy(TenonQueue *queue, void *target, const void *source, size_t bytes, TenonDeviceError *) {
  queue->work.push_back([=] { std::memcpy(target, source, bytes); });
  return 0;
}

void addRows(int64_t blocks, const float *x, const float *w, float *y, int64_t columns) {
  for (int64_t i = 0; i < blocks * columns; ++i)
    y[i] = x[i] + w[i % columns];
}

void scale(int64_t blocks, const float *x, float *y, int64_t factor) {
  for (int64_t i = 0; i < blocks; ++i)
    y[i] = float(factor) * x[i];
}

int launch(TenonQueue *queue, const TenonDeviceLaunch *launch, TenonDeviceError *error) {
  const bool adds = queue->device->names[launch->kernel] == "add_rows";
  const TenonDeviceArgument *arguments = launch->arguments;
  const int64_t blocks = launch->blocks;
  const int pointers = adds ? 3 : 2;
  void *p[3] = {};
  for (int i = 0; i < pointers; ++i) {
    p[i] = *static_cast<void *const *>(arguments[i].value);
    if (!queue->device->owns(p[i]))
      return fail(error, "argument " + std::to_string(i) + " is no memory of the device");
  }
  const int64_t number = *static_cast<const int64_t *>(arguments[pointers].value);
  queue->work.push_back([=] {
    if (adds)
      addRows(blocks, static_cast<float *>(p[0]), static_cast<float *>(p[1]), static_cast<float *>(p[2]), number);
    else
      scale(blocks, static_cast<float *>(p[0]), static_cast<float *>(p[1]), number);
  });
  return 0;
}

int finish(TenonQueue *queue, TenonDeviceError *) {
  for (const auto &work : queue->work)
    work();
  queue->work.clear();
  return 0;
}

} // namespace

extern "C" __attribute__((visibility("default"))) const TenonDeviceApi *tenon_device_api(uint32_t version) {
  static const TenonDeviceApi api = {TENON_DEVICE_VERSION, open,         close, code,   allocate, release,
                                     createQueue,          destroyQueue, copy,  launch, finish};
  return version == TENON_DEVICE_VERSION ? &api : nullptr;
}
