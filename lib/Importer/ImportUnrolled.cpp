//===- ImportUnrolled.cpp - GRU and RNN -----------------------------------===//
//
// What depends on the input alone is one matrix product over all steps. A GRU whose reset gate comes after the product
// is an op; other recurrences are the steps of a sequence of constant length, one after the other. Rows that have ended
// (sequence_lens) keep their state and give 0.
//
//===----------------------------------------------------------------------===//
#include "Compose.h"
#include "Graph/IR/Activations.h"
#include "Graph/IR/GruOp.h"
#include "Nearest.h"
#include "Registry.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {
namespace {

constexpr int64_t maxSteps = 512;
/// Sequences up to this length are unrolled in any case: passes see through the steps.
constexpr int64_t maxShortSteps = 8;

class Unroller {
public:
  Unroller(NodeImporter &n, int64_t gates) : n(n), c{n}, gates(gates) {}
  LogicalResult run();

private:
  LogicalResult readOperands();
  LogicalResult readActivations();
  Value activate(size_t which, Value x);
  Value clip(Value x);
  Value gate(Value v, int64_t g) { return c.slice(v, rankOf(v) - 1, n.dim(g * hidden), n.dim(hidden)); }
  Value productWith(Value h, int64_t direction, int64_t first, int64_t count);
  Value stepGru(Value input, Value h, int64_t direction);
  Value stepRnn(Value input, Value h, int64_t direction);
  /// The state after each step, in the order of time, [N, H]; the last state.
  LogicalResult runDirection(int64_t direction, bool isBackward, SmallVectorImpl<Value> &states, Value &last);
  Value isActive(int64_t t);
  /// Whether graph.gru says what the node does, and is wanted.
  bool isGruOp() const;
  LogicalResult buildGru(StringRef direction);

