//===- SingleOp.cpp - Templates of ops that fuse with nothing -------------===//
#include "SingleOp.h"

#include "../Describe.h"
#include "../Printer/CudaPrinter.h"
#include "tenon/Codegen/Common/Evaluator.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {

std::optional<SingleOpRegion> SingleOpRegion::match(DispatchOp dispatch) {
  Block &block = dispatch.getBody().front();
  Operation &op = block.front();
  bool isKnown = TypeSwitch<Operation *, bool>(&op)
                     .Case<AttentionOp, LstmOp>([](auto known) { return hasTemplate(known); })
                     .Default([](Operation *) { return false; });
  if (!isKnown || op.getNextNode() != block.getTerminator() ||
      !llvm::all_of(op.getOperands(), [](Value v) { return isa<BlockArgument>(v); }) ||
      block.getTerminator()->getOperands() != ValueRange(op.getResults()))
    return std::nullopt;
  return SingleOpRegion{dispatch, &op};
}

CudaKernel emitSingleOp(const SingleOpRegion &region, StringRef name, const CudaTarget &target) {
  return isa<LstmOp>(region.op) ? emitLstm(region, name) : emitAttention(region, name, target);
}

SingleOpText::SingleOpText(const SingleOpRegion &region, StringRef name)
    : region(region), buffers(nameBuffers(region.dispatch)), name(name.str()) {
  for (std::string &buffer : buffers)
    buffer = toIdentifier(buffer);
}

std::string SingleOpText::buffer(Value operand) const {
  return operand ? buffers[cast<BlockArgument>(operand).getArgNumber()] : "nullptr";
}

std::string SingleOpText::result(unsigned i) const { return buffers[region.dispatch.getNumOperands() + i]; }

std::string SingleOpText::elementType(Value tensor) {
  return cudaTypeName(registerType(cast<RankedTensorType>(tensor.getType()).getElementType()));
}

std::string SingleOpText::size(DimAttr e, StringRef hint) {
  if (auto fixed = e.getConstant())
    return std::to_string(*fixed);
  std::string &known = params[e];
  if (known.empty()) {
    auto isTaken = [&](const std::string &wanted) {
      return llvm::is_contained(buffers, wanted) ||
             llvm::count_if(params, [&](const auto &entry) { return entry.second == wanted; }) > 0;
    };
    std::string wanted = hint.str();
    for (unsigned i = 1; isTaken(wanted); ++i)
      wanted = hint.str() + std::to_string(i);
    known = wanted;
  }
  return "int(" + known + ")";
}

void SingleOpText::addMap(StringRef map, Value operand, ArrayRef<DimAttr> extents, ArrayRef<int64_t> box) {
  Type element = cast<RankedTensorType>(operand.getType()).getElementType();
  KernelTensorMap added;
  added.buffer = cast<BlockArgument>(operand).getArgNumber();
  added.element = element;
  added.box.assign(box.begin(), box.end());
  DimAttr one = DimAttr::constant(operand.getContext(), 1);
  DimAttr stride = one * (element.getIntOrFloatBitWidth() / 8);
  for (DimAttr extent : llvm::reverse(extents)) {
    if (!added.extents.empty())
      added.strides.push_back(stride);
    added.extents.push_back(max(extent, one));
    stride = stride * added.extents.back();
  }
  maps.push_back(added);
  signature += ("const __grid_constant__ TensorMap " + map + ", ").str();
}

CudaKernel SingleOpText::finish(const std::string &tile, const std::string &body, StringRef include, DimAttr blocks,
                                int threads, int64_t sharedBytes) {
  CudaKernel kernel;
  KernelInfo &info = kernel.info;
  info.name = name;
  info.blocks = blocks;
  info.threads = threads;
  info.sharedBytes = DimAttr::constant(blocks.getContext(), sharedBytes);
  info.maps = maps;
  for (auto [i, type] : llvm::enumerate(
           llvm::concat<const Type>(region.dispatch->getOperandTypes(), region.dispatch->getResultTypes()))) {
    Type element = cast<RankedTensorType>(type).getElementType();
    info.bufferTypes.push_back(element);
    signature += (i ? ", " : "") + std::string(i < region.dispatch.getNumOperands() ? "const " : "") +
                 cudaTypeName(registerType(element)) + " *__restrict__ " + buffers[i];
  }
  for (auto &[e, param] : params) {
    info.params.push_back(e);
    signature += ", int64_t " + param;
  }
  std::string alias = name + "_Tile";
  kernel.source = "using " + alias + " = " + tile + ";\nextern \"C\" __global__ void __launch_bounds__(" + alias +
                  "::threads, " + alias + "::minBlocks)\n" + wrapList(name, signature, ") {\n") +
                  "  using Tile = " + alias + ";\n  static_assert(Tile::threads == " + std::to_string(threads) +
                  " && Tile::sharedBytes == " + std::to_string(sharedBytes) + ", \"as launched\");\n" + body +
                  "}\nTENON_KERNEL(" + name + ");\n";
  kernel.includes = {include.str()};
  return kernel;
}

} // namespace tenon::codegen::cuda
