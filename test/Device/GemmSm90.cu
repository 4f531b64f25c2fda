// C = A B^T by TMA and wgmma, warp-specialised: one producer warp, two consumer warp groups. A [M][K], B [N][K], C [M][N]
// half. Blocks of 128x128, stages of depth 64 in a ring of three, one wgmma group in flight, C stored by TMA. Written
// for the mutation suite: every line matters.
//
// Tensor maps: A and B in boxes of 64x128 (128-byte swizzle), C in boxes of 64x64 (128-byte swizzle).
#include "tenon/cuda/block.cuh"
#include "tenon/cuda/tma.cuh"
#include "tenon/cuda/wgmma.cuh"

using namespace tenon::device;

constexpr int kTile = 128, kTileK = 64, kStages = 3, kTileBytes = kTile * kTileK * 2;

struct Pipeline {
  unsigned char *a, *b, *c; // c: 64x128 per consumer group
  Mbarrier *full, *empty;
};

__device__ void produce(Pipeline p, const TensorMap *mapA, const TensorMap *mapB, int row, int column, int tiles) {
  for (int k = 0; k < tiles; ++k) {
    int stage = k % kStages;
    mbarrierWait(p.empty + stage, (k / kStages & 1) ^ 1);
    mbarrierArriveExpectBytes(p.full + stage, 2 * kTileBytes);
    tensorLoad(p.a + stage * kTileBytes, mapA, p.full + stage, k * kTileK, row);
    tensorLoad(p.b + stage * kTileBytes, mapB, p.full + stage, k * kTileK, column);
  }
}

__device__ void consume(Pipeline p, float (&d)[kTile / 2], int group, int tiles) {
  bool leader = threadIdx.x % 128 == 0;
  for (int k = 0; k < tiles; ++k) {
    int stage = k % kStages;
    mbarrierWait(p.full + stage, k / kStages & 1);
    uint64_t descA = matrixDescriptor(p.a + stage * kTileBytes + group * kTileBytes / 2, Swizzle::Bytes128, 16, 1024);
    uint64_t descB = matrixDescriptor(p.b + stage * kTileBytes, Swizzle::Bytes128, 16, 1024);
    wgmmaFence();
#pragma unroll
    for (int step = 0; step < kTileK / 16; ++step)
      wgmma<half, kTile>(d, advanceDescriptor(descA, 32 * step), advanceDescriptor(descB, 32 * step), k + step > 0);
    wgmmaCommit();
    wgmmaWait<1>();
    if (k > 0 && leader)
      mbarrierArrive(p.empty + (k - 1) % kStages);
  }
  wgmmaWait<0>();
}

/// Registers to swizzled shared memory, then two boxes of 64 columns by TMA.
__device__ void store(Pipeline p, const float (&d)[kTile / 2], const TensorMap *mapC, int group, int row, int column) {
  unsigned char *tile = p.c + group * kTileBytes;
  int t = threadIdx.x % 128, inTile = 16 * (t / 32) + t % 32 / 4;
#pragma unroll
  for (int j = 0; j < kTile / 2; j += 2) {
    int r = inTile + 8 * (j / 2 % 2), chunk = j / 4 % 8, box = j / 32;
    half2 pair = packPair<half2>(d[j], d[j + 1]);
    *reinterpret_cast<half2 *>(tile + box * 8192 + r * 128 + (chunk ^ (r & 7)) * 16 + t % 4 * 4) = pair;
  }
  fenceProxyAsync();
  barrierSync(1 + group, 128);
  if (t == 0) {
    tensorStore(mapC, tile, column, row + 64 * group);
    tensorStore(mapC, tile + 8192, column + 64, row + 64 * group);
    commitBulk();
    waitBulkRead<0>();
  }
}

extern "C" __global__ void __launch_bounds__(384)
    gemmSm90(const __grid_constant__ TensorMap mapA, const __grid_constant__ TensorMap mapB,
             const __grid_constant__ TensorMap mapC, int depth) {
  TENON_DYNAMIC_SHARED(shared);
  __shared__ Mbarrier full[kStages], empty[kStages];
  Pipeline p = {shared, shared + kStages * kTileBytes, shared + 2 * kStages * kTileBytes, full, empty};
  int group = threadIdx.x / 128, row = blockIdx.y * kTile, column = blockIdx.x * kTile;
  int tiles = (depth + kTileK - 1) / kTileK;
  if (threadIdx.x == 0) {
    for (int s = 0; s < kStages; ++s) {
      mbarrierInit(full + s, 1);
      mbarrierInit(empty + s, 2);
    }
    fenceMbarrierInit();
  }
  __syncthreads();
  if (group == 2) {
    decreaseRegisters<40>();
    if (threadIdx.x == 256)
      produce(p, &mapA, &mapB, row, column, tiles);
  } else {
    increaseRegisters<232>();
    float d[kTile / 2];
    consume(p, d, group, tiles);
    store(p, d, &mapC, group, row, column);
  }
}
TENON_KERNEL(gemmSm90);
