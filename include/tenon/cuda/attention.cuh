//===- attention.cuh - What the templates of attention have in common -----===//
//
// y = softmax(rule(q k')) v in one pass over keys and values, after FlashAttention-2 (arXiv:2307.08691), section 3.1: a
// block keeps a tile of query lines, and for each tile of keys computes scores, their largest so far, weights, and
// weights times values, added to sums that are scaled to the new largest. No score reaches global memory.
//
// How to instantiate. Two forms: attention_simt.cuh (float, FFMA) and attention_mma.cuh (half, bfloat16).
//
//   #include "tenon/cuda/attention_simt.cuh"
//   using Tile = AttentionSimt<64, 64, 8, 32>;                   // sizes of a key and of a value, rows, keys of a tile
//   extern "C" __global__ void __launch_bounds__(Tile::threads, Tile::minBlocks)
//       attend(const float *q, const float *k, const float *v, float *y, int lanes, int group, int queries, int keys) {
//     AttentionShape shape{lanes, group, queries, keys};
//     ScoreRule<NoMask, /*Causal=*/true> rule{0.125f, 0.0f, /*causalOffset=*/keys - queries};
//     Tile::run(shape, rowMajor(q, shape.lines(), 64), rowMajor(k, keys, 64), rowMajor(v, keys, 64), rule,
//               storeTo(y, 64, int64_t(shape.lines()) * 64));
//   }
//   TENON_KERNEL(attend);
//
// Launch: grid.x = lanes * ceil(group * queries / Tile::tileQ), block = Tile::threads, dynamic shared memory =
// Tile::sharedBytes; no launch where there are no lines. A row that sees no key is 0, or with
// ScoreRule's NanRows NaN.
//
// A lane is a batch and a head of keys. Query heads that share it are lines of one matrix, group * queries of them, so
// that keys are read once for all of them, and one token for many heads still fills a tile. Operands are as gemm.cuh
// says: plain, of any strides; y goes to an epilogue as there (batch: the lane, row: the line).
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CUDA_ATTENTION_CUH
#define TENON_CUDA_ATTENTION_CUH

#include "tenon/cuda/gemm.cuh"

namespace tenon::device {

struct AttentionShape {
  int lanes;     ///< batches * heads of keys
  int group;     ///< heads of queries that share a head of keys
  int queries;   ///< of one head
  int keys;      ///< may be 0
  int heads = 1; ///< heads of keys; only a mask asks
  TENON_DEVICE int lines() const { return group * queries; }
};

/// Every key is visible.
struct NoMask {
  struct Line {};
  TENON_DEVICE Line line(int64_t batch, int64_t head, int64_t query) const { return {}; }
  TENON_DEVICE float apply(float score, Line, int key) const { return score; }
};
/// Adds mask[batch][head][query][key], strides in elements, 0 where the mask repeats; of bools (uint8_t): hides keys
/// where it is 0.
template <class T>
struct Mask {
  const T *data;
  int64_t batchStride, headStride, queryStride, keyStride;

  using Line = const T *;
  TENON_DEVICE Line line(int64_t batch, int64_t head, int64_t query) const {
    return data + batch * batchStride + head * headStride + query * queryStride;
  }
  TENON_DEVICE float apply(float score, Line line, int key) const {
    T value = line[key * keyStride];
    if constexpr (sizeof(T) == 1)
      return value ? score : -infinity();
    else
      return score + float(value);
  }
};

/// A dense mask of these extents, of which those of 1 repeat.
template <class T>
TENON_DEVICE Mask<T> broadcastMask(const T *data, int64_t batches, int64_t heads, int64_t queries, int64_t keys) {
  return {data, batches == 1 ? 0 : heads * queries * keys, heads == 1 ? 0 : queries * keys, queries == 1 ? 0 : keys,
          keys == 1 ? 0 : 1};
}

/// What becomes of the product of a query and a key: times scale; then softcap * tanh(score / softcap), if Capped; the
/// mask; and minus infinity where Causal and key > query + causalOffset. |causalOffset| is below 2^30. NanRows: a row
/// of nothing but minus infinity is NaN, as a softmax would have it.
template <class MaskType = NoMask, bool Causal = false, bool Capped = false, bool NanRows = false>
struct ScoreRule {
  static constexpr bool causal = Causal;
  float scale, softcap;
  int causalOffset;
  MaskType mask;

  /// What is known of a line of queries before the key.
  struct Line {
    typename MaskType::Line mask;
    int lastKey; ///< that it sees
  };
  /// Line i of a lane; i may lie outside.
  TENON_DEVICE Line line(const AttentionShape &shape, int lane, int i) const {
    i = i < shape.lines() ? i : shape.lines() - 1;
    int head = shape.group == 1 ? 0 : i / shape.queries, query = i - head * shape.queries;
    int batch = lane / shape.heads, keyHead = lane - batch * shape.heads;
    return {mask.line(batch, static_cast<int64_t>(keyHead) * shape.group + head, query),
            Causal ? query + causalOffset : shape.keys};
  }
  /// The score of a key; one that does not exist (key >= keys) is not seen.
  TENON_DEVICE float apply(float product, const Line &line, int key, int keys) const {
    float score = product * scale;
    if constexpr (Capped)
      score = softcap * tanhf(score / softcap);
    if (key >= keys || (Causal && key > line.lastKey))
      return -infinity();
    return mask.apply(score, line.mask, key);
  }
  /// The result of a row that sees none of `keys` keys.
  TENON_DEVICE float unseen(int keys) const { return NanRows && keys > 0 ? notANumber() : 0.0f; }
};

namespace detail {

/// Which query lines the block attends for, and how many keys they see.
struct AttentionPlace {
  int lane, first; ///< of the tile
  int keys;        ///< that any of its lines sees

