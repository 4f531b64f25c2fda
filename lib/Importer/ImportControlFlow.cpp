//===- ImportControlFlow.cpp - If, Loop and Scan known at import -----------===//
//
// A branch whose condition is known, and a loop whose number of iterations is, are imported in place, the loop
// unrolled: known conditions come from shape arithmetic, known counts from recurrences over fixed sequences. What only
// a run decides becomes a part of the script (ImportRunTimeControl.cpp).
//
//===----------------------------------------------------------------------===//
#include "Compose.h"
#include "GraphImporter.h"
#include "ImportRunTimeControl.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {

/// Loops are unrolled up to so many iterations, and so many nodes in all.
static constexpr int64_t maxIterations = 1024, maxUnrolledNodes = 1 << 14;

namespace {

ModelValue *makeNumber(GraphImporter &importer, NodeImporter &n, Type elementType, int64_t value) {
  return importer.addValue({RankedTensorType::get({}, elementType), n.loc, {}, {}, Dims{n.dim(value)}});
}

/// The values of all iterations, in their order or back, along a new dimension `axis`; null with an error.
Value stack(GraphImporter &importer, NodeImporter &n, ArrayRef<ModelValue *> parts, int64_t axis, bool isReversed) {
  SmallVector<Value> values;
  for (ModelValue *part : parts)
    values.push_back(importer.materialize(*part));
  if (isReversed)
    std::reverse(values.begin(), values.end());
  auto normal = n.normalizeAxis(axis, rankOf(values.front()) + 1);
  return failed(normal) ? Value() : Compose{n}.stack(values, *normal);
}

/// No iteration: the type is what the body declares.
Value stackNothing(NodeImporter &n, const onnx::ValueInfoProto &output, int64_t axis) {
  const auto &type = output.type().tensor_type();
  Type elementType = getElementType(n.context, type.elem_type());
  SmallVector<int64_t> shape;
  for (const auto &dim : type.shape().dim())
    shape.push_back(dim.has_dim_value() ? dim.dim_value() : -1);
  auto normal = n.normalizeAxis(axis, int64_t(shape.size()) + 1);
  if (failed(normal))
    return {};
  if (!elementType || !type.has_shape() || llvm::any_of(shape, [](int64_t d) { return d < 0; })) {
    n.error(Code::ControlFlow) << "no iteration, and the body does not declare the shape of '" << output.name() << "'";
    return {};
  }
  shape.insert(shape.begin() + *normal, 0);
  return n.constant(DenseElementsAttr::get(RankedTensorType::get(shape, elementType), ArrayRef<Attribute>()));
}

} // namespace

/// One loop being unrolled. Each iteration is a frame, whose end starts the next.
class GraphImporter::Unrolling {
public:
  /// `done` gets the results.
  Unrolling(GraphImporter &importer, const NodeImporter &node, ArrayRef<ModelValue *> inputs,
            std::function<LogicalResult(ArrayRef<ModelValue *>)> done)
      : importer(importer), n(importer, node.node, node.loc, node.opset, SmallVector<ModelValue *>(inputs)),
        isScan(node.node.op_type() == "Scan"), done(std::move(done)) {}

  static LogicalResult start(const std::shared_ptr<Unrolling> &self) {
    if (failed(self->isScan ? self->readScan() : self->readLoop()))
      return failure();
    return self->isKnown ? next(self) : self->leaveToRun();
  }

private:
  LogicalResult readLoop();
  LogicalResult readScan();
  static LogicalResult next(const std::shared_ptr<Unrolling> &self);
  LogicalResult finishIteration(ArrayRef<ModelValue *> results);
  /// Iterations that were unrolled already are read by nothing.
  LogicalResult leaveToRun() {
    if (isScan && n.opset < 9)
      return n.error(Code::ControlFlow) << "the batched form of opset 8 over a length that only a run knows";
    return RunTimeLoop::start(std::make_shared<RunTimeLoop>(importer, n));
  }
  LogicalResult finish();
  ModelValue *takeElement(size_t input);
  int64_t listed(StringRef name, size_t i) const {
    auto list = n.intsAttr(name);
    return list && i < list->size() ? (*list)[i] : 0;
  }

