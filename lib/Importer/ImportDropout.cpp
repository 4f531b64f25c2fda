//===- ImportDropout.cpp - Dropout, also in training mode ------------------===//
//
// What a seed drops is known when the model is compiled: the numbers that the ONNX reference draws from it (MT19937,
// 53 bits each, as NumPy's RandomState) are a constant, which a run compares with its ratio.
//
//===----------------------------------------------------------------------===//
#include "Compose.h"
#include "Registry.h"
#include <random>

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {
namespace {

constexpr int64_t maxDrawn = 1 << 20;

/// Numbers in [0, 1) drawn from `seed`, in the shape of `type`, as f64.
Value drawUniform(NodeImporter &n, RankedTensorType type, uint32_t seed) {
  std::mt19937 generator(seed);
  SmallVector<double> numbers;
  for (int64_t i = 0; i < type.getNumElements(); ++i) {
    const double high = double(generator() >> 5), low = double(generator() >> 6);
    numbers.push_back((high * 0x1p26 + low) / 0x1p53);
  }
  auto drawn = RankedTensorType::get(type.getShape(), Float64Type::get(n.context));
  return n.constant(DenseElementsAttr::get(drawn, ArrayRef<double>(numbers)));
}

/// y = x / (1 - ratio) where the number drawn is not below the ratio, else 0.
LogicalResult importTraining(NodeImporter &n) {
  RankedTensorType type = n.inputType(0);
  if (!type)
    return failure();
  if (!n.hasAttr("seed") || !type.hasStaticShape() || type.getNumElements() > maxDrawn)
    return n.error(Code::UnsupportedForm, "compile the model for inference, or state a seed and a constant shape")
           << "training_mode must be a constant false";
  Compose c{n};
  Type f64 = Float64Type::get(n.context), element = type.getElementType();
  Value x = n.input(0), trains = n.reshape(n.input(2), {});
  Value ratio = n.hasInput(1) ? n.reshape(c.cast(n.input(1), f64), {}) : n.scalar(f64, 0.5);
  Value stays = c.atLeast(drawUniform(n, type, uint32_t(n.intAttr("seed", 0))), ratio);
  Value scaled = c.div(c.cast(x, f64), c.sub(n.scalar(f64, 1), ratio));
  Value dropped = c.cast(c.select(stays, scaled, n.scalar(f64, 0)), element);
  if (!trains || failed(n.setOutput(0, c.select(trains, dropped, x))))
    return failure();
  return n.wantsOutput(1) ? n.setOutput(1, c.make<OrOp>(stays, c.make<NotOp>(trains))) : success();
}

/// At inference it is the identity; its mask is all true.
LogicalResult importDropout(NodeImporter &n) {
  if (n.hasInput(2) && n.knownInts(2) != Ints{0})
    return importTraining(n);
  if (n.opset < 7 && n.intAttr("is_test", 0) == 0)
    return n.error(Code::UnsupportedForm, "set is_test 1, or convert the model to opset 7") << "is_test must be 1";
  if (n.wantsOutput(1)) {
    RankedTensorType type = n.inputType(0);
    Type maskType = n.opset >= 10 ? IntegerType::get(n.context, 1) : type ? type.getElementType() : Type();
    if (!type ||
        failed(n.setOutput(1, n.createTyped<ExpandOp>(getTensorType(getDims(type), maskType), n.scalar(maskType, 1)))))
      return failure();
  }
  return n.forward(0, 0);
}

} // namespace

void addDropoutRules(Registry &r) { r.add("Dropout", 1, importDropout); }

} // namespace tenon::importer
