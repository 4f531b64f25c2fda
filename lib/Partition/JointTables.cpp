//===- JointTables.cpp - What stages of a chain cost ----------------------===//
#include "JointTables.h"

#include <algorithm>
#include <limits>
#include <map>

namespace tenon::partition {

JointTables::JointTables(const JointProblem &problem, int stages, int microbatches)
    : problem(problem), stages(stages), microbatches(microbatches) {
  const int devices = problem.devices / stages, samples = problem.batch / microbatches;
  for (int tensor = 1; tensor <= devices; ++tensor) {
    const int data = devices / tensor;
    if (devices % tensor != 0 || samples % data != 0 || (problem.pins.tensor && problem.pins.tensor != tensor) ||
        (problem.pins.data && problem.pins.data != data))
      continue;
    for (int variant = 0; variant < int(problem.model->variants().size()); ++variant) {
      const auto &allowed = problem.pins.variants;
      if (allowed.empty() || std::find(allowed.begin(), allowed.end(), variant) != allowed.end())
        add({tensor, data, variant}, samples / data);
    }
  }
  tails.resize(forms.size());
  const size_t blocks = problem.model->chain().size();
  leastSums.assign(blocks + 1, 0);
  leastBoth.assign(blocks + 1, 0);
  for (size_t i = 0; i < blocks; ++i) {
    double seconds = std::numeric_limits<double>::infinity(), both = seconds;
    for (const OfForm &form : forms) {
      const Stretch block = between(form, i, i + 1);
      seconds = std::min(seconds, block.seconds());
      both = std::min(both, block.both());
    }
    leastSums[i + 1] = leastSums[i] + seconds;
    leastBoth[i + 1] = leastBoth[i] + both;
  }
  leastTransfer = forms.empty() || stages == 1 ? 0 : std::numeric_limits<double>::infinity();
  if (stages > 1)
    for (const OfForm &form : forms)
      leastTransfer = std::min(leastTransfer, *std::min_element(form.transfer.begin() + 1, form.transfer.end() - 1));
}

void JointTables::add(const Form &form, int samples) {
  OfForm entry;
  entry.form = form;
  std::map<int, BlockPrice> prices;
  for (int kind : problem.model->chain()) {
    if (prices.count(kind))
      continue;
    auto price = problem.model->price(kind, form, samples, stages);
    if (!price)
      return;
    prices[kind] = *price;
  }
  Stretch sum;
  for (int kind : problem.model->chain()) {
    const BlockPrice &price = prices[kind];
    sum.working = price.workingBytes;
    entry.sums.push_back(sum);
    sum.forward += price.seconds.forward;
    sum.input += price.seconds.backwardInput;
    sum.weight += price.seconds.backwardWeight;
    sum.parameters += price.parameters;
    sum.fixed += price.fixedBytes;
    sum.kept += price.keptBytes;
    sum.forWeights += price.forWeights;
  }
  entry.sums.push_back(sum);
  for (size_t cut = 0; cut < entry.sums.size(); ++cut)
    entry.transfer.push_back(stages > 1 ? problem.model->transfer(int(cut), form, samples, stages).total() : 0);
  // Of forms on as many devices one can be no better than another in anything: full recomputation where nothing is kept
  // that it would not keep, say.
  for (const OfForm &other : forms)
    if (isDominated(entry, other))
      return;
  std::erase_if(forms, [&](const OfForm &other) { return isDominated(other, entry); });
  forms.push_back(std::move(entry));
}

bool JointTables::isDominated(const OfForm &entry, const OfForm &other) const {
  if (entry.form.tensor != other.form.tensor || entry.form.data != other.form.data)
    return false;
  for (size_t i = 0; i + 1 < entry.sums.size(); ++i) {
    const Stretch mine = between(entry, i, i + 1), theirs = between(other, i, i + 1);
    auto isLess = [](double a, double b) { return a < b * (1 - 1e-12); };
    if (mine.parameters != theirs.parameters || isLess(mine.forward, theirs.forward) ||
        isLess(mine.input, theirs.input) || isLess(mine.weight, theirs.weight) || isLess(mine.fixed, theirs.fixed) ||
        isLess(mine.kept, theirs.kept) || isLess(mine.forWeights, theirs.forWeights) ||
        isLess(entry.sums[i].working, other.sums[i].working) || isLess(entry.transfer[i], other.transfer[i]))
      return false;
  }
  return true;
}

Stretch JointTables::between(const OfForm &form, size_t first, size_t last) {
  const Stretch &a = form.sums[first], &b = form.sums[last];
  Stretch stretch;
  stretch.forward = b.forward - a.forward;
  stretch.input = b.input - a.input;
  stretch.weight = b.weight - a.weight;
  stretch.parameters = b.parameters - a.parameters;
  stretch.fixed = b.fixed - a.fixed;
  stretch.kept = b.kept - a.kept;
  stretch.forWeights = b.forWeights - a.forWeights;
  return stretch;
}

double JointTables::tail(size_t form, const Stretch &stretch) const {
  auto [found, isNew] = tails[form].try_emplace(stretch.parameters, 0);
  if (isNew)
    found->second = problem.model->gradients(stretch.parameters, forms[form].form, stages).total() +
                    problem.model->optimizer(stretch.parameters);
  return found->second;
}

double JointTables::bytes(const Stretch &stretch, const std::vector<Demand> &demands) {
  const double late = std::min(stretch.kept, stretch.forWeights), more = stretch.forWeights - late;
  double most = 0;
  for (const Demand &demand : demands)
    most = std::max(most, demand.held * stretch.kept + demand.waiting * late + demand.during * more);
  return stretch.fixed + stretch.working + most;
}

double JointTables::bound() const {
  if (forms.empty())
    return std::numeric_limits<double>::infinity();
  double slowest = leastSums.back() / stages;
  for (size_t i = 1; i < leastSums.size(); ++i)
    slowest = std::max(slowest, leastSums[i] - leastSums[i - 1]);
  // The first microbatch goes through all stages and back.
  return std::max(microbatches * slowest, leastBoth.back() + 2 * (stages - 1) * leastTransfer);
}

} // namespace tenon::partition
