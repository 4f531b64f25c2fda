//===- Reductions.cpp - Choice of the reduction kernel --------------------===//
#include "ReductionEmitter.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {

void emitReductions(GenericRegion &region, CudaKernelBuilder &kernel, const CudaTarget &) {
  bool lanesReduced = llvm::is_contained(region.reduced, static_cast<int64_t>(region.domain.size()) - 1);
  if (lanesReduced)
    emitRowReductions(region, kernel);
  else
    emitColumnReductions(region, kernel);
}

} // namespace tenon::codegen::cuda
