//===- ChooseStrategies.cpp - Ways to split the ops of a graph ------------===//
#include "ChooseStrategies.h"

#include "tenon/Cost/Roofline.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>

using namespace tenon;
using namespace tenon::choice;
using tenon::partition::CollectiveKind;
using tenon::partition::CollectiveStep;
using tenon::partition::Mesh;
using tenon::partition::TensorShape;

Placement choice::wholePlacement(const TensorShape &shape, const Mesh &mesh) {
  return {partition::Layout(mesh.size(), -1), shape.extents};
}

static constexpr int64_t bucketBytes = 25 << 20;

namespace {

class Enumerator {
public:
  Enumerator(const GraphOp &op, const Setting &setting) : op(op), setting(setting), mesh(setting.mesh) {}
  std::vector<Strategy> run();

private:
  std::vector<AxisUse> usesOf(size_t axis) const;
  bool mustSplit(size_t axis) const;
  void add(const std::vector<AxisUse> &axes, bool needsPoints);
  Placement place(const Access &access, const std::vector<AxisUse> &axes) const;
  bool hasPoints(const std::vector<AxisUse> &axes) const;
  bool canScatter(const std::vector<AxisUse> &axes) const;
  void price(Strategy &strategy) const;
  double shareOf(const std::vector<AxisUse> &axes) const;
  std::string nameOf(const std::vector<AxisUse> &axes) const;

  const GraphOp &op;
  const Setting &setting;
  const Mesh &mesh;
  std::vector<Strategy> strategies;
};

} // namespace

std::vector<AxisUse> Enumerator::usesOf(size_t axis) const {
  const bool isData = mesh[axis].name == "data";
  std::vector<AxisUse> uses = {{}};
  for (int l = 0; l < int(op.loops.size()); ++l) {
    const Loop &loop = op.loops[l];
    if ((loop.isBatch != isData && !loop.isShared) || (loop.extent < 2 && !loop.isSymbolic))
      continue;
    uses.push_back({l, -1});
    if (loop.isReduction && op.results.size() == 1)
      for (int d = 0; d < int(op.results.front().loops.size()); ++d)
        if (op.results.front().loops[d] >= 0)
          uses.push_back({l, d});
  }
  return uses;
}

/// A forced axis splits what it can: all samples, and every op that has a part of the work worth mentioning.
bool Enumerator::mustSplit(size_t axis) const {
  if (llvm::any_of(op.loops, [](const Loop &loop) { return loop.isShared; }))
    return false;
  return setting.isForced && (mesh[axis].name == "data" || (op.flops > 0 && op.flops >= setting.forcedFlops));
}

Placement Enumerator::place(const Access &access, const std::vector<AxisUse> &axes) const {
  Placement placement = wholePlacement(access.shape, mesh);
  for (size_t d = 0; d < access.loops.size(); ++d) {
    if (access.loops[d] < 0)
      continue;
    placement.units[d] = op.loops[access.loops[d]].extent;
    for (size_t i = 0; i < axes.size(); ++i)
      if (axes[i].loop == access.loops[d])
        placement.axes[i] = int(d);
  }
  return placement;
}

/// Whether every loop and every scattered dimension has a point for each device.
bool Enumerator::hasPoints(const std::vector<AxisUse> &axes) const {
  std::vector<int64_t> left;
  for (const Loop &loop : op.loops)
    left.push_back(loop.extent);
  std::vector<int64_t> dims = op.results.empty() ? std::vector<int64_t>() : op.results.front().shape.extents;
  for (size_t i = 0; i < axes.size(); ++i)
    if ((axes[i].loop >= 0 && (left[axes[i].loop] /= mesh[i].size) == 0) ||
        (axes[i].scatter >= 0 && (dims[axes[i].scatter] /= mesh[i].size) == 0))
      return false;
  return true;
}

/// Parts of a sum nest inside those of axes before, never of axes behind; results have one layout.
bool Enumerator::canScatter(const std::vector<AxisUse> &axes) const {
  for (size_t i = 0; i < axes.size(); ++i) {
    if (axes[i].scatter < 0)
      continue;
    const int loop = op.results.front().loops[axes[i].scatter];
    for (size_t k = i + 1; k < axes.size(); ++k)
      if (loop >= 0 && axes[k].loop == loop)
        return false;
  }
  return true;
}

double Enumerator::shareOf(const std::vector<AxisUse> &axes) const {
  double share = 1;
  for (int l = 0; l < int(op.loops.size()); ++l) {
    int64_t parts = 1, extent = std::max<int64_t>(op.loops[l].extent, 1);
    for (size_t i = 0; i < axes.size(); ++i)
      if (axes[i].loop == l)
        parts *= mesh[i].size;
    share *= double((extent + parts - 1) / parts) / double(extent);
  }
  return share;
}

/// Loops are called after the dimension of the result that they run over; those of sums after one of the first operand
/// that has them.
std::string Enumerator::nameOf(const std::vector<AxisUse> &axes) const {
  auto find = [](const Access &access, int loop) {
    auto found = std::find(access.loops.begin(), access.loops.end(), loop);
    return found == access.loops.end() ? -1 : int(found - access.loops.begin());
  };
  std::string name;
  for (size_t i = 0; i < axes.size(); ++i) {
    if (axes[i].loop < 0)
      continue;
    std::string loop = "loop" + std::to_string(axes[i].loop);
    for (const Operand &operand : op.operands)
      if (int d = find(operand.access, axes[i].loop); d >= 0) {
        loop = "sum" + std::to_string(d);
        break;
      }
    for (const Access &result : op.results)
      if (int d = find(result, axes[i].loop); d >= 0)
        loop = "dim" + std::to_string(d);
    name += (name.empty() ? "" : " ") + loop + "@" + mesh[i].name;
    if (axes[i].scatter >= 0)
      name += ">dim" + std::to_string(axes[i].scatter);
  }
  return name.empty() ? "whole" : name;
}

