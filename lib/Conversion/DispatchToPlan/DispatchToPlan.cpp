//===- DispatchToPlan.cpp - From dispatch regions to plan records ---------===//
#include "tenon/Conversion/DispatchToPlan.h"

#include "Graph/IR/CollectiveOps.h"
#include "Graph/IR/InputElement.h"
#include "Graph/IR/Placement.h"
#include "Plan/IR/PlanOps.h"
#include "tenon/Cost/DispatchCost.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::graph;
using namespace tenon::plan_ir;

SmallVector<StringRef> tenon::getNodeNames(Location loc) {
  llvm::SmallSetVector<StringRef, 8> names;
  SmallVector<Location> work = {loc};
  while (!work.empty()) {
    Location next = work.pop_back_val();
    if (auto name = dyn_cast<NameLoc>(next))
      names.insert(name.getName().getValue());
    else if (auto fused = dyn_cast<FusedLoc>(next))
      for (Location part : llvm::reverse(fused.getLocations()))
        work.push_back(part);
  }
  return names.takeVector();
}

namespace {

class Converter {
public:
  Converter(func::FuncOp function, ModuleOp plan, const PlanDevice &device, LowerDispatchFn lower)
      : function(function), device(device), lower(lower), kernels(OpBuilder::atBlockEnd(plan.getBody())), plan(plan),
        program(kernels), context(plan.getContext()) {}

  LogicalResult run();

private:
  void addInputs();
  void uploadInputs();
  void checkInputs();
  void addOutputs(func::ReturnOp ret);
  LogicalResult addRecord(Operation *op);
  LogicalResult addLaunch(DispatchOp op);
  void addLaunch(DispatchOp op, const LoweredDispatch &lowered, ValueRange arguments);
  void addReshape(ReshapeOp op);
  void addCollective(Operation *op);
  Value resultOf(Value result, bool onHost);
  Value bufferOf(Value v);
  Value bufferOn(bool host, Value v);
  Value copyTo(bool host, Value v, Location loc);
  Value weightOf(ConstantOp constant, StringRef format);
  DimAttr bytesOf(Value v) { return cost::countBytes(cast<RankedTensorType>(v.getType())); }

  func::FuncOp function;
  const PlanDevice &device;
  LowerDispatchFn lower;
  OpBuilder kernels; ///< before the program
  ModuleOp plan;
  OpBuilder program; ///< end of the program
  MLIRContext *context;
  DenseMap<Value, Value> buffers; ///< tensor -> buffer, once known
  DenseMap<Value, Value> copied;  ///< value -> its copy in the other memory, where the device has its own
  DenseMap<std::pair<Value, StringRef>, Value> weights;
  llvm::MapVector<Value, Value> outputs;       ///< value written by its kernel -> output buffer
  SmallVector<std::pair<Value, Value>> copies; ///< value -> further output
};

} // namespace

/// The value whose buffer `v` shares.
static Value skipReshapes(Value v) {
  while (auto reshape = v.getDefiningOp<ReshapeOp>())
    v = reshape.getX();
  return v;
}

static bool isOnHost(Operation *op) { return op && op->hasAttr(hostAttr); }

/// True if a kernel of the device reads `v` or a view of it.
static bool isReadOnDevice(Value v) {
  return llvm::any_of(v.getUsers(), [](Operation *user) {
    return (isa<DispatchOp>(user) && !isOnHost(user)) || isCollective(user) ||
           (isa<ReshapeOp>(user) && isReadOnDevice(user->getResult(0)));
  });
}

void Converter::addInputs() {
  for (BlockArgument argument : function.getArguments()) {
    auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "graph.name");
    if (!name)
      name = program.getStringAttr("input" + Twine(argument.getArgNumber()));
    buffers[argument] =
        InputOp::create(program, argument.getLoc(), BufferType::get(context),
                        program.getI64IntegerAttr(argument.getArgNumber()), name, TypeAttr::get(argument.getType()));
  }
}

/// Copies to the device the inputs that its kernels read.
void Converter::uploadInputs() {
  for (BlockArgument argument : function.getArguments())
    if (isReadOnDevice(argument))
      copyTo(/*host=*/false, argument, argument.getLoc());
}

/// Copies `v`, no view, to the other memory: of the host or of the device.
Value Converter::copyTo(bool host, Value v, Location loc) {
  Value copy = ArenaOp::create(program, loc, BufferType::get(context), bytesOf(v), host);
  CopyOp::create(program, loc, buffers.lookup(v), copy, bytesOf(v));
  return copied[v] = copy;
}

