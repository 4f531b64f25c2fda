//===- StructureCheck.cpp - What protobuf does not ensure -----------------===//
//
// Versions, tensor sizes, names and their order, and calls between functions: everything the importer relies on. It is
// iterative: graphs inside attributes and calls between functions are work lists.
//
//===----------------------------------------------------------------------===//
#include "ModelFile.h"

#include "tenon/Support/Errors.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace tenon::importer {

constexpr int64_t maxIrVersion = 14;

int getBitsPerElement(int32_t dataType) {
  using T = onnx::TensorProto;
  switch (dataType) {
  case T::FLOAT:
  case T::INT32:
  case T::UINT32:
    return 32;
  case T::DOUBLE:
  case T::INT64:
  case T::UINT64:
  case T::COMPLEX64:
    return 64;
  case T::COMPLEX128:
    return 128;
  case T::FLOAT16:
  case T::BFLOAT16:
  case T::INT16:
  case T::UINT16:
    return 16;
  case T::INT8:
  case T::UINT8:
  case T::BOOL:
  case T::FLOAT8E4M3FN:
  case T::FLOAT8E4M3FNUZ:
  case T::FLOAT8E5M2:
  case T::FLOAT8E5M2FNUZ:
  case T::FLOAT8E8M0:
    return 8;
  case T::INT4:
  case T::UINT4:
  case T::FLOAT4E2M1:
    return 4;
  case T::INT2:
  case T::UINT2:
    return 2;
  default:
    return 0;
  }
}

/// The number of elements; emits TN1010 if dims are negative or a product of the non-zero ones overflows.
static FailureOr<int64_t> countElements(const onnx::TensorProto &tensor, int bits, Location loc) {
  if (tensor.dims_size() > maxRank)
    return emitError(loc, Code::TooManyNodes) << "the tensor has " << tensor.dims_size() << " dimensions";
  int64_t nonZero = 1, count = 1;
  for (int64_t dim : tensor.dims()) {
    if (dim < 0)
      return emitError(loc, Code::TensorData) << "dimension " << dim << " is negative";
    count *= dim != 0;
    if (dim != 0 && __builtin_mul_overflow(nonZero, dim, &nonZero))
      return emitError(loc, Code::TensorData) << "the product of the dimensions overflows";
  }
  if (nonZero > maxTensorBytes / std::max(1, (bits + 7) / 8))
    return emitError(loc, Code::TensorData) << "the size of the tensor overflows";
  return count * nonZero;
}

static int64_t getBytes(int64_t count, int bits) { return bits < 8 ? (count * bits + 7) / 8 : count * (bits / 8); }

FailureOr<int64_t> getTensorBytes(const onnx::TensorProto &tensor, Location loc) {
  int bits = getBitsPerElement(tensor.data_type());
  auto count = countElements(tensor, bits, loc);
  return failed(count) ? FailureOr<int64_t>(failure()) : getBytes(*count, bits);
}

namespace {

/// The number of values a typed field must hold for `count` elements, and the number it holds.
std::pair<int64_t, int64_t> getTypedField(const onnx::TensorProto &t, int64_t count, int bits) {
  using T = onnx::TensorProto;
  switch (t.data_type()) {
  case T::FLOAT:
    return {count, t.float_data_size()};
  case T::COMPLEX64:
    return {2 * count, t.float_data_size()};
  case T::DOUBLE:
    return {count, t.double_data_size()};
  case T::COMPLEX128:
    return {2 * count, t.double_data_size()};
  case T::INT64:
    return {count, t.int64_data_size()};
  case T::UINT32:
  case T::UINT64:
    return {count, t.uint64_data_size()};
  case T::STRING:
    return {count, t.string_data_size()};
  default:
    return {bits < 8 ? (count * bits + 7) / 8 : count, t.int32_data_size()};
  }
}

class StructureChecker {
public:
  StructureChecker(ModelFile &file, MLIRContext &context, int64_t maxFaults)
      : file(file), model(file.proto), context(&context), maxFaults(maxFaults) {}

  /// Stops at the last fault that is wanted.
  LogicalResult check() {
    checkVersions();
    if (!isFull())
      checkFunctions();
    for (const auto &function : model.functions()) {
      if (isFull())
        break;
      checkNames(function.node(), function.input(), {}, function.output(), function.name());
      for (const auto &node : function.node())
        addAttributes(node);
    }
    if (!isFull())
      checkMainGraph();
    if (!isFull())
      checkWorkList();
    return success(faults == 0);
  }

private:
  Location at(StringRef name) { return getNameLocation(context, name); }
  bool isFull() const { return faults >= maxFaults; }
  InFlightDiagnostic report(Location loc, Code code, const Twine &remedy = "") {
    ++faults;
    return emitError(loc, code, remedy);
  }

