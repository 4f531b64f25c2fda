//===- UnevenCopies.cpp - Copies of a stage on unlike devices -------------===//
#include "tenon/Partition/UnevenCopies.h"

#include "tenon/Partition/Shares.h"

#include <algorithm>
#include <limits>

namespace tenon::partition {

UnevenCopies::UnevenCopies(std::vector<JointGroup> kinds) : kinds(std::move(kinds)) {
  assert(!this->kinds.empty() && "there is a kind of device");
}

/// Copies of each kind in a stage; empty where devices are left over.
std::vector<int> UnevenCopies::copies(const Form &form, int stages) const {
  std::vector<int> counts;
  int all = 0;
  for (const JointGroup &kind : kinds) {
    if (kind.devices % (stages * form.tensor) != 0)
      return {};
    counts.push_back(kind.devices / stages / form.tensor);
    all += counts.back();
  }
  return all == form.data ? counts : std::vector<int>{};
}

double UnevenCopies::seconds(size_t kind, const Form &form, int64_t samples, int stages) const {
  const JointModel &model = *kinds[kind].model;
  std::map<int, double> byBlock;
  double sum = 0;
  for (int block : model.chain()) {
    auto [found, isNew] = byBlock.try_emplace(block, 0);
    if (isNew) {
      const auto price = model.price(block, {form.tensor, 1, form.variant}, int(samples), stages);
      if (!price)
        return std::numeric_limits<double>::infinity();
      found->second = price->seconds.forward + price->seconds.backwardInput + price->seconds.backwardWeight;
    }
    sum += found->second;
  }
  return sum;
}

const UnevenCopies::Dealt &UnevenCopies::deal(const Form &form, int samples, int stages) const {
  auto [found, isNew] = dealt.try_emplace({form.tensor, form.data, form.variant, samples, stages});
  Dealt &result = found->second;
  if (!isNew)
    return result;
  std::vector<size_t> kindOf;
  const std::vector<int> counts = copies(form, stages);
  for (size_t kind = 0; kind < counts.size(); ++kind)
    kindOf.insert(kindOf.end(), size_t(counts[kind]), kind);
  std::map<std::pair<size_t, int64_t>, double> known;
  auto secondsOf = [&](size_t kind, int64_t units) {
    auto [entry, isUnknown] = known.try_emplace({kind, units}, 0);
    if (isUnknown)
      entry->second = seconds(kind, form, units, stages);
    return entry->second;
  };
  result.shares = dealUnits(samples, int(kindOf.size()),
                            [&](int copy, int64_t units) { return secondsOf(kindOf[size_t(copy)], units); });
  result.most.assign(kinds.size(), 0);
  for (size_t copy = 0; copy < result.shares.size(); ++copy)
    result.most[kindOf[copy]] = std::max(result.most[kindOf[copy]], result.shares[copy]);
  auto slow = [&](size_t kind) { return result.most[kind] > 0 ? secondsOf(kind, result.most[kind]) : 0; };
  for (size_t kind = 1; kind < kinds.size(); ++kind)
    if (slow(kind) > slow(result.slowest))
      result.slowest = kind;
  return result;
}

const std::vector<int64_t> &UnevenCopies::shares(const Form &form, int samples, int stages) const {
  return deal(form, samples, stages).shares;
}

std::optional<BlockPrice> UnevenCopies::price(int block, const Form &form, int samples, int stages) const {
  const Dealt &result = deal(form, samples, stages);
  if (result.shares.empty())
    return std::nullopt;
  BlockPrice price;
  for (size_t kind = 0; kind < kinds.size(); ++kind) {
    // Who gets no sample has the parameters all the same.
    const int64_t most = std::max<int64_t>(1, result.most[kind]);
    const auto one = kinds[kind].model->price(block, {form.tensor, 1, form.variant}, int(most), stages);
    if (!one)
      return std::nullopt;
    if (kind == result.slowest) {
      price.seconds = one->seconds;
      price.parameters = one->parameters;
    }
    const double memory = kinds[kind].memory;
    price.fixedBytes = std::max(price.fixedBytes, one->fixedBytes / memory);
    price.keptBytes = std::max(price.keptBytes, one->keptBytes / memory);
    price.forWeights = std::max(price.forWeights, one->forWeights / memory);
    price.workingBytes = std::max(price.workingBytes, one->workingBytes / memory);
  }
  return price;
}

Traffic UnevenCopies::transfer(int cut, const Form &form, int samples, int stages, bool leaves) const {
  Traffic slowest;
  for (const JointGroup &kind : kinds) {
    const Traffic one = kind.model->transfer(cut, form, samples, stages, leaves);
    slowest = one.total() > slowest.total() ? one : slowest;
  }
  return slowest;
}

/// A ring through all copies, at the pace of the slowest way.
Traffic UnevenCopies::gradients(double parameters, const Form &form, int stages, bool leaves) const {
  Traffic slowest;
  for (const JointGroup &kind : kinds) {
    const Traffic one = kind.model->gradients(parameters, form, stages, leaves || kinds.size() > 1);
    slowest = one.total() > slowest.total() ? one : slowest;
  }
  return slowest;
}

double UnevenCopies::optimizer(double parameters) const {
  double slowest = 0;
  for (const JointGroup &kind : kinds)
    slowest = std::max(slowest, kind.model->optimizer(parameters));
  return slowest;
}

} // namespace tenon::partition
