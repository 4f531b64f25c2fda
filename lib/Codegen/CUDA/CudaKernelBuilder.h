//===- CudaKernelBuilder.h - One CUDA kernel in the making ----------------===//
//
// A kernel in kernel IR: a func.func with one memref<?xT> per buffer (the region's operands, then its results), then
// one index per parameter; its body is gpu, scf, arith, math, vector and memref. The printer turns it into CUDA C++.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_CODEGEN_CUDA_CUDAKERNELBUILDER_H
#define TENON_LIB_CODEGEN_CUDA_CUDAKERNELBUILDER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "tenon/Codegen/CUDA/Codegen.h"
#include "tenon/Codegen/Common/Coord.h"
#include "tenon/Codegen/Common/KernelBuilderBase.h"

namespace tenon::codegen::cuda {

/// A location that asks the printer to name the value `hint`.
mlir::Location nameHint(mlir::MLIRContext *context, llvm::StringRef hint);
/// The hint of a location made by nameHint; empty for others.
llvm::StringRef getNameHint(mlir::Location loc);

/// Attribute of vector.load, vector.store: the address is not known to be aligned to the vector.
constexpr llvm::StringLiteral unalignedAttr = "tenon.unaligned";
/// Unit attribute of scf.for: the printer writes `#pragma unroll`.
constexpr llvm::StringLiteral unrollAttr = "tenon.unroll";

class CudaKernelBuilder : public KernelBuilderBase {
public:
  /// Starts `func.func @name` at the end of `module`. `bufferNames` become the names of its arguments.
  CudaKernelBuilder(mlir::ModuleOp module, llvm::StringRef name, llvm::ArrayRef<mlir::Type> elementTypes,
                    llvm::ArrayRef<std::string> bufferNames);

  mlir::OpBuilder &builder() { return body; }
  mlir::Location loc() const override { return location; }
  mlir::MLIRContext *context() const { return location.getContext(); }
  mlir::Value buffer(unsigned i) { return function.getArgument(i); }
  mlir::Value param(graph::DimAttr e) override;
  mlir::Location locationOf(mlir::Operation *op) const override;
  mlir::Value loadConsecutive(mlir::OpBuilder &b, mlir::VectorType type, mlir::Value buffer, mlir::Value offset,
                              mlir::Value mask) override;
  mlir::Value gather(mlir::OpBuilder &b, mlir::VectorType type, mlir::Value buffer, mlir::Value base,
                     mlir::Value offsets, mlir::Value mask) override;
  void storeConsecutive(mlir::OpBuilder &b, mlir::Value vector, mlir::Value buffer, mlir::Value offset,
                        mlir::Value mask) override;
  void prefetch(mlir::OpBuilder &, mlir::Value, mlir::Value) override {}
  mlir::Value evaluateOther(Evaluator &evaluator, mlir::Operation *op, llvm::ArrayRef<Coord> coords) override;

  /// Promises that index `value` is a multiple of `divisor`.
  void setDivisor(mlir::Value value, int64_t divisor) { divisors[value] = divisor; }
  /// A number that is known to divide index `value`; 0 for the constant 0.
  int64_t divisorOf(mlir::Value value) const;

  /// Index arithmetic whose values are named `hint`.
  IndexMath math(llvm::StringRef hint) { return IndexMath(body, nameHint(context(), hint), 1); }
  mlir::Value constant(int64_t value);
  mlir::Value threadId();
  mlir::Value blockId();
  mlir::Value gridSize();
  void barrier();
  /// Dynamic shared memory of `elements` elements, as memref<?xT>; at most one call.
  mlir::Value sharedMemory(graph::DimAttr elements, mlir::Type elementType);

  /// For functors: an argument between buffers and parameters, and what the function returns.
  mlir::Value addArgument(mlir::Type type, llvm::StringRef name);
  void setReturn(mlir::Value value);

  void setLaunch(graph::DimAttr blocks, int threads);
  int threads() const { return info.threads; }
  /// How this kernel was chosen, and its family in the cost model.
  void setTactic(const llvm::Twine &name, llvm::StringRef family, const llvm::Twine &why);
  /// Ends the function and returns what the plan needs.
  KernelInfo finish();

private:
  mlir::Location location;
  mlir::func::FuncOp function;
  mlir::OpBuilder entry, body;
  unsigned bufferCount;
  llvm::DenseMap<graph::DimAttr, mlir::Value> paramValues;
  llvm::DenseMap<mlir::Value, int64_t> divisors;
  KernelInfo info;
};

/// A number that divides `e` whatever its symbols are; 0 for the constant 0.
int64_t divisorOf(graph::DimAttr e);

} // namespace tenon::codegen::cuda

#endif // TENON_LIB_CODEGEN_CUDA_CUDAKERNELBUILDER_H
