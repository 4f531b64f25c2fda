//===- Errors.h - The compiler's error codes ------------------------------===//
//
// One table of every TNxxxx code a phase of the compiler reports: what it means, how to get past it, and which exit
// status a tool ends with. `tenon explain` prints it. Codes of the plan and the runtime are in tenon/Plan/Codes.h.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_SUPPORT_ERRORS_H
#define TENON_SUPPORT_ERRORS_H

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Location.h"
#include <optional>

namespace tenon {

/// The exit status of a tool that ends with an error of this category (documented, stable).
enum class ExitCategory : int {
  Model = 1,       ///< the model is wrong
  Usage = 2,       ///< the command line is wrong
  Unsupported = 3, ///< the model is right, this compiler cannot do it
  Limit = 4,       ///< time, memory or size limit
  Integrity = 5,   ///< a file is damaged
  Device = 6,      ///< a device is missing or failed
  Internal = 70,   ///< a fault of this compiler
};

/// Error codes of the compiler; the number is what users see as `TN` + four digits. Never renumbered.
enum class Code : uint16_t {
  UnreadableFile = 1001,
  NotOnnx = 1002,
  FileTooLarge = 1003,
  NestingTooDeep = 1004,
  IrVersion = 1005,
  OpsetVersion = 1006,
  DuplicateName = 1007,
  UndefinedName = 1008,
  NotSorted = 1009,
  TensorData = 1010,
  ExternalDataPath = 1011,
  ExternalDataRange = 1012,
  FunctionCalls = 1013,
  CheckerRejected = 1014,
  TooManyNodes = 1015,
  MalformedGraph = 1016,
  UnknownOp = 1201,
  UnsupportedForm = 1202,
  DataDependentShape = 1203,
  UnsupportedElementType = 1204,
  ControlFlow = 1205,
  UnsupportedValueType = 1206,
  DynamicSamePadding = 1207,
  UnknownRank = 1208,
  WrongOperands = 1210,
  WrongAttribute = 1211,
  ShapeMismatch = 1212,
  ShapeOption = 1213,
  TensorTooLarge = 1214,
  NotExportable = 1301,
  WeightsTooLarge = 1302,
  ExpressionTooComplex = 2101,
};

/// One row of the table.
struct CodeInfo {
  Code code;
  ExitCategory exit;
  llvm::StringLiteral summary;     ///< one line
  llvm::StringLiteral explanation; ///< when it happens
  llvm::StringLiteral remedy;      ///< what the user can do
};

/// All codes of the compiler in ascending order; static storage.
llvm::ArrayRef<CodeInfo> getCodeTable();

/// The row of `code`, or null if the compiler has no such code.
const CodeInfo *findCode(unsigned code);

/// Emits an error "TNxxxx: ..." at `loc`; the caller streams the reason. The code's remedy, or `remedy` where it is not
/// empty, follows as a note. Converts to failure.
mlir::InFlightDiagnostic emitError(mlir::Location loc, Code code, const llvm::Twine &remedy = "");

/// The code a diagnostic's message starts with ("TN1203: ..."), or nothing.
std::optional<unsigned> getCodeOf(llvm::StringRef message);

} // namespace tenon

#endif // TENON_SUPPORT_ERRORS_H
