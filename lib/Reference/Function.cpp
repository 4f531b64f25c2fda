//===- Function.cpp - Evaluation of blocks and functions ------------------===//
#include "Graph/IR/GraphOps.h"
#include "Graph/IR/InputElement.h"
#include "Kernels.h"
#include <cmath>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

using Observer = llvm::function_ref<LogicalResult(Operation *, ArrayRef<HostTensor>)>;

namespace {

/// The tensors of the values of a block that still have uses.
class LiveValues {
public:
  /// Keeps `tensor` as long as `value` has uses that `take` has not seen.
  void add(Value value, const HostTensor &tensor) {
    if (!value.use_empty())
      live[value] = {tensor, std::distance(value.use_begin(), value.use_end())};
  }

  /// The tensors of the operands, whose uses by `op` are over with this.
  SmallVector<HostTensor> take(Operation *op) {
    SmallVector<HostTensor> tensors;
    for (Value operand : op->getOperands()) {
      auto it = live.find(operand);
      assert(it != live.end() && "values of a verified block are defined before their uses");
      tensors.push_back(it->second.first);
      if (--it->second.second == 0)
        live.erase(it);
    }
    return tensors;
  }

private:
  DenseMap<Value, std::pair<HostTensor, int64_t>> live;
};

} // namespace

/// Dispatch regions do not nest, so this recursion ends at depth two.
static LogicalResult evaluateOne(Operation &op, ArrayRef<HostTensor> operands, SmallVectorImpl<HostTensor> &results,
                                 const Environment &env, Observer observer) {
  auto dispatch = dyn_cast<graph::DispatchOp>(op);
  if (!dispatch || !observer)
    return evaluate(&op, operands, results, env);
  return evaluateBlock(dispatch.getBody().front(), operands, results, env, observer);
}

LogicalResult reference::evaluateBlock(Block &block, ArrayRef<HostTensor> arguments,
                                       SmallVectorImpl<HostTensor> &results, const Environment &env,
                                       Observer observer) {
  bool isNested = isa<graph::DispatchOp>(block.getParentOp());
  LiveValues values;
  for (auto [argument, tensor] : llvm::zip_equal(block.getArguments(), arguments))
    values.add(argument, tensor);
  for (Operation &op : block) {
    SmallVector<HostTensor> operands = values.take(&op);
    if (op.hasTrait<OpTrait::IsTerminator>()) {
      llvm::append_range(results, operands);
      break;
    }
    if (isNested && isa<graph::DispatchOp>(op))
      return emitError(op.getLoc()) << "TN2303: graph.dispatch: regions do not nest";
    SmallVector<HostTensor> opResults;
    if (failed(evaluateOne(op, operands, opResults, env, observer)))
      return failure();
    if (observer && failed(observer(&op, opResults)))
      return failure();
    for (auto [result, tensor] : llvm::zip_equal(op.getResults(), opResults))
      values.add(result, tensor);
  }
  return success();
}

/// Gives a symbol its value where dimension `dim` is that symbol alone and it has none yet.
static void bindSymbol(graph::DimAttr dim, int64_t extent, llvm::StringMap<int64_t> &symbols) {
  if (dim.isSymbol())
    symbols.try_emplace(dim.getName().getValue(), extent);
}

/// The elements of an input that extents may depend on.
static void bindElements(unsigned index, RankedTensorType type, const HostTensor &input,
                         llvm::StringMap<int64_t> &symbols) {
  constexpr int64_t most = 64; // as the importer
  const bool isScale = type.getElementType().isF32();
  if ((!isa<IntegerType>(type.getElementType()) && !isScale) || input.getRank() > 1 || input.getNumElements() > most)
    return;
  for (int64_t i = 0; i < input.getNumElements(); ++i) {
    const double scale = isScale ? std::ldexp(input.getDouble(i), 32) : 0; // in units of 2^-32, see plan.fbs
    if (std::abs(scale) < 0x1p62)
      symbols[graph::inputElement(type.getContext(), index, unsigned(i)).getName()] =
          isScale ? int64_t(scale) : input.getInteger(i);
  }
}

LogicalResult reference::bindSymbols(func::FuncOp func, ArrayRef<HostTensor> inputs,
                                     llvm::StringMap<int64_t> &symbols) {
  auto error = [&] { return emitError(func.getLoc()) << "TN2304: " << func.getName() << ": "; };
  ArrayRef<Type> types = func.getArgumentTypes();
  if (types.size() != inputs.size())
    return error() << "expects " << types.size() << " inputs, got " << inputs.size();
  for (auto [i, input] : llvm::enumerate(inputs)) {
    auto type = dyn_cast<RankedTensorType>(types[i]);
    if (!type || getElementType(type.getElementType()) != input.getType())
      return error() << "input " << i << " must be " << types[i] << ", got elements of type "
                     << getMLIRType(func.getContext(), input.getType());
    if (type.getRank() != input.getRank())
      return error() << "input " << i << " must have rank " << type.getRank() << ", got " << input.getRank();
    if (!type.hasStaticShape() && !type.getEncoding())
      return error() << "input " << i << " has dimensions without a name";
    for (auto [dim, extent] : llvm::zip_equal(graph::getDims(type), input.getDims()))
      bindSymbol(dim, extent, symbols);
    bindElements(unsigned(i), type, input, symbols);
  }
  for (auto [i, input] : llvm::enumerate(inputs)) {
    auto dims = evaluateDims(cast<RankedTensorType>(types[i]), symbols);
    if (!dims || ArrayRef(*dims) != input.getDims())
      return error() << "input " << i << " must be " << types[i] << ", got extents [" << input.getDims() << "]";
  }
  return success();
}

LogicalResult reference::evaluateFunction(func::FuncOp func, ArrayRef<HostTensor> inputs,
                                          SmallVectorImpl<HostTensor> &outputs, const EvaluateOptions &options) {
  Environment env;
  env.budget = std::make_shared<MemoryBudget>(options.memoryBudget);
  if (!func.getBody().hasOneBlock())
    return emitError(func.getLoc()) << "TN2303: " << func.getName() << ": only a function of one block is evaluated";
  if (failed(bindSymbols(func, inputs, env.symbols)))
    return failure();
  Observer observer = nullptr;
  if (options.observer)
    observer = options.observer;
  return evaluateBlock(func.getBody().front(), inputs, outputs, env, observer);
}
