//===- ImportContinuation.cpp - What follows, once for each of two ranks ----===//
//
// Ops are of one rank. Where a run decides the rank of a value (an If whose branches differ, a Squeeze of all extents
// of 1), the rest of the model is imported twice, in the blocks of a branch that ends the script.
//
//===----------------------------------------------------------------------===//
#include "GraphImporter.h"
#include "RunTimeAxes.h"
#include "mlir/IR/Diagnostics.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {

/// Branches double what follows: at most 8 continuations.
static constexpr unsigned maxSplits = 7;

bool GraphImporter::maySplit() const {
  return numSplits < maxSplits && llvm::all_of(frames, [](const Frame &frame) { return frame.mayRepeat; });
}

/// Frames are found again where they were, but not at the same address.
static void restore(std::deque<Frame> &frames, const std::deque<Frame> &saved) {
  frames = saved;
  for (size_t i = 1; i < frames.size(); ++i)
    if (frames[i].outer)
      frames[i].outer = &frames[i - 1];
}

/// Imports what `begin` starts and all that follows as a block. False where that is in error, which nobody is told.
bool GraphImporter::importRest(ScriptBlock *&block, SmallVectorImpl<ModelValue *> &outputs,
                               llvm::function_ref<LogicalResult()> begin) {
  ScopedDiagnosticHandler handler(
      context, [](Diagnostic &diagnostic) { return success(diagnostic.getSeverity() == DiagnosticSeverity::Error); });
  const bool failedBefore = std::exchange(hasFailed, false);
  const auto isOneBefore = isOne;
  ScriptBlock *outer = script.getCurrent();
  block = script.enter();
  const bool isImported = succeeded(begin()) && succeeded(runFrames()) && !hasFailed;
  if (isImported)
    for (const auto &output : file->proto.graph().output()) {
      outputs.push_back(frames.front().lookup(output.name()));
      block->results.push_back(numberOf(*outputs.back()));
    }
  while (script.getCurrent() != outer)
    script.leave();
  hasFailed = failedBefore;
  isOne = isOneBefore;
  return isImported;
}

unsigned GraphImporter::splitRest(Number condition, Location loc,
                                  llvm::function_ref<LogicalResult(unsigned side)> begin) {
  ++numSplits;
  const std::deque<Frame> saved = frames;
  ScriptBlock *blocks[2];
  SmallVector<ModelValue *> outputs[2];
  unsigned imported = 0;
  for (unsigned side : {0u, 1u}) {
    imported |= unsigned(importRest(blocks[side], outputs[side], [&] { return begin(side); })) << side;
    restore(frames, saved);
  }
  if (imported != bothSides)
    return imported;
  // All nodes are done.
  while (frames.size() > 1)
    frames.pop_back();
  Frame &root = frames.front();
  root.next = root.nodes->size();
  ScriptStep &step = script.addStep(ScriptStep::Branch, loc);
  step.condition = condition;
  step.inputs = {condition};
  for (unsigned side : {0u, 1u})
    step.blocks[side] = blocks[side];
  for (auto [output, a, b] : llvm::zip(file->proto.graph().output(), outputs[0], outputs[1])) {
    ValueKind kind = kindOf(*a);
    [[maybe_unused]] LogicalResult joined = joinKinds(kind, kindOf(*b));
    assert(succeeded(joined) && "one output is of one element type");
    hideLocal(script, kind);
    step.outputs.push_back(script.addNumber());
    root.scope[output.name()] = addHostValue(step.outputs.back(), kind, loc);
  }
  return imported;
}

std::optional<LogicalResult> GraphImporter::splitSqueeze(NodeImporter &n) {
  const ModelValue *x = n.getInput(0);
  if (n.hasInput(1) || n.hasAttr("axes") || !x || !x->type)
    return std::nullopt;
  for (DimAttr extent : getDims(x->type)) {
    if (extent.getConstant() || isOne.contains(extent))
      continue;
    if (!maySplit())
      return std::nullopt;
    ModelValue *condition =
        addValue({RankedTensorType::get({}, builder.getI1Type()), n.loc, {}, {}, Dims{isEqual(extent, n.dim(1))}});
    const unsigned imported = splitRest(numberOf(*condition), n.loc, [&](unsigned side) {
      isOne[extent] = side == 0;
      --frames.back().next; // this node again
      return success();
    });
    if (imported == bothSides)
      return success();
    isOne[extent] = imported == thenSide;
  }
  return std::nullopt;
}

} // namespace tenon::importer
