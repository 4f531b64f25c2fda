//===- FormDispatches.cpp - Group ops into dispatch regions ---------------===//
//
// Regions are grown forward from a seed: first from contractions, then from reductions and normalisations, then from
// elementwise ops; what is left becomes a region of its own. A region has one result. An op may join if every operand
// is in the region or is computed independently of it, and if all its uses but the last value's stay inside.
//
//===----------------------------------------------------------------------===//
#include "Graph/IR/CollectiveOps.h"
#include "Graph/IR/GruOp.h"
#include "Graph/IR/NarrowTypes.h"
#include "Graph/IR/Placement.h"
#include "Graph/IR/QuantizationOps.h"
#include "Graph/IR/SpecialOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"
#include "tenon/Codegen/CPU/Codegen.h"
#include "tenon/Codegen/CUDA/Codegen.h"
#include "tenon/Transforms/Passes.h"
#include "llvm/ADT/SetVector.h"

namespace tenon {
#define GEN_PASS_DEF_FORMDISPATCHES
#include "tenon/Transforms/Passes.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;
using namespace tenon::graph;

namespace {

bool staysOutside(Operation &op) {
  return isa<ConstantOp, ReshapeOp, DispatchOp, func::ReturnOp>(op) || isCollective(&op);
}
bool isContraction(Operation &op) { return isa<MatMulOp, ConvOp, IntegerMatMulOp, IntegerConvOp>(op); }
bool isRowOp(Operation &op) {
  return isa<SoftmaxOp, LogSoftmaxOp, LayerNormalizationOp, RmsNormalizationOp>(op) || isa<ReductionOpInterface>(op);
}
bool isElementwise(Operation &op) { return isa<ElementwiseOpInterface>(op); }

SmallVector<DimAttr> resultDims(Operation *op) { return getDims(cast<RankedTensorType>(op->getResult(0).getType())); }

/// Ops in block order with the value that leaves them: the last one's result.
using Group = llvm::SmallSetVector<Operation *, 8>;

/// The ops that widen codes of few bits to the real numbers that `v` of extents `dims` is, where nothing else uses
/// them: cast, subtraction, cast, product. None if `v` is no such thing.
SmallVector<Operation *> wideningOf(Value v, ArrayRef<DimAttr> dims) {
  SmallVector<Operation *> ops;
  for (Operation *op = v.getDefiningOp();
       op && isa<CastOp, SubOp, MulOp>(op) && op->hasOneUse() && ArrayRef(resultDims(op)) == dims;
       op = op->getOperand(0).getDefiningOp()) {
    ops.insert(ops.begin(), op);
    auto from = cast<RankedTensorType>(op->getOperand(0).getType()).getElementType();
    if (isa<CastOp>(op) && from.isInteger() && from.getIntOrFloatBitWidth() <= 16)
      return ops;
  }
  return {};
}

bool isUsedOutside(Value v, const Group &group) {
  return llvm::any_of(v.getUsers(), [&](Operation *user) { return !group.contains(user); });
}

class Former {
public:
  Former(func::FuncOp function, unsigned maxOps, bool isGpu, bool usesHost)
      : function(function), maxOps(maxOps), isGpu(isGpu), usesHost(usesHost) {}

  void run() {
    seed(isContraction);
    seed(isRowOp);
    seed(isElementwise);
    seed([](Operation &op) { return !staysOutside(op); });
  }

private:
  void seed(llvm::function_ref<bool(Operation &)> isSeed);
  Group grow(Operation *seed);
  bool hasDecoder(Operation *op) const { return !isGpu && isContraction(*op) && codegen::decodesWeights(op); }
  /// True for an op that the region of its only user takes in.
  bool isDecoder(Operation *op) const {
    return op->hasOneUse() && hasDecoder(*op->user_begin()) && op->getUses().begin()->getOperandNumber() == 1;
  }
  Group withDecoder(const Group &group);
  DispatchOp wrap(const Group &group);
  SmallVector<Operation *> unwrap(DispatchOp dispatch);
  bool isSupported(DispatchOp dispatch) const {
    return isGpu ? codegen::cuda::isSupportedDispatch(dispatch) : codegen::isSupportedDispatch(dispatch);
  }
  void place(DispatchOp dispatch);
  void remark(const Group &group, Operation *blocker);

