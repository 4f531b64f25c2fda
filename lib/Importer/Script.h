//===- Script.h - What is done between functions ----------------------------===//
//
// What only a run knows ends a function: a condition, a count, an extent that data decide. The importer collects such
// functions (segments) and what the host does between them, and writes both when the model is imported whole: only then
// is it known which values cross from one segment to another. Symbols mean the same in all segments; a segment whose
// arguments do not show a symbol's value takes it as an element of its last argument.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_IMPORTER_SCRIPT_H
#define TENON_IMPORTER_SCRIPT_H

#include "NodeImporter.h"
#include "Requirements.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <deque>

namespace tenon::importer {

struct ScriptBlock;

/// Values of a script are numbered.
using Number = unsigned;
constexpr Number noNumber = ~0u;

/// A function: what is imported between two steps of the host.
struct Segment {
  mlir::func::FuncOp function;
  ScriptBlock *block;
  Requirements requirements;
  SmallVector<Number> arguments;                    ///< of the function, in order
  SmallVector<std::pair<Number, Value>> results;    ///< what others may read
  llvm::DenseMap<const ModelValue *, Value> values; ///< arguments and constants, where they were asked for
};

/// One step of the host. What `inputs` and `outputs` are is told by plan.fbs.
struct ScriptStep {
  enum Kind { Call, Host, Branch, Repeat } kind;
  mlir::Location loc;
  Segment *segment = nullptr;
  StringRef op; ///< of Host
  SmallVector<int64_t> numbers;
  SmallVector<Number> inputs, outputs;
  Number trips = noNumber, condition = noNumber;
  SmallVector<mlir::Attribute> stacked;
  ScriptBlock *blocks[2] = {nullptr, nullptr};
};

struct ScriptBlock {
  ScriptBlock *outer = nullptr;
  SmallVector<Number> inputs, results;
  std::deque<ScriptStep> steps;
};

class Script {
public:
  explicit Script(mlir::ModuleOp module) : module(module), blocks(1) {}

  /// The function that ops go into now, made where there is none.
  Segment &open(mlir::Location loc);
  /// Ends the open function: what follows goes into another.
  void close() { segment = nullptr; }
  /// Whether a plan of one function would do.
  bool isTrivial() const { return segments.size() <= 1 && blocks.size() == 1 && !hasSteps; }
  Segment &getFirst() { return segments.front(); }

  Number addNumber() { return addNumber(current); }
  Number addNumber(ScriptBlock *block) {
    definedIn.push_back(block);
    return Number(definedIn.size() - 1);
  }
  /// The number of a result of a segment.
  Number exportValue(Value value);

  ScriptBlock *getCurrent() const { return current; }
  ScriptBlock *enter();
  /// Ends the current block.
  void leave();
  /// Whether values made in a block around the current one only decide `dim`.
  bool isVisible(DimAttr dim) const;
  /// How many blocks are around what is imported now.
  size_t getDepth() const;

  /// A step of the current block.
  ScriptStep &addStep(ScriptStep::Kind kind, mlir::Location loc);

  /// The value of `symbol`: the extent of dimension `index` of a value, or its element.
  void define(mlir::StringAttr symbol, Number number, unsigned index, bool isElement) {
    symbols.try_emplace(symbol, Source{number, index, isElement});
  }

  /// Ends functions and writes plan.script. `inputs` and `outputs`: dictionaries of names and types.
  void finish(ArrayRef<Number> inputs, ArrayRef<mlir::Attribute> inputInfos, ArrayRef<Number> outputs,
              ArrayRef<mlir::Attribute> outputInfos, mlir::Location loc);

private:
  struct Source {
    Number number;
    unsigned index;
    bool isElement;
  };
  void markLive(ScriptBlock &block);
  void finishSegment(Segment &segment);
  void dropStacked(ScriptStep &loop);
  void write(ScriptBlock &block, mlir::OpBuilder builder);
  void writeStep(ScriptStep &step, mlir::OpBuilder &builder);
  Value valueOf(Number number, mlir::OpBuilder &builder, mlir::Location loc);

  mlir::ModuleOp module;
  std::deque<ScriptBlock> blocks;
  std::deque<Segment> segments;
  llvm::DenseMap<mlir::Operation *, Segment *> owners; ///< of functions
  ScriptBlock *current = &blocks.front();
  Segment *segment = nullptr;
  bool hasSteps = false;
  SmallVector<ScriptBlock *> definedIn; ///< by number
  llvm::DenseMap<mlir::StringAttr, Source> symbols;
  // ---- while it is finished ----
  SmallVector<bool> isLive;                                         ///< by number
  llvm::DenseMap<Number, mlir::StringAttr> names;                   ///< of the model's inputs
  llvm::DenseMap<Segment *, SmallVector<mlir::StringAttr>> unbound; ///< symbols of a live segment's last argument
  llvm::DenseMap<Number, Value> written;
};

} // namespace tenon::importer

#endif // TENON_IMPORTER_SCRIPT_H
