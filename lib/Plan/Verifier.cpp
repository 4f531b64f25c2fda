//===- Verifier.cpp - Static verification of a plan -----------------------===//
//
// First FlatBuffers' own verifier (every table, vector and string lies inside the section), then the rules of
// docs/Plan.md in the order in which the plan lists things. Linear in the plan's size, but for one sort of the buffers.
//
//===----------------------------------------------------------------------===//
#include "tenon/Plan/Verifier.h"

#include "FunctionVerifier.h"
#include "RankVerifier.h"
#include "ScriptVerifier.h"
#include "tenon/Plan/Checked.h"
#include "tenon/Plan/Container.h"
#include "tenon/Plan/plan_generated.h"

#include <set>

namespace tenon::plan {

static constexpr flatbuffers::uoffset_t maxDepth = 64; // a third of it for blocks of scripts
static constexpr flatbuffers::uoffset_t maxTables = 1 << 23;
static constexpr uint32_t maxArguments = 1 << 16;

static std::string quote(const flatbuffers::String *text) { return "'" + text->str() + "'"; }

/// Inserts a name that must be present, not empty and new.
static Status takeName(const flatbuffers::String *name, const char *what, uint32_t index,
                       std::set<std::string> &names) {
  if (!name || name->size() == 0)
    return Status::error("TN6021", std::string(what) + " " + std::to_string(index) + " has no name");
  if (!names.insert(name->str()).second)
    return Status::error("TN6021", std::string(what) + " " + quote(name) + " occurs twice");
  return Status::success();
}

/// A range of a section: aligned and inside.
static Status checkRange(const std::string &what, uint64_t offset, uint64_t length, uint64_t size) {
  if (offset % dataAlignment != 0)
    return Status::error("TN6013", what + " has offset " + std::to_string(offset) + ", expected a multiple of 64");
  if (!inRange(offset, length, size))
    return Status::error("TN6012", what + " has offset " + std::to_string(offset) + " and length " +
                                       std::to_string(length) + ", but its section has " + std::to_string(size) +
                                       " bytes");
  return Status::success();
}

/// A call of a library, whose operands are buffers of its launches.
static Status checkCall(const Kernel &kernel, const LibraryCall &call) {
  constexpr uint32_t none = 4294967295u, largestWindow = 1 << 20;
  constexpr uint64_t mostWorkspace = uint64_t(1) << 34;
  auto fail = [&](const char *what) {
    return Status::error("TN6021", "kernel " + quote(kernel.name()) + " calls a library with " + what);
  };
  if (call.library() > Library::MAX || call.activation() > Activation::MAX)
    return fail("an unknown library or activation");
  if (call.type() != ElementType::F32 && call.type() != ElementType::F16 && call.type() != ElementType::BF16)
    return fail("an element type it does not have");
  for (uint32_t operand : {call.x(), call.w(), call.result(), call.bias(), call.residual()})
    if (operand >= kernel.buffers() && (operand != none || operand == call.x() || operand == call.w()))
      return fail("an operand that is no buffer");
  if (call.result() == none)
    return fail("no result");
  const bool isConv = call.library() == Library::Cudnn;
  if (kernel.params() != (isConv ? 7 : 4) || kernel.maps() != 0 || kernel.threads() != 0)
    return fail("parameters, tensor maps or threads that it does not take");
  if (length(call.window()) != (isConv ? 9 : 0))
    return fail("a window that it does not take");
  for (uint32_t i = 0; i < length(call.window()); ++i) {
    const bool isPad = i == 4 || i == 5;
    if (call.window()->Get(i) > largestWindow || (!isPad && call.window()->Get(i) == 0))
      return fail("a window that is out of range");
  }
  const bool needsBias = call.activation() != Activation::None || call.residual() != none;
  if (isConv && (call.activation() == Activation::Gelu || (needsBias && call.bias() == none)))
    return fail("an activation or residual that it does not have");
  return call.workspace() > mostWorkspace ? fail("more than 16 GiB of workspace") : Status::success();
}

static Status checkKernels(const Plan &plan) {
  std::set<std::string> names;
  for (uint32_t i = 0; i < length(plan.kernels()); ++i) {
    const Kernel &kernel = *plan.kernels()->Get(i);
    TENON_RETURN_IF_ERROR(takeName(kernel.name(), "kernel", i, names));
    if (kernel.buffers() > maxArguments || kernel.params() > maxArguments || kernel.maps() > maxArguments)
      return Status::error("TN6021", "kernel " + quote(kernel.name()) + " has more than 65536 arguments");
    TENON_RETURN_IF_ERROR(verifyCodes(plan, "kernel " + quote(kernel.name()), kernel.codes()));
    if (kernel.call())
      TENON_RETURN_IF_ERROR(checkCall(kernel, *kernel.call()));
    if (kernel.host() && (kernel.call() || kernel.threads() || kernel.maps() || length(kernel.codes())))
      return Status::error("TN6021", "kernel " + quote(kernel.name()) + " of the host has what only a device has");
    if (kernel.host() && length(plan.host_code()) == 0)
      return Status::error("TN6021", "kernel " + quote(kernel.name()) + " is of the host, for which there is no code");
  }
  return Status::success();
}

static Status checkCode(const flatbuffers::Vector<flatbuffers::Offset<CodeObject>> *objects, uint64_t code) {
  std::set<std::string> archs;
  for (uint32_t i = 0; i < length(objects); ++i) {
    const CodeObject &object = *objects->Get(i);
    TENON_RETURN_IF_ERROR(takeName(object.arch(), "code object", i, archs));
    TENON_RETURN_IF_ERROR(checkRange("code object " + quote(object.arch()), object.offset(), object.length(), code));
  }
  return Status::success();
}

static Status checkWeights(const Plan &plan, uint64_t weights) {
  for (uint32_t i = 0; i < length(plan.weights()); ++i) {
    const Weight &weight = *plan.weights()->Get(i);
    TENON_RETURN_IF_ERROR(checkRange("weight " + std::to_string(i), weight.offset(), weight.length(), weights));
  }
  return Status::success();
}

static Status checkFunctions(const Plan &plan) {
  if (length(plan.functions()) == 0 && !plan.script())
    return Status::error("TN6021", "the plan has no function");
  std::set<std::string> names;
  for (uint32_t i = 0; i < length(plan.functions()); ++i) {
    const Function &function = *plan.functions()->Get(i);
    TENON_RETURN_IF_ERROR(takeName(function.name(), "function", i, names));
    TENON_RETURN_IF_ERROR(verifyFunction(plan, function));
  }
  return Status::success();
}

Expected<const Plan *> verifyPlan(std::span<const uint8_t> bytes, uint64_t weights, uint64_t code) {
  if (bytes.size() >= FLATBUFFERS_MAX_BUFFER_SIZE)
    return Status::error("TN6010", "the PLAN section is larger than 2 GiB");
  flatbuffers::Verifier verifier(bytes.data(), bytes.size(), maxDepth, maxTables);
  if (bytes.size() < 16 || !VerifyPlanBuffer(verifier))
    return Status::error("TN6010", "the PLAN section is not a well-formed FlatBuffer of type TNPL");
  const Plan &plan = *GetPlan(bytes.data());
  TENON_RETURN_IF_ERROR(checkKernels(plan));
  TENON_RETURN_IF_ERROR(checkCode(plan.code(), code));
  TENON_RETURN_IF_ERROR(checkCode(plan.host_code(), code));
  TENON_RETURN_IF_ERROR(checkWeights(plan, weights));
  TENON_RETURN_IF_ERROR(checkFunctions(plan));
  if (plan.script())
    TENON_RETURN_IF_ERROR(verifyScript(plan, *plan.script()));
  TENON_RETURN_IF_ERROR(verifyRanks(plan));
  return &plan;
}

} // namespace tenon::plan
