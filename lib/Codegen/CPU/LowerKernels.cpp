//===- LowerKernels.cpp - Kernels to the LLVM dialect ---------------------===//
//
// From scf, arith, math, vector and flat memrefs, as strategies write them, to the LLVM dialect. No transform dialect
// and no tiling here: a kernel's loops are final when it is emitted.
//
//===----------------------------------------------------------------------===//
#include "VectorMath.h"
#include "tenon/Codegen/CPU/Codegen.h"

#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/Transforms/VectorTransformsEnums.h.inc"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

// The declarations of a few passes: the headers with all of them bring every dialect.
namespace mlir {
#define GEN_PASS_DECL_ARITHTOLLVMCONVERSIONPASS
#define GEN_PASS_DECL_CONVERTCONTROLFLOWTOLLVMPASS
#define GEN_PASS_DECL_CONVERTFUNCTOLLVMPASS
#define GEN_PASS_DECL_CONVERTINDEXTOLLVMPASS
#define GEN_PASS_DECL_CONVERTMATHTOLLVMPASS
#define GEN_PASS_DECL_CONVERTVECTORTOLLVMPASS
#define GEN_PASS_DECL_FINALIZEMEMREFTOLLVMCONVERSIONPASS
#define GEN_PASS_DECL_RECONCILEUNREALIZEDCASTSPASS
#define GEN_PASS_DECL_SCFTOCONTROLFLOWPASS
#define GEN_PASS_DECL_UBTOLLVMCONVERSIONPASS
#include "mlir/Conversion/Passes.h.inc"
namespace arith {
#define GEN_PASS_DECL_ARITHEMULATEUNSUPPORTEDFLOATS
#include "mlir/Dialect/Arith/Transforms/Passes.h.inc"
} // namespace arith
namespace math {
#define GEN_PASS_DECL_MATHEXTENDTOSUPPORTEDTYPES
#include "mlir/Dialect/Math/Transforms/Passes.h.inc"
} // namespace math
} // namespace mlir

using namespace mlir;

namespace tenon::codegen {

LogicalResult lowerKernels(ModuleOp kernels) {
  PassManager pm(kernels.getContext(), ModuleOp::getOperationName());
  OpPassManager &function = pm.nest<func::FuncOp>();
  function.addPass(createCanonicalizerPass());
  function.addPass(createCSEPass());
  // bf16 is computed in f32 and rounded after every operation, as LLVM would by calling a library.
  math::MathExtendToSupportedTypesOptions extended;
  extended.extraTypeStrs = {"f16"};
  function.addPass(math::createMathExtendToSupportedTypes(extended));
  arith::ArithEmulateUnsupportedFloatsOptions emulated;
  emulated.sourceTypeStrs = {"bf16"};
  function.addPass(arith::createArithEmulateUnsupportedFloats(emulated));
  function.addPass(createExpandMathPass());
  function.addPass(createConvertVectorToSCFPass());
  function.addPass(createLoopInvariantCodeMotionPass());
  pm.addPass(createSCFToControlFlowPass());
  ConvertVectorToLLVMPassOptions vectorOptions;
  vectorOptions.vectorTransposeLowering = vector::VectorTransposeLowering::Shuffle1D;
  pm.addPass(createConvertVectorToLLVMPass(vectorOptions));
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createConvertIndexToLLVMPass());
  pm.addPass(createUBToLLVMConversionPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createConvertFuncToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addNestedPass<LLVM::LLVMFuncOp>(createBFloatBitsPass());
  if (failed(pm.run(kernels)))
    return emitError(kernels.getLoc())
           << "TN5002: a kernel could not be lowered to LLVM; this is a bug in Tenon, please report it";
  return success();
}

} // namespace tenon::codegen
