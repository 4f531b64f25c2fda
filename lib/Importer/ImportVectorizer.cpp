//===- ImportVectorizer.cpp - TfIdfVectorizer and MelWeightMatrix ----------===//
//
// How often each n-gram of a pool occurs: comparisons of every window of the text with every n-gram, counted.
//
//===----------------------------------------------------------------------===//
#include "Compose.h"
#include "Registry.h"
#include <cmath>

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {
namespace {

constexpr int64_t maxGrams = 1 << 20, maxForms = 256;

class Vectorizer {
public:
  explicit Vectorizer(NodeImporter &n) : n(n), c{n} {}
  LogicalResult run();

private:
  LogicalResult readAttributes();
  Value vector(ArrayRef<int64_t> values);
  Value vector(ArrayRef<float> values);
  /// How often each of the `count` n-grams of `length`, which begin at pool element `first`, occurs with `skip`
  /// elements left out between two of its own: [N, count].
  Value count(int64_t length, int64_t first, int64_t grams, int64_t skip);

  NodeImporter &n;
  Compose c;
  Value x; ///< [N, L]
  int64_t shortest = 1, longest = 1, maxSkip = 0;
  Ints starts, columns, pool;
  SmallVector<float> weights;
  std::string mode;
};

LogicalResult Vectorizer::readAttributes() {
  shortest = n.intAttr("min_gram_length", 1);
  longest = n.intAttr("max_gram_length", 1);
  maxSkip = n.intAttr("max_skip_count", 0);
  auto named = n.choiceAttr("mode", "TF", {"TF", "IDF", "TFIDF"});
  if (failed(named))
    return failure();
  mode = *named;
  starts = n.intsAttr("ngram_counts").value_or(Ints());
  columns = n.intsAttr("ngram_indexes").value_or(Ints());
  pool = n.intsAttr("pool_int64s").value_or(Ints());
  weights.assign(columns.size(), 1);
  if (const auto *stated = n.findAttr("weights"))
    weights.assign(stated->floats().begin(), stated->floats().end());
  if (shortest < 1 || longest < shortest || maxSkip < 0 || longest > maxForms || maxSkip > maxForms ||
      (longest - shortest + 1) * (maxSkip + 1) > maxForms)
    return n.error(Code::WrongAttribute) << "min_gram_length " << shortest << ", max_gram_length " << longest
                                         << ", max_skip_count " << maxSkip;
  if (int64_t(starts.size()) < longest || columns.empty() || weights.size() != columns.size())
    return n.error(Code::WrongAttribute) << "ngram_counts must have an entry for each length, and weights and "
                                            "ngram_indexes for each n-gram";
  // The n-grams of each length must fill their part of the pool.
  starts.push_back(int64_t(pool.size()));
  int64_t total = 0;
  for (size_t i = 0; i + 1 < starts.size(); ++i) {
    int64_t length = int64_t(i) + 1, elements = starts[i + 1] - starts[i];
    if (starts[i] < 0 || elements < 0 || starts[i] > int64_t(pool.size()) || elements % length != 0)
      return n.error(Code::WrongAttribute) << "ngram_counts do not divide the pool into n-grams";
    total += elements / length;
  }
  if (total != int64_t(columns.size()) || total > maxGrams ||
      llvm::any_of(columns, [](int64_t column) { return column < 0 || column >= maxGrams; }))
    return n.error(Code::WrongAttribute) << "there must be an index for each of the " << total << " n-grams";
  return success();
}

Value Vectorizer::vector(ArrayRef<int64_t> values) {
  return n.constant(DenseElementsAttr::get(RankedTensorType::get({int64_t(values.size())}, c.i64()), values));
}

Value Vectorizer::vector(ArrayRef<float> values) {
  return n.constant(DenseElementsAttr::get(RankedTensorType::get({int64_t(values.size())}, c.f32()), values));
}

Value Vectorizer::count(int64_t length, int64_t first, int64_t grams, int64_t skip) {
  // [N, windows, grams]
  DimAttr windows = max(dimsOf(x)[1] - (length - 1) * (skip + 1), n.dim(0));
  Value matches;
  for (int64_t i = 0; i < length; ++i) {
    Ints elements;
    for (int64_t g = 0; g < grams; ++g)
      elements.push_back(pool[size_t(first + g * length + i)]);
    // Where there is no window, the slice must still start inside.
    Value part = c.slice(x, 1, min(n.dim(i * (skip + 1)), dimsOf(x)[1]), windows);
    Value same = c.equal(n.reshape(part, {dimsOf(x)[0], windows, n.dim(1)}), vector(elements));
    matches = matches ? c.both(matches, same) : same;
  }
  return c.reduce<ReduceSumOp>(c.cast(matches, c.f32()), {1}, false);
}

LogicalResult Vectorizer::run() {
  x = c.cast(n.input(0), c.i64());
  if (!x || failed(readAttributes()))
    return failure();
  const bool isSingle = rankOf(x) == 1;
  if (!isSingle && rankOf(x) != 2)
    return n.error(Code::WrongOperands) << "the operand has rank " << rankOf(x) << ", expected 1 or 2";
  if (isSingle)
    x = n.reshape(x, {n.dim(1), dimsOf(x)[0]});
  SmallVector<Value> counts;
  Ints sources(size_t(*llvm::max_element(columns)) + 1, -1); ///< of each column, the counted n-gram
  int64_t gram = 0, counted = 0;
  for (int64_t length = 1; x && length <= int64_t(starts.size()) - 1; ++length) {
    int64_t first = starts[size_t(length - 1)], grams = (starts[size_t(length)] - first) / length;
    if (length >= shortest && length <= longest && grams > 0) {
      Value sum;
      for (int64_t skip = 0; skip <= (length == 1 ? 0 : maxSkip); ++skip) {
        Value part = count(length, first, grams, skip);
        sum = sum ? c.add(sum, part) : part;
      }
      if (!counts.emplace_back(sum))
        return failure();
      for (int64_t g = 0; g < grams; ++g)
        sources[size_t(columns[size_t(gram + g)])] = counted++;
    }
    gram += grams;
  }
  if (!x)
    return failure();
  SmallVector<float> factors(sources.size(), 0);
  for (auto [column, weight] : llvm::zip(columns, weights))
    factors[size_t(column)] = weight;
  Dims dims = {dimsOf(x)[0], n.dim(int64_t(sources.size()))};
  Value zero = n.scalar(c.f32(), 0), y = c.expand(zero, dims);
  if (!counts.empty()) {
    Value all = counts.size() == 1 ? counts[0] : n.create<ConcatOp>(counts, 1);
    Value source = vector(sources), picked = all && source ? n.create<GatherOp>(all, c.max(source, 0), 1) : Value();
    y = c.select(c.atLeast(source, c.like(source, 0)), picked, zero);
  }
  if (mode == "IDF")
    y = c.cast(c.less(zero, y), c.f32());
  if (mode != "TF")
    y = c.mul(y, vector(factors));
  return n.setOutput(isSingle ? n.reshape(y, {dims[1]}) : y);
}

/// Triangles with equal steps on the mel scale, over the bins of a spectrum: [dft_length / 2 + 1, num_mel_bins].
LogicalResult importMelWeightMatrix(NodeImporter &n) {
  auto bins = n.shapeOperand(0), length = n.shapeOperand(1);
  if (failed(bins) || failed(length))
    return failure();
  if (bins->size() != 1 || length->size() != 1)
    return n.error(Code::WrongOperands) << "the operands must be scalars";
  Compose c{n};
  Type f64 = Float64Type::get(n.context);
  auto read = [&](size_t i) {
    Value v = n.input(i);
    return v ? n.reshape(c.cast(v, f64), {}) : Value();
  };
  auto log = [&](Value v) { return c.make<LogOp>(v); };
  const double scale = 2595 / std::log(10.0);
  auto toMel = [&](Value hertz) { return c.mul(log(c.add(c.div(hertz, 700), 1)), scale); };
  DimAttr columns = max(bins->front(), n.dim(0)), rows = floorDiv(max(length->front(), n.dim(0)), 2) + 1;
  Value rate = read(2), low = toMel(read(3)), high = toMel(read(4));
  Value step = c.div(c.sub(high, low), c.extent(columns + 2, f64));
  /// The spectrum's bin at which triangle i + `offset` starts, [1, num_mel_bins].
  auto edge = [&](int64_t offset) {
    Value mel = c.add(c.mul(c.add(c.iota(columns, f64, 2, 1), double(offset)), step), low);
    Value hertz = c.mul(c.sub(c.make<ExpOp>(c.div(mel, scale)), 1), 700);
    return c.floor(c.div(c.mul(hertz, c.extent(length->front() + 1, f64)), rate));
  };
  Value left = edge(0), centre = edge(1), right = edge(2), at = c.iota(rows, f64, 2, 0);
  Value isRising = c.both(c.atLeast(at, left), c.atLeast(centre, at));
  Value isFalling = c.both(c.atLeast(at, centre), c.less(at, right));
  auto ratio = [&](Value part, Value whole) { return c.div(part, c.max(whole, 1)); };
  Value rising = ratio(c.sub(at, left), c.sub(centre, left)), falling = ratio(c.sub(right, at), c.sub(right, centre));
  // A triangle without a left side is 1 at its centre.
  rising = c.select(c.equal(left, centre), c.like(rising, 1), rising);
  Value y = c.select(isFalling, falling, c.select(isRising, rising, c.like(rising, 0)));
  Type element = getElementType(n.context, int32_t(n.intAttr("output_datatype", 1)));
  if (!element)
    return n.typeError(n.intAttr("output_datatype", 1)) << "output_datatype is not supported";
  return n.setOutput(c.cast(y, element));
}

LogicalResult importVectorizer(NodeImporter &n) { return Vectorizer(n).run(); }

} // namespace

void addVectorizerRules(Registry &r) {
  r.add("TfIdfVectorizer", 9, importVectorizer);
  r.add("MelWeightMatrix", 17, importMelWeightMatrix);
}

} // namespace tenon::importer
