//===- PiperInputs.h - Piper's profiled graphs ----------------------------===//
#ifndef TENON_TEST_PARTITION_PIPERINPUTS_H
#define TENON_TEST_PARTITION_PIPERINPUTS_H

#include "tenon/Partition/Stages.h"

namespace tenon::partition {

/// A row of expected.csv: what Piper's planner found.
struct PiperRow {
  std::string input;
  int devices = 0;
  double gibibytes = 0;
  double seconds = 0;
};

/// Layers and flows of `folder`/`name`.json; the machine is not set but for the file's count of micro-batches. Ends the
/// program with a message where the file is not as expected.
StageProblem readPiperInput(const std::string &folder, const std::string &name);

/// The rows of `folder`/expected.csv.
std::vector<PiperRow> readPiperRows(const std::string &folder);

/// `input` on the machine of a row: 25 GiB/s.
StageProblem onMachine(StageProblem input, int devices, double gibibytes, int microBatches);

} // namespace tenon::partition

#endif // TENON_TEST_PARTITION_PIPERINPUTS_H
