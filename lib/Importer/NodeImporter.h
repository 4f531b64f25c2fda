//===- NodeImporter.h - What an import rule sees of its node ---------------===//
//
// A rule turns one ONNX node into graph ops. Operands are values of the graph, made when first asked for: constants and
// values known as expressions of extents exist as ops only where an op reads them.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_IMPORTER_NODEIMPORTER_H
#define TENON_IMPORTER_NODEIMPORTER_H

#include "Graph/IR/GraphOps.h"
#include "ModelFile.h"
#include "tenon/Support/Errors.h"

namespace tenon::importer {

using graph::DimAttr;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::StringRef;
using mlir::failure;
using mlir::FailureOr;
using mlir::LogicalResult;
using mlir::RankedTensorType;
using mlir::success;
using mlir::Value;

class GraphImporter;

/// Integer values are tracked as expressions up to this many elements, and constants up to this many are dense.
constexpr int64_t maxKnownElements = 64;

using Dims = SmallVector<DimAttr>;
using Ints = SmallVector<int64_t>;

struct ModelValue;

/// What a value is that is no tensor of known rank.
struct ValueKind {
  bool isSequence = false; ///< else a tensor
  bool isOptional = false; ///< may also be absent
  bool isEmpty = false;    ///< a sequence that has no elements yet, so that their extents are not known
  mlir::Type elementType;
  /// Of the tensor, or of all elements of the sequence; nothing where the rank is not known.
  std::optional<Dims> dims;
  bool operator==(const ValueKind &) const = default;
};

/// A value of the model: at least one of `op` (the SSA value), `constant`, `known`, `number` and `elements` is set.
/// Without a type and kind: what a node would have computed that could not be imported.
struct ModelValue {
  RankedTensorType type;
  mlir::Location loc;
  Value op;
  mlir::ElementsAttr constant;
  /// The elements in row-major order as expressions: integers, or floats that are integers.
  std::optional<Dims> known;
  /// Its number in the script, where it has one (Script.h).
  std::optional<unsigned> number = std::nullopt;
  /// Of what has no `type`.
  std::optional<ValueKind> kind = std::nullopt;
  /// Of a sequence, where it is known.
  std::optional<SmallVector<ModelValue *>> elements = std::nullopt;
  /// Of booleans that say which of some extents are 1: these extents.
  std::optional<Dims> ones = std::nullopt;
};

class NodeImporter {
public:
  NodeImporter(GraphImporter &importer, const onnx::NodeProto &node, mlir::Location loc, int64_t opset,
               SmallVector<ModelValue *> inputs);

  const onnx::NodeProto &node;
  const mlir::Location loc;
  /// The version of the node's domain.
  const int64_t opset;
  mlir::MLIRContext *const context;

  // ---- operands ----
  size_t getNumInputs() const { return inputs.size(); }
  bool hasInput(size_t i) const { return i < inputs.size() && inputs[i]; }
  /// The operand as an SSA value; null with an error if it is absent.
  Value input(size_t i);
  /// The operand as an SSA value; null if it is absent.
  Value optionalInput(size_t i);
  /// The operand's type; null with an error if it is absent.
  RankedTensorType inputType(size_t i);
  /// The operand's elements, if they are known as expressions.
  const Dims *known(size_t i) const { return hasInput(i) && inputs[i]->known ? &*inputs[i]->known : nullptr; }
  /// The operand's elements, if they are known integers.
  std::optional<Ints> knownInts(size_t i) const;
  /// The operand's elements, if it is a constant of at most maxKnownElements numbers.
  std::optional<SmallVector<double>> knownFloats(size_t i) const;
  ModelValue *getInput(size_t i) const { return hasInput(i) ? inputs[i] : nullptr; }

  // ---- attributes: the value, or the default where the node does not state it ----
  bool hasAttr(StringRef name) const { return findAttr(name) != nullptr; }
  const onnx::AttributeProto *findAttr(StringRef name) const;
  int64_t intAttr(StringRef name, int64_t defaultValue) const;
  double floatAttr(StringRef name, double defaultValue) const;
  std::string stringAttr(StringRef name, StringRef defaultValue) const;
  std::optional<Ints> intsAttr(StringRef name) const;
  /// One of `values`, or TN1211 whose remedy is the nearest of them.
  FailureOr<std::string> choiceAttr(StringRef name, StringRef defaultValue, ArrayRef<llvm::StringRef> values) const;

  // ---- results ----
  size_t getNumOutputs() const { return size_t(node.output_size()); }
  bool wantsOutput(size_t i) const { return i < getNumOutputs() && !node.output(int(i)).empty(); }
  /// Binds result `i`; null is an error already emitted.
  LogicalResult setOutput(size_t i, Value value);
  /// Binds result 0.
  LogicalResult setOutput(Value value) { return setOutput(0, value); }
  /// Binds result `i` to a value of the model.
  LogicalResult setValue(size_t i, ModelValue *value);
  /// Result `i` is operand `input`, whatever form it has.
  LogicalResult forward(size_t i, size_t input);
  /// Binds result `i` to known elements.
  LogicalResult setKnown(size_t i, RankedTensorType type, Dims elements);
  LogicalResult setConstant(size_t i, mlir::ElementsAttr value);
  /// Binds result `i` to a tensor attribute.
  LogicalResult setTensor(size_t i, const onnx::TensorProto &tensor);
  /// A tensor attribute as a value; null with an error if its type is not supported.
  ModelValue *addTensor(const onnx::TensorProto &tensor);

