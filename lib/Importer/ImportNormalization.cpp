//===- ImportNormalization.cpp - Normalisation and softmax -----------------===//
#include "Compose.h"
#include "Registry.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {
namespace {

/// A vector over channels as [C, 1, ..], to broadcast against [N, C, ..].
Value alignChannels(NodeImporter &n, Value v, int64_t rank) {
  if (!v || rankOf(v) != 1)
    return {};
  Dims dims = dimsOf(v);
  dims.append(size_t(rank - 2), n.dim(1));
  return n.reshape(v, dims);
}

/// x, its scale and bias, and the statistics may differ in their types, but graph ops have one: f32 for several of at
/// most 32 bits. A null operand stays null.
void castToWidest(NodeImporter &n, ArrayRef<Value *> values) {
  Type widest = typeOf(*values[0]).getElementType();
  for (Value *v : values)
    if (Type type = *v ? typeOf(*v).getElementType() : widest; type != widest)
      widest = type.isF64() || widest.isF64() ? Type(Float64Type::get(n.context)) : Float32Type::get(n.context);
  for (Value *v : values)
    *v = n.cast(*v, widest);
}

/// With the batch's own mean and variance; the running ones become momentum * running + (1 - momentum) * own.
LogicalResult trainBatchNormalization(NodeImporter &n, ArrayRef<Value> operands, Type of, Type ofStatistics) {
  Compose c{n};
  Value x = operands[0], scale = operands[1], bias = operands[2], mean = operands[3], variance = operands[4];
  int64_t rank = rankOf(x);
  Ints axes = {0};
  axes.append(llvm::to_vector(llvm::seq<int64_t>(2, rank)));
  Value ownMean = c.reduce<ReduceMeanOp>(x, axes, false);
  Value centred = c.sub(x, alignChannels(n, ownMean, rank));
  Value ownVariance = c.reduce<ReduceMeanOp>(c.mul(centred, centred), axes, false);
  Value deviation = c.make<SqrtOp>(c.add(alignChannels(n, ownVariance, rank), n.floatAttr("epsilon", 1e-5f)));
  Value y = c.add(c.mul(c.div(centred, deviation), alignChannels(n, scale, rank)), alignChannels(n, bias, rank));
  double momentum = n.floatAttr("momentum", 0.9f);
  auto blend = [&](Value running, Value own) {
    return n.cast(c.add(c.mul(running, momentum), c.mul(own, 1 - momentum)), ofStatistics);
  };
  return success(succeeded(n.setOutput(0, n.cast(y, of))) && succeeded(n.setOutput(1, blend(mean, ownMean))) &&
                 succeeded(n.setOutput(2, blend(variance, ownVariance))));
}

LogicalResult importBatchNormalization(NodeImporter &n) {
  Value x = n.input(0), scale = n.input(1), bias = n.input(2), mean = n.input(3), variance = n.input(4);
  if (!x || !scale || !bias || !mean || !variance)
    return failure();
  bool trains = n.intAttr("training_mode", 0) != 0;
  if ((trains && n.opset < 14) || (n.opset < 7 && n.intAttr("is_test", 0) == 0))
    return n.error(Code::UnsupportedForm, "set is_test 1, or convert the model to opset 14")
           << "only inference is supported before opset 14 (is_test 1)";
  if (n.opset < 9 && n.intAttr("spatial", 1) == 0)
    return n.error(Code::UnsupportedForm, "set spatial 1, or use Sub, Div, Mul and Add") << "spatial must be 1";
  if (rankOf(x) < 2)
    return n.error(Code::WrongOperands) << "the operand has rank " << rankOf(x) << ", at least 2 is needed";
  for (Value v : {scale, bias, mean, variance})
    if (rankOf(v) != 1)
      return n.error(Code::WrongOperands) << "scale, bias, mean and variance must be vectors";
  for (Value v : {scale, bias, mean, variance})
    n.requireEqual(dimsOf(v)[0], dimsOf(x)[1]);
  const Type of = typeOf(x).getElementType(), ofStatistics = typeOf(mean).getElementType();
  castToWidest(n, {&x, &scale, &bias, &mean, &variance});
  if (trains)
    return trainBatchNormalization(n, {x, scale, bias, mean, variance}, of, ofStatistics);
  return n.setOutput(n.cast(
      n.create<BatchNormalizationOp>(x, scale, bias, mean, variance, APFloat(n.floatAttr("epsilon", 1e-5f))), of));
}

LogicalResult importLayerNormalization(NodeImporter &n) {
  Value x = n.input(0), scale = n.input(1), bias = n.optionalInput(2);
  if (!x || !scale || (n.hasInput(2) && !bias))
    return failure();
  auto axis = n.normalizeAxis(n.intAttr("axis", -1), rankOf(x));
  if (failed(axis))
    return failure();
  if (n.wantsOutput(1) || n.wantsOutput(2))
    return n.inlineBody();
  const Type of = typeOf(x).getElementType();
  castToWidest(n, {&x, &scale, &bias});
  return n.setOutput(
      n.cast(n.create<LayerNormalizationOp>(x, scale, bias, *axis, APFloat(n.floatAttr("epsilon", 1e-5f))), of));
}

LogicalResult importRmsNormalization(NodeImporter &n) {
  Value x = n.input(0), scale = n.input(1);
  if (!x || !scale)
    return failure();
  auto axis = n.normalizeAxis(n.intAttr("axis", -1), rankOf(x));
  if (failed(axis))
    return failure();
  const Type ofScale = typeOf(scale).getElementType();
  castToWidest(n, {&x, &scale});
  return n.setOutput(
      n.cast(n.create<RmsNormalizationOp>(x, scale, *axis, APFloat(n.floatAttr("epsilon", 1e-5f))), ofScale));
}

/// (x - mean) / sqrt(var + epsilon) * scale + bias, statistics over the spatial dimensions.
LogicalResult importInstanceNormalization(NodeImporter &n) {
  Value x = n.input(0), scale = n.input(1), bias = n.input(2);
  if (!x || !scale || !bias)
    return failure();
  int64_t rank = rankOf(x);
  if (rank < 3 || rankOf(scale) != 1 || rankOf(bias) != 1)
    return n.error(Code::WrongOperands) << "the operand needs rank 3 or more, scale and bias rank 1";
  auto axes = llvm::to_vector(llvm::seq<int64_t>(2, rank));
  Value mean = n.create<ReduceMeanOp>(x, axes, true);
  Value centred = mean ? n.create<SubOp>(x, mean) : Value();
  Value squared = centred ? n.create<MulOp>(centred, centred) : Value();
  Value variance = squared ? n.create<ReduceMeanOp>(squared, axes, true) : Value();
  Value shifted = variance
                      ? n.create<AddOp>(variance, n.scalar(typeOf(x).getElementType(), n.floatAttr("epsilon", 1e-5f)))
                      : Value();
  Value deviation = shifted ? n.create<SqrtOp>(shifted) : Value();
  Value normal = deviation ? n.create<DivOp>(centred, deviation) : Value();
  Value scaled = normal ? n.create<MulOp>(normal, alignChannels(n, scale, rank)) : Value();
  return n.setOutput(scaled ? n.create<AddOp>(scaled, alignChannels(n, bias, rank)) : Value());
}

/// x / (bias + alpha * mean)^beta, the mean of x^2 over `size` neighbouring channels (of which absent ones are 0).
LogicalResult importLrn(NodeImporter &n) {
  Value x = n.input(0);
  if (!x)
    return failure();
  int64_t size = n.intAttr("size", 0);
  if (size < 1 || size > INT16_MAX || rankOf(x) < 2)
    return n.error(Code::WrongAttribute) << "size is " << size << " for an operand of rank " << rankOf(x);
  Compose c{n};
  Dims dims = dimsOf(x), split = {dims[0], n.dim(1), dims[1], product(n.context, ArrayRef(dims).drop_front(2))};
  Value squares = n.reshape(c.mul(x, x), split);
  int64_t before = (size - 1) / 2;
  Value mean = squares ? n.create<AveragePoolOp>(squares, Ints{size, 1}, Ints{1, 1},
                                                 Ints{before, 0, size - 1 - before, 0}, Ints{1, 1}, false, true, false)
                       : Value();
  Value base = c.add(c.mul(n.reshape(mean, dims), n.floatAttr("alpha", 1e-4f)), n.floatAttr("bias", 1));
  return n.setOutput(c.div(x, c.make<PowOp>(base, c.like(base, n.floatAttr("beta", 0.75f)))));
}

/// x over the sum of its magnitudes (p = 1) or the root of its squares' sum (p = 2); 0 where that is 0.
LogicalResult importLpNormalization(NodeImporter &n) {
  Value x = n.input(0);
  auto axis = x ? n.normalizeAxis(n.intAttr("axis", -1), rankOf(x)) : FailureOr<int64_t>(failure());
  if (failed(axis))
    return failure();
  int64_t p = n.intAttr("p", 2);
  if (p != 1 && p != 2)
    return n.error(Code::WrongAttribute) << "p must be 1 or 2, got " << p;
  Compose c{n};
  Value sum = c.reduce<ReduceSumOp>(p == 1 ? c.make<AbsOp>(x) : c.mul(x, x), {*axis});
  Value norm = p == 1 ? sum : c.make<SqrtOp>(sum);
  return n.setOutput(c.select(c.equal(norm, 0), c.like(x, 0), c.div(x, norm)));
}

/// Before opset 13 the dimensions from `axis` on are one.
template <typename OpTy>
LogicalResult importSoftmax(NodeImporter &n) {
  Value x = n.input(0);
  if (!x)
    return failure();
  bool flattens = n.opset < 13;
  auto axis = n.normalizeAxis(n.intAttr("axis", flattens ? 1 : -1), rankOf(x));
  if (failed(axis))
    return failure();
  if (!flattens || *axis == rankOf(x) - 1)
    return n.setOutput(n.create<OpTy>(x, *axis));
  Dims dims = dimsOf(x);
  ArrayRef<DimAttr> all = dims;
  Value matrix = n.reshape(
      x, {product(n.context, all.take_front(size_t(*axis))), product(n.context, all.drop_front(size_t(*axis)))});
  return n.setOutput(n.reshape(matrix ? n.create<OpTy>(matrix, 1) : Value(), dims));
}

} // namespace

void addNormalizationRules(Registry &r) {
  r.add("BatchNormalization", 1, importBatchNormalization);
  r.add("LayerNormalization", 17, importLayerNormalization);
  r.add("RMSNormalization", 23, importRmsNormalization);
  r.add("InstanceNormalization", 1, importInstanceNormalization);
  r.add("LRN", 1, importLrn);
  r.add("LpNormalization", 1, importLpNormalization);
  r.add("Softmax", 1, importSoftmax<SoftmaxOp>);
  r.add("LogSoftmax", 1, importSoftmax<LogSoftmaxOp>);
}

} // namespace tenon::importer
