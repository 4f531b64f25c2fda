//===- Model.cpp - The problem as the solver works on it ------------------===//
#include "Model.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace tenon::partition {
namespace {

/// Moves what every label holds of `span` to `held`, a list of changes from point to point. Whether labels still
/// differ.
bool holdLeast(Span &span, std::vector<int64_t> &held) {
  int64_t least = *std::min_element(span.bytes.begin(), span.bytes.end());
  held[span.first] += least;
  held[span.last + 1] -= least;
  bool varies = false;
  for (int64_t &bytes : span.bytes)
    varies |= (bytes -= least) != 0;
  return varies;
}

class ModelBuilder {
public:
  explicit ModelBuilder(const Problem &problem) : problem(problem) {}

  Model run() {
    joinGroups();
    chooseLabels();
    if (model.conflict >= 0)
      return std::move(model);
    chooseHuge();
    addPrices();
    addSpans();
    return std::move(model);
  }

private:
  int root(int node) {
    while (parent[node] != node)
      node = parent[node] = parent[parent[node]];
    return node;
  }

  void joinGroups() {
    size_t count = problem.nodes.size();
    parent.resize(count);
    std::iota(parent.begin(), parent.end(), 0);
    for (const std::vector<int> &group : problem.groups)
      for (int node : group) {
        int a = root(node), b = root(group[0]);
        parent[std::max(a, b)] = std::min(a, b);
      }
    model.variableOf.assign(count, -1);
    for (size_t i = 0; i < count; ++i) {
      int r = root(int(i));
      if (r == int(i)) {
        model.variableOf[i] = int(model.strategy.size());
        model.strategy.emplace_back(problem.nodes[i].seconds.size());
        std::iota(model.strategy.back().begin(), model.strategy.back().end(), 0);
      }
      model.variableOf[i] = model.variableOf[r];
    }
  }

  /// Applies pins.
  void chooseLabels() {
    for (const Pin &pin : problem.pins) {
      std::vector<int> &strategies = model.strategy[model.variableOf[pin.node]];
      std::erase_if(strategies, [&](int s) { return s != pin.strategy; });
      if (strategies.empty())
        model.conflict = pin.node;
    }
    model.unary.resize(model.strategy.size());
    for (int v = 0; v < model.size(); ++v)
      model.unary[v].assign(model.strategy[v].size(), 0);
  }

  void chooseHuge() {
    double sum = 0;
    auto add = [&](const std::vector<double> &prices) {
      double most = 0;
      for (double seconds : prices)
        if (seconds < forbidden)
          most = std::max(most, seconds);
      sum += most;
    };
    for (const Node &node : problem.nodes)
      add(node.seconds);
    for (const Edge &edge : problem.edges)
      add(edge.seconds);
    model.huge = 2 * sum + 1e-9;
  }

  double finite(double seconds) const { return std::min(seconds, model.huge); }

  void addPrices() {
    for (size_t i = 0; i < problem.nodes.size(); ++i) {
      int v = model.variableOf[i];
      for (int l = 0; l < model.labels(v); ++l)
        model.unary[v][l] += finite(problem.nodes[i].seconds[model.strategy[v][l]]);
    }
    std::map<std::pair<int, int>, std::vector<double>> joined;
    for (const Edge &edge : problem.edges)
      addEdge(edge, joined);
    model.pairsOf.resize(model.size());
    for (auto &[ends, seconds] : joined) {
      model.pairsOf[ends.first].push_back(int(model.pairs.size()));
      model.pairsOf[ends.second].push_back(int(model.pairs.size()));
      model.pairs.push_back({ends.first, ends.second, std::move(seconds)});
    }
  }

  /// An edge to a variable with one label, or to itself, is a price of the other.
  void addEdge(const Edge &edge, std::map<std::pair<int, int>, std::vector<double>> &joined) {
    int from = model.variableOf[edge.producer], to = model.variableOf[edge.consumer];
    size_t columns = problem.nodes[edge.consumer].seconds.size();
    auto price = [&](int i, int j) {
      return finite(edge.seconds[model.strategy[from][i] * columns + model.strategy[to][j]]);
    };
    if (from == to || model.labels(to) == 1) {
      for (int i = 0; i < model.labels(from); ++i)
        model.unary[from][i] += price(i, from == to ? i : 0);
      return;
    }
    if (model.labels(from) == 1) {
      for (int j = 0; j < model.labels(to); ++j)
        model.unary[to][j] += price(0, j);
      return;
    }
    std::vector<double> &seconds = joined[{std::min(from, to), std::max(from, to)}];
    seconds.resize(model.unary[from].size() * model.unary[to].size());
    for (int i = 0; i < model.labels(from); ++i)
      for (int j = 0; j < model.labels(to); ++j)
        seconds[from < to ? i * model.labels(to) + j : j * model.labels(from) + i] += price(i, j);
  }

  void addSpans() {
    std::vector<int64_t> held(problem.points + 1);
    model.spansOf.resize(model.size());
    for (size_t i = 0; i < problem.nodes.size(); ++i)
      for (const Tensor &tensor : problem.nodes[i].tensors) {
        int v = model.variableOf[i];
        Span span{v, tensor.first, tensor.last, {}};
        for (int strategy : model.strategy[v])
          span.bytes.push_back(tensor.bytes[strategy]);
        if (!holdLeast(span, held))
          continue;
        model.spansOf[v].push_back(int(model.spans.size()));
        model.spans.push_back(std::move(span));
      }
    model.room.resize(problem.points);
    int64_t sum = 0;
    for (int t = 0; t < problem.points; ++t)
      model.room[t] = problem.capacity - (sum += held[t]);
  }