  NodeImporter &n;
  Compose c;
  const int64_t gates;
  Value x, w, r, bias, lengths, initial, inputs;
  int64_t directions = 1, hidden = 0;
  int64_t steps = -1; ///< -1: only a run knows
  bool rowsFirst = false, linearBeforeReset = false;
  SmallVector<Activation> activations; ///< per direction
};

LogicalResult Unroller::readOperands() {
  Value *operands[] = {&x, &w, &r, &bias, &lengths, &initial};
  constexpr int64_t ranks[] = {3, 3, 3, 2, 1, 3};
  for (auto [i, operand] : llvm::enumerate(operands)) {
    *operand = i < 3 ? n.input(i) : n.optionalInput(i);
    if (!*operand && (i < 3 || n.hasInput(i)))
      return failure();
    if (*operand && rankOf(*operand) != ranks[i])
      return n.error(Code::WrongOperands)
             << "operand " << i << " has rank " << rankOf(*operand) << ", expected " << ranks[i];
  }
  rowsFirst = n.intAttr("layout", 0) != 0;
  linearBeforeReset = n.intAttr("linear_before_reset", 0) != 0;
  if (!isa<FloatType>(typeOf(x).getElementType()))
    return n.typeError(typeOf(x).getElementType(), /*takesFloats=*/true);
  if (rowsFirst) {
    x = c.transpose(x, {1, 0, 2});
    initial = initial ? c.transpose(initial, {1, 0, 2}) : Value();
  }
  if (!typeOf(r).hasStaticShape())
    return n.error(Code::UnsupportedForm, "declare the shape of R, or make it an initializer")
           << "R must have constant extents";
  steps = dimsOf(x)[0].getConstant().value_or(-1);
  directions = typeOf(r).getDimSize(0);
  hidden = typeOf(r).getDimSize(2);
  if (typeOf(r).getDimSize(1) != gates * hidden || !dimsOf(w)[0].isConstant(directions) ||
      !dimsOf(w)[1].isConstant(gates * hidden) ||
      (bias && typeOf(bias).getShape() != ArrayRef<int64_t>{directions, 2 * gates * hidden}))
    return n.error(Code::ShapeMismatch) << "W, R and B must be of " << gates << " gates of one size";
  n.requireEqual(dimsOf(x)[2], dimsOf(w)[2]);
  return success();
}

LogicalResult Unroller::readActivations() {
  bool isGru = gates == 3;
  SmallVector<std::string> names;
  for (int64_t d = 0; d < directions; ++d) {
    if (isGru)
      names.push_back("Sigmoid");
    names.push_back("Tanh");
  }
  if (const auto *stated = n.findAttr("activations")) {
    if (size_t(stated->strings_size()) != names.size())
      return n.error(Code::WrongAttribute)
             << "activations has " << stated->strings_size() << " entries, expected " << names.size();
    names.assign(stated->strings().begin(), stated->strings().end());
  }
  int nextAlpha = 0, nextBeta = 0;
  const auto *alphas = n.findAttr("activation_alpha"), *betas = n.findAttr("activation_beta");
  for (const auto &name : names) {
    auto activation = Activation::get(name);
    if (!activation)
      return n.error(Code::WrongAttribute, nearestValue(name, Activation::getNames()))
             << "the activation '" << name << "' is unknown";
    if (alphas && (activation->alpha != 0 || activation->beta != 0) && nextAlpha < alphas->floats_size())
      activation->alpha = alphas->floats(nextAlpha++);
    if (betas && activation->beta != 0 && nextBeta < betas->floats_size())
      activation->beta = betas->floats(nextBeta++);
    activations.push_back(*activation);
  }
  return success();
}

Value Unroller::activate(size_t which, Value v) {
  const Activation &a = activations[which];
  if (!v)
    return {};
  auto linear = [&] { return c.add(c.mul(v, a.alpha), a.beta); };
  if (a.name == "Sigmoid")
    return c.make<SigmoidOp>(v);
  if (a.name == "Tanh")
    return c.make<TanhOp>(v);
  if (a.name == "Relu")
    return c.make<ReluOp>(v);
  if (a.name == "Affine")
    return linear();
  if (a.name == "HardSigmoid")
    return c.max(c.min(linear(), 1), 0);
  if (a.name == "LeakyRelu")
    return c.select(c.less(v, 0.0), c.mul(v, a.alpha), v);
  if (a.name == "ThresholdedRelu")
    return c.select(c.less(v, a.alpha), c.like(v, 0), v);
  if (a.name == "ScaledTanh")
    return c.mul(c.make<TanhOp>(c.mul(v, a.beta)), a.alpha);
  if (a.name == "Elu")
    return c.select(c.less(v, 0.0), c.mul(c.expm1(v), a.alpha), v);
  if (a.name == "Softsign")
    return c.make<SoftsignOp>(v);
  if (a.name == "Softplus")
    return c.softplus(v);
  n.error(Code::UnsupportedForm) << "the activation '" << a.name << "' is not supported";
  return {};
}

Value Unroller::clip(Value v) {
  double bound = n.floatAttr("clip", 0);
  return bound > 0 ? c.max(c.min(v, bound), -bound) : v;
}

/// h times the transposed rows [first, first + count) gates of R, [N, count * H], plus their bias of the recurrence.
Value Unroller::productWith(Value h, int64_t direction, int64_t first, int64_t count) {
  Value rows = c.slice(c.pick(r, 0, direction), 0, n.dim(first * hidden), n.dim(count * hidden));
  Value y = h && rows ? n.create<MatMulOp>(h, rows, true) : Value();
  if (!bias || !y)
    return y;
  return c.add(y, c.slice(c.pick(bias, 0, direction), 0, n.dim((gates + first) * hidden), n.dim(count * hidden)));
}

Value Unroller::stepGru(Value input, Value h, int64_t direction) {
  size_t first = size_t(2 * direction);
  Value zr = c.add(c.slice(input, 1, n.dim(0), n.dim(2 * hidden)), productWith(h, direction, 0, 2));
  zr = activate(first, clip(zr));
  if (!zr)
    return {};
  Value z = gate(zr, 0), reset = gate(zr, 1);
  Value recurrent =
      linearBeforeReset ? c.mul(reset, productWith(h, direction, 2, 1)) : productWith(c.mul(reset, h), direction, 2, 1);
  Value next = activate(first + 1, clip(c.add(gate(input, 2), recurrent)));
  return c.add(c.mul(c.sub(c.like(z, 1), z), next), c.mul(z, h));
}

Value Unroller::stepRnn(Value input, Value h, int64_t direction) {
  return activate(size_t(direction), clip(c.add(input, productWith(h, direction, 0, 1))));
}

/// Rows whose sequence has a step t, [N, 1].
Value Unroller::isActive(int64_t t) {
  Value own = n.reshape(c.cast(lengths, c.i64()), {dimsOf(lengths)[0], n.dim(1)});
  return c.less(c.like(own, double(t)), own);
}

LogicalResult Unroller::runDirection(int64_t direction, bool isBackward, SmallVectorImpl<Value> &states, Value &last) {
  Type element = typeOf(x).getElementType();
  DimAttr rows = dimsOf(x)[1];
  Value zero = c.expand(n.scalar(element, 0), {rows, n.dim(hidden)});
  Value h = initial ? c.pick(initial, 0, direction) : zero;
  states.assign(size_t(steps), Value());
  for (int64_t i = 0; i < steps; ++i) {
    int64_t t = isBackward ? steps - 1 - i : i;
    Value input = c.pick(inputs, 0, t);
    input = c.slice(input, 1, n.dim(direction * gates * hidden), n.dim(gates * hidden));
    if (!input || !h)
      return failure();
    Value next = gates == 3 ? stepGru(input, h, direction) : stepRnn(input, h, direction);
    if (lengths) {
      Value active = isActive(t);
      states[size_t(t)] = c.select(active, next, c.like(zero, 0));
      h = c.select(active, next, h);
    } else {
      states[size_t(t)] = h = next;
    }
    if (!h || !states[size_t(t)])
      return failure();
  }
  last = h;
  return success(h != nullptr);
}

bool Unroller::isGruOp() const {
  if (gates != 3 || !linearBeforeReset || (steps >= 0 && steps <= maxShortSteps))
    return false;
  auto isSame = [](const Activation &a, const Activation &b) {
    return a.name == b.name && a.alpha == b.alpha && a.beta == b.beta;
  };
  return directions == 1 || (isSame(activations[0], activations[2]) && isSame(activations[1], activations[3]));
}

/// `inputs` holds x W' + Wb.
LogicalResult Unroller::buildGru(StringRef direction) {
  Value own;
  if (bias) {
    Value halves = n.reshape(bias, {n.dim(directions), n.dim(2), n.dim(3), n.dim(hidden)});
    Value recurrent = c.pick(halves, 1, 1);
    own = c.pick(recurrent, 1, 2);
    // Update and reset add the recurrence's bias at once; 0 for the candidate.
    Value both = c.slice(recurrent, 1, n.dim(0), n.dim(2));
    Value none = own ? c.expand(c.like(own, 0), {n.dim(directions), n.dim(1), n.dim(hidden)}) : Value();
    Value added = both && none ? n.create<ConcatOp>(ArrayRef<Value>{both, none}, int64_t(1)) : Value();
    inputs = c.add(inputs, n.reshape(added, {n.dim(directions * 3 * hidden)}));
  }
  auto dims = dimsOf(x);
  if (lengths)
    n.requireEqual(dimsOf(lengths)[0], dims[1]);
  if (initial)
    for (auto [dim, expected] : llvm::zip(dimsOf(initial), Dims{n.dim(directions), dims[1], n.dim(hidden)}))
      n.requireEqual(dim, expected);
  Value parts = n.reshape(inputs, {dims[0], dims[1], n.dim(directions), n.dim(3), n.dim(hidden)});
  Value weights = n.reshape(r, {n.dim(directions), n.dim(3), n.dim(hidden), n.dim(hidden)});
  if (!parts || !weights || (bias && !own))
    return failure();
  SmallVector<StringRef> names;
  SmallVector<double> alpha, beta;
  for (const Activation &a : ArrayRef(activations).take_front(2)) {
    names.push_back(a.name);
    alpha.push_back(a.alpha);
    beta.push_back(a.beta);
  }
  OpBuilder &b = n.getBuilder();
  auto results = n.createMany<GruOp>(2, parts, weights, own, initial, lengths, b.getStringAttr(direction),
                                     b.getStrArrayAttr(names), b.getDenseF64ArrayAttr(alpha),
                                     b.getDenseF64ArrayAttr(beta), b.getF64FloatAttr(n.floatAttr("clip", 0)));
  if (results.empty())
    return failure();
  Value y = rowsFirst ? c.transpose(results[0], {2, 0, 1, 3}) : results[0];
  return success(succeeded(n.setOutput(0, y)) &&
                 succeeded(n.setOutput(1, rowsFirst ? c.transpose(results[1], {1, 0, 2}) : results[1])));
}

LogicalResult Unroller::run() {
  if (failed(readOperands()) || failed(readActivations()))
    return failure();
  std::string direction = n.stringAttr("direction", "forward");
  if (directions != (direction == "bidirectional" ? 2 : 1) ||
      (direction != "forward" && direction != "reverse" && direction != "bidirectional"))
    return n.error(Code::WrongAttribute) << "direction '" << direction << "' does not fit weights of " << directions
                                         << " directions";
  int64_t rows = directions * gates * hidden;
  Value weights = n.reshape(w, {n.dim(rows), dimsOf(w)[2]});
  inputs = weights ? n.create<MatMulOp>(x, weights, true) : Value();
  if (bias)
    inputs = c.add(inputs, n.reshape(c.slice(bias, 1, n.dim(0), n.dim(gates * hidden)), {n.dim(rows)}));
  if (inputs && isGruOp())
    return buildGru(direction == "reverse" ? "backward" : direction == "bidirectional" ? "both" : "forward");
  if (steps < 0 || steps > maxSteps)
    return n.error(Code::UnsupportedForm, gates == 3 ? "set linear_before_reset 1 (PyTorch's form), or fix the length"
                                                     : "fix the length with --shape NAME=...!, or use GRU or LSTM")
           << "the sequence must have a constant length of at most " << maxSteps << " steps"
           << (gates == 3 ? " unless linear_before_reset is 1" : "");
  // [N, H] of each direction and step, as [1, 1, N, H].
  SmallVector<SmallVector<Value>> states(size_t(directions), {});
  SmallVector<Value> last, all;
  Dims unit = {n.dim(1), n.dim(1), dimsOf(x)[1], n.dim(hidden)};
  for (int64_t d = 0; d < directions; ++d) {
    Value end;
    if (!inputs || failed(runDirection(d, direction == "reverse" || d == 1, states[size_t(d)], end)))
      return failure();
    last.push_back(n.reshape(end, ArrayRef(unit).drop_front()));
  }
  auto join = [&](ArrayRef<Value> parts, int64_t axis) {
    return parts.size() == 1 ? parts[0] : n.create<ConcatOp>(parts, axis);
  };
  if (n.wantsOutput(0)) {
    for (int64_t t = 0; t < steps; ++t) {
      SmallVector<Value> step;
      for (auto &own : states)
        step.push_back(n.reshape(own[size_t(t)], unit));
      all.push_back(join(step, 1));
    }
    Value y = all.empty() ? Value() : join(all, 0);
    if (failed(n.setOutput(0, rowsFirst ? c.transpose(y, {2, 0, 1, 3}) : y)))
      return failure();
  }
  Value h = join(last, 0);
  return n.setOutput(1, rowsFirst ? c.transpose(h, {1, 0, 2}) : h);
}

LogicalResult importGru(NodeImporter &n) { return Unroller(n, 3).run(); }
LogicalResult importRnn(NodeImporter &n) { return Unroller(n, 1).run(); }

} // namespace

void addUnrolledRules(Registry &r) {
  r.add("GRU", 3, importGru);
  r.add("RNN", 1, importRnn);
}

} // namespace tenon::importer
