//===- Trws.h - A lower bound by message passing --------------------------===//
//
// Sequential tree-reweighted message passing (Kolmogorov, PAMI 2006): the bound never falls from sweep to sweep, and is
// that of the linear relaxation at best. A sweep takes an addition for each entry of each pair, however wide the graph.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_PARTITION_TRWS_H
#define TENON_LIB_PARTITION_TRWS_H

#include "Oracle.h"

namespace tenon::partition {

class Trws : public Oracle {
public:
  /// `model` must outlive this. A call makes `sweeps` sweeps, and starts with the messages of the call before.
  Trws(const Model &model, int sweeps);

  double minimise(const Unary &unary, Labels &labels) override;
  int64_t operations() const override { return work; }

private:
  void forward(const Unary &unary);
  double backward(const Unary &unary);
  void decode(const Unary &unary, Labels &labels);
  void gather(const Unary &unary, int variable);
  double send(int p, int from);

  const Model &model;
  int sweeps;
  int64_t work = 0;
  std::vector<std::vector<double>> messages; ///< of each pair, to the end that the last one was sent to
  std::vector<double> share;                 ///< of a variable's prices that a chain through it has
  std::vector<double> sum, out;              // scratch
};

} // namespace tenon::partition

#endif // TENON_LIB_PARTITION_TRWS_H
