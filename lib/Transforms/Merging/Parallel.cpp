//===- Parallel.cpp - Equal constants, products side by side --------------===//
#include "Merging.h"
#include "tenon/Reference/Tensor.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/xxhash.h"

#include <cstring>

using namespace mlir;
using namespace tenon;
using namespace tenon::graph;
using reference::HostTensor;

void tenon::mergeEqualConstants(func::FuncOp function) {
  llvm::DenseMap<uint64_t, SmallVector<ConstantOp, 1>> byHash;
  for (ConstantOp constant : llvm::make_early_inc_range(function.getOps<ConstantOp>())) {
    auto tensor = reference::constantToTensor(constant.getValue());
    if (failed(tensor))
      continue;
    llvm::ArrayRef<uint8_t> bytes(reinterpret_cast<const uint8_t *>(tensor->bytes()), size_t(tensor->getNumBytes()));
    auto &others = byHash[llvm::xxh3_64bits(bytes)];
    auto isEqual = [&](ConstantOp other) {
      auto known = reference::constantToTensor(other.getValue());
      return other.getType() == constant.getType() && succeeded(known) &&
             std::memcmp(known->bytes(), tensor->bytes(), size_t(tensor->getNumBytes())) == 0;
    };
    auto same = llvm::find_if(others, isEqual);
    if (same == others.end()) {
      others.push_back(constant);
      continue;
    }
    constant.replaceAllUsesWith(same->getResult());
    constant.erase();
  }
}

/// Nothing: cannot be merged. Otherwise what must be equal for two ops to be merged.
static Attribute mergeKey(Operation *op) {
  MLIRContext *context = op->getContext();
  if (!isa<MatMulOp, ConvOp>(op))
    return {};
  auto w = op->getOperand(1).getDefiningOp<ConstantOp>();
  bool hasBias = op->getNumOperands() > 2;
  if (!w || (hasBias && !op->getOperand(2).getDefiningOp<ConstantOp>()))
    return {};
  // Of a weight all but its number of outputs is equal.
  SmallVector<int64_t> shape(w.getType().getShape());
  if (auto product = dyn_cast<MatMulOp>(op)) {
    if (shape.size() != 2 || product.getX().getType().getRank() < 2)
      return {};
    shape[product.getTransposeW() ? 0 : 1] = 0;
  } else {
    auto conv = cast<ConvOp>(op);
    if (conv.getGroup() != 1 || conv.getChannelsLast())
      return {};
    shape[0] = 0;
  }
  Builder b(context);
  return b.getArrayAttr({b.getStringAttr(op->getName().getStringRef()), op->getAttrDictionary(),
                         b.getDenseI64ArrayAttr(shape), b.getBoolAttr(hasBias),
                         TypeAttr::get(w.getType().getElementType())});
}

/// The axis of the weight, and of the result, along which outputs lie.
static std::pair<int64_t, int64_t> outputAxes(Operation *op) {
  if (auto product = dyn_cast<MatMulOp>(op))
    return {product.getTransposeW() ? 0 : 1, product.getResult().getType().getRank() - 1};
  return {0, 1};
}

static void mergeOps(ArrayRef<Operation *> ops) {
  Operation *first = ops.front();
  auto [weightAxis, resultAxis] = outputAxes(first);
  OpBuilder b(first);
  SmallVector<Location> locs;
  SmallVector<SmallVector<Value>> parts(first->getNumOperands() - 1); // weights, and biases
  for (Operation *op : ops) {
    locs.push_back(op->getLoc());
    for (unsigned i = 1; i < op->getNumOperands(); ++i) {
      op->getOperand(i).getDefiningOp()->moveBefore(first->getBlock(), first->getBlock()->begin());
      parts[i - 1].push_back(op->getOperand(i));
    }
  }
  Location loc = b.getFusedLoc(locs);
  Value w = ConcatOp::create(b, loc, parts[0], b.getI64IntegerAttr(weightAxis));
  Value bias = parts.size() > 1 ? Value(ConcatOp::create(b, loc, parts[1], b.getI64IntegerAttr(0))) : Value();
  Value all;
  if (auto conv = dyn_cast<ConvOp>(first))
    all = ConvOp::create(b, loc, conv.getX(), w, bias, conv.getStridesAttr(), conv.getPadsAttr(),
                         conv.getDilationsAttr(), conv.getGroupAttr(), conv.getChannelsLastAttr());
  else
    all = MatMulOp::create(b, loc, first->getOperand(0), w, cast<MatMulOp>(first).getTransposeWAttr());
  int64_t rank = cast<RankedTensorType>(all.getType()).getRank(), offset = 0;
  for (Operation *op : ops) {
    SmallVector<DimAttr> starts(rank, DimAttr::constant(b.getContext(), 0));
    starts[resultAxis] = DimAttr::constant(b.getContext(), offset);
    Value slice =
        SliceOp::create(b, op->getLoc(), op->getResult(0).getType(), all, ShapeAttr::get(b.getContext(), starts),
                        b.getDenseI64ArrayAttr(SmallVector<int64_t>(rank, 1)));
    offset += cast<RankedTensorType>(slice.getType()).getDimSize(resultAxis);
    op->getResult(0).replaceAllUsesWith(slice);
  }
  for (Operation *op : ops)
    op->erase();
}

void tenon::mergeParallelProducts(func::FuncOp function) {
  llvm::MapVector<std::pair<Value, Attribute>, SmallVector<Operation *>> parallel;
  for (Operation &op : function.getBody().front())
    if (Attribute key = mergeKey(&op))
      parallel[{op.getOperand(0), key}].push_back(&op);
  for (auto &[key, ops] : parallel)
    if (ops.size() > 1)
      mergeOps(ops);
}
