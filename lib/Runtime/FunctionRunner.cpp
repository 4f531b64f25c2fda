//===- FunctionRunner.cpp - Runs one function of a plan --------------------===//
#include "FunctionRunner.h"

#include "Binding.h"

namespace tenon::runtime {

Expected<std::vector<Tensor>> FunctionRunner::run(std::vector<Tensor> inputs, Profile *profile,
                                                  std::span<const NamedTensor> into, Communicator *communicator) {
  TENON_RETURN_IF_ERROR(checkInputs(program.inputs, inputs));
  auto shapes = readShapes(program, inputs);
  if (!shapes)
    return shapes.takeStatus();
  auto instance = cache.get(*shapes);
  if (!instance)
    return instance.takeStatus();
  auto outputs = bindOutputs(program, **instance, into);
  if (!outputs)
    return outputs;
  Profile own;
  TENON_RETURN_IF_ERROR(executor.run(*instance, inputs, *outputs, profile ? &own : nullptr, communicator));
  if (profile) {
    for (ProfileEvent &event : own.events) {
      event.start += profile->total;
      profile->events.push_back(std::move(event));
    }
    profile->total += own.total;
  }
  return outputs;
}

} // namespace tenon::runtime
