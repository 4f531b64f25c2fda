//===- ExportWindow.cpp - Products, convolutions, pools, resampling --------===//
//
// Channels that are last are brought to their ONNX place by transposes around the node.
//
//===----------------------------------------------------------------------===//
#include "Graph/IR/DimExpr.h"
#include "GraphWriter.h"
#include <numeric>

using namespace mlir;
using namespace tenon::graph;

namespace tenon::exporter {
namespace {

RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }
Ints copy(ArrayRef<int64_t> values) { return Ints(values.begin(), values.end()); }

Name channelsFirst(GraphWriter &w, Name x, int64_t rank, bool isLast) {
  Ints perm{0, rank - 1};
  for (int64_t axis = 1; axis + 1 < rank; ++axis)
    perm.push_back(axis);
  return isLast ? w.transpose(x, perm) : x;
}

Name channelsLast(GraphWriter &w, Name y, int64_t rank, bool isLast) {
  Ints perm{0};
  for (int64_t axis = 2; axis < rank; ++axis)
    perm.push_back(axis);
  perm.push_back(1);
  return isLast ? w.transpose(y, perm) : y;
}

Name exportMatMul(GraphWriter &w, MatMulOp op) {
  Name weight = w.get(op.getW());
  if (op.getTransposeW()) {
    Ints perm(size_t(typeOf(op.getW()).getRank()));
    std::iota(perm.begin(), perm.end(), 0);
    std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
    weight = w.transpose(weight, perm);
  }
  return w.add("MatMul", {w.get(op.getX()), weight});
}

Name exportConv(GraphWriter &w, ConvOp op) {
  int64_t rank = typeOf(op.getX()).getRank();
  Name x = channelsFirst(w, w.get(op.getX()), rank, op.getChannelsLast());
  Name y = w.add("Conv", {x, w.get(op.getW()), op.getBias() ? w.get(op.getBias()) : Name()},
                 {{"strides", copy(op.getStrides())},
                  {"pads", copy(op.getPads())},
                  {"dilations", copy(op.getDilations())},
                  {"group", int64_t(op.getGroup())}});
  return channelsLast(w, y, rank, op.getChannelsLast());
}

Name exportConvTranspose(GraphWriter &w, ConvTransposeOp op) {
  return w.add("ConvTranspose", {w.get(op.getX()), w.get(op.getW()), op.getBias() ? w.get(op.getBias()) : Name()},
               {{"strides", copy(op.getStrides())},
                {"pads", copy(op.getPads())},
                {"dilations", copy(op.getDilations())},
                {"output_padding", copy(op.getOutputPadding())},
                {"group", int64_t(op.getGroup())}});
}

template <typename OpTy>
Name exportPool(GraphWriter &w, OpTy op, StringRef name) {
  int64_t rank = typeOf(op.getX()).getRank();
  SmallVector<Attribute> attributes{{"kernel_shape", copy(op.getKernel())},
                                    {"strides", copy(op.getStrides())},
                                    {"pads", copy(op.getPads())},
                                    {"dilations", copy(op.getDilations())},
                                    {"ceil_mode", int64_t(op.getCeilMode())}};
  if constexpr (std::is_same_v<OpTy, AveragePoolOp>)
    attributes.push_back({"count_include_pad", int64_t(op.getCountIncludePad())});
  Name x = channelsFirst(w, w.get(op.getX()), rank, op.getChannelsLast());
  return channelsLast(w, w.add(name, {x}, attributes), rank, op.getChannelsLast());
}

Name exportResize(GraphWriter &w, ResizeOp op) {
  SmallVector<Name> operands{w.get(op.getX()), Name()};
  if (auto scales = op.getScales()) {
    SmallVector<float> values(scales->begin(), scales->end());
    auto type = RankedTensorType::get({int64_t(values.size())}, Float32Type::get(w.context));
    operands.push_back(w.constant(DenseElementsAttr::get(type, ArrayRef<float>(values))));
  } else {
    operands.append({Name(), w.shape(getDims(typeOf(op.getResult())))});
  }
  SmallVector<Attribute> attributes{{"mode", op.getMode().str()},
                                    {"coordinate_transformation_mode", op.getCoordinates().str()}};
  if (op.getMode() == "nearest")
    attributes.push_back({"nearest_mode", op.getRounding().str()});
  return w.add("Resize", operands, attributes);
}

} // namespace

bool exportWindow(GraphWriter &w, Operation *op) {
  Name result = llvm::TypeSwitch<Operation *, Name>(op)
                    .Case([&](MatMulOp o) { return exportMatMul(w, o); })
                    .Case([&](ConvOp o) { return exportConv(w, o); })
                    .Case([&](ConvTransposeOp o) { return exportConvTranspose(w, o); })
                    .Case([&](MaxPoolOp o) { return exportPool(w, o, "MaxPool"); })
                    .Case([&](AveragePoolOp o) { return exportPool(w, o, "AveragePool"); })
                    .Case([&](ResizeOp o) { return exportResize(w, o); })
                    .Default([](Operation *) { return Name(); });
  return w.bindIfNamed(op->getResult(0), result);
}

} // namespace tenon::exporter
