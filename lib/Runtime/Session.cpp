//===- Session.cpp - Loading and running a plan ---------------------------===//
#include "tenon/Runtime/Session.h"

#include "Binding.h"
#include "Device.h"
#include "Ranks/RankRunner.h"
#include "ScriptRunner.h"
#include "tenon/Plan/Container.h"
#include "tenon/Plan/Vectors.h"
#include "tenon/Runtime/CpuInfo.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace tenon::runtime {

struct Session::Impl {
  Impl(std::shared_ptr<const plan::Container> given, std::unique_ptr<Device> device, std::unique_ptr<Device> host)
      : container(std::move(given)), device(std::move(device)), host(std::move(host)) {
    const plan::Plan &plan = container->plan();
    const uint32_t count = !plan.script() ? 1 : plan.functions() ? plan.functions()->size() : 0;
    for (uint32_t i = 0; i < count; ++i)
      functions.push_back(std::make_unique<FunctionRunner>(*container, i, *this->device, this->host.get()));
    if (plan.script())
      script = std::make_unique<const ScriptRunner>(*plan.script(), functions);
  }
  Impl(std::shared_ptr<const plan::Container> given, std::unique_ptr<RankRunner> ranks)
      : container(std::move(given)), ranks(std::move(ranks)) {}

  std::shared_ptr<const plan::Container> container;
  const std::unique_ptr<Device> device, host; ///< host: for the kernels of the host, or null
  std::vector<std::unique_ptr<FunctionRunner>> functions;
  std::unique_ptr<const ScriptRunner> script; ///< null where the first function is the entry
  const std::unique_ptr<RankRunner> ranks;    ///< of a plan with ranks, which has no more than the container; or null

  const Program &program() const { return ranks ? ranks->program() : functions.front()->program; }
  const std::vector<TensorInfo> &inputs() const { return script ? script->inputs : program().inputs; }
  const std::vector<TensorInfo> &outputs() const { return script ? script->outputs : program().outputs; }
  Expected<std::vector<Tensor>> run(std::vector<Tensor> inputs, const RunOptions &options,
                                    std::span<const NamedTensor> into);
  Expected<std::vector<Tensor>> runScript(std::vector<Tensor> inputs, const RunOptions &options,
                                          std::span<const NamedTensor> into) const;
};

