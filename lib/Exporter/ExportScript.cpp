//===- ExportScript.cpp - Scripts as ONNX control flow ---------------------===//
//
// A function that a script calls is written in the place of the call, a branch becomes If, a repetition Loop, and an
// operator of the host the operator of ONNX that it is. Values that a function reads extents or elements of become the
// vector that it takes as its last argument.
//
//===----------------------------------------------------------------------===//
#include "ExportScript.h"
#include "Graph/IR/InputElement.h"
#include "mlir/IR/SymbolTable.h"
#include "tenon/Plan/ElementType.h"
#include "tenon/Support/Errors.h"

using namespace mlir;
using namespace tenon::plan_ir;

namespace tenon::exporter {
namespace {

/// The ONNX type of plan::ElementType `number`; 0 if there is none.
int64_t onnxTypeOf(int64_t number) {
  using T = onnx::TensorProto;
  static constexpr int64_t types[] = {T::FLOAT,      T::DOUBLE,         T::FLOAT16, T::BFLOAT16,     T::INT8,
                                      T::INT16,      T::INT32,          T::INT64,   T::UINT8,        T::UINT16,
                                      T::UINT32,     T::UINT64,         T::BOOL,    T::FLOAT8E4M3FN, T::FLOAT8E4M3FNUZ,
                                      T::FLOAT8E5M2, T::FLOAT8E5M2FNUZ, T::UINT4,   T::INT4,         T::FLOAT4E2M1,
                                      T::FLOAT8E8M0, T::UINT2,          T::INT2};
  static_assert(std::size(types) == numElementTypes);
  return number >= 0 && number < int64_t(std::size(types)) ? types[number] : 0;
}

class ScriptWriter {
public:
  ScriptWriter(GraphWriter &w, ScriptOp script) : w(w), module(script->getParentOfType<ModuleOp>()) {}

  LogicalResult write(Block &block) {
    for (Operation &op : block.without_terminator()) {
      w.setLocation(op.getLoc());
      if (failed(writeStep(&op)))
        return failure();
    }
    return success();
  }

private:
  LogicalResult writeStep(Operation *op) {
    return llvm::TypeSwitch<Operation *, LogicalResult>(op)
        .Case<CallOp, HostOp, BranchOp, RepeatOp>([&](auto step) { return write(step); })
        .Case<AbsentOp>([](auto) { return success(); }) // an empty name
        .Default([&](Operation *) { return refuse(op); });
  }
  LogicalResult refuse(Operation *op) {
    return emitError(op->getLoc(), Code::NotExportable) << "'" << op->getName() << "' has no ONNX form";
  }
  SmallVector<Name> namesOf(ValueRange values) {
    return llvm::map_to_vector(values, [&](Value value) { return w.get(value); });
  }

  LogicalResult write(CallOp call);
  LogicalResult write(HostOp host);
  LogicalResult write(BranchOp branch);
  LogicalResult write(RepeatOp repeat);
  Name read(Value value, int64_t index, bool isElement);
  /// The block as a graph of its own: names of its results.
  LogicalResult writeBody(Block &block, onnx::GraphProto &graph, StringRef name);

