//===- Pruning.h - Weights that become zero -------------------------------===//
//
// Which weights of W [out, in] go, by magnitude |w|, by Wanda (Sun, Liu, Bair, Kolter: "A Simple and Effective Pruning
// Approach for Large Language Models", 2023: |w| * |x|_2, compared within an output row), or by SparseGPT (Frantar,
// Alistarh: "SparseGPT", 2023: w^2 / (H^-1)_jj, where the weights that stay make up for those that go, as in Gptq.h).
//
//===----------------------------------------------------------------------===//
#ifndef TENON_COMPRESS_NUMERICS_PRUNING_H
#define TENON_COMPRESS_NUMERICS_PRUNING_H

#include "tenon/Compress/Numerics/Matrix.h"

namespace tenon::compress {

/// How many weights go, and where.
struct SparsityPattern {
  enum class Scope { Matrix, Row };

  /// Unstructured: the part of the weights that goes, in [0, 1], of the whole matrix or of each row.
  double ratio = 0.5;
  Scope scope = Scope::Row;
  /// N:M where m > 0: of every m neighbours along `in`, n stay; ratio and scope say nothing. A last group that is
  /// shorter keeps min(n, its length).
  int64_t n = 0, m = 0;

  static SparsityPattern nOfM(int64_t n, int64_t m) { return {.n = n, .m = m}; }
};

/// 1 for a weight that stays, 0 for one that goes, as the matrix; a byte each.
using Mask = std::vector<uint8_t>;

/// The weights with the largest |w| stay. Equal ones: the first.
Mask magnitudeMask(ConstMatrixView w, const SparsityPattern &pattern);

/// Those with the largest |w_ij| sqrt(H_jj) stay. Scope::Row is that of the paper.
Mask wandaMask(ConstMatrixView w, const SymmetricMatrix &h, const SparsityPattern &pattern);

/// W with zeros (+0.0) where the mask is 0; the others bit for bit.
Matrix applyMask(ConstMatrixView w, const Mask &mask);

struct SparseGptOptions {
  /// Added to the diagonal of H, relative to its mean.
  double damping = 0.01;
  /// Inputs among which an unstructured mask is chosen at a time.
  int64_t block = 128;
  /// Afterwards, steps of conjugate gradients (all rows at once) of the weights that stay towards the least output
  /// error; O(out in^2) each. 0 is plain SparseGPT.
  int refitSteps = 0;
};

struct PrunedMatrix {
  Matrix weights; ///< zeros where the mask is 0
  Mask mask;
};

/// W [out, in] with H [in, in]. O(out in^2 + in^3). An unstructured pattern has its ratio in every block of inputs.
PrunedMatrix sparseGpt(ConstMatrixView w, const SymmetricMatrix &h, const SparsityPattern &pattern,
                       const SparseGptOptions &options = {});

/// The weights under `mask` by `steps` steps of conjugate gradients from `start` towards the least output error against
/// `w`, of each row for itself. The error does not grow.
Matrix refitMasked(ConstMatrixView w, ConstMatrixView start, const Mask &mask, const SymmetricMatrix &h, int steps,
                   double damping = 1e-6);

/// The part of the elements that are zero.
double sparsity(ConstMatrixView w);

/// True where no more than n of every m neighbours along `in` differ from zero.
bool followsPattern(ConstMatrixView w, int64_t n, int64_t m);

/// 2:4 weights as graph.unpack_2to4 reads them. K = in, N = out: the dense form is W transposed.
struct Packed2to4 {
  int64_t k = 0, n = 0;
  std::vector<float> values;    ///< [K/2, N]: the first and the second kept value of each group of four rows
  std::vector<uint8_t> indices; ///< [K/4, N], ui4 in a byte: low two bits the row of the first, high two of the second

  /// W [out, in] again.
  Matrix unpack() const;
};

/// True where pack2to4 takes `w`: K a multiple of 4, two at most of four neighbours along `in` not +0.0.
bool isPackable2to4(ConstMatrixView w);

/// Packs W [out, in], for which isPackable2to4 holds; unpacked it is the same bit for bit.
Packed2to4 pack2to4(ConstMatrixView w);

/// True where every index pair of `packed` is in order (first < second) and the sizes fit: what a reader may rely on.
bool isValid(const Packed2to4 &packed);

} // namespace tenon::compress

#endif // TENON_COMPRESS_NUMERICS_PRUNING_H
