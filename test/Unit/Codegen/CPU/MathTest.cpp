//===- MathTest.cpp - Math functions without a library --------------------===//
#include "Graph/IR/GraphDialect.h"
#include "tenon/Codegen/CPU/Codegen.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <gtest/gtest.h>

using namespace mlir;

namespace tenon::codegen {
namespace {

template <typename OpTy>
Value create(OpBuilder &b, Location loc, Value x) {
  return OpTy::create(b, loc, x);
}

// Every function of the math dialect that graph ops build, on scalars and vectors, compiles without imports.
TEST(Math, needs_no_library) {
  MLIRContext context;
  context.loadDialect<graph::GraphDialect, arith::ArithDialect, func::FuncDialect, LLVM::LLVMDialect, math::MathDialect,
                      memref::MemRefDialect, scf::SCFDialect, vector::VectorDialect>();
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
  Type f32 = Float32Type::get(&context);
  auto emit = [&](StringRef name, Type element, Type type, bool divides) {
    KernelBuilder k(*module, name, {element, element});
    OpBuilder &b = k.builder();
    Location loc = k.loc();
    Value zero = k.constant(0);
    bool isVector = isa<VectorType>(type);
    Value x = isVector ? Value(vector::LoadOp::create(b, loc, type, k.buffer(0), zero))
                       : Value(memref::LoadOp::create(b, loc, k.buffer(0), zero));
    Value y = x;
    x = math::ExpOp::create(b, loc, x);
    x = math::TanhOp::create(b, loc, x);
    x = math::ErfOp::create(b, loc, x);
    x = math::LogOp::create(b, loc, x);
    x = math::SinOp::create(b, loc, x);
    x = math::CosOp::create(b, loc, x);
    Value isPositive = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, x, y);
    x = arith::SelectOp::create(b, loc, isPositive, x, y);
    x = math::SqrtOp::create(b, loc, x);
    x = math::FloorOp::create(b, loc, x);
    x = math::CeilOp::create(b, loc, x);
    x = math::RoundEvenOp::create(b, loc, x);
    x = math::PowFOp::create(b, loc, x, x);
    x = math::Log1pOp::create(b, loc, x);
    for (auto *create : {create<math::AsinOp>, create<math::AcosOp>, create<math::AtanOp>, create<math::ExpM1Op>})
      x = create(b, loc, x);
    if (isVector)
      vector::StoreOp::create(b, loc, x, k.buffer(1), zero);
    else
      memref::StoreOp::create(b, loc, x, k.buffer(1), zero);
    k.finish();
  };
  Type f16 = Float16Type::get(&context), bf16 = BFloat16Type::get(&context);
  emit("scalar", f32, f32, true);
  emit("vector", f32, VectorType::get({16}, f32), true);
  emit("short", f32, VectorType::get({3}, f32), true);
  emit("half", f16, VectorType::get({16}, f16), true);
  emit("brain", bf16, VectorType::get({16}, bf16), true);
  emit("half_scalar", f16, f16, true);
  Type f64 = Float64Type::get(&context);
  emit("double_scalar", f64, f64, true);
  emit("double", f64, VectorType::get({8}, f64), true);
  ASSERT_TRUE(succeeded(lowerKernels(*module)));
  for (const char *arch : {"x86-64-v3", "x86-64-v4"})
    EXPECT_TRUE(succeeded(compileKernels({*module}, *CpuTarget::get(arch), 2))) << arch;
}

} // namespace
} // namespace tenon::codegen
