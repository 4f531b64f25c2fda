//===- ReductionEmitter.h - What row and column reductions share ----------===//
#ifndef TENON_LIB_CODEGEN_CUDA_REDUCTIONEMITTER_H
#define TENON_LIB_CODEGEN_CUDA_REDUCTIONEMITTER_H

#include "Strategies.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace tenon::codegen::cuda {

/// A point is one choice of the kept coordinates; a team of threads computes it. Ops run in order: a reduction is a
/// loop over the reduced dimensions and a combination over the team, what is constant along them is computed once by
/// every thread, the rest is computed where a loop asks for it.
class ReductionEmitter {
public:
  ReductionEmitter(GenericRegion &region, CudaKernelBuilder &kernel, int64_t width);
  virtual ~ReductionEmitter() = default;

protected:
  using FoldFn = llvm::function_ref<mlir::Value(llvm::ArrayRef<Coord> coords, mlir::Value total)>;

  /// Loops over the elements of the point that belong to this thread; `total` (null: nothing) is carried. Binds and
  /// fills what is cached. `loop` is the reduction, or null for the loop that stores.
  virtual mlir::Value forEachElement(mlir::Operation *loop, mlir::Value total, FoldFn fn) = 0;
  /// The total of the team, from each thread's vector of partial totals.
  virtual mlir::Value combineTeam(graph::ReductionOpInterface op, mlir::Value partial) = 0;
  /// Runs `fn` in one thread of the team.
  virtual void once(llvm::function_ref<void()> fn) = 0;
  virtual bool mayStore() { return true; }

  void emitPoint();
  mlir::Value emitReduction(graph::ReductionOpInterface op);
  void emitResults();
  void storeResult(Evaluator &evaluator, unsigned i, llvm::ArrayRef<Coord> coords);
  void bindEverywhere(mlir::Value value, mlir::Value scalar);
  mlir::Value divideByCount(mlir::Value total);
  bool isConstantAlongReduced(mlir::Value v);
  /// Combines two scalars, or vectors, of partial totals.
  mlir::Value combine(graph::ReductionOpInterface op, mlir::Value x, mlir::Value y);
  /// Values of the domain that several loops read and that no reduction has gone into.
  llvm::SmallVector<mlir::Value> findShared();
  /// Sets the kept coordinates from the number of a point.
  void setPoint(mlir::Value number, llvm::ArrayRef<int64_t> dims);

  GenericRegion &region;
  CudaKernelBuilder &kernel;
  Evaluator scalar; ///< for values that are constant along the reduced dimensions
  Evaluator wide;   ///< for elements of the domain
  mlir::OpBuilder &b;
  llvm::SmallVector<int64_t> keptDims;
  llvm::SmallVector<Coord> point; ///< coordinates; 0 in reduced dimensions
};

/// How the lanes of a warp combine with what `op` builds; nothing if they have no such combination.
std::optional<mlir::gpu::AllReduceOperation> getCombination(graph::ReductionOpInterface op);

/// The families.
void emitRowReductions(GenericRegion &region, CudaKernelBuilder &kernel);
void emitColumnReductions(GenericRegion &region, CudaKernelBuilder &kernel);

} // namespace tenon::codegen::cuda

#endif // TENON_LIB_CODEGEN_CUDA_REDUCTIONEMITTER_H
