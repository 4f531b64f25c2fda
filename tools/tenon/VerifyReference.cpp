//===- VerifyReference.cpp - The reference evaluator as an oracle ---------===//
#include "Graph/IR/GraphOps.h"
#include "Verify.h"
#include "tenon/Reference/Evaluate.h"
#include "tenon/Support/DiagnosticCollector.h"

using namespace tenon;
using namespace tenon::tools;
using runtime::NamedTensor;
using runtime::Tensor;

static llvm::StringRef nameOf(mlir::func::FuncOp function, unsigned argument) {
  auto name = function.getArgAttrOfType<mlir::StringAttr>(argument, "graph.name");
  return name ? name.getValue() : "";
}

static Status internal(const std::string &what) {
  return Status::error("TN9001", what, "", "this is a fault of Tenon: report it with the model and the command");
}

namespace {
class ReferenceOracle : public Oracle {
public:
  explicit ReferenceOracle(mlir::func::FuncOp function) : function(function) {}

  Expected<std::vector<Tensor>> run(llvm::ArrayRef<NamedTensor> inputs, llvm::ArrayRef<std::string> names) override {
    llvm::SmallVector<reference::HostTensor> arguments, results;
    for (unsigned i = 0; i < function.getNumArguments(); ++i) {
      const auto *found =
          llvm::find_if(inputs, [&](const NamedTensor &each) { return each.name == nameOf(function, i); });
      if (found == inputs.end())
        return internal("the graph has an input '" + nameOf(function, i).str() + "' that the plan has not");
      arguments.push_back(
          reference::HostTensor::borrow(found->tensor.type, found->tensor.dims, found->tensor.data.get()));
    }
    DiagnosticCollector diagnostics(*function.getContext());
    if (failed(reference::evaluateFunction(function, arguments, results))) {
      const ErrorInfo error = diagnostics.errorsOfFailure().front();
      return Status::error(error.code, error.message, error.node, error.remedy);
    }
    return pick(results, names);
  }

private:
  /// The results of these names, copied.
  Expected<std::vector<Tensor>> pick(llvm::ArrayRef<reference::HostTensor> results, llvm::ArrayRef<std::string> names) {
    std::vector<Tensor> out;
    for (const std::string &name : names) {
      unsigned index = 0;
      while (index < results.size()) {
        auto attribute = function.getResultAttrOfType<mlir::StringAttr>(index, "graph.name");
        if (attribute && attribute.getValue() == name)
          break;
        ++index;
      }
      if (index == results.size())
        return internal("the graph has no output '" + name + "'");
      const reference::HostTensor &result = results[index];
      auto tensor = Tensor::allocate(result.getType(), result.getDims().vec());
      if (!tensor)
        return tensor.takeStatus();
      if (result.getNumBytes() > 0)
        std::memcpy(tensor->data.get(), result.bytes(), size_t(result.getNumBytes()));
      out.push_back(std::move(*tensor));
    }
    return out;
  }

  mlir::func::FuncOp function;
};
} // namespace

std::unique_ptr<Oracle> tools::makeReferenceOracle(mlir::func::FuncOp function) {
  return std::make_unique<ReferenceOracle>(function);
}

static bool isIndex(mlir::Type type) {
  auto tensor = mlir::dyn_cast<mlir::RankedTensorType>(type);
  return tensor && tensor.getElementType().isInteger() && !tensor.getElementType().isInteger(1);
}

/// Smallest table that values derived from `argument` index, as far as they stay integers; 0 where there is none.
static int64_t smallestTable(mlir::Value argument) {
  int64_t bound = 0;
  llvm::SmallVector<mlir::Value> work{argument};
  llvm::SmallPtrSet<mlir::Value, 16> seen{argument};
  while (!work.empty()) {
    for (mlir::OpOperand &use : work.pop_back_val().getUses()) {
      auto gather = mlir::dyn_cast<graph::GatherOp>(use.getOwner());
      if (gather && use.getOperandNumber() == 1) {
        auto table = mlir::cast<mlir::RankedTensorType>(gather.getX().getType());
        const int64_t rows = table.isDynamicDim(unsigned(gather.getAxis())) ? 1 : table.getDimSize(gather.getAxis());
        bound = bound == 0 ? rows : std::min(bound, rows);
        continue;
      }
      for (mlir::Value result : use.getOwner()->getResults())
        if (isIndex(result.getType()) && seen.insert(result).second)
          work.push_back(result);
    }
  }
  return bound;
}

std::map<std::string, DrawRule> tools::findDrawRules(mlir::func::FuncOp function) {
  std::map<std::string, DrawRule> rules;
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (isIndex(function.getArgument(i).getType()))
      rules[nameOf(function, i).str()] = {smallestTable(function.getArgument(i))};
  return rules;
}
