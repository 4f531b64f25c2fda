//===- JointTables.cpp - What stages of a chain cost ----------------------===//
#include "JointTables.h"

#include <algorithm>
#include <limits>
#include <map>

namespace tenon::partition {

JointTables::JointTables(const JointProblem &problem, std::vector<int> groupsOfStages, int microbatches)
    : problem(problem), groups(std::move(groupsOfStages)), stages(int(groups.size())), microbatches(microbatches) {
  for (int group = 0; group < int(problem.groups.size()); ++group)
    if (std::find(groups.begin(), groups.end(), group) != groups.end())
      addGroup(group);
  tails.resize(forms.size());
  least = leastOf(groups);
  ofGroup.resize(problem.groups.size());
  for (int group : groups)
    if (ofGroup[size_t(group)].seconds.empty())
      ofGroup[size_t(group)] = leastOf({group});
  behind.resize(groups.size());
  for (size_t stage = groups.size(); stage-- > 0;)
    behind[stage] = stage + 1 < groups.size() && groups[stage] == groups[stage + 1]
                        ? behind[stage + 1]
                        : leastOf({groups.begin() + std::ptrdiff_t(stage), groups.end()});
  leastTransfer = forms.empty() || stages == 1 ? 0 : std::numeric_limits<double>::infinity();
  if (stages > 1)
    for (const OfForm &form : forms)
      leastTransfer = std::min(leastTransfer, *std::min_element(form.transfer.begin() + 1, form.transfer.end() - 1));
}

JointTables::Least JointTables::leastOf(const std::vector<int> &some) const {
  const size_t blocks = problem.model().chain().size();
  Least sums{std::vector<double>(blocks + 1, 0), std::vector<double>(blocks + 1, 0)};
  for (size_t i = 0; i < blocks; ++i) {
    double seconds = std::numeric_limits<double>::infinity(), both = seconds;
    for (const OfForm &form : forms) {
      if (std::find(some.begin(), some.end(), form.group) == some.end())
        continue;
      const Stretch block = between(form, i, i + 1);
      seconds = std::min(seconds, block.seconds());
      both = std::min(both, block.both());
    }
    sums.seconds[i + 1] = sums.seconds[i] + seconds;
    sums.both[i + 1] = sums.both[i] + both;
  }
  return sums;
}

void JointTables::addGroup(int group) {
  const int devices = problem.groups[size_t(group)].devices / int(std::count(groups.begin(), groups.end(), group));
  const JointPins &pins = problem.pins;
  for (int tensor = 1; tensor <= devices; ++tensor) {
    const int data = devices / tensor;
    if (devices % tensor != 0 || (pins.tensor && pins.tensor != tensor) || (pins.data && pins.data != data))
      continue;
    for (int variant = 0; variant < int(problem.model().variants().size()); ++variant)
      if (pins.variants.empty() ||
          std::find(pins.variants.begin(), pins.variants.end(), variant) != pins.variants.end())
        add(group, {tensor, data, variant});
  }
}

void JointTables::add(int group, const Form &form) {
  const JointModel &model = *problem.groups[size_t(group)].model;
  const int samples = problem.batch / microbatches;
  OfForm entry;
  entry.group = group;
  entry.form = form;
  std::map<int, BlockPrice> prices;
  for (int kind : model.chain()) {
    if (prices.count(kind))
      continue;
    auto price = model.price(kind, form, samples, stages);
    if (!price)
      return;
    prices[kind] = *price;
  }
  Stretch sum;
  for (int kind : model.chain()) {
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
    entry.transfer.push_back(stages > 1 ? model.transfer(int(cut), form, samples, stages, false).total() : 0);
  // Of forms on as many devices one can be no better than another in anything: full recomputation where nothing is kept
  // that it would not keep, say.
  for (const OfForm &other : forms)
    if (isDominated(entry, other))
      return;
  std::erase_if(forms, [&](const OfForm &other) { return isDominated(other, entry); });
  forms.push_back(std::move(entry));
}

bool JointTables::isDominated(const OfForm &entry, const OfForm &other) const {
  if (entry.group != other.group || entry.form.tensor != other.form.tensor || entry.form.data != other.form.data)
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
  if (isNew) {
    const JointModel &model = *problem.groups[size_t(forms[form].group)].model;
    found->second = model.gradients(stretch.parameters, forms[form].form, stages, false).total() +
                    model.optimizer(stretch.parameters);
  }
  return found->second;
}

double JointTables::bytes(const Stretch &stretch, const std::vector<Demand> &demands) {
  const double late = std::min(stretch.kept, stretch.forWeights), more = stretch.forWeights - late;
  double most = 0;
  for (const Demand &demand : demands)
    most = std::max(most, demand.held * stretch.kept + demand.waiting * late + demand.during * more);
  return stretch.fixed + stretch.working + most;
}

/// Of a time x for each stage: the stages of group g have stages_g x seconds for their blocks. For any weights of the
/// groups, x times the weighted stages is at least the blocks, each where its weighted seconds are the least.
double JointTables::slowestStage() const {
  const size_t blocks = least.seconds.size() - 1;
  double weights = 0;
  std::vector<double> weight(ofGroup.size(), 0);
  for (int group : groups) {
    weight[size_t(group)] = 1 / std::max(ofGroup[size_t(group)].seconds.back(), 1e-300);
    weights += weight[size_t(group)];
  }
  double sum = 0, slowest = 0;
  for (size_t i = 0; i < blocks; ++i) {
    double block = std::numeric_limits<double>::infinity();
    for (size_t group = 0; group < ofGroup.size(); ++group)
      if (weight[group] > 0)
        block = std::min(block, weight[group] * (ofGroup[group].seconds[i + 1] - ofGroup[group].seconds[i]));
    sum += block;
    slowest = std::max(slowest, least.seconds[i + 1] - least.seconds[i]);
  }
  return weights > 0 ? std::max(slowest, sum / weights) : std::numeric_limits<double>::infinity();
}

double JointTables::bound() const {
  for (int group : groups)
    if (std::none_of(forms.begin(), forms.end(), [&](const OfForm &form) { return form.group == group; }))
      return std::numeric_limits<double>::infinity();
  // The first microbatch goes through all stages and back.
  return std::max(microbatches * slowestStage(), least.both.back() + 2 * (stages - 1) * leastTransfer);
}

} // namespace tenon::partition
