//===- DynamicMeasure.h - The dynamic scheduler on real processes ---------===//
#ifndef TENON_TEST_BENCH_DYNAMICMEASURE_H
#define TENON_TEST_BENCH_DYNAMICMEASURE_H

#include <cstdint>
#include <string>

namespace tenon::test {

/// Whether a batch divided among `workers` processes, in several ways, has the bits of one session. Prints a line.
int compareBits(const std::string &plan, int64_t samples, unsigned workers);

/// One worker and two, each with one thread: median of five. Prints a row.
int measureSpeedup(const std::string &plan, int64_t samples);

/// Two workers, of which the second is slowed down to a tenth in the middle of the third batch (by stopping it nine
/// tenths of the time), stopped in the middle of the fifth, released before the seventh, killed in the eighth. Prints a
/// row for each batch.
int measureStraggler(const std::string &plan, int64_t samples);

/// Workers that wait instead of computing, as the host does for a device: the executor with speeds that no machine here
/// has. One worker, two equal ones, speeds 1:2:4 with noise: medians of five; a straggler: each batch. Prints rows.
int measureWaiting();

} // namespace tenon::test

#endif // TENON_TEST_BENCH_DYNAMICMEASURE_H
