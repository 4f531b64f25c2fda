//===- PartitionBench.cpp - How fast and how good the partitioner is ------===//
//
// Prints a row for each problem: size, seconds to solve, price, proven bound, gap. partition.py makes a page of them.
//
//===----------------------------------------------------------------------===//
#include "../Unit/Partition/TrainingGraph.h"

#include "tenon/Partition/Solver.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace tenon::partition;

namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

void training(int layers, double capacity) {
  TrainingOptions options;
  options.layers = layers;
  options.capacity = capacity;
  Problem problem = trainingGraph(options);
  double start = now();
  tenon::Expected<Answer> answer = solve(problem);
  double seconds = now() - start;
  if (!answer.ok() || !answer->found()) {
    std::printf("%d layers, %zu ops, %.1f GB: %s\n", layers, problem.nodes.size(), capacity / 1e9,
                answer.ok() ? explain(problem, *answer).str().c_str() : answer.status().str().c_str());
    std::printf("solved in %.2f s; bound %.6f\n", seconds, answer->bound);
    return;
  }
  std::vector<int64_t> usage = usageOf(problem, answer->choice);
  std::printf("%d layers | %zu ops | %zu edges | %d of %d strategies | %.1f GB | peak %.2f GB | %.2f s | %.6f | %.6f | "
              "%.3f %%\n",
              layers, problem.nodes.size(), problem.edges.size(), answer->kept, answer->strategies, capacity / 1e9,
              double(*std::max_element(usage.begin(), usage.end())) / 1e9, seconds, answer->seconds, answer->bound,
              100 * answer->gap());
}

} // namespace

int main(int argc, char **argv) {
  if (argc == 4 && !std::strcmp(argv[1], "training")) {
    training(std::atoi(argv[2]), std::atof(argv[3]) * 1e9);
    return 0;
  }
  std::fprintf(stderr, "usage: partition-bench training LAYERS GIGABYTES\n");
  return 2;
}
