// C = A B^T + bias by cp.async, ldmatrix and mma.sync. A [M][K], B [N][K] half with K a multiple of 8, C [M][N] float.
// Blocks of 64x64, 4 warps of 32x32, stages of depth 32 in a ring of three. Written for the mutation suite: every line
// matters.
#include "tenon/cuda/async.cuh"
#include "tenon/cuda/mma.cuh"

using namespace tenon::device;

constexpr int kTile = 64, kTileK = 32, kStages = 3;

/// A row of a tile has four chunks of 16 bytes; their order depends on the row, against bank conflicts.
__device__ half *chunkOf(half *tile, int row, int chunk) { return tile + row * kTileK + (chunk ^ (row / 2 & 3)) * 8; }

/// Starts to copy rows [first, first + 64) at depth k; what lies outside of the matrix becomes zero.
__device__ void loadTile(half *tile, const half *matrix, int first, int rows, int k, int depth) {
  for (int i = threadIdx.x; i < kTile * 4; i += blockDim.x) {
    int row = i / 4, column = k + i % 4 * 8;
    bool inside = first + row < rows && column < depth;
    const half *source = inside ? matrix + static_cast<int64_t>(first + row) * depth + column : matrix;
    copyAsyncZeroFill<16>(chunkOf(tile, row, i % 4), source, inside ? 16 : 0);
  }
}

__device__ void multiplyStage(float (&acc)[2][4][4], half *a, half *b, int warpRow, int warpColumn) {
  int lane = threadIdx.x % 32;
  for (int k = 0; k < kTileK / 16; ++k) {
    uint32_t fragmentsA[2][4], fragmentsB[4][2];
    for (int i = 0; i < 2; ++i)
      loadMatrix<4>(fragmentsA[i], chunkOf(a, warpRow + 16 * i + lane % 16, 2 * k + lane / 16));
    for (int j = 0; j < 4; ++j)
      loadMatrix<2>(fragmentsB[j], chunkOf(b, warpColumn + 8 * j + lane % 8, 2 * k + lane / 8 % 2));
    for (int i = 0; i < 2; ++i)
      for (int j = 0; j < 4; ++j)
        mmaM16N8K16<half>(acc[i][j], fragmentsA[i], fragmentsB[j]);
  }
}

extern "C" __global__ void __launch_bounds__(128)
    gemmSm80(const half *a, const half *b, const float *bias, float *c, int m, int n, int depth) {
  TENON_DYNAMIC_SHARED(shared);
  half *tilesA = reinterpret_cast<half *>(shared), *tilesB = tilesA + kStages * kTile * kTileK;
  int firstRow = blockIdx.y * kTile, firstColumn = blockIdx.x * kTile;
  int warp = threadIdx.x / 32, warpRow = warp / 2 * 32, warpColumn = warp % 2 * 32;
  int tiles = (depth + kTileK - 1) / kTileK;
  auto load = [&](int tile) {
    int stage = tile % kStages * kTile * kTileK;
    loadTile(tilesA + stage, a, firstRow, m, tile * kTileK, depth);
    loadTile(tilesB + stage, b, firstColumn, n, tile * kTileK, depth);
  };
  for (int tile = 0; tile < kStages - 1; ++tile) {
    if (tile < tiles)
      load(tile);
    commitAsync(); // prologue
  }
  float acc[2][4][4] = {};
  for (int tile = 0; tile < tiles; ++tile) {
    waitAsync<kStages - 2>();
    __syncthreads();
    if (tile + kStages - 1 < tiles)
      load(tile + kStages - 1);
    commitAsync(); // loop
    int stage = tile % kStages * kTile * kTileK;
    multiplyStage(acc, tilesA + stage, tilesB + stage, warpRow, warpColumn);
  }
  int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 4; ++j)
      for (int e = 0; e < 4; ++e) {
        int row = firstRow + warpRow + 16 * i + g + e / 2 * 8, column = firstColumn + warpColumn + 8 * j + 2 * t + e % 2;
        if (row < m && column < n)
          c[static_cast<int64_t>(row) * n + column] = acc[i][j][e] + bias[column];
      }
}
TENON_KERNEL(gemmSm80);
