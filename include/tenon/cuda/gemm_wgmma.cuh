//===- gemm_wgmma.cuh - Matrix products by TMA and wgmma ------------------===//
//
// Warp-specialised: a producer thread fills a ring of Stages tiles of A and B by TMA, two consumer warp groups multiply
// 64 rows each, straight from shared memory, with one group of products in flight. For half and bfloat16; only sm_90a.
//
//   using Tile = GemmWgmma<half, 128, 4, /*TransposedB=*/true>;
//   extern "C" __global__ void __launch_bounds__(Tile::threads, Tile::minBlocks)
//       dense(const __grid_constant__ TensorMap a, const __grid_constant__ TensorMap b, half *c, int m, int n, int k) {
//     Tile::run({m, n, k, 1}, &a, &b, false, false, storeTo(c, int64_t(n), 0));
//   }
//
// Launch and epilogue as in gemm.cuh. Tensor maps, all with 128-byte swizzle, dimensions (innermost first) and boxes:
//   A               (k, m, batch), box (64, 128, 1)
//   B, TransposedB  (k, n, batch), box (64, TileN, 1)
//   B, not          (n, k, batch), box (64, 64, 1)
// TMA wants addresses and strides in multiples of 16 bytes, and no extent of 0; take GemmMma where that is not so, and
// where A or B pass through a function. A batch extent of 1 with sharedA or sharedB: the same matrix for all.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CUDA_GEMM_WGMMA_CUH
#define TENON_CUDA_GEMM_WGMMA_CUH

#include "tenon/cuda/gemm.cuh"
#include "tenon/cuda/tma.cuh"
#include "tenon/cuda/wgmma.cuh"

namespace tenon::device {

namespace detail {

/// What products by wgmma share: a ring of stages of A and B in shared memory, both with 128-byte swizzle, and two warp
/// groups that multiply 64 rows each as stages become full. Who fills them differs.
template <class T, int TileN, int Stages, bool TransposedB>
struct WgmmaTiles {
  static_assert(TileN == 64 || TileN == 128 || TileN == 256, "what one instruction computes");
  static_assert(Stages >= 2, "one stage is read while others are filled");
  static constexpr int tileM = 128, tileN = TileN, tileK = 64;
  static constexpr int threads = 384;
  static constexpr int minBlocks = 1; ///< the second launch bound
  static constexpr int bytesA = tileM * tileK * 2, bytesB = TileN * tileK * 2;
  static constexpr int sharedBytes = Stages * (bytesA + bytesB);

protected:
  struct Ring {
    unsigned char *stages; ///< A, then B
    Mbarrier *full, *empty;
    int count = 0; ///< stages filled or read so far, over all batches
    TENON_DEVICE int stage() const { return count % Stages; }
    TENON_DEVICE unsigned parity() const { return count / Stages & 1; }
    TENON_DEVICE unsigned char *a() const { return stages + stage() * (bytesA + bytesB); }
    TENON_DEVICE unsigned char *b() const { return a() + bytesA; }
    TENON_DEVICE void waitEmpty() const { mbarrierWait(empty + stage(), parity() ^ 1); }
  };

  /// A stage is full after `arrivals` arrivals (and bytes). Called by all threads of a block.
  static TENON_DEVICE void start(const Ring &ring, unsigned arrivals) {
    if (threadIdx.x == 0) {
      for (int s = 0; s < Stages; ++s) {
        mbarrierInit(ring.full + s, arrivals);
        mbarrierInit(ring.empty + s, 2); // the leaders of both consumers
      }
      fenceMbarrierInit();
    }
    __syncthreads();
  }

  static TENON_DEVICE int tilesOf(const GemmShape &shape) { return shape.k / tileK + (shape.k % tileK != 0); }

  /// Starts to load B of a stage; its bytes are expected.
  static TENON_DEVICE void loadB(const Ring &ring, const TensorMap *mapB, int tile, int column, int batch) {
    Mbarrier *full = ring.full + ring.stage();
    if constexpr (TransposedB)
      tensorLoad(ring.b(), mapB, full, tile * tileK, column, batch);
    else
#pragma unroll
      for (int box = 0; box < TileN / 64; ++box)
        tensorLoad(ring.b() + box * kBoxBytes, mapB, full, column + 64 * box, tile * tileK, batch);
  }

  template <class Epilogue>
  static TENON_DEVICE void consume(Ring ring, const GemmShape &shape, int group, const Epilogue &epilogue) {
    TilePlace place(shape, tileM, TileN); // here, where there are registers for it
    int tiles = tilesOf(shape);
    for (int batch = place.batch; batch < shape.batch; batch += place.batchStep) {
      float d[TileN / 2] = {};
      product(d, ring, tiles, group);
      store(d, shape, place, group, epilogue, batch);
    }
  }

private:
  static constexpr int kBoxBytes = 64 * tileK * 2;

