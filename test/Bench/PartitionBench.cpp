//===- PartitionBench.cpp - How fast and how good the partitioner is ------===//
//
// Prints a row for each problem: size, seconds to solve, price, proven bound, gap. partition.py makes a page of them.
//
//===----------------------------------------------------------------------===//
#include "../Unit/Partition/MixedClusters.h"
#include "../Unit/Partition/PiperInputs.h"
#include "../Unit/Partition/TrainingGraph.h"

#include "tenon/Partition/JointTransformer.h"
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

void training(int layers, double capacity, const Problem &problem) {
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
  std::printf("%d | %zu | %zu | %g | %.1f | %.2f | %.6f | %.6f | %.3f %%\n", layers, problem.nodes.size(),
              problem.edges.size(), capacity / 1e9, double(*std::max_element(usage.begin(), usage.end())) / 1e9,
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

/// "8 x (4 x 8), full, 48 x 1f1b": stages, copies and tensor-parallel devices of the most frequent form, its
/// recomputation, microbatches, schedule.
std::string describe(const JointModel &model, const JointPlan &plan) {
  Form most = plan.forms.front();
  for (const Form &form : plan.forms)
    if (std::count(plan.forms.begin(), plan.forms.end(), form) > std::count(plan.forms.begin(), plan.forms.end(), most))
      most = form;
  std::string text = std::to_string(plan.stages()) + " x (" + std::to_string(most.data) + " x " +
                     std::to_string(most.tensor) + "), " + model.variants()[size_t(most.variant)] + ", " +
                     std::to_string(plan.microbatches) + " x " + std::string(scheduleName(plan.schedule));
  if (plan.chunks > 1)
    text += " " + std::to_string(plan.chunks);
  const auto others = plan.forms.size() - size_t(std::count(plan.forms.begin(), plan.forms.end(), most));
  return others ? text + "; " + std::to_string(others) + (others > 1 ? " stages" : " stage") + " else" : text;
}

/// The fastest of `listed` plans as the event simulator sees them, then the search with the freedom that they had (full
/// recomputation, 1F1B or interleaved), then with all of it.
void joint(const Transformer &transformer, int devices, int batch, double network, std::vector<StepPlan> listed) {
  tenon::cost::Cluster cluster = *tenon::cost::findCluster("a100");
  cluster.groups.front().network = network;
  const JointTransformer model(cluster, transformer);
  JointProblem problem{{{&model, devices, 0.95 * double(cluster.groups.front().device.memoryBytes)}}, batch, {}};
  double least = forbidden;
  for (StepPlan &plan : listed) {
    plan.batch = batch;
    if (plan.microbatch == 0) {
      auto complete = completePlan(cluster, transformer, plan);
      if (!complete.ok())
        continue;
      plan = *complete;
    }
    auto result = run(problem, model.planOf(plan));
    if (result.ok())
      least = std::min(least, result->seconds);
  }
  JointProblem same = problem;
  same.pins.variants = {JointTransformer::variantOf(Recompute::Full, false)};
  same.pins.schedules = {ScheduleKind::OneForwardOneBackward, ScheduleKind::Interleaved};
  auto answer = listed.empty() ? tenon::Expected<JointAnswer>(JointAnswer{}) : solve(same);
  const double start = now();
  auto all = solve(problem);
  const double seconds = now() - start;
  if (!answer.ok() || !all.ok()) {
    std::printf("%s\n", (answer.ok() ? all : answer).status().str().c_str());
    return;
  }
  if (!listed.empty())
    std::printf("%.4f | %.4f | ", least, answer->seconds);
  std::printf("%.4f | %s | %.4f | %.2f %% | %d | %.2f\n", all->seconds, describe(model, all->plan).c_str(), all->bound,
              100 * all->gap(), int(all->combinations), seconds);
}

/// Counts clusters of both kinds of devices in which a plan for all of them beats the best for one kind; prints some.
void mixed(int count, int shown) {
  int better = 0, byCopies = 0;
  double gain = 0, least = 1, gap = 0;
  for (int seed = 0; seed < count; ++seed) {
    const MixedCase each = randomMixedCase(uint64_t(seed));
    const MixedOutcome outcome = compareMixed(each);
    const double ratio = outcome.together() / outcome.alone;
    better += ratio < 0.999;
    byCopies += outcome.copies < outcome.stages;
    gain += 1 - ratio;
    least = std::min(least, 1 - ratio);
    gap += 1 - outcome.bound / outcome.together();
    if (seed < shown)
      std::printf("%s | %.3f | %.3f | %.3f | %.3f\n", each.describe().c_str(), outcome.alone, outcome.stages,
                  outcome.copies, outcome.bound);
  }
  std::printf("%d %d %d %.4f %.4f %.4f\n", count, better, byCopies, gain / count, least, gap / count);
}

} // namespace

int main(int argc, char **argv) {
  if (argc == 9 && !std::strcmp(argv[1], "training")) {
    const TrainingOptions options{std::atoi(argv[2]), std::atof(argv[3]), std::atof(argv[4]),      std::atof(argv[5]),
                                  std::atof(argv[6]), std::atof(argv[7]), std::atof(argv[8]) * 1e9};
    training(options.layers, options.capacity, trainingGraph(options));
    return 0;
  }
  if (argc == 6 && !std::strcmp(argv[1], "resnet")) {
    const ResNetOptions options{std::atof(argv[2]), std::atof(argv[3]), std::atof(argv[4]), std::atof(argv[5]) * 1e9};
    training(50, options.capacity, trainingGraph(options));
    return 0;
  }
  if (argc == 4 && !std::strcmp(argv[1], "mixed")) {
    mixed(std::atoi(argv[2]), std::atoi(argv[3]));
    return 0;
  }
  if (argc == 7 && !std::strcmp(argv[1], "piper")) {
    piper(argv[2], argv[3], std::atoi(argv[4]), std::atof(argv[5]), std::atoi(argv[6]));
    return 0;
  }
  if (argc >= 9 && (argc - 9) % 4 == 0 && !std::strcmp(argv[1], "joint")) {
    const double hidden = std::atof(argv[2]);
    std::vector<StepPlan> listed;
    for (int i = 9; i < argc; i += 4)
      listed.push_back({std::atoi(argv[i]), std::atoi(argv[i + 1]), std::atoi(argv[i + 2]), 1, std::atoi(argv[i + 3])});
    joint({hidden, 4 * hidden, std::atof(argv[3]), std::atoi(argv[4]), std::atof(argv[5])}, std::atoi(argv[6]),
          std::atoi(argv[7]), std::atof(argv[8]) * 1e9, listed);
    return 0;
  }
  std::fprintf(stderr, "usage: partition-bench training LAYERS HIDDEN TOKENS INNER OUTER EXPERTS GIGABYTES\n"
                       "       partition-bench resnet IMAGES INNER OUTER GIGABYTES\n"
                       "       partition-bench piper FOLDER INPUT DEVICES GIBIBYTES MICROBATCHES\n"
                       "       partition-bench mixed CLUSTERS SHOWN\n"
                       "       partition-bench joint HIDDEN HEADS LAYERS SEQUENCE DEVICES BATCH NETWORK_GB_PER_S "
                       "[DATA TENSOR PIPELINE MICROBATCH]..\n");
  return 2;
}