  // ---- building ----
  /// Builds an op whose result type is inferred; null with an error if its operands do not fit.
  template <typename OpTy, typename... Args>
  Value create(Args &&...args) {
    mlir::OperationState state(loc, OpTy::getOperationName());
    OpTy::build(getBuilder(), state, getPlaceholderType(), std::forward<Args>(args)...);
    return finishInferred<OpTy>(state);
  }
  /// The same for an op of `count` results; none of them with an error.
  template <typename OpTy, typename... Args>
  SmallVector<Value> createMany(unsigned count, Args &&...args) {
    mlir::OperationState state(loc, OpTy::getOperationName());
    SmallVector<mlir::Type> placeholders(count, getPlaceholderType());
    OpTy::build(getBuilder(), state, mlir::TypeRange(placeholders), std::forward<Args>(args)...);
    Value first = finishInferred<OpTy>(state);
    return first ? SmallVector<Value>(first.getDefiningOp()->getResults()) : SmallVector<Value>();
  }
  /// Builds an op with a stated result type.
  template <typename OpTy, typename... Args>
  Value createTyped(RankedTensorType type, Args &&...args) {
    mlir::OperationState state(loc, OpTy::getOperationName());
    if (!type || failed(checkType(type)))
      return {};
    OpTy::build(getBuilder(), state, type, std::forward<Args>(args)...);
    return operandsValid(state.operands) ? finish(state) : Value();
  }
  /// A tensor of rank 0 that holds `value`, of `elementType`.
  Value scalar(mlir::Type elementType, double value);
  /// A constant; null stays null.
  Value constant(mlir::ElementsAttr value);
  /// `x` reshaped (no op if it has that shape already).
  Value reshape(Value x, ArrayRef<DimAttr> dims);
  Value cast(Value x, mlir::Type elementType);

  DimAttr dim(int64_t value) const { return DimAttr::constant(context, value); }
  mlir::OpBuilder &getBuilder();

  /// Requires that the extents be equal in every run; `what` says what the node needs, for the error.
  void requireEqual(DimAttr a, DimAttr b, StringRef what = "equal extents");
  /// Whether what is imported now is for runs where `extent` is 1.
  bool isAssumedOne(DimAttr extent) const;
  /// Leaves this node to the function body ONNX defines for it.
  LogicalResult inlineBody() {
    inlined = true;
    return success();
  }
  bool isInlined() const { return inlined; }

  // ---- errors ----
  mlir::InFlightDiagnostic error(Code code, const llvm::Twine &remedy = "") const;
  /// TN1204 for an operand of type `got` where floats (else integers) are taken; the remedy is the nearest type.
  mlir::InFlightDiagnostic typeError(mlir::Type got, bool takesFloats) const;
  /// TN1204 for an element type of ONNX that the importer has no type for; the caller streams what it is.
  mlir::InFlightDiagnostic typeError(int64_t dataType) const;
  /// A non-negative axis below `rank`, from one that may count from the end.
  FailureOr<int64_t> normalizeAxis(int64_t axis, int64_t rank) const;
  /// Sorted, unique axes.
  FailureOr<Ints> normalizeAxes(ArrayRef<int64_t> axes, int64_t rank) const;
  /// The axes from attribute `axes` before `sinceInput`, from operand `i` since; nothing if there are none.
  FailureOr<std::optional<Ints>> axes(size_t i, int64_t sinceInput) const;
  /// Known elements of the shape operand `i`, or TN1203.
  FailureOr<Dims> shapeOperand(size_t i) const;
  FailureOr<Ints> constantOperand(size_t i) const;
  /// Refuses sizes and expressions beyond the limits.
  LogicalResult checkType(RankedTensorType type) const;
  LogicalResult checkComplexity(ArrayRef<DimAttr> dims) const;

  /// Results by position; null where none was bound.
  ArrayRef<ModelValue *> getResults() const { return results; }

private:
  RankedTensorType getPlaceholderType() const;
  bool operandsValid(ArrayRef<Value> operands) const;
  LogicalResult infer(mlir::OperationState &state, SmallVector<mlir::Type> &types,
                      llvm::function_ref<LogicalResult(SmallVector<mlir::Type> &)> inferTypes) const;
  template <typename OpTy>
  Value finishInferred(mlir::OperationState &state) {
    SmallVector<mlir::Type> types;
    if (!operandsValid(state.operands) || failed(infer(state, types, [&](auto &results) {
          return OpTy::inferReturnTypes(context, loc, state.operands, state.attributes.getDictionary(context),
                                        state.getRawProperties(), {}, results);
        })))
      return {};
    state.types.assign(types.begin(), types.end());
    return finish(state);
  }
  /// Result 0 of the op, or null with an error.
  Value finish(mlir::OperationState &state);

  GraphImporter &importer;
  SmallVector<ModelValue *> inputs;
  SmallVector<ModelValue *> results;
  bool inlined = false;
};

inline RankedTensorType typeOf(Value v) { return llvm::cast<RankedTensorType>(v.getType()); }
inline Dims dimsOf(Value v) { return graph::getDims(typeOf(v)); }
inline int64_t rankOf(Value v) { return typeOf(v).getRank(); }

/// The element type of an ONNX tensor; null if the importer has none (strings, complex).
mlir::Type getElementType(mlir::MLIRContext *context, int32_t dataType);
/// The ONNX type of an element type; 0 if there is none.
int32_t getOnnxType(mlir::Type elementType);

/// What the node compares with 1, if it does and that is known; see ModelValue::ones.
std::optional<Dims> findComparedWithOne(NodeImporter &node);

} // namespace tenon::importer

#endif // TENON_IMPORTER_NODEIMPORTER_H
