//===- Executor.cpp - Runs the steps of an instance -----------------------===//
#include "Executor.h"

#include "tenon/Plan/Checked.h"

#include <chrono>

namespace tenon::runtime {

// Scratch of two threads never shares a page, so never a cache line either.
static constexpr int64_t scratchAlignment = 4096;

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

Status Executor::reserveArena(Context &context, int64_t bytes) {
  if (context.arena && bytes <= context.arenaBytes)
    return Status::success();
  context.arena.reset(); // before the larger one is allocated
  context.arenaBytes = bytes;
  context.arena = device.allocate(bytes);
  if (!context.arena)
    return Status::error("TN7011", "cannot allocate " + std::to_string(bytes) + " bytes for intermediate tensors");
  return Status::success();
}

Status Executor::reserveScratch(Context &context, int64_t bytes) {
  const auto padded = checkedAdd(bytes, scratchAlignment - 1);
  const int64_t stride = padded ? *padded / scratchAlignment * scratchAlignment : -1;
  const auto scratch = checkedMul(stride, int64_t(device.threads()));
  if (stride < 0 || !scratch || !context.scratch.reserve(*scratch))
    return Status::error("TN7011", "cannot allocate " + std::to_string(bytes) + " bytes of scratch for each of " +
                                       std::to_string(device.threads()) + " threads");
  context.scratchStride = size_t(stride);
  return Status::success();
}

Status Executor::prepare(Context &context, const Instance &instance, std::span<const Tensor> inputs,
                         std::span<const Tensor> outputs) {
  if (!context.queue) {
    auto queue = device.createQueue();
    if (!queue)
      return queue.takeStatus();
    context.queue = std::move(*queue);
  }
  TENON_RETURN_IF_ERROR(reserveArena(context, instance.arenaBytes));
  TENON_RETURN_IF_ERROR(reserveScratch(context, instance.scratchBytes));
  context.bases.assign({context.arena->data(), const_cast<char *>(device.weights())});
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

Status Executor::execute(const Context &context, const Instance &instance, size_t index) {
  const Step &step = program.steps[index];
  const StepSizes &sizes = instance.steps[index];
  void *const *pointers = context.pointers.data() + step.firstRef;
  if (step.isCopy)
    return context.queue->copy(pointers[1], pointers[0], sizes.grid);
  if (sizes.grid == 0)
    return Status::success();
  LaunchArguments arguments{};
  arguments.buffers = pointers;
  arguments.numBuffers = step.numRefs;
  arguments.params = instance.params.data() + step.firstParam;
  arguments.numParams = step.numParams;
  arguments.grid = sizes.grid;
  arguments.scratchBytes = sizes.scratch;
  arguments.scratch = sizes.scratch ? context.scratch.data() : nullptr;
  arguments.scratchStride = context.scratchStride;
  return context.queue->launch(step.kernel, arguments);
}

Status Executor::executeAll(const Context &context, const Instance &instance) {
  for (size_t i = 0; i < program.steps.size(); ++i)
    TENON_RETURN_IF_ERROR(execute(context, instance, i));
  return Status::success();
}

Status Executor::executeProfiled(const Context &context, const Instance &instance, Profile &profile) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  auto elapsed = [&] {
    return int64_t(std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - begin).count());
  };
  std::vector<int64_t> times(program.steps.size() + 1);
  times[0] = elapsed();
  for (size_t i = 0; i < program.steps.size(); ++i) {
    TENON_RETURN_IF_ERROR(execute(context, instance, i));
    TENON_RETURN_IF_ERROR(context.queue->finish()); // a step's time is its own
    times[i + 1] = elapsed();
  }
  profile.total = elapsed();
  profile.events.clear();
  for (size_t i = 0; i < program.steps.size(); ++i) { // strings are made when the clock has stopped
    const Step &step = program.steps[i];
    const StepSizes &sizes = instance.steps[i];
    profile.events.push_back({program.nameOf(container.plan(), step), program.nodesOf(step), step.record, times[i],
                              times[i + 1] - times[i], step.isCopy ? 0 : sizes.grid, sizes.flops,
                              step.isCopy ? 2 * sizes.grid : sizes.traffic});
  }
  return Status::success();
}

Status Executor::run(const Instance &instance, std::span<const Tensor> inputs, std::span<const Tensor> outputs,
                     Profile *profile) {
  std::unique_ptr<Context> context = take();
  Status status = prepare(*context, instance, inputs, outputs);
  if (status.ok())
    status = profile ? executeProfiled(*context, instance, *profile) : executeAll(*context, instance);
  // Even after an error: the caller's memory must not be in use when this returns.
  if (context->queue)
    if (Status finished = context->queue->finish(); status.ok())
      status = std::move(finished);
  if (status.ok())
    giveBack(std::move(context));
  return status;
}

} // namespace tenon::runtime
