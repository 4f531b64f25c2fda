//===- ProtectPrecision.cpp - What 16 bits are too few for -----------------===//
//
// Evaluates the model on a few samples, and each op a second time with operands and results rounded to 16 bits. An op
// whose numbers overflow, or that makes of rounding much more than rounding, keeps f32: tenon-convert-precision leaves
// it alone.
//
//===----------------------------------------------------------------------===//
#include "Graph/IR/Placement.h"
#include "Stages.h"
#include "tenon/Reference/Evaluate.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::compress {
namespace {

using reference::HostTensor;

/// Samples that are evaluated, in batches as the data have them.
constexpr int64_t mostBatches = 4;
/// An op is protected where its result moves by more than so many roundings.
constexpr double mostRoundings = 8;

class Protector {
public:
  Protector(func::FuncOp function, Precision precision, Result &result)
      : function(function), narrow(precision == Precision::Fp16 ? ElementType::F16 : ElementType::BF16),
        unit(precision == Precision::Fp16 ? 0x1p-11 : 0x1p-8), largest(precision == Precision::Fp16 ? 65504 : 3.38e38),
        result(result) {}

  LogicalResult add(const data::Batch &batch);
  void protect();

private:
  LogicalResult observe(Operation *op, ArrayRef<HostTensor> results);
  FailureOr<HostTensor> round(const HostTensor &tensor) const;

  struct Seen {
    double error = 0, magnitude = 0;
  };

  func::FuncOp function;
  const ElementType narrow;
  const double unit, largest;
  Result &result;
  reference::Environment environment;
  llvm::DenseMap<Value, HostTensor> values;
  llvm::MapVector<Operation *, Seen> seen;
};

} // namespace

FailureOr<HostTensor> Protector::round(const HostTensor &tensor) const {
  if (tensor.getType() != ElementType::F32)
    return tensor;
  auto small = HostTensor::allocate(narrow, tensor.getDims());
  auto wide = HostTensor::allocate(ElementType::F32, tensor.getDims());
  if (failed(small) || failed(wide))
    return failure();
  for (int64_t i = 0; i < tensor.getNumElements(); ++i) {
    small->setDouble(i, tensor.getDouble(i));
    wide->setDouble(i, small->getDouble(i));
  }
  return wide;
}

static double difference(const HostTensor &a, const HostTensor &b) {
  double change = 0, energy = 0;
  for (int64_t i = 0; i < a.getNumElements(); ++i) {
    const double x = a.getDouble(i), y = b.getDouble(i);
    if (!std::isfinite(x))
      continue; // masks
    if (!std::isfinite(y))
      return std::numeric_limits<double>::infinity();
    change += (x - y) * (x - y);
    energy += x * x;
  }
  return energy > 0 ? std::sqrt(change / energy) : 0;
}

static double magnitudeOf(const HostTensor &tensor) {
  double most = 0;
  for (int64_t i = 0; i < tensor.getNumElements(); ++i)
    if (const double v = std::abs(tensor.getDouble(i)); std::isfinite(v))
      most = std::max(most, v);
  return most;
}

/// Whether tenon-convert-precision may make the result narrow.
static bool mayBecomeNarrow(Operation *op) {
  if (isa<CastOp, ExpOp, PowOp, LogOp, SinhOp, CoshOp>(op))
    return false;
  return isa<ElementwiseOpInterface>(op) || isa<MatMulOp, ConvOp, ConvTransposeOp, AttentionOp, LayerNormalizationOp,
                                                RmsNormalizationOp, AveragePoolOp, RotaryEmbeddingOp>(op);
}

LogicalResult Protector::observe(Operation *op, ArrayRef<HostTensor> results) {
  for (auto [value, tensor] : llvm::zip_equal(op->getResults(), results))
    values[value] = tensor;
  if (!mayBecomeNarrow(op) || results.size() != 1 || results.front().getType() != ElementType::F32)
    return success();
  SmallVector<HostTensor> operands, again;
  for (Value operand : op->getOperands()) {
    auto rounded = round(values.lookup(operand));
    if (failed(rounded))
      return failure();
    operands.push_back(*rounded);
  }
  if (failed(reference::evaluate(op, operands, again, environment)))
    return failure();
  auto rounded = round(again.front());
  if (failed(rounded))
    return failure();
  Seen &known = seen[op];
  known.error = std::max(known.error, difference(results.front(), *rounded));
  known.magnitude = std::max(known.magnitude, magnitudeOf(results.front()));
  return success();
}

LogicalResult Protector::add(const data::Batch &batch) {
  SmallVector<HostTensor> inputs, outputs;
  for (const runtime::NamedTensor &input : batch.inputs)
    inputs.push_back(HostTensor::borrow(input.tensor.type, input.tensor.dims, input.tensor.data.get()));
  environment.symbols.clear();
  if (failed(reference::bindSymbols(function, inputs, environment.symbols)))
    return failure();
  values.clear();
  for (auto [argument, tensor] : llvm::zip_equal(function.getArguments(), inputs))
    values[argument] = tensor;
  reference::EvaluateOptions options;
  options.observer = [&](Operation *op, ArrayRef<HostTensor> results) { return observe(op, results); };
  LogicalResult done = reference::evaluateFunction(function, inputs, outputs, options);
  values.clear();
  return done;
}

void Protector::protect() {
  for (auto &[op, known] : seen) {
    // A product of two large numbers overflows before what follows makes it small: half of the range is kept free.
    const bool overflows = known.magnitude > largest / 2, isRough = known.error > mostRoundings * unit;
    if (!overflows && !isRough)
      continue;
    op->setAttr(fullPrecisionAttr, UnitAttr::get(op->getContext()));
    Layer layer{op, nodeOf(op->getLoc())};
    result.notes.push_back(
        llvm::formatv("'{0}' keeps f32: {1}", layer.name,
                      overflows ? llvm::formatv("numbers up to {0:E2}", known.magnitude).str()
                                : llvm::formatv("16 bits move its result by {0:F2} %", 100 * known.error).str()));
  }
}

LogicalResult Job::protect() {
  if (options.precision != Precision::Fp16 && options.precision != Precision::Bf16)
    return success();
  result.isChanged = true;
  for (Operation &op : function.getBody().front())
    if (matchesAny(options.keep, nodeOf(op.getLoc())))
      op.setAttr(fullPrecisionAttr, UnitAttr::get(op.getContext()));
  if (!dataset)
    return success();
  Protector protector(function, options.precision, result);
  dataset->rewind();
  for (int64_t i = 0; i < mostBatches; ++i) {
    auto batch = dataset->next();
    if (!batch)
      return emitStatus(function.getLoc(), batch.status());
    if (!*batch)
      break;
    if (failed(protector.add(**batch)))
      return failure();
    if (environment.progress)
      environment.progress("evaluating in 16 bits", double(i + 1) / mostBatches);
  }
  protector.protect();
  return success();
}

} // namespace tenon::compress
