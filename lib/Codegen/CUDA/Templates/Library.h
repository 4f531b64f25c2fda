//===- Library.h - Regions that a library computes ------------------------===//
//
// cuBLASLt computes matrix products, cuDNN convolutions; each has some of the epilogues that a region may have. A
// region is offered to a library only where that computes the whole of it, in the same precision.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_CODEGEN_CUDA_TEMPLATES_LIBRARY_H
#define TENON_LIB_CODEGEN_CUDA_TEMPLATES_LIBRARY_H

#include "HeavyTemplate.h"

namespace tenon::codegen::cuda {

/// A region as a call.
struct LibraryMatch {
  LibraryCall call;
  llvm::SmallVector<graph::DimAttr> params;
};

/// The libraries that compute `region`, the preferred first; where there is none, `reason` says why.
llvm::SmallVector<LibraryMatch> matchLibraries(const HeavyRegion &region, const CudaTarget &target,
                                               std::string &reason);

/// The "kernel" that is the call; its text is for people.
CudaKernel emitCall(const HeavyRegion &region, llvm::StringRef name, const LibraryMatch &match);

} // namespace tenon::codegen::cuda

#endif // TENON_LIB_CODEGEN_CUDA_TEMPLATES_LIBRARY_H
