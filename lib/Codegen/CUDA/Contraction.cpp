//===- Contraction.cpp - Products and convolutions, element by element ----===//
//
// One thread sums one element of the result: no reuse but that of the caches. This path is correct for every shape and
// layout that the graph ops have; templates replace it where they apply.
//
//===----------------------------------------------------------------------===//
#include "Strategies.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {

static RankedTensorType tensorOf(Value v) { return cast<RankedTensorType>(v.getType()); }

bool isDirectContraction(Operation *op) {
  if (!isa<MatMulOp, ConvOp, ConvTransposeOp>(op))
    return false;
  Type type = tensorOf(op->getResult(0)).getElementType();
  return (type.isF32() || type.isF64()) &&
         llvm::all_of(op->getOperands(), [&](Value v) { return tensorOf(v).getElementType() == type; });
}

namespace {

class Contraction {
public:
  Contraction(CudaKernelBuilder &kernel, Evaluator &evaluator, Operation *op)
      : kernel(kernel), evaluator(evaluator), math(evaluator.index()), op(op) {}

  Value matmul(MatMulOp product, ArrayRef<Coord> coords);
  Value conv(ConvOp conv, ArrayRef<Coord> coords);
  Value convTranspose(ConvTransposeOp conv, ArrayRef<Coord> coords);

private:
  using Body = function_ref<Value(Value counter, Value total)>;

  Value zero();
  Value sum(StringRef name, Value from, Value to, Value total, Body body);
  Value multiplyAdd(Value x, Value w, Value total);
  Value addBias(Value bias, Value total, Value channel);
  SmallVector<Coord> batch(Value operand, ArrayRef<Coord> coords, size_t batchRank);
  Value extent(Value v, int64_t axis) { return kernel.param(getDim(tensorOf(v), axis)); }
  Value at(Value v, ArrayRef<Value> coords);

