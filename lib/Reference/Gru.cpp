//===- Gru.cpp - Gated recurrent unit --------------------------------------===//
#include "Graph/IR/GruOp.h"

#include "Graph/IR/Activations.h"
#include "Kernels.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

namespace {

/// One row of one direction through time.
class Row {
public:
  Row(graph::GruOp op, OpContext &c, size_t firstResult, int64_t direction, int64_t n)
      : op(op), gates(c.operands[0]), r(c.operands[1]), y(c.results[firstResult]), yH(c.results[firstResult + 1]),
        d(direction), n(n), h(static_cast<size_t>(gates.getDims()[4])) {
    size_t next = 2;
    bias = op.getBias() ? &c.operands[next++] : nullptr;
    initial = op.getInitialH() ? &c.operands[next++] : nullptr;
    lengths = op.getLengths() ? &c.operands[next++] : nullptr;
    for (auto [i, name] : llvm::enumerate(op.getActivations().getAsValueRange<StringAttr>())) {
      activations.push_back(*graph::Activation::get(name));
      activations.back().alpha = op.getAlpha()[i];
      activations.back().beta = op.getBeta()[i];
    }
  }

  void run() {
    ArrayRef<int64_t> dims = gates.getDims();
    int64_t steps = dims[0], rows = dims[1], size = dims[4], state = (d * rows + n) * size;
    for (int64_t j = 0; j < size; ++j)
      h[static_cast<size_t>(j)] = initial ? initial->getDouble(state + j) : 0;
    bool isBackward = op.getDirection() == "backward" || d == 1;
    int64_t length = lengths ? std::clamp<int64_t>(lengths->getInteger(n), 0, steps) : steps;
    for (int64_t s = 0; s < length; ++s) {
      int64_t t = isBackward ? length - 1 - s : s;
      step(t);
      for (int64_t j = 0; j < size; ++j)
        y.setDouble(((t * dims[2] + d) * rows + n) * size + j, h[static_cast<size_t>(j)]);
    }
    for (int64_t j = 0; j < size; ++j)
      yH.setDouble(state + j, h[static_cast<size_t>(j)]);
  }

private:
  double part(int64_t t, int64_t g, int64_t j) const {
    ArrayRef<int64_t> dims = gates.getDims();
    return gates.getDouble((((t * dims[1] + n) * dims[2] + d) * 3 + g) * dims[4] + j);
  }

  double product(int64_t g, int64_t j) const {
    double sum = 0;
    int64_t size = gates.getDims()[4];
    for (int64_t k = 0; k < size; ++k)
      sum += h[static_cast<size_t>(k)] * r.getDouble(((d * 3 + g) * size + j) * size + k);
    return sum;
  }

  double activate(unsigned i, double x) const {
    double clip = const_cast<graph::GruOp &>(op).getClip().convertToDouble();
    return activations[i].evaluate(clip > 0 ? std::clamp(x, -clip, clip) : x);
  }

  void step(int64_t t) {
    std::vector<double> next(h.size());
    int64_t size = gates.getDims()[4];
    for (int64_t j = 0; j < size; ++j) {
      double update = activate(0, part(t, 0, j) + product(0, j)), reset = activate(0, part(t, 1, j) + product(1, j));
      double recurrent = product(2, j) + (bias ? bias->getDouble(d * size + j) : 0);
      double candidate = activate(1, part(t, 2, j) + reset * recurrent);
      next[static_cast<size_t>(j)] = (1 - update) * candidate + update * h[static_cast<size_t>(j)];
    }
    h = std::move(next);
  }

  graph::GruOp op;
  const HostTensor &gates, &r;
  HostTensor &y, &yH;
  const HostTensor *bias, *initial, *lengths;
  int64_t d, n;
  std::vector<double> h;
  SmallVector<graph::Activation, 2> activations;
};

} // namespace

LogicalResult reference::evaluateGru(OpContext &c) {
  auto op = cast<graph::GruOp>(c.op);
  ArrayRef<int64_t> dims = c.operands[0].getDims();
  SmallVector<int64_t> states = {dims[2], dims[1], dims[4]}, all = {dims[0], dims[2], dims[1], dims[4]};
  size_t next = op.getBias() ? 3 : 2;
  if (op.getInitialH() && c.operands[next++].getDims() != ArrayRef(states))
    return c.mismatch() << "the initial state must have extents [" << ArrayRef(states) << "]";
  if (op.getLengths() && c.operands[next].getDims() != ArrayRef<int64_t>{dims[1]})
    return c.mismatch() << "lengths must be [" << dims[1] << "]";
  size_t first = c.results.size();
  if (!c.addResult(all, 0) || !c.addResult(states, 1))
    return failure();
  for (int64_t d = 0; d < dims[2]; ++d)
    for (int64_t n = 0; n < dims[1]; ++n)
      Row(op, c, first, d, n).run();
  return success();
}
