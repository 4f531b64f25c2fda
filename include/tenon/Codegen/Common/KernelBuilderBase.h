//===- KernelBuilderBase.h - What the evaluator asks of a kernel ----------===//
//
// The evaluator writes arith, math, scf and vector ops that mean the same on every target. Parameters, memory accesses
// and ops that only one target computes go through this class, which the kernel builder of each target implements.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CODEGEN_COMMON_KERNELBUILDERBASE_H
#define TENON_CODEGEN_COMMON_KERNELBUILDERBASE_H

#include "Graph/IR/DimExpr.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace tenon::codegen {

struct Coord;
class Evaluator;

/// A kernel in the making, as the evaluator sees it.
class KernelBuilderBase {
public:
  virtual ~KernelBuilderBase() = default;

  virtual mlir::Location loc() const = 0;
  /// `e` as an index value that dominates the kernel's body.
  virtual mlir::Value param(graph::DimAttr e) = 0;

  /// The location of the code that computes `op`: loc(), unless the target names its values.
  virtual mlir::Location locationOf(mlir::Operation *op) const;
  /// Elements [offset, offset + W) of `buffer` (memref<?xT>) as `type` (vector<WxT>); of these only those in `mask`
  /// (vector<Wxi1>, null = all), the others are 0.
  virtual mlir::Value loadConsecutive(mlir::OpBuilder &b, mlir::VectorType type, mlir::Value buffer, mlir::Value offset,
                                      mlir::Value mask);
  /// Elements base + offsets[lane]; `mask` as above.
  virtual mlir::Value gather(mlir::OpBuilder &b, mlir::VectorType type, mlir::Value buffer, mlir::Value base,
                             mlir::Value offsets, mlir::Value mask);
  virtual void storeConsecutive(mlir::OpBuilder &b, mlir::Value vector, mlir::Value buffer, mlir::Value offset,
                                mlir::Value mask);
  /// Element `offset` will be read soon.
  virtual void prefetch(mlir::OpBuilder &b, mlir::Value buffer, mlir::Value offset);
  /// Whether a division of f32 costs more than several multiplications.
  virtual bool dividesSlowly() const { return false; }
  /// Ops for which isEvaluable is false but the target's own test is true.
  virtual mlir::Value evaluateOther(Evaluator &evaluator, mlir::Operation *op, llvm::ArrayRef<Coord> coords);
};

} // namespace tenon::codegen

#endif // TENON_CODEGEN_COMMON_KERNELBUILDERBASE_H
