//===- PluginDevice.cpp - Devices in libraries of their own ---------------===//
//
// Opens libtenon_device_NAME.so and turns its table of C functions (tenon-c/device.h) into a Device. Weights are copied
// to the device once; inputs and outputs are copied by records of the plan.
//
//===----------------------------------------------------------------------===//
#include "Device.h"
#include "Plugin.h"
#include "tenon-c/device.h"
#include "tenon/Plan/Checked.h"
#include "tenon/Plan/plan_generated.h"

#include <algorithm>
#include <deque>
#include <dlfcn.h>
#include <set>
#include <vector>

namespace tenon::runtime {

namespace {

/// A device that is open. Memory and queues hold on to it.
struct OpenDevice {
  const TenonDeviceApi *api = nullptr;
  TenonDevice *device = nullptr;
  ~OpenDevice() {
    if (device)
      api->close(device); // the library stays: its threads may still be ending
  }
};

Status failed(const char *what, const TenonDeviceError &error) {
  return Status::error("TN8003", std::string(what) + ": " + error.message);
}

class PluginMemory final : public DeviceMemory {
public:
  PluginMemory(const OpenDevice &open, void *memory) : open(open) { base = static_cast<char *>(memory); }
  ~PluginMemory() override { open.api->release(open.device, base); }

private:
  const OpenDevice &open;
};

class PluginComm final : public DeviceComm {
public:
  PluginComm(const TenonDeviceApi &api, TenonComm *comm) : api(api), comm(comm) {}
  ~PluginComm() override { api.destroy_comm(comm); }
  void abort() override { api.abort_comm(comm); }
  TenonComm *get() const { return comm; }

private:
  const TenonDeviceApi &api;
  TenonComm *comm;
};

std::vector<TenonDeviceMessage> toMessages(const std::vector<DeviceMessage> &messages) {
  std::vector<TenonDeviceMessage> out;
  for (const DeviceMessage &message : messages)
    out.push_back({message.peer, message.data, size_t(message.bytes)});
  return out;
}

class PluginRecording final : public Recording {
public:
  PluginRecording(const TenonDeviceApi &api, TenonQueue *queue, TenonGraph *graph)
      : api(api), queue(queue), graph(graph) {}
  ~PluginRecording() override { api.destroy_graph(graph); }
  Status replay() override {
    TenonDeviceError error{};
    return api.replay(queue, graph, &error) ? failed("recorded kernels", error) : Status::success();
  }

private:
  const TenonDeviceApi &api;
  TenonQueue *queue;
  TenonGraph *graph;
};

TenonDeviceTensor toTensor(const TensorMap &map, void *const *buffers) {
  TenonDeviceTensor tensor{};
  tensor.data = buffers[map.buffer];
  tensor.element_type = uint32_t(map.type);
  tensor.rank = map.rank;
  std::copy_n(map.extents, 5, tensor.extents);
  std::copy_n(map.strides, 5, tensor.strides);
  std::copy_n(map.box, 5, tensor.box);
  tensor.swizzle = map.swizzle;
  return tensor;
}

class PluginQueue final : public Queue {
public:
  PluginQueue(const TenonDeviceApi &api, TenonQueue *queue, const plan::Plan &plan, const std::vector<size_t> &numbers)
      : api(api), queue(queue), plan(plan), numbers(numbers) {}
  ~PluginQueue() override { api.destroy_queue(queue); }

