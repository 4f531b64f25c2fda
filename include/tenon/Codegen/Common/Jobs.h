//===- Jobs.h - The loop nests of a region without reductions -------------===//
#ifndef TENON_CODEGEN_COMMON_JOBS_H
#define TENON_CODEGEN_COMMON_JOBS_H

#include "tenon/Codegen/Common/Region.h"

namespace tenon::codegen {

/// Results that are computed in one loop nest, over a box of their common extents.
struct Job {
  llvm::SmallVector<graph::DimAttr> dims;                      ///< extents of the box
  llvm::SmallVector<std::pair<mlir::Value, unsigned>> results; ///< value and buffer
  mlir::Operation *concat = nullptr; ///< null, or: the box is input `part` of this concatenation
  unsigned axis = 0;
  unsigned part = 0;
  graph::DimAttr start; ///< first index of the box along the concatenated axis
};

/// The jobs of a region without reductions: one per shape of result, and one per input of a concatenation that is a
/// result (or that a result is an elementwise function of). Results are buffers after the region's operands.
llvm::SmallVector<Job> getJobs(GenericRegion &region);

} // namespace tenon::codegen

#endif // TENON_CODEGEN_COMMON_JOBS_H
