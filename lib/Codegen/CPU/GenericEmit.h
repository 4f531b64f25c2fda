//===- GenericEmit.h - Loop strategies of generic kernels -----------------===//
#ifndef TENON_LIB_CODEGEN_CPU_GENERICEMIT_H
#define TENON_LIB_CODEGEN_CPU_GENERICEMIT_H

#include "tenon/Codegen/CPU/KernelBuilder.h"
#include "tenon/Codegen/Common/Evaluator.h"
#include "tenon/Codegen/Common/Region.h"

namespace tenon::codegen {

/// A region without reductions: one loop nest per shape of result (and per input of a concatenation).
void emitElementwise(GenericRegion &region, KernelBuilder &kernel, Evaluator &evaluator);

/// A region whose reductions share one domain: a loop over the kept dimensions, inside it a loop per reduction.
void emitReductions(GenericRegion &region, KernelBuilder &kernel, Evaluator &evaluator);

/// How many cheap operations the elementwise part of a region is worth per element: the size of work groups follows.
int64_t getWeight(mlir::Block &block);

} // namespace tenon::codegen

#endif // TENON_LIB_CODEGEN_CPU_GENERICEMIT_H
