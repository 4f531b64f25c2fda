//===- GraphImporter.h - The state of one import ---------------------------===//
#ifndef TENON_IMPORTER_GRAPHIMPORTER_H
#define TENON_IMPORTER_GRAPHIMPORTER_H

#include "NodeImporter.h"
#include "Registry.h"
#include "Script.h"
#include "tenon/Importer/Importer.h"
#include <deque>

namespace tenon::importer {

/// A list of nodes with a scope of names: the main graph, a function call being inlined, or a branch or iteration.
struct Frame {
  llvm::StringMap<ModelValue *> scope;
  /// Where names are looked up that the scope does not have; of branches and iterations.
  Frame *outer = nullptr;
  llvm::StringMap<int64_t> opsets;
  llvm::StringMap<const onnx::AttributeProto *> attributes;
  const google::protobuf::RepeatedPtrField<onnx::NodeProto> *nodes = nullptr;
  int next = 0;
  const onnx::NodeProto *node = nullptr; ///< whose call, branch or iteration it is
  /// What it computes, and what happens to that once the frame is gone. A result may be null.
  SmallVector<StringRef> outputs;
  std::function<LogicalResult(ArrayRef<ModelValue *>)> finish;
  /// Where the call is; inlined nodes are located there.
  std::optional<mlir::Location> callLoc;
  /// Whether `finish` may be called of copies, too.
  bool mayRepeat = false;

  /// The value of this name; null if there is none.
  ModelValue *lookup(StringRef name) const {
    ModelValue *value = scope.lookup(name);
    return value || !outer ? value : outer->lookup(name);
  }
};

class GraphImporter {
public:
  GraphImporter(std::shared_ptr<ModelFile> file, mlir::MLIRContext &context, const ImportOptions &options);

  /// The module; null after an error.
  mlir::OwningOpRef<mlir::ModuleOp> import();

  /// Whether a standard operator is computed by the script (sequences, extents that only data decide).
  static bool isHostOperator(StringRef op);

  mlir::OpBuilder builder; ///< at the end of the open segment

