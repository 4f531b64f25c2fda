//===- Instance.cpp - A program at one set of input shapes ----------------===//
#include "Instance.h"

#include "tenon/Plan/ArenaPlacement.h"
#include "tenon/Plan/Checked.h"
#include "tenon/Plan/ShapeProgram.h"

#include <algorithm>

namespace tenon::runtime {

namespace {

class InstanceBuilder {
public:
  InstanceBuilder(const plan::Plan &plan, const Program &program, Instance &instance)
      : plan(plan), program(program), function(*program.function), instance(instance) {}

  Status run() {
    TENON_RETURN_IF_ERROR(plan::evaluateShapes(function, instance.inputs.dims, instance.inputs.elements, values));
    TENON_RETURN_IF_ERROR(checkInputs());
    TENON_RETURN_IF_ERROR(runChecks());
    TENON_RETURN_IF_ERROR(shapeOutputs());
    TENON_RETURN_IF_ERROR(placeBuffers());
    for (const Step &step : program.steps)
      TENON_RETURN_IF_ERROR(addStep(step));
    return Status::success();
  }

private:
  const plan::Plan &plan;
  const Program &program;
  const plan::Function &function;
  Instance &instance;
  std::vector<int64_t> values;     // of the shape program
  std::vector<Address> buffers;    // start of each buffer
  std::vector<int64_t> bufferSize; // bytes

