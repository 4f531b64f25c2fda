//===- GemmSimt.cpp - f32 products on the ordinary cores ------------------===//
#include "../CudaKernelBuilder.h"
#include "../Describe.h"
#include "../Printer/CudaPrinter.h"
#include "HeavyTemplate.h"
#include "tenon/Codegen/Common/Evaluator.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {
namespace {

/// y[batch, m, n] of x[batch, m, k] and w[batch, k, n] or w[k, n].
struct Problem {
  DimAttr batch, m, n, k;
  bool sharedW;
  bool transposedW;
};

std::optional<Problem> getProblem(const HeavyRegion &region) {
  auto product = dyn_cast<MatMulOp>(region.heavy);
  if (!product)
    return std::nullopt;
  MLIRContext *context = product.getContext();
  auto x = getDims(region.operandType(0)), w = getDims(region.operandType(1));
  if (x.size() < 2 || w.size() < 2)
    return std::nullopt;
  auto y = getDims(region.resultType());
  Problem p{DimAttr::constant(context, 1), {}, y.back(), x.back(), w.size() == 2, product.getTransposeW()};
  if (p.sharedW) { // all rows of x are rows of one matrix
    p.m = graph::product(context, ArrayRef(x).drop_back());
    return p;
  }
  if (x.size() != w.size() || ArrayRef(x).drop_back(2) != ArrayRef(w).drop_back(2))
    return std::nullopt;
  p.batch = graph::product(context, ArrayRef(x).drop_back(2));
  p.m = x[x.size() - 2];
  return p;
}

class GemmSimt : public HeavyTemplate {
public:
  StringRef name() const override { return "gemm_simt"; }

  bool accepts(const HeavyRegion &region, const CudaTarget &) const override {
    auto isF32 = [](Value v) { return cast<RankedTensorType>(v.getType()).getElementType().isF32(); };
    // A dot product per row is no tile: the evaluator's loop is as good.
    auto problem = getProblem(region);
    return problem && !problem->n.isConstant(1) && llvm::all_of(region.heavy->getOperands(), isF32);
  }

  FailureOr<CudaKernel> emit(const HeavyRegion &region, StringRef name, const CudaTarget &) const override;
};

FailureOr<CudaKernel> GemmSimt::emit(const HeavyRegion &region, StringRef name, const CudaTarget &) const {
  Problem p = *getProblem(region);
  auto columns = p.n.getConstant();
  bool isLarge = columns && *columns >= 512;
  int64_t tile = isLarge ? 128 : 64, depth = isLarge ? 8 : 16, stages = 2;
  FailureOr<Functor> epilogue = emitEpilogue(region, (name + "_Epilogue").str(), {});
  if (failed(epilogue))
    return failure();
  SmallVector<std::string> buffers = nameBuffers(region.dispatch);
  CudaKernel kernel;
  KernelInfo &info = kernel.info;
  info.name = name.str();
  info.threads = 256;
  // A block computes its tile of every matrix of the batch.
  info.blocks = ceilDiv(p.m, tile) * ceilDiv(p.n, tile) * min(p.batch, DimAttr::constant(p.n.getContext(), 1));
  int64_t line = 2 * tile + 4 + (p.transposedW ? 4 : 0); // GemmSimt::sharedBytes
  info.sharedBytes = DimAttr::constant(p.n.getContext(), stages * depth * line * 4);
  std::string signature, members;
  auto types = llvm::concat<const Type>(region.dispatch->getOperandTypes(), region.dispatch->getResultTypes());
  for (auto [i, type] : llvm::enumerate(types)) {
    Type element = cast<RankedTensorType>(type).getElementType();
    bool isResult = i >= region.dispatch.getNumOperands();
    info.bufferTypes.push_back(element);
    signature += (isResult ? "" : "const ") + cudaTypeName(registerType(element)) + " *__restrict__ " +
                 toIdentifier(buffers[i]) + ", ";
  }
  info.params = {p.m, p.n, p.k, p.batch};
  signature += "int64_t m, int64_t n, int64_t k, int64_t batch";
  for (unsigned i : epilogue->buffers)
    members += (members.empty() ? "" : ", ") + toIdentifier(buffers[i]);
  for (auto [i, param] : llvm::enumerate(epilogue->params)) {
    info.params.push_back(param);
    signature += ", int64_t p" + std::to_string(i);
    members += (members.empty() ? "p" : ", p") + std::to_string(i);
  }
  auto buffer = [&](unsigned i) { return toIdentifier(buffers[i]); };
  auto number = [](int64_t value) { return std::to_string(value) + ", "; };
  std::string micro = isLarge ? "8, 8, " : "4, 4, ", side = p.transposedW ? "int(n), int(k)" : "int(k), int(n)";
  std::string text = "  using Tile = GemmSimt<" + number(tile) + number(tile) + number(depth) + micro + number(stages) +
                     (p.transposedW ? "true" : "false") + ">;\n";
  text += "  const " + epilogue->name + " epilogue{" + members + "};\n";
  text += "  Tile::run({int(m), int(n), int(k), int(batch)}, rowMajor(" + buffer(region.bufferOf(0)) +
          ", int(m), int(k)), rowMajor(" + buffer(region.bufferOf(1)) + ", " + side + "),\n";
  text += "            storeTo(" + buffer(buffers.size() - 1) +
          ", n, m * n, [=](float sum, int64_t matrix, int row, int column) {\n";
  text += "              return epilogue(sum, matrix * m + row, int64_t(column));\n            }));\n";
  kernel.source = epilogue->source + "\nextern \"C\" __global__ void __launch_bounds__(256, 1)\n" +
                  wrapList(name.str(), signature, ") {\n") + text + "}\nTENON_KERNEL(" + name.str() + ");\n";
  kernel.includes = {"tenon/cuda/gemm_simt.cuh"};
  return kernel;
}

} // namespace

ArrayRef<const HeavyTemplate *> getHeavyTemplates() {
  static const GemmSimt gemmSimt;
  static const HeavyTemplate *const all[] = {&gemmSimt};
  return all;
}

} // namespace tenon::codegen::cuda
