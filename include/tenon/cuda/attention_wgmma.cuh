//===- attention_wgmma.cuh - Attention by TMA and wgmma -------------------===//
//
// Warp-specialised: a producer thread brings the queries once, then tiles of keys and of values in turn, to a ring of
// slots, by TMA. Two consumer warp groups have 64 query lines each: scores are a product of shared memory with shared
// memory, weights stay in registers, which are the left operand of the product with the values. While one group
// computes weights, the other multiplies. For half and bfloat16; only sm_90a.
//
//   using Tile = AttentionWgmma<half, 128, 128>;
//   extern "C" __global__ void __launch_bounds__(Tile::threads, Tile::minBlocks)
//       attend(const __grid_constant__ TensorMap q, const __grid_constant__ TensorMap k,
//              const __grid_constant__ TensorMap v, half *y, AttentionShape shape, ScoreRule<> rule) {
//     Tile::run(shape, &q, &k, &v, /*width=*/128, rule, storeTo(y, 128, int64_t(shape.lines()) * 128));
//   }
//
// Launch, rule and epilogue as in attention.cuh. Tensor maps, all with 128-byte swizzle, dimensions (innermost first)
// and boxes: q (size of a query, lines, lanes), box (64, 128, 1); k (size of a key, keys, lanes) and v (size of a
// value, keys, lanes), boxes (64, TileK, 1). Depth and Width are these sizes, rounded up. TMA wants addresses and
// strides in multiples of 16 bytes, and no extent of 0: take AttentionMma where that is not so.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CUDA_ATTENTION_WGMMA_CUH
#define TENON_CUDA_ATTENTION_WGMMA_CUH

#include "tenon/cuda/attention.cuh"
#include "tenon/cuda/tma.cuh"
#include "tenon/cuda/wgmma.cuh"

namespace tenon::device {

/// T: half or bfloat16. Depth: a multiple of 64 up to 256. Width: 64, 128 or 256. TileK: 64 or 128 keys at a time;
/// (TileK + Width) / 2 registers of a consumer hold scores and sums.
template <class T, int Depth, int Width, int TileK = Width == 256 ? 64 : 128, int Slots = 4>
struct AttentionWgmma {
  static_assert(sizeof(T) == 2 && Depth % 64 == 0 && Depth <= 256, "whole boxes of 64 elements");
  static_assert(Width == 64 || Width == 128 || Width == 256, "what one instruction computes");
  static_assert(TileK == 64 || TileK == 128, "what one instruction computes");
  static_assert(Slots >= 2, "keys and values have slots of their own");
  static constexpr int threads = 384, minBlocks = 1;
  static constexpr int tileQ = 128, tileK = TileK;
  static constexpr int slotBytes = TileK * (Depth > Width ? Depth : Width) * 2;
  static constexpr int sharedBytes = tileQ * Depth * 2 + Slots * slotBytes;

  /// Called by all threads of a block; `width` elements of a value exist.
  template <class Rule, class Epilogue>
  static TENON_DEVICE void run(const AttentionShape &shape, const TensorMap *mapQ, const TensorMap *mapK,
                               const TensorMap *mapV, int width, const Rule &rule, const Epilogue &epilogue) {
    TENON_DYNAMIC_SHARED(shared);
    __shared__ Mbarrier full[Slots], empty[Slots], queries;
    if (threadIdx.x == 0) {
      for (int s = 0; s < Slots; ++s) {
        mbarrierInit(full + s, 1);
        mbarrierInit(empty + s, 2); // the leaders of both consumers
      }
      mbarrierInit(&queries, 1);
      fenceMbarrierInit();
    }
    __syncthreads();
    detail::AttentionPlace place(shape, rule, tileQ);
    Ring ring = {shared + tileQ * Depth * 2, full, empty};
    int tiles = (place.keys + TileK - 1) / TileK, group = threadIdx.x / 128;
    if (group == 2) {
      decreaseRegisters<24>(); // 2 * 240 + 24 is three times the 168 of the launch
      if (threadIdx.x == 256 && tiles > 0)
        produce(ring, shared, &queries, tiles, place, mapQ, mapK, mapV);
    } else {
      increaseRegisters<240>();
      consume(ring, shared, &queries, tiles, shape, place, group, width, rule, epilogue);
    }
  }

private:
  static constexpr int kLineBytes = 128, kBoxQ = tileQ * kLineBytes, kBoxK = TileK * kLineBytes;

  struct Ring {
    unsigned char *slots;
    Mbarrier *full, *empty;
    int count = 0; ///< slots filled or read so far
    TENON_DEVICE int slot() const { return count % Slots; }
    TENON_DEVICE unsigned parity() const { return count / Slots & 1; }
    TENON_DEVICE unsigned char *data() const { return slots + slot() * slotBytes; }
    TENON_DEVICE void waitFull() const { mbarrierWait(full + slot(), parity()); }
    /// The consumer has read the slot; the next one is next.
    TENON_DEVICE void release() {
      if (threadIdx.x % 128 == 0)
        mbarrierArrive(empty + slot());
      ++count;
    }
    /// Fills a slot with `boxes` boxes of 64 elements of TileK lines.
    TENON_DEVICE void fill(const TensorMap *map, int boxes, int first, int lane) {
      mbarrierWait(empty + slot(), parity() ^ 1);
      mbarrierArriveExpectBytes(full + slot(), boxes * kBoxK);
      for (int box = 0; box < boxes; ++box)
        tensorLoad(data() + box * kBoxK, map, full + slot(), 64 * box, first, lane);
      ++count;
    }
  };

