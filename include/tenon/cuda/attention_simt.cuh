//===- attention_simt.cuh - Attention in float, without tensor cores ------===//
//
// 128 threads; 16 lanes share Rows lines of queries. Scores: a lane takes keys lane, lane + 16, .. and reads four
// elements of depth at a time, of queries and of keys. Weights pass through shared memory, within a warp, so that a
// lane can take all keys for columns 4 * lane, 4 * lane + 64, .. of the values, four keys at a time.
//
// attention.cuh says how to instantiate. From sm_80.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CUDA_ATTENTION_SIMT_CUH
#define TENON_CUDA_ATTENTION_SIMT_CUH

#include "tenon/cuda/attention.cuh"

namespace tenon::device {

/// Depth: elements of a query and of a key; Width: of a value. A block has 8 * Rows lines of queries and TileK keys (a
/// multiple of 16) at a time. Registers of a thread: Rows * (TileK + Width) / 16 for scores and sums alone.
template <int Depth, int Width, int Rows = 8, int TileK = 32>
struct AttentionSimt {
  static_assert(TileK % 16 == 0, "16 lanes share the keys");
  static constexpr int threads = 128, minBlocks = 1;
  static constexpr int tileQ = 8 * Rows, tileK = TileK;
  static constexpr int depth = (Depth + 3) / 4 * 4, width = (Width + 3) / 4 * 4;
  /// An odd number of chunks from one line to the next: eight lines at one position lie in different banks.
  static constexpr int pitchK = depth % 8 == 0 ? depth + 4 : depth, pitchV = width;
  /// The two lines that a warp writes at a time lie 16 banks apart.
  static constexpr int pitchP = TileK % 32 == 0 ? TileK + 16 : TileK;
  static constexpr int sharedBytes = 4 * (tileQ * pitchK + TileK * (pitchK + pitchV) + tileQ * pitchP);

  /// Called by all threads of a block.
  template <class Q, class K, class V, class Rule, class Epilogue>
  static TENON_DEVICE void run(const AttentionShape &shape, const Q &q, const K &k, const V &v, const Rule &rule,
                               const Epilogue &epilogue) {
    TENON_DYNAMIC_SHARED(shared);
    float *tileOfQ = reinterpret_cast<float *>(shared), *tileOfK = tileOfQ + tileQ * pitchK;
    float *tileOfV = tileOfK + TileK * pitchK, *weights = tileOfV + TileK * pitchV;
    detail::AttentionPlace place(shape, rule, tileQ);
    typename Rule::Line lines[Rows];
#pragma unroll
    for (int i = 0; i < Rows; ++i)
      lines[i] = rule.line(shape, place.lane, place.first + rowOf(i));
    float sums[Rows][columns][4] = {};
    detail::OnlineSoftmax<16> softmax[Rows];
    detail::passKeys<AttentionSimt>(
        place, detail::AttentionTiles<float>{tileOfQ, tileOfK, tileOfV}, q, k, v,
        [&](int tile) {
          float scores[Rows][perLane] = {};
          multiplyKeys(scores, tileOfQ, tileOfK);
          weigh(scores, sums, softmax, weights, rule, lines, tile * TileK + lane(), shape.keys);
        },
        [&](int) { multiplyValues(sums, weights, tileOfV); });
    store(sums, softmax, shape, place, rule.unseen(shape.keys), epilogue);
  }

private:
  static constexpr int perLane = TileK / 16, columns = (Width + 63) / 64;

  static TENON_DEVICE int lane() { return threadIdx.x % 16; }
  /// Line i of the thread in the tile: the two halves of a warp take turns.
  static TENON_DEVICE int rowOf(int i) {
    return static_cast<int>(threadIdx.x) / 32 * (2 * Rows) + 2 * i + static_cast<int>(threadIdx.x) % 32 / 16;
  }
  /// Whether the thread has part c of its columns.
  static TENON_DEVICE bool hasColumns(int c) { return width % 64 == 0 || columnOf(c) < width; }
  static TENON_DEVICE int columnOf(int c) { return 64 * c + 4 * lane(); }

