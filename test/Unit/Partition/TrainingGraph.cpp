//===- TrainingGraph.cpp - A training step of a transformer as a problem --===//
#include "TrainingGraph.h"

#include <algorithm>
#include <array>

namespace tenon::partition {
namespace {

/// What each mesh axis, inner and outer, splits: 0 nothing, 1 rows (the batch), 2 columns (hidden, heads).
using Layout = std::array<int, 2>;

/// A strategy as others see it.
struct Form {
  Layout result;
  std::array<Layout, 2> operands;
};

class Builder {
public:
  explicit Builder(const TrainingOptions &options) : options(options) {}

  Problem run() {
    problem.capacity = int64_t(options.capacity);
    int x = pointwise("embedding", {}, 1);
    for (int layer = 0; layer < options.layers; ++layer)
      x = forward(layer, x);
    int gradient = pointwise("loss", {x}, 1);
    while (!tape.empty()) {
      gradient = backward(tape.back(), gradient);
      tape.pop_back();
    }
    for (size_t i = 0; i < pending.size(); ++i)
      update(pending[i]);
    for (auto [node, tensor] : persistent)
      problem.nodes[node].tensors[tensor].last = int(problem.nodes.size()) - 1;
    problem.points = int(problem.nodes.size());
    return std::move(problem);
  }

private:
  static constexpr double flopRate = 150e12, memoryRate = 1.5e12, latency = 1e-5;
  static constexpr double linkRate[2] = {250e9, 20e9};

  struct Record {
    std::string name;
    int node, input, second, weight; ///< second operand or weight, or -1
    bool isMatmul;
    double columns; ///< of the result, in units of hidden
    double work;
    bool isExpert = false;
  };

  struct Pending {
    int weight, gradient;
  };

  double size(int axis) const { return axis ? options.outer : options.inner; }
  double share(const Layout &layout) const {
    return (layout[0] ? 1 / options.inner : 1) * (layout[1] ? 1 / options.outer : 1);
  }
  double ring(int axis, double bytes) const { return latency + bytes * (size(axis) - 1) / size(axis) / linkRate[axis]; }

  /// Seconds to bring a tensor of `bytes` from one layout to another: an axis that splits something else moves all of
  /// it, one that splits nothing more gathers it, one that starts to split takes a slice.
  double reshard(const Layout &from, const Layout &to, double bytes) const {
    double seconds = 0;
    for (int axis = 0; axis < 2; ++axis) {
      if (from[axis] == to[axis] || !from[axis])
        continue;
      double held = bytes * share({axis == 0 ? 0 : to[0], axis == 1 ? 0 : to[1]});
      seconds += to[axis] ? 1.5 * ring(axis, held / size(axis)) : ring(axis, held);
    }
    return seconds;
  }

  int add(std::string name, std::vector<Form> list, std::vector<double> seconds) {
    Node node;
    node.name = std::move(name);
    node.seconds = std::move(seconds);
    problem.nodes.push_back(std::move(node));
    forms.push_back(std::move(list));
    bytes.push_back(0);
    return int(problem.nodes.size()) - 1;
  }

  /// The result of `node`, which lives until `use` says otherwise.
  void hold(int node, std::string name, double total) {
    Tensor tensor{std::move(name), node, node, {}};
    for (const Form &form : forms[node])
      tensor.bytes.push_back(int64_t(total * share(form.result)));
    problem.nodes[node].tensors.push_back(std::move(tensor));
    bytes[node] = total;
  }

  void use(int producer, int consumer, int operand) {
    Edge edge{producer, consumer, {}};
    for (const Form &from : forms[producer])
      for (const Form &to : forms[consumer])
        edge.seconds.push_back(reshard(from.result, to.operands[operand], bytes[producer]));
    problem.edges.push_back(std::move(edge));
    Tensor &tensor = problem.nodes[producer].tensors[0];
    tensor.last = std::max(tensor.last, consumer);
  }

  static std::vector<Layout> layouts() {
    std::vector<Layout> all;
    for (int inner = 0; inner < 3; ++inner)
      for (int outer = 0; outer < 3; ++outer)
        all.push_back({inner, outer});
    return all;
  }

  double activation(double columns) const { return 2 * options.tokens * options.hidden * columns; }

