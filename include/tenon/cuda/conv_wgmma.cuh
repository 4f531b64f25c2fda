//===- conv_wgmma.cuh - Convolutions by wgmma -----------------------------===//
//
// The product of gemm_wgmma.cuh with an A that lies in memory as no tensor map can say: a warp group computes addresses
// and brings A by cp.async, 16 bytes at a time, to where a 128-byte swizzle wants them; B (the weights) goes by TMA.
// Two consumer warp groups multiply 64 rows each. For half and bfloat16; only sm_90a.
//
//   using Tile = ConvWgmma<half, 128>;
//   extern "C" __global__ void __launch_bounds__(Tile::threads, Tile::minBlocks)
//       conv(const __grid_constant__ TensorMap w, const half *x, half *y, ConvShape s, int outChannels) {
//     Tile::run(s.gemm(outChannels), patches(x, s), &w, false, storeTo(y, int64_t(outChannels), 0));
//   }
//
// Launch and epilogue as in gemm.cuh, the map of B as in gemm_wgmma.cuh. A is any operand that is wide(): images whose
// channels are a multiple of 8, at an address that is a multiple of 16 bytes. Any strides, pads and dilations; take
// GemmMma for other images, GemmWgmma where the kernel is a single pixel.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CUDA_CONV_WGMMA_CUH
#define TENON_CUDA_CONV_WGMMA_CUH

#include "tenon/cuda/conv.cuh"
#include "tenon/cuda/gemm_wgmma.cuh"

namespace tenon::device {

/// Tiles of 128 x TileN (64 or 128), stages of depth 64. Copies of InFlight stages are on their way.
template <class T, int TileN = 128, int Stages = 4, bool TransposedB = false, int InFlight = Stages - 2>
struct ConvWgmma : detail::WgmmaTiles<T, TileN, Stages, TransposedB> {
  static_assert(TileN <= 128, "128 sums spill beside producers that compute addresses");
  // Consumers free a stage when they have begun with the next one: that must be full while the producers wait.
  static_assert(InFlight >= 1 && InFlight <= Stages - 2, "two stages are with the consumers");

  /// Called by all threads of a block, which compute one tile of every batch that falls to the block.
  template <class A, class Epilogue>
  static TENON_DEVICE void run(const GemmShape &shape, const A &a, const TensorMap *mapB, bool sharedB,
                               const Epilogue &epilogue) {
    TENON_DYNAMIC_SHARED(shared);
    __shared__ Mbarrier full[Stages], empty[Stages];
    Ring ring = {shared, full, empty};
    Tiles::start(ring, kWarps + 1); // of A, and the thread that expects B
    int group = threadIdx.x / 128;
    if (group == 2) {
      decreaseRegisters<104>(); // 2 * 200 + 104 is three times the 168 of the launch
      produce(ring, shape, a, mapB, sharedB);
    } else {
      increaseRegisters<200>();
      Tiles::consume(ring, shape, group, epilogue);
    }
  }

private:
  using Tiles = detail::WgmmaTiles<T, TileN, Stages, TransposedB>;
  using Ring = typename Tiles::Ring;
  /// A thread brings one chunk of every sixteenth line.
  static constexpr int kWarps = 4, kChunks = 8, kStep = 128 / kChunks, kLines = Tiles::tileM / kStep;

  template <class A>
  static TENON_DEVICE void produce(Ring ring, const GemmShape &shape, const A &a, const TensorMap *mapB, bool sharedB) {
    detail::TilePlace place(shape, Tiles::tileM, TileN);
    int thread = static_cast<int>(threadIdx.x) % 128, chunk = thread % kChunks, line = thread / kChunks;
    int inTile =
        line * Tiles::tileK + (chunk ^ (line % 8)) * 8; // where chunks of these lines lie: lines have 128 bytes
    int tiles = Tiles::tilesOf(shape);
    for (int batch = place.batch; batch < shape.batch; batch += place.batchStep) {
      typename A::Line lines[kLines];
#pragma unroll
      for (int s = 0; s < kLines; ++s)
        lines[s] = a.line(batch, place.row + line + s * kStep);
      for (int tile = 0; tile < tiles; ++tile, ++ring.count) {
        ring.waitEmpty();
        if (thread == 0) {
          mbarrierArriveExpectBytes(ring.full + ring.stage(), Tiles::bytesB);
          Tiles::loadB(ring, mapB, tile, place.column, sharedB ? 0 : batch);
        }
        int k = tile * Tiles::tileK + chunk * 8;
        typename A::Position position = a.position(k);
        T *target = reinterpret_cast<T *>(ring.a()) + inTile;
#pragma unroll
        for (int s = 0; s < kLines; ++s)
          detail::fetchChunk(target + s * kStep * Tiles::tileK, a, /*wide=*/true, lines[s], position, batch,
                             place.row + line + s * kStep, k);
        commitAsync();
        waitAsync<InFlight>();
        if (ring.count >= InFlight)
          publish(ring, ring.count - InFlight);
      }
    }
    waitAsync<0>();
    for (int last = ring.count < InFlight ? 0 : ring.count - InFlight; last < ring.count; ++last)
      publish(ring, last);
  }

  /// What this warp copied to a stage is there: tells the consumers.
  static TENON_DEVICE void publish(const Ring &ring, int count) {
    fenceProxyAsync(); // cp.async writes as ordinary stores do, wgmma reads past them
    __syncwarp();
    if (threadIdx.x % 32 == 0)
      mbarrierArrive(ring.full + count % Stages);
  }
};

} // namespace tenon::device

#endif // TENON_CUDA_CONV_WGMMA_CUH
