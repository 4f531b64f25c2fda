//===- RankInterpreter.h - All ranks of a partitioned module, side by side ----===//
#ifndef TEST_UNIT_TRANSFORMS_RANKINTERPRETER_H
#define TEST_UNIT_TRANSFORMS_RANKINTERPRETER_H

#include "mlir/IR/BuiltinOps.h"
#include "tenon/Reference/Evaluate.h"
#include "llvm/Support/Error.h"

namespace tenon::test {

/// Evaluates every function with a `graph.rank` on `inputs`, each up to where it meets others; a collective happens
/// when all of its members stand at it, a transfer when both ends do. The results of rank 0; an error says what
/// happened instead, such as ranks that wait for ever.
llvm::Expected<std::vector<reference::HostTensor>> runRanks(mlir::ModuleOp module,
                                                            llvm::ArrayRef<reference::HostTensor> inputs);

} // namespace tenon::test

#endif // TEST_UNIT_TRANSFORMS_RANKINTERPRETER_H
