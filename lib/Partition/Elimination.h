//===- Elimination.h - The exact minimum by eliminating variables ---------===//
//
// Bucket elimination: a variable's prices are minimised for every choice of its neighbours, and become a table over
// those. Exact; exponential in the width of the graph, which is small for chains with skips. The tables then say, for a
// choice of the variables eliminated late, what the rest costs at least: the bound of the search in Search.h.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_PARTITION_ELIMINATION_H
#define TENON_LIB_PARTITION_ELIMINATION_H

#include "Oracle.h"

#include <optional>

namespace tenon::partition {

class Elimination : public Oracle {
public:
  /// Plans an order; nothing where the tables need more than `maxOperations`. `model` must outlive the result.
  static std::optional<Elimination> plan(const Model &model, int64_t maxOperations);

  int64_t operations() const override { return work; }

  /// Exact: the minimum, and a minimiser.
  double minimise(const Unary &unary, Labels &labels) override;

  /// Variables in the order of elimination.
  int variableAt(int position) const { return buckets[position].variable; }

  /// For the variable at `position`, of which all that are eliminated later have their `labels`: what each of its
  /// labels adds to the minimum over the ones eliminated earlier, at least 0. After `minimise`.
  void increments(int position, const Labels &labels, std::vector<double> &out) const;

private:
  /// Prices that take part in a bucket: an entry is at the sum of label * stride.
  struct Factor {
    int source = 0; ///< a pair, or a bucket whose table it is
    bool isPair = false;
    int64_t own = 0;              ///< stride of the bucket's variable
    std::vector<int64_t> strides; ///< of the variables of the scope
  };
  struct Bucket {
    int variable = 0;
    std::vector<int> scope; ///< variables eliminated later
    std::vector<int64_t> strides;
    std::vector<Factor> factors;
    std::vector<double> table;
  };

  explicit Elimination(const Model &model) : model(&model) {}
  void connect();
  void fill(Bucket &bucket);
  const double *dataOf(const Factor &factor) const {
    return factor.isPair ? model->pairs[factor.source].seconds.data() : buckets[factor.source].table.data();
  }

  const Model *model;
  std::vector<Bucket> buckets;
  const Unary *prices = nullptr;
  int64_t work = 0;
};

} // namespace tenon::partition

#endif // TENON_LIB_PARTITION_ELIMINATION_H
