//===- Trws.cpp - A lower bound by message passing ------------------------===//
#include "Trws.h"

#include <algorithm>

namespace tenon::partition {

Trws::Trws(const Model &model, int sweeps)
    : model(model), sweeps(sweeps), messages(model.pairs.size()), share(model.size()) {
  for (size_t p = 0; p < model.pairs.size(); ++p) {
    work += 2 * sweeps * int64_t(model.pairs[p].seconds.size());
    messages[p].assign(model.labels(model.pairs[p].a), 0); // as after a backward pass
  }
  for (int v = 0; v < model.size(); ++v) {
    int before = 0;
    for (int p : model.pairsOf[v])
      before += model.pairs[p].b == v;
    int after = int(model.pairsOf[v].size()) - before;
    share[v] = 1.0 / std::max({before, after, 1});
    work += 2 * sweeps * model.labels(v) * int64_t(model.pairsOf[v].size() + 1);
  }
}

/// The prices of `variable` with all messages to it.
void Trws::gather(const Unary &unary, int variable) {
  sum = unary[variable];
  for (int p : model.pairsOf[variable])
    for (size_t l = 0; l < sum.size(); ++l)
      sum[l] += messages[p][l];
}

/// Replaces the message of pair `p` to `from` by the one to its other end; returns what was taken from the latter so
/// that its smallest entry is 0. `sum` holds the prices of `from`.
double Trws::send(int p, int from) {
  const Pair &pair = model.pairs[p];
  int rows = model.labels(pair.a), columns = model.labels(pair.b);
  std::vector<double> &message = messages[p];
  double part = share[from];
  if (pair.a == from) {
    out.assign(columns, forbidden);
    for (int i = 0; i < rows; ++i) {
      double rest = part * sum[i] - message[i];
      const double *row = &pair.seconds[i * columns];
      for (int j = 0; j < columns; ++j)
        out[j] = std::min(out[j], rest + row[j]);
    }
  } else {
    out.assign(rows, forbidden);
    for (int j = 0; j < columns; ++j)
      message[j] = part * sum[j] - message[j];
    for (int i = 0; i < rows; ++i) {
      const double *row = &pair.seconds[i * columns];
      for (int j = 0; j < columns; ++j)
        out[i] = std::min(out[i], message[j] + row[j]);
    }
  }
  double least = *std::min_element(out.begin(), out.end());
  for (double &entry : out)
    entry -= least;
  message.assign(out.begin(), out.end());
  return least;
}

void Trws::forward(const Unary &unary) {
  for (int v = 0; v < model.size(); ++v) {
    gather(unary, v);
    for (int p : model.pairsOf[v])
      if (model.pairs[p].a == v)
        send(p, v);
  }
}

double Trws::backward(const Unary &unary) {
  double bound = 0;
  for (int v = model.size() - 1; v >= 0; --v) {
    gather(unary, v);
    double least = *std::min_element(sum.begin(), sum.end());
    bound += least;
    for (double &entry : sum)
      entry -= least;
    for (int p : model.pairsOf[v])
      if (model.pairs[p].b == v)
        bound += send(p, v);
  }
  return bound;
}

/// Labels one after the other, with the labels before and the messages from behind: after a backward pass.
void Trws::decode(const Unary &unary, Labels &labels) {
  labels.assign(model.size(), 0);
  for (int v = 0; v < model.size(); ++v) {
    sum = unary[v];
    for (int p : model.pairsOf[v]) {
      bool isFirst = model.pairs[p].a == v;
      for (int l = 0; l < int(sum.size()); ++l)
        sum[l] += isFirst ? messages[p][l] : model.pairCost(p, v, l, labels);
    }
    labels[v] = int(std::min_element(sum.begin(), sum.end()) - sum.begin());
  }
}

double Trws::minimise(const Unary &unary, Labels &labels) {
  double bound = 0;
  for (int i = 0; i < sweeps; ++i) {
    forward(unary);
    bound = backward(unary);
  }
  decode(unary, labels);
  return bound;
}

} // namespace tenon::partition
