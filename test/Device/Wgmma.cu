// wgmma: every width, type, swizzle and major-ness, A in shared memory and in registers.
#include "tenon/cuda/block.cuh"
#include "tenon/cuda/tma.cuh"
#include "tenon/cuda/wgmma.cuh"

using namespace tenon::device;

constexpr int kDepth = 64;

/// A tile of `rows` (M or N) by 64 (K) 16-bit elements in shared memory, loaded as boxes of lines of `kSpan` elements.
template <Swizzle S, Major M>
struct Tile {
  static constexpr int kSpan = S == Swizzle::None ? 8 : S == Swizzle::Bytes32 ? 16 : S == Swizzle::Bytes64 ? 32 : 64;
  static constexpr int kLine = kSpan * 2;

  /// From [rows][64] where K-major, from [64][rows] where MN-major.
  static __device__ void load(unsigned char *tile, const TensorMap *map, Mbarrier *barrier, int rows) {
    if constexpr (M == Major::K)
      for (int box = 0; box < kDepth / kSpan; ++box)
        tensorLoad(tile + box * rows * kLine, map, barrier, box * kSpan, 0);
    else
      for (int box = 0; box < rows / kSpan; ++box)
        tensorLoad(tile + box * kDepth * kLine, map, barrier, box * kSpan, 0);
  }
  /// The descriptor of k = 16 * step to 16 * step + 15.
  static __device__ uint64_t descriptor(const unsigned char *tile, int rows, int step) {
    int k = 16 * step;
    if constexpr (M == Major::K) {
      const unsigned char *start = tile + k / kSpan * rows * kLine + k % kSpan * 2;
      if constexpr (S == Swizzle::None)
        return matrixDescriptor(start, S, rows * kLine, 8 * kLine);
      return matrixDescriptor(start, S, 16, 8 * kLine);
    }
    const unsigned char *start = tile + k * kLine;
    if constexpr (S == Swizzle::None)
      return matrixDescriptor(start, S, 8 * kLine, kDepth * kLine);
    return matrixDescriptor(start, S, kDepth * kLine, 8 * kLine);
  }
};

/// d[64][N] = (accumulate ? d : 0) + A B by one warp group. `rowMajorA`: for A in registers.
template <class T, int N, Swizzle S, Major MA, Major MB, bool InRegisters = false>
__device__ void multiply(const TensorMap *mapA, const TensorMap *mapB, const T *rowMajorA, float *out, int accumulate) {
  TENON_DYNAMIC_SHARED(shared);
  __shared__ Mbarrier barrier;
  unsigned char *a = shared, *b = shared + 64 * kDepth * 2;
  if (threadIdx.x == 0) {
    mbarrierInit(&barrier, 1);
    fenceMbarrierInit();
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    mbarrierArriveExpectBytes(&barrier, (64 + N) * kDepth * 2);
    Tile<S, MA>::load(a, mapA, &barrier, 64);
    Tile<S, MB>::load(b, mapB, &barrier, N);
  }
  float d[N / 2];
  int row = 16 * (threadIdx.x / 32) + threadIdx.x % 32 / 4, column = threadIdx.x % 4 * 2;
#pragma unroll
  for (int j = 0; j < N / 2; ++j)
    d[j] = out[(row + 8 * (j / 2 % 2)) * N + 8 * (j / 4) + column + j % 2];
  mbarrierWait(&barrier, 0);
  uint32_t fragments[kDepth / 16][4];
  if constexpr (InRegisters) {
#pragma unroll
    for (int i = 0; i < kDepth / 4; ++i) {
      const T *pair = rowMajorA + (row + 8 * (i % 2)) * kDepth + i / 4 * 16 + column + i / 2 % 2 * 8;
      fragments[i / 4][i % 4] = pair[0].bits | static_cast<uint32_t>(pair[1].bits) << 16;
    }
  }
  wgmmaFence();
#pragma unroll
  for (int step = 0; step < kDepth / 16; ++step) {
    uint64_t descB = Tile<S, MB>::descriptor(b, N, step);
    if constexpr (InRegisters)
      wgmmaRegisters<T, N, MB>(d, fragments[step], descB, accumulate || step);
    else
      wgmma<T, N, MA, MB>(d, Tile<S, MA>::descriptor(a, 64, step), descB, accumulate || step);
  }
  wgmmaCommit();
  wgmmaWait<0>();
#pragma unroll
  for (int j = 0; j < N / 2; ++j)
    out[(row + 8 * (j / 2 % 2)) * N + 8 * (j / 4) + column + j % 2] = d[j];
}

#define WGMMA_TEST(name, T, N, swizzle, majorA, majorB, inRegisters)                                                   \
  extern "C" __global__ void __launch_bounds__(128)                                                                    \
      name(const __grid_constant__ TensorMap mapA, const __grid_constant__ TensorMap mapB, const T *a, float *out,     \
           int accumulate) {                                                                                           \
    multiply<T, N, Swizzle::swizzle, Major::majorA, Major::majorB, inRegisters>(&mapA, &mapB, a, out, accumulate);     \
  }                                                                                                                    \
  TENON_KERNEL(name)

WGMMA_TEST(half64, half, 64, Bytes128, K, K, false);
WGMMA_TEST(half128, half, 128, Bytes128, K, K, false);
WGMMA_TEST(half256, half, 256, Bytes128, K, K, false);
WGMMA_TEST(bfloat64, bfloat16, 64, Bytes128, K, K, false);
WGMMA_TEST(bfloat128, bfloat16, 128, Bytes128, K, K, false);
WGMMA_TEST(bfloat256, bfloat16, 256, Bytes128, K, K, false);
WGMMA_TEST(swizzle64, half, 128, Bytes64, K, K, false);
WGMMA_TEST(swizzle32, half, 128, Bytes32, K, K, false);
WGMMA_TEST(noSwizzle, half, 128, None, K, K, false);
WGMMA_TEST(transposedB, half, 128, Bytes128, K, MN, false);
WGMMA_TEST(transposedA, half, 64, Bytes128, MN, K, false);
WGMMA_TEST(transposedBoth, bfloat16, 256, Bytes128, MN, MN, false);
WGMMA_TEST(transposed64, half, 128, Bytes64, MN, MN, false);
WGMMA_TEST(transposed32, half, 128, Bytes32, MN, MN, false);
WGMMA_TEST(transposedNone, half, 128, None, MN, MN, false);
WGMMA_TEST(registersA64, half, 64, Bytes128, K, K, true);
WGMMA_TEST(registersA128, bfloat16, 128, Bytes128, K, MN, true);
WGMMA_TEST(registersA256, half, 256, Bytes128, K, K, true);