  void checkVersions() {
    Location loc = at(model.graph().name());
    if (!model.has_graph())
      report(loc, Code::MalformedGraph) << "the model has no graph";
    if (!isFull() && (model.ir_version() < 1 || model.ir_version() > maxIrVersion))
      report(loc, Code::IrVersion,
             "set ir_version to " + Twine(maxIrVersion) + ", or export with an older onnx package")
          << "IR version " << model.ir_version() << " is outside 1 to " << maxIrVersion;
    llvm::StringSet<> domains;
    for (const auto &opset : model.opset_import()) {
      if (isFull())
        return;
      StringRef domain = opset.domain() == "ai.onnx" ? StringRef() : StringRef(opset.domain());
      if (!domains.insert(domain).second)
        report(loc, Code::OpsetVersion) << "domain '" << domain << "' is imported twice";
      else if (domain.empty() && (opset.version() < 1 || opset.version() > maxOpset))
        report(loc, Code::OpsetVersion,
               "convert the model with onnx.version_converter to opset " + Twine(opset.version() < 1 ? 1 : maxOpset))
            << "opset " << opset.version() << " is outside 1 to " << maxOpset;
    }
    if (!isFull() && domains.empty() && model.ir_version() >= 3)
      report(loc, Code::OpsetVersion) << "the model imports no opset";
  }

  static std::string keyOf(StringRef domain, StringRef name, StringRef overload) {
    return ((domain == "ai.onnx" ? StringRef() : domain) + "\n" + name + "\n" + overload).str();
  }

  /// Every function once, at most 100, and no cycle among calls: depth-first with an explicit stack.
  void checkFunctions() {
    if (model.functions_size() > maxFunctions)
      return void(report(at(model.graph().name()), Code::FunctionCalls)
                  << model.functions_size() << " functions, at most " << maxFunctions << " are allowed");
    llvm::StringMap<int> indices;
    for (auto [i, function] : llvm::enumerate(model.functions()))
      if (!indices.try_emplace(keyOf(function.domain(), function.name(), function.overload()), int(i)).second)
        return void(report(at(function.name()), Code::FunctionCalls)
                    << "function '" << function.name() << "' is defined twice");
    SmallVector<SmallVector<int>> calls(model.functions_size());
    for (auto [i, function] : llvm::enumerate(model.functions()))
      for (const auto &node : function.node())
        if (auto it = indices.find(keyOf(node.domain(), node.op_type(), node.overload())); it != indices.end())
          calls[i].push_back(it->second);
    enum { New, Open, Done };
    SmallVector<int> state(calls.size(), New);
    for (size_t root = 0; root < calls.size(); ++root) {
      SmallVector<std::pair<int, size_t>> stack{{int(root), 0}};
      while (!stack.empty()) {
        auto &[function, next] = stack.back();
        state[function] = std::max<int>(state[function], Open);
        if (state[function] == Done || next == calls[function].size()) {
          state[function] = Done;
          stack.pop_back();
          continue;
        }
        int callee = calls[function][next++];
        if (state[callee] == Open)
          return void(report(at(model.functions(callee).name()), Code::FunctionCalls)
                      << "function '" << model.functions(callee).name() << "' calls itself");
        if (state[callee] == New)
          stack.push_back({callee, 0});
      }
    }
  }

  void checkMainGraph() {
    const auto &graph = model.graph();
    SmallVector<StringRef> inputs, initializers, outputs;
    for (const auto &input : graph.input())
      inputs.push_back(input.name());
    for (const auto &tensor : graph.initializer())
      initializers.push_back(tensor.name());
    for (const auto &tensor : graph.sparse_initializer())
      initializers.push_back(tensor.values().name());
    for (const auto &output : graph.output())
      outputs.push_back(output.name());
    checkNames(graph.node(), inputs, initializers, outputs, graph.name());
    graphs.push_back(&graph);
  }

  /// Names are defined once, and before they are used; what is not, is reported where it is used first. Names of
  /// subgraphs are left to the ONNX checker.
  template <typename Nodes, typename Inputs, typename Outputs>
  void checkNames(const Nodes &nodes, const Inputs &inputs, ArrayRef<StringRef> initializers, const Outputs &outputs,
                  StringRef graphName) {
    llvm::StringSet<> defined = defineInputs(inputs, initializers, graphName), everywhere;
    for (const auto &node : nodes)
      for (const auto &output : node.output())
        everywhere.insert(output);
    llvm::StringSet<> reported;
    for (const auto &node : nodes) {
      Location loc = getNodeLocation(context, node);
      for (StringRef name : node.input()) {
        if (isFull())
          return;
        if (name.empty() || defined.contains(name) || !reported.insert(name).second)
          continue;
        if (everywhere.contains(name))
          report(loc, Code::NotSorted) << "'" << name << "' is used before it is computed";
        else
          report(loc, Code::UndefinedName) << "'" << name << "' is not defined";
      }
      for (StringRef name : node.output())
        if (!isFull() && !name.empty() && !defined.insert(name).second)
          report(loc, Code::DuplicateName) << "'" << name << "' is defined twice";
    }
    for (StringRef name : outputs)
      if (!isFull() && !defined.contains(name))
        report(at(graphName), Code::UndefinedName) << "output '" << name << "' is not defined";
  }

