//===- Evaluator.h - Vectors of the values of a dispatch region -----------===//
//
// Pull model: asked for 16 elements of a value (given where its lanes are), the evaluator asks for what they are
// computed from, down to loads of the region's operands. Data movement is a change of coordinates, broadcast a
// coordinate that stays 0, a window a loop; elementwise ops build themselves (ElementwiseOpInterface). Nothing is
// materialised unless the caller binds it. Strategies own the loops around it.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CODEGEN_COMMON_EVALUATOR_H
#define TENON_CODEGEN_COMMON_EVALUATOR_H

#include "Graph/IR/GraphOps.h"
#include "tenon/Codegen/Common/Coord.h"
#include "tenon/Codegen/Common/KernelBuilderBase.h"

namespace tenon::codegen {

/// The element type in registers and memory: signless; i1 is an i8 in memory only.
mlir::Type registerType(mlir::Type elementType);

/// True if `evaluate` handles results of `op` (its operands being evaluable). Reductions are not: they are bound.
bool isEvaluable(mlir::Operation *op);

/// True if `op` is a reduction of a type that accumulators exist for.
bool isSupportedReduction(mlir::Operation *op);

/// Instructions, roughly, per vector of an elementwise op; 1 for other ops.
int64_t getScalarCost(mlir::Operation *op);

/// Emits vectors of values at the insertion point of a builder.
class Evaluator {
public:
  /// `kernel` gives parameters and memory accesses. `width` lanes per vector.
  Evaluator(KernelBuilderBase &kernel, mlir::OpBuilder &b, int64_t width)
      : kernel(kernel), b(b), math(b, kernel.loc(), width) {}

  /// `value`, dense and row-major, lies in `buffer` (memref<?xT>).
  void bindBuffer(mlir::Value value, mlir::Value buffer) { buffers[value] = buffer; }
  /// `value` is `vector` wherever it is asked for.
  void bind(mlir::Value value, mlir::Value vector) { bound[value] = vector; }
  /// `value` was stored in `buffer` by storeTile: its elements along `dims`, each as one vector if `acrossLanes`.
  void bindTile(mlir::Value value, mlir::Value buffer, llvm::ArrayRef<int64_t> dims, bool acrossLanes) {
    tiles[value] = {buffer, llvm::SmallVector<int64_t>(dims), acrossLanes};
  }
  void unbind(mlir::Value value) {
    bound.erase(value);
    tiles.erase(value);
  }
  /// Where the elements of `value` at `coords` lie in its tile.
  Coord tileOffset(mlir::Value value, llvm::ArrayRef<Coord> coords, llvm::ArrayRef<int64_t> dims, bool acrossLanes);
  /// Only the elements of input `part` of `concat` are asked for.
  void bindPart(mlir::Operation *concat, unsigned part) { parts[concat] = part; }
  void unbindPart(mlir::Operation *concat) { parts.erase(concat); }
  /// Lanes from `lanes` (index) on are not to be read or stored; null: all are valid.
  void setLanes(mlir::Value lanes);

  /// Loads of operands with extents `dims` also prefetch the element `distance` further on; null: no more.
  void setPrefetch(mlir::Value distance, llvm::ArrayRef<graph::DimAttr> dims = {}) {
    prefetchDistance = distance;
    prefetchDims.assign(dims.begin(), dims.end());
  }

  /// The elements of `value` at `coords`, one per dimension: vector<WxT>.
  mlir::Value evaluate(mlir::Value value, llvm::ArrayRef<Coord> coords);
  /// The elements of `buffer` at a flat offset.
  mlir::Value load(mlir::Value buffer, const Coord &offset, mlir::Type elementType);
  /// Stores `vector` at a flat offset with step 0 (lane 0 only) or 1.
  void store(mlir::Value vector, mlir::Value buffer, const Coord &offset);
  /// The valid lanes as vector<Wxi1>; null if all are.
  mlir::Value mask();

  /// What has been evaluated is forgotten on destruction: for code in a nested block.
  class Scope {
  public:
    explicit Scope(Evaluator &e) : e(e), size(e.memo.size()) {}
    ~Scope() { e.memo.truncate(size); }