  GraphImporter &importer;
  NodeImporter n;
  const bool isScan;
  const std::function<LogicalResult(ArrayRef<ModelValue *>)> done;
  const onnx::GraphProto *body = nullptr;
  int64_t count = 0, iteration = 0;
  bool goesOn = true;
  bool isKnown = true; ///< how often the body runs; false where it is too often, too
  SmallVector<ModelValue *> carried;
  SmallVector<SmallVector<ModelValue *>> stacked; ///< by output, then iteration
};

LogicalResult GraphImporter::Unrolling::readLoop() {
  body = &n.findAttr("body")->g();
  auto trips = n.hasInput(0) ? n.knownInts(0) : std::optional<Ints>(Ints{INT64_MAX});
  auto condition = n.hasInput(1) ? n.knownInts(1) : std::optional<Ints>(Ints{1});
  isKnown = trips && trips->size() == 1 && condition && condition->size() == 1;
  if (!isKnown)
    return success();
  count = std::max<int64_t>(trips->front(), 0);
  isKnown = !n.hasInput(0) || count <= std::min(maxIterations, maxUnrolledNodes / (body->node_size() + 1));
  goesOn = condition->front() != 0;
  for (size_t i = 2; i < n.getNumInputs(); ++i)
    carried.push_back(n.getInput(i));
  return success();
}

LogicalResult GraphImporter::Unrolling::readScan() {
  body = &n.findAttr("body")->g();
  const int64_t scanned = n.intAttr("num_scan_inputs", 0), inputs = int64_t(n.getNumInputs());
  if (scanned < 1 || scanned > inputs)
    return n.error(Code::WrongAttribute) << "num_scan_inputs is " << scanned;
  for (int64_t i = 0; i < inputs - scanned; ++i)
    carried.push_back(n.getInput(size_t(i)));
  for (size_t i = carried.size(); i < size_t(inputs); ++i) {
    RankedTensorType type = n.inputType(i);
    if (!type)
      return failure();
    auto axis = n.normalizeAxis(listed("scan_input_axes", i - carried.size()), type.getRank());
    if (failed(axis))
      return failure();
    auto extent = getDim(type, unsigned(*axis)).getConstant();
    isKnown &= extent && *extent <= std::min(maxIterations, maxUnrolledNodes / (body->node_size() + 1));
    if (!isKnown)
      continue;
    if (i > carried.size() && *extent != count)
      return n.error(Code::ShapeMismatch) << "input " << i << " has " << *extent << " elements, others " << count;
    count = *extent;
  }
  return success();
}

/// Element `iteration` of a scanned input; null with an error.
ModelValue *GraphImporter::Unrolling::takeElement(size_t input) {
  Value x = n.input(input);
  const size_t i = input - carried.size();
  auto axis = x ? n.normalizeAxis(listed("scan_input_axes", i), rankOf(x)) : FailureOr<int64_t>(failure());
  if (failed(axis))
    return nullptr;
  const bool isReversed = listed(n.opset < 9 ? "directions" : "scan_input_directions", i) != 0;
  Value element = Compose{n}.pick(x, *axis, isReversed ? count - 1 - iteration : iteration);
  return element ? importer.addValue({typeOf(element), n.loc, element, {}, std::nullopt}) : nullptr;
}

LogicalResult GraphImporter::Unrolling::next(const std::shared_ptr<Unrolling> &self) {
  NodeImporter &n = self->n;
  if (self->stacked.empty()) {
    const size_t others = self->carried.size() + (self->isScan ? 0 : 1);
    if (size_t(self->body->output_size()) < others)
      return n.error(Code::WrongOperands) << "the body has " << self->body->output_size() << " outputs";
    self->stacked.resize(size_t(self->body->output_size()) - others);
  }
  if (!self->goesOn || self->iteration == self->count)
    return self->finish();
  if (self->iteration == maxIterations)
    return self->leaveToRun();
  SmallVector<ModelValue *> inputs;
  if (!self->isScan)
    inputs = {makeNumber(self->importer, n, IntegerType::get(n.context, 64), self->iteration),
              makeNumber(self->importer, n, IntegerType::get(n.context, 1), 1)};
  llvm::append_range(inputs, self->carried);
  for (size_t i = self->carried.size(); self->isScan && i < n.getNumInputs(); ++i) {
    inputs.push_back(self->takeElement(i));
    if (!inputs.back())
      return failure();
  }
  return self->importer.pushGraph(n.node, *self->body, inputs, n.loc, [self](ArrayRef<ModelValue *> results) {
    if (failed(self->finishIteration(results)))
      return failure();
    return self->isKnown ? next(self) : self->leaveToRun();
  });
}