  /// An op whose loops are those of its result; `work` in passes over its bytes.
  int pointwise(const std::string &name, std::vector<int> operands, double columns, double work = 3) {
    std::vector<Form> list;
    std::vector<double> seconds;
    for (const Layout &layout : layouts()) {
      list.push_back({layout, {layout, layout}});
      seconds.push_back(5e-6 + work * activation(columns) * share(layout) / memoryRate);
    }
    int node = add(name, std::move(list), std::move(seconds));
    hold(node, name, activation(columns));
    for (size_t i = 0; i < operands.size(); ++i)
      use(operands[i], node, int(i));
    return node;
  }

  /// A parameter; layouts split its rows or its columns.
  int parameter(const std::string &name, double count) {
    std::vector<Form> list;
    for (const Layout &layout : layouts())
      list.push_back({layout, {layout, layout}});
    int node = add(name, list, std::vector<double>(list.size(), 0));
    hold(node, name, 2 * count);
    persistent.push_back({node, 0});
    return node;
  }

  /// result[b, n] = sum over k of operands; each axis splits b, n, k, or (the inner one) nothing. `roles` says which
  /// dimension of result and operands (rows, columns) the loops b, n, k are: 0 where they are not in it.
  struct Roles {
    std::array<int, 3> result, first, second;
  };
  int matmul(const std::string &name, int first, int second, double flops, double total, const Roles &roles) {
    std::vector<Form> list;
    std::vector<double> seconds;
    for (int inner = 0; inner < 4; ++inner)
      for (int outer = 1; outer < 4; ++outer) {
        auto layout = [&](const std::array<int, 3> &role) {
          return Layout{inner ? role[inner - 1] : 0, role[outer - 1]};
        };
        Form form{layout(roles.result), {layout(roles.first), layout(roles.second)}};
        double time = 5e-6 + flops / flopRate / (inner ? options.inner : 1) / options.outer;
        const int splits[2] = {inner, outer};
        for (int axis = 0; axis < 2; ++axis)
          if (splits[axis] && !roles.result[splits[axis] - 1]) // partial sums
            time += 2 * ring(axis, total * share(form.result));
        list.push_back(form);
        seconds.push_back(time);
      }
    int node = add(name, std::move(list), std::move(seconds));
    hold(node, name, total);
    use(first, node, 0);
    use(second, node, 1);
    return node;
  }

  /// A product for each expert with its tokens. Rows of the weight are experts, and rows of activations their tokens,
  /// so an axis that splits one splits the other; within an expert columns can be split.
  static constexpr Roles expertRoles = {{1, 2, 0}, {1, 0, 2}, {1, 2, 0}},
                         expertGradient = {{1, 0, 2}, {1, 2, 0}, {1, 2, 0}};
  int expertLinear(const std::string &name, int x, double in, double out) {
    double count = options.hidden * options.hidden * in * out;
    int weight = parameter(name + ".w", options.experts * count);
    int node = matmul(name, x, weight, 2 * options.tokens * count, activation(out), expertRoles);
    tape.push_back({name, node, x, -1, weight, true, out, 2 * options.tokens * count, true});
    return node;
  }

  /// Tokens on their way to experts, or back: devices that split rows exchange them.
  int exchange(const std::string &name, int x) {
    int node = record(name, {x}, -1, 1);
    for (size_t i = 0; i < forms[node].size(); ++i)
      for (int axis = 0; axis < 2; ++axis)
        if (const Layout &layout = forms[node][i].result; layout[axis] == 1)
          problem.nodes[node].seconds[i] += 1.5 * ring(axis, activation(1) * share(layout));
    return node;
  }

  int feedForward(const std::string &name, int x) {
    if (options.experts > 0) {
      int up = expertLinear(name + "up", exchange(name + "send", x), 1, 4);
      return exchange(name + "back", expertLinear(name + "down", record(name + "gelu", {up}, -1, 4), 4, 1));
    }
    int up = linear(name + "up", x, 1, 4);
    return linear(name + "down", record(name + "drop3", {record(name + "gelu", {up}, -1, 4)}, -1, 4), 4, 1);
  }

  int linear(const std::string &name, int x, double in, double out) {
    double count = options.hidden * options.hidden * in * out;
    int weight = parameter(name + ".w", count);
    int node = matmul(name, x, weight, 2 * options.tokens * count, activation(out), {{1, 2, 0}, {1, 0, 2}, {0, 2, 1}});
    tape.push_back({name, node, x, weight, weight, true, out, 2 * options.tokens * count});
    int bias = parameter(name + ".b", options.hidden * out);
    return record(name + ".add", {node}, bias, out);
  }

