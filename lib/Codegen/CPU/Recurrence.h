//===- Recurrence.h - What recurrences over time share ---------------------===//
//
// A work group is one direction of up to 8 rows of the batch, through all time steps. A step multiplies the rows' last
// h by r in blocks of 16 hidden units, all gates of a block in one register tile, and finishes these units at once. y_h
// holds the state h: every block of a step reads it, so it is replaced when the step has ended.
//
// r is packed (format "lstm") as [D, ceil(H / 16), H, gates, 16], padded with zeros; one that is computed at run time
// is packed to scratch memory first.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_CODEGEN_CPU_RECURRENCE_H
#define TENON_LIB_CODEGEN_CPU_RECURRENCE_H

#include "Graph/IR/Activations.h"
#include "HeavyEmit.h"
#include "SingleOp.h"

namespace tenon::codegen {

/// The operands that every recurrence has.
struct RecurrenceOperands {
  mlir::Value gates, r, lengths; ///< lengths may be null
  llvm::StringRef direction;     ///< forward, backward or both
  llvm::ArrayRef<double> alpha, beta;
  mlir::ArrayAttr activations;
  double clip = 0;
};

class RecurrenceEmitter {
public:
  RecurrenceEmitter(const SingleOpRegion &region, const RecurrenceOperands &operands, KernelBuilder &k,
                    const CpuTarget &target);
  virtual ~RecurrenceEmitter() = default;

  void run();

protected:
  /// A row in a time step.
  struct Row {
    mlir::Value n;      ///< its number in the batch
    mlir::Value t;      ///< the time it reads and writes
    mlir::Value active; ///< i1: not beyond its length; null: always
  };

  /// Sets the states of row n before the first step.
  virtual void startRow(mlir::Value n) = 0;
  /// Stores what 16 units of a row become: `products` of h and the rows of r for each gate, `parts` what the gates are
  /// without them; `unit` is the first one, `state` where it is in the states, `lanes` how many of them there are.
  virtual void finishUnits(const Row &at, mlir::Value unit, mlir::Value state, mlir::Value lanes,
                           llvm::ArrayRef<mlir::Value> products, llvm::ArrayRef<mlir::Value> parts) = 0;

  // ---- arithmetic on vectors ----
  mlir::Value addF(mlir::Value x, mlir::Value y);
  mlir::Value subF(mlir::Value x, mlir::Value y);
  mlir::Value mulF(mlir::Value x, mlir::Value y);
  mlir::Value splat(double value);
  /// x where the condition holds or is null, else y.
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y);
  /// Activation i of x, clipped.
  mlir::Value activate(unsigned i, mlir::Value x);

  /// A state of row n from `from`; null: 0.
  void startState(mlir::Value from, mlir::Value state, mlir::Value n);
  /// Stores h of 16 units to y; 0 where the row has ended.
  void storeOutput(const Row &at, mlir::Value unit, mlir::Value h, mlir::Value lanes);

  const SingleOpRegion &region;
  KernelBuilder &k;
  mlir::OpBuilder &b;
  int64_t hidden;
  llvm::SmallVector<graph::Activation, 3> activations;
  mlir::Value yH;
  mlir::Value direction; ///< of the group

private:
  mlir::Value row(mlir::Value n) { return k.add(k.mul(direction, rows), n); }
  void pack();
  Row rowAt(mlir::Value step, mlir::Value n);
  mlir::Value outputAt(const Row &at);
  void emitStep(mlir::Value step);
  void emitBlock(mlir::Value step, mlir::Value block, mlir::Value lanes);
  void finishRow(const Row &at, mlir::Value block, mlir::Value lanes, llvm::ArrayRef<mlir::Value> products);

  RecurrenceOperands operands;
  const CpuTarget &target;
  int64_t gateCount, directions, blocks;
  int64_t packedRow;  ///< elements of a packed row of r: 16 units of all gates
  int64_t packedSize; ///< elements of one direction of it
  mlir::Value steps, rows, gates, r, y;
  graph::DimAttr rowGroups;
  Extent extent;
  // Of the group.
  mlir::Value first, last, packed, packedBase;
};

} // namespace tenon::codegen

#endif // TENON_LIB_CODEGEN_CPU_RECURRENCE_H