  private:
    Evaluator &e;
    size_t size;
  };

  /// The extents of a value as index values.
  llvm::SmallVector<mlir::Value> extents(mlir::Value value);
  const IndexMath &index() const { return math; }
  mlir::VectorType vectorOf(mlir::Type elementType) const;

private:
  friend class Scope;
  struct Tile {
    mlir::Value buffer;
    llvm::SmallVector<int64_t> dims;
    bool acrossLanes = false;
  };
  struct Known {
    mlir::Value value;
    llvm::SmallVector<Coord> coords;
    mlir::Value vector;
  };

  mlir::Value loadOperand(mlir::Value value, mlir::Value buffer, llvm::ArrayRef<Coord> coords);
  mlir::Value compute(mlir::Operation *op, llvm::ArrayRef<Coord> coords);
  mlir::Value computeAtItsLocation(mlir::Operation *op, llvm::ArrayRef<Coord> coords);
  mlir::Value computeElementwise(mlir::Operation *op, llvm::ArrayRef<Coord> coords);
  mlir::Value computeCast(graph::CastOp op, mlir::Value x);
  mlir::Value computeConstant(graph::ConstantOp op);
  // Movement.cpp
  mlir::Value computeMovement(mlir::Operation *op, llvm::ArrayRef<Coord> coords);
  mlir::Value computeConcat(graph::ConcatOp op, llvm::ArrayRef<Coord> coords);
  mlir::Value mixConcat(graph::ConcatOp op, llvm::ArrayRef<Coord> coords, llvm::ArrayRef<mlir::Value> starts);
  mlir::Value computeDims(graph::DimsOp op, llvm::ArrayRef<Coord> coords);
  mlir::Value computeGather(graph::GatherOp op, llvm::ArrayRef<Coord> coords);
  mlir::Value computePad(graph::PadOp op, llvm::ArrayRef<Coord> coords);
  mlir::Value computeRange(graph::RangeOp op, const Coord &coord);
  mlir::Value computeReshape(graph::ReshapeOp op, llvm::ArrayRef<Coord> coords);
  Coord padCoord(graph::PadOp op, const Coord &coord, unsigned dim);
  /// Whether `coords` lie inside x: a condition for all lanes, and one per lane (null if there is none).
  std::pair<mlir::Value, mlir::Value> padInside(graph::PadOp op, llvm::ArrayRef<Coord> coords);
  mlir::Value padValue(graph::PadOp op, mlir::Type type);
  mlir::Value fromIndex(const Coord &coord, mlir::Type elementType);
  // Pool.cpp, Resize.cpp
  mlir::Value computeMaxPool(graph::MaxPoolOp op, llvm::ArrayRef<Coord> coords);
  mlir::Value computeAveragePool(graph::AveragePoolOp op, llvm::ArrayRef<Coord> coords);
  mlir::Value computeResize(graph::ResizeOp op, llvm::ArrayRef<Coord> coords);

  /// The coordinates of `operand` where an elementwise result with extents `dims` has `coords`.
  llvm::SmallVector<Coord> broadcastCoords(mlir::Value operand, llvm::ArrayRef<graph::DimAttr> dims,
                                           llvm::ArrayRef<Coord> coords);
  /// if (condition) then() else otherwise(), each giving one vector of `type`.
  mlir::Value branch(mlir::Value condition, mlir::Type type, llvm::function_ref<mlir::Value()> then,
                     llvm::function_ref<mlir::Value()> otherwise);
  mlir::Value splatConstant(mlir::Type elementType, mlir::Attribute value);
  mlir::Value splat(mlir::Value scalar);

  KernelBuilderBase &kernel;
  mlir::OpBuilder &b;
  IndexMath math;
  llvm::DenseMap<mlir::Value, mlir::Value> buffers, bound;
  llvm::DenseMap<mlir::Value, Tile> tiles;
  llvm::DenseMap<mlir::Operation *, unsigned> parts;
  llvm::SmallVector<Known> memo;
  mlir::Value lanes, laneMask, prefetchDistance;
  llvm::SmallVector<graph::DimAttr> prefetchDims;
};

} // namespace tenon::codegen

#endif // TENON_CODEGEN_COMMON_EVALUATOR_H