/// A symbol is bound by the first input dimension that is that symbol; every other dimension must agree with it.
void Converter::checkInputs() {
  llvm::DenseSet<StringAttr> bound;
  for (BlockArgument argument : function.getArguments())
    for (auto [axis, dim] : llvm::enumerate(getDims(cast<RankedTensorType>(argument.getType())))) {
      if (dim.getConstant() || (dim.isSymbol() && bound.insert(dim.getName()).second))
        continue;
      DimAttr actual =
          DimAttr::symbol(context, (Twine("input:") + Twine(argument.getArgNumber()) + ":" + Twine(axis)).str());
      auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "graph.name");
      CheckOp::create(program, argument.getLoc(), actual, dim,
                      program.getStringAttr("dimension " + Twine(axis) + " of input '" + (name ? name.getValue() : "") +
                                            "' disagrees with another input of the same dimension name"));
    }
  // What the importer found the graph to rely on: [#graph.shape<[a, b]>, "message"].
  if (auto rows = function->getAttrOfType<ArrayAttr>("graph.equal"))
    for (auto row : rows.getAsRange<ArrayAttr>()) {
      auto extents = cast<ShapeAttr>(row[0]);
      CheckOp::create(program, function.getLoc(), extents[0], extents[1], cast<StringAttr>(row[1]));
    }
}

/// Each returned value is written in place by its kernel, except where it is an input, a constant or returned before.
void Converter::addOutputs(func::ReturnOp ret) {
  for (auto [i, value] : llvm::enumerate(ret.getOperands())) {
    auto name = function.getResultAttrOfType<StringAttr>(i, "graph.name");
    if (!name)
      name = program.getStringAttr("output" + Twine(i));
    Value buffer = OutputOp::create(program, ret.getLoc(), BufferType::get(context), program.getI64IntegerAttr(i), name,
                                    TypeAttr::get(value.getType()));
    Value base = skipReshapes(value);
    Operation *producer = base.getDefiningOp();
    bool isComputed = (isa_and_nonnull<DispatchOp>(producer) || isCollective(producer)) &&
                      (!device.hasOwnMemory || isOnHost(producer));
    if (!isComputed || !outputs.insert({base, buffer}).second)
      copies.push_back({value, buffer});
  }
}

Value Converter::weightOf(ConstantOp constant, StringRef format) {
  Value &weight = weights[{constant.getResult(), format}];
  if (!weight)
    weight = WeightOp::create(program, constant.getLoc(), BufferType::get(context), constant.getValue(),
                              program.getStringAttr(format));
  return weight;
}

Value Converter::bufferOf(Value v) {
  Value base = skipReshapes(v);
  if (auto constant = base.getDefiningOp<ConstantOp>())
    return weightOf(constant, "");
  return buffers.lookup(base);
}

/// Where kernels of the host, or of the device, find `v`.
Value Converter::bufferOn(bool host, Value v) {
  Value base = skipReshapes(v);
  Operation *producer = base.getDefiningOp();
  const bool isHere =
      !device.hasOwnMemory || isa_and_nonnull<ConstantOp>(producer) || (producer ? isOnHost(producer) : true) == host;
  if (isHere)
    return bufferOf(v);
  Value copy = copied.lookup(base);
  return copy ? copy : copyTo(host, base, v.getLoc());
}

/// Where `result` is written: an output, or the arena.
Value Converter::resultOf(Value result, bool onHost) {
  Value buffer = outputs.lookup(result);
  if (!buffer)
    buffer = ArenaOp::create(program, result.getLoc(), BufferType::get(context), bytesOf(result), onHost);
  return buffers[result] = buffer;
}

LogicalResult Converter::addLaunch(DispatchOp op) {
  auto lowered = lower(op);
  if (failed(lowered))
    return failure();
  SmallVector<Value> arguments;
  const bool onHost = isOnHost(op);
  for (auto [i, input] : llvm::enumerate(op.getInputs())) {
    StringRef format = op.getFormats() ? cast<StringAttr>((*op.getFormats())[i]).getValue() : "";
    auto constant = input.getDefiningOp<ConstantOp>();
    arguments.push_back(constant ? weightOf(constant, format) : bufferOn(onHost, input));
  }
  for (Value result : op.getResults())
    arguments.push_back(resultOf(result, onHost));
  for (const LoweredDispatch &one : *lowered)
    addLaunch(op, one, arguments);
  for (Value result : op.getResults()) // all at once: copies between launches of the device end a recording
    if (onHost && isReadOnDevice(result))
      copyTo(/*host=*/false, result, op.getLoc());
  return success();
}