  const Problem &problem;
  Model model;
  std::vector<int> parent;
};

/// Whether `variable` loses nothing by `better` in place of `worse`, whatever the others take.
bool dominates(const Model &model, int variable, int better, int worse) {
  for (int s : model.spansOf[variable])
    if (model.spans[s].bytes[better] > model.spans[s].bytes[worse])
      return false;
  double gain = model.unary[variable][worse] - model.unary[variable][better];
  for (int p : model.pairsOf[variable]) {
    const Pair &pair = model.pairs[p];
    int columns = model.labels(pair.b);
    int other = pair.a == variable ? columns : model.labels(pair.a);
    int step = pair.a == variable ? 1 : columns, row = pair.a == variable ? columns : 1;
    double least = forbidden;
    for (int i = 0; i < other; ++i)
      least = std::min(least, pair.seconds[worse * row + i * step] - pair.seconds[better * row + i * step]);
    gain += least;
  }
  return gain >= 0;
}

void removeLabel(Model &model, int variable, int label) {
  model.unary[variable].erase(model.unary[variable].begin() + label);
  model.strategy[variable].erase(model.strategy[variable].begin() + label);
  for (int s : model.spansOf[variable])
    model.spans[s].bytes.erase(model.spans[s].bytes.begin() + label);
}

void removeFromPair(Model &model, int p, int variable, int label) {
  Pair &pair = model.pairs[p];
  int rows = model.labels(pair.a), columns = model.labels(pair.b); // before the removal
  std::vector<double> kept;
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; ++j)
      if (pair.a == variable ? i != label : j != label)
        kept.push_back(pair.seconds[i * columns + j]);
  pair.seconds = std::move(kept);
}

bool dropOne(Model &model, int variable) {
  for (int worse = model.labels(variable) - 1; worse >= 0; --worse)
    for (int better = 0; better < model.labels(variable); ++better)
      if (better != worse && dominates(model, variable, better, worse)) {
        for (int p : model.pairsOf[variable])
          removeFromPair(model, p, variable, worse);
        removeLabel(model, variable, worse);
        return true;
      }
  return false;
}

/// Pairs of a variable with one label left become a price of the other end.
void foldPairs(Model &model) {
  std::vector<Pair> kept;
  for (Pair &pair : model.pairs) {
    int rows = model.labels(pair.a), columns = model.labels(pair.b);
    if (rows > 1 && columns > 1) {
      kept.push_back(std::move(pair));
      continue;
    }
    std::vector<double> &target = model.unary[columns == 1 ? pair.a : pair.b];
    for (size_t i = 0; i < target.size(); ++i)
      target[i] += pair.seconds[i];
  }
  model.pairs = std::move(kept);
  for (std::vector<int> &list : model.pairsOf)
    list.clear();
  for (size_t p = 0; p < model.pairs.size(); ++p) {
    model.pairsOf[model.pairs[p].a].push_back(int(p));
    model.pairsOf[model.pairs[p].b].push_back(int(p));
  }
}

/// Spans that are the same for every label left belong to what is held anyway.
void foldSpans(Model &model) {
  std::vector<int64_t> held(model.room.size() + 1);
  std::vector<Span> kept;
  for (Span &span : model.spans) {
    if (holdLeast(span, held))
      kept.push_back(std::move(span));
  }
  model.spans = std::move(kept);
  for (std::vector<int> &list : model.spansOf)
    list.clear();
  for (size_t s = 0; s < model.spans.size(); ++s)
    model.spansOf[model.spans[s].variable].push_back(int(s));
  int64_t sum = 0;
  for (size_t t = 0; t < model.room.size(); ++t)
    model.room[t] -= (sum += held[t]);
}

} // namespace

double Model::costOf(const Labels &labels) const {
  double seconds = 0;
  for (int v = 0; v < size(); ++v)
    seconds += unary[v][labels[v]];
  for (const Pair &pair : pairs)
    seconds += pair.seconds[labels[pair.a] * unary[pair.b].size() + labels[pair.b]];
  return seconds;
}

std::vector<int64_t> Model::usageOf(const Labels &labels) const {
  std::vector<int64_t> usage(room.size() + 1);
  for (const Span &span : spans) {
    usage[span.first] += span.bytes[labels[span.variable]];
    usage[span.last + 1] -= span.bytes[labels[span.variable]];
  }
  for (size_t t = 1; t < room.size(); ++t)
    usage[t] += usage[t - 1];
  usage.pop_back();
  return usage;
}

bool Model::fits(const Labels &labels) const {
  std::vector<int64_t> usage = usageOf(labels);
  for (size_t t = 0; t < room.size(); ++t)
    if (usage[t] > room[t])
      return false;
  return true;
}

Choice Model::choiceOf(const Labels &labels) const {
  Choice choice;
  for (int v : variableOf)
    choice.push_back(strategy[v][labels[v]]);
  return choice;
}

Model makeModel(const Problem &problem, bool reduce) {
  Model model = ModelBuilder(problem).run();
  if (reduce && model.conflict < 0)
    dropDominated(model);
  return model;
}

void dropDominated(Model &model) {
  std::vector<int> work(model.size());
  std::iota(work.rbegin(), work.rend(), 0);
  std::vector<char> waiting(model.size(), true);
  while (!work.empty()) {
    int v = work.back();
    work.pop_back();
    waiting[v] = false;
    bool dropped = false;
    while (dropOne(model, v))
      dropped = true;
    if (!dropped)
      continue;
    // A neighbour may have had a label that was better with the lost one only.
    for (int p : model.pairsOf[v]) {
      int other = model.pairs[p].a == v ? model.pairs[p].b : model.pairs[p].a;
      if (!waiting[other]) {
        waiting[other] = true;
        work.push_back(other);
      }
    }
  }
  foldPairs(model);
  foldSpans(model);
}

} // namespace tenon::partition
