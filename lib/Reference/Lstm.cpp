//===- Lstm.cpp - Long short-term memory ----------------------------------===//
#include "Graph/IR/Activations.h"
#include "Graph/IR/GraphOps.h"
#include "Kernels.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

namespace {

/// The operands by role; null where absent.
struct Operands {
  const HostTensor *gates, *r, *initialH = nullptr, *initialC = nullptr, *lengths = nullptr, *peepholes = nullptr;

  Operands(graph::LstmOp op, ArrayRef<HostTensor> tensors) : gates(&tensors[0]), r(&tensors[1]) {
    size_t i = 2;
    if (op.getInitialH()) {
      initialH = &tensors[i++];
      initialC = &tensors[i++];
    }
    if (op.getLengths())
      lengths = &tensors[i++];
    if (op.getPeepholes())
      peepholes = &tensors[i++];
  }
};

/// One row of one direction through time.
class Row {
public:
  Row(graph::LstmOp op, const Operands &in, MutableArrayRef<HostTensor> out, int64_t direction, int64_t n)
      : op(op), in(in), out(out), d(direction), n(n), steps(in.gates->getDims()[0]), rows(in.gates->getDims()[1]),
        directions(in.gates->getDims()[2]), size(in.gates->getDims()[4]), h(static_cast<size_t>(size)), c(h) {
    for (auto [i, name] : llvm::enumerate(op.getActivations().getAsValueRange<StringAttr>())) {
      activations.push_back(*graph::Activation::get(name));
      activations.back().alpha = op.getAlpha()[i];
      activations.back().beta = op.getBeta()[i];
    }
  }

  void run() {
    for (int64_t j = 0; j < size && in.initialH; ++j) {
      h[static_cast<size_t>(j)] = in.initialH->getDouble(state(j));
      c[static_cast<size_t>(j)] = in.initialC->getDouble(state(j));
    }
    bool isBackward = op.getDirection() == "backward" || d == 1;
    int64_t length = in.lengths ? std::clamp<int64_t>(in.lengths->getInteger(n), 0, steps) : steps;
    for (int64_t s = 0; s < length; ++s) {
      int64_t t = isBackward ? length - 1 - s : s;
      step(t);
      for (int64_t j = 0; j < size; ++j)
        out[0].setDouble(((t * directions + d) * rows + n) * size + j, h[static_cast<size_t>(j)]);
    }
    for (int64_t j = 0; j < size; ++j) {
      out[1].setDouble(state(j), h[static_cast<size_t>(j)]);
      out[2].setDouble(state(j), c[static_cast<size_t>(j)]);
    }
  }

private:
  int64_t state(int64_t j) const { return (d * rows + n) * size + j; }

  double gate(int64_t t, int64_t g, int64_t j) const {
    double sum = in.gates->getDouble((((t * rows + n) * directions + d) * 4 + g) * size + j);
    for (int64_t k = 0; k < size; ++k)
      sum += h[static_cast<size_t>(k)] * in.r->getDouble(((d * 4 + g) * size + j) * size + k);
    return sum;
  }

  double peephole(int64_t p, int64_t j, double state) const {
    return in.peepholes ? in.peepholes->getDouble((d * 3 + p) * size + j) * state : 0;
  }

  double activate(unsigned i, double x) const {
    double clip = const_cast<graph::LstmOp &>(op).getClip().convertToDouble();
    return activations[i].evaluate(clip > 0 ? std::clamp(x, -clip, clip) : x);
  }

  void step(int64_t t) {
    std::vector<double> nextH(h.size()), nextC(h.size());
    for (int64_t j = 0; j < size; ++j) {
      double old = c[static_cast<size_t>(j)];
      double input = activate(0, gate(t, 0, j) + peephole(0, j, old));
      double forget = op.getInputForget() ? 1 - input : activate(0, gate(t, 2, j) + peephole(2, j, old));
      double cell = forget * old + input * activate(1, gate(t, 3, j));
      double output = activate(0, gate(t, 1, j) + peephole(1, j, cell));
      nextC[static_cast<size_t>(j)] = cell;
      nextH[static_cast<size_t>(j)] = output * activations[2].evaluate(cell);
    }
    h = std::move(nextH);
    c = std::move(nextC);
  }

  graph::LstmOp op;
  const Operands &in;
  MutableArrayRef<HostTensor> out;
  int64_t d, n, steps, rows, directions, size;
  std::vector<double> h, c;
  SmallVector<graph::Activation, 3> activations;
};

} // namespace

LogicalResult reference::evaluateLstm(OpContext &c) {
  auto op = cast<graph::LstmOp>(c.op);
  Operands in(op, c.operands);
  ArrayRef<int64_t> dims = in.gates->getDims();
  SmallVector<int64_t> states = {dims[2], dims[1], dims[4]}, all = {dims[0], dims[2], dims[1], dims[4]};
  auto differs = [](const HostTensor *tensor, ArrayRef<int64_t> expected) {
    return tensor && tensor->getDims() != expected;
  };
  if (differs(in.initialH, states) || differs(in.initialC, states) || differs(in.lengths, {dims[1]}))
    return c.mismatch() << "states must have extents [" << ArrayRef(states) << "], lengths [" << dims[1] << "]";
  size_t first = c.results.size();
  for (auto [i, extents] : llvm::enumerate(ArrayRef<SmallVector<int64_t>>{all, states, states}))
    if (!c.addResult(extents, static_cast<unsigned>(i)))
      return failure();
  for (int64_t d = 0; d < dims[2]; ++d)
    for (int64_t n = 0; n < dims[1]; ++n)
      Row(op, in, MutableArrayRef<HostTensor>(c.results).drop_front(first), d, n).run();
  return success();
}