  GraphWriter &w;
  ModuleOp module;
};

/// A vector of one i64.
Name ScriptWriter::read(Value value, int64_t index, bool isElement) {
  const Name x = w.get(value);
  if (!isElement)
    return w.add("Shape", {x}, {{"start", index}, {"end", index + 1}});
  return w.element(x, w.typeOf(value), index);
}

LogicalResult ScriptWriter::write(CallOp call) {
  auto function = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(module, call.getCalleeAttr());
  if (!function || !function.getBody().hasOneBlock())
    return emitError(call.getLoc(), Code::NotExportable) << "'" << call.getCallee() << "' is no function of graph ops";
  SmallVector<Name> arguments = namesOf(call.getArguments()), readings;
  for (auto [value, index, isElement] : llvm::zip(call.getRead(), call.getIndices(), call.getElements()))
    readings.push_back(read(value, index, isElement));
  if (!readings.empty())
    arguments.push_back(w.add("Concat", readings, {{"axis", int64_t(0)}}));
  if (arguments.size() != function.getNumArguments())
    return emitError(call.getLoc(), Code::NotExportable) << "'" << call.getCallee() << "' takes other arguments";
  Block &body = function.getBody().front();
  GraphWriter::Scope outer = w.enter(function);
  for (auto [argument, name] : llvm::zip(body.getArguments(), arguments))
    w.bind(argument, name);
  if (failed(exportBlock(w, body)))
    return failure();
  SmallVector<Name> results = namesOf(body.getTerminator()->getOperands());
  w.leave(std::move(outer));
  for (auto [result, name, from] : llvm::zip(call.getOuts(), results, body.getTerminator()->getOperands()))
    w.bind(result, name, cast<ShapedType>(from.getType()).getElementType());
  return success();
}

LogicalResult ScriptWriter::write(HostOp host) {
  const StringRef op = host.getOp();
  SmallVector<Name> x = namesOf(host.getArguments());
  ArrayRef<int64_t> numbers = host.getNumbers();
  SmallVector<Attribute> attributes;
  if (op == "Extent") {
    w.bind(host.getOuts()[0], w.add("Squeeze", {w.add("Shape", x, {{"start", numbers[0]}, {"end", numbers[0] + 1}})}),
           IntegerType::get(w.context, 64));
    return success();
  }
  if (op == "TakeElement") { // position -1 is the last
    Type i64 = IntegerType::get(w.context, 64);
    Name position = numbers[1] ? w.add("Sub", {w.number(i64, -1), x[1]}) : x[1];
    w.bind(host.getOuts()[0], w.add("Gather", {x[0], position}, {{"axis", numbers[0]}}),
           w.typeOf(host.getArguments()[0]));
    return success();
  }
  if (op == "OptionalNone")
    return refuse(host); // its type is not told
  if (op == "Unique") {
    attributes.push_back({"sorted", numbers[2]});
    if (numbers[0])
      attributes.push_back({"axis", numbers[1]});
  } else if (op == "NonMaxSuppression") {
    attributes.push_back({"center_point_box", numbers[0]});
  } else if (op == "ConcatFromSequence") {
    attributes = {{"axis", numbers[0]}, {"new_axis", numbers[1]}};
  } else if (op == "SplitToSequence") {
    attributes = {{"axis", numbers[0]}, {"keepdims", numbers[1]}};
  }
  const bool isEmpty = op == "SequenceEmpty" || (op == "SequenceConstruct" && x.empty());
  if (isEmpty)
    attributes.push_back({"dtype", onnxTypeOf(numbers[0])});
  auto results = w.addMany(isEmpty ? "SequenceEmpty" : op, x, host.getNumResults(), attributes);
  for (auto [result, name] : llvm::zip(host.getOuts(), results))
    w.bind(result, name);
  return success();
}

LogicalResult ScriptWriter::writeBody(Block &block, onnx::GraphProto &graph, StringRef name) {
  graph.set_name(name.str());
  onnx::GraphProto &outer = w.setGraph(graph);
  const bool isWritten = succeeded(write(block));
  for (Value result : block.getTerminator()->getOperands()) // what comes from outside is no result of the graph
    if (isWritten)
      graph.add_output()->set_name(w.add("Identity", {w.get(result)}));
  w.setGraph(outer);
  return success(isWritten);
}

LogicalResult ScriptWriter::write(BranchOp branch) {
  onnx::GraphProto onTrue, onFalse;
  if (failed(writeBody(branch.getOnTrue().front(), onTrue, "then")) ||
      failed(writeBody(branch.getOnFalse().front(), onFalse, "else")))
    return failure();
  w.setLocation(branch.getLoc());
  auto results = w.addMany("If", {w.get(branch.getCondition())}, branch.getNumResults(),
                           {{"then_branch", &onTrue}, {"else_branch", &onFalse}});
  Operation *end = branch.getOnTrue().front().getTerminator();
  for (auto [result, name, from] : llvm::zip(branch.getOuts(), results, end->getOperands()))
    w.bind(result, name, w.typeOf(from));
  return success();
}

LogicalResult ScriptWriter::write(RepeatOp repeat) {
  Block &block = repeat.getBody().front();
  onnx::GraphProto body;
  for (auto [i, argument] : llvm::enumerate(block.getArguments())) {
    Type type = i == 0   ? Type(IntegerType::get(w.context, 64))
                : i == 1 ? Type(IntegerType::get(w.context, 1))
                         : w.typeOf(repeat.getCarried()[i - 2]);
    Name name = w.fresh("i");
    onnx::ValueInfoProto &info = *body.add_input();
    info.set_name(name);
    if (i < 2) // what is carried has the type that it starts with, but a condition need not be given
      describeTensor(*info.mutable_type()->mutable_tensor_type(), RankedTensorType::get({}, type));
    w.bind(argument, name, type);
  }
  if (failed(writeBody(block, body, "body")))
    return failure();
  w.setLocation(repeat.getLoc());
  SmallVector<Name> operands = {repeat.getTrips() ? w.get(repeat.getTrips()) : Name(),
                                repeat.getCondition() ? w.get(repeat.getCondition()) : Name()};
  llvm::append_range(operands, namesOf(repeat.getCarried()));
  auto results = w.addMany("Loop", operands, repeat.getNumResults(), {{"body", &body}});
  const size_t carried = repeat.getCarried().size();
  for (auto [i, result] : llvm::enumerate(repeat.getOuts())) {
    if (i < carried) {
      w.bind(result, results[i], w.typeOf(repeat.getCarried()[i]));
      continue;
    }
    // Loop stacks in front, from the first iteration to the last.
    auto how = cast<DictionaryAttr>(repeat.getStacked()[i - carried]);
    auto type = cast<RankedTensorType>(how.getAs<TypeAttr>("type").getValue());
    const int64_t axis = how.getAs<IntegerAttr>("axis").getInt();
    Name stack = results[i];
    if (auto reverse = how.getAs<BoolAttr>("reverse"); reverse && reverse.getValue())
      stack = w.add("Slice", {stack, w.integer(-1), w.integer(INT64_MIN), w.integer(0), w.integer(-1)});
    Ints order;
    for (int64_t d = 1; d <= type.getRank(); ++d)
      order.push_back(d);
    order.insert(order.begin() + axis, 0);
    w.bind(result, axis ? w.transpose(stack, order) : stack, type.getElementType());
  }
  return success();
}

/// What a dictionary of the script declares.
void describe(onnx::ValueInfoProto &info, DictionaryAttr what) {
  info.set_name(what.getAs<StringAttr>("name").getValue().str());
  onnx::TypeProto *type = info.mutable_type();
  if (what.contains("optional"))
    type = type->mutable_optional_type()->mutable_elem_type();
  if (what.contains("sequence"))
    type = type->mutable_sequence_type()->mutable_elem_type();
  describeTensor(*type->mutable_tensor_type(), cast<TensorType>(what.getAs<TypeAttr>("type").getValue()));
}

} // namespace

LogicalResult exportScript(GraphWriter &w, ScriptOp script, onnx::GraphProto &graph) {
  Block &block = script.getBody().front();
  auto elementOf = [](DictionaryAttr what) {
    return cast<TensorType>(what.getAs<TypeAttr>("type").getValue()).getElementType();
  };
  for (auto [argument, attribute] : llvm::zip(block.getArguments(), script.getInputs())) {
    auto what = cast<DictionaryAttr>(attribute);
    describe(*graph.add_input(), what);
    w.reserve(graph.input().rbegin()->name());
    w.bind(argument, graph.input().rbegin()->name(), elementOf(what));
  }
  for (mlir::Attribute attribute : script.getOutputs()) {
    describe(*graph.add_output(), cast<DictionaryAttr>(attribute));
    w.reserve(graph.output().rbegin()->name());
  }
  if (failed(ScriptWriter(w, script).write(block)))
    return failure();
  w.setLocation(UnknownLoc::get(w.context));
  for (auto [output, value] : llvm::zip(graph.output(), block.getTerminator()->getOperands()))
    w.addNamed("Identity", {w.get(value)}, output.name());
  return success();
}

} // namespace tenon::exporter
