//===- MixedClusters.h - Random clusters of A100 and L4 devices -----------===//
#ifndef TENON_TEST_PARTITION_MIXEDCLUSTERS_H
#define TENON_TEST_PARTITION_MIXEDCLUSTERS_H

#include "tenon/Partition/JointTransformer.h"

namespace tenon::partition {

/// A transformer, and nodes of both kinds on one network.
struct MixedCase {
  cost::Cluster a100, l4;
  Transformer model;
  int batch = 1;

  std::string describe() const;
};

/// 1 or 2 nodes of A100 and 1 to 4 of L4 with 2, 4 or 8 devices each, 12.5 to 100 GB/s between them; a GPT of 0.3 to 10
/// billion parameters, batches of 64 to 512 sequences of 2048.
MixedCase randomMixedCase(uint64_t seed);

/// Seconds of the best plans; infinite where none fits.
struct MixedOutcome {
  double alone = 0;  ///< on devices of one kind
  double stages = 0; ///< stages on devices of one kind each, dealt out by the search
  double copies = 0; ///< each stage on both kinds, its samples dealt out unevenly
  double bound = 0;  ///< no plan of the latter two is faster

  double together() const { return std::min(stages, copies); }
};
MixedOutcome compareMixed(const MixedCase &mixed);

} // namespace tenon::partition

#endif // TENON_TEST_PARTITION_MIXEDCLUSTERS_H
