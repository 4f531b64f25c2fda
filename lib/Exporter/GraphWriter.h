//===- GraphWriter.h - An ONNX graph on its way ----------------------------===//
//
// Names of values, nodes, initializers, and extents as values: an expression over symbols becomes Shape of an input and
// integer arithmetic, each once. An extent is a vector of one i64.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_EXPORTER_GRAPHWRITER_H
#define TENON_EXPORTER_GRAPHWRITER_H

#include "Graph/IR/GraphOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Exporter/Exporter.h"
#include "tenon/Reference/Tensor.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"
#include <onnx/onnx_pb.h>
#include <variant>

namespace tenon::exporter {

using Name = std::string;
using Ints = std::vector<int64_t>;
using Floats = std::vector<float>;
using Strings = std::vector<std::string>;
/// A graph of an attribute; copied.
using Graph = const onnx::GraphProto *;

/// An attribute of a node.
struct Attribute {
  const char *name;
  std::variant<int64_t, double, std::string, Ints, Floats, Strings, Graph> value;
};

/// The element type in onnx.TensorProto; 0 if ONNX has none.
int32_t getOnnxType(mlir::Type elementType);

class GraphWriter {
public:
  GraphWriter(onnx::GraphProto &graph, mlir::MLIRContext *context) : context(context), root(graph), graph(&graph) {}

  mlir::MLIRContext *const context;

  /// A node; its only result.
  Name add(llvm::StringRef op, llvm::ArrayRef<Name> operands, llvm::ArrayRef<Attribute> attributes = {});
  /// A node of several results.
  std::vector<Name> addMany(llvm::StringRef op, llvm::ArrayRef<Name> operands, size_t results,
                            llvm::ArrayRef<Attribute> attributes = {});
  /// A node whose only result has a name that was reserved.
  void addNamed(llvm::StringRef op, llvm::ArrayRef<Name> operands, const Name &result);
  /// Lets nodes go into another graph, of an attribute; constants stay in the main one. The one before.
  onnx::GraphProto &setGraph(onnx::GraphProto &other) { return *std::exchange(graph, &other); }
  /// A name that nothing has.
  Name fresh(llvm::StringRef stem);

  // ---- constants ----
  /// An initializer; empty if the element type has no bytes.
  Name constant(mlir::ElementsAttr value);
  Name number(mlir::Type elementType, double value);
  Name integers(const Ints &values);
  Name integer(int64_t value);

  // ---- extents ----
  /// Element `index` of a tensor of integers, or of f32 in units of 2^-32; a vector of one i64.
  Name element(Name x, mlir::Type elementType, int64_t index);
  /// A vector of one i64.
  Name extent(graph::DimAttr dim);
  /// A vector of i64.
  Name shape(llvm::ArrayRef<graph::DimAttr> dims);

  // ---- small compositions ----
  Name cast(Name x, mlir::Type elementType);
  Name reshape(Name x, llvm::ArrayRef<graph::DimAttr> dims);
  Name transpose(Name x, const Ints &perm) { return add("Transpose", {x}, {{"perm", perm}}); }
  /// Elements `start` to `end` along `axis`.
  Name slice(Name x, int64_t axis, int64_t start, int64_t end);

  // ---- values ----
  void bind(mlir::Value value, Name name) { names[value] = std::move(name); }
  /// The same; false where there is no name, as the op has no rule.
  bool bindIfNamed(mlir::Value value, Name name) {
    const bool isNamed = !name.empty();
    if (isNamed)
      bind(value, std::move(name));
    return isNamed;
  }
  Name get(mlir::Value value) const { return names.lookup(value); }
  /// Takes a name that is given, for an input or an output.
  void reserve(llvm::StringRef name) { taken.insert(name); }
  /// The same, of a value of a script, whose type does not tell the element type.
  void bind(mlir::Value value, Name name, mlir::Type elementType) {
    bind(value, std::move(name));
    elementTypes[value] = elementType;
  }
  /// The element type of a value of a script; null where it is not known.
  mlir::Type typeOf(mlir::Value value) const { return elementTypes.lookup(value); }

  /// What is known within a function alone: its arguments, that symbols come from, and extents that were computed.
  struct Scope {
    std::vector<mlir::Value> arguments;
    mlir::ArrayAttr symbols; ///< that the last argument holds
    llvm::DenseMap<mlir::Attribute, Name> extents;
  };
  /// Begins with the ops of a function; what was known before, for `leave`.
  Scope enter(mlir::func::FuncOp function);
  void leave(Scope outer) { scope = std::move(outer); }
  /// The ONNX node that nodes are made for from here on.
  void setLocation(mlir::Location loc);

  /// The first opset that has all the operators used.
  int64_t opset = 21;
  void needOpset(int64_t version) { opset = std::max(opset, version); }

  /// Writes the bytes of the initializers, into the model or behind each other into a file. Emits TN1302 at `loc`.
  mlir::LogicalResult writeWeights(const ExportOptions &options, mlir::Location loc);

private:
  Name symbol(llvm::StringRef name);
  Name combine(graph::DimAttr dim);
  Name fold(llvm::StringRef op, int64_t first, int64_t neutral, llvm::ArrayRef<Name> rest);

  onnx::GraphProto &root, *graph; ///< of the model; that nodes go into
  llvm::DenseMap<mlir::Value, Name> names;
  llvm::DenseMap<mlir::Value, mlir::Type> elementTypes;
  llvm::DenseMap<mlir::Attribute, Name> constants;
  Scope scope;
  std::vector<std::pair<int, reference::HostTensor>> weights; ///< initializer, its bytes
  llvm::StringSet<> taken, nodeNames;
  std::string location;
  int64_t counter = 0;
};

/// Exports one op; its results are bound. Emits TN1301.
mlir::LogicalResult exportOp(GraphWriter &w, mlir::Operation *op);

// Each by category: true if the op is one of it and was exported.
bool exportElementwise(GraphWriter &w, mlir::Operation *op);
bool exportMovement(GraphWriter &w, mlir::Operation *op);
bool exportWindow(GraphWriter &w, mlir::Operation *op);
bool exportNormalization(GraphWriter &w, mlir::Operation *op);
bool exportQuantization(GraphWriter &w, mlir::Operation *op);
bool exportRecurrent(GraphWriter &w, mlir::Operation *op);
bool exportSelection(GraphWriter &w, mlir::Operation *op);

} // namespace tenon::exporter

#endif // TENON_EXPORTER_GRAPHWRITER_H