  Status launch(uint32_t kernel, const LaunchArguments &call) override {
    arguments.clear();
    for (size_t i = 0; i < call.numBuffers; ++i)
      arguments.push_back({&call.buffers[i], sizeof(void *)});
    for (size_t i = 0; i < call.numParams; ++i)
      arguments.push_back({&call.params[i], sizeof(int64_t)});
    tensors.clear();
    for (size_t i = 0; i < call.numMaps; ++i)
      tensors.push_back(toTensor(call.maps[i], call.buffers));
    const TenonDeviceLaunch launch{numbers[kernel], call.grid,        size_t(call.scratchBytes), tensors.size(),
                                   tensors.data(),  arguments.size(), arguments.data()};
    TenonDeviceError error{};
    if (api.launch(queue, &launch, &error))
      return failed(("kernel '" + plan.kernels()->Get(kernel)->name()->str() + "'").c_str(), error);
    return Status::success();
  }
  Status copy(void *target, const void *source, int64_t bytes) override {
    TenonDeviceError error{};
    if (bytes > 0 && api.copy(queue, target, source, size_t(bytes), &error))
      return failed("copy", error);
    return Status::success();
  }
  Status finish() override {
    TenonDeviceError error{};
    return api.finish(queue, &error) ? failed("execution", error) : Status::success();
  }
  Status collective(DeviceComm &comm, const DeviceCollective &c) override {
    const auto sends = toMessages(c.sends), receives = toMessages(c.receives);
    const TenonDeviceCollective collective{uint32_t(c.kind), uint32_t(c.type), uint32_t(c.reduction), sends.size(),
                                           sends.data(),     receives.size(),  receives.data()};
    TenonDeviceError error{};
    if (api.collective(queue, static_cast<PluginComm &>(comm).get(), &collective, &error))
      return failed("what ranks do together", error);
    return Status::success();
  }
  Status copyRows(char *target, int64_t targetPitch, const char *source, int64_t sourcePitch, int64_t bytes,
                  int64_t rows) override {
    TenonDeviceError error{};
    if (api.copy_rows(queue, target, size_t(targetPitch), source, size_t(sourcePitch), size_t(bytes), size_t(rows),
                      &error))
      return failed("copy", error);
    return Status::success();
  }
  bool canRecord() const override { return api.begin_record != nullptr; }
  Status beginRecording() override {
    TenonDeviceError error{};
    return api.begin_record(queue, &error) ? failed("recording", error) : Status::success();
  }
  Expected<std::unique_ptr<Recording>> endRecording() override {
    TenonDeviceError error{};
    TenonGraph *graph = nullptr;
    if (api.end_record(queue, &graph, &error))
      return failed("recording", error);
    return std::unique_ptr<Recording>(std::make_unique<PluginRecording>(api, queue, graph));
  }

  bool canMark() const override { return api.mark != nullptr; }
  Status mark(size_t number) override {
    TenonDeviceError error{};
    return api.mark(queue, number, &error) ? failed("event", error) : Status::success();
  }
  Expected<double> elapsed(size_t first, size_t second) override {
    TenonDeviceError error{};
    double seconds = 0;
    if (api.elapsed(queue, first, second, &seconds, &error))
      return failed("event", error);
    return seconds;
  }

private:
  const TenonDeviceApi &api;
  TenonQueue *queue;
  const plan::Plan &plan;
  const std::vector<size_t> &numbers; ///< of the device's kernels, by the plan's
  std::vector<TenonDeviceArgument> arguments;
  std::vector<TenonDeviceTensor> tensors;
};

class PluginDevice final : public Device {
public:
  PluginDevice(const plan::Plan &plan, std::unique_ptr<OpenDevice> open, size_t code, std::string arch,
               std::vector<size_t> numbers)
      : plan(plan), open(std::move(open)), index(code), name(std::move(arch)), numbers(std::move(numbers)) {}

  /// Copies all weights there, or those of one function.
  Status upload(std::span<const uint8_t> section, const plan::Function *only);
  std::vector<int64_t> weightOffsets() const override { return offsets; }

