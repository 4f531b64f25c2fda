//===- Attention.cpp - Attention and rotary positions ---------------------===//
#include "Graph/IR/GraphOps.h"
#include "Kernels.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

namespace {

/// An attention with its extents: q [b, heads, s, e], k [b, keyHeads, t, e], v [b, keyHeads, t, f].
struct Problem {
  graph::AttentionOp op;
  const HostTensor &q, &k, &v;
  const HostTensor *mask;
  int64_t b, heads, s, e, keyHeads, t, f;
  SmallVector<int64_t> maskStrides = {};
  std::optional<int64_t> causalOffset = {};

  double score(int64_t n, int64_t h, int64_t i, int64_t j) const {
    constexpr double masked = -std::numeric_limits<double>::infinity();
    if (causalOffset && j > i + *causalOffset)
      return masked;
    int64_t query = ((n * heads + h) * s + i) * e, key = ((n * keyHeads + h / (heads / keyHeads)) * t + j) * e;
    double sum = 0;
    for (int64_t x = 0; x < e; ++x)
      sum += q.getDouble(query + x) * k.getDouble(key + x);
    auto attention = op;
    sum *= attention.getScale().convertToDouble();
    if (double cap = attention.getSoftcap().convertToDouble(); cap != 0)
      sum = cap * std::tanh(sum / cap);
    if (!mask)
      return sum;
    double value = mask->getDouble(n * maskStrides[0] + h * maskStrides[1] + i * maskStrides[2] + j * maskStrides[3]);
    if (mask->getType() == ElementType::Bool)
      return value != 0 ? sum : masked;
    return sum + value;
  }

  void evaluateRow(int64_t n, int64_t h, int64_t i, HostTensor &result) const {
    std::vector<double> weights(static_cast<size_t>(t)), sums(static_cast<size_t>(f));
    double largest = -std::numeric_limits<double>::infinity(), total = 0;
    for (int64_t j = 0; j < t; ++j) {
      weights[static_cast<size_t>(j)] = score(n, h, i, j);
      largest = std::max(largest, weights[static_cast<size_t>(j)]);
    }
    int64_t value = (n * keyHeads + h / (heads / keyHeads)) * t * f;
    for (int64_t j = 0; j < t && !(largest < -std::numeric_limits<double>::max()); ++j) {
      double weight = std::exp(weights[static_cast<size_t>(j)] - largest);
      total += weight;
      for (int64_t x = 0; x < f; ++x)
        sums[static_cast<size_t>(x)] += weight * v.getDouble(value + j * f + x);
    }
    auto attention = op;
    double none = attention.getNanRows() && t > 0 ? std::numeric_limits<double>::quiet_NaN() : 0;
    for (int64_t x = 0; x < f; ++x)
      result.setDouble(((n * heads + h) * s + i) * f + x, total == 0 ? none : sums[static_cast<size_t>(x)] / total);
  }
};

} // namespace

LogicalResult reference::evaluateAttention(OpContext &c) {
  auto op = cast<graph::AttentionOp>(c.op);
  ArrayRef<int64_t> q = c.operands[0].getDims(), k = c.operands[1].getDims(), v = c.operands[2].getDims();
  if (q[0] != k[0] || k[0] != v[0] || q[3] != k[3] || k[1] != v[1] || k[2] != v[2])
    return c.mismatch() << "[" << q << "], [" << k << "] and [" << v << "] do not fit";
  Problem p{op,   c.operands[0], c.operands[1], c.operands[2], op.getMask() ? &c.operands[3] : nullptr,
            q[0], q[1],          q[2],          q[3],          k[1],
            k[2], v[3]};
  if (p.mask) {
    auto strides = getBroadcastStrides(p.mask->getDims(), {p.b, p.heads, p.s, p.t});
    if (!strides)
      return c.mismatch() << "the mask [" << p.mask->getDims() << "] does not broadcast";
    p.maskStrides = *strides;
  }
  if (op.getCausalOffset()) {
    p.causalOffset = op.getCausalOffset()->evaluate([&](StringRef name) -> std::optional<int64_t> {
      auto it = c.env.symbols.find(name);
      return it == c.env.symbols.end() ? std::nullopt : std::optional(it->second);
    });
    if (!p.causalOffset)
      return c.mismatch() << "the causal offset cannot be evaluated";
  }
  HostTensor *result = c.addResult({p.b, p.heads, p.s, p.f});
  if (!result)
    return failure();
  for (int64_t n = 0; n < p.b; ++n)
    for (int64_t h = 0; h < p.heads; ++h)
      for (int64_t i = 0; i < p.s; ++i)
        p.evaluateRow(n, h, i, *result);
  return success();
}

LogicalResult reference::evaluateRotaryEmbedding(OpContext &c) {
  const HostTensor &x = c.operands[0], &cos = c.operands[1], &sin = c.operands[2];
  SmallVector<int64_t> rows(x.getDims().drop_back()), angleRows(cos.getDims().drop_back());
  auto strides = getBroadcastStrides(angleRows, rows);
  if (!strides)
    return c.mismatch() << "[" << cos.getDims() << "] does not broadcast to [" << x.getDims() << "]";
  HostTensor *result = c.addResult(x.getDims());
  if (!result)
    return failure();
  int64_t size = x.getDims().back(), half = cos.getDims().back(), base = 0;
  for (Odometer it(rows, {*strides}); it.isValid(); it.next(), base += size) {
    for (int64_t i = 0; i < half; ++i) {
      int64_t first = base + i, second = first + half;
      double a = x.getDouble(first), b = x.getDouble(second);
      double u = cos.getDouble(it.offset(0) * half + i), w = sin.getDouble(it.offset(0) * half + i);
      result->setDouble(first, a * u - b * w);
      result->setDouble(second, a * w + b * u);
    }
    for (int64_t i = 2 * half; i < size; ++i)
      result->setDouble(base + i, x.getDouble(base + i));
  }
  return success();
}
