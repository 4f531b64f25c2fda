//===- Library.cpp - Regions that a library computes ----------------------===//
#include "Library.h"

#include "../Describe.h"
#include "LibraryEpilogue.h"
#include "Product.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {
namespace {

/// What cuBLAS asks for on sm_90 and later; enough for the algorithms of cuDNN that are fast.
constexpr int64_t workspaceBytes = 32 << 20;

bool isNumber(Type type) { return type.isF32() || type.isF16() || type.isBF16(); }

/// The parts that both libraries need; nothing, with a reason, where types or epilogue do not fit.
std::optional<LibraryCall> matchCommon(const HeavyRegion &region, const CudaTarget &target, std::string &reason) {
  Type type = region.operandType(0).getElementType();
  auto result = cast<RankedTensorType>(region.dispatch.getResult(0).getType());
  if (!isNumber(type) || region.operandType(1).getElementType() != type || result.getElementType() != type) {
    reason = "operands and result are not of one type";
    return std::nullopt;
  }
  std::optional<LibraryEpilogue> epilogue = LibraryEpilogue::match(region);
  if (!epilogue) {
    reason = "no library has its epilogue";
    return std::nullopt;
  }
  LibraryCall call;
  call.element = type;
  call.tf32 = type.isF32() && target.allowTf32;
  call.x = region.bufferOf(0);
  call.w = region.bufferOf(1);
  call.bias = epilogue->bias;
  call.residual = epilogue->residual;
  call.result = region.dispatch.getNumOperands();
  call.activation = epilogue->activation;
  call.workspace = workspaceBytes;
  return call;
}

std::optional<LibraryMatch> matchProduct(const HeavyRegion &region, const LibraryCall &common, std::string &reason) {
  auto product = Product::get(region);
  if (!product || (product->conv && !product->conv->isProduct())) {
    reason = "not a product of matrices with equal batches";
    return std::nullopt;
  }
  if (auto depth = product->k.getConstant(); depth && *depth == 0) {
    reason = "a product over nothing";
    return std::nullopt;
  }
  LibraryMatch match{common, {product->batch, product->m, product->n, product->k}};
  match.call.library = LibraryCall::CublasLt;
  match.call.transposed = product->transposedB;
  return match;
}

std::optional<LibraryMatch> matchConvolution(const HeavyRegion &region, const LibraryCall &common,
                                             std::string &reason) {
  auto conv = dyn_cast<ConvOp>(region.heavy);
  std::optional<ConvGeometry> geometry = ConvGeometry::get(region);
  if (!conv || !geometry || region.formatOf(1) != "hwio") {
    reason = "not a convolution of images with constant weights";
    return std::nullopt;
  }
  ArrayRef<int64_t> pads = conv.getPads();
  if (pads[0] != pads[2] || pads[1] != pads[3]) {
    reason = "cuDNN pads both sides alike";
    return std::nullopt;
  }
  if (common.activation == LibraryCall::Gelu ||
      ((common.activation != LibraryCall::None || common.residual >= 0) && common.bias < 0)) {
    reason = "cuDNN has no such epilogue";
    return std::nullopt;
  }
  LibraryMatch match{common,
                     {geometry->images, geometry->height, geometry->width, geometry->channels, geometry->outHeight,
                      geometry->outWidth, geometry->outChannels}};
  match.call.library = LibraryCall::Cudnn;
  for (const auto &pair : {geometry->kernel, geometry->strides, geometry->pads, geometry->dilations})
    match.call.window.append({pair[0], pair[1]});
  match.call.window.push_back(conv.getGroup());
  return match;
}

StringRef nameOf(LibraryCall::Activation activation) {
  return activation == LibraryCall::Relu ? "relu" : activation == LibraryCall::Gelu ? "gelu" : "";
}

/// "out = relu(x * w + bias), f32": equal text means an equal call.
std::string textOf(const HeavyRegion &region, const LibraryCall &call) {
  SmallVector<std::string> buffers = nameBuffers(region.dispatch);
  auto named = [&](int64_t i) { return buffers[i] + " (argument " + std::to_string(i) + ")"; };
  std::string sum = named(call.x) + " * " + named(call.w) + (call.transposed ? " transposed" : "");
  for (int64_t added : {call.residual, call.bias})
    if (added >= 0)
      sum += " + " + named(added);
  std::string text = "// " + std::string(call.isConv() ? "cudnnConvolutionBiasActivationForward" : "cublasLtMatmul");
  text += ": " + named(call.result) + " = ";
  text += call.activation == LibraryCall::None ? sum : nameOf(call.activation).str() + "(" + sum + ")";
  text += "\n// ";
  llvm::raw_string_ostream os(text);
  os << call.element << (call.tf32 ? " rounded to TF32" : "") << ", sums in f32, " << call.workspace
     << " bytes of workspace\n";
  if (call.isConv()) {
    os << "// kernel, strides, pads, dilations of y and x, groups: ";
    llvm::interleaveComma(call.window, os);
    os << "\n";
  }
  return text;
}

} // namespace

StringRef LibraryCall::name() const { return isConv() ? "cudnn" : "cublaslt"; }

SmallVector<LibraryMatch> matchLibraries(const HeavyRegion &region, const CudaTarget &target, std::string &reason) {
  SmallVector<LibraryMatch> matches;
  std::optional<LibraryCall> common = matchCommon(region, target, reason);
  if (!common)
    return matches;
  if (auto product = matchProduct(region, *common, reason))
    matches.push_back(std::move(*product));
  if (isa<ConvOp>(region.heavy))
    if (auto convolution = matchConvolution(region, *common, reason))
      matches.push_back(std::move(*convolution));
  return matches;
}

CudaKernel emitCall(const HeavyRegion &region, StringRef name, const LibraryMatch &match) {
  MLIRContext *context = region.heavy->getContext();
  CudaKernel kernel;
  kernel.source = textOf(region, match.call);
  kernel.comment = describe(region.dispatch, name);
  kernel.isTemplate = true;
  KernelInfo &info = kernel.info;
  info.name = name.str();
  for (Type type : llvm::concat<const Type>(region.dispatch->getOperandTypes(), region.dispatch->getResultTypes()))
    info.bufferTypes.push_back(cast<RankedTensorType>(type).getElementType());
  info.params = match.params;
  DimAttr one = DimAttr::constant(context, 1);
  info.blocks = min(one, product(context, getDims(region.resultType())));
  info.threads = 0;
  info.sharedBytes = DimAttr::constant(context, 0);
  info.call = match.call;
  info.tactic.name = info.tactic.family = match.call.name().str();
  Type type = match.call.element;
  info.tactic.unit = type.isF32() && !match.call.tf32 ? cost::Unit::F32 : tensorUnit(type);
  return kernel;
}

} // namespace tenon::codegen::cuda
