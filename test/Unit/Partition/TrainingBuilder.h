//===- TrainingBuilder.h - Training steps on a grid, as problems ----------===//
//
// What the graphs of models are made of: forward ops on a tape, from which the backward pass and the optimizer follow.
// Prices are round figures of a device with 150 TFLOP/s and 1.5 TB/s.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_TEST_PARTITION_TRAININGBUILDER_H
#define TENON_TEST_PARTITION_TRAININGBUILDER_H

#include "tenon/Partition/Problem.h"

#include <array>

namespace tenon::partition {

class TrainingBuilder {
public:
  /// `inner` devices of a node times `outer` nodes, each with `capacity` bytes.
  TrainingBuilder(double inner, double outer, double capacity) : sizes{inner, outer} {
    problem.capacity = int64_t(capacity);
  }

protected:
  /// What each mesh axis, inner and outer, splits: 0 nothing, 1 rows (the batch), 2 columns (hidden, heads, channels).
  using Layout = std::array<int, 2>;

  /// Which dimension of result and operands (rows, columns) the loops b, n, k of a product are: 0 where they are not in
  /// it.
  struct Roles {
    std::array<int, 3> result, first, second;
  };
  static constexpr Roles linearRoles = {{1, 2, 0}, {1, 0, 2}, {0, 2, 1}};
  /// A product for each expert with its tokens. Rows of the weight are experts, and rows of activations their tokens,
  /// so an axis that splits one splits the other; within an expert columns can be split.
  static constexpr Roles expertRoles = {{1, 2, 0}, {1, 0, 2}, {1, 2, 0}};

  /// An op whose loops are those of its result of `total` bytes, over which it makes `work` passes.
  int pointwise(const std::string &name, std::vector<int> operands, double total, double work = 3);
  /// A parameter of 16 bits; layouts split its rows or its columns.
  int parameter(const std::string &name, double count);
  /// result[b, n] = sum over k of operands; each axis splits b, n, k, or (the inner one) nothing.
  int product(const std::string &name, int first, int second, double flops, double total, const Roles &roles);
  /// Seconds that a sum of `total` bytes over all rows adds to `node` where rows are split.
  void sumOverRows(int node, double total);
  /// Seconds that `node` takes to exchange its rows between devices that split them: tokens on their way to experts.
  void exchangeRows(int node);

  /// The same for ops with a backward pass: pointwise, with a parameter or -1; a product with a parameter.
  int record(const std::string &name, std::vector<int> operands, int weight, double total, double work = 3,
             double sums = 0);
  int linear(const std::string &name, int x, int weight, double flops, double total, bool isExpert = false);

  /// The backward pass of all that was recorded, from `gradient` of the last op's result on, and the optimizer.
  Problem finish(int last, int gradient);

  double bytesOf(int node) const { return bytes[size_t(node)]; }

private:
  static constexpr double flopRate = 150e12, memoryRate = 1.5e12, latency = 1e-5;
  static constexpr double linkRate[2] = {250e9, 20e9};

  /// A strategy as others see it.
  struct Form {
    Layout result;
    std::array<Layout, 2> operands;
  };
  struct Record {
    std::string name;
    int node, input, second, weight; ///< second operand or weight, or -1
    bool isProduct;
    double work, sums;
    bool isExpert;
  };
  struct Pending {
    int weight, gradient;
  };

  double share(const Layout &layout) const { return (layout[0] ? 1 / sizes[0] : 1) * (layout[1] ? 1 / sizes[1] : 1); }
  double ring(int axis, double total) const {
    return latency + total * (sizes[size_t(axis)] - 1) / sizes[size_t(axis)] / linkRate[axis];
  }
  double reshard(const Layout &from, const Layout &to, double total) const;
  static std::vector<Layout> layouts();
  static std::vector<Form> forms3();
  int add(std::string name, std::vector<Form> list, std::vector<double> seconds);
  void hold(int node, std::string name, double total);
  void use(int producer, int consumer, int operand);
  void backward(const Record &record);
  int gradientOf(int node);
  void update(const Pending &item);

  std::array<double, 2> sizes;
  Problem problem;
  std::vector<std::vector<Form>> forms;
  std::vector<double> bytes;               ///< of a node's result, whole
  std::vector<std::vector<int>> gradients; ///< parts of that of a node
  std::vector<Record> tape;
  std::vector<Pending> pending;
  std::vector<std::pair<int, int>> persistent; ///< node, tensor
};

} // namespace tenon::partition

#endif // TENON_TEST_PARTITION_TRAININGBUILDER_H
