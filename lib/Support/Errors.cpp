//===- Errors.cpp - The compiler's error codes ----------------------------===//
#include "tenon/Support/Errors.h"

#include "llvm/Support/FormatVariadic.h"

namespace tenon {
namespace {

using enum Code;
using enum ExitCategory;

/// Sorted by code; findCode searches it by halves.
constexpr CodeInfo table[] = {
    {UnreadableFile, Model, "the model file cannot be read", "The path does not name a readable regular file.",
     "check the path and its permissions"},
    {NotOnnx, Model, "the file is not an ONNX model",
     "The bytes are not a well-formed protobuf ModelProto: another format, or a truncated download.",
     "fetch the file again, or export it again with onnx.save"},
    {FileTooLarge, Limit, "the model file is larger than protobuf allows",
     "A protobuf message holds at most 2 GiB - 1 bytes.", "save the weights as external data"},
    {NestingTooDeep, Limit, "subgraphs are nested too deeply",
     "At most 31 graphs may be nested in the attributes of If, Loop and Scan.",
     "flatten the control flow of the model"},
    {IrVersion, Unsupported, "the IR version is not supported",
     "The model states no IR version, or one newer than this compiler knows.",
     "export the model with an older onnx package"},
    {OpsetVersion, Unsupported, "the opset is not supported",
     "Opsets 1 to 28 of the default domain are supported, each domain imported once.",
     "convert the model with onnx.version_converter"},
    {DuplicateName, Model, "a name is defined twice", "Every value of an ONNX graph is assigned exactly once.",
     "rename one of the values"},
    {UndefinedName, Model, "a name is used but nowhere defined",
     "A node input or graph output names no graph input, initializer or node output.", "export the model again"},
    {NotSorted, Model, "a value is used before it is computed", "Nodes must be in topological order; a cycle has none.",
     "sort the nodes, or break the cycle"},
    {TensorData, Model, "a tensor's data does not fit its shape",
     "The dimensions are negative or overflow, or the bytes present are not those the dimensions and type need.",
     "export the model again; the file may be truncated"},
    {ExternalDataPath, Integrity, "external data is refused",
     "External data must be a regular file beneath the model's folder, named by a relative path, with the keys "
     "location, offset, length and checksum only.",
     "put the data file next to the model"},
    {ExternalDataRange, Integrity, "external data is shorter than the model says",
     "Offset and length of a tensor must lie inside the data file and match the tensor's size.",
     "fetch the data file again; it may be truncated"},
    {FunctionCalls, Model, "model functions call each other wrongly",
     "At most 100 model-local functions, without cycles among their calls, each defined once.",
     "inline the functions with onnx.inliner"},
    {CheckerRejected, Model, "the ONNX checker rejects the model",
     "onnx.checker found a node, attribute or type that breaks the ONNX standard.",
     "run onnx.checker.check_model on the file, and export it again"},
    {TooManyNodes, Limit, "the model is too large",
     "At most a million nodes, also after functions are inlined, and tensors of at most 16 dimensions.",
     "split the model"},
    {MalformedGraph, Model, "the graph is malformed",
     "A part that ONNX requires is missing: the graph, a name, or the type of an input.", "export the model again"},
    {UnknownOp, Unsupported, "the operator is not supported",
     "There is no import rule for the operator at this opset, and ONNX defines no function body for it.",
     "replace the operator by supported ones, or define it as a model-local function"},
    {UnsupportedForm, Unsupported, "this form of the operator is not supported",
     "The operator is supported, but not with these attributes or operands.", "use the form the message names"},
    {DataDependentShape, Unsupported, "a shape depends on run-time data",
     "A shape operand (of Reshape, Slice, Expand, Resize, ...) could not be expressed by input extents and constants.",
     "make the operand an initializer, or compute it from Shape"},
    {UnsupportedElementType, Unsupported, "the element type is not supported",
     "Strings, complex numbers and some narrow types have no kernels.", "cast the tensor to a supported type"},
    {ControlFlow, Unsupported, "this form of control flow is not supported",
     "If, Loop and Scan are, but not nested more than 16 deep, nor a Scan of opset 8 with batches.",
     "rewrite that part of the model, or convert the model to a newer opset"},
    {UnsupportedValueType, Unsupported, "the value is of a kind that is not supported",
     "Maps, sparse tensors, sequences of sequences and of strings are not, nor sequences where an operator takes "
     "tensors.",
     "rewrite that part of the model with tensors"},
    {DynamicSamePadding, Unsupported, "auto_pad depends on a dynamic extent",
     "SAME_UPPER and SAME_LOWER with a stride above 1 need the extent when the model is compiled.",
     "fix the input shape with --shape NAME=...!"},
    {UnknownRank, Unsupported, "an input has no known rank", "A graph input declares no shape at all.",
     "state it with --shape NAME=...!"},
    {WrongOperands, Model, "the operands do not fit the operator",
     "An operand is missing, or has a rank or type that ONNX does not allow there.", "check the node in the exporter"},
    {WrongAttribute, Model, "an attribute does not fit the operator",
     "An attribute has a value outside what ONNX allows there.", "check the node in the exporter"},
    {ShapeMismatch, Model, "the operand shapes do not fit each other",
     "The operator's rules for its operand shapes are broken.", "check the shapes of the node in the exporter"},
    {ShapeOption, Usage, "--shape does not fit the model",
     "The option names no input, has another rank, or contradicts a fixed extent.",
     "see `tenon inspect` for the inputs"},
    {TensorTooLarge, Limit, "a tensor is too large",
     "A tensor of the model has more than 2^62 bytes, or a negative extent.", "check the shape operands of the node"},
    {NotExportable, Unsupported, "the graph cannot be written as an ONNX model",
     "Optionals that are empty, floats of 4 bits and their codes, and modules of anything but functions of graph ops "
     "and a script are not exported.",
     "export the model before the pass that made the op"},
    {WeightsTooLarge, Limit, "the weights do not fit into the model",
     "A protobuf message holds at most 2 GiB - 1 bytes; larger weights go into a file of their own.",
     "name a file for the weights (tenon-translate --onnx-weights=FILE)"},
    {ExpressionTooComplex, Limit, "an extent's expression is too complex",
     "Extents are expressions over the input's named dimensions, of at most 2000 terms.",
     "fix the input shape with --shape NAME=...!"},
};

constexpr bool isSorted() {
  for (size_t i = 1; i < std::size(table); ++i)
    if (table[i - 1].code >= table[i].code)
      return false;
  return true;
}
static_assert(isSorted(), "the table is searched by halves");

} // namespace

llvm::ArrayRef<CodeInfo> getCodeTable() { return table; }

const CodeInfo *findCode(unsigned code) {
  const auto *row = llvm::lower_bound(table, code, [](const CodeInfo &r, unsigned c) { return unsigned(r.code) < c; });
  return row != std::end(table) && unsigned(row->code) == code ? row : nullptr;
}

mlir::InFlightDiagnostic emitError(mlir::Location loc, Code code, const llvm::Twine &remedy) {
  auto diagnostic = mlir::emitError(loc);
  diagnostic << llvm::formatv("TN{0,0+4}: ", unsigned(code)).str();
  std::string note = remedy.str();
  if (const CodeInfo *row = findCode(unsigned(code)); row && note.empty())
    note = row->remedy.str();
  if (!note.empty())
    diagnostic.attachNote() << "remedy: " << note;
  return diagnostic;
}

std::optional<unsigned> getCodeOf(llvm::StringRef message) {
  unsigned code;
  if (!message.consume_front("TN") || message.size() < 4 || message.take_front(4).getAsInteger(10, code))
    return std::nullopt;
  return code;
}

} // namespace tenon