  /// A pointwise op with a parameter or none, and its backward pass for later.
  int record(const std::string &name, std::vector<int> operands, int weight, double columns, double work = 3) {
    int node = pointwise(name, operands, columns, work);
    if (weight >= 0)
      use(weight, node, 1);
    tape.push_back({name, node, operands[0], operands.size() > 1 ? operands[1] : -1, weight, false, columns, work});
    return node;
  }

  int norm(const std::string &name, int x) {
    int scaled =
        record(name + ".scale", {record(name + ".unit", {x}, -1, 1)}, parameter(name + ".g", options.hidden), 1);
    return record(name + ".shift", {scaled}, parameter(name + ".h", options.hidden), 1);
  }

  int forward(int layer, int x) {
    std::string name = "l" + std::to_string(layer) + ".";
    auto copy = [&](const char *what, int y, double columns) { return record(name + what, {y}, -1, columns); };
    int q = copy("heads", linear(name + "qkv", copy("cast1", norm(name + "n1", x), 1), 1, 3), 3);
    double attention = 30; // passes: the products of attention, and the softmax
    int scores = record(name + "scores", {q}, -1, 2, attention);
    int weights = record(name + "softmax", {record(name + "mask", {scores}, -1, 2)}, -1, 2);
    int mixed = record(name + "mix", {record(name + "drop", {weights}, -1, 2)}, -1, 1, attention);
    int p = linear(name + "proj", copy("merge", mixed, 1), 1, 1);
    int middle = record(name + "res1", {record(name + "drop1", {p}, -1, 1), x}, -1, 1);
    int down = feedForward(name, copy("cast2", norm(name + "n2", middle), 1));
    return record(name + "res2", {record(name + "drop2", {down}, -1, 1), middle}, -1, 1);
  }

  int backward(const Record &record, int gradient) {
    const std::string name = "d." + record.name;
    if (record.isMatmul) {
      double total = bytes[record.weight];
      const Roles ofWeight = record.isExpert ? expertRoles : Roles{{0, 2, 1}, {1, 0, 2}, {1, 2, 0}};
      const Roles ofInput = record.isExpert ? expertGradient : Roles{{1, 0, 2}, {1, 2, 0}, {0, 2, 1}};
      pending.push_back({record.weight, matmul(name + ".w", record.input, gradient, record.work, total, ofWeight)});
      return matmul(name + ".x", gradient, record.weight, record.work, bytes[record.input], ofInput);
    }
    if (record.weight >= 0) {
      int dw = pointwise(name + ".w", {gradient}, 1e-4);
      pending.push_back({record.weight, dw});
    }
    // The gradient of a residual is also that of its second operand, far above.
    if (record.second >= 0) {
      skips.push_back(gradient);
      return gradient;
    }
    bool ends = record.name.ends_with(".unit") && !skips.empty();
    int node = pointwise(name, {gradient, record.node}, record.columns, record.work);
    if (!ends)
      return node;
    int sum = pointwise(name + ".sum", {node, skips.back()}, 1);
    skips.pop_back();
    return sum;
  }

  void update(const Pending &item) {
    const std::string name = "opt." + problem.nodes[item.weight].name;
    std::vector<Form> list;
    std::vector<double> seconds;
    for (const Layout &layout : layouts()) {
      list.push_back({layout, {layout, layout}});
      seconds.push_back(5e-6 + 10 * bytes[item.weight] * share(layout) / memoryRate);
    }
    int state = add(name + ".m", list, seconds);
    hold(state, name + ".m", 6 * bytes[item.weight]);
    use(item.gradient, state, 0);
    problem.nodes[state].tensors[0].first = 0;
    persistent.push_back({state, 0});
    bytes[state] = bytes[item.weight];
    int step = add(name + ".step", list, seconds);
    hold(step, name + ".step", bytes[item.weight]);
    use(state, step, 0);
    use(item.weight, step, 1);
    // The new weights go where the old ones are.
    Edge edge{step, item.weight, {}};
    for (const Form &from : forms[step])
      for (const Form &to : forms[item.weight])
        edge.seconds.push_back(reshard(from.result, to.result, bytes[item.weight]));
    problem.edges.push_back(std::move(edge));
  }

  TrainingOptions options;
  Problem problem;
  std::vector<std::vector<Form>> forms;
  std::vector<double> bytes; ///< of a node's result, whole
  std::vector<Record> tape;
  std::vector<Pending> pending;
  std::vector<int> skips;
  std::vector<std::pair<int, int>> persistent; ///< node, tensor
};

} // namespace

Problem trainingGraph(const TrainingOptions &options) { return Builder(options).run(); }

} // namespace tenon::partition
