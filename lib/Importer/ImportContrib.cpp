//===- ImportContrib.cpp - Operators of com.microsoft ----------------------===//
//
// What ONNX Runtime's optimiser and quantiser put into models they write: compositions of graph ops.
// https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
//
//===----------------------------------------------------------------------===//
#include "Compose.h"
#include "Recurrent.h"
#include "Registry.h"
#include <numbers>

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {
namespace {

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

/// x Phi(x).
Value buildGelu(Compose &c, Value x) {
  return c.mul(c.mul(x, 0.5), c.add(c.make<ErfOp>(c.mul(x, std::numbers::sqrt2 / 2)), 1));
}

/// x / 2 (1 + tanh(x (0.7978845608 + 0.035677408 x^2))), sqrt(2 / pi) and 0.044715 times it.
Value buildFastGelu(Compose &c, Value x) {
  Value inner = c.mul(x, c.add(c.mul(c.mul(x, x), 0.035677408136300125), 0.7978845608028654));
  return c.mul(c.mul(x, 0.5), c.add(c.make<TanhOp>(inner), 1));
}

/// An activation of operand 0, to which operand 1 is added first if it is there.
template <Value (*build)(Compose &, Value)>
LogicalResult importBiasedActivation(NodeImporter &n) {
  Value x = n.input(0), bias = n.optionalInput(1);
  if (!x || (n.hasInput(1) && !bias))
    return failure();
  Compose c{n};
  return n.setOutput(build(c, bias ? c.add(x, bias) : x));
}

/// x sigmoid(alpha x).
LogicalResult importQuickGelu(NodeImporter &n) {
  Value x = n.input(0);
  Compose c{n};
  return x ? n.setOutput(c.mul(x, c.make<SigmoidOp>(c.mul(x, n.floatAttr("alpha", 1.702f))))) : failure();
}

//===----------------------------------------------------------------------===//
// Normalisation
//===----------------------------------------------------------------------===//

/// Of input + skip (+ bias); that sum is result 3.
template <bool isSimplified>
LogicalResult importSkipNormalization(NodeImporter &n) {
  Value x = n.input(0), skip = n.input(1), scale = n.input(2);
  Value fourth = n.optionalInput(3), fifth = n.optionalInput(4);
  Value shift = isSimplified ? Value() : fourth, bias = isSimplified ? fourth : fifth;
  if (!x || !skip || !scale || (n.hasInput(3) && !fourth) || (n.hasInput(4) && !fifth))
    return failure();
  if (n.wantsOutput(1) || n.wantsOutput(2))
    return n.error(Code::UnsupportedForm, "leave these outputs unnamed: inference does not need them")
           << "the mean and the inverse deviation are not supported as results";
  if (rankOf(x) < 1)
    return n.error(Code::WrongOperands) << "the operand needs at least one dimension";
  Compose c{n};
  Value sum = c.add(x, skip);
  if (bias)
    sum = c.add(sum, bias);
  APFloat epsilon(n.floatAttr("epsilon", 1e-12f));
  int64_t axis = rankOf(x) - 1;
  if (!sum)
    return failure();
  Value y = isSimplified ? n.create<RmsNormalizationOp>(sum, scale, axis, epsilon)
                         : n.create<LayerNormalizationOp>(sum, scale, shift, axis, epsilon);
  if (failed(n.setOutput(0, y)))
    return failure();
  return n.wantsOutput(3) ? n.setOutput(3, sum) : success();
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// The last two dimensions exchanged.
Value transposeLast(Compose &c, Value v) {
  if (!v)
    return {};
  auto perm = llvm::to_vector(llvm::seq<int64_t>(0, rankOf(v)));
  if (perm.size() >= 2)
    std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return c.transpose(v, perm);
}

/// alpha A B of batches of matrices, each maybe transposed.
LogicalResult importFusedMatMul(NodeImporter &n) {
  Value a = n.input(0), b = n.input(1);
  if (!a || !b)
    return failure();
  if (n.intAttr("transBatchA", 0) != 0 || n.intAttr("transBatchB", 0) != 0)
    return n.error(Code::UnsupportedForm, "put a Transpose before a FusedMatMul with transBatchA and transBatchB 0")
           << "transBatchA and transBatchB must be 0";
  if (rankOf(a) < 1 || rankOf(b) < 1)
    return n.error(Code::WrongOperands) << "operands need at least one dimension";
  Compose c{n};
  if (n.intAttr("transA", 0) != 0)
    a = transposeLast(c, a);
  bool isTransposed = n.intAttr("transB", 0) != 0 && rankOf(b) > 1;
  if (isTransposed && rankOf(b) > 2) {
    b = transposeLast(c, b);
    isTransposed = false;
  }
  Value y = a && b ? n.create<MatMulOp>(a, b, isTransposed) : Value();
  double alpha = n.floatAttr("alpha", 1);
  return n.setOutput(alpha == 1 ? y : c.mul(y, alpha));
}

//===----------------------------------------------------------------------===//
// Recurrences
//===----------------------------------------------------------------------===//

/// Weights [D, I, 4H] of 8 bits with a scale and zero point per direction or per column, as [D, 4H, I] of f32.
Value readWeights(Compose &c, Value q, Value scale, Value zeroPoint) {
  if (!q || !scale || !zeroPoint)
    return {};
  NodeImporter &n = c.n;
  if (rankOf(q) != 3 || !llvm::is_contained({1, 2}, rankOf(scale)) || rankOf(zeroPoint) != rankOf(scale)) {
    n.error(Code::WrongOperands) << "weights must have rank 3, their scales and zero points rank 1 or 2";
    return {};
  }
  auto align = [&](Value v) {
    Dims dims = dimsOf(v);
    dims.insert(dims.begin() + 1, n.dim(1));
    if (dims.size() == 2)
      dims.push_back(n.dim(1));
    return n.reshape(v, dims);
  };
  Type i32 = IntegerType::get(n.context, 32);
  Value centred = c.sub(c.cast(q, i32), align(c.cast(zeroPoint, i32)));
  return transposeLast(c, c.mul(c.cast(centred, c.f32()), align(scale)));
}

/// An LSTM whose weights are quantised. ONNX Runtime also rounds x and h to 8 bits before each product, for speed; here
/// the products are of f32.
LogicalResult importDynamicQuantizeLstm(NodeImporter &n) {
  Lstm l;
  Value w = n.input(1), r = n.input(2), wScale = n.input(8), wZero = n.input(9), rScale = n.input(10),
        rZero = n.input(11);
  Value *optional[] = {&l.bias, &l.lengths, &l.initialH, &l.initialC, &l.peepholes};
  for (auto [i, operand] : llvm::enumerate(optional))
    if (!(*operand = n.optionalInput(i + 3)) && n.hasInput(i + 3))
      return failure();
  Compose c{n};
  l.x = n.input(0);
  l.w = readWeights(c, w, wScale, wZero);
  l.r = readWeights(c, r, rScale, rZero);
  return l.x && l.w && l.r ? buildLstm(n, l) : failure();
}

} // namespace

void addContribRules(Registry &r) {
  const StringRef domain = "com.microsoft";
  r.add("BiasGelu", 1, importBiasedActivation<buildGelu>, domain);
  r.add("FastGelu", 1, importBiasedActivation<buildFastGelu>, domain);
  r.add("Gelu", 1, importBiasedActivation<buildGelu>, domain);
  r.add("QuickGelu", 1, importQuickGelu, domain);
  r.add("SkipLayerNormalization", 1, importSkipNormalization<false>, domain);
  r.add("SkipSimplifiedLayerNormalization", 1, importSkipNormalization<true>, domain);
  r.add("FusedMatMul", 1, importFusedMatMul, domain);
  r.add("DynamicQuantizeLSTM", 1, importDynamicQuantizeLstm, domain);
}

} // namespace tenon::importer