LogicalResult GraphImporter::Unrolling::finishIteration(ArrayRef<ModelValue *> results) {
  if (!isScan) {
    const auto &condition = results.front()->known;
    auto value = condition && condition->size() == 1 ? condition->front().getConstant() : std::nullopt;
    isKnown = value.has_value();
    if (!isKnown)
      return success();
    goesOn = *value != 0;
    results = results.drop_front();
  }
  for (ModelValue *&value : carried) {
    value = results.front();
    results = results.drop_front();
  }
  for (auto [list, value] : llvm::zip(stacked, results))
    list.push_back(value);
  ++iteration;
  return success();
}

LogicalResult GraphImporter::Unrolling::finish() {
  SmallVector<ModelValue *> results = carried;
  for (auto [i, parts] : llvm::enumerate(stacked)) {
    const int64_t axis = isScan ? listed("scan_output_axes", i) : 0;
    const auto &declared = body->output(int(size_t(body->output_size()) - stacked.size() + i));
    Value value = parts.empty() ? stackNothing(n, declared, axis)
                                : stack(importer, n, parts, axis, isScan && listed("scan_output_directions", i) != 0);
    if (!value)
      return failure();
    results.push_back(importer.addValue({typeOf(value), n.loc, value, {}, std::nullopt}));
  }
  return done(results);
}

/// Scan of opset 8: for each element of a batch, along dimension 0 of all operands.
class GraphImporter::BatchedScan {
public:
  BatchedScan(GraphImporter &importer, const NodeImporter &n) : importer(importer), n(n) {}
  static LogicalResult start(const std::shared_ptr<BatchedScan> &self);

private:
  static LogicalResult next(const std::shared_ptr<BatchedScan> &self);
  LogicalResult finish();

  GraphImporter &importer;
  NodeImporter n;
  int64_t count = 0;
  SmallVector<SmallVector<ModelValue *>> done; ///< results by element
};

LogicalResult GraphImporter::BatchedScan::start(const std::shared_ptr<BatchedScan> &self) {
  NodeImporter &n = self->n;
  if (n.hasInput(0))
    return n.error(Code::ControlFlow) << "a length for each element of the batch";
  for (size_t i = 1; i < n.getNumInputs(); ++i) {
    RankedTensorType type = n.inputType(i);
    if (!type)
      return failure();
    auto extent = type.getRank() ? getDim(type, 0).getConstant() : std::nullopt;
    if (!extent || *extent < 1 || *extent > maxIterations || (i > 1 && *extent != self->count))
      return n.error(Code::ControlFlow) << "the batched form of opset 8 over a batch that only a run knows, or none";
    self->count = *extent;
  }
  return self->count ? next(self) : LogicalResult(n.error(Code::WrongOperands) << "there are no operands");
}

LogicalResult GraphImporter::BatchedScan::next(const std::shared_ptr<BatchedScan> &self) {
  NodeImporter &n = self->n;
  if (int64_t(self->done.size()) == self->count)
    return self->finish();
  SmallVector<ModelValue *> inputs;
  for (size_t i = 1; i < n.getNumInputs(); ++i) {
    Value x = n.input(i), element = x ? Compose{n}.pick(x, 0, int64_t(self->done.size())) : Value();
    if (!element)
      return failure();
    inputs.push_back(self->importer.addValue({typeOf(element), n.loc, element, {}, std::nullopt}));
  }
  return Unrolling::start(
      std::make_shared<Unrolling>(self->importer, n, inputs, [self](ArrayRef<ModelValue *> results) {
        self->done.emplace_back(results.begin(), results.end());
        return next(self);
      }));
}

LogicalResult GraphImporter::BatchedScan::finish() {
  SmallVector<ModelValue *> results;
  for (size_t i = 0; i < done.front().size(); ++i) {
    auto parts = llvm::map_to_vector(done, [&](const auto &of) { return of[i]; });
    Value value = stack(importer, n, parts, 0, /*isReversed=*/false);
    if (!value)
      return failure();
    results.push_back(importer.addValue({typeOf(value), n.loc, value, {}, std::nullopt}));
  }
  return importer.bindOutputs(n.node, results, n.loc);
}