  Expected<std::unique_ptr<Queue>> createQueue() override {
    TenonDeviceError error{};
    TenonQueue *queue = nullptr;
    if (open->api->create_queue(open->device, &queue, &error))
      return failed("queue", error);
    return std::unique_ptr<Queue>(std::make_unique<PluginQueue>(*open->api, queue, plan, numbers));
  }
  std::unique_ptr<DeviceMemory> allocate(int64_t bytes) override {
    if (bytes < 0)
      return nullptr;
    void *memory = open->api->allocate(open->device, size_t(std::max<int64_t>(bytes, 1)));
    return memory ? std::make_unique<PluginMemory>(*open, memory) : nullptr;
  }
  const char *weights() const override { return resident->data(); }
  bool sharesMemory() const override { return false; }
  bool makeMeeting(DeviceMeeting &meeting) override {
    TenonDeviceMeeting made{};
    TenonDeviceError error{};
    if (!open->api->make_meeting || open->api->make_meeting(open->device, &made, &error))
      return false;
    std::copy_n(made.bytes, sizeof(made.bytes), meeting.bytes);
    return true;
  }
  Expected<std::unique_ptr<DeviceComm>> createComm(const DeviceMeeting &meeting, uint32_t member,
                                                   uint32_t size) override {
    TenonDeviceMeeting given{};
    std::copy_n(meeting.bytes, sizeof(meeting.bytes), given.bytes);
    TenonDeviceError error{};
    TenonComm *comm = nullptr;
    if (open->api->create_comm(open->device, &given, member, size, &comm, &error))
      return failed("devices of ranks do not meet", error);
    return std::unique_ptr<DeviceComm>(std::make_unique<PluginComm>(*open->api, comm));
  }
  unsigned threads() const override { return 0; }
  size_t code() const override { return index; }
  const std::string &arch() const override { return name; }

private:
  const plan::Plan &plan;
  std::unique_ptr<OpenDevice> open;
  std::unique_ptr<DeviceMemory> resident; ///< the weights
  std::vector<int64_t> offsets;           ///< of the weights in it; empty: as in the section
  size_t index;
  std::string name;
  std::vector<size_t> numbers; ///< of the device's kernels, by the plan's; any number for kernels of the host
};

/// Offsets of the weights that a function uses if they lie one after the other, 0 for all others.
static std::vector<int64_t> layOut(const plan::Plan &plan, const plan::Function &function, int64_t &bytes) {
  std::set<uint32_t> used;
  for (uint32_t i = 0; function.buffers() && i < function.buffers()->size(); ++i)
    if (const plan::Buffer &buffer = *function.buffers()->Get(i); buffer.kind() == plan::BufferKind::Weight)
      used.insert(buffer.index());
  std::vector<int64_t> offsets(plan.weights() ? plan.weights()->size() : 0);
  for (uint32_t weight : used) {
    offsets[weight] = bytes;
    bytes = alignUp(bytes + int64_t(plan.weights()->Get(weight)->length()), int64_t(plan::dataAlignment));
  }
  return offsets;
}

Status PluginDevice::upload(std::span<const uint8_t> section, const plan::Function *only) {
  int64_t bytes = only ? 0 : int64_t(section.size());
  if (only)
    offsets = layOut(plan, *only, bytes);
  resident = allocate(bytes);
  if (!resident)
    return Status::error("TN7011", "the device has no room for " + std::to_string(bytes) + " bytes of weights");
  auto queue = createQueue();
  if (!queue)
    return queue.takeStatus();
  if (!only)
    TENON_RETURN_IF_ERROR((*queue)->copy(resident->data(), section.data(), bytes));
  for (uint32_t i = 0; only && only->buffers() && i < only->buffers()->size(); ++i) {
    const plan::Buffer &buffer = *only->buffers()->Get(i);
    if (buffer.kind() != plan::BufferKind::Weight)
      continue;
    const plan::Weight &weight = *plan.weights()->Get(buffer.index());
    TENON_RETURN_IF_ERROR((*queue)->copy(resident->data() + offsets[buffer.index()], section.data() + weight.offset(),
                                         int64_t(weight.length())));
  }
  return (*queue)->finish();
}

Expected<const TenonDeviceApi *> openLibrary(const std::string &name) {
  if (!isPluginName(name)) // it comes from a file
    return Status::error("TN7017", "'" + name + "' is not the name of a device");
  auto library = openPlugin("libtenon_device_" + name + ".so");
  if (!library)
    return Status::error("TN8001",
                         "the library of device '" + name + "' cannot be opened: " + library.status().error().message);
  auto function = reinterpret_cast<TenonDeviceApiFunction>(dlsym(*library, "tenon_device_api"));
  const TenonDeviceApi *api = function ? function(TENON_DEVICE_VERSION) : nullptr;
  if (api && api->version == TENON_DEVICE_VERSION)
    return api;
  return Status::error("TN8002", "the library of device '" + name + "' does not have version " +
                                     std::to_string(TENON_DEVICE_VERSION) + " of the device interface");
}

TenonDeviceCall toCall(const plan::LibraryCall &call) {
  TenonDeviceCall out{};
  out.library = uint32_t(call.library());
  out.element_type = uint32_t(call.type());
  out.tf32 = call.tf32();
  out.x = call.x();
  out.w = call.w();
  out.bias = call.bias();
  out.residual = call.residual();
  out.result = call.result();
  out.activation = uint32_t(call.activation());
  out.transposed = call.transposed();
  for (uint32_t i = 0; call.window() && i < call.window()->size(); ++i)
    out.window[i] = call.window()->Get(i);
  out.workspace = call.workspace();
  return out;
}

/// A plan's kernels and code in the form that a device takes.
struct ProgramView {
  TenonDeviceProgram program{};
  std::vector<std::string> names;
  std::vector<const char *> archs;
  std::vector<const void *> codes;
  std::vector<size_t> sizes;
  std::vector<TenonDeviceKernel> kernels;
  std::vector<size_t> numbers; ///< in `kernels`, of the plan's kernels
  std::deque<TenonDeviceCall> calls;

