//===- Executor.cpp - Runs the steps of an instance -----------------------===//
#include "Executor.h"

#include "tenon/Plan/Checked.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cmath>

namespace tenon::runtime {

// Scratch of two threads never shares a page, so never a cache line either.
static constexpr int64_t scratchAlignment = 4096;
// Launches that one recording is worth, and instances that a context has recordings of.
static constexpr size_t fewestRecorded = 3, mostRecorded = 8;

std::unique_ptr<Executor::Context> Executor::take() {
  {
    std::lock_guard lock(mutex);
    if (!idle.empty()) {
      std::unique_ptr<Context> context = std::move(idle.back());
      idle.pop_back();
      return context;
    }
  }
  return std::make_unique<Context>();
}

void Executor::giveBack(std::unique_ptr<Context> context) {
  std::lock_guard lock(mutex);
  idle.push_back(std::move(context));
}

Status Executor::reserveArena(Device &device, Arena &arena, int64_t bytes) {
  arena.memory.reset(); // before the larger one is allocated
  arena.bytes = bytes;
  arena.memory = device.allocate(bytes);
  if (!arena.memory)
    return Status::error("TN7011", "cannot allocate " + std::to_string(bytes) + " bytes for intermediate tensors");
  return Status::success();
}

Status Executor::reserveScratch(const Device &device, Scratch &scratch, int64_t bytes) {
  const auto padded = checkedAdd(bytes, scratchAlignment - 1);
  const int64_t stride = padded ? *padded / scratchAlignment * scratchAlignment : -1;
  const auto total = checkedMul(stride, int64_t(device.threads()));
  if (stride < 0 || !total || !scratch.memory.reserve(*total))
    return Status::error("TN7011", "cannot allocate " + std::to_string(bytes) + " bytes of scratch for each of " +
                                       std::to_string(device.threads()) + " threads");
  scratch.stride = size_t(stride);
  return Status::success();
}

Status Executor::prepareHost(Context &context, const Instance &instance) {
  if (!context.hostQueue) {
    auto queue = host->createQueue();
    if (!queue)
      return queue.takeStatus();
    context.hostQueue = std::move(*queue);
  }
  if (!context.hostArena.memory || instance.hostArenaBytes > context.hostArena.bytes)
    TENON_RETURN_IF_ERROR(reserveArena(*host, context.hostArena, instance.hostArenaBytes));
  return reserveScratch(*host, context.hostScratch, instance.hostScratchBytes);
}

Status Executor::prepare(Context &context, const Instance &instance, std::span<const Tensor> inputs,
                         std::span<const Tensor> outputs) {
  if (!context.queue) {
    auto queue = device.createQueue();
    if (!queue)
      return queue.takeStatus();
    context.queue = std::move(*queue);
  }
  if (!context.arena.memory || instance.arenaBytes > context.arena.bytes) {
    context.recorded.clear(); // they hold its addresses
    TENON_RETURN_IF_ERROR(reserveArena(device, context.arena, instance.arenaBytes));
  }
  TENON_RETURN_IF_ERROR(reserveScratch(device, context.scratch, instance.scratchBytes));
  if (host)
    TENON_RETURN_IF_ERROR(prepareHost(context, instance));
  context.bases.assign({context.arena.data(), const_cast<char *>(device.weights()), context.hostArena.data(),
                        host ? const_cast<char *>(host->weights()) : nullptr});
  for (const Tensor &input : inputs)
    context.bases.push_back(input.as<char>());
  for (const Tensor &output : outputs)
    context.bases.push_back(output.as<char>());
  context.pointers.resize(instance.addresses.size());
  for (size_t i = 0; i < instance.addresses.size(); ++i) {
    const Address &address = instance.addresses[i];
    char *base = context.bases[address.base];
    context.pointers[i] = base ? base + address.offset : nullptr;
  }
  return Status::success();
}

/// By way of memory of the host, where the device has its own.
Status Executor::executeCollective(Context &context, const CollectiveSizes &collective, void *const *pointers) {
  assert(context.communicator && "only functions of ranks have collectives, as the plan's verifier checks");
  const bool hasSource = collective.plan->source() != nullptr;
  char *source = hasSource ? static_cast<char *>(pointers[0]) : nullptr;
  char *target = collective.plan->target() ? static_cast<char *>(pointers[hasSource]) : nullptr;
  if (context.communicator->isOnDevice(collective))
    return context.communicator->enqueue(collective, source, target, *context.queue);
  TENON_RETURN_IF_ERROR(context.queue->finish());
  if (device.sharesMemory())
    return context.communicator->run(collective, source, target);
  if (!context.exchanged.reserve(collective.traffic()))
    return Status::error("TN7011", "cannot allocate " + std::to_string(collective.traffic()) + " bytes to exchange");
  char *sent = context.exchanged.data(), *received = sent + collective.sourceBytes;
  TENON_RETURN_IF_ERROR(context.queue->copy(sent, source, collective.sourceBytes));
  TENON_RETURN_IF_ERROR(context.queue->finish());
  TENON_RETURN_IF_ERROR(context.communicator->run(collective, sent, received));
  TENON_RETURN_IF_ERROR(context.queue->copy(target, received, collective.targetBytes));
  return context.queue->finish(); // the next collective needs the memory
}

Status Executor::execute(Context &context, const Instance &instance, size_t index) {
  const Step &step = program.steps[index];
  const StepSizes &sizes = instance.steps[index];
  void *const *pointers = context.pointers.data() + step.firstRef;
  if (context.communicator) // nobody needs the rest where another rank has failed
    TENON_RETURN_IF_ERROR(context.communicator->check());
  if (step.kind == StepKind::Collective)
    return executeCollective(context, instance.collectives[step.kernel], pointers);
  if (step.kind == StepKind::Copy)
    return context.queue->copy(pointers[1], pointers[0], sizes.grid);
  if (sizes.grid == 0)
    return Status::success();
  LaunchArguments arguments{};
  arguments.buffers = pointers;
  arguments.numBuffers = step.numRefs;
  arguments.params = instance.params.data() + step.firstParam;
  arguments.numParams = step.numParams;
  arguments.maps = instance.maps.data() + step.firstMap;
  arguments.numMaps = step.numMaps;
  arguments.grid = sizes.grid;
  arguments.scratchBytes = sizes.scratch;
  const bool onHost = step.isHost && host;
  const Scratch &scratch = onHost ? context.hostScratch : context.scratch;
  arguments.scratch = sizes.scratch ? scratch.memory.data() : nullptr;
  arguments.scratchStride = scratch.stride;
  if (!onHost)
    return context.queue->launch(step.kernel, arguments);
  TENON_RETURN_IF_ERROR(context.queue->finish()); // what was copied for it has arrived, what it overwrites was read
  return context.hostQueue->launch(step.kernel, arguments);
}

Status Executor::executeRange(Context &context, const Instance &instance, size_t begin, size_t end) {
  for (size_t i = begin; i < end; ++i)
    TENON_RETURN_IF_ERROR(execute(context, instance, i));
  return Status::success();
}

/// Whether step `index` is the same at every run of the instance: inputs and outputs lie elsewhere each time.
bool Executor::isRecordable(const Instance &instance, size_t index) const {
  const Step &step = program.steps[index];
  const auto first = instance.addresses.begin() + step.firstRef;
  return step.kind == StepKind::Launch && !step.isHost &&
         std::all_of(first, first + step.numRefs, [](const Address &address) { return address.base < firstInputBase; });
}

/// The runs of steps that are worth a recording.
std::vector<RecordedRuns::Run> Executor::findRuns(const Instance &instance) const {
  std::vector<RecordedRuns::Run> runs;
  size_t begin = 0, launches = 0;
  for (size_t i = 0; i <= program.steps.size(); ++i) {
    if (i < program.steps.size() && isRecordable(instance, i)) {
      launches += instance.steps[i].grid > 0;
      continue;
    }
    if (launches >= fewestRecorded)
      runs.push_back({begin, i, nullptr});
    begin = i + 1;
    launches = 0;
  }
  return runs;
}

Status Executor::record(Context &context, const Instance &instance, RecordedRuns::Run &run) {
  TENON_RETURN_IF_ERROR(context.queue->beginRecording());
  Status status = executeRange(context, instance, run.begin, run.end);
  auto recording = context.queue->endRecording(); // even after an error
  if (status.ok() && !recording)
    return recording.takeStatus();
  if (status.ok())
    run.recording = std::move(*recording);
  return status;
}

Status Executor::executeAll(Context &context, const std::shared_ptr<const Instance> &instance) {
  const size_t numSteps = program.steps.size();
  if (!context.queue->canRecord())
    return executeRange(context, *instance, 0, numSteps);
  std::vector<RecordedRuns> &all = context.recorded;
  const auto known = std::find_if(all.begin(), all.end(), [&](auto &entry) { return entry.instance == instance; });
  if (known == all.end()) {
    if (all.size() == mostRecorded)
      all.pop_back();
    all.insert(all.begin(), RecordedRuns{instance, false, {}});
    return executeRange(context, *instance, 0, numSteps);
  }
  std::rotate(all.begin(), known, known + 1);
  RecordedRuns &recorded = all.front();
  if (!recorded.isRecorded)
    recorded.runs = findRuns(*instance);
  recorded.isRecorded = true;
  size_t next = 0;
  for (RecordedRuns::Run &run : recorded.runs) {
    TENON_RETURN_IF_ERROR(executeRange(context, *instance, next, run.begin));
    if (!run.recording)
      TENON_RETURN_IF_ERROR(record(context, *instance, run));
    TENON_RETURN_IF_ERROR(run.recording->replay());
    next = run.end;
  }
  return executeRange(context, *instance, next, numSteps);
}

/// The device's own times of the steps, from the first of `times` on.
static Status readMarks(Queue &queue, std::vector<int64_t> &times) {
  TENON_RETURN_IF_ERROR(queue.finish());
  for (size_t i = 1; i < times.size(); ++i) {
    auto seconds = queue.elapsed(0, i);
    if (!seconds)
      return seconds.takeStatus();
    times[i] = times[0] + std::llround(*seconds * 1e9);
  }
  return Status::success();
}

Status Executor::executeProfiled(Context &context, const Instance &instance, Profile &profile) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  auto elapsed = [&] {
    return int64_t(std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - begin).count());
  };
  std::vector<int64_t> times(program.steps.size() + 1);
  const bool canMark = context.queue->canMark();
  times[0] = elapsed();
  if (canMark)
    TENON_RETURN_IF_ERROR(context.queue->mark(0));
  for (size_t i = 0; i < program.steps.size(); ++i) {
    TENON_RETURN_IF_ERROR(execute(context, instance, i));
    if (canMark) {
      TENON_RETURN_IF_ERROR(context.queue->mark(i + 1));
      continue;
    }
    TENON_RETURN_IF_ERROR(context.queue->finish()); // a step's time is its own
    times[i + 1] = elapsed();
  }
  if (canMark)
    TENON_RETURN_IF_ERROR(readMarks(*context.queue, times));
  profile.total = elapsed();
  profile.events.clear();
  for (size_t i = 0; i < program.steps.size(); ++i) { // strings are made when the clock has stopped
    const Step &step = program.steps[i];
    const StepSizes &sizes = instance.steps[i];
    profile.events.push_back({program.nameOf(container.plan(), step), program.nodesOf(step), step.record, times[i],
                              times[i + 1] - times[i], step.kind == StepKind::Copy ? 0 : sizes.grid, sizes.flops,
                              step.kind == StepKind::Copy ? 2 * sizes.grid : sizes.traffic});
  }
  return Status::success();
}

Status Executor::run(const std::shared_ptr<const Instance> &instance, std::span<const Tensor> inputs,
                     std::span<const Tensor> outputs, Profile *profile, Communicator *communicator) {
  std::unique_ptr<Context> context = take();
  context->communicator = communicator;
  Status status = prepare(*context, *instance, inputs, outputs);
  if (status.ok())
    status = profile ? executeProfiled(*context, *instance, *profile) : executeAll(*context, instance);
  // Even after an error: the caller's memory must not be in use when this returns.
  if (context->queue)
    if (Status finished = context->queue->finish(); status.ok())
      status = std::move(finished);
  if (status.ok())
    giveBack(std::move(context));
  return status;
}

} // namespace tenon::runtime
