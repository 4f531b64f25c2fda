//===- PartitionBench.cpp - How fast and how good the partitioner is ------===//
//
// Prints a row for each problem: size, seconds to solve, price, proven bound, gap. partition.py makes a page of them.
//
//===----------------------------------------------------------------------===//
#include "../Unit/Partition/PiperInputs.h"
#include "../Unit/Partition/TrainingGraph.h"

#include "tenon/Partition/Solver.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

using namespace tenon::partition;

namespace {

/// Seconds of the processor: others may use the machine too.
double now() { return double(std::clock()) / CLOCKS_PER_SEC; }

void training(const TrainingOptions &options) {
  Problem problem = trainingGraph(options);
  double start = now();
  tenon::Expected<Answer> answer = solve(problem);
  double seconds = now() - start;
  if (!answer.ok() || !answer->found()) {
    std::printf("%d layers, %zu ops, %.1f GB: %s\n", options.layers, problem.nodes.size(), options.capacity / 1e9,
                answer.ok() ? explain(problem, *answer).str().c_str() : answer.status().str().c_str());
    std::printf("solved in %.2f s; bound %.6f\n", seconds, answer->bound);
    return;
  }
  std::vector<int64_t> usage = usageOf(problem, answer->choice);
  std::printf("%d | %zu | %zu | %g | %.1f | %.2f | %.6f | %.6f | %.3f %%\n", options.layers, problem.nodes.size(),
              problem.edges.size(), options.capacity / 1e9, double(*std::max_element(usage.begin(), usage.end())) / 1e9,
              seconds, answer->seconds, answer->bound, 100 * answer->gap());
}

void piper(const std::string &folder, const std::string &name, int devices, double gibibytes, int microBatches) {
  StageProblem problem = onMachine(readPiperInput(folder, name), devices, gibibytes, microBatches);
  double start = now();
  tenon::Expected<StagePlan> plan = planStages(problem);
  double seconds = now() - start;
  if (!plan.ok()) {
    std::printf("%s\n", plan.status().str().c_str());
    return;
  }
  if (plan->stages.empty()) {
    std::printf("%s | %d | %g | %d | %d | %.2f | nothing fits (%s) | |\n", name.c_str(), devices, gibibytes, plan->cuts,
                0, seconds, plan->bound < forbidden ? "not proven" : "proven");
    return;
  }
  std::printf("%s | %d | %g | %d | %zu | %.2f | %.6f | %.6f | %.4f %%\n", name.c_str(), devices, gibibytes, plan->cuts,
              plan->stages.size(), seconds, plan->seconds, plan->bound, 100 * plan->gap());
}

} // namespace

int main(int argc, char **argv) {
  if (argc == 9 && !std::strcmp(argv[1], "training")) {
    training({std::atoi(argv[2]), std::atof(argv[3]), std::atof(argv[4]), std::atof(argv[5]), std::atof(argv[6]),
              std::atof(argv[7]), std::atof(argv[8]) * 1e9});
    return 0;
  }
  if (argc == 7 && !std::strcmp(argv[1], "piper")) {
    piper(argv[2], argv[3], std::atoi(argv[4]), std::atof(argv[5]), std::atoi(argv[6]));
    return 0;
  }
  std::fprintf(stderr, "usage: partition-bench training LAYERS HIDDEN TOKENS INNER OUTER EXPERTS GIGABYTES\n"
                       "       partition-bench piper FOLDER INPUT DEVICES GIBIBYTES MICROBATCHES\n");
  return 2;
}
