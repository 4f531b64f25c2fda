//===- TileChoice.h - Which tile a product takes --------------------------===//
//
// A template offers the tiles that it can be instantiated with; the cost model ranks them for a device at the extents
// of the compilation. The tile is part of the kernel, extents are not: whatever is chosen computes every size.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_CODEGEN_CUDA_TEMPLATES_TILECHOICE_H
#define TENON_LIB_CODEGEN_CUDA_TEMPLATES_TILECHOICE_H

#include "tenon/Codegen/CUDA/Codegen.h"

namespace tenon::codegen::cuda {

/// What tactics are ranked for: that of `target`, or an H100 with extents of 16 for symbols.
const cost::Context &getCostContext(const CudaTarget &target);

/// One tile of C, of rows x columns x depth, and what a block needs to compute it.
struct TileCandidate {
  int64_t rows, columns, depth;
  int threads, registers;   ///< of a block; of a thread, about
  int64_t sharedBytes;      ///< of a block
  double computeFactor = 1; ///< of the family's share of the peak
};

/// C[batch, m, n] of A[batch, m, k] and B[batch, k, n].
struct TileProblem {
  graph::DimAttr batch, m, n, k;
  int64_t operandBytes = 4, resultBytes = 4; ///< of an element
  cost::Unit unit = cost::Unit::F32;
};

struct TileChoice {
  size_t index; ///< of the candidate
  cost::Tactic tactic;
};

/// The names of the tactics: "gemm_simt 64x64x16".
llvm::SmallVector<std::string> nameTiles(llvm::StringRef name, llvm::ArrayRef<TileCandidate> candidates);

/// The one that `target.tactic` names, else the candidate with the least predicted time; of equals the first. Every
/// tile of every matrix has a block. `name` is that of the template, and of its family in the cost model.
TileChoice chooseTile(llvm::StringRef name, const TileProblem &problem, llvm::ArrayRef<TileCandidate> candidates,
                      const CudaTarget &target);

} // namespace tenon::codegen::cuda

#endif // TENON_LIB_CODEGEN_CUDA_TEMPLATES_TILECHOICE_H
