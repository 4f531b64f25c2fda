//===- RaiseQuantized.cpp - Products of integers from quantized ones ------===//
//
// Products of dequantized numbers become products of the integers, scaled after the sum.
//
//===----------------------------------------------------------------------===//
#include "ExactSums.h"
#include "Graph/IR/Expressions.h"
#include "Quantization.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "tenon/Codegen/CPU/Codegen.h"
#include "tenon/Reference/Evaluate.h"
#include "tenon/Transforms/QuantizationPasses.h"

namespace tenon {
#define GEN_PASS_DEF_RAISEQUANTIZED
#include "tenon/Transforms/QuantizationPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;
using namespace tenon::graph;

namespace {

/// A constant with the value of `v`, computed from constants; null if that cannot be done.
Value foldNow(Expressions &c, Value v) {
  Operation *op = v.getDefiningOp();
  SmallVector<reference::HostTensor> operands, results;
  for (Value operand : op->getOperands()) {
    auto constant = operand.getDefiningOp<ConstantOp>();
    auto tensor = constant ? reference::constantToTensor(constant.getValue()) : FailureOr<reference::HostTensor>();
    if (failed(tensor))
      return {};
    operands.push_back(std::move(*tensor));
  }
  if (failed(reference::evaluate(op, operands, results, {})))
    return {};
  return c.make<ConstantOp>(reference::tensorToAttr(v.getContext(), std::move(results.front()), "quantized"));
}

/// The constant that `v` is once what moves it is done; else `v`.
Value foldMoves(Expressions &c, Value v) {
  Operation *op = v.getDefiningOp();
  if (!op || !isa<TransposeOp, ReshapeOp, SliceOp>(op))
    return v;
  Value x = foldMoves(c, op->getOperand(0));
  if (!x.getDefiningOp<ConstantOp>())
    return v;
  Operation *moved = c.b.clone(*op);
  moved->setOperand(0, x);
  Value folded = foldNow(c, moved->getResult(0));
  return folded ? folded : v;
}

bool isByte(Value v) {
  auto integer = dyn_cast<IntegerType>(Expressions::elementOf(v));
  return integer && integer.getWidth() == 8;
}

/// What stands for codes of 8 bits in f32, scaled as a whole or along `axis`; null if `v` is no such thing.
DequantizeOp quantizedOf(Value v, std::optional<int64_t> axis) {
  auto op = v.getDefiningOp<DequantizeOp>();
  if (!op || !isByte(op.getQ()) || !Expressions::elementOf(v).isF32() || op.getBlockSize() != 0)
    return {};
  const bool isWhole = Expressions::typeOf(op.getScale()).getRank() == 0;
  return isWhole || (axis && op.getAxis() == *axis) ? op : DequantizeOp();
}

/// Weights and their zero point as kernels like them: signed, without a zero point of nothing but zeros.
struct SignedWeights {
  Value codes, zero;
};

/// `v` (ui8) - 128 as i8.
Value makeSigned(Expressions &c, Value v) {
  Value wide = foldNow(c, c.cast(v, c.integer(32)));
  Value moved = wide ? foldNow(c, c.sub(wide, 128)) : Value();
  return moved ? foldNow(c, c.cast(moved, c.integer(8))) : Value();
}

/// Null codes where they are no constants.
SignedWeights makeSigned(Expressions &c, Value codes, Value zero) {
  codes = foldMoves(c, codes);
  zero = zero ? foldMoves(c, zero) : zero;
  if (!codes.getDefiningOp<ConstantOp>() || (zero && !zero.getDefiningOp<ConstantOp>()))
    return {codes, zero};
  if (c.elementOf(codes).isUnsignedInteger()) {
    if (!zero)
      zero = c.like(codes, 0);
    codes = makeSigned(c, codes);
    zero = makeSigned(c, zero);
    if (!codes || !zero)
      return {};
  }
  return {codes, zero && matchPattern(zero, m_Zero()) ? Value() : zero};
}

/// Whether no sum that the product takes leaves i32, where it would wrap and one of f32 would not.
bool holdsSums(Operation *product) {
  auto holds = [](auto op, int64_t depth, WeightOrder order) {
    return holdsInteger32({op.getX(), op.getXZero()}, {op.getW(), op.getWZero()}, depth, order);
  };
  auto weights = cast<RankedTensorType>(product->getOperand(1).getType());
  if (auto matmul = dyn_cast<IntegerMatMulOp>(product)) {
    const int64_t k = weights.getDimSize(unsigned(weights.getRank() - (matmul.getTransposeW() ? 1 : 2)));
    return holds(matmul, k, matmul.getTransposeW() ? WeightOrder::Runs : WeightOrder::Columns);
  }
  const int64_t depth = weights.hasStaticShape() ? ShapedType::getNumElements(weights.getShape().drop_front()) : -1;
  return holds(cast<IntegerConvOp>(product), depth, WeightOrder::Runs);
}

class Raiser {
public:
  explicit Raiser(Operation *op) : op(op), b(op), c{b, op->getLoc()} { b.setListener(&listener); }

