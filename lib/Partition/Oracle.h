//===- Oracle.h - A lower bound for prices without memory -----------------===//
#ifndef TENON_LIB_PARTITION_ORACLE_H
#define TENON_LIB_PARTITION_ORACLE_H

#include "Model.h"

namespace tenon::partition {

/// Minimises a model's pairs together with changing prices of its variables; memory has been turned into prices.
class Oracle {
public:
  virtual ~Oracle() = default;

  /// A lower bound of the minimum over all labels; `labels` receives good ones. `unary` must live until the next call.
  virtual double minimise(const Unary &unary, Labels &labels) = 0;

  /// Additions that a call takes, about.
  virtual int64_t operations() const = 0;
};

} // namespace tenon::partition

#endif // TENON_LIB_PARTITION_ORACLE_H
