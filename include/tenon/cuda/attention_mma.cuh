//===- attention_mma.cuh - Attention by mma.sync --------------------------===//
//
// Warps of 16 query lines each. The scores of a warp stay in the registers that mma.sync leaves them in: rounded to T,
// they are the left operand of the product with the values as they are. Softmax and all sums are in float.
//
// attention.cuh says how to instantiate. From sm_80.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CUDA_ATTENTION_MMA_CUH
#define TENON_CUDA_ATTENTION_MMA_CUH

#include "tenon/cuda/attention.cuh"
#include "tenon/cuda/mma.cuh"

namespace tenon::device {

/// T: half or bfloat16. Depth: elements of a query and of a key; Width: of a value. A block has 16 * Warps lines of
/// queries and TileK keys (a multiple of 16) at a time. Registers of a thread: (TileK + Width) / 2 for scores and sums.
template <class T, int Depth, int Width, int Warps = 4, int TileK = 64>
struct AttentionMma {
  static_assert(sizeof(T) == 2 && TileK % 16 == 0, "mma.sync multiplies 16 keys of 16 bits");
  static constexpr int threads = 32 * Warps;
  /// Three blocks of 128 threads leave 168 registers to a thread, which smaller heads need not exceed.
  static constexpr int minBlocks = Depth + Width <= 160 ? 384 / threads : 1;
  static constexpr int tileQ = 16 * Warps, tileK = TileK;
  static constexpr int depth = (Depth + 15) / 16 * 16, width = (Width + 15) / 16 * 16;
  /// An odd number of chunks from one line to the next: the eight lines of a matrix lie in different banks.
  static constexpr int pitchK = depth + 8, pitchV = width + 8;
  static constexpr int sharedBytes = 2 * (tileQ * pitchK + TileK * (pitchK + pitchV));

  /// Called by all threads of a block.
  template <class Q, class K, class V, class Rule, class Epilogue>
  static TENON_DEVICE void run(const AttentionShape &shape, const Q &q, const K &k, const V &v, const Rule &rule,
                               const Epilogue &epilogue) {
    TENON_DYNAMIC_SHARED(shared);
    T *tileOfQ = reinterpret_cast<T *>(shared), *tileOfK = tileOfQ + tileQ * pitchK,
      *tileOfV = tileOfK + TileK * pitchK;
    detail::AttentionPlace place(shape, rule, tileQ);
    typename Rule::Line lines[2];
#pragma unroll
    for (int i = 0; i < 2; ++i)
      lines[i] = rule.line(shape, place.lane, place.first + warpLine() + lane() / 4 + 8 * i);
    float sums[width / 8][4] = {}, scores[TileK / 8][4];
    detail::OnlineSoftmax<4> softmax[2];
    detail::passKeys<AttentionMma>(
        place, detail::AttentionTiles<T>{tileOfQ, tileOfK, tileOfV}, q, k, v,
        [&](int tile) {
          multiplyKeys(scores, tileOfQ + warpLine() * pitchK, tileOfK);
          weigh(scores, sums, softmax, rule, lines, tile * TileK + lane() % 4 * 2, shape.keys);
        },
        [&](int) { multiplyValues(sums, scores, tileOfV); });
    store(sums, softmax, shape, place, rule.unseen(shape.keys), epilogue);
  }

private:
  static TENON_DEVICE int lane() { return threadIdx.x % 32; }
  static TENON_DEVICE int warpLine() { return static_cast<int>(threadIdx.x) / 32 * 16; }

  static TENON_DEVICE void multiplyKeys(float (&scores)[TileK / 8][4], const T *q, const T *k) {
#pragma unroll
    for (int j = 0; j < TileK / 8; ++j)
#pragma unroll
      for (int e = 0; e < 4; ++e)
        scores[j][e] = 0;
#pragma unroll
    for (int step = 0; step < depth; step += 16) {
      uint32_t query[4];
      loadMatrix<4>(query, q + lane() % 16 * pitchK + step + lane() / 16 * 8);
#pragma unroll
      for (int j = 0; j < TileK / 8; j += 2) {
        uint32_t r[4];
        loadMatrix<4>(r, k + (8 * j + lane() % 8 + lane() / 16 * 8) * pitchK + step + lane() / 8 % 2 * 8);
        mmaM16N8K16<T>(scores[j], query, {r[0], r[1]});
        mmaM16N8K16<T>(scores[j + 1], query, {r[2], r[3]});
      }
    }
  }

  /// Scores of keys first, first + 1, first + 8, .. to weights; sums so far are scaled.
  template <class Rule>
  static TENON_DEVICE void weigh(float (&scores)[TileK / 8][4], float (&sums)[width / 8][4],
                                 detail::OnlineSoftmax<4> (&softmax)[2], const Rule &rule,
                                 const typename Rule::Line (&lines)[2], int first, int keys) {
#pragma unroll
    for (int i = 0; i < 2; ++i) { // lines g and g + 8 of the fragments
      float line[TileK / 4];
#pragma unroll
      for (int j = 0; j < TileK / 4; ++j)
        line[j] = rule.apply(scores[j / 2][2 * i + j % 2], lines[i], first + j / 2 * 8 + j % 2, keys);
      float scale = softmax[i].weigh(line);
#pragma unroll
      for (int j = 0; j < TileK / 4; ++j)
        scores[j / 2][2 * i + j % 2] = line[j];
#pragma unroll
      for (int j = 0; j < width / 4; ++j)
        sums[j / 2][2 * i + j % 2] *= scale;
    }
  }

  static TENON_DEVICE uint32_t pack(float x, float y) {
    return bitCast<uint32_t>(packPair<typename PairOf<T>::type>(x, y));
  }
  static TENON_DEVICE void multiplyValues(float (&sums)[width / 8][4], const float (&weights)[TileK / 8][4],
                                          const T *v) {
#pragma unroll
    for (int key = 0; key < TileK; key += 16) {
      const float (&low)[4] = weights[key / 8], (&high)[4] = weights[key / 8 + 1];
      uint32_t weight[4] = {pack(low[0], low[1]), pack(low[2], low[3]), pack(high[0], high[1]), pack(high[2], high[3])};
#pragma unroll
      for (int j = 0; j < width / 8; j += 2) {
        uint32_t r[4];
        loadMatrixTransposed<4>(r, v + (key + lane() % 16) * pitchV + 8 * j + lane() / 16 * 8);
        mmaM16N8K16<T>(sums[j], weight, {r[0], r[1]});
        mmaM16N8K16<T>(sums[j + 1], weight, {r[2], r[3]});
      }
    }
  }

  template <class Epilogue>
  static TENON_DEVICE void store(const float (&sums)[width / 8][4], const detail::OnlineSoftmax<4> (&softmax)[2],
                                 const AttentionShape &shape, const detail::AttentionPlace &place, float unseen,
                                 const Epilogue &epilogue) {
    float low = softmax[0].finish(unseen), high = softmax[1].finish(unseen);
#pragma unroll
    for (int j = 0; j < width / 8; ++j)
      detail::storeFragment({shape.lines(), Width, 0, 0}, epilogue, place.lane, place.first + warpLine(), 8 * j,
                            sums[j][0] * low, sums[j][1] * low, sums[j][2] * high, sums[j][3] * high);
  }
};

} // namespace tenon::device

#endif // TENON_CUDA_ATTENTION_MMA_CUH