  /// The names that a graph or function starts with. An initializer may give the default of an input of the same name.
  template <typename Inputs>
  llvm::StringSet<> defineInputs(const Inputs &inputs, ArrayRef<StringRef> initializers, StringRef graphName) {
    llvm::StringSet<> defined, constants;
    for (StringRef name : inputs) {
      if (isFull())
        return defined;
      if (name.empty())
        report(at(graphName), Code::MalformedGraph) << "an input has no name";
      else if (!defined.insert(name).second)
        report(at(name), Code::DuplicateName) << "'" << name << "' is defined twice";
    }
    for (StringRef name : initializers) {
      if (isFull())
        return defined;
      if (name.empty())
        report(at(graphName), Code::MalformedGraph) << "an initializer has no name";
      else if (!constants.insert(name).second)
        report(at(name), Code::DuplicateName) << "initializer '" << name << "' is defined twice";
      defined.insert(name);
    }
    return defined;
  }

  /// Queues what the attributes hold. Every attribute states its type, or refers to one of its function (IR version 1
  /// had neither).
  void addAttributes(const onnx::NodeProto &node) {
    for (const auto &attribute : node.attribute()) {
      if (!isFull() && model.ir_version() > 1 && attribute.type() == onnx::AttributeProto::UNDEFINED &&
          attribute.ref_attr_name().empty())
        report(getNodeLocation(context, node), Code::WrongAttribute)
            << "attribute '" << attribute.name() << "' has no known type";
      if (attribute.has_t())
        tensors.push_back({&attribute.t(), &node});
      for (const auto &tensor : attribute.tensors())
        tensors.push_back({&tensor, &node});
      if (attribute.has_g())
        graphs.push_back(&attribute.g());
      for (const auto &graph : attribute.graphs())
        graphs.push_back(&graph);
    }
  }

  void checkWorkList() {
    while (!graphs.empty() || !tensors.empty()) {
      while (!tensors.empty()) {
        if (isFull())
          return;
        auto [tensor, node] = tensors.pop_back_val();
        Location loc = node ? getNodeLocation(context, *node) : at(tensor->name());
        faults += failed(checkTensor(*tensor, loc));
      }
      if (graphs.empty())
        break;
      const onnx::GraphProto &graph = *graphs.pop_back_val();
      for (const auto &tensor : graph.initializer())
        tensors.push_back({&tensor, nullptr});
      for (const auto &node : graph.node())
        addAttributes(node);
    }
  }

  LogicalResult checkTensor(const onnx::TensorProto &tensor, Location loc) {
    int bits = getBitsPerElement(tensor.data_type());
    if (bits == 0 && tensor.data_type() != onnx::TensorProto::STRING)
      return emitError(loc, Code::TensorData)
             << "tensor '" << tensor.name() << "' has unknown type " << tensor.data_type();
    auto count = countElements(tensor, bits, loc);
    if (failed(count))
      return failure();
    int64_t bytes = getBytes(*count, bits);
    if (tensor.has_segment())
      return emitError(loc, Code::TensorData) << "segmented tensors are not supported";
    if (tensor.data_location() == onnx::TensorProto::EXTERNAL)
      return LogicalResult(file.getExternalData(tensor, bytes, loc));
    if (tensor.has_raw_data() && bits != 0) {
      if (const int64_t present = int64_t(file.getRawData(tensor).size()); present != bytes)
        return emitError(loc, Code::TensorData)
               << "tensor '" << tensor.name() << "' holds " << present << " bytes, its shape needs " << bytes;
      return success();
    }
    auto [needed, present] = getTypedField(tensor, *count, bits);
    if (needed != present)
      return emitError(loc, Code::TensorData)
             << "tensor '" << tensor.name() << "' holds " << present << " values, its shape needs " << needed;
    return success();
  }

  ModelFile &file;
  const onnx::ModelProto &model;
  MLIRContext *context;
  const int64_t maxFaults;
  int64_t faults = 0;
  SmallVector<const onnx::GraphProto *> graphs;
  SmallVector<std::pair<const onnx::TensorProto *, const onnx::NodeProto *>> tensors;
};

} // namespace

LogicalResult checkStructure(ModelFile &file, MLIRContext &context, int64_t maxFaults) {
  return StructureChecker(file, context, maxFaults).check();
}

} // namespace tenon::importer
