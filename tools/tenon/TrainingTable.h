//===- TrainingTable.h - Tables of steps, collectives and pipelines -------===//
//
// A CSV file whose header names columns. Three kinds are known by their columns: training steps of transformers
// (`hidden`), all-reduces in a node (`ranks`, `bytes`) and pipelines of given passes (`stages`, `forward_us`);
// docs/Rationale/TrainingSteps.md lists all columns, and what is assumed where one is missing. What was measured is
// read by measuredSteps() alone.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_TOOLS_TENON_TRAININGTABLE_H
#define TENON_TOOLS_TENON_TRAININGTABLE_H

#include "tenon/Partition/TransformerStep.h"
#include "llvm/ADT/StringRef.h"

namespace tenon::tools {

struct TrainingTable {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows; ///< as many cells as columns
};

/// Parses CSV without quotes. TN9042 with the line.
Expected<TrainingTable> parseTable(llvm::StringRef text);

/// Columns to add: names, and a cell for each row.
struct Predictions {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

/// Predicts every row. `hasOwnNetwork`: bandwidths between nodes are those of `cluster`, whatever the table assumes.
/// TN9042 with row and column; errors of plans as they come.
Expected<Predictions> predictTable(const TrainingTable &table, const cost::Cluster &cluster, bool hasOwnNetwork);

/// The measured steps of a table of training steps; each row weighs 1 / sqrt(rows), so that a table of n rows weighs
/// sqrt(n).
Expected<std::vector<partition::MeasuredStep>> measuredSteps(const TrainingTable &table);

} // namespace tenon::tools

#endif // TENON_TOOLS_TENON_TRAININGTABLE_H
