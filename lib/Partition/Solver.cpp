//===- Solver.cpp - Which strategy each op takes: the answer --------------===//
#include "tenon/Partition/Solver.h"

#include "Bounds.h"
#include "Peak.h"
#include "Relaxation.h"
#include "Search.h"
#include "Trws.h"

#include <algorithm>
#include <tuple>

namespace tenon::partition {
namespace {

class Solver {
public:
  Solver(const Problem &problem, const SolverOptions &options) : problem(problem), options(options) {}

  Answer run() {
    for (const Node &node : problem.nodes)
      answer.strategies += int(node.seconds.size());
    Model model = makeModel(problem);
    if (model.conflict >= 0) {
      answer.infeasible = true;
      answer.shortage.conflict = model.conflict;
      return std::move(answer);
    }
    for (int variable : model.variableOf)
      answer.kept += model.labels(variable);
    optimise(model);
    if (!answer.found())
      diagnose();
    return std::move(answer);
  }

private:
  void optimise(const Model &model) {
    Primal primal(model, model.huge / 2);
    Bounds bounds = makeBounds(model, options);
    Relaxation relaxation(model, *bounds.oracle, primal);
    int64_t perStep = bounds.oracle->operations() + 10 * int64_t(model.spans.size()) + int64_t(model.room.size()) + 1;
    relaxation.run(int(std::clamp<int64_t>(options.boundOperations / perStep, 5, 400)), options.gap);
    if (model.size() > 50 && relaxation.bound() < primal.seconds() * (1 - options.gap) && primal.found())
      relaxation.interpolate();
    answer.bound = relaxation.bound();
    bool complete = answer.bound >= primal.seconds() * (1 - options.gap);
    if (!complete && bounds.elimination) {
      SearchResult found =
          search(model, *bounds.elimination, relaxation.multipliers(), primal, options.gap, options.searchOperations);
      answer.bound = std::max(answer.bound, found.bound);
      complete = found.complete;
    }
    if (primal.found()) {
      answer.choice = model.choiceOf(primal.labels());
      answer.seconds = costOf(problem, answer.choice);
      answer.bound = std::min(answer.bound, answer.seconds);
    } else {
      answer.infeasible = complete;
    }
  }

  void diagnose() {
    Shortage &shortage = answer.shortage;
    SmallestPeak peak = findSmallestPeak(problem, options);
    if (peak.choice.empty()) {
      shortage.contradiction = answer.infeasible;
      return;
    }
    shortage.smallestPeak = peak.peak;
    shortage.peakBound = peak.bound;
    shortage.choice = peak.choice;
    answer.infeasible |= peak.bound > problem.capacity;
    std::vector<int64_t> usage = usageOf(problem, peak.choice);
    shortage.point = int(std::max_element(usage.begin(), usage.end()) - usage.begin());
    for (int i = 0; i < int(problem.nodes.size()); ++i)
      for (int k = 0; k < int(problem.nodes[i].tensors.size()); ++k) {
        const Tensor &tensor = problem.nodes[i].tensors[k];
        int64_t bytes = tensor.bytes[peak.choice[i]];
        if (tensor.first <= shortage.point && shortage.point <= tensor.last && bytes > 0)
          shortage.holdings.push_back({i, k, bytes});
      }
    std::sort(shortage.holdings.begin(), shortage.holdings.end(), [](const Holding &a, const Holding &b) {
      return std::tie(b.bytes, a.node, a.tensor) < std::tie(a.bytes, b.node, b.tensor);
    });
    if (!problem.pins.empty()) {
      Problem free = problem;
      free.pins.clear();
      shortage.peakWithoutPins = findSmallestPeak(free, options).peak;
    }
  }

  const Problem &problem;
  const SolverOptions &options;
  Answer answer;
};

std::string mebibytes(int64_t bytes) {
  int64_t tenths = (bytes * 10 + (1 << 19)) >> 20;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " MiB";
}

} // namespace

Bounds makeBounds(const Model &model, const SolverOptions &options) {
  Bounds bounds;
  if (std::optional<Elimination> exact = Elimination::plan(model, options.tableOperations)) {
    auto owned = std::make_unique<Elimination>(std::move(*exact));
    bounds.elimination = owned.get();
    bounds.oracle = std::move(owned);
  } else {
    bounds.oracle = std::make_unique<Trws>(model, 4);
  }
  return bounds;
}

Expected<Answer> solve(const Problem &problem, const SolverOptions &options) {
  TENON_RETURN_IF_ERROR(check(problem));
  return Solver(problem, options).run();
}

Status explain(const Problem &problem, const Answer &answer) {
  const Shortage &shortage = answer.shortage;
  if (shortage.conflict >= 0)
    return Status::error("TN4003", "pins and groups ask for two strategies at once",
                         problem.nodes[shortage.conflict].name, "lift one of the pins");
  if (shortage.contradiction || shortage.choice.empty())
    return Status::error("TN4003", "no choice of strategies avoids what is forbidden", {}, "lift a pin");
  std::string message = "no choice of strategies fits into " + mebibytes(problem.capacity) + " per device: at point " +
                        std::to_string(shortage.point) + " of " + std::to_string(problem.points) + ", " +
                        mebibytes(shortage.smallestPeak) + " are held at least";
  if (shortage.peakBound < shortage.smallestPeak)
    message += " (proven: " + mebibytes(shortage.peakBound) + ")";
  for (size_t i = 0; i < shortage.holdings.size() && i < 5; ++i) {
    const Holding &holding = shortage.holdings[i];
    const Node &node = problem.nodes[holding.node];
    message += (i ? ", " : ": ") + node.tensors[holding.tensor].name + " " + mebibytes(holding.bytes);
  }
  std::string remedy = "use devices with " + mebibytes(shortage.smallestPeak) + ", more devices, smaller batches, or " +
                       "recomputation of what is held longest";
  if (shortage.peakWithoutPins > 0 && shortage.peakWithoutPins < shortage.smallestPeak)
    remedy += "; without pins " + mebibytes(shortage.peakWithoutPins) + " would do";
  const std::string node = shortage.holdings.empty() ? "" : problem.nodes[shortage.holdings[0].node].name;
  return Status::error("TN4002", std::move(message), node, std::move(remedy));
}

} // namespace tenon::partition