/// Kernels of the part of the device with the most. What is fused with a producer costs no launch and no traffic.
void Enumerator::price(Strategy &strategy) const {
  if (op.isView)
    return;
  double written = 0, elements = 0;
  for (size_t i = 0; i < op.results.size(); ++i) {
    const Placement local = place(op.results[i], strategy.axes);
    const double bytes = double(partition::partBytes(op.results[i].shape, mesh, local.axes));
    elements = std::max(elements, bytes / double(op.results[i].shape.elementBytes));
    written += op.resultFused[i] ? 0 : bytes;
    written += 2 * bytes / double(op.results[i].shape.elementBytes) * double(op.stateBytes); // read as well
  }
  cost::Work work{op.flops * strategy.share, written, 0, op.unit};
  for (size_t i = 0; i < op.operands.size(); ++i) {
    const Operand &operand = op.operands[i];
    const double bytes = double(partition::partBytes(operand.access.shape, mesh, strategy.operands[i].axes));
    work.bytes += operand.isFused ? 0 : operand.isSliced ? std::min(bytes, written) : bytes;
  }
  if (work.bytes == 0 && work.flops == 0)
    return;
  // A block of a product computes a tile, one of another kernel four elements a thread; sums are split until the device
  // is full.
  const bool isProduct = op.flops * strategy.share > 32 * elements;
  const double blocks =
      std::max(elements / (isProduct ? 16384 : 1024), std::min(elements / 64, double(setting.device.units)));
  cost::Grid grid{std::clamp<int64_t>(int64_t(blocks), 1, int64_t(1) << 30)};
  if (!setting.device.isGpu)
    grid = {setting.device.units, 1};
  strategy.compute = cost::estimate(setting.device, work, grid, {}).seconds;
  for (size_t i = 0; i < strategy.axes.size(); ++i)
    strategy.compute *= strategy.axes[i].loop >= 0 && !setting.factors.empty() ? setting.factors[i] : 1;
  if (op.isFused)
    strategy.compute -= setting.device.launchSeconds;
}

void Enumerator::add(const std::vector<AxisUse> &axes, bool needsPoints) {
  if ((needsPoints && !hasPoints(axes)) || !canScatter(axes))
    return;
  Strategy strategy;
  strategy.axes = axes;
  for (const Operand &operand : op.operands)
    strategy.operands.push_back(place(operand.access, axes));
  for (const Access &result : op.results)
    strategy.results.push_back(place(result, axes));
  strategy.share = shareOf(axes);
  strategy.name = nameOf(axes);
  price(strategy);
  auto reduce = [&](CollectiveKind kind, size_t i, Placement &result, const TensorShape &shape) {
    const int64_t bytes = partition::partBytes(shape, mesh, result.axes);
    // Gradients of weights go together in buckets, as nobody waits for any one of them: what each adds to a bucket.
    const int64_t bucket = op.phase == "weight gradient" ? bucketBytes : 0;
    strategy.reduction += setting.collectives({kind, int(i), bytes + bucket}) -
                          (bucket ? setting.collectives({kind, int(i), bucket}) : 0);
    if (kind == CollectiveKind::ReduceScatter)
      result.axes[i] = axes[i].scatter;
  };
  for (CollectiveKind kind : {CollectiveKind::ReduceScatter, CollectiveKind::AllReduce}) // then less is left to reduce
    for (size_t i = 0; i < axes.size(); ++i)
      if (axes[i].loop >= 0 && op.loops[axes[i].loop].isReduction &&
          (axes[i].scatter >= 0) == (kind == CollectiveKind::ReduceScatter))
        for (size_t r = 0; r < op.results.size(); ++r)
          reduce(kind, i, strategy.results[r], op.results[r].shape);
  strategies.push_back(std::move(strategy));
}

std::vector<Strategy> Enumerator::run() {
  std::vector<std::vector<AxisUse>> uses;
  for (size_t i = 0; i < mesh.size(); ++i)
    uses.push_back(usesOf(i));
  // First with a point of each loop for each device; where that leaves nothing of what must be split, without.
  for (bool needsPoints : {true, false}) {
    std::vector<size_t> counter(mesh.size());
    for (bool isDone = false; !isDone;) {
      std::vector<AxisUse> axes;
      bool isAllowed = true;
      for (size_t i = 0; i < mesh.size(); ++i) {
        axes.push_back(uses[i][counter[i]]);
        isAllowed &= axes[i].loop >= 0 || uses[i].size() == 1 || !mustSplit(i);
      }
      // The number of samples is a run's to say: the shape that is priced may have one.
      if (isAllowed)
        add(axes, needsPoints);
      size_t i = mesh.size();
      while (i > 0 && ++counter[i - 1] == uses[i - 1].size())
        counter[--i] = 0;
      isDone = i == 0;
    }
    if (!strategies.empty())
      break;
  }
  return std::move(strategies);
}

std::vector<Strategy> choice::enumerateStrategies(const GraphOp &op, const Setting &setting) {
  return Enumerator(op, setting).run();
}
