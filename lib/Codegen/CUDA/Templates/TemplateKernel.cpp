//===- TemplateKernel.cpp - The text around the instance of a template ----===//
#include "TemplateKernel.h"

#include "../CudaKernelBuilder.h"
#include "../Describe.h"
#include "../Printer/CudaPrinter.h"
#include "tenon/Codegen/Common/Evaluator.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {

TemplateKernel::TemplateKernel(const HeavyRegion &region, StringRef name, const Functor &epilogue)
    : region(region), epilogue(epilogue), buffers(nameBuffers(region.dispatch)) {
  info.name = name.str();
  for (std::string &buffer : buffers)
    buffer = toIdentifier(buffer);
  auto types = llvm::concat<const Type>(region.dispatch->getOperandTypes(), region.dispatch->getResultTypes());
  for (auto [i, type] : llvm::enumerate(types)) {
    Type element = cast<RankedTensorType>(type).getElementType();
    bool isResult = i >= region.dispatch.getNumOperands();
    info.bufferTypes.push_back(element);
    signature += (i ? ", " : "") + std::string(isResult ? "" : "const ") + cudaTypeName(registerType(element)) +
                 " *__restrict__ " + buffers[i];
  }
}

void TemplateKernel::addParam(StringRef name, DimAttr value) {
  info.params.push_back(value);
  signature += (", int64_t " + name).str();
}

void TemplateKernel::addMap(StringRef name, KernelTensorMap map) {
  info.maps.push_back(std::move(map));
  maps += ("const __grid_constant__ TensorMap " + name + ", ").str();
}

std::string TemplateKernel::store(StringRef rows, StringRef columns) const {
  return ("storeTo(" + result() + ", " + columns + ", " + rows + " * " + columns +
          ", [=](float sum, int64_t matrix, int row, int column) {\n              return epilogue(sum, matrix * " +
          rows + " + row, int64_t(column));\n            })")
      .str();
}

CudaKernel TemplateKernel::finish(DimAttr blocks, int threads, int minBlocks, DimAttr sharedBytes, StringRef include) {
  std::string members;
  for (unsigned i : epilogue.buffers)
    members += (members.empty() ? "" : ", ") + buffers[i];
  for (auto [i, param] : llvm::enumerate(epilogue.params)) {
    std::string name = "p" + std::to_string(i);
    addParam(name, param);
    members += (members.empty() ? "" : ", ") + name;
  }
  info.blocks = blocks;
  info.threads = threads;
  info.sharedBytes = sharedBytes;
  CudaKernel kernel;
  kernel.source = epilogue.source + "\nextern \"C\" __global__ void __launch_bounds__(" + std::to_string(threads) +
                  ", " + std::to_string(minBlocks) + ")\n" + wrapList(info.name, maps + signature, ") {\n") +
                  "  const " + epilogue.name + " epilogue{" + members + "};\n" + body + "}\nTENON_KERNEL(" + info.name +
                  ");\n";
  kernel.info = std::move(info);
  kernel.includes = {include.str()};
  return kernel;
}

} // namespace tenon::codegen::cuda
