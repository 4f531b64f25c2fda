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

Status Executor::prepare(Context &context, const Instance &instance, std::span<const Tensor> inputs,
                         std::span<const Tensor> outputs) {
  if (!context.arena.reserve(instance.arenaBytes))
    return Status::error("TN7011",
                         "cannot allocate " + std::to_string(instance.arenaBytes) + " bytes for intermediate tensors");
  const auto padded = checkedAdd(instance.scratchBytes, scratchAlignment - 1);
  const int64_t stride = padded ? *padded / scratchAlignment * scratchAlignment : -1;
  const auto scratch = checkedMul(stride, int64_t(device.threads()));
  if (stride < 0 || !scratch || !context.scratch.reserve(*scratch))
    return Status::error("TN7011", "cannot allocate " + std::to_string(instance.scratchBytes) +
                                       " bytes of scratch for each of " + std::to_string(device.threads()) +
                                       " threads");
  context.scratchStride = size_t(stride);

  const auto weights = container.section(plan::SectionKind::Weights);
  context.bases.assign({context.arena.data(), const_cast<char *>(reinterpret_cast<const char *>(weights.data()))});
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

void Executor::execute(const Context &context, const Instance &instance, size_t index) {
  const Step &step = program.steps[index];
  const StepSizes &sizes = instance.steps[index];
  void *const *pointers = context.pointers.data() + step.firstRef;
  if (step.isCopy)
    return device.copy(pointers[1], pointers[0], sizes.grid);
  LaunchArguments arguments{pointers, instance.params.data() + step.firstParam, sizes.grid,
                            sizes.scratch ? context.scratch.data() : nullptr, context.scratchStride};
  device.launch(step.kernel, arguments);
}

void Executor::executeProfiled(const Context &context, const Instance &instance, Profile &profile) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  auto elapsed = [&] {
    return int64_t(std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - begin).count());
  };
  std::vector<int64_t> times(program.steps.size() + 1);
  times[0] = elapsed();
  for (size_t i = 0; i < program.steps.size(); ++i) {
    execute(context, instance, i);
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
}

Status Executor::run(const Instance &instance, std::span<const Tensor> inputs, std::span<const Tensor> outputs,
                     Profile *profile) {
  std::unique_ptr<Context> context = take();
  Status status = prepare(*context, instance, inputs, outputs);
  if (status.ok() && profile)
    executeProfiled(*context, instance, *profile);
  else if (status.ok())
    for (size_t i = 0; i < program.steps.size(); ++i)
      execute(*context, instance, i);
  giveBack(std::move(context));
  return status;
}

} // namespace tenon::runtime
