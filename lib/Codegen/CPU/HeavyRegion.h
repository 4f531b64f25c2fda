//===- HeavyRegion.h - Regions around a matrix product or convolution -----===//
#ifndef TENON_LIB_CODEGEN_CPU_HEAVYREGION_H
#define TENON_LIB_CODEGEN_CPU_HEAVYREGION_H

#include "GemmEncoded.h"
#include "Graph/IR/QuantizationOps.h"

namespace tenon::codegen {

/// A dispatch region with one product or convolution (graph.matmul, graph.conv, or one of 8-bit integers) on block
/// arguments, followed by elementwise ops that end in one value of the heavy op's shape. Its weights may come from an
/// op that the kernel does too (EncodedWeights).
struct HeavyRegion {
  mutable graph::DispatchOp dispatch; ///< accessors of ops are not const
  mlir::Operation *heavy = nullptr;
  std::optional<EncodedWeights> encoded; ///< of operand 1

  /// The region if it has this form, element types that strategies compute and store, and a strategy; nothing
  /// otherwise.
  static std::optional<HeavyRegion> match(graph::DispatchOp dispatch);

  /// Whether the heavy op is one of 8-bit integers.
  bool isInteger() const { return mlir::isa<graph::IntegerMatMulOp, graph::IntegerConvOp>(heavy); }
  bool isProduct() const { return mlir::isa<graph::MatMulOp, graph::IntegerMatMulOp>(heavy); }
  bool isTransposed() const; ///< of a product: w is [.., N, K]
  /// Element types of the buffers: the region's operands, then its result.
  llvm::SmallVector<mlir::Type> bufferTypes() const;
  /// The buffer that operand i of the heavy op is read from; of encoded weights that of the stored values.
  unsigned bufferOf(unsigned operand) const;
  /// What emits the decoding; nothing unless `encoded`.
  std::optional<WeightDecoder> createDecoder(KernelBuilder &k) const;
  unsigned resultBuffer() const { return dispatch.getInputs().size(); }
  /// The packed format of operand i of the heavy op ("" = none).
  llvm::StringRef formatOf(unsigned operand) const;
  /// The same without how elements are stored: "kn" of "kn/2".
  llvm::StringRef layoutOf(unsigned operand) const { return formatOf(operand).split('/').first; }
  /// Type of operand i, and of the result, of the heavy op.
  mlir::RankedTensorType operandType(unsigned i) const;
  mlir::RankedTensorType resultType() const;
  /// The buffer that the bias of a convolution is read from; nothing where it has none.
  std::optional<unsigned> biasBuffer() const;
};

class ZeroPoints;

/// The strategies. `k` is fresh; `epilogue` maps accumulators to what is stored.
void emitMatMul(const HeavyRegion &region, KernelBuilder &k, const CpuTarget &target, EpilogueFn epilogue);
void emitConv(const HeavyRegion &region, KernelBuilder &k, const CpuTarget &target, EpilogueFn epilogue);

/// `format` of IntegerPacking.h for the signs of the operands of `heavy`.
llvm::StringRef getIntegerFormat(mlir::Operation *heavy, llvm::StringRef format);
/// The packed format of the weights of a convolution ("" = none).
llvm::StringRef getConvWeightFormat(mlir::Operation *conv);

/// y[rows.., columns] = x[rows.., depth] * packed w, with rows spread over `rowDims`.
struct PackedProduct {
  mlir::Value x, w, y, bias; ///< buffers; bias may be null
  llvm::SmallVector<graph::DimAttr> rowDims;
  int64_t depth, columns;
  int64_t blockRows = 0;            ///< of a work group; 0 = getBlockRows
  WeightDecoder *decoder = nullptr; ///< of w; null where it is f32
  ZeroPoints *zeros = nullptr;      ///< of a product of integers
};
/// Rows of a work group, of `rowBytes` each, where nothing else is wanted, see getAllProductRows for others.
int64_t getBlockRows(int64_t rowBytes);
/// The rows that attribute `graph.product_rows` of the region asks for; 0 = none.
int64_t getWantedRows(const HeavyRegion &region);
void emitPackedProduct(const PackedProduct &product, KernelBuilder &k, const CpuTarget &target, EpilogueFn epilogue);
/// A product whose second operand is computed at run time: panels are copied to scratch first.
void emitBatchedProduct(const HeavyRegion &region, KernelBuilder &k, const CpuTarget &target, EpilogueFn epilogue);
/// A product of integers of any weights and ranks: correct, not fast.
void emitPlainIntegerProduct(const HeavyRegion &region, KernelBuilder &k, EpilogueFn epilogue);

/// Coordinates in `dims` of the flat indices first, first + 1, .. (all below the product of dims).
llvm::SmallVector<llvm::SmallVector<mlir::Value>> unflatten(KernelBuilder &k, llvm::ArrayRef<graph::DimAttr> dims,
                                                            mlir::Value first, int64_t count);

} // namespace tenon::codegen

#endif // TENON_LIB_CODEGEN_CPU_HEAVYREGION_H