  Status checkInputs() const;
  Status runChecks() const;
  Status shapeOutputs();
  Status placeBuffers();
  int64_t placeArena(plan::BufferKind kind, uint32_t base);
  Status sizeBuffer(uint32_t index, const plan::Buffer &buffer);
  TensorMap evaluate(const plan::TensorMap &map) const;
  Status addStep(const Step &step);
  Status addCollective(const Step &step);
  Status addRef(const Step &step, const plan::BufferRef &ref, int64_t needed);
  int64_t optional(uint32_t value) const { return value == noValue ? -1 : values[value]; }
};

std::string text(int64_t value) { return std::to_string(value); }

/// "'b' ('N')" for axis `axis` of an input.
std::string describeAxis(const TensorInfo &input, size_t axis) {
  std::string out = "axis " + std::to_string(axis);
  return input.dimNames[axis].empty() ? out : out + " ('" + input.dimNames[axis] + "')";
}

Status InstanceBuilder::checkInputs() const {
  for (size_t i = 0; i < program.inputs.size(); ++i)
    for (size_t k = 0; k < instance.inputs.dims[i].size(); ++k) {
      const uint32_t value = function.inputs()->Get(uint32_t(i))->dims()->Get(uint32_t(k));
      if (instance.inputs.dims[i][k] == values[value])
        continue;
      const TensorInfo &input = program.inputs[i];
      std::string message = "input '" + input.name + "', " + describeAxis(input, k) + ": expected " +
                            text(values[value]) + ", found " + text(instance.inputs.dims[i][k]);
      const plan::ShapeInstr &instr = *function.shape()->Get(value);
      if (instr.op() == plan::ShapeOp::InputDim)
        message += "; " + describeAxis(program.inputs[instr.a()], instr.b()) + " of input '" +
                   program.inputs[instr.a()].name + "' is " + text(values[value]);
      return Status::error("TN7008", std::move(message));
    }
  return Status::success();
}

Status InstanceBuilder::runChecks() const {
  for (const plan::Check *check : program.checks)
    if (values[check->condition()] == 0)
      return Status::error("TN7010", check->message() ? check->message()->str() : "a check failed",
                           check->node() ? check->node()->str() : "");
  return Status::success();
}

Status InstanceBuilder::shapeOutputs() {
  for (size_t i = 0; i < program.outputs.size(); ++i) {
    const auto *dims = function.outputs()->Get(uint32_t(i))->dims();
    Tensor shape{program.outputs[i].type, {}, nullptr};
    for (uint32_t k = 0; dims && k < dims->size(); ++k)
      shape.dims.push_back(values[dims->Get(k)]);
    if (shape.bytes() < 0)
      return Status::error("TN7009",
                           "the extents of output '" + program.outputs[i].name + "' are negative or too large");
    instance.outputs.push_back(std::move(shape.dims));
  }
  return Status::success();
}

int64_t tensorBytes(const TensorInfo &info, const std::vector<int64_t> &dims) {
  return Tensor{info.type, dims, nullptr}.bytes();
}

/// Base and size of a buffer that is not in the arena.
Status InstanceBuilder::sizeBuffer(uint32_t index, const plan::Buffer &buffer) {
  const uint32_t numInputs = uint32_t(program.inputs.size());
  int64_t available = bufferSize[index];
  switch (buffer.kind()) {
  case plan::BufferKind::Arena:
  case plan::BufferKind::HostArena:
    break;
  case plan::BufferKind::Weight: {
    const plan::Weight &weight = *plan.weights()->Get(buffer.index());
    const std::vector<int64_t> &moved = program.weightOffsets;
    buffers[index] = {weightsBase, moved.empty() ? int64_t(weight.offset()) : moved[buffer.index()]};
    available = int64_t(weight.length());
    break;
  }
  case plan::BufferKind::Input:
    buffers[index] = {firstInputBase + buffer.index(), 0};
    available = tensorBytes(program.inputs[buffer.index()], instance.inputs.dims[buffer.index()]);
    break;
  case plan::BufferKind::Output:
    buffers[index] = {firstInputBase + numInputs + buffer.index(), 0};
    available = tensorBytes(program.outputs[buffer.index()], instance.outputs[buffer.index()]);
    break;
  }
  if (bufferSize[index] < 0 || bufferSize[index] > available)
    return Status::error("TN7012", "buffer " + text(index) + " needs " + text(bufferSize[index]) + " bytes of " +
                                       text(available));
  return Status::success();
}

Status InstanceBuilder::placeBuffers() {
  const uint32_t count = function.buffers() ? function.buffers()->size() : 0;
  buffers.resize(count);
  bufferSize.resize(count);
  for (uint32_t i = 0; i < count; ++i) {
    bufferSize[i] = values[function.buffers()->Get(i)->bytes()];
    TENON_RETURN_IF_ERROR(sizeBuffer(i, *function.buffers()->Get(i)));
  }
  instance.arenaBytes = placeArena(plan::BufferKind::Arena, arenaBase);
  instance.hostArenaBytes = placeArena(plan::BufferKind::HostArena, hostArenaBase);
  if (instance.arenaBytes < 0 || instance.hostArenaBytes < 0)
    return Status::error("TN7011", "the intermediate tensors of this run need more than 2^46 bytes");
  return Status::success();
}

/// Places the buffers of one arena; its size in bytes, negative where it is too large.
int64_t InstanceBuilder::placeArena(plan::BufferKind kind, uint32_t base) {
  std::vector<plan::ArenaItem> items;
  std::vector<uint32_t> owners;
  for (uint32_t i = 0; i < bufferSize.size(); ++i) {
    const plan::Buffer &buffer = *function.buffers()->Get(i);
    if (buffer.kind() != kind)
      continue;
    items.push_back({bufferSize[i], buffer.first_record(), buffer.last_record(), buffer.offset()});
    owners.push_back(i);
  }
  const int64_t bytes = plan::placeArena(items);
  for (size_t i = 0; i < items.size(); ++i)
    buffers[owners[i]] = {base, items[i].offset};
  return bytes;
}

Status InstanceBuilder::addRef(const Step &step, const plan::BufferRef &ref, int64_t needed) {
  const int64_t offset = values[ref.offset()], size = bufferSize[ref.buffer()];
  if (offset < 0 || offset > size || needed > size - offset)
    return Status::error("TN7012", "record " + text(step.record) + " uses buffer " + text(ref.buffer()) + " of " +
                                       text(size) + " bytes at offset " + text(offset) +
                                       (needed ? " for " + text(needed) + " bytes" : ""));
  Address start = buffers[ref.buffer()];
  if (step.isHost && start.base == weightsBase)
    start = {hostWeightsBase, int64_t(plan.weights()->Get(function.buffers()->Get(ref.buffer())->index())->offset())};
  instance.addresses.push_back({start.base, start.offset + offset});
  return Status::success();
}

TensorMap InstanceBuilder::evaluate(const plan::TensorMap &map) const {
  TensorMap result{};
  result.buffer = map.buffer();
  result.type = map.type();
  result.rank = map.extents()->size();
  result.strides[0] = elementSize(ElementType(map.type()));
  for (uint32_t i = 0; i < result.rank; ++i) {
    result.extents[i] = values[map.extents()->Get(i)];
    result.box[i] = map.box()->Get(i);
    if (i > 0)
      result.strides[i] = values[map.strides()->Get(i - 1)];
  }
  result.swizzle = map.swizzle();
  return result;
}

Status InstanceBuilder::addCollective(const Step &step) {
  auto sizes = sizeCollective(*program.collectives[step.kernel], values, program.rank);
  if (!sizes)
    return sizes.takeStatus();
  const bool hasSource = sizes->plan->source() != nullptr;
  for (uint32_t i = 0; i < step.numRefs; ++i)
    TENON_RETURN_IF_ERROR(
        addRef(step, program.refs[step.firstRef + i], i == 0 && hasSource ? sizes->sourceBytes : sizes->targetBytes));
  instance.steps.push_back({0, -1, sizes->traffic(), 0});
  instance.collectives.push_back(std::move(*sizes));
  return Status::success();
}

Status InstanceBuilder::addStep(const Step &step) {
  if (step.kind == StepKind::Collective)
    return addCollective(step);
  StepSizes sizes;
  sizes.grid = values[step.grid];
  sizes.flops = optional(step.flops);
  sizes.traffic = optional(step.traffic);
  const int64_t scratch = step.scratch == noValue ? 0 : values[step.scratch];
  if (sizes.grid < 0 || scratch < 0)
    return Status::error("TN7012", "record " + text(step.record) + " has grid " + text(sizes.grid) + " and scratch " +
                                       text(scratch));
  sizes.scratch = scratch;
  int64_t &most = step.isHost ? instance.hostScratchBytes : instance.scratchBytes;
  most = std::max(most, scratch);
  instance.steps.push_back(sizes);
  for (uint32_t i = 0; i < step.numRefs; ++i)
    TENON_RETURN_IF_ERROR(addRef(step, program.refs[step.firstRef + i], step.kind == StepKind::Copy ? sizes.grid : 0));
  for (uint32_t i = 0; i < step.numParams; ++i)
    instance.params.push_back(values[program.params[step.firstParam + i]]);
  for (uint32_t i = 0; i < step.numMaps; ++i)
    instance.maps.push_back(evaluate(*program.maps[step.firstMap + i]));
  return Status::success();
}

} // namespace

Expected<std::shared_ptr<const Instance>> Instance::create(const plan::Plan &plan, const Program &program,
                                                           ShapeInputs inputs) {
  auto instance = std::make_shared<Instance>();
  instance->inputs = std::move(inputs);
  TENON_RETURN_IF_ERROR(InstanceBuilder(plan, program, *instance).run());
  return std::shared_ptr<const Instance>(std::move(instance));
}

Expected<std::shared_ptr<const Instance>> InstanceCache::get(const ShapeInputs &inputs) {
  {
    std::lock_guard lock(mutex);
    for (size_t i = 0; i < entries.size(); ++i)
      if (entries[i]->inputs == inputs) {
        std::rotate(entries.begin(), entries.begin() + long(i), entries.begin() + long(i) + 1);
        return entries.front();
      }
  }
  auto created = Instance::create(plan, program, inputs); // without the lock: placing may take a while
  if (!created)
    return created;
  std::lock_guard lock(mutex);
  if (entries.size() == capacity)
    entries.pop_back();
  entries.insert(entries.begin(), *created);
  return created;
}

} // namespace tenon::runtime
