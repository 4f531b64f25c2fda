//===- BFloatBits.cpp - bf16 in registers as its bits ---------------------===//
//
// Arithmetic on bf16 is done in f32 by now, and conversions are integer code: what is left of bf16 moves. LLVM widens
// a scalar bf16 to move it into a vector, and calls a function of a library to narrow it again; integers stay as they
// are.
//
//===----------------------------------------------------------------------===//
#include "VectorMath.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

bool isBFloat(Type type) { return getElementTypeOrSelf(type).isBF16(); }

/// Whether the op computes with the number that a bf16 stands for.
bool computes(Operation *op) {
  return isa<LLVM::FPExtOp, LLVM::FPTruncOp, LLVM::FAddOp, LLVM::FSubOp, LLVM::FMulOp, LLVM::FDivOp, LLVM::FNegOp,
             LLVM::FCmpOp, LLVM::SIToFPOp, LLVM::UIToFPOp, LLVM::FPToSIOp, LLVM::FPToUIOp>(op) &&
         (llvm::any_of(op->getOperandTypes(), isBFloat) || llvm::any_of(op->getResultTypes(), isBFloat));
}

/// bf16  ->  i16, in every type and constant of LLVM functions
struct BFloatBitsPass : PassWrapper<BFloatBitsPass, OperationPass<LLVM::LLVMFuncOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(BFloatBitsPass)
  StringRef getArgument() const override { return "tenon-bfloat-bits"; }
  StringRef getDescription() const override { return "Keep bf16 as integers of 16 bits"; }

  void runOnOperation() override {
    if (getOperation()
            .walk([](Operation *op) { return computes(op) ? WalkResult::interrupt() : WalkResult::advance(); })
            .wasInterrupted())
      return;
    Type bits = IntegerType::get(&getContext(), 16);
    AttrTypeReplacer replacer;
    replacer.addReplacement([&](BFloat16Type) { return bits; });
    replacer.addReplacement([&](FloatAttr number) -> std::optional<Attribute> {
      if (!number.getType().isBF16())
        return std::nullopt;
      return IntegerAttr::get(bits, number.getValue().bitcastToAPInt());
    });
    replacer.addReplacement([&](DenseElementsAttr numbers) -> std::optional<Attribute> {
      if (!numbers.getElementType().isBF16())
        return std::nullopt;
      return numbers.bitcast(bits);
    });
    replacer.recursivelyReplaceElementsIn(getOperation(), /*replaceAttrs=*/true, /*replaceLocs=*/false,
                                          /*replaceTypes=*/true);
  }
};

} // namespace

std::unique_ptr<Pass> createBFloatBitsPass() { return std::make_unique<BFloatBitsPass>(); }

} // namespace tenon::codegen
