//===- WeightPacking.h - Constant weights in a kernel's order -------------===//
//
// Formats (panel P = weightPanel, columns zero-padded to a multiple of P); "" is plain row-major:
//   kn         w [K, N]          -> [ceil(N / P), K, P], y[j][k][i] = w[k][j * P + i]
//   nk         w [N, K]          -> [ceil(N / P), K, P], y[j][k][i] = w[j * P + i][k]
//   oihw       w [M, C, K1..Kr]  -> [ceil(M / P), K1 * .. * Kr * C, P], the reduction ordered (k1, .., kr, c)
//   hwio       w [M, C, K1..Kr]  -> [K1 * .. * Kr * C, M], the reduction ordered (k1, .., kr, c), not padded (for GPUs)
//   ohwi       w [M, C, K1..Kr]  -> [M, K1 * .. * Kr, C], not padded (for cuDNN)
//   lstm       w [D, G, H, H]    -> [D, ceil(H / 16), H, G, 16], y[d][i / 16][j][g][i % 16] = w[d][g][i][j]
//   kn4, nk4, oihw4, oihw4t (and with "u" behind): panels of bytes, see lib/Codegen/CPU/IntegerPacking.h
//   depthwise  w [M, 1, K1..Kr]  -> [K1 * .. * Kr, roundUp(M, 16)]
//   kn/2, nk/2, oihw/2: numbers of 4 bits as above, but the columns i and i + 16 of a panel's row share byte i, the
//   first
//              in its low half; signed numbers are stored with 8 added
//
// Numbers of fewer than 8 bits have a byte each in the source, and but for those formats in the target.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CODEGEN_CPU_WEIGHTPACKING_H
#define TENON_CODEGEN_CPU_WEIGHTPACKING_H

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace tenon::codegen {

/// Elements of the packed form of a static tensor type; bytes where two elements share one.
int64_t packedElements(mlir::RankedTensorType type, llvm::StringRef format);

/// Packs `source` (row-major elements of `type`) into `target` of packedElements * element size bytes.
void packWeights(mlir::RankedTensorType type, llvm::StringRef format, llvm::ArrayRef<char> source,
                 llvm::MutableArrayRef<char> target);

} // namespace tenon::codegen

#endif // TENON_CODEGEN_CPU_WEIGHTPACKING_H
