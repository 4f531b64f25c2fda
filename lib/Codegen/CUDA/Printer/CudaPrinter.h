//===- CudaPrinter.h - From kernel IR to CUDA C++ -------------------------===//
//
// Prints one func.func of gpu, scf, arith, math, vector and memref ops as an `extern "C" __global__` function.
//
// - A value with one use becomes part of the expression that uses it, as long as that reads well; others are named, by
//   the hint in their location or by their op.
// - vector<1xT> is T. Consecutive elementwise ops on longer vectors become one loop over the lanes, in which they are
//   scalars; Vector<T, N> of tenon/cuda/vector.cuh is what loads, stores and loops carry.
// - `index` is int, or the parameter Index of a function template where extents are not known to fit 32 bits.
//
// How an op is written is decided in one place: PrintArith.cpp, PrintMemory.cpp, PrintControl.cpp, by dialect.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_CODEGEN_CUDA_PRINTER_CUDAPRINTER_H
#define TENON_LIB_CODEGEN_CUDA_PRINTER_CUDAPRINTER_H

#include "Names.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/SetVector.h"

namespace tenon::codegen::cuda {

/// How tightly an expression binds; higher is tighter.
enum class Binding {
  Comma,
  Ternary,
  Or,
  And,
  BitOr,
  BitXor,
  BitAnd,
  Equal,
  Compare,
  Shift,
  Add,
  Multiply,
  Unary,
  Primary
};

struct Expression {
  std::string text;
  Binding binding = Binding::Primary;

  /// The text, in parentheses where it binds less tightly than `least`.
  std::string in(Binding least) const { return binding < least ? "(" + text + ")" : text; }
};

struct PrintOptions {
  int threads = 256;      ///< for __launch_bounds__
  bool wideIndex = false; ///< print a template over Index and choose at run time by the last parameter
  bool lineDirectives = false;
};

/// `head(list` and `tail`, broken after commas where it would leave the page.
std::string wrapList(std::string head, llvm::StringRef list, llvm::StringRef tail);

/// The shortest C++ expression for a float, or with `isDouble` a double.
std::string floatText(const llvm::APFloat &x, bool isDouble = false);

/// The C++ type of a scalar in memory.
std::string cudaTypeName(mlir::Type type);

class CudaPrinter {
public:
  CudaPrinter(mlir::func::FuncOp kernel, const PrintOptions &options) : kernel(kernel), options(options) {}

  /// The function; empty, with a diagnostic (TN5020), where an op has no text.
  std::string print();
  /// The function as a method `operator()` template over Index: its first `buffers` arguments and its parameters (from
  /// the fourth after these) are the members named by `members`.
  std::string printMethod(llvm::ArrayRef<std::string> members, unsigned buffers);
  /// A function of values alone as a method `operator()`.
  std::string printFunction();

private:
  // CudaPrinter.cpp
  void printSignature();
  void printEntry();
  std::string parameters(bool inBody);
  void nameArguments();
  void printBlock(mlir::Block &block);
  void printOp(mlir::Operation &op);
  void define(mlir::Value value);
  void line(const llvm::Twine &text);
  void open(const llvm::Twine &head);
  void close();
  void refuse(mlir::Operation *op);
  std::string nameFor(mlir::Value value);

  // Inlining.cpp
  bool isInlined(mlir::Value value);
  bool decideInlined(mlir::Value value);
  bool isWritten(mlir::Value buffer);
  bool needsPending(mlir::Operation &op);
  bool usesPending(mlir::Value value);

  // Lanes.cpp
  bool isLaneOp(mlir::Operation &op);
  void flushLanes();
  void printLane(mlir::Value value, bool isUsedOutside);
  std::string assignment(llvm::StringRef target, mlir::Value value, llvm::StringRef right);

  // Expressions: the value, of one lane inside a lane loop.
  Expression expression(mlir::Value value);
  std::string text(mlir::Value value, Binding least = Binding::Comma) { return expression(value).in(least); }
  Expression build(mlir::Operation *op);
  Expression buildCall(llvm::StringRef name, mlir::ValueRange operands);
  // PrintArith.cpp
  std::optional<Expression> buildArith(mlir::Operation *op);
  std::optional<Expression> buildCast(mlir::Operation *op);
  std::optional<Expression> buildCompare(mlir::Operation *op);
  std::optional<Expression> buildMath(mlir::Operation *op);
  std::string constant(mlir::Attribute value, mlir::Type type);
  std::string wrap(mlir::Value value, llvm::StringRef prefix);
  // PrintMemory.cpp
  std::optional<Expression> buildMemory(mlir::Operation *op);
  bool printMemory(mlir::Operation &op);
  std::string address(mlir::Value buffer, mlir::Value index);
  // PrintControl.cpp
  std::optional<Expression> buildGpu(mlir::Operation *op);
  bool printControl(mlir::Operation &op);
  void printFor(mlir::scf::ForOp loop);
  void printIf(mlir::scf::IfOp op);
  void printYield(mlir::scf::YieldOp yield);

  std::string typeName(mlir::Type type);
  std::string elementName(mlir::Type type);
  bool isVector(mlir::Type type);

  mlir::func::FuncOp kernel;
  PrintOptions options;
  std::string body;
  int depth = 1;
  bool failed = false;
  Names names;
  llvm::DenseMap<mlir::Value, std::string> named;
  llvm::DenseMap<mlir::Value, bool> inlined;
  llvm::DenseMap<mlir::Value, bool> written;
  llvm::SmallSetVector<mlir::Operation *, 16> pending; ///< lane ops that are not printed yet
  llvm::DenseSet<mlir::Value> scalars;                 ///< values whose name is of one lane
  bool inLanes = false;
  int loops = 0; ///< around the current op, for the names of induction variables
};

} // namespace tenon::codegen::cuda

#endif // TENON_LIB_CODEGEN_CUDA_PRINTER_CUDAPRINTER_H