void Converter::addLaunch(DispatchOp op, const LoweredDispatch &lowered, ValueRange arguments) {
  DenseI32ArrayAttr codes = lowered.codes.empty() ? nullptr : kernels.getDenseI32ArrayAttr(lowered.codes);
  if (auto known = plan.lookupSymbol<KernelOp>(lowered.kernel)) {
    assert(known.getCodesAttr() == codes && "a kernel is for the same code objects everywhere");
  } else {
    SmallVector<Attribute> nodes;
    for (StringRef name : getNodeNames(op.getLoc()))
      nodes.push_back(kernels.getStringAttr(name));
    KernelOp::create(kernels, op.getLoc(), lowered.kernel, arguments.size(), lowered.params.size(),
                     kernels.getArrayAttr(nodes), static_cast<uint64_t>(lowered.threads), lowered.maps.size(), codes,
                     cast_or_null<LibraryCallAttr>(lowered.call), isOnHost(op));
  }
  LaunchOp::create(program, op.getLoc(), FlatSymbolRefAttr::get(context, lowered.kernel), arguments, lowered.grid,
                   ShapeAttr::get(context, lowered.params), lowered.scratchBytes, cost::countFlops(op),
                   cost::countTraffic(op), lowered.maps.empty() ? nullptr : program.getArrayAttr(lowered.maps), codes);
}

void Converter::addReshape(ReshapeOp op) {
  DimAttr from = product(context, getDims(op.getX().getType()));
  DimAttr to = product(context, getDims(op.getResult().getType()));
  if (from != to)
    CheckOp::create(program, op.getLoc(), from, to, program.getStringAttr("a reshape changes the number of elements"));
}

/// The attributes that CollectiveOp has from an op of the graph, whose mnemonic is the kind.
static void describeCollective(Operation *op, CollectiveOp record) {
  auto set = [&](StringRef kind, int64_t axis, ShapeAttr extents) {
    if (!kind.empty())
      record.setReduction(kind);
    record.setAxis(axis);
    record.setExtentsAttr(extents);
  };
  TypeSwitch<Operation *>(op)
      .Case([&](AllReduceOp op) { set(op.getKind(), 0, nullptr); })
      .Case([&](AllGatherOp op) { set("", op.getAxis(), op.getExtents()); })
      .Case([&](ReduceScatterOp op) { set(op.getKind(), op.getAxis(), op.getExtents()); })
      .Case([&](AllToAllOp op) {
        set("", op.getSplitAxis(), op.getSplitExtents());
        record.setConcatAxis(op.getConcatAxis());
        record.setConcatExtentsAttr(op.getConcatExtents());
      });
}

void Converter::addCollective(Operation *op) {
  Value source = op->getNumOperands() ? bufferOn(/*host=*/false, op->getOperand(0)) : Value();
  Value target = op->getNumResults() ? resultOf(op->getResult(0), /*onHost=*/false) : Value();
  Type tensor = (source ? op->getOperand(0) : op->getResult(0)).getType();
  auto group = op->getAttrOfType<DenseI64ArrayAttr>("group");
  if (!group)
    group = program.getDenseI64ArrayAttr(op->getAttrOfType<IntegerAttr>("peer").getInt());
  auto record = CollectiveOp::create(program, op->getLoc(), program.getStringAttr(op->getName().stripDialect()),
                                     program.getStringAttr("sum"), TypeAttr::get(tensor), group, source, target,
                                     program.getI64IntegerAttr(0), nullptr, program.getI64IntegerAttr(0), nullptr);
  describeCollective(op, record);
}

LogicalResult Converter::addRecord(Operation *op) {
  if (isa<ConstantOp, func::ReturnOp>(op))
    return success();
  if (auto reshape = dyn_cast<ReshapeOp>(op))
    return addReshape(reshape), success();
  if (auto dispatch = dyn_cast<DispatchOp>(op))
    return addLaunch(dispatch);
  if (isCollective(op))
    return addCollective(op), success();
  return op->emitError() << "TN5001: " << op->getName() << " has no kernel on this target";
}

LogicalResult Converter::run() {
  auto op = ProgramOp::create(kernels, function.getLoc(), function.getSymName());
  program = OpBuilder::atBlockEnd(&op.getBody().emplaceBlock());
  kernels.setInsertionPoint(op);
  if (auto symbols = function->getAttrOfType<ArrayAttr>(symbolsAttr))
    op->setAttr(symbolsAttr, symbols);
  if (auto rank = function->getAttrOfType<IntegerAttr>(rankAttr))
    op->setAttr(rankAttr, rank);
  addInputs();
  addOutputs(cast<func::ReturnOp>(function.getBody().front().getTerminator()));
  checkInputs();
  if (device.hasOwnMemory)
    uploadInputs();
  for (Operation &next : function.getBody().front())
    if (failed(addRecord(&next)))
      return failure();
  for (auto [value, target] : copies)
    CopyOp::create(program, function.getLoc(), bufferOf(value), target, bytesOf(value));
  return success();
}

LogicalResult tenon::convertDispatchToPlan(func::FuncOp function, ModuleOp plan, const PlanDevice &device,
                                           LowerDispatchFn lower) {
  return Converter(function, plan, device, lower).run();
}