/// `ordinal`: which device of this machine, where ranks have several, and `only` the function of the rank.
static Expected<std::unique_ptr<Device>> createDevice(const plan::Container &container, const SessionOptions &options,
                                                      uint32_t ordinal = 0, const plan::Function *only = nullptr) {
  const plan::Plan &plan = container.plan();
  const std::string target = plan.target() ? plan.target()->str() : "";
  const std::string &device = options.device.empty() ? target : options.device;
  if (device == "null")
    return createNullDevice(container);
  if (device != target)
    return Status::error("TN7017", "the plan is for target '" + target + "', the device asked for is '" + device + "'");
  if (device == "cpu")
    return createCpuDevice(container, options);
  return createPluginDevice(device, container, options, ordinal, only);
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

/// How many ranks of this machine come before `rank`, if it is a process.
static uint32_t localRank(uint32_t rank) {
  for (const char *name : {"OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID"})
    if (const char *value = std::getenv(name))
      return uint32_t(std::max(std::atoi(value), 0));
  return rank;
}

static Expected<Rank> createRank(const plan::Container &container, uint32_t rank, const SessionOptions &options) {
  const bool isProcess = !options.transport.empty() && options.transport != "threads";
  const uint32_t function = container.plan().ranks()->Get(rank);
  auto device =
      createDevice(container, options, isProcess ? localRank(rank) : rank, container.plan().functions()->Get(function));
  if (!device)
    return device.takeStatus();
  auto host = createHost(container, options);
  if (!host)
    return host.takeStatus();
  auto runner = std::make_unique<FunctionRunner>(container, function, **device, host->get());
  return Rank{std::move(*device), std::move(*host), std::move(runner)};
}

/// The ranks that run in this process: all, each with its share of the threads, or the one that it is.
static Expected<std::unique_ptr<RankRunner>> createRanks(const plan::Container &container,
                                                         const SessionOptions &options) {
  const plan::Plan &plan = container.plan();
  const uint32_t count = plan.ranks()->size();
  std::unique_ptr<ProcessTransport> processes;
  if (!options.transport.empty() && options.transport != "threads") {
    auto opened = ProcessTransport::open(options.transport);
    if (!opened)
      return opened.takeStatus();
    processes = std::move(*opened);
    if (processes->size() != count)
      return Status::error("TN7021", "the plan has " + std::to_string(count) + " ranks, but there are " +
                                         std::to_string(processes->size()) + " processes");
  }
  SessionOptions own = options;
  const int total = options.threads == -1 ? int(plan.threads()) : options.threads;
  if (total >= 0 && !processes)
    own.threads = std::max((total == 0 ? int(cpuCores()) : total) / int(count), 1);
  std::vector<Rank> ranks;
  for (uint32_t rank = processes ? processes->rank() : 0; rank < count; ++rank) {
    auto created = createRank(container, rank, own);
    if (!created) {
      if (processes)
        processes->fail(created.status());
      return created.takeStatus();
    }
    ranks.push_back(std::move(*created));
    if (processes)
      break;
  }
  return std::make_unique<RankRunner>(std::move(ranks), std::move(processes));
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
    const bool hasRanks = plan::length(container->plan().ranks()) > 0;
    if (!hasRanks && !options.transport.empty() && options.transport != "threads")
      return Status::error("TN7021", "the plan is for one process", "", "compile with --devices and --parallel");
    if (hasRanks) {
      auto ranks = createRanks(*container, options);
      if (!ranks)
        return ranks.takeStatus();
      return std::unique_ptr<Session>(new Session(std::make_unique<Impl>(std::move(container), std::move(*ranks))));
    }
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
  if (options.profile)
    *options.profile = {};
  if (ranks)
    return ranks->run(tensors, options.profile, into);
  return script ? runScript(std::move(tensors), options, into)
                : functions.front()->run(std::move(tensors), options.profile, into);
}

/// Puts what was computed into the caller's tensors.
static Status copyInto(const std::vector<TensorInfo> &infos, std::vector<Tensor> &outputs,
                       std::span<const NamedTensor> into) {
  for (const NamedTensor &target : into) {
    const size_t index = findTensor(infos, target.name);
    if (index == infos.size())
      return Status::error("TN7003", "there is no output '" + target.name + "'");
    TENON_RETURN_IF_ERROR(checkOutput(infos[index], outputs[index].dims, target.tensor));
    if (target.tensor.bytes() > 0)
      std::memcpy(target.tensor.data.get(), outputs[index].data.get(), size_t(target.tensor.bytes()));
    outputs[index] = target.tensor;
  }
  return Status::success();
}

Expected<std::vector<Tensor>> Session::Impl::runScript(std::vector<Tensor> tensors, const RunOptions &options,
                                                       std::span<const NamedTensor> into) const {
  for (const std::vector<TensorInfo> *infos : {&script->inputs, &script->outputs})
    for (const TensorInfo &info : *infos)
      if (info.kind != ValueKind::Tensor || info.isOptional)
        return Status::error("TN7018", "'" + info.name + "' is a sequence or optional: use runValues");
  const std::vector<Value> values(tensors.begin(), tensors.end());
  auto results = script->run(values, options.profile);
  if (!results)
    return results.takeStatus();
  std::vector<Tensor> outputs;
  for (Value &result : *results) {
    if (result.kind != ValueKind::Tensor)
      return Status::error("TN7018",
                           "output '" + script->outputs[outputs.size()].name + "' is " + describeKind(result.kind));
    outputs.push_back(std::move(result.tensor));
  }
  TENON_RETURN_IF_ERROR(copyInto(script->outputs, outputs, into));
  return outputs;
}

static Status wrongCount(size_t expected, size_t found) {
  return Status::error("TN7004",
                       "the model has " + std::to_string(expected) + " inputs, found " + std::to_string(found));
}

Expected<std::vector<Tensor>> Session::run(std::span<const NamedTensor> inputs, const RunOptions &options,
                                           std::span<const NamedTensor> into) {
  try {
    auto tensors = bindInputs(impl->inputs(), inputs);
    return tensors ? impl->run(std::move(*tensors), options, into) : tensors.takeStatus();
  } catch (const std::bad_alloc &) {
    return Status::outOfMemory();
  }
}

Expected<std::vector<Tensor>> Session::run(std::span<const Tensor> inputs, const RunOptions &options) {
  try {
    if (inputs.size() != impl->inputs().size())
      return wrongCount(impl->inputs().size(), inputs.size());
    return impl->run({inputs.begin(), inputs.end()}, options, {});
  } catch (const std::bad_alloc &) {
    return Status::outOfMemory();
  }
}

Expected<std::vector<Value>> Session::runValues(std::span<const Value> inputs, const RunOptions &options) {
  try {
    if (inputs.size() != impl->inputs().size())
      return wrongCount(impl->inputs().size(), inputs.size());
    if (options.profile)
      *options.profile = {};
    if (impl->script)
      return impl->script->run(inputs, options.profile);
    std::vector<Tensor> tensors;
    for (const Value &input : inputs) {
      if (input.kind != ValueKind::Tensor)
        return Status::error("TN7018", "input '" + impl->inputs()[tensors.size()].name +
                                           "': expected a tensor, found " + describeKind(input.kind));
      tensors.push_back(input.tensor);
    }
    auto outputs = impl->run(std::move(tensors), options, {});
    if (!outputs)
      return outputs.takeStatus();
    return std::vector<Value>(outputs->begin(), outputs->end());
  } catch (const std::bad_alloc &) {
    return Status::outOfMemory();
  }
}

const std::vector<TensorInfo> &Session::inputs() const { return impl->inputs(); }
const std::vector<TensorInfo> &Session::outputs() const { return impl->outputs(); }
unsigned Session::threads() const {
  return impl->ranks ? impl->ranks->threads() : std::max(impl->device->threads(), 1u);
}
const std::string &Session::arch() const { return impl->ranks ? impl->ranks->arch() : impl->device->arch(); }
unsigned Session::ranks() const { return std::max(plan::length(impl->container->plan().ranks()), 1u); }
unsigned Session::rank() const { return impl->ranks ? impl->ranks->number() : 0; }
const plan::Container &Session::container() const { return *impl->container; }

std::string detectTransport() {
  for (const char *name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}) // Open MPI; MPICH and those made of it
    if (const char *value = std::getenv(name); value && std::atoi(value) > 1)
      return "mpi";
  return "threads";
}

const char *versionString() { return "tenon " TENON_VERSION; }

} // namespace tenon::runtime
