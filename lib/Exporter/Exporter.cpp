//===- Exporter.cpp - A function of graph ops as an ONNX model -------------===//
#include "tenon/Exporter/Exporter.h"
#include "ExportScript.h"
#include "Graph/IR/DimExpr.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Support/Errors.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::graph;
using namespace tenon::exporter;

bool exporter::describeTensor(onnx::TypeProto_Tensor &proto, TensorType type) {
  proto.set_elem_type(getOnnxType(type.getElementType()));
  if (!type.hasRank())
    return true;
  auto &shape = *proto.mutable_shape();
  for (DimAttr dim : getDims(cast<RankedTensorType>(type))) {
    auto &extent = *shape.add_dim();
    if (auto value = dim.getConstant())
      extent.set_dim_value(*value);
    else if (dim.isSymbol() && dim.getName() != "_") // a symbol of no name
      extent.set_dim_param(dim.getName().getValue().str());
  }
  return proto.elem_type() != onnx::TensorProto::UNDEFINED;
}

static bool describe(onnx::ValueInfoProto &info, StringRef name, Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  info.set_name(name.str());
  return tensor && describeTensor(*info.mutable_type()->mutable_tensor_type(), tensor);
}

static std::string nameOf(DictionaryAttr attributes, const Twine &otherwise) {
  auto name = attributes ? attributes.getAs<StringAttr>("graph.name") : StringAttr();
  return name ? name.getValue().str() : otherwise.str();
}

LogicalResult exporter::exportBlock(GraphWriter &w, Block &block) {
  for (Operation &op : block.without_terminator()) {
    auto dispatch = dyn_cast<DispatchOp>(op);
    if (!dispatch) {
      if (failed(exportOp(w, &op)))
        return failure();
      continue;
    }
    Block &body = dispatch->getRegion(0).front();
    for (auto [argument, operand] : llvm::zip_equal(body.getArguments(), dispatch->getOperands()))
      w.bind(argument, w.get(operand));
    if (failed(exportBlock(w, body))) // regions are not nested
      return failure();
    for (auto [result, yielded] : llvm::zip_equal(dispatch->getResults(), body.getTerminator()->getOperands()))
      w.bind(result, w.get(yielded));
  }
  return success();
}

static LogicalResult exportInputs(GraphWriter &w, func::FuncOp function, onnx::GraphProto &graph) {
  w.enter(function);
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    std::string name = nameOf(function.getArgAttrDict(i), "input" + Twine(i));
    w.reserve(name);
    w.bind(function.getArgument(i), name);
    if (!describe(*graph.add_input(), name, function.getArgument(i).getType()))
      return emitError(function.getLoc(), Code::NotExportable) << "argument " << i << " is no tensor that ONNX has";
  }
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    w.reserve(nameOf(function.getResultAttrDict(i), "output" + Twine(i)));
  return success();
}

static LogicalResult exportOutputs(GraphWriter &w, func::FuncOp function, onnx::GraphProto &graph) {
  Operation *end = function.getBody().front().getTerminator();
  w.setLocation(UnknownLoc::get(function.getContext()));
  for (auto [i, value] : llvm::enumerate(end->getOperands())) {
    std::string name = nameOf(function.getResultAttrDict(unsigned(i)), "output" + Twine(i));
    if (!describe(*graph.add_output(), name, value.getType()))
      return emitError(function.getLoc(), Code::NotExportable) << "result " << i << " is no tensor that ONNX has";
    w.addNamed("Identity", {w.get(value)}, name);
  }
  return success();
}

LogicalResult exporter::exportOp(GraphWriter &w, Operation *op) {
  w.setLocation(op->getLoc());
  for (auto *category : {exportQuantization, exportMovement, exportElementwise, exportWindow, exportNormalization,
                         exportRecurrent, exportSelection})
    if (category(w, op))
      return success();
  return emitError(op->getLoc(), Code::NotExportable) << "'" << op->getName() << "' has no ONNX form";
}

static LogicalResult exportFunction(GraphWriter &w, func::FuncOp function, onnx::GraphProto &graph) {
  return success(succeeded(exportInputs(w, function, graph)) && succeeded(exportBlock(w, function.getBody().front())) &&
                 succeeded(exportOutputs(w, function, graph)));
}

LogicalResult tenon::exportOnnx(ModuleOp module, llvm::raw_ostream &out, const ExportOptions &options) {
  auto scripts = llvm::to_vector(module.getOps<plan_ir::ScriptOp>());
  auto functions = llvm::to_vector(module.getOps<func::FuncOp>());
  const bool hasEntry = scripts.size() == 1 || (scripts.empty() && functions.size() == 1);
  if (!hasEntry || functions.size() + scripts.size() != module.getBody()->getOperations().size() ||
      !llvm::all_of(functions, [](func::FuncOp f) { return f.getBody().hasOneBlock(); }))
    return emitError(module.getLoc(), Code::NotExportable)
           << "the module must hold one function, or functions and one script, and nothing else";
  const Location loc = scripts.empty() ? functions.front().getLoc() : module.getLoc();
  onnx::ModelProto model;
  model.set_producer_name("tenon");
  onnx::GraphProto &graph = *model.mutable_graph();
  auto named = dyn_cast<NameLoc>(loc);
  graph.set_name(named ? named.getName().str() : "main");
  GraphWriter w(graph, module.getContext());
  if (failed(scripts.empty() ? exportFunction(w, functions.front(), graph) : exportScript(w, scripts.front(), graph)) ||
      failed(w.writeWeights(options, loc)))
    return failure();
  model.set_ir_version(w.opset <= 22 ? 10 : 13);
  auto &opset = *model.add_opset_import();
  opset.set_domain("");
  opset.set_version(w.opset);
  std::string bytes;
  if (!model.SerializeToString(&bytes))
    return emitError(loc, Code::WeightsTooLarge) << "the model has more than 2 GiB without its weights";
  out << bytes;
  return success();
}