  static TENON_DEVICE void produce(Ring ring, unsigned char *q, Mbarrier *queries, int tiles,
                                   const detail::AttentionPlace &place, const TensorMap *mapQ, const TensorMap *mapK,
                                   const TensorMap *mapV) {
    prefetchTensorMap(mapV);
    mbarrierArriveExpectBytes(queries, Depth / 64 * kBoxQ);
    for (int box = 0; box < Depth / 64; ++box)
      tensorLoad(q + box * kBoxQ, mapQ, queries, 64 * box, place.first, place.lane);
    for (int tile = 0; tile < tiles; ++tile) {
      ring.fill(mapK, Depth / 64, tile * TileK, place.lane);
      ring.fill(mapV, Width / 64, tile * TileK, place.lane);
    }
  }

  template <class Rule, class Epilogue>
  static TENON_DEVICE void consume(Ring ring, const unsigned char *q, Mbarrier *queries, int tiles,
                                   const AttentionShape &shape, const detail::AttentionPlace &place, int group,
                                   int width, const Rule &rule, const Epilogue &epilogue) {
    int lane = threadIdx.x % 32, first = place.first + 64 * group + static_cast<int>(threadIdx.x) % 128 / 32 * 16;
    typename Rule::Line lines[2] = {rule.line(shape, place.lane, first + lane / 4),
                                    rule.line(shape, place.lane, first + lane / 4 + 8)};
    float sums[Width / 2] = {}, scores[TileK / 2];
    uint32_t weights[TileK / 16][4];
    detail::OnlineSoftmax<4> softmax[2];
    if (tiles > 0)
      mbarrierWait(queries, 0);
    for (int tile = 0; tile < tiles; ++tile) {
      ring.waitFull();
      multiplyKeys(scores, q + group * (kBoxQ / 2), ring.data());
      ring.release();
      weigh(scores, weights, sums, softmax, rule, lines, tile * TileK + lane % 4 * 2, shape.keys);
      ring.waitFull();
      multiplyValues(sums, weights, ring.data());
      ring.release();
    }
    float low = softmax[0].finish(rule.unseen(shape.keys)), high = softmax[1].finish(rule.unseen(shape.keys));
#pragma unroll
    for (int j = 0; j < Width / 8; ++j)
      detail::storeFragment({shape.lines(), width, 0, 0}, epilogue, place.lane, first, 8 * j, sums[4 * j] * low,
                            sums[4 * j + 1] * low, sums[4 * j + 2] * high, sums[4 * j + 3] * high);
  }

  static TENON_DEVICE void multiplyKeys(float (&scores)[TileK / 2], const unsigned char *q, const unsigned char *k) {
    uint64_t a = matrixDescriptor(q, Swizzle::Bytes128, 16, 1024), b = matrixDescriptor(k, Swizzle::Bytes128, 16, 1024);
    wgmmaFence();
#pragma unroll
    for (int step = 0; step < Depth / 16; ++step)
      wgmma<T, TileK>(scores, advanceDescriptor(a, step / 4 * kBoxQ + step % 4 * 32),
                      advanceDescriptor(b, step / 4 * kBoxK + step % 4 * 32), step > 0);
    wgmmaCommit();
    wgmmaWait<0>();
  }

  /// Scores of keys first, first + 1, first + 8, .. to weights of T, in the order of a left operand; sums so far are
  /// scaled.
  template <class Rule>
  static TENON_DEVICE void weigh(const float (&scores)[TileK / 2], uint32_t (&weights)[TileK / 16][4],
                                 float (&sums)[Width / 2], detail::OnlineSoftmax<4> (&softmax)[2], const Rule &rule,
                                 const typename Rule::Line (&lines)[2], int first, int keys) {
#pragma unroll
    for (int i = 0; i < 2; ++i) { // lines g and g + 8
      float line[TileK / 4];
#pragma unroll
      for (int j = 0; j < TileK / 4; ++j)
        line[j] = rule.apply(scores[j / 2 * 4 + 2 * i + j % 2], lines[i], first + j / 2 * 8 + j % 2, keys);
      float scale = softmax[i].weigh(line);
#pragma unroll
      for (int j = 0; j < TileK / 4; j += 2)
        weights[j / 4][j / 2 % 2 * 2 + i] = bitCast<uint32_t>(packPair<typename PairOf<T>::type>(line[j], line[j + 1]));
#pragma unroll
      for (int j = 0; j < Width / 4; ++j)
        sums[j / 2 * 4 + 2 * i + j % 2] *= scale;
    }
  }

  static TENON_DEVICE void multiplyValues(float (&sums)[Width / 2], const uint32_t (&weights)[TileK / 16][4],
                                          const unsigned char *v) {
    // Along the values' elements: boxes of 64, lines of 128 bytes, one per key.
    uint64_t b = matrixDescriptor(v, Swizzle::Bytes128, kBoxK, 1024);
    wgmmaFence();
#pragma unroll
    for (int step = 0; step < TileK / 16; ++step)
      wgmmaRegisters<T, Width, Major::MN>(sums, weights[step], advanceDescriptor(b, step * 16 * kLineBytes), true);
    wgmmaCommit();
    wgmmaWait<0>();
  }
};

} // namespace tenon::device

#endif // TENON_CUDA_ATTENTION_WGMMA_CUH
