//===- TrainingBuilder.cpp - Training steps on a grid, as problems --------===//
#include "TrainingBuilder.h"

#include <algorithm>

namespace tenon::partition {

/// Seconds to bring a tensor of `total` bytes from one layout to another: an axis that splits something else moves all
/// of it, one that splits nothing more gathers it, one that starts to split takes a slice.
double TrainingBuilder::reshard(const Layout &from, const Layout &to, double total) const {
  double seconds = 0;
  for (int axis = 0; axis < 2; ++axis) {
    if (from[axis] == to[axis] || !from[axis])
      continue;
    double held = total * share({axis == 0 ? 0 : to[0], axis == 1 ? 0 : to[1]});
    seconds += to[axis] ? 1.5 * ring(axis, held / sizes[size_t(axis)]) : ring(axis, held);
  }
  return seconds;
}

std::vector<TrainingBuilder::Layout> TrainingBuilder::layouts() {
  std::vector<Layout> all;
  for (int inner = 0; inner < 3; ++inner)
    for (int outer = 0; outer < 3; ++outer)
      all.push_back({inner, outer});
  return all;
}

/// Each layout, of result and operands alike.
std::vector<TrainingBuilder::Form> TrainingBuilder::forms3() {
  std::vector<Form> list;
  for (const Layout &layout : layouts())
    list.push_back({layout, {layout, layout}});
  return list;
}

int TrainingBuilder::add(std::string name, std::vector<Form> list, std::vector<double> seconds) {
  Node node;
  node.name = std::move(name);
  node.seconds = std::move(seconds);
  problem.nodes.push_back(std::move(node));
  forms.push_back(std::move(list));
  bytes.push_back(0);
  gradients.emplace_back();
  return int(problem.nodes.size()) - 1;
}

/// The result of `node`, which lives until `use` says otherwise.
void TrainingBuilder::hold(int node, std::string name, double total) {
  Tensor tensor{std::move(name), node, node, {}};
  for (const Form &form : forms[size_t(node)])
    tensor.bytes.push_back(int64_t(total * share(form.result)));
  problem.nodes[size_t(node)].tensors.push_back(std::move(tensor));
  bytes[size_t(node)] = total;
}

void TrainingBuilder::use(int producer, int consumer, int operand) {
  Edge edge{producer, consumer, {}};
  for (const Form &from : forms[size_t(producer)])
    for (const Form &to : forms[size_t(consumer)])
      edge.seconds.push_back(reshard(from.result, to.operands[size_t(operand)], bytesOf(producer)));
  problem.edges.push_back(std::move(edge));
  Tensor &tensor = problem.nodes[size_t(producer)].tensors[0];
  tensor.last = std::max(tensor.last, consumer);
}

int TrainingBuilder::pointwise(const std::string &name, std::vector<int> operands, double total, double work) {
  std::vector<double> seconds;
  for (const Layout &layout : layouts())
    seconds.push_back(5e-6 + work * total * share(layout) / memoryRate);
  const int node = add(name, forms3(), std::move(seconds));
  hold(node, name, total);
  for (size_t i = 0; i < operands.size(); ++i)
    use(operands[i], node, int(i));
  return node;
}

int TrainingBuilder::parameter(const std::string &name, double count) {
  std::vector<Form> list = forms3();
  const int node = add(name, list, std::vector<double>(list.size(), 0));
  hold(node, name, 2 * count);
  persistent.push_back({node, 0});
  return node;
}

int TrainingBuilder::product(const std::string &name, int first, int second, double flops, double total,
                             const Roles &roles) {
  std::vector<Form> list;
  std::vector<double> seconds;
  for (int inner = 0; inner < 4; ++inner)
    for (int outer = 1; outer < 4; ++outer) {
      auto layout = [&](const std::array<int, 3> &role) {
        return Layout{inner ? role[size_t(inner - 1)] : 0, role[size_t(outer - 1)]};
      };
      Form form{layout(roles.result), {layout(roles.first), layout(roles.second)}};
      double time = 5e-6 + flops / flopRate / (inner ? sizes[0] : 1) / sizes[1];
      const int splits[2] = {inner, outer};
      for (int axis = 0; axis < 2; ++axis)
        if (splits[axis] && !roles.result[size_t(splits[axis] - 1)]) // partial sums
          time += 2 * ring(axis, total * share(form.result));
      list.push_back(form);
      seconds.push_back(time);
    }
  const int node = add(name, std::move(list), std::move(seconds));
  hold(node, name, total);
  use(first, node, 0);
  use(second, node, 1);
  return node;
}

void TrainingBuilder::sumOverRows(int node, double total) {
  for (size_t i = 0; i < forms[size_t(node)].size(); ++i)
    for (int axis = 0; axis < 2; ++axis)
      if (const Layout &layout = forms[size_t(node)][i].result; layout[size_t(axis)] == 1) {
        const double columns = share({layout[0] == 2 ? 2 : 0, layout[1] == 2 ? 2 : 0});
        problem.nodes[size_t(node)].seconds[i] += 2 * ring(axis, total * columns);
      }
}

void TrainingBuilder::exchangeRows(int node) {
  for (size_t i = 0; i < forms[size_t(node)].size(); ++i)
    for (int axis = 0; axis < 2; ++axis)
      if (const Layout &layout = forms[size_t(node)][i].result; layout[size_t(axis)] == 1)
        problem.nodes[size_t(node)].seconds[i] += 1.5 * ring(axis, bytesOf(node) * share(layout));
}

int TrainingBuilder::record(const std::string &name, std::vector<int> operands, int weight, double total, double work,
                            double sums) {
  const int node = pointwise(name, operands, total, work);
  if (weight >= 0)
    use(weight, node, 1);
  if (sums > 0)
    sumOverRows(node, sums);
  tape.push_back({name, node, operands[0], operands.size() > 1 ? operands[1] : -1, weight, false, work, sums, false});
  return node;
}

int TrainingBuilder::linear(const std::string &name, int x, int weight, double flops, double total, bool isExpert) {
  const int node = product(name, x, weight, flops, total, isExpert ? expertRoles : linearRoles);
  tape.push_back({name, node, x, -1, weight, true, flops, 0, isExpert});
  return node;
}

/// The sum of what came for `node`.
int TrainingBuilder::gradientOf(int node) {
  const std::vector<int> parts = gradients[size_t(node)];
  int sum = parts.front();
  for (size_t i = 1; i < parts.size(); ++i)
    sum = pointwise("d." + problem.nodes[size_t(node)].name + ".sum", {parts[i], sum}, bytesOf(node));
  return sum;
}

void TrainingBuilder::backward(const Record &record) {
  const std::string name = "d." + record.name;
  const int gradient = gradientOf(record.node);
  auto give = [&](int node, int part) { gradients[size_t(node)].push_back(part); };
  if (record.isProduct) {
    constexpr Roles expertGradient = {{1, 0, 2}, {1, 2, 0}, {1, 2, 0}};
    const Roles ofWeight = record.isExpert ? expertRoles : Roles{{0, 2, 1}, {1, 0, 2}, {1, 2, 0}};
    const Roles ofInput = record.isExpert ? expertGradient : Roles{{1, 0, 2}, {1, 2, 0}, {0, 2, 1}};
    pending.push_back(
        {record.weight, product(name + ".w", record.input, gradient, record.work, bytesOf(record.weight), ofWeight)});
    give(record.input, product(name + ".x", gradient, record.weight, record.work, bytesOf(record.input), ofInput));
    return;
  }
  if (record.weight >= 0)
    pending.push_back({record.weight, pointwise(name + ".w", {gradient}, 1e-4 * bytesOf(gradient))});
  if (record.second >= 0) { // of a sum: as it is, to both
    give(record.input, gradient);
    give(record.second, gradient);
    return;
  }
  const int node = pointwise(name, {gradient, record.node}, bytesOf(record.input), record.work);
  if (record.sums > 0)
    sumOverRows(node, record.sums);
  give(record.input, node);
}

void TrainingBuilder::update(const Pending &item) {
  const std::string name = "opt." + problem.nodes[size_t(item.weight)].name;
  std::vector<double> seconds;
  for (const Layout &layout : layouts())
    seconds.push_back(5e-6 + 10 * bytesOf(item.weight) * share(layout) / memoryRate);
  const int state = add(name + ".m", forms3(), seconds);
  hold(state, name + ".m", 6 * bytesOf(item.weight));
  use(item.gradient, state, 0);
  problem.nodes[size_t(state)].tensors[0].first = 0;
  persistent.push_back({state, 0});
  bytes[size_t(state)] = bytesOf(item.weight);
  const int step = add(name + ".step", forms3(), seconds);
  hold(step, name + ".step", bytesOf(item.weight));
  use(state, step, 0);
  use(item.weight, step, 1);
  // The new weights go where the old ones are.
  Edge edge{step, item.weight, {}};
  for (const Form &from : forms[size_t(step)])
    for (const Form &to : forms[size_t(item.weight)])
      edge.seconds.push_back(reshard(from.result, to.result, bytesOf(item.weight)));
  problem.edges.push_back(std::move(edge));
}

Problem TrainingBuilder::finish(int last, int gradient) {
  gradients[size_t(last)].push_back(gradient);
  int first = last;
  while (!tape.empty()) {
    const Record record = tape.back();
    tape.pop_back();
    backward(record);
    first = record.input;
  }
  gradientOf(first);
  for (size_t i = 0; i < pending.size(); ++i)
    update(pending[i]);
  for (auto [node, tensor] : persistent)
    problem.nodes[size_t(node)].tensors[size_t(tensor)].last = int(problem.nodes.size()) - 1;
  problem.points = int(problem.nodes.size());
  return std::move(problem);
}

} // namespace tenon::partition
