//===- HeavyTemplate.h - Hand-written kernels with printed functors -------===//
//
// A template is CUDA C++ in include/tenon/cuda/*.cuh that computes a matrix product or a convolution and hands each
// element (or vector) of the result to a functor, which the compiler prints from the ops around: bias, activation,
// residual. The kernel is one line that instantiates it. A new template is a subclass, a row of getHeavyTemplates, and
// a header: nothing else changes.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_CODEGEN_CUDA_TEMPLATES_HEAVYTEMPLATE_H
#define TENON_LIB_CODEGEN_CUDA_TEMPLATES_HEAVYTEMPLATE_H

#include "tenon/Codegen/CUDA/Codegen.h"

namespace tenon::codegen::cuda {

/// A dispatch region of one graph.matmul or graph.conv on the region's operands, followed by elementwise ops that end
/// in one result of the same extents. Values of f16 and bf16 count as f32 in all but memory.
struct HeavyRegion {
  mutable graph::DispatchOp dispatch; ///< accessors of ops are not const
  mlir::Operation *heavy = nullptr;

  static std::optional<HeavyRegion> match(graph::DispatchOp dispatch);

  /// Type of operand i, and of the result, of the heavy op.
  mlir::RankedTensorType operandType(unsigned i) const;
  mlir::RankedTensorType resultType() const;
  /// The buffer that operand i of the heavy op is read from.
  unsigned bufferOf(unsigned operand) const;
  /// How operand i of the heavy op is packed ("" = as its type says).
  llvm::StringRef formatOf(unsigned operand) const;
};

/// The ops after the heavy op as a struct:
///
///   struct k3_Epilogue {
///     const float *__restrict__ bias;
///     int64_t N;
///     template <class Index>
///     TENON_DEVICE float operator()(float sum, Index row, Index column) const;
///     template <class Index>
///     TENON_DEVICE Vector<float, 4> operator()(Vector<float, 4> sum, Index row, Index column) const;
///   };
///
/// The result is seen as a matrix: `column` along its last extent, `row` along all others together. Vectors run along
/// columns, from a column that is a multiple of their length.
struct Functor {
  std::string name;
  std::string source;
  llvm::SmallVector<unsigned> buffers;      ///< members: buffers of the region (operands only), in order
  llvm::SmallVector<graph::DimAttr> params; ///< members after them
  bool isIdentity = false;                  ///< the sum is stored as it is
};

/// Prints the epilogue for scalars and for vectors of each of `widths`, of which the last extent must be a multiple (or
/// the template must call them only where it is).
mlir::FailureOr<Functor> emitEpilogue(const HeavyRegion &region, llvm::StringRef name, llvm::ArrayRef<int64_t> widths);

class HeavyTemplate {
public:
  virtual ~HeavyTemplate() = default;
  virtual llvm::StringRef name() const = 0;
  /// True if the template computes the region, on every GPU of `target`.
  virtual bool accepts(const HeavyRegion &region, const CudaTarget &target) const = 0;
  /// Names of its tactics for a region that it accepts: what CudaTarget::tactic may ask for.
  virtual llvm::SmallVector<std::string> tactics(const HeavyRegion &, const CudaTarget &) const {
    return {name().str()};
  }
  /// The kernel, its `info` and `includes`; the comment is added by the caller.
  virtual mlir::FailureOr<CudaKernel> emit(const HeavyRegion &region, llvm::StringRef name,
                                           const CudaTarget &target) const = 0;
};

const HeavyTemplate &getConvDepthwise();
const HeavyTemplate &getConvWgmma();
const HeavyTemplate &getGemmMma();
const HeavyTemplate &getGemmSimt();
const HeavyTemplate &getGemmWgmma();

/// All templates, the preferred first. The first that accepts a region takes it; without one, the evaluator's loops do.
llvm::ArrayRef<const HeavyTemplate *> getHeavyTemplates();

} // namespace tenon::codegen::cuda

#endif // TENON_LIB_CODEGEN_CUDA_TEMPLATES_HEAVYTEMPLATE_H
