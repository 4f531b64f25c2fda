//===- Gptq.h - Quantization that makes up for its own error --------------===//
//
// GPTQ (Frantar, Ashkboos, Hoefler, Alistarh: "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained
// Transformers", 2022). Inputs are quantized one after another; the error of input j is spread over those that are not
// yet quantized so that the outputs change least:
//
//   e = (w_j - quantized(w_j)) / U_jj,   w_k -= e U_jk for k > j,   (H + damping)^-1 = U^T U, U upper triangular.
//
// What is left is made smaller by two steps of coordinate descent on tr((W - W') H (W - W')^T) itself, row by row: each
// code to the best one with all others fixed (as in QuantEase, Behdin et al., 2023), and the scales of a row to the
// solution of its least squares problem with the codes fixed. Neither makes it larger.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_COMPRESS_NUMERICS_GPTQ_H
#define TENON_COMPRESS_NUMERICS_GPTQ_H

#include "tenon/Compress/Numerics/QuantizedMatrix.h"

namespace tenon::compress {

struct GptqOptions {
  /// Added to the diagonal of H, relative to its mean.
  double damping = 0.01;
  /// Inputs in the order of falling H_jj. Scales are then those of the original weights.
  bool actOrder = false;
  /// How scales are found: those of groups, but with actOrder, by the error that GPTQ of the group then has; others
  /// with the diagonal of H as importance.
  ScaleSearch search = {};
  /// Rounds of coordinate descent afterwards; 0 is plain GPTQ.
  int sweeps = 0;
  /// How often it is all done again in another order of inputs with the scales of the best so far; of each row the best
  /// is kept.
  int restarts = 0;
};

/// W [out, in] with H [in, in]; O(out in^2 + in^3), and as much again for each sweep and each restart.
QuantizedMatrix gptq(ConstMatrixView w, const SymmetricMatrix &h, const QuantizationFormat &format,
                     const GptqOptions &options = {});

/// `sweeps` rounds of coordinate descent over the codes and, but for one scale for the whole matrix, the scales of
/// `quantized`, which stands for `w`. The output error does not grow. Unsigned zero points stay.
void refine(ConstMatrixView w, const SymmetricMatrix &h, QuantizedMatrix &quantized, int sweeps);

} // namespace tenon::compress

#endif // TENON_COMPRESS_NUMERICS_GPTQ_H
