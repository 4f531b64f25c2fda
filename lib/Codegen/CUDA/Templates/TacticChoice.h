//===- TacticChoice.h - Which tactic a region takes -----------------------===//
//
// A region that templates take has tactics: their tiles, and calls of libraries. Without timings the templates' own
// order and the cost model decide (TileChoice.h); timings of this very problem come first, and --tactics before all.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_CODEGEN_CUDA_TEMPLATES_TACTICCHOICE_H
#define TENON_LIB_CODEGEN_CUDA_TEMPLATES_TACTICCHOICE_H

#include "Library.h"

namespace tenon::codegen::cuda {

struct TacticChoice {
  std::string tactic; ///< for CudaTarget::tactic; empty: what the templates take by themselves
  std::string why;    ///< empty: the tactic's own reason
  std::string note;   ///< to be added to the reason
  std::string key;    ///< in a timing database, where one is asked or filled
  int64_t size = 0;   ///< with the key: elements of the result at the extents of the compilation
  int64_t tiles = 0;  ///< number of own tactics
  bool isLibrary = false;
};

/// What `target.tuning` makes of the region: nothing where that is null. `mayCall`: libraries take part.
mlir::FailureOr<TacticChoice> chooseTactic(graph::DispatchOp dispatch, const CudaTarget &target, bool mayCall);

} // namespace tenon::codegen::cuda

#endif // TENON_LIB_CODEGEN_CUDA_TEMPLATES_TACTICCHOICE_H
