//===- Strategies.h - The kernel families ---------------------------------===//
#ifndef TENON_LIB_CODEGEN_CUDA_STRATEGIES_H
#define TENON_LIB_CODEGEN_CUDA_STRATEGIES_H

#include "CudaKernelBuilder.h"
#include "tenon/Codegen/Common/Evaluator.h"
#include "tenon/Codegen/Common/Jobs.h"
#include "tenon/Codegen/Common/Region.h"

namespace tenon::codegen::cuda {

/// The normal form of a region that has a kernel; null if it has none.
std::unique_ptr<GenericRegion> createRegion(graph::DispatchOp dispatch);

/// A region without reductions: every thread computes vectors of the results, 16 bytes where addresses allow.
void emitElementwise(GenericRegion &region, CudaKernelBuilder &kernel);

/// A result that reads an operand across its memory, by way of shared memory; false where that does not apply.
bool emitTransposed(GenericRegion &region, CudaKernelBuilder &kernel, const Job &job);

/// A region whose reductions share one domain.
void emitReductions(GenericRegion &region, CudaKernelBuilder &kernel, const CudaTarget &target);

/// Matrix products and convolutions, one result element per thread: what is correct for every shape, until a template
/// takes the region. The evaluator asks for them through CudaKernelBuilder::evaluateOther.
bool isDirectContraction(mlir::Operation *op);
mlir::Value evaluateContraction(CudaKernelBuilder &kernel, Evaluator &evaluator, mlir::Operation *op,
                                llvm::ArrayRef<Coord> coords);

/// Lanes along the last dimension of `values` that one access can take: as many elements of the widest type as 16 bytes
/// hold, 1 where an op between `values` and the operands turns neighbours into strangers. `walked` is a concatenation
/// whose inputs are visited one by one, or null.
int64_t chooseWidth(llvm::ArrayRef<mlir::Value> values, mlir::Operation *walked = nullptr);

/// An evaluator at `width` lanes with the region's operands bound to the kernel's buffers.
Evaluator makeEvaluator(GenericRegion &region, CudaKernelBuilder &kernel, int64_t width);

/// A loop of one counter named `name`; the body is emitted at the builder.
void forLoop(CudaKernelBuilder &kernel, llvm::StringRef name, mlir::Value from, mlir::Value to, mlir::Value step,
             llvm::function_ref<void(mlir::Value)> body);

} // namespace tenon::codegen::cuda

#endif // TENON_LIB_CODEGEN_CUDA_STRATEGIES_H
