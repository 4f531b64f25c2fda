//===- ImportRecurrent.cpp - Recurrences -----------------------------------===//
//
// What depends on the input alone is one matrix product over all time steps and directions; the op itself is the
// recurrence. `layout` 1 (rows first) is transposed away.
//
//===----------------------------------------------------------------------===//
#include "Graph/IR/Activations.h"
#include "Nearest.h"
#include "Recurrent.h"
#include "Registry.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {
namespace {

/// [N, D, H] and [D, N, H], one from the other; also [T, N, ..] and [N, T, ..].
Value swapLeading(NodeImporter &n, Value v) {
  if (!v)
    return {};
  auto perm = llvm::to_vector(llvm::seq<int64_t>(0, rankOf(v)));
  std::swap(perm[0], perm[1]);
  return n.create<TransposeOp>(v, perm);
}

LogicalResult checkOperands(NodeImporter &n, Lstm &l) {
  Value *operands[] = {&l.x, &l.w, &l.r, &l.bias, &l.lengths, &l.initialH, &l.initialC, &l.peepholes};
  constexpr int64_t ranks[] = {3, 3, 3, 2, 1, 3, 3, 2};
  for (auto [i, operand] : llvm::enumerate(operands)) {
    if (*operand && rankOf(*operand) != ranks[i])
      return n.error(Code::WrongOperands)
             << "operand " << i << " has rank " << rankOf(*operand) << ", expected " << ranks[i];
  }
  auto r = typeOf(l.r), w = typeOf(l.w);
  if (!r.hasStaticShape() || w.isDynamicDim(0) || w.isDynamicDim(1))
    return n.error(Code::UnsupportedForm, "declare the shape of R, or make it an initializer")
           << "the number of directions and of hidden units must be constants";
  l.directions = r.getDimSize(0);
  l.hidden = r.getDimSize(2);
  if (n.intAttr("hidden_size", l.hidden) != l.hidden)
    return n.error(Code::WrongAttribute) << "hidden_size differs from the extents of R, " << l.hidden;
  if (r.getDimSize(1) != 4 * l.hidden || w.getDimSize(1) != 4 * l.hidden || w.getDimSize(0) != l.directions)
    return n.error(Code::ShapeMismatch) << "W and R must be [directions, 4 hidden_size, ..]";
  if (l.bias && typeOf(l.bias).getShape() != ArrayRef<int64_t>{l.directions, 8 * l.hidden})
    return n.error(Code::ShapeMismatch) << "B must be [directions, 8 hidden_size]";
  if (l.peepholes && typeOf(l.peepholes).getShape() != ArrayRef<int64_t>{l.directions, 3 * l.hidden})
    return n.error(Code::ShapeMismatch) << "P must be [directions, 3 hidden_size]";
  return success();
}

/// Extents that must agree at run time.
void requireExtents(NodeImporter &n, const Lstm &l) {
  n.requireEqual(dimsOf(l.x)[2], dimsOf(l.w)[2]);
  for (Value state : {l.initialH, l.initialC})
    if (state)
      for (auto [dim, expected] : llvm::zip(dimsOf(state), Dims{n.dim(l.directions), dimsOf(l.x)[1], n.dim(l.hidden)}))
        n.requireEqual(dim, expected);
  if (l.lengths)
    n.requireEqual(dimsOf(l.lengths)[0], dimsOf(l.x)[1]);
}

/// x W' + Wb + Rb for both directions, [T, N, D, 4, H].
Value buildGates(NodeImporter &n, const Lstm &l) {
  int64_t rows = l.directions * 4 * l.hidden;
  Value w = n.reshape(l.w, {n.dim(rows), dimsOf(l.w)[2]});
  Value gates = w ? n.create<MatMulOp>(l.x, w, true) : Value();
  if (gates && l.bias) {
    Value halves = n.reshape(l.bias, {n.dim(l.directions), n.dim(2), n.dim(4 * l.hidden)});
    Value sum = halves ? n.create<ReduceSumOp>(halves, ArrayRef<int64_t>{1}, false) : Value();
    sum = n.reshape(sum, {n.dim(rows)});
    gates = sum ? n.create<AddOp>(gates, sum) : Value();
  }
  if (!gates)
    return {};
  auto dims = dimsOf(l.x);
  return n.reshape(gates, {dims[0], dims[1], n.dim(l.directions), n.dim(4), n.dim(l.hidden)});
}

struct Activations {
  SmallVector<StringRef, 3> names;
  SmallVector<double, 3> alpha, beta;
};

/// The three functions, the same for both directions. Parameters are listed for the functions that have them.
FailureOr<Activations> readActivations(NodeImporter &n, int64_t directions) {
  SmallVector<std::string> names = {"Sigmoid", "Tanh", "Tanh"};
  if (const auto *stated = n.findAttr("activations"))
    names.assign(stated->strings().begin(), stated->strings().end());
  if (names.size() != 3 && names.size() != size_t(3 * directions))
    return n.error(Code::WrongAttribute) << "activations has " << names.size() << " entries, expected "
                                         << 3 * directions;
  auto floats = [&](StringRef name) {
    const auto *stated = n.findAttr(name);
    return stated ? SmallVector<double>(stated->floats().begin(), stated->floats().end()) : SmallVector<double>();
  };
  auto alphas = floats("activation_alpha"), betas = floats("activation_beta");
  size_t nextAlpha = 0, nextBeta = 0;
  SmallVector<Activation> all;
  for (const auto &name : names) {
    auto activation = Activation::get(name);
    if (!activation)
      return n.error(Code::WrongAttribute, nearestValue(name, Activation::getNames()))
             << "the activation '" << name << "' is unknown";
    if ((activation->alpha != 0 || activation->beta != 0) && nextAlpha < alphas.size())
      activation->alpha = alphas[nextAlpha++];
    if (activation->beta != 0 && nextBeta < betas.size())
      activation->beta = betas[nextBeta++];
    all.push_back(*activation);
  }
  Activations result;
  for (auto [i, a] : llvm::enumerate(all)) {
    if (i >= 3 && (a.name != all[i - 3].name || a.alpha != all[i - 3].alpha || a.beta != all[i - 3].beta))
      return n.error(Code::UnsupportedForm, "split the node into one for each direction, and concatenate their results")
             << "activations must be the same for both directions";
    if (i >= 3)
      continue;
    result.names.push_back(a.name);
    result.alpha.push_back(a.alpha);
    result.beta.push_back(a.beta);
  }
  return result;
}

/// The direction as the op names it; null if it does not fit the operands.
StringRef readDirection(NodeImporter &n, int64_t directions) {
  std::string direction = n.stringAttr("direction", "forward");
  StringRef name = direction == "forward"         ? "forward"
                   : direction == "reverse"       ? "backward"
                   : direction == "bidirectional" ? "both"
                                                  : "";
  if (!name.empty() && directions == (name == "both" ? 2 : 1))
    return name;
  n.error(Code::WrongAttribute) << "direction '" << direction << "' does not fit weights of " << directions
                                << " directions";
  return {};
}

/// A missing state is 0 where the other is given.
Value zeroState(NodeImporter &n, const Lstm &l) {
  auto type = getTensorType({n.dim(l.directions), dimsOf(l.x)[1], n.dim(l.hidden)}, typeOf(l.x).getElementType());
  Value zero = n.scalar(type.getElementType(), 0);
  return zero ? n.createTyped<ExpandOp>(type, zero) : Value();
}

LogicalResult importLstm(NodeImporter &n) {
  Lstm l;
  Value *operands[] = {&l.x, &l.w, &l.r, &l.bias, &l.lengths, &l.initialH, &l.initialC, &l.peepholes};
  for (auto [i, operand] : llvm::enumerate(operands)) {
    *operand = i < 3 ? n.input(i) : n.optionalInput(i);
    if (!*operand && (i < 3 || n.hasInput(i)))
      return failure();
  }
  return buildLstm(n, l);
}

} // namespace

