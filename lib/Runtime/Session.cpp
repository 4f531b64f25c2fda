//===- Session.cpp - Loading and running a plan ---------------------------===//
#include "tenon/Runtime/Session.h"

#include "Binding.h"
#include "Device.h"
#include "Executor.h"
#include "Instance.h"
#include "tenon/Plan/Container.h"

#include <algorithm>
#include <new>

namespace tenon::runtime {

struct Session::Impl {
  Impl(std::shared_ptr<const plan::Container> container, std::unique_ptr<Device> device, std::unique_ptr<Device> host)
      : container(std::move(container)), device(std::move(device)), host(std::move(host)),
        program(this->container->plan(), this->device->code()), cache(this->container->plan(), program),
        executor(*this->container, program, *this->device, this->host.get()) {}

  std::shared_ptr<const plan::Container> container;
  const std::unique_ptr<Device> device, host; ///< host: for the kernels of the host, or null
  const Program program;
  InstanceCache cache;
  Executor executor;

  Expected<std::vector<Tensor>> run(std::vector<Tensor> inputs, const RunOptions &options,
                                    std::span<const NamedTensor> into);
};

static Expected<std::unique_ptr<Device>> createDevice(const plan::Container &container, const SessionOptions &options) {
  const plan::Plan &plan = container.plan();
  const std::string target = plan.target() ? plan.target()->str() : "";
  const std::string &device = options.device.empty() ? target : options.device;
  if (device == "null")
    return createNullDevice(container);
  if (device != target)
    return Status::error("TN7017", "the plan is for target '" + target + "', the device asked for is '" + device + "'");
  if (device == "cpu")
    return createCpuDevice(container, options);
  return createPluginDevice(device, container, options);
}

/// What runs the kernels of the host; null where the plan has none, or nothing is to run.
static Expected<std::unique_ptr<Device>> createHost(const plan::Container &container, const SessionOptions &options) {
  const auto *code = container.plan().host_code();
  if (!code || code->size() == 0 || options.device == "null")
    return std::unique_ptr<Device>();
  SessionOptions onHost = options;
  onHost.arch.clear(); // it names the device's
  return createCpuDevice(container, onHost, /*forHost=*/true);
}

static plan::OpenOptions openOptions(const SessionOptions &options) {
  plan::OpenOptions open;
  open.verifyWeights = options.verifyWeights;
  open.threads = options.threads > 0 ? unsigned(options.threads) : 0;
  return open;
}

Expected<std::unique_ptr<Session>> Session::create(const std::string &path, const SessionOptions &options) {
  try {
    auto container = plan::Container::open(path, openOptions(options));
    return container ? create(std::move(*container), options) : container.takeStatus();
  } catch (const std::bad_alloc &) {
    return Status::outOfMemory();
  }
}

Expected<std::unique_ptr<Session>> Session::create(std::span<const uint8_t> bytes, const SessionOptions &options) {
  try {
    auto container = plan::Container::fromMemory(bytes, openOptions(options));
    return container ? create(std::move(*container), options) : container.takeStatus();
  } catch (const std::bad_alloc &) {
    return Status::outOfMemory();
  }
}

Expected<std::unique_ptr<Session>> Session::create(std::shared_ptr<const plan::Container> container,
                                                   const SessionOptions &options) {
  try {
    Expected<std::unique_ptr<Device>> device = createDevice(*container, options);
    if (!device)
      return device.takeStatus();
    Expected<std::unique_ptr<Device>> host = createHost(*container, options);
    if (!host)
      return host.takeStatus();
    return std::unique_ptr<Session>(
        new Session(std::make_unique<Impl>(std::move(container), std::move(*device), std::move(*host))));
  } catch (const std::bad_alloc &) {
    return Status::outOfMemory();
  }
}

Session::Session(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Session::~Session() = default;

Expected<std::vector<Tensor>> Session::Impl::run(std::vector<Tensor> tensors, const RunOptions &options,
                                                 std::span<const NamedTensor> into) {
  TENON_RETURN_IF_ERROR(checkInputs(program, tensors));
  auto shapes = readShapes(program, tensors);
  if (!shapes)
    return shapes.takeStatus();
  auto instance = cache.get(*shapes);
  if (!instance)
    return instance.takeStatus();
  auto outputs = bindOutputs(program, **instance, into);
  if (!outputs)
    return outputs;
  TENON_RETURN_IF_ERROR(executor.run(*instance, tensors, *outputs, options.profile));
  return outputs;
}

Expected<std::vector<Tensor>> Session::run(std::span<const NamedTensor> inputs, const RunOptions &options,
                                           std::span<const NamedTensor> into) {
  try {
    auto tensors = bindInputs(impl->program, inputs);
    return tensors ? impl->run(std::move(*tensors), options, into) : tensors.takeStatus();
  } catch (const std::bad_alloc &) {
    return Status::outOfMemory();
  }
}

Expected<std::vector<Tensor>> Session::run(std::span<const Tensor> inputs, const RunOptions &options) {
  try {
    if (inputs.size() != impl->program.inputs.size())
      return Status::error("TN7004", "the model has " + std::to_string(impl->program.inputs.size()) +
                                         " inputs, found " + std::to_string(inputs.size()));
    return impl->run({inputs.begin(), inputs.end()}, options, {});
  } catch (const std::bad_alloc &) {
    return Status::outOfMemory();
  }
}

Expected<std::vector<Value>> Session::runValues(std::span<const Value> inputs, const RunOptions &options) {
  try {
    std::vector<Tensor> tensors;
    for (const Value &input : inputs) {
      if (input.kind != ValueKind::Tensor)
        return Status::error("TN7005", std::string("an input must be a tensor, found ") + describeKind(input.kind));
      tensors.push_back(input.tensor);
    }
    auto outputs = run(std::span<const Tensor>(tensors), options);
    if (!outputs)
      return outputs.takeStatus();
    std::vector<Value> values(std::make_move_iterator(outputs->begin()), std::make_move_iterator(outputs->end()));
    for (Value &value : values)
      TENON_RETURN_IF_ERROR(makeOwned(value));
    return values;
  } catch (const std::bad_alloc &) {
    return Status::outOfMemory();
  }
}

const std::vector<TensorInfo> &Session::inputs() const { return impl->program.inputs; }
const std::vector<TensorInfo> &Session::outputs() const { return impl->program.outputs; }
unsigned Session::threads() const { return std::max(impl->device->threads(), 1u); }
const std::string &Session::arch() const { return impl->device->arch(); }
const plan::Container &Session::container() const { return *impl->container; }

const char *versionString() { return "tenon " TENON_VERSION; }

} // namespace tenon::runtime
