//===- LoopNest.h - The loops around an evaluator -------------------------===//
//
// An iteration domain [D0, .., Dn-1] is cut into work groups: a group is some consecutive rows (all dimensions but the
// last) or, where rows are long, a piece of one row. Inside, a loop over rows counts the coordinates up (no division
// per row) and the caller runs along the last dimension.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_CODEGEN_CPU_LOOPNEST_H
#define TENON_LIB_CODEGEN_CPU_LOOPNEST_H

#include "tenon/Codegen/CPU/KernelBuilder.h"
#include "tenon/Codegen/Common/Coord.h"

namespace tenon::codegen {

/// How a domain is cut. Extents and counts are expressions: the plan evaluates them once per run.
struct GroupShape {
  graph::DimAttr rows;    ///< rows of the domain
  graph::DimAttr columns; ///< extent of the last dimension
  graph::DimAttr rowsPerGroup;
  int64_t columnsPerGroup = 0; ///< a multiple of 64
  graph::DimAttr columnGroups;
  graph::DimAttr groups;

  /// Groups of about `elements` elements (16384 for cheap ones).
  static GroupShape get(mlir::MLIRContext *context, mlir::ArrayRef<graph::DimAttr> dims, int64_t elements);
};

/// One row: its coordinates (all dimensions but the last) and the columns [from, to) to visit.
using RowFn = llvm::function_ref<void(llvm::ArrayRef<mlir::Value> coords, mlir::Value from, mlir::Value to)>;

/// Emits the loops over the groups of a domain that are numbers [first, first + shape.groups) of the kernel's grid.
void forEachRow(KernelBuilder &kernel, const IndexMath &math, mlir::ArrayRef<graph::DimAttr> dims,
                const GroupShape &shape, graph::DimAttr first, RowFn fn);

/// One vector at index j of which `lanes` (null: all) are valid; gets and returns the values carried by its slot.
using VectorFn =
    llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value j, mlir::Value lanes, mlir::ValueRange carried)>;

/// Emits fn for j = from, from + 16, .. below `to`, `unroll` vectors per iteration. `carried` holds the same number of
/// values for each of the `unroll` slots; returns them after the loop. The rest goes, masked, into slot 0.
llvm::SmallVector<mlir::Value> forEachVector(const IndexMath &math, mlir::Value from, mlir::Value to, unsigned unroll,
                                             mlir::ValueRange carried, VectorFn fn);
/// The same with nothing carried.
void forEachVector(const IndexMath &math, mlir::Value from, mlir::Value to, unsigned unroll,
                   llvm::function_ref<void(mlir::Value j, mlir::Value lanes)> fn);

} // namespace tenon::codegen

#endif // TENON_LIB_CODEGEN_CPU_LOOPNEST_H
