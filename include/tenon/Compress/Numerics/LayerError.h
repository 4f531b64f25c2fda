//===- LayerError.h - How far a layer's outputs move ----------------------===//
//
// The outputs of y = W x over all rows of X move by |X (W - W')^T|_F^2 = tr((W - W') H (W - W')^T), H = X^T X, when W
// becomes W'. Relative to |X W^T|_F^2 this is the squared error of the layer; its root compares norms.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_COMPRESS_NUMERICS_LAYERERROR_H
#define TENON_COMPRESS_NUMERICS_LAYERERROR_H

#include "tenon/Compress/Numerics/Matrix.h"

namespace tenon::compress {

/// d H d^T of each row d of `w` [out, in]; O(out in^2).
std::vector<double> rowEnergies(ConstMatrixView w, const SymmetricMatrix &h);

/// tr(W H W^T), the squared norm of the outputs over all samples.
double outputEnergy(ConstMatrixView w, const SymmetricMatrix &h);

/// tr((W - W') H (W - W')^T): the squared norm of the outputs' change.
double outputChange(ConstMatrixView w, ConstMatrixView changed, const SymmetricMatrix &h);

/// The squared error, relative: outputChange / outputEnergy. 0 where neither is anything, infinite where only the
/// outputs are nothing, or where moments are not finite.
double layerError(ConstMatrixView w, ConstMatrixView changed, const SymmetricMatrix &h);

/// The root of layerError: the norm of the change over the norm of the outputs.
double layerErrorNorm(ConstMatrixView w, ConstMatrixView changed, const SymmetricMatrix &h);

} // namespace tenon::compress

#endif // TENON_COMPRESS_NUMERICS_LAYERERROR_H
