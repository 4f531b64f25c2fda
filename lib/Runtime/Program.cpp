//===- Program.cpp - A verified function in the form the executor runs ----===//
#include "Program.h"

#include "tenon/Plan/ShapeProgram.h"
#include "tenon/Plan/Vectors.h"

#include <algorithm>

namespace tenon::runtime {

static std::vector<TensorInfo> describe(const plan::Function &function,
                                        const flatbuffers::Vector<flatbuffers::Offset<plan::Tensor>> *tensors) {
  std::vector<TensorInfo> infos;
  for (uint32_t i = 0; tensors && i < tensors->size(); ++i) {
    const plan::Tensor &tensor = *tensors->Get(i);
    TensorInfo info{tensor.name()->str(), ElementType(tensor.type()), {}, {}};
    for (uint32_t k = 0; tensor.dims() && k < tensor.dims()->size(); ++k) {
      const plan::ShapeInstr &extent = *function.shape()->Get(tensor.dims()->Get(k));
      const bool fixed = extent.op() == plan::ShapeOp::Constant;
      const bool named = tensor.dim_names() && tensor.dim_names()->size() != 0;
      info.dims.push_back(fixed ? extent.imm() : -1);
      info.dimNames.push_back(fixed || !named ? "" : tensor.dim_names()->Get(k)->str());
    }
    infos.push_back(std::move(info));
  }
  return infos;
}

static void addLaunch(Program &program, const plan::Plan &plan, Step step, const plan::Launch &launch) {
  step.kernel = launch.kernel();
  step.isHost = plan.kernels()->Get(launch.kernel())->host();
  step.grid = launch.grid();
  step.scratch = launch.scratch();
  step.flops = launch.flops();
  step.traffic = launch.traffic();
  step.numRefs = launch.buffers() ? launch.buffers()->size() : 0;
  step.numParams = launch.params() ? launch.params()->size() : 0;
  for (uint32_t i = 0; i < step.numRefs; ++i)
    program.refs.push_back(*launch.buffers()->Get(i));
  for (uint32_t i = 0; i < step.numParams; ++i)
    program.params.push_back(launch.params()->Get(i));
  step.numMaps = launch.maps() ? launch.maps()->size() : 0;
  for (uint32_t i = 0; i < step.numMaps; ++i)
    program.maps.push_back(launch.maps()->Get(i));
  program.steps.push_back(step);
}

static void addCopy(Program &program, Step step, const plan::Copy &copy) {
  step.kind = StepKind::Copy;
  step.grid = copy.bytes();
  step.numRefs = 2;
  program.refs.push_back(*copy.source());
  program.refs.push_back(*copy.target());
  program.steps.push_back(step);
}

static void addCollective(Program &program, Step step, const plan::Collective &collective) {
  step.kind = StepKind::Collective;
  step.kernel = uint32_t(program.collectives.size());
  program.collectives.push_back(&collective);
  for (const plan::BufferRef *ref : {collective.source(), collective.target()})
    if (ref) {
      program.refs.push_back(*ref);
      ++step.numRefs;
    }
  program.steps.push_back(step);
}

Program::Program(const plan::Plan &plan, size_t code, uint32_t index, std::vector<int64_t> weightOffsets)
    : function(plan.functions()->Get(index)), weightOffsets(std::move(weightOffsets)),
      elementsRead(plan::countElementsRead(*function)) {
  inputs = describe(*function, function->inputs());
  outputs = describe(*function, function->outputs());
  for (uint32_t i = 0; i < plan::length(plan.ranks()); ++i)
    if (plan.ranks()->Get(i) == index)
      rank = i;
  for (uint32_t i = 0; function->records() && i < function->records()->size(); ++i) {
    const plan::Record &record = *function->records()->Get(i);
    if (!plan::includesCode(record.codes(), code))
      continue;
    Step step;
    step.record = i;
    step.firstMap = uint32_t(maps.size());
    step.firstRef = uint32_t(refs.size());
    step.firstParam = uint32_t(params.size());
    if (const plan::Launch *launch = record.operation_as_Launch())
      addLaunch(*this, plan, step, *launch);
    else if (const plan::Copy *copy = record.operation_as_Copy())
      addCopy(*this, step, *copy);
    else if (const plan::Collective *collective = record.operation_as_Collective())
      addCollective(*this, step, *collective);
    else
      checks.push_back(record.operation_as_Check());
  }
}

std::string Program::nameOf(const plan::Plan &plan, const Step &step) const {
  switch (step.kind) {
  case StepKind::Copy:
    return "copy";
  case StepKind::Collective:
    return plan::EnumNameCollectiveKind(collectives[step.kernel]->kind());
  case StepKind::Launch:
    break;
  }
  return plan.kernels()->Get(step.kernel)->name()->str();
}

std::vector<std::string> Program::nodesOf(const Step &step) const {
  std::vector<std::string> names;
  if (const auto *nodes = function->records()->Get(step.record)->nodes())
    for (const flatbuffers::String *node : *nodes)
      names.push_back(node->str());
  return names;
}

} // namespace tenon::runtime
