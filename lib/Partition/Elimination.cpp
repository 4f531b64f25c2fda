//===- Elimination.cpp - The exact minimum by eliminating variables -------===//
#include "Elimination.h"

#include <algorithm>
#include <set>

namespace tenon::partition {

std::optional<Elimination> Elimination::plan(const Model &model, int64_t maxOperations) {
  int count = model.size();
  std::vector<std::set<int>> neighbours(count);
  for (const Pair &pair : model.pairs) {
    neighbours[pair.a].insert(pair.b);
    neighbours[pair.b].insert(pair.a);
  }
  // The size of the table that eliminating a variable makes, capped so that it cannot overflow.
  auto weight = [&](int v) {
    int64_t product = model.labels(v);
    for (int n : neighbours[v])
      product = std::min(product * model.labels(n), maxOperations + 1);
    return product;
  };
  std::set<std::pair<int64_t, int>> queue;
  std::vector<int64_t> weightOf(count);
  for (int v = 0; v < count; ++v)
    queue.insert({weightOf[v] = weight(v), v});
  Elimination result(model);
  while (!queue.empty()) {
    auto [cost, v] = *queue.begin();
    queue.erase(queue.begin());
    result.work += cost * int64_t(1 + neighbours[v].size());
    if (result.work > maxOperations)
      return std::nullopt;
    Bucket bucket;
    bucket.variable = v;
    bucket.scope.assign(neighbours[v].begin(), neighbours[v].end());
    for (int a : bucket.scope) {
      neighbours[a].erase(v);
      for (int b : bucket.scope)
        if (a != b)
          neighbours[a].insert(b);
    }
    for (int a : bucket.scope) {
      queue.erase({weightOf[a], a});
      queue.insert({weightOf[a] = weight(a), a});
    }
    result.buckets.push_back(std::move(bucket));
  }
  result.connect();
  return result;
}

/// Gives each pair and table to the bucket where the first of its variables is eliminated.
void Elimination::connect() {
  std::vector<int> position(model->size());
  for (size_t i = 0; i < buckets.size(); ++i)
    position[buckets[i].variable] = int(i);
  auto add = [&](Factor factor, const std::vector<int> &variables, const std::vector<int64_t> &strides) {
    int first =
        *std::min_element(variables.begin(), variables.end(), [&](int a, int b) { return position[a] < position[b]; });
    Bucket &bucket = buckets[position[first]];
    factor.strides.assign(bucket.scope.size(), 0);
    for (size_t i = 0; i < variables.size(); ++i) {
      if (variables[i] == first) {
        factor.own = strides[i];
        continue;
      }
      size_t at = std::find(bucket.scope.begin(), bucket.scope.end(), variables[i]) - bucket.scope.begin();
      factor.strides[at] = strides[i];
    }
    bucket.factors.push_back(std::move(factor));
  };
  for (Bucket &bucket : buckets) {
    std::sort(bucket.scope.begin(), bucket.scope.end(), [&](int a, int b) { return position[a] < position[b]; });
    int64_t size = 1;
    for (int v : bucket.scope) {
      bucket.strides.push_back(size);
      size *= model->labels(v);
    }
    bucket.table.resize(size);
  }
  for (size_t p = 0; p < model->pairs.size(); ++p) {
    const Pair &pair = model->pairs[p];
    add({int(p), true, 0, {}}, {pair.a, pair.b}, {model->labels(pair.b), 1});
  }
  for (size_t i = 0; i < buckets.size(); ++i)
    if (!buckets[i].scope.empty())
      add({int(i), false, 0, {}}, buckets[i].scope, buckets[i].strides);
}

void Elimination::fill(Bucket &bucket) {
  int labels = model->labels(bucket.variable);
  const std::vector<double> &own = (*prices)[bucket.variable];
  std::vector<int> counter(bucket.scope.size());
  std::vector<const double *> data;
  for (const Factor &factor : bucket.factors)
    data.push_back(dataOf(factor));
  std::vector<double> sum(labels);
  for (double &entry : bucket.table) {
    std::copy(own.begin(), own.end(), sum.begin());
    for (size_t f = 0; f < data.size(); ++f) {
      const double *at = data[f];
      int64_t step = bucket.factors[f].own;
      for (int l = 0; l < labels; ++l)
        sum[l] += at[l * step];
    }
    entry = *std::min_element(sum.begin(), sum.end());
    for (size_t k = 0; k < counter.size(); ++k) {
      bool wraps = ++counter[k] == model->labels(bucket.scope[k]);
      int64_t steps = wraps ? 1 - counter[k] : 1;
      for (size_t f = 0; f < data.size(); ++f)
        data[f] += steps * bucket.factors[f].strides[k];
      if (!wraps)
        break;
      counter[k] = 0;
    }
  }
}

double Elimination::minimise(const Unary &unary, Labels &labels) {
  prices = &unary;
  double minimum = 0;
  for (Bucket &bucket : buckets) {
    fill(bucket);
    if (bucket.scope.empty())
      minimum += bucket.table[0];
  }
  labels.assign(model->size(), 0);
  std::vector<double> adds;
  for (int position = int(buckets.size()) - 1; position >= 0; --position) {
    increments(position, labels, adds);
    labels[buckets[position].variable] = int(std::min_element(adds.begin(), adds.end()) - adds.begin());
  }
  return minimum;
}

void Elimination::increments(int position, const Labels &labels, std::vector<double> &out) const {
  const Bucket &bucket = buckets[position];
  out = (*prices)[bucket.variable];
  for (const Factor &factor : bucket.factors) {
    const double *data = dataOf(factor);
    for (size_t k = 0; k < bucket.scope.size(); ++k)
      data += labels[bucket.scope[k]] * factor.strides[k];
    for (size_t l = 0; l < out.size(); ++l)
      out[l] += data[l * factor.own];
  }
  int64_t at = 0;
  for (size_t k = 0; k < bucket.scope.size(); ++k)
    at += labels[bucket.scope[k]] * bucket.strides[k];
  for (double &seconds : out)
    seconds -= bucket.table[at];
}

} // namespace tenon::partition
