//===- ActivationAware.h - Scaling of inputs, correction of biases --------===//
//
// y = W x = (W diag(s)) (x / s): a factor for each input moves precision to where it matters.
//
// AWQ (Lin et al.: "AWQ: Activation-aware Weight Quantization", 2023): s = mean|x|^alpha, for weights in few bits;
// alpha by a grid over the layer's output error. SmoothQuant (Xiao et al., 2022): s = max|x|^a / max|w|^(1-a), for
// activations in few bits; here W is multiplied by s and x divided, as above. Bias correction (Nagel et al.: "Data-Free
// Quantization", 2019): b += (W - W') E[x].
//
//===----------------------------------------------------------------------===//
#ifndef TENON_COMPRESS_NUMERICS_ACTIVATIONAWARE_H
#define TENON_COMPRESS_NUMERICS_ACTIVATIONAWARE_H

#include "tenon/Compress/Numerics/Gptq.h"
#include "tenon/Compress/Numerics/Statistics.h"

namespace tenon::compress {

struct AwqOptions {
  /// Values of alpha in [0, 1], both ends included.
  int grid = 20;
  ScaleSearch search = {};
  /// With the best alpha, quantizes by GPTQ instead of to the nearest.
  bool gptq = false;
  GptqOptions gptqOptions = {};
};

struct AwqResult {
  double alpha = 0;           ///< 0: no scaling is best, all factors are 1
  std::vector<float> factors; ///< s [in]: the layer reads x / s
  QuantizedMatrix quantized;  ///< of W diag(s)
  double error = 0;           ///< layerError of the two together
};

/// W [out, in] with the statistics of its inputs; O(grid out in^2). Statistics that are not finite end in alpha 0 with
/// an infinite error, or another alpha that escapes them.
AwqResult awq(ConstMatrixView w, const InputStatistics &inputs, const QuantizationFormat &format,
              const AwqOptions &options = {});

/// W diag(s).
Matrix scaleInputs(ConstMatrixView w, const std::vector<float> &factors);
/// diag(1/s) H diag(1/s): the second moments of x / s.
SymmetricMatrix scaleMoments(const SymmetricMatrix &h, const std::vector<float> &factors);
/// What W' stands for before scaling: W' diag(1/s).
Matrix unscaleInputs(ConstMatrixView w, const std::vector<float> &factors);

/// Factors s [in] of SmoothQuant for the layers `weights` ([any, in] each) that read one x. `strength` is a in [0, 1]:
/// 0 leaves all difficulty in x, 1 moves all of it to W. Inputs that are nothing, in x or in W, get 1.
std::vector<float> smoothFactors(const std::vector<ConstMatrixView> &weights, const std::vector<float> &absMax,
                                 double strength = 0.5);

/// What to add to the bias, [out], so that the mean output is that of `w` again: (W - W') E[x].
std::vector<float> biasCorrection(ConstMatrixView w, ConstMatrixView changed, const std::vector<double> &mean);

} // namespace tenon::compress

#endif // TENON_COMPRESS_NUMERICS_ACTIVATIONAWARE_H
