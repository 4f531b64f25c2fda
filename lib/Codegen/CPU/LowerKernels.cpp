//===- LowerKernels.cpp - Kernels to the LLVM dialect ---------------------===//
//
// From scf, arith, math, vector and flat memrefs, as strategies write them, to the LLVM dialect. No transform dialect
// and no tiling here: a kernel's loops are final when it is emitted.
//
//===----------------------------------------------------------------------===//
#include "VectorMath.h"
#include "tenon/Codegen/CPU/Codegen.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVMPass.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

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
  if (failed(pm.run(kernels)))
    return emitError(kernels.getLoc())
           << "TN5002: a kernel could not be lowered to LLVM; this is a bug in Tenon, please report it";
  return success();
}

} // namespace tenon::codegen