  ProgramView(const plan::Container &container, const SessionOptions &options) {
    const plan::Plan &plan = container.plan();
    const auto section = container.section(plan::SectionKind::Code);
    for (uint32_t i = 0; plan.code() && i < plan.code()->size(); ++i) {
      const plan::CodeObject &object = *plan.code()->Get(i);
      archs.push_back(object.arch()->c_str());
      codes.push_back(section.data() + object.offset());
      sizes.push_back(object.length());
    }
    for (uint32_t i = 0; plan.kernels() && i < plan.kernels()->size(); ++i) {
      const plan::Kernel &kernel = *plan.kernels()->Get(i);
      numbers.push_back(kernels.size());
      if (kernel.host())
        continue;
      const auto *held = kernel.codes();
      kernels.push_back({kernel.name()->c_str(), kernel.threads(), held ? held->size() : 0,
                         held ? held->data() : nullptr, kernel.buffers(),
                         kernel.call() ? &calls.emplace_back(toCall(*kernel.call())) : nullptr});
    }
    program = {options.arch.empty() ? nullptr : options.arch.c_str(),
               archs.size(),
               archs.data(),
               codes.data(),
               sizes.data(),
               kernels.size(),
               kernels.data(),
               0};
  }
};

} // namespace

Expected<std::unique_ptr<Device>> createPluginDevice(const std::string &name, const plan::Container &container,
                                                     const SessionOptions &options, uint32_t ordinal,
                                                     const plan::Function *only) {
  auto api = openLibrary(name);
  if (!api)
    return api.takeStatus();
  auto open = std::make_unique<OpenDevice>();
  open->api = *api;
  ProgramView view(container, options);
  view.program.ordinal = ordinal;
  TenonDeviceError error{};
  if (const int result = (*api)->open(&view.program, &open->device, &error); result != 0)
    return Status::error(result == 2 ? "TN8004" : "TN8002",
                         "device '" + name + "' does not take the plan: " + error.message);
  const size_t code = (*api)->code(open->device);
  auto device =
      std::make_unique<PluginDevice>(container.plan(), std::move(open), code,
                                     code < view.archs.size() ? view.archs[code] : "", std::move(view.numbers));
  TENON_RETURN_IF_ERROR(device->upload(container.section(plan::SectionKind::Weights), only));
  return std::unique_ptr<Device>(std::move(device));
}

} // namespace tenon::runtime
