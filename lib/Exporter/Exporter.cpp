//===- Exporter.cpp - A function of graph ops as an ONNX model -------------===//
#include "tenon/Exporter/Exporter.h"
#include "Graph/IR/DimExpr.h"
#include "GraphWriter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Support/Errors.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::graph;
using namespace tenon::exporter;

/// A declaration of a value: extents are numbers, or names where they are symbols.
static bool describe(onnx::ValueInfoProto &info, StringRef name, Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || getOnnxType(tensor.getElementType()) == onnx::TensorProto::UNDEFINED)
    return false;
  info.set_name(name.str());
  auto &proto = *info.mutable_type()->mutable_tensor_type();
  proto.set_elem_type(getOnnxType(tensor.getElementType()));
  auto &shape = *proto.mutable_shape();
  for (DimAttr dim : getDims(tensor)) {
    auto &extent = *shape.add_dim();
    if (auto value = dim.getConstant())
      extent.set_dim_value(*value);
    else if (dim.isSymbol())
      extent.set_dim_param(dim.getName().getValue().str());
  }
  return true;
}

static std::string nameOf(DictionaryAttr attributes, const Twine &otherwise) {
  auto name = attributes ? attributes.getAs<StringAttr>("graph.name") : StringAttr();
  return name ? name.getValue().str() : otherwise.str();
}

/// The ops of `block`; those of a region of graph.dispatch in its place.
static LogicalResult exportBlock(GraphWriter &w, Block &block) {
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
  w.setArguments(function.getArguments());
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
    onnx::NodeProto &node = *graph.add_node();
    node.set_op_type("Identity");
    node.add_input(w.get(value));
    node.add_output(name);
  }
  return success();
}

LogicalResult exporter::exportOp(GraphWriter &w, Operation *op) {
  w.setLocation(op->getLoc());
  for (auto *category : {exportMovement, exportElementwise, exportWindow, exportNormalization, exportRecurrent})
    if (category(w, op))
      return success();
  return emitError(op->getLoc(), Code::NotExportable) << "'" << op->getName() << "' has no ONNX form";
}

LogicalResult tenon::exportOnnx(ModuleOp module, llvm::raw_ostream &out, const ExportOptions &options) {
  auto functions = llvm::to_vector(module.getOps<func::FuncOp>());
  if (functions.size() != 1 || !functions.front().getBody().hasOneBlock() || !llvm::hasSingleElement(*module.getBody()))
    return emitError(module.getLoc(), Code::NotExportable) << "the module must hold one function and nothing else";
  func::FuncOp function = functions.front();
  onnx::ModelProto model;
  model.set_producer_name("tenon");
  onnx::GraphProto &graph = *model.mutable_graph();
  auto named = dyn_cast<NameLoc>(function.getLoc());
  graph.set_name(named ? named.getName().str() : function.getName().str());
  GraphWriter w(graph, module.getContext());
  if (failed(exportInputs(w, function, graph)) || failed(exportBlock(w, function.getBody().front())) ||
      failed(exportOutputs(w, function, graph)) || failed(w.writeWeights(options, function.getLoc())))
    return failure();
  model.set_ir_version(w.opset <= 22 ? 10 : 13);
  auto &opset = *model.add_opset_import();
  opset.set_domain("");
  opset.set_version(w.opset);
  std::string bytes;
  if (!model.SerializeToString(&bytes))
    return emitError(function.getLoc(), Code::WeightsTooLarge) << "the model has more than 2 GiB without its weights";
  out << bytes;
  return success();
}
