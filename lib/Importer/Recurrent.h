//===- Recurrent.h - Building an LSTM from its operands --------------------===//
//
// Shared by ONNX's LSTM and the contributed operators whose weights have another form.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_IMPORTER_RECURRENT_H
#define TENON_IMPORTER_RECURRENT_H

#include "NodeImporter.h"

namespace tenon::importer {

/// The operands of an LSTM; null where absent. x: [T, N, I], w: [D, 4H, I], r: [D, 4H, H], bias: [D, 8H], lengths: [N],
/// initial states: [D, N, H], peepholes: [D, 3H]. With attribute layout 1, x and the states have N first.
struct Lstm {
  Value x, w, r, bias, lengths, initialH, initialC, peepholes;
  int64_t directions = 1, hidden = 0;
};

/// Checks the operands against each other and the attributes of the node, builds the op, binds its three results.
LogicalResult buildLstm(NodeImporter &n, Lstm &l);

} // namespace tenon::importer

#endif // TENON_IMPORTER_RECURRENT_H
