//===- Lstm.cpp - graph.lstm by lstm.cuh ----------------------------------===//
#include "../CudaKernelBuilder.h"
#include "../Printer/CudaPrinter.h"
#include "../Simplify.h"
#include "Graph/IR/Activations.h"
#include "SingleOp.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {
namespace {

/// Three times the states of a block's rows are in shared memory: 96 KiB, which every GPU has that kernels are for.
constexpr int64_t maxHidden = 8192;
int64_t rowsOf(LstmOp op) { return op.getHiddenSize() <= maxHidden / 4 ? 4 : 1; }

/// The activation as a struct with a method operator()(float).
std::string printActivation(Activation activation, StringRef name, MLIRContext *context) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(context));
  CudaKernelBuilder kernel(*module, "operator()", {}, {});
  Value x = kernel.addArgument(Float32Type::get(context), "x");
  kernel.setReturn(activation.build(kernel.builder(), kernel.loc(), x));
  kernel.finish();
  LogicalResult simplified = simplifyKernels(*module);
  assert(succeeded(simplified) && "a function of one float");
  (void)simplified;
  CudaPrinter printer(*module->getOps<func::FuncOp>().begin(), {});
  return "struct " + name.str() + " {\n" + printer.printFunction() + "};\n";
}

class LstmPrinter {
public:
  LstmPrinter(const SingleOpRegion &region, StringRef name)
      : op(cast<LstmOp>(region.op)), text(region, name), name(name.str()), dims(getDims(op.getGates().getType())) {}

  CudaKernel print() {
    std::string structs = printActivations();
    std::string steps = text.size(dims[0], "steps"), rows = text.size(dims[1], "rows"), body = operands();
    APFloat clip(static_cast<float>(op.getClip().convertToDouble()));
    body += "  const LstmShape shape{" + steps + ", " + rows + ", " + std::to_string(op.getNumDirections()) + ", " +
            (op.getDirection() == "backward" ? "true, " : "false, ") + floatText(clip) + ", " +
            (op.getInputForget() ? "true" : "false") + "};\n";
    body += "  Tile::run(shape, data, " + functions[0] + "(), " + functions[1] + "(), " + functions[2] + "());\n";
    int64_t hidden = op.getHiddenSize(), blockRows = rowsOf(op);
    std::string tile = "Lstm<" + std::to_string(hidden) + ", " + std::to_string(blockRows) + ">";
    CudaKernel kernel = text.finish(tile, body, "tenon/cuda/lstm.cuh",
                                    ceilDiv(dims[1], blockRows) * op.getNumDirections(), 512, 12 * blockRows * hidden);
    kernel.source = structs + "\n" + kernel.source;
    kernel.info.tactic.name = "lstm: a block carries " + std::to_string(blockRows) + " rows through all steps";
    kernel.info.tactic.why = "the only form";
    kernel.info.tactic.family = "gpu_other";
    return kernel;
  }

private:
  /// Sets `functions`; an activation that is used twice is printed once.
  std::string printActivations() {
    std::string structs;
    SmallVector<Activation> known;
    for (unsigned i = 0; i < 3; ++i) {
      Activation activation = *Activation::get(cast<StringAttr>(op.getActivations()[i]).getValue());
      activation.alpha = op.getAlpha()[i];
      activation.beta = op.getBeta()[i];
      const Activation *same = llvm::find_if(known, [&](const Activation &other) {
        return other.name == activation.name && other.alpha == activation.alpha && other.beta == activation.beta;
      });
      functions[i] = name + "_" + activation.name.str() + std::to_string(same - known.begin());
      if (same != known.end())
        continue;
      known.push_back(activation);
      structs += printActivation(activation, functions[i], op.getContext());
    }
    return structs;
  }

  std::string operands() {
    std::string length = op.getLengths() ? SingleOpText::elementType(op.getLengths()) : "int";
    std::string list;
    for (Value operand : {Value(op.getGates()), Value(op.getR()), Value(op.getInitialH()), Value(op.getInitialC()),
                          Value(op.getLengths()), Value(op.getPeepholes())})
      list += (list.empty() ? "" : ", ") + text.buffer(operand);
    for (unsigned i = 0; i < 3; ++i)
      list += ", " + text.result(i);
    return "  const LstmOperands<" + length + "> data{" + list + "};\n";
  }

  LstmOp op;
  SingleOpText text;
  std::string name;
  SmallVector<DimAttr> dims;
  std::string functions[3];
};

} // namespace

bool hasTemplate(LstmOp op) {
  auto isF32 = [](Value v) { return cast<RankedTensorType>(v.getType()).getElementType().isF32(); };
  int64_t hidden = op.getHiddenSize();
  return isF32(op.getGates()) && hidden > 0 && hidden <= maxHidden;
}

CudaKernel emitLstm(const SingleOpRegion &region, StringRef name) { return LstmPrinter(region, name).print(); }

} // namespace tenon::codegen::cuda
