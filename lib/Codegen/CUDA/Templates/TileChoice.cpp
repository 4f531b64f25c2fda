//===- TileChoice.cpp - Which tile a product takes ------------------------===//
#include "TileChoice.h"

#include "llvm/Support/FormatVariadic.h"
#include <cmath>

using namespace mlir;

namespace tenon::codegen::cuda {
namespace {

/// Steps of k that a block spends on filling its stages before it multiplies, and on the epilogue: an estimate.
constexpr double fixedSteps = 4;
constexpr size_t alternatives = 3; ///< that `why` names

struct Extents {
  double batch, m, n, k;
};

struct Ranked {
  size_t index;
  cost::Estimate estimate;
  double computeFactor, cacheRatio;
};

std::string nameOf(const TileCandidate &tile) {
  return llvm::formatv("{0}x{1}x{2}", tile.rows, tile.columns, tile.depth).str();
}

std::string nameOf(StringRef name, const TileCandidate &tile) { return name.str() + " " + nameOf(tile); }

std::string microseconds(double seconds) { return llvm::formatv("{0:F1} us", seconds * 1e6).str(); }

Ranked rank(size_t index, const TileCandidate &tile, const Extents &e, const TileProblem &problem, StringRef family,
            const cost::Device &device) {
  const double tilesM = std::ceil(e.m / tile.rows), tilesN = std::ceil(e.n / tile.columns);
  const double flops = 2 * e.batch * e.m * e.n * e.k;
  const double bytes = e.batch * ((e.m * e.k + e.k * e.n) * problem.operandBytes + e.m * e.n * problem.resultBytes);
  // Every tile of the grid is computed whole, and every step of its depth.
  const double steps = std::ceil(e.k / tile.depth) + fixedSteps;
  const double whole = 2 * e.batch * tilesM * tile.rows * tilesN * tile.columns * steps * tile.depth;
  const double reread =
      e.batch * ((e.m * e.k * tilesN + e.k * e.n * tilesM) * problem.operandBytes + e.m * e.n * problem.resultBytes);
  cost::Tactic tactic;
  tactic.family = family.str();
  tactic.unit = problem.unit;
  tactic.computeFactor = flops > 0 ? tile.computeFactor * flops / whole : tile.computeFactor;
  tactic.cacheRatio = bytes > 0 ? reread / bytes : 1;
  cost::Grid grid{int64_t(e.batch * tilesM * tilesN), tile.threads, tile.registers, tile.sharedBytes};
  return {index, cost::estimate(device, tactic, flops, bytes, grid), tactic.computeFactor, tactic.cacheRatio};
}

std::string explain(ArrayRef<Ranked> ranked, ArrayRef<TileCandidate> candidates, const Extents &e,
                    const cost::Device &device) {
  std::string why =
      llvm::formatv("on {0} at batch {1}, m {2}, n {3}, k {4}: {5} predicted", device.name, int64_t(e.batch),
                    int64_t(e.m), int64_t(e.n), int64_t(e.k), microseconds(ranked.front().estimate.seconds))
          .str();
  for (const Ranked &other : ranked.drop_front().take_front(alternatives))
    why += (&other == ranked.begin() + 1 ? "; " : ", ") + nameOf(candidates[other.index]) + " " +
           microseconds(other.estimate.seconds);
  return why;
}

} // namespace

const cost::Context &getCostContext(const CudaTarget &target) {
  static const cost::Context standard = [] {
    cost::Context context;
    context.device = *cost::deviceOfArch("sm_90a");
    return context;
  }();
  return target.cost ? *target.cost : standard;
}

SmallVector<std::string> nameTiles(StringRef name, ArrayRef<TileCandidate> candidates) {
  SmallVector<std::string> names;
  for (const TileCandidate &tile : candidates)
    names.push_back(nameOf(name, tile));
  return names;
}

TileChoice chooseTile(StringRef name, const TileProblem &problem, ArrayRef<TileCandidate> candidates,
                      const CudaTarget &target) {
  assert(!candidates.empty() && "a template has a tile");
  const cost::Context &context = getCostContext(target);
  const Extents extents{context.evaluate(problem.batch), context.evaluate(problem.m), context.evaluate(problem.n),
                        context.evaluate(problem.k)};
  SmallVector<Ranked> ranked;
  for (auto [i, tile] : llvm::enumerate(candidates))
    ranked.push_back(rank(i, tile, extents, problem, name, context.device));
  llvm::stable_sort(ranked, [](const Ranked &a, const Ranked &b) { return a.estimate.seconds < b.estimate.seconds; });
  auto *asked =
      llvm::find_if(ranked, [&](const Ranked &each) { return nameOf(name, candidates[each.index]) == target.tactic; });
  if (asked != ranked.end())
    std::rotate(ranked.begin(), asked, asked + 1);
  const Ranked &best = ranked.front();
  TileChoice choice{best.index, {}};
  choice.tactic.name = nameOf(name, candidates[best.index]);
  choice.tactic.family = name.str();
  choice.tactic.why = explain(ranked, candidates, extents, context.device);
  choice.tactic.unit = problem.unit;
  choice.tactic.computeFactor = best.computeFactor;
  choice.tactic.cacheRatio = best.cacheRatio;
  return choice;
}

} // namespace tenon::codegen::cuda
