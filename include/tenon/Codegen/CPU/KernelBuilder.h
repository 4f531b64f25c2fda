//===- KernelBuilder.h - One CPU kernel in the making ---------------------===//
//
// A kernel is an llvm-callable func.func with the convention of tenon/Runtime/CpuKernel.h. Inside, buffers are flat
// memrefs and everything else is scf, arith, math, vector: strategies write loops, this class owns the convention.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CODEGEN_CPU_KERNELBUILDER_H
#define TENON_CODEGEN_CPU_KERNELBUILDER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "tenon/Codegen/Common/KernelBuilderBase.h"
#include <string>

namespace tenon::codegen {

/// What strategies need to know of a CPU. Vectors are always written as vector<16xf32>; LLVM splits them where
/// registers are narrower, so only the register tile differs.
struct CpuTarget {
  std::string arch = "x86-64-v4"; ///< one of getArchs()
  std::string cpu = "x86-64-v4";  ///< LLVM's -mcpu: a level of the x86-64 psABI
  std::string features;           ///< LLVM's -mattr: what it has beyond its level
  int vectorBits = 512;           ///< of a register
  int tileRows = 14;              ///< rows (pixels) of the register tile: 14 on v4, 6 on v3
  int tileVectors = 2;            ///< vectors of 16 columns of the register tile: 2 on v4, 1 on v3
  bool hasVnni = false;           ///< multiplies bytes, u8 x s8, and adds four products in one instruction
  /// As tileRows, for products of bytes: 4 on v4 and v3 without VNNI, where a step takes several times the
  /// instructions, and code for other processors should not make up a third of a small plan.
  int integerRows = 14;

  /// The description of `arch`; nothing if it is unknown.
  static std::optional<CpuTarget> get(llvm::StringRef arch);
  /// All that `get` knows, best first.
  static llvm::ArrayRef<llvm::StringLiteral> getArchs();
};

/// Columns of a panel of packed weights (graph.pack_weights), the same for every target.
constexpr int64_t weightPanel = 32;
/// Elements of an f32 vector in kernels.
constexpr int64_t vectorWidth = 16;

/// What the plan must know of a kernel. Expressions are over the symbols of the graph function.
struct KernelInfo {
  std::string name;                          ///< symbol of the function
  llvm::SmallVector<mlir::Type> bufferTypes; ///< element types, in the order of the buffers
  llvm::SmallVector<graph::DimAttr> params;  ///< values to pass, in order
  graph::DimAttr grid;                       ///< number of work groups
  graph::DimAttr scratchBytes;               ///< bytes of scratch per thread, constant 0 if none
};

/// Builds one kernel. Usage: construct, emit with `builder()`, `setGrid`, `finish`.
class KernelBuilder : public KernelBuilderBase {
public:
  /// Starts `func.func @name` at the end of `module`, with one flat buffer per element type. i1 buffers are bytes:
  /// memref<?xi8>.
  KernelBuilder(mlir::ModuleOp module, llvm::StringRef name, llvm::ArrayRef<mlir::Type> elementTypes);

  /// Insertion point: inside the function, before its return.
  mlir::OpBuilder &builder() { return body; }
  mlir::Location loc() const override { return location; }
  bool dividesSlowly() const override { return true; }

  /// Buffer i as memref<?xT>; its elements are addressed by one flat index.
  mlir::Value buffer(unsigned i) const { return buffers[i]; }
  /// `e` as an index value: a constant, or a parameter loaded at function entry (each distinct expression once).
  mlir::Value param(graph::DimAttr e) override;
  /// Work groups [begin, end) to run, as index values.
  mlir::Value begin() const { return beginGroup; }
  mlir::Value end() const { return endGroup; }
  /// Per-thread scratch of `bytes` as memref<?xT>; at most one call.
  mlir::Value scratch(graph::DimAttr bytes, mlir::Type elementType);

  /// Runs work groups [begin, end) by a function of the runtime (tenon/Runtime/CpuKernel.h) on the kernel's own
  /// buffers, with `numbers` as its parameters and `scratchBytes` of scratch.
  void callLibrary(llvm::StringRef function, llvm::ArrayRef<graph::DimAttr> numbers, graph::DimAttr scratchBytes);

  void setGrid(graph::DimAttr groups) { info.grid = groups; }
  /// Ends the function and returns what the plan needs.
  KernelInfo finish();

  // Shorthands on index values; constants fold.
  mlir::Value constant(int64_t value);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);

private:
  mlir::Value bufferFromPointer(mlir::OpBuilder &b, mlir::Value pointer, mlir::Type elementType);

  mlir::Location location;
  mlir::func::FuncOp function;
  mlir::OpBuilder entry; ///< where parameters are loaded: before the body
  mlir::OpBuilder body;
  mlir::Value paramsPointer, scratchPointer, beginGroup, endGroup;
  llvm::SmallVector<mlir::Value> buffers;
  llvm::DenseMap<graph::DimAttr, mlir::Value> paramValues;
  KernelInfo info;
};

/// Maps an accumulated vector to the one to be stored (bias, activation, residual, ..). `acc` is vector<16xf32> (or a
/// narrower f32 vector), of a product of integers vector<16xi32>; `coords` are the index values of the heavy op's
/// result at the vector's first element, one per result dimension; lanes run along the last dimension. `lanes` is the
/// number of valid lanes as an index value, or null if all are.
using EpilogueFn = llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location, mlir::Value acc,
                                                  mlir::ValueRange coords, mlir::Value lanes)>;

} // namespace tenon::codegen

#endif // TENON_CODEGEN_CPU_KERNELBUILDER_H
