//===- LibraryEpilogue.h - Epilogues that libraries have ------------------===//
#ifndef TENON_LIB_CODEGEN_CUDA_TEMPLATES_LIBRARYEPILOGUE_H
#define TENON_LIB_CODEGEN_CUDA_TEMPLATES_LIBRARYEPILOGUE_H

#include "HeavyTemplate.h"

namespace tenon::codegen::cuda {

/// What follows a product or convolution, as activation(sums + bias + residual).
struct LibraryEpilogue {
  int64_t bias = -1, residual = -1; ///< buffers of the region; -1 = none
  LibraryCall::Activation activation = LibraryCall::None;

  /// The ops after `region.heavy` (and its bias) as one; nothing if they are anything else. Both buffers have the type
  /// of the sums; the bias is a line of the result's columns, the residual has the result's extents.
  static std::optional<LibraryEpilogue> match(const HeavyRegion &region);
};

} // namespace tenon::codegen::cuda

#endif // TENON_LIB_CODEGEN_CUDA_TEMPLATES_LIBRARYEPILOGUE_H
