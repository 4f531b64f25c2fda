//===- CpuDevice.cpp - Kernels on the cores of this machine ---------------===//
#include "CodeObject.h"
#include "Device.h"
#include "Program.h"
#include "ThreadPool.h"
#include "tenon/Plan/Vectors.h"
#include "tenon/Plan/plan_generated.h"
#include "tenon/Runtime/CpuInfo.h"

#include <cstring>
#include <vector>

namespace tenon::runtime {

namespace {

constexpr unsigned maxThreads = 1024;

class CpuQueue final : public Queue {
public:
  CpuQueue(ThreadPool &pool, const std::vector<TenonCpuKernel> &kernels) : pool(pool), kernels(kernels) {}

  Status launch(uint32_t kernel, const LaunchArguments &arguments) override {
    pool.run({kernels[kernel], arguments.buffers, arguments.params, arguments.grid, arguments.scratch,
              arguments.scratchStride});
    return Status::success();
  }
  Status copy(void *target, const void *source, int64_t bytes) override {
    if (bytes > 0)
      std::memcpy(target, source, size_t(bytes));
    return Status::success();
  }
  Status finish() override { return Status::success(); }

private:
  ThreadPool &pool;
  const std::vector<TenonCpuKernel> &kernels;
};

class CpuDevice final : public Device {
public:
  CpuDevice(const plan::Container &container, std::unique_ptr<CodeObject> object, std::unique_ptr<ThreadPool> pool,
            std::vector<TenonCpuKernel> kernels, size_t index, std::string arch)
      : container(container), object(std::move(object)), pool(std::move(pool)), kernels(std::move(kernels)),
        index(index), name(std::move(arch)) {}

  Expected<std::unique_ptr<Queue>> createQueue() override {
    return std::unique_ptr<Queue>(std::make_unique<CpuQueue>(*pool, kernels));
  }
  std::unique_ptr<DeviceMemory> allocate(int64_t bytes) override { return allocateHostMemory(bytes); }
  const char *weights() const override {
    return reinterpret_cast<const char *>(container.section(plan::SectionKind::Weights).data());
  }
  unsigned threads() const override { return pool->threads(); }
  size_t code() const override { return index; }
  const std::string &arch() const override { return name; }

private:
  const plan::Container &container;
  std::unique_ptr<CodeObject> object;
  std::unique_ptr<ThreadPool> pool;
  std::vector<TenonCpuKernel> kernels; ///< null where the code object lacks it
  size_t index;
  std::string name;
};

using CodeObjects = flatbuffers::Vector<flatbuffers::Offset<plan::CodeObject>>;

std::string listArchs(const CodeObjects *objects) {
  std::string text;
  if (objects)
    for (const plan::CodeObject *object : *objects)
      text += (text.empty() ? "" : ", ") + object->arch()->str();
  return text.empty() ? "no code" : text;
}

/// Index of the code object to use: the forced one, or the first that this machine runs.
Expected<uint32_t> chooseCode(const CodeObjects *objects, const std::string &forced) {
  const std::string machine(cpuArch());
  for (uint32_t i = 0; objects && i < objects->size(); ++i) {
    const std::string arch = objects->Get(i)->arch()->str();
    if (forced.empty() ? cpuSupports(arch) : arch == forced && cpuSupports(arch))
      return i;
  }
  const std::string facts = "the plan holds " + listArchs(objects) + "; this machine runs up to " + machine;
  if (!forced.empty())
    return Status::error("TN7002", "no code for architecture '" + forced + "': " + facts);
  return Status::error("TN7001", "no code for this processor: " + facts);
}

Expected<unsigned> chooseThreads(const plan::Plan &plan, int requested) {
  if (requested < -1 || requested > int(maxThreads))
    return Status::error("TN7014", std::to_string(requested) + " threads, expected 0 (all cores) to 1024");
  const unsigned threads = requested == -1 ? plan.threads() : unsigned(requested);
  return std::min(threads == 0 ? cpuCores() : threads, maxThreads);
}

} // namespace

Expected<std::unique_ptr<Device>> createCpuDevice(const plan::Container &container, const SessionOptions &options,
                                                  bool forHost) {
  const plan::Plan &plan = container.plan();
  Expected<unsigned> threads = chooseThreads(plan, options.threads);
  if (!threads)
    return threads.takeStatus();
  Expected<std::unique_ptr<ThreadPool>> pool = ThreadPool::create(*threads);
  if (!pool)
    return pool.takeStatus();
  const uint32_t count = plan.kernels() ? plan.kernels()->size() : 0;
  if (count == 0)
    return std::unique_ptr<Device>(new CpuDevice(container, nullptr, std::move(*pool), {}, 0, ""));

  const CodeObjects *objects = forHost ? plan.host_code() : plan.code();
  Expected<uint32_t> chosen = chooseCode(objects, options.arch);
  if (!chosen)
    return chosen.takeStatus();
  const plan::CodeObject &object = *objects->Get(*chosen);
  const std::string arch = object.arch()->str();
  const auto section = container.section(plan::SectionKind::Code);
  auto code = CodeObject::load(section.subspan(object.offset(), object.length()));
  if (!code)
    return code.takeStatus();
  std::vector<TenonCpuKernel> kernels;
  for (uint32_t i = 0; i < count; ++i) {
    const plan::Kernel &kernel = *plan.kernels()->Get(i);
    const std::string name = kernel.name()->str();
    kernels.push_back(reinterpret_cast<TenonCpuKernel>((*code)->find(name)));
    if (!kernels.back() && kernel.host() == forHost && plan::includesCode(kernel.codes(), *chosen))
      return Status::error("TN6019", "the code object for " + arch + " lacks kernel '" + name + "'");
  }
  return std::unique_ptr<Device>(
      new CpuDevice(container, std::move(*code), std::move(*pool), std::move(kernels), *chosen, arch));
}

} // namespace tenon::runtime
