//===- Search.cpp - The best compression within limits ---------------------===//
#include "tenon/Compress/Search.h"

#include "llvm/ADT/STLExtras.h"
#include <algorithm>

using namespace mlir;

namespace tenon::compress {
namespace {

class Searcher {
public:
  Searcher(ModuleOp simplified, const Options &base, const Limits &limits, const SearchData &data,
           const CompileOptions &compile, const Environment &environment)
      : simplified(simplified), base(base), limits(limits), data(data), compile(compile), environment(environment) {}

  FailureOr<SearchResult> run();

private:
  /// The attempt's number; nothing where the options change nothing.
  FailureOr<std::optional<size_t>> attempt(const Options &options);
  LogicalResult relax(size_t failed);
  LogicalResult combine();
  bool isWithin(const Comparison &c) const;
  void findBest();

  ModuleOp simplified;
  const Options &base;
  const Limits &limits;
  const SearchData &data;
  const CompileOptions &compile;
  const Environment &environment;
  std::optional<Trial> original;
  SearchResult answer;
  std::vector<OwningOpRef<ModuleOp>> modules; ///< of the attempts
};

} // namespace

/// What a measured time has to gain before it counts: less is the noise of a machine that does other things too.
static constexpr double timeNoise = 0.03;

bool Searcher::isWithin(const Comparison &c) const {
  return c.loss() <= limits.loss && c.secondsAfter <= c.secondsBefore &&
         (!limits.planBytes || c.planBytesAfter <= *limits.planBytes) &&
         (!limits.seconds || c.secondsAfter <= *limits.seconds);
}

FailureOr<std::optional<size_t>> Searcher::attempt(const Options &options) {
  if (environment.progress)
    environment.progress("trying " + describe(options), std::min(0.95, double(answer.attempts.size()) / 16));
  OwningOpRef<ModuleOp> module(simplified.clone());
  auto result = compressModule(*module, options, {data.calibration, nullptr, &compile});
  if (failed(result))
    return failure();
  if (!result->isChanged)
    return std::optional<size_t>();
  auto trial = Trial::create(*module, compile);
  if (failed(trial))
    return failure();
  auto comparison = compare(*original, *trial, *data.evaluation, chooseMetric(simplified));
  if (!comparison)
    return emitStatus(UnknownLoc::get(simplified.getContext()), comparison.status());
  Attempt made{options, std::move(*result), *comparison};
  made.isWithin = isWithin(made.comparison);
  answer.attempts.push_back(std::move(made));
  modules.push_back(std::move(module));
  return std::optional(answer.attempts.size() - 1);
}

/// Keeps the worst layers of an attempt that lost too much: the fewest for which the loss is within the limit.
LogicalResult Searcher::relax(size_t index) {
  const Attempt tried = answer.attempts[index];
  if (tried.comparison.loss() <= limits.loss || tried.comparison.secondsAfter > tried.comparison.secondsBefore)
    return success();
  std::vector<const LayerResult *> worst;
  for (const LayerResult &layer : tried.result.layers)
    worst.push_back(&layer);
  llvm::sort(worst, [](const LayerResult *a, const LayerResult *b) {
    return std::pair(-a->error, a) < std::pair(-b->error, b); // of one array: its order
  });
  // Beyond half of the layers there is little left to gain.
  size_t tooFew = 0, enough = worst.size() / 2 + 1;
  while (tooFew + 1 < enough) {
    const size_t kept = (tooFew + enough) / 2;
    Options options = tried.options;
    for (const LayerResult *layer : llvm::ArrayRef(worst).take_front(kept))
      options.keep.push_back(layer->node);
    auto made = attempt(options);
    if (failed(made))
      return failure();
    if (!*made)
      break;
    (answer.attempts[**made].comparison.loss() <= limits.loss ? enough : tooFew) = kept;
  }
  return success();
}

/// The fastest that is within the limits with the smallest changes of other kinds: low rank and pruning together with
/// quantization.
LogicalResult Searcher::combine() {
  std::optional<Options> quantized, spectral;
  for (const Attempt &attempt : answer.attempts) {
    if (!attempt.isWithin)
      continue;
    if (attempt.options.quantization != Quantization::None && !quantized)
      quantized = attempt.options;
    if (attempt.options.lowRank > 0 && !spectral)
      spectral = attempt.options;
  }
  if (!quantized || !spectral)
    return success();
  Options both = *quantized;
  both.lowRank = spectral->lowRank;
  return success(succeeded(attempt(both)));
}

/// Whether a is at least as good as b in all, and better in something.
static bool dominates(const Comparison &a, const Comparison &b) {
  const bool asGood = a.loss() <= b.loss() && a.planBytesAfter <= b.planBytesAfter && a.secondsAfter <= b.secondsAfter;
  return asGood && (a.loss() < b.loss() || a.planBytesAfter < b.planBytesAfter || a.secondsAfter < b.secondsAfter);
}

void Searcher::findBest() {
  for (Attempt &a : answer.attempts)
    a.isDominated =
        llvm::any_of(answer.attempts, [&](const Attempt &b) { return dominates(b.comparison, a.comparison); });
  auto isBetter = [&](const Comparison &a, const Comparison &b) {
    if (limits.prefersSize)
      return a.planBytesAfter < b.planBytesAfter;
    const double ratio = a.secondsAfter / b.secondsAfter;
    return ratio < 1 - timeNoise || (ratio < 1 + timeNoise && a.planBytesAfter < b.planBytesAfter);
  };
  for (auto [i, attempt] : llvm::enumerate(answer.attempts))
    if (attempt.isWithin && (!answer.best || isBetter(attempt.comparison, answer.attempts[*answer.best].comparison)))
      answer.best = i;
  if (answer.best)
    answer.module = std::move(modules[*answer.best]);
}

FailureOr<SearchResult> Searcher::run() {
  auto trial = Trial::create(simplified, compile);
  if (failed(trial))
    return failure();
  original.emplace(std::move(*trial));
  std::vector<Options> list;
  auto add = [&](auto change) {
    list.push_back(base);
    change(list.back());
  };
  add([](Options &o) { o.quantization = Quantization::Int8; });
  add([](Options &o) { o.quantization = Quantization::Int8Dynamic; });
  add([](Options &o) { o.quantization = Quantization::Int8Weights; });
  add([](Options &o) { o.quantization = Quantization::Int4; });
  add([](Options &o) { o.lowRank = 0.98; });
  add([](Options &o) { o.lowRank = 0.9; });
  add([](Options &o) { o.pruning.kind = Pruning::Kind::Pattern; });
  add([](Options &o) { o.merges = true; });
  for (const Options &options : list) {
    auto made = attempt(options);
    if (failed(made) || (*made && failed(relax(**made))))
      return failure();
  }
  if (failed(combine()))
    return failure();
  findBest();
  return std::move(answer);
}

FailureOr<SearchResult> searchCompression(ModuleOp simplified, const Options &base, const Limits &limits,
                                          const SearchData &data, const CompileOptions &compile,
                                          const Environment &environment) {
  return Searcher(simplified, base, limits, data, compile, environment).run();
}

} // namespace tenon::compress
