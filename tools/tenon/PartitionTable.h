//===- PartitionTable.h - A partition as text and as JSON -----------------===//
#ifndef TENON_TOOLS_TENON_PARTITIONTABLE_H
#define TENON_TOOLS_TENON_PARTITIONTABLE_H

#include "tenon/Transforms/PartitionOptions.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

namespace tenon::tools {

/// "1.25 ms"; three digits.
std::string formatSeconds(double seconds);

/// Ops that are alike: same kind, phase, stage and choice, about the same price.
struct OpGroup {
  PartitionedOp first;
  int count = 0;
  double seconds = 0; ///< of all of them
};

/// In the order of the first of each.
std::vector<OpGroup> groupOps(const PartitionAnswer &answer);

/// "ranks 0 to 3".
std::string ranksOf(const PartitionAnswer &answer, int stage);

/// What the next best way to split `op` would cost, all others as they are.
std::string describeAlternative(const PartitionedOp &op);

/// The whole answer.
llvm::json::Object toJson(const PartitionAnswer &answer);

/// For people: the choice, what each device does and holds, the ops that take most of the time and why they are split
/// so, and what else was tried.
void printTable(const PartitionAnswer &answer, llvm::raw_ostream &out);

/// A page that needs nothing else: the same with a chart of who does what when, and of the memory.
void printPage(const PartitionAnswer &answer, llvm::StringRef title, llvm::raw_ostream &out);

} // namespace tenon::tools

#endif // TENON_TOOLS_TENON_PARTITIONTABLE_H