  CudaKernelBuilder &kernel;
  Evaluator &evaluator;
  const IndexMath &math;
  Operation *op;
};

Value Contraction::zero() {
  Type type = evaluator.vectorOf(tensorOf(op->getResult(0)).getElementType());
  return arith::ConstantOp::create(math.b, math.loc, math.b.getZeroAttr(type));
}

Value Contraction::sum(StringRef name, Value from, Value to, Value total, Body body) {
  OpBuilder &b = math.b;
  auto loop = scf::ForOp::create(b, math.loc, from, to, math.constant(1), ValueRange{total});
  loop.getInductionVar().setLoc(nameHint(b.getContext(), ("for:" + name).str()));
  loop.getRegionIterArgs()[0].setLoc(nameHint(b.getContext(), "sum"));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Evaluator::Scope scope(evaluator);
  scf::YieldOp::create(b, math.loc, body(loop.getInductionVar(), loop.getRegionIterArgs()[0]));
  return loop.getResult(0);
}

Value Contraction::multiplyAdd(Value x, Value w, Value total) {
  return arith::AddFOp::create(math.b, math.loc, total, arith::MulFOp::create(math.b, math.loc, x, w));
}

Value Contraction::at(Value v, ArrayRef<Value> coords) {
  return evaluator.evaluate(v, llvm::map_to_vector(coords, [&](Value coord) { return math.uniform(coord); }));
}

Value Contraction::addBias(Value bias, Value total, Value channel) {
  return bias ? Value(arith::AddFOp::create(math.b, math.loc, total, at(bias, channel))) : total;
}

/// The leading coordinates of an operand with `batchRank` of them, which broadcast to those of the result.
SmallVector<Coord> Contraction::batch(Value operand, ArrayRef<Coord> coords, size_t batchRank) {
  auto dims = getDims(tensorOf(operand)), all = getDims(tensorOf(op->getResult(0)));
  size_t shift = coords.size() - batchRank;
  SmallVector<Coord> own;
  for (size_t i = 0; i < batchRank; ++i) {
    Coord coord = coords[shift + i];
    if (dims[i] != all[shift + i])
      coord =
          math.uniform(math.select(math.equal(kernel.param(dims[i]), math.constant(1)), math.constant(0), coord.base));
    own.push_back(coord);
  }
  return own;
}

Value Contraction::matmul(MatMulOp product, ArrayRef<Coord> coords) {
  Value x = product.getX(), w = product.getW();
  int64_t xRank = tensorOf(x).getRank(), wRank = tensorOf(w).getRank();
  size_t rank = coords.size(), last = (xRank > 1) + (wRank > 1);
  ArrayRef<Coord> batchCoords = coords.drop_back(last);
  SmallVector<Coord> atX = batch(x, batchCoords, std::max<int64_t>(xRank - 2, 0));
  SmallVector<Coord> atW = batch(w, batchCoords, std::max<int64_t>(wRank - 2, 0));
  return sum("k", math.constant(0), extent(x, xRank - 1), zero(), [&](Value k, Value total) {
    SmallVector<Coord> xs = atX, ws = atW;
    if (xRank > 1)
      xs.push_back(coords[rank - last]);
    xs.push_back(math.uniform(k));
    if (wRank > 1 && product.getTransposeW())
      ws.push_back(coords.back());
    ws.push_back(math.uniform(k));
    if (wRank > 1 && !product.getTransposeW())
      ws.push_back(coords.back());
    return multiplyAdd(evaluator.evaluate(x, xs), evaluator.evaluate(w, ws), total);
  });
}

Value Contraction::conv(ConvOp conv, ArrayRef<Coord> coords) {
  Value x = conv.getX(), w = conv.getW();
  size_t rank = conv.getStrides().size();
  bool isLast = conv.getChannelsLast();
  size_t channelAxis = isLast ? rank + 1 : 1, space = isLast ? 1 : 2;
  Value column = coords[channelAxis].base, channels = extent(w, 1);
  Value perGroup = math.div(extent(w, 0), math.constant(conv.getGroup()));
  Value firstChannel = conv.getGroup() == 1 ? math.constant(0) : math.mul(math.div(column, perGroup), channels);
  SmallVector<Value> starts;
  for (size_t i = 0; i < rank; ++i)
    starts.push_back(math.sub(math.mul(coords[space + i].base, math.constant(conv.getStrides()[i])),
                              math.constant(conv.getPads()[i])));
  SmallVector<Value> xs(rank + 2, coords[0].base), ws(rank + 2, column);
  std::function<Value(size_t, Value)> nest = [&](size_t level, Value total) -> Value {
    if (level == rank)
      return sum("c", math.constant(0), channels, total, [&](Value c, Value inner) {
        ws[1] = c;
        xs[channelAxis] = math.add(firstChannel, c);
        return multiplyAdd(at(x, xs), at(w, ws), inner);
      });
    Value dilation = math.constant(conv.getDilations()[level]), taps = extent(w, level + 2);
    // Taps [from, to) lie inside x.
    auto before = [&](Value limit) {
      Value distance = math.max(math.sub(limit, starts[level]), math.constant(0));
      return math.min(math.ceilDiv(distance, dilation), taps);
    };
    bool isPadded = conv.getPads()[level] || conv.getPads()[rank + level];
    Value from = isPadded ? before(math.constant(0)) : math.constant(0);
    Value to = isPadded ? before(extent(x, space + level)) : taps;
    return sum("tap", from, to, total, [&, level](Value tap, Value inner) {
      ws[level + 2] = tap;
      xs[space + level] = math.add(starts[level], math.mul(tap, dilation));
      return nest(level + 1, inner);
    });
  };
  return addBias(conv.getBias(), nest(0, zero()), column);
}

/// Element o gets x[i] * w[tap] where o + begin - tap * dilation = i * stride.
Value Contraction::convTranspose(ConvTransposeOp conv, ArrayRef<Coord> coords) {
  Value x = conv.getX(), w = conv.getW();
  size_t rank = conv.getStrides().size();
  Value column = coords[1].base, groups = math.constant(conv.getGroup());
  Value perGroup = math.div(extent(w, 0), groups), columns = extent(w, 1);
  Value firstChannel = conv.getGroup() == 1 ? math.constant(0) : math.mul(math.div(column, columns), perGroup);
  SmallVector<Value> xs(rank + 2, coords[0].base), ws(rank + 2, math.rem(column, columns));
  std::function<Value(size_t, Value)> nest = [&](size_t level, Value total) -> Value {
    if (level == rank)
      return sum("c", math.constant(0), perGroup, total, [&](Value c, Value inner) {
        xs[1] = ws[0] = math.add(firstChannel, c);
        return multiplyAdd(at(x, xs), at(w, ws), inner);
      });
    Value stride = math.constant(conv.getStrides()[level]), zeroIndex = math.constant(0);
    return sum("tap", zeroIndex, extent(w, level + 2), total, [&, level](Value tap, Value inner) {
      ws[level + 2] = tap;
      Value shifted = math.sub(math.add(coords[level + 2].base, math.constant(conv.getPads()[level])),
                               math.mul(tap, math.constant(conv.getDilations()[level])));
      Value source = math.div(math.max(shifted, zeroIndex), stride);
      xs[level + 2] = source;
      Value inside = arith::AndIOp::create(math.b, math.loc, math.equal(math.mul(source, stride), shifted),
                                           math.less(source, extent(x, level + 2)));
      auto choice = scf::IfOp::create(math.b, math.loc, TypeRange{inner.getType()}, inside, /*withElseRegion=*/true);
      OpBuilder::InsertionGuard guard(math.b);
      math.b.setInsertionPointToStart(choice.thenBlock());
      scf::YieldOp::create(math.b, math.loc, nest(level + 1, inner));
      math.b.setInsertionPointToStart(choice.elseBlock());
      scf::YieldOp::create(math.b, math.loc, inner);
      return choice.getResult(0);
    });
  };
  return addBias(conv.getBias(), nest(0, zero()), column);
}

} // namespace

Value evaluateContraction(CudaKernelBuilder &kernel, Evaluator &evaluator, Operation *op, ArrayRef<Coord> coords) {
  assert(evaluator.index().width == 1 && "contractions are scalar");
  Contraction contraction(kernel, evaluator, op);
  return TypeSwitch<Operation *, Value>(op)
      .Case([&](MatMulOp product) { return contraction.matmul(product, coords); })
      .Case([&](ConvOp conv) { return contraction.conv(conv, coords); })
      .Case([&](ConvTransposeOp conv) { return contraction.convTranspose(conv, coords); });
}

Value CudaKernelBuilder::evaluateOther(Evaluator &evaluator, Operation *op, ArrayRef<Coord> coords) {
  return evaluateContraction(*this, evaluator, op, coords);
}

} // namespace tenon::codegen::cuda
