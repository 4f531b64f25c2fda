//===- Activations.h - Values of a run in few bits -------------------------===//
#ifndef TENON_LIB_COMPRESS_ACTIVATIONS_H
#define TENON_LIB_COMPRESS_ACTIVATIONS_H

#include "Stages.h"

namespace tenon::compress {

/// How a value is quantized.
struct Activation {
  float scale = 1;
  int zero = 0;               ///< of ui8
  double noise = 0;           ///< mean square of what rounding and clipping move a number by (of x / factors)
  std::vector<float> factors; ///< for each channel: x / factors is quantized; empty: x
  mlir::Type type;            ///< null: ui8; else a float of 8 bits
};

/// For a value with these statistics. `readers` are the weights [any, channels] of the products that read it: where it
/// lowers the error, the range of channels moves into them (SmoothQuant); empty: nothing moves.
Activation chooseActivation(const ValueStatistics &statistics, llvm::ArrayRef<Matrix> readers,
                            const RangeOptions &range, Quantization quantization);

/// The norm of what the outputs of the layer move by, relative, as its operand is quantized.
double activationError(const Layer &layer, const Matrix &weights, const Activation &activation,
                       const ValueStatistics &statistics);

/// dequantize(quantize(x / factors)), placed after x. Images, whose other readers move or add them, are quantized for
/// these as well: what lies between two layers is then stored in 8 bits.
mlir::Value quantizeActivation(mlir::Value x, llvm::ArrayRef<mlir::Operation *> readers, const Activation &activation);

/// x / factors[c] along the last axis, placed before `user`.
mlir::Value divideChannels(mlir::Operation *user, mlir::Value x, llvm::ArrayRef<float> factors);

/// x in ui8 by its own range, which holds zero (ONNX DynamicQuantizeLinear).
struct DynamicRange {
  mlir::Value codes, scale, zero;
};
DynamicRange quantizeByRange(mlir::Value x);

} // namespace tenon::compress

#endif // TENON_LIB_COMPRESS_ACTIVATIONS_H