  /// The function that ops go into now.
  Segment &openSegment(mlir::Location loc);
  /// Whether what is imported is for runs where `extent` is 1, if it is for such runs or others only.
  std::optional<bool> findIsOne(DimAttr extent) const {
    auto it = isOne.find(extent);
    return it == isOne.end() ? std::nullopt : std::optional(it->second);
  }
  /// The SSA value of `value` in the open segment, built where it is first asked for.
  Value materialize(ModelValue &value);
  /// The number of `value` in the script.
  Number numberOf(ModelValue &value);
  ModelValue *addValue(ModelValue value) { return &values.emplace_back(std::move(value)); }
  /// A constant over the tensor's bytes; emits an error and returns null if its type is not supported.
  ModelValue *addTensor(const onnx::TensorProto &tensor, mlir::Location loc);

private:
  LogicalResult importInputs(Frame &frame);
  FailureOr<RankedTensorType> importType(const onnx::ValueInfoProto &input);
  FailureOr<Dims> importShape(const onnx::ValueInfoProto &input);
  /// An input that is no tensor; nothing where it is one, null with an error.
  std::optional<ModelValue *> importValue(const onnx::ValueInfoProto &input);
  LogicalResult importOutputs(const Frame &frame);
  LogicalResult returnOutputs(ArrayRef<ModelValue *> outputs);
  void finishScript(ArrayRef<ModelValue *> outputs);
  LogicalResult runFrames();
  LogicalResult importNode(Frame &frame, const onnx::NodeProto &node);
  LogicalResult pushFunction(Frame &frame, const onnx::NodeProto &node, const onnx::FunctionProto &function,
                             ArrayRef<ModelValue *> inputs, mlir::Location loc);
  /// Pushes the body ONNX defines for the node, or emits TN1201.
  LogicalResult inlineSchemaFunction(Frame &frame, NodeImporter &node, ArrayRef<ModelValue *> inputs);
  /// Pushes a graph of an attribute; names it does not define are those of the current frame.
  LogicalResult pushGraph(const onnx::NodeProto &node, const onnx::GraphProto &graph, ArrayRef<ModelValue *> inputs,
                          mlir::Location loc, std::function<LogicalResult(ArrayRef<ModelValue *>)> finish);
  LogicalResult popFrame();
  LogicalResult passOver(ArrayRef<StringRef> names);
  LogicalResult importInitializers(const onnx::GraphProto &graph, Frame &frame);
  /// Binds the outputs of `node` in the current frame.
  LogicalResult bindOutputs(const onnx::NodeProto &node, ArrayRef<ModelValue *> results, mlir::Location loc);
  LogicalResult importControlFlow(const onnx::NodeProto &node, mlir::Location loc, int64_t opset,
                                  ArrayRef<ModelValue *> inputs);
  /// Imports a branch of an If in place.
  LogicalResult pushBranch(const onnx::NodeProto &node, const onnx::GraphProto &branch, mlir::Location loc);
  /// Whether what follows the current node may be imported twice.
  bool maySplit() const;
  static constexpr unsigned thenSide = 1, bothSides = 3;
  /// Imports the rest of the model as the blocks of a branch: `begin` starts side 0 (condition) and 1 (else). Gives the
  /// sides that could be imported, a bit for each. Where that is not both, nothing was done.
  unsigned splitRest(Number condition, mlir::Location loc, llvm::function_ref<LogicalResult(unsigned side)> begin);
  bool importRest(ScriptBlock *&block, llvm::SmallVectorImpl<ModelValue *> &outputs,
                  llvm::function_ref<LogicalResult()> begin);
  /// A Squeeze of what is 1 in a run, which decides its rank. Nothing where its rule shall import it.
  std::optional<LogicalResult> splitSqueeze(NodeImporter &n);
  class Unrolling;
  class BatchedScan;
  class RunTimeIf;
  class RunTimeLoop;
  /// Sequences, optionals, and operators whose results have extents that only data decide. Nothing where it is none.
  std::optional<LogicalResult> importHostOperator(NodeImporter &n, ArrayRef<ModelValue *> inputs);
  class HostImporter;
  /// A tensor that a step of the script makes; extents that are null get symbols of their own.
  ModelValue *addHostTensor(Number number, ArrayRef<DimAttr> dims, mlir::Type elementType, mlir::Location loc);
  ModelValue *addHostValue(Number number, const ValueKind &kind, mlir::Location loc);
  /// Kind of a value that has one, or is a tensor.
  static ValueKind kindOf(const ModelValue &value);
  /// Keeps of `kind` the extents that `other` has too.
  static void joinExtents(ValueKind &kind, const ValueKind &other);
  /// Makes `kind` that of both; failure where there is none.
  static LogicalResult joinKinds(ValueKind &kind, const ValueKind &other);
  /// Leaves out the extents that are symbols of blocks which have ended.
  static void hideLocal(const Script &script, ValueKind &kind);
  /// What a type of the model says; nothing where it is not supported.
  std::optional<ValueKind> readKind(const onnx::TypeProto &type);
  /// Makes the elements of a small vector of integers or bools into symbols, whose values later segments are given.
  void makeKnown(ModelValue &value);
  /// The same for operands that shapes depend on.
  void makeShapeOperandsKnown(const onnx::NodeProto &node, ArrayRef<ModelValue *> inputs);
  /// Notes what the graph says of its values' types.
  void readDeclarations(const onnx::GraphProto &graph);
  /// The rank that the model declares for a value of this name.
  std::optional<int64_t> declaredRank(StringRef name) const;
  static void setTypeProto(onnx::TypeProto &proto, const ModelValue &value);
  const onnx::NodeProto &resolveAttributes(Frame &frame, const onnx::NodeProto &node);
  LogicalResult bindFixedShapes();
  std::string makeSymbolName();
  std::string getSymbolName(StringRef name);

  std::shared_ptr<ModelFile> file;
  mlir::MLIRContext *context;
  const ImportOptions &options;
  const Registry &registry;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  Script script;
  std::deque<ModelValue> values;
  SmallVector<ModelValue *> modelInputs;
  std::deque<Frame> frames;
  std::deque<onnx::NodeProto> ownedNodes;
  std::deque<onnx::FunctionProto> ownedFunctions;
  llvm::StringMap<const onnx::FunctionProto *> functions;
  llvm::StringMap<const onnx::TypeProto *> declarations;
  llvm::StringMap<int64_t> boundSymbols;
  llvm::StringMap<char> usedSymbols;
  llvm::StringMap<std::string> renamedSymbols; ///< dimensions that were called like a reserved symbol
  llvm::DenseMap<DimAttr, bool> isOne;         ///< of the continuation that is imported now
  int64_t numNodes = 0;
  bool hasFailed = false;
  unsigned nextSymbol = 0, nextElements = 0, numSplits = 0;
};

/// The constant attribute of a tensor (already structure-checked): dense up to maxKnownElements elements, else a
/// resource over its bytes, which keeps `file` alive. Null for element types without bytes of their own.
mlir::ElementsAttr makeConstant(const std::shared_ptr<ModelFile> &file, const onnx::TensorProto &tensor,
                                RankedTensorType type, mlir::Location loc);
/// The same for a narrow type (Graph/IR/NarrowTypes.h): a byte an element.
mlir::ElementsAttr makeNarrowConstant(ModelFile &file, const onnx::TensorProto &tensor, mlir::RankedTensorType type,
                                      mlir::Location loc);

/// The elements as expressions, if they are at most maxKnownElements integers (or floats that are).
std::optional<Dims> getKnownElements(mlir::ElementsAttr constant);

} // namespace tenon::importer

#endif // TENON_IMPORTER_GRAPHIMPORTER_H