  static TENON_DEVICE void product(float (&d)[TileN / 2], Ring &ring, int tiles, int group) {
    bool leader = threadIdx.x % 128 == 0;
    for (int tile = 0; tile < tiles; ++tile, ++ring.count) {
      mbarrierWait(ring.full + ring.stage(), ring.parity());
      uint64_t a = matrixDescriptor(ring.a() + group * bytesA / 2, Swizzle::Bytes128, 16, 1024);
      // Along n: boxes of 64 columns, lines of 128 bytes, one per k.
      uint64_t b = matrixDescriptor(ring.b(), Swizzle::Bytes128, TransposedB ? 16 : kBoxBytes, 1024);
      wgmmaFence();
#pragma unroll
      for (int step = 0; step < tileK / 16; ++step)
        wgmma<T, TileN, Major::K, TransposedB ? Major::K : Major::MN>(
            d, advanceDescriptor(a, 32 * step), advanceDescriptor(b, (TransposedB ? 32 : 16 * 128) * step),
            tile + step > 0);
      wgmmaCommit();
      wgmmaWait<1>();
      if (tile > 0 && leader)
        mbarrierArrive(ring.empty + (ring.count - 1) % Stages);
    }
    wgmmaWait<0>();
    if (tiles > 0 && leader)
      mbarrierArrive(ring.empty + (ring.count - 1) % Stages);
  }

  template <class Epilogue>
  static TENON_DEVICE void store(const float (&d)[TileN / 2], const GemmShape &shape, const TilePlace &place, int group,
                                 const Epilogue &epilogue, int64_t batch) {
    int row = place.row + 64 * group + static_cast<int>(threadIdx.x) % 128 / 32 * 16;
#pragma unroll
    for (int j = 0; j < TileN / 8; ++j)
      storeFragment(shape, epilogue, batch, row, place.column + 8 * j, d[4 * j], d[4 * j + 1], d[4 * j + 2],
                    d[4 * j + 3]);
  }
};

} // namespace detail

/// Tiles of 128 x TileN (64, 128 or 256), stages of depth 64.
template <class T, int TileN = 128, int Stages = 4, bool TransposedB = false>
struct GemmWgmma : detail::WgmmaTiles<T, TileN, Stages, TransposedB> {
  /// Called by all threads of a block, which compute one tile of every batch that falls to the block.
  template <class Epilogue>
  static TENON_DEVICE void run(const GemmShape &shape, const TensorMap *mapA, const TensorMap *mapB, bool sharedA,
                               bool sharedB, const Epilogue &epilogue) {
    TENON_DYNAMIC_SHARED(shared);
    __shared__ Mbarrier full[Stages], empty[Stages];
    Ring ring = {shared, full, empty};
    Tiles::start(ring, 1);
    int group = threadIdx.x / 128;
    if (group == 2) {
      decreaseRegisters<24>(); // 2 * 240 + 24 is three times the 168 of the launch
      if (threadIdx.x == 256)
        produce(ring, shape, mapA, mapB, sharedA, sharedB);
    } else {
      increaseRegisters<240>();
      Tiles::consume(ring, shape, group, epilogue);
    }
  }

private:
  using Tiles = detail::WgmmaTiles<T, TileN, Stages, TransposedB>;
  using Ring = typename Tiles::Ring;

  static TENON_DEVICE void produce(Ring ring, const GemmShape &shape, const TensorMap *mapA, const TensorMap *mapB,
                                   bool sharedA, bool sharedB) {
    detail::TilePlace place(shape, Tiles::tileM, TileN);
    prefetchTensorMap(mapA);
    prefetchTensorMap(mapB);
    int tiles = Tiles::tilesOf(shape);
    for (int batch = place.batch; batch < shape.batch; batch += place.batchStep)
      for (int tile = 0; tile < tiles; ++tile, ++ring.count) {
        Mbarrier *full = ring.full + ring.stage();
        ring.waitEmpty();
        mbarrierArriveExpectBytes(full, Tiles::bytesA + Tiles::bytesB);
        tensorLoad(ring.a(), mapA, full, tile * Tiles::tileK, place.row, sharedA ? 0 : batch);
        Tiles::loadB(ring, mapB, tile, place.column, sharedB ? 0 : batch);
      }
  }
};

} // namespace tenon::device

#endif // TENON_CUDA_GEMM_WGMMA_CUH