LogicalResult buildLstm(NodeImporter &n, Lstm &l) {
  if (failed(checkOperands(n, l)))
    return failure();
  if (!isa<FloatType>(typeOf(l.x).getElementType()))
    return n.typeError(typeOf(l.x).getElementType(), /*takesFloats=*/true);
  bool rowsFirst = n.intAttr("layout", 0) != 0;
  if (rowsFirst)
    for (Value *v : {&l.x, &l.initialH, &l.initialC})
      if (*v && !(*v = swapLeading(n, *v)))
        return failure();
  StringRef direction = readDirection(n, l.directions);
  auto activations = readActivations(n, l.directions);
  if (direction.empty() || failed(activations))
    return failure();
  requireExtents(n, l);
  if (bool(l.initialH) != bool(l.initialC))
    (l.initialH ? l.initialC : l.initialH) = zeroState(n, l);
  Value gates = buildGates(n, l);
  Value r = n.reshape(l.r, {n.dim(l.directions), n.dim(4), n.dim(l.hidden), n.dim(l.hidden)});
  Value peepholes = l.peepholes ? n.reshape(l.peepholes, {n.dim(l.directions), n.dim(3), n.dim(l.hidden)}) : Value();
  if (!gates || !r || (l.initialH && !(l.initialC && l.initialH)) || (l.peepholes && !peepholes))
    return failure();
  auto results = n.createMany<LstmOp>(
      3, gates, r, l.initialH, l.initialC, l.lengths, peepholes, n.getBuilder().getStringAttr(direction),
      n.getBuilder().getStrArrayAttr(activations->names), n.getBuilder().getDenseF64ArrayAttr(activations->alpha),
      n.getBuilder().getDenseF64ArrayAttr(activations->beta), n.getBuilder().getF64FloatAttr(n.floatAttr("clip", 0)),
      n.getBuilder().getBoolAttr(n.intAttr("input_forget", 0) != 0));
  if (results.empty())
    return failure();
  Value y = results[0], yH = results[1], yC = results[2];
  if (rowsFirst) {
    // [T, D, N, H] to [N, T, D, H].
    y = n.create<TransposeOp>(y, ArrayRef<int64_t>{2, 0, 1, 3});
    yH = swapLeading(n, yH);
    yC = swapLeading(n, yC);
  }
  return success(succeeded(n.setOutput(0, y)) && succeeded(n.setOutput(1, yH)) && succeeded(n.setOutput(2, yC)));
}

void addRecurrentRules(Registry &r) { r.add("LSTM", 1, importLstm); }

} // namespace tenon::importer