  func::FuncOp function;
  unsigned maxOps;
  bool isGpu, usesHost;
};

} // namespace

void Former::seed(llvm::function_ref<bool(Operation &)> isSeed) {
  SmallVector<Operation *> seeds;
  for (Operation &op : function.getBody().front())
    if (!staysOutside(op) && isSeed(op) && !isOpTriviallyDead(&op))
      seeds.push_back(&op);
  llvm::SmallPtrSet<Operation *, 16> done;
  for (Operation *op : seeds) {
    if (done.contains(op))
      continue;
    Group group = withDecoder(grow(op));
    done.insert(group.begin(), group.end());
    const bool isElementwiseSeed = isElementwise(*op);
    DispatchOp dispatch = wrap(group);
    if (group.size() > 1 && !isSupported(dispatch)) {
      // A kernel family may not cover the whole group; a single op always has a kernel of its own. Elementwise ops
      // behind another one form groups later.
      for (Operation *single : unwrap(dispatch)) {
        if (!isElementwiseSeed && isElementwise(*single))
          continue;
        if (isDecoder(single))
          continue; // joins the next
        Group alone;
        alone.insert(single);
        place(wrap(withDecoder(alone)));
      }
      continue;
    }
    place(dispatch);
  }
}

/// The longest group from `seed` whose only values used outside are its last op's results.
Group Former::grow(Operation *seed) {
  Group group, best;
  group.insert(seed);
  best.insert(seed);
  if (seed->getNumResults() != 1 || (!isContraction(*seed) && !isRowOp(*seed) && !isElementwise(*seed)))
    return best;
  auto dims = resultDims(seed);
  llvm::SmallPtrSet<Operation *, 16> dependent; // on the group, but not in it
  Operation *blocker = nullptr;
  unsigned distance = 0;
  for (Operation *op = seed->getNextNode(); op && group.size() < maxOps && distance < 256; op = op->getNextNode()) {
    ++distance;
    auto from = [&](auto &set) {
      return llvm::any_of(op->getOperands(),
                          [&](Value v) { return v.getDefiningOp() && set.contains(v.getDefiningOp()); });
    };
    bool usesGroup = from(group), usesDependent = from(dependent);
    if (!usesGroup && !usesDependent)
      continue;
    if (usesDependent || !isElementwise(*op) || resultDims(op) != dims) {
      dependent.insert(op);
      blocker = blocker ? blocker : op;
      continue;
    }
    for (Value operand : op->getOperands())
      if (!operand.getDefiningOp() || !group.contains(operand.getDefiningOp()))
        for (Operation *widening : wideningOf(operand, dims))
          group.insert(widening);
    group.insert(op);
    unsigned escaping =
        llvm::count_if(group, [&](Operation *member) { return isUsedOutside(member->getResult(0), group); });
    if (escaping <= 1 && isUsedOutside(op->getResult(0), group))
      best = group;
  }
  remark(best, blocker);
  return best;
}

/// The group, behind the op that decodes the weights of its contraction if the contraction's kernel does that too.
/// Others may use the decoded weights: the group gets an op of its own.
Group Former::withDecoder(const Group &group) {
  if (!hasDecoder(group.front()))
    return group;
  OpOperand &weights = group.front()->getOpOperand(1);
  Operation *decoder = weights.get().getDefiningOp();
  if (!decoder->hasOneUse()) {
    decoder = OpBuilder(group.front()).clone(*decoder);
    weights.set(decoder->getResult(0));
  }
  Group all;
  all.insert(decoder);
  all.insert(group.begin(), group.end());
  return all;
}

void Former::remark(const Group &group, Operation *blocker) {
  Operation *first = group.front();
  if (group.size() > 1)
    remark::passed(first->getLoc(), remark::RemarkOpts::name("FormDispatches").category("fusion"))
        << remark::metric("ops", static_cast<int64_t>(group.size()));
  else if (blocker)
    remark::missed(first->getLoc(), remark::RemarkOpts::name("FormDispatches").category("fusion")) << remark::reason(
        "{0} uses {1} but cannot join its region", blocker->getName().getStringRef(), first->getName().getStringRef());
}

/// A constant that the kernel can hold as an immediate: of one element, for an op whose kernel asks for its operands
/// element by element.
static bool isImmediate(Operation *user, Value v) {
  DenseElementsAttr value;
  return !isContraction(*user) &&
         !isa<LstmOp, GruOp, AttentionOp, CumSumOp, CumProdOp, ScatterOp, TopKOp, DetOp, DftOp, DequantizeOp>(user) &&
         matchPattern(v, m_Constant(&value)) && value.getNumElements() == 1 && !isNarrow(value.getElementType());
}

/// Moves the group into a dispatch region at the place of its last op.
DispatchOp Former::wrap(const Group &group) {
  Operation *last = group.back();
  OpBuilder builder(last);
  llvm::SetVector<Value> inputs;
  SmallVector<Location> locations;
  for (Operation *op : group) {
    locations.push_back(op->getLoc());
    for (Value v : op->getOperands())
      if (!(v.getDefiningOp() && group.contains(v.getDefiningOp())) && !isImmediate(op, v))
        inputs.insert(v);
  }
  auto dispatch = DispatchOp::create(builder, builder.getFusedLoc(locations), last->getResultTypes(),
                                     inputs.getArrayRef(), ArrayAttr());
  Block &body = dispatch.getBody().emplaceBlock();
  IRMapping mapping;
  for (Value v : inputs)
    mapping.map(v, body.addArgument(v.getType(), v.getLoc()));
  builder.setInsertionPointToEnd(&body);
  for (Operation *op : group) {
    for (Value v : op->getOperands())
      if (!mapping.contains(v) && isImmediate(op, v))
        mapping.map(v, builder.clone(*v.getDefiningOp())->getResult(0));
    builder.clone(*op, mapping);
  }
  SmallVector<Value> results;
  for (Value result : last->getResults())
    results.push_back(mapping.lookup(result));
  YieldOp::create(builder, last->getLoc(), results);
  last->replaceAllUsesWith(dispatch.getResults());
  for (Operation *op : llvm::reverse(group.getArrayRef()))
    op->erase();
  return dispatch;
}

/// Undoes `wrap` and returns the ops that need a region of their own.
SmallVector<Operation *> Former::unwrap(DispatchOp dispatch) {
  Block &body = dispatch.getBody().front();
  for (auto [argument, input] : llvm::zip(body.getArguments(), dispatch.getInputs()))
    argument.replaceAllUsesWith(input);
  dispatch.getResult(0).replaceAllUsesWith(body.getTerminator()->getOperand(0));
  SmallVector<Operation *> ops;
  for (Operation &op : llvm::make_early_inc_range(body.without_terminator())) {
    op.moveBefore(dispatch);
    if (!staysOutside(op))
      ops.push_back(&op);
  }
  dispatch.erase();
  return ops;
}

/// Where the region runs, and how its constants are packed.
void Former::place(DispatchOp dispatch) {
  const bool onHost =
      isGpu && usesHost && !codegen::cuda::isSupportedDispatch(dispatch) && codegen::isSupportedDispatch(dispatch);
  if (onHost)
    dispatch->setAttr(hostAttr, UnitAttr::get(dispatch.getContext()));
  auto formatOf = isGpu && !onHost ? codegen::cuda::getOperandFormat : codegen::getOperandFormat;
  SmallVector<StringRef> formats;
  for (auto [i, input] : llvm::enumerate(dispatch.getInputs()))
    formats.push_back(input.getDefiningOp<ConstantOp>() ? formatOf(dispatch, i) : "");
  if (llvm::any_of(formats, [](StringRef format) { return !format.empty(); }))
    dispatch.setFormatsAttr(OpBuilder(dispatch).getStrArrayAttr(formats));
}

namespace {
struct FormDispatches : tenon::impl::FormDispatchesBase<FormDispatches> {
  using FormDispatchesBase::FormDispatchesBase;
  void runOnOperation() override {
    Former(getOperation(), maxOps, gpu, host).run();
    // Constants that became immediates, and reshapes of them, have no other use.
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(getOperation().getBody().front())))
      if (isOpTriviallyDead(&op))
        op.erase();
  }
};
} // namespace
