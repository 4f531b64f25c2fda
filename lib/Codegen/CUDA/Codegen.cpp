//===- Codegen.cpp - From a dispatch region to the text of its kernel -----===//
#include "tenon/Codegen/CUDA/Codegen.h"

#include "Describe.h"
#include "Printer/CudaPrinter.h"
#include "Simplify.h"
#include "Strategies.h"
#include "Templates/Library.h"
#include "Templates/SingleOp.h"
#include "Templates/TileChoice.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {
namespace {

void loadDialects(MLIRContext &context) {
  context.loadDialect<arith::ArithDialect, func::FuncDialect, gpu::GPUDialect, math::MathDialect, memref::MemRefDialect,
                      scf::SCFDialect, vector::VectorDialect>();
}

/// The number of elements of the largest buffer; null if all are known to be few.
DimAttr getLargest(DispatchOp dispatch) {
  DimAttr largest;
  for (Type type : llvm::concat<const Type>(dispatch->getOperandTypes(), dispatch->getResultTypes())) {
    DimAttr elements = product(dispatch.getContext(), getDims(cast<RankedTensorType>(type)));
    auto fixed = elements.getConstant();
    if (!fixed || *fixed >= int64_t(1) << 30)
      largest = largest ? max(largest, elements) : elements;
  }
  return largest;
}

/// The evaluator takes f32 for f16 and bf16; only results become narrow.
bool isNarrowing(Operation *op) {
  auto cast = dyn_cast<CastOp>(op);
  if (!cast)
    return false;
  Type from = cast.getX().getType().getElementType(), to = cast.getResult().getType().getElementType();
  return from.isF32() && (to.isF16() || to.isBF16());
}

} // namespace

std::unique_ptr<GenericRegion> createRegion(DispatchOp dispatch) {
  loadDialects(*dispatch.getContext());
  return GenericRegion::create(
      dispatch, [](Operation *op) { return isDirectContraction(op) || isNarrowing(op); }, /*widens=*/true);
}

bool isSupportedDispatch(DispatchOp dispatch) {
  return SingleOpRegion::match(dispatch).has_value() || createRegion(dispatch) != nullptr;
}

bool hasAttentionKernel(AttentionOp op) { return hasTemplate(op); }

FailureOr<KernelInfo> emitKernelIR(DispatchOp dispatch, StringRef name, const CudaTarget &target, ModuleOp module) {
  std::unique_ptr<GenericRegion> region = createRegion(dispatch);
  if (!region)
    return emitNoKernel(dispatch, "CUDA kernel", "compile with --host-kernels=allow or --target=cpu");
  SmallVector<Type> elementTypes, memoryTypes;
  for (Type type : llvm::concat<const Type>(dispatch->getOperandTypes(), dispatch->getResultTypes())) {
    elementTypes.push_back(cast<RankedTensorType>(type).getElementType());
    memoryTypes.push_back(registerType(elementTypes.back()));
  }
  CudaKernelBuilder kernel(module, name, memoryTypes, nameBuffers(dispatch));
  if (region->reduced.empty())
    emitElementwise(*region, kernel);
  else
    emitReductions(*region, kernel, target);
  KernelInfo info = kernel.finish();
  info.bufferTypes = elementTypes;
  if (failed(simplifyKernels(module)))
    return failure();
  dropUnusedParams(module.lookupSymbol<func::FuncOp>(name), elementTypes.size(), info.params);
  return info;
}

/// The template whose tactic is asked for, else the first that takes the region; null if none does.
static const HeavyTemplate *findTemplate(const HeavyRegion &region, const CudaTarget &target) {
  const HeavyTemplate *first = nullptr;
  for (const HeavyTemplate *candidate : getHeavyTemplates()) {
    if (!candidate->accepts(region, target))
      continue;
    if (target.tactic.empty() || llvm::is_contained(candidate->tactics(region, target), target.tactic))
      return candidate;
    first = first ? first : candidate;
  }
  return first;
}

/// The call that is asked for.
static std::optional<LibraryMatch> findLibrary(const HeavyRegion &region, const CudaTarget &target) {
  std::string reason;
  if (!target.tactic.empty())
    for (LibraryMatch &match : matchLibraries(region, target, reason))
      if (match.call.name() == target.tactic)
        return std::move(match);
  return std::nullopt;
}

/// The prediction at the extents of the compilation.
static void predict(DispatchOp dispatch, KernelInfo &info, const CudaTarget &target) {
  const cost::Context &context = getCostContext(target);
  cost::Grid grid{int64_t(context.evaluate(info.blocks)), info.threads, 0, int64_t(context.evaluate(info.sharedBytes))};
  if (info.call)
    grid = cost::callGrid(context.device);
  cost::Estimate estimate = cost::estimate(context.device, info.tactic, context.evaluate(cost::countFlops(dispatch)),
                                           context.evaluate(cost::countTraffic(dispatch)), grid);
  info.tactic.predicted = estimate.seconds;
  info.tactic.error = estimate.error();
}

FailureOr<CudaKernel> emitKernel(DispatchOp dispatch, StringRef name, const CudaTarget &target) {
  loadDialects(*dispatch.getContext());
  if (std::optional<HeavyRegion> region = HeavyRegion::match(dispatch)) {
    if (std::optional<LibraryMatch> match = findLibrary(*region, target)) {
      CudaKernel kernel = emitCall(*region, name, *match);
      predict(dispatch, kernel.info, target);
      return kernel;
    }
    if (const HeavyTemplate *found = findTemplate(*region, target)) {
      FailureOr<CudaKernel> kernel = found->emit(*region, name, target);
      if (succeeded(kernel)) {
        kernel->comment = describe(dispatch, name);
        kernel->isTemplate = true;
        if (kernel->info.tactic.name.empty())
          kernel->info.tactic.name = kernel->info.tactic.family = found->name().str();
        predict(dispatch, kernel->info, target);
      }
      return kernel;
    }
  }
  if (std::optional<SingleOpRegion> region = SingleOpRegion::match(dispatch)) {
    CudaKernel kernel = emitSingleOp(*region, name, target);
    kernel.isTemplate = true;
    kernel.comment = describe(dispatch, name);
    predict(dispatch, kernel.info, target);
    return kernel;
  }
  OwningOpRef<ModuleOp> module = ModuleOp::create(dispatch.getLoc());
  FailureOr<KernelInfo> info = emitKernelIR(dispatch, name, target, *module);
  if (failed(info))
    return failure();
  PrintOptions options;
  options.threads = info->threads;
  predict(dispatch, *info, target);
  options.lineDirectives = target.lineDirectives;
  if (DimAttr largest = getLargest(dispatch)) {
    options.wideIndex = true;
    info->params.push_back(largest);
  }
  auto function = *module->getOps<func::FuncOp>().begin();
  std::string source = CudaPrinter(function, options).print();
  if (source.empty())
    return failure();
  return CudaKernel{describe(dispatch, name), std::move(source), std::move(*info), {"tenon/cuda/kernel.cuh"}};
}

std::string CudaKernel::text() const {
  if (info.call)
    return comment + source;
  std::string all;
  for (const std::string &include : includes)
    all += "#include \"" + include + "\"\n";
  return all + "\nusing namespace tenon::device;\n\n" + comment + source;
}

} // namespace tenon::codegen::cuda
