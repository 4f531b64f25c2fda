//===- Registration.cpp - All dialects and passes of Tenon ----------------===//
#include "tenon/Pipelines/Registration.h"

#include "Graph/IR/GraphDialect.h"
#include "Plan/IR/PlanOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Shard/IR/ShardDialect.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/Passes.h"
#include "tenon/Conversion/GraphToLinalg.h"
#include "tenon/Pipelines/Pipelines.h"
#include "tenon/Transforms/CompressPasses.h"
#include "tenon/Transforms/Passes.h"
#include "tenon/Transforms/QuantizationPasses.h"

using namespace mlir;

void tenon::registerAllDialects(DialectRegistry &registry) {
  registry.insert<graph::GraphDialect, plan_ir::PlanDialect, arith::ArithDialect, func::FuncDialect, gpu::GPUDialect,
                  linalg::LinalgDialect, LLVM::LLVMDialect, math::MathDialect, memref::MemRefDialect, scf::SCFDialect,
                  shard::ShardDialect, tensor::TensorDialect, vector::VectorDialect>();
}

void tenon::registerAllPasses() {
  mlir::registerCanonicalizerPass();
  mlir::registerCSEPass();
  registerTransformsPasses();
  registerQuantizationPasses();
  registerCompressPasses();
  registerGraphToLinalgPasses();
  registerPipelines();
}
