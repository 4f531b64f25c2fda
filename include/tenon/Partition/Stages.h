//===- Stages.h - Pipeline stages: the problem and the answer -------------===//
//
// Inter-operator parallelism in the form of Piper (Tarnawski, Narayanan, Phanishayee, NeurIPS 2021). A graph of layers
// is cut into stages, each a set of layers between two downward closed sets; a stage is split over `tensor` devices,
// copied `data` times, and each layer takes one of its variants (recomputation or not). The time of a stage for a
// micro-batch is
//
//   (seconds of its variants + 2 * bytes of its edges to other stages, with those of gathering / bandwidth) / data
//     + 4 * (data - 1) / data * bytes of its parameters / micro-batches / bandwidth
//
// and a device holds perBatch * ceil(s / data) + fixed bytes of each layer, where s is the sum of `data` of this stage
// and all behind it: the micro-batches in flight. The slowest stage decides: its time is minimised.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_PARTITION_STAGES_H
#define TENON_PARTITION_STAGES_H

#include "tenon/Plan/Status.h"

#include <map>
#include <string>
#include <vector>

namespace tenon::partition {

/// A way to run a layer on a number of devices.
struct Variant {
  std::string name;
  double seconds = 0;        ///< of a micro-batch, forward and backward
  double parameterBytes = 0; ///< that copies synchronise
  double perBatch = 0;       ///< bytes of each micro-batch in flight
  double fixed = 0;          ///< bytes besides
};

struct Layer {
  std::string name;
  std::map<int, std::vector<Variant>> variants; ///< by tensor-parallel degree
};

/// An activation from one layer to another.
struct Flow {
  int from = 0, to = 0;
  double bytes = 0;
  /// Bytes for gathering where the ends lie in different stages, by tensor-parallel degree of the stage: forward at
  /// `to`, backward at `from`. What is not listed is 0.
  std::map<int, double> gatherForward, gatherBackward;
};

struct StageProblem {
  std::vector<Layer> layers;
  std::vector<Flow> flows; ///< without cycles
  int devices = 1;
  double memory = 0;    ///< bytes of a device
  double bandwidth = 1; ///< bytes per second
  int microBatches = 1; ///< of a batch; `data` divides it
};

struct Stage {
  std::vector<int> layers;   ///< ascending
  std::vector<int> variants; ///< of each of them
  int data = 1, tensor = 1;
};

struct StagePlan {
  std::vector<Stage> stages; ///< in the order of the flows; empty where nothing fits, or nothing was found
  double seconds = 0;        ///< of the slowest
  double bound = 0;          ///< no plan is faster; infinite where it is proven that nothing fits
  int cuts = 0;              ///< downward closed sets
  int rounds = 0;            ///< times that were tried

  double gap() const { return seconds > bound ? (seconds - bound) / seconds : 0; }
};

struct StageOptions {
  /// Stop where the gap is at most this.
  double gap = 1e-7;
  /// Downward closed sets to look at, at most; a graph with more is refused with TN4004.
  int maxCuts = 200'000;
};

/// Whether the problem is well-formed: TN4001 with the layer and what is wrong.
Status check(const StageProblem &problem);

/// Time of the slowest stage of `plan`, infinite where the plan is not one: a layer missing or twice, a flow backwards,
/// too many devices, a degree that does not divide, or too much memory.
double evaluate(const StageProblem &problem, const std::vector<Stage> &stages);

/// Finds the fastest plan: tries times by halves; for each, dynamic programming over downward closed sets finds the
/// fewest devices. Deterministic. Time grows with the square of their number, memory with their number.
Expected<StagePlan> planStages(const StageProblem &problem, const StageOptions &options = {});

} // namespace tenon::partition

#endif // TENON_PARTITION_STAGES_H