  /// Replaces the op where a processor has a kernel for the product of integers, or `everywhere`.
  void run(bool everywhere) {
    Operation *product = nullptr;
    if (auto matmul = dyn_cast<MatMulOp>(op))
      product = raise(matmul);
    else if (auto conv = dyn_cast<ConvOp>(op))
      product = raise(conv);
    else
      return tidy();
    if (!product || (!everywhere && !codegen::hasIntegerKernel(product)))
      return listener.undo();
    if (!holdsSums(product)) {
      remark::missed(op->getLoc(), remark::RemarkOpts::name("RaiseQuantized").category("quantization"))
          << remark::reason("{0}: the sum of its integers may not fit in 32 bits", op->getName().getStringRef());
      return listener.undo();
    }
    Value y = c.reshape(scale(product), c.dimsOf(op->getResult(0)));
    op->getResult(0).replaceAllUsesWith(y);
    op->erase();
  }

private:
  struct Undo : OpBuilder::Listener {
    void notifyOperationInserted(Operation *made, OpBuilder::InsertPoint) override { all.push_back(made); }
    void undo() {
      for (Operation *made : llvm::reverse(all))
        made->erase();
    }
    SmallVector<Operation *> all;
  };

  Operation *raise(MatMulOp matmul);
  Operation *raise(ConvOp conv);
  Value scale(Operation *product);
  void tidy();

  Operation *op;
  OpBuilder b;
  Expressions c;
  Undo listener;
  DequantizeOp x, w;
};

} // namespace

Operation *Raiser::raise(MatMulOp matmul) {
  const int64_t rank = matmul.getW().getType().getRank();
  const bool isTransposed = matmul.getTransposeW();
  x = quantizedOf(matmul.getX(), std::nullopt);
  w = quantizedOf(matmul.getW(), rank == 2 ? std::optional<int64_t>(isTransposed ? 0 : 1) : std::nullopt);
  if (!x || !w || rank < 2 || matmul.getX().getType().getRank() < 2)
    return nullptr;
  SignedWeights weights = makeSigned(c, w.getQ(), w.getZeroPoint());
  if (isTransposed && weights.codes && weights.codes.getDefiningOp<ConstantOp>()) {
    auto perm = llvm::to_vector(llvm::seq<int64_t>(0, rank));
    std::swap(perm[size_t(rank) - 1], perm[size_t(rank) - 2]);
    weights.codes = foldNow(c, c.transpose(weights.codes, perm));
  }
  if (!weights.codes)
    return nullptr;
  const bool staysTransposed = isTransposed && !weights.codes.getDefiningOp<ConstantOp>();
  return c.make<IntegerMatMulOp>(x.getQ(), weights.codes, x.getZeroPoint(), weights.zero, staysTransposed)
      .getDefiningOp();
}

Operation *Raiser::raise(ConvOp conv) {
  x = quantizedOf(conv.getX(), std::nullopt);
  w = quantizedOf(conv.getW(), 0);
  if (!x || !w)
    return nullptr;
  SignedWeights weights = makeSigned(c, w.getQ(), w.getZeroPoint());
  if (!weights.codes)
    return nullptr;
  return c
      .make<IntegerConvOp>(x.getQ(), weights.codes, x.getZeroPoint(), weights.zero, conv.getStridesAttr(),
                           conv.getPadsAttr(), conv.getDilationsAttr(), conv.getGroupAttr(), conv.getChannelsLastAttr())
      .getDefiningOp();
}

/// The sums times both scales, and the bias.
Value Raiser::scale(Operation *product) {
  Value y = c.cast(product->getResult(0), c.f32());
  Value scale = c.mul(w.getScale(), x.getScale());
  auto conv = dyn_cast<ConvOp>(op);
  const int64_t rank = c.typeOf(y).getRank();
  const int64_t channels = !conv || conv.getChannelsLast() ? rank - 1 : 1;
  y = c.mul(y, alignScale(c, scale, y, channels, 0));
  return conv && conv.getBias() ? c.add(y, alignScale(c, conv.getBias(), y, channels, 0)) : y;
}

/// Products of integers that the model has: their weights signed.
void Raiser::tidy() {
  auto tidyWeights = [&](auto product) {
    if (product.getW().template getDefiningOp<ConstantOp>() == nullptr)
      return;
    SignedWeights weights = makeSigned(c, product.getW(), product.getWZero());
    if (!weights.codes)
      return listener.undo();
    product.getWMutable().assign(weights.codes);
    product.getWZeroMutable().clear();
    if (weights.zero)
      product.getWZeroMutable().assign(weights.zero);
  };
  if (auto matmul = dyn_cast<IntegerMatMulOp>(op))
    tidyWeights(matmul);
  else if (auto conv = dyn_cast<IntegerConvOp>(op))
    tidyWeights(conv);
}

namespace {

struct RaiseQuantized : tenon::impl::RaiseQuantizedBase<RaiseQuantized> {
  using RaiseQuantizedBase::RaiseQuantizedBase;
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateMoveQuantizationPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    SmallVector<Operation *> products;
    for (Operation &op : getOperation().getBody().front())
      if (isa<MatMulOp, ConvOp, IntegerMatMulOp, IntegerConvOp>(op))
        products.push_back(&op);
    for (Operation *op : products)
      Raiser(op).run(everywhere);
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(getOperation().getBody().front())))
      if (isOpTriviallyDead(&op))
        op.erase();
  }
};

} // namespace