  template <class Rule>
  TENON_DEVICE AttentionPlace(const AttentionShape &shape, const Rule &rule, int tileQ) {
    int tiles = (shape.lines() + tileQ - 1) / tileQ, tile = blockIdx.x % tiles;
    lane = blockIdx.x / tiles;
    // The last tiles see the most keys: they start first.
    first = (Rule::causal ? tiles - 1 - tile : tile) * tileQ;
    keys = shape.keys;
    if constexpr (Rule::causal) {
      int end = first + tileQ < shape.lines() ? first + tileQ : shape.lines();
      int head = (end - 1) / shape.queries;
      // A tile that reaches into the next head has the last query of this one.
      int last = first / shape.queries == head ? end - 1 - head * shape.queries : shape.queries - 1;
      int visible = last + 1 + rule.causalOffset;
      keys = visible < 0 ? 0 : visible < keys ? visible : keys;
    }
  }
};

/// Starts to bring lines [first, first + Lines) to shared memory, Pitch elements apart, the first Length of each (a
/// multiple of 16 bytes). What lies outside of the operand becomes zero.
template <int Lines, int Length, int Pitch, int Threads, class O>
TENON_DEVICE void fetchLines(typename O::Element *tile, const O &operand, bool wide, int64_t batch, int first) {
  constexpr int perChunk = 16 / sizeof(typename O::Element), chunks = Length / perChunk, total = Lines * chunks;
  static_assert(Length % perChunk == 0 && Pitch % perChunk == 0, "whole chunks");
  auto fetch = [&](int c, bool isWide) {
    int line = c / chunks, j = c % chunks * perChunk;
    fetchChunk(tile + line * Pitch + j, operand, isWide, operand.line(batch, first + line), operand.position(j), batch,
               first + line, j);
  };
  if (wide)
#pragma unroll 2
    for (int c = threadIdx.x; c < total; c += Threads)
      fetch(c, true);
  else
#pragma unroll 1
    for (int c = threadIdx.x; c < total; c += Threads)
      fetch(c, false);
}

/// The state of one query line while keys pass by. Its scores are spread over `Width` neighbouring lanes, which all
/// know the largest; the sum of weights is each lane's own until the end.
template <int Width>
struct OnlineSoftmax {
  float largest = -infinity(), sum = 0;

  /// Scores to weights e^(score - largest). Returns what sums so far are to be scaled by.
  template <int N>
  TENON_DEVICE float weigh(float (&scores)[N]) {
    constexpr float log2e = 1.44269504f;
    float next = largest;
#pragma unroll
    for (int i = 0; i < N; ++i)
      next = maximum(next, scores[i]);
    next = warpReduce<Width>(next, Max());
    // As long as every score is minus infinity, so is their largest: subtract 0 instead.
    float shift = next == -infinity() ? 0.0f : next * log2e;
    float scale = exp2f(largest * log2e - shift);
    largest = next;
    sum *= scale;
#pragma unroll
    for (int i = 0; i < N; ++i) {
      scores[i] = exp2f(fmaf(scores[i], log2e, -shift));
      sum += scores[i];
    }
    return scale;
  }
  /// What the sums of weights times values are to be multiplied by in the end; `unseen` if no key was seen.
  TENON_DEVICE float finish(float unseen) const {
    float total = warpReduce<Width>(sum, Sum());
    return total == 0.0f ? unseen : 1.0f / total;
  }
};

/// Where a block of Tile keeps its tiles of queries, keys and values.
template <class T>
struct AttentionTiles {
  T *q, *k, *v;
};

/// The loop over tiles of keys. Both buffers are single: values arrive while scores are computed, the next keys while
/// weights are multiplied with values. scores(tile) and values(tile) use what has arrived.
template <class Tile, class T, class Q, class K, class V, class Scores, class Values>
TENON_DEVICE void passKeys(const AttentionPlace &place, const AttentionTiles<T> &tiles, const Q &q, const K &k,
                           const V &v, Scores scores, Values values) {
  int count = (place.keys + Tile::tileK - 1) / Tile::tileK;
  if (count == 0)
    return;
  bool wideK = k.wide(), wideV = v.wide();
  fetchLines<Tile::tileQ, Tile::depth, Tile::pitchK, Tile::threads>(tiles.q, q, q.wide(), place.lane, place.first);
#pragma unroll 1
  for (int tile = -1; tile < count; ++tile) { // from -1, so that the code that loads keys is there once
    if (tile >= 0) {
      waitAsync<0>();
      __syncthreads(); // keys are there, and nobody reads the values of the last tile any more
      fetchLines<Tile::tileK, Tile::width, Tile::pitchV, Tile::threads>(tiles.v, v, wideV, place.lane,
                                                                        tile * Tile::tileK);
      commitAsync();
      scores(tile);
      waitAsync<0>();
      __syncthreads(); // values are there, and nobody reads these keys any more
    }
    if (tile + 1 < count)
      fetchLines<Tile::tileK, Tile::depth, Tile::pitchK, Tile::threads>(tiles.k, k, wideK, place.lane,
                                                                        (tile + 1) * Tile::tileK);
    commitAsync();
    if (tile >= 0)
      values(tile);
  }
}

} // namespace detail
} // namespace tenon::device

#endif // TENON_CUDA_ATTENTION_CUH