/// The name of x where the branches are Squeeze(x) and Identity(x); empty otherwise.
static StringRef findSqueezed(const onnx::GraphProto &then, const onnx::GraphProto &otherwise) {
  if (then.output_size() != 1 || otherwise.output_size() != 1 || otherwise.node_size() != 1 || then.node_size() == 0)
    return {};
  const onnx::NodeProto &squeeze = then.node(then.node_size() - 1), &identity = otherwise.node(0);
  auto leads = [](const onnx::NodeProto &node, StringRef op, const onnx::GraphProto &graph) {
    return node.op_type() == op && node.input_size() > 0 && node.output_size() == 1 &&
           node.output(0) == graph.output(0).name();
  };
  for (int i = 0; i + 1 < then.node_size(); ++i)
    if (then.node(i).op_type() != "Constant")
      return {};
  if (!leads(squeeze, "Squeeze", then) || !leads(identity, "Identity", otherwise) ||
      squeeze.input(0) != identity.input(0))
    return {};
  return squeeze.input(0);
}

/// The one extent that an i64 value holds; null if it is no number known at import.
static DimAttr extentOf(Value v) {
  if (auto dims = v.getDefiningOp<DimsOp>(); dims && dims.getValues().getDims().size() == 1)
    return dims.getValues().getDims()[0];
  DenseElementsAttr elements;
  if (matchPattern(v, m_Constant(&elements)) && elements.isSplat() && elements.getElementType().isInteger(64))
    return DimAttr::constant(v.getContext(), elements.getSplatValue<int64_t>());
  return {};
}

/// If(an extent of x is 1, Squeeze(x), Identity(x)): what exporters make of a squeeze whose axis has a symbolic extent.
/// The branches differ in rank, and what follows was written for one: for that of the squeeze, which requires the
/// extent.
static bool isGuardedSqueeze(const NodeImporter &n, const ModelValue *x) {
  const ModelValue *condition = n.getInput(0);
  auto equal = x && x->type && condition && condition->op ? condition->op.getDefiningOp<EqualOp>() : EqualOp();
  if (!equal)
    return false;
  DimAttr a = extentOf(equal.getOperand(0)), b = extentOf(equal.getOperand(1));
  return a && b && b.isConstant(1) && llvm::is_contained(getDims(x->type), a);
}

LogicalResult GraphImporter::importControlFlow(const onnx::NodeProto &node, Location loc, int64_t opset,
                                               ArrayRef<ModelValue *> inputs) {
  NodeImporter n(*this, node, loc, opset, SmallVector<ModelValue *>(inputs));
  SmallVector<StringRef, 2> graphs = {"body"};
  if (node.op_type() == "If")
    graphs = {"then_branch", "else_branch"};
  for (StringRef name : graphs)
    if (const auto *attribute = n.findAttr(name); !attribute || !attribute->has_g())
      return n.error(Code::WrongAttribute) << "attribute '" << name << "' is missing";
  if (node.op_type() == "Scan" && opset < 9)
    return BatchedScan::start(std::make_shared<BatchedScan>(*this, n));
  if (node.op_type() != "If")
    return Unrolling::start(
        std::make_shared<Unrolling>(*this, n, inputs, [this, &node, loc](ArrayRef<ModelValue *> results) {
          return bindOutputs(node, results, loc);
        }));
  auto condition = n.knownInts(0);
  StringRef squeezed = findSqueezed(n.findAttr("then_branch")->g(), n.findAttr("else_branch")->g());
  if (!condition && !squeezed.empty() && isGuardedSqueeze(n, frames.back().lookup(squeezed)))
    condition = Ints{1};
  if (!condition || condition->size() != 1)
    return RunTimeIf::start(std::make_shared<RunTimeIf>(*this, n));
  const onnx::GraphProto &branch = n.findAttr(condition->front() ? "then_branch" : "else_branch")->g();
  return pushBranch(node, branch, loc);
}

LogicalResult GraphImporter::pushBranch(const onnx::NodeProto &node, const onnx::GraphProto &branch, Location loc) {
  if (failed(pushGraph(node, branch, {}, loc,
                       [this, &node, loc](ArrayRef<ModelValue *> results) { return bindOutputs(node, results, loc); })))
    return failure();
  frames.back().mayRepeat = true;
  return success();
}

} // namespace tenon::importer
