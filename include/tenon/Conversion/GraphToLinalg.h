//===- GraphToLinalg.h - From graph operations to linalg ------------------===//
#ifndef TENON_CONVERSION_GRAPHTOLINALG_H
#define TENON_CONVERSION_GRAPHTOLINALG_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace tenon {

/// Adds patterns that rewrite elementwise ops, reductions, graph.transpose and graph.expand to linalg.generic, and
/// softmax and normalisations to elementwise ops and reductions. Tensors keep their extents (#graph.shape). An op that
/// linalg cannot say, such as a broadcast that is decided at run time, stays.
void populateGraphToLinalgPatterns(mlir::RewritePatternSet &patterns);

#define GEN_PASS_DECL_CONVERTGRAPHTOLINALG
#define GEN_PASS_REGISTRATION
#include "tenon/Conversion/GraphToLinalg.h.inc"

} // namespace tenon

#endif // TENON_CONVERSION_GRAPHTOLINALG_H