  static TENON_DEVICE void multiplyKeys(float (&scores)[Rows][perLane], const float *q, const float *k) {
#pragma unroll 2
    for (int e = 0; e < depth; e += 4) {
      Vector<float, 4> key[perLane];
#pragma unroll
      for (int j = 0; j < perLane; ++j)
        key[j] = loadVector<4>(k + (lane() + 16 * j) * pitchK + e);
#pragma unroll
      for (int i = 0; i < Rows; ++i) {
        Vector<float, 4> query = loadVector<4>(q + rowOf(i) * pitchK + e);
#pragma unroll
        for (int j = 0; j < perLane; ++j)
#pragma unroll
          for (int x = 0; x < 4; ++x)
            scores[i][j] += query[x] * key[j][x];
      }
    }
  }

  /// Scores of keys first, first + 16, .. to weights in shared memory; sums so far are scaled.
  template <class Rule>
  static TENON_DEVICE void weigh(float (&scores)[Rows][perLane], float (&sums)[Rows][columns][4],
                                 detail::OnlineSoftmax<16> (&softmax)[Rows], float *weights, const Rule &rule,
                                 const typename Rule::Line (&lines)[Rows], int first, int keys) {
#pragma unroll
    for (int i = 0; i < Rows; ++i) {
#pragma unroll
      for (int j = 0; j < perLane; ++j)
        scores[i][j] = rule.apply(scores[i][j], lines[i], first + 16 * j, keys);
      float scale = softmax[i].weigh(scores[i]);
#pragma unroll
      for (int c = 0; c < columns; ++c)
#pragma unroll
        for (int x = 0; x < 4; ++x)
          sums[i][c][x] *= scale;
#pragma unroll
      for (int j = 0; j < perLane; ++j)
        weights[rowOf(i) * pitchP + lane() + 16 * j] = scores[i][j];
    }
  }

  static TENON_DEVICE void multiplyValues(float (&sums)[Rows][columns][4], const float *weights, const float *v) {
#pragma unroll 2
    for (int key = 0; key < TileK; key += 4) {
      Vector<float, 4> value[4][columns];
#pragma unroll
      for (int x = 0; x < 4; ++x)
#pragma unroll
        for (int c = 0; c < columns; ++c)
          value[x][c] = hasColumns(c) ? loadVector<4>(v + (key + x) * pitchV + columnOf(c)) : splat<float, 4>(0.0f);
#pragma unroll
      for (int i = 0; i < Rows; ++i) {
        Vector<float, 4> weight = loadVector<4>(weights + rowOf(i) * pitchP + key);
#pragma unroll
        for (int x = 0; x < 4; ++x)
#pragma unroll
          for (int c = 0; c < columns; ++c)
#pragma unroll
            for (int y = 0; y < 4; ++y)
              sums[i][c][y] += weight[x] * value[x][c][y];
      }
    }
  }

  template <class Epilogue>
  static TENON_DEVICE void store(const float (&sums)[Rows][columns][4],
                                 const detail::OnlineSoftmax<16> (&softmax)[Rows], const AttentionShape &shape,
                                 const detail::AttentionPlace &place, float unseen, const Epilogue &epilogue) {
#pragma unroll
    for (int i = 0; i < Rows; ++i) {
      float inverse = softmax[i].finish(unseen);
      int line = place.first + rowOf(i);
#pragma unroll
      for (int c = 0; c < columns; ++c) {
        if (line >= shape.lines() || columnOf(c) >= Width)
          continue;
        Vector<float, 4> values;
#pragma unroll
        for (int x = 0; x < 4; ++x)
          values[x] = sums[i][c][x] * inverse;
        epilogue(place.lane, line, columnOf(c), values, Width - columnOf(c) < 4 ? Width - columnOf(c) : 4);
      }
    }
  }
};

} // namespace tenon::device

#endif // TENON_CUDA_ATTENTION_SIMT_CUH
