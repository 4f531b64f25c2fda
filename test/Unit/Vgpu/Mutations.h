//===- Mutations.h - Faults to inject into kernels and wrappers -----------===//
#ifndef TENON_TEST_VGPU_MUTATIONS_H
#define TENON_TEST_VGPU_MUTATIONS_H

namespace tenon::test {

/// One fault: in `file` (a kernel of test/Device, or a header), the one occurrence of `before` becomes `after`.
struct Mutation {
  const char *name;
  const char *file;
  const char *before;
  const char *after;
};

inline constexpr Mutation kMutations[] = {
    // ---- cp.async and mma.sync
    {"wait one group short", "GemmSm80.cu", "waitAsync<kStages - 2>", "waitAsync<kStages - 1>"},
    {"no wait for copies", "GemmSm80.cu", "    waitAsync<kStages - 2>();\n", ""},
    {"no barrier after the wait", "GemmSm80.cu", "    __syncthreads();\n", ""},
    {"barrier before the wait", "GemmSm80.cu", "    waitAsync<kStages - 2>();\n    __syncthreads();\n",
     "    __syncthreads();\n    waitAsync<kStages - 2>();\n"},
    {"barrier only every other tile", "GemmSm80.cu", "    __syncthreads();\n",
     "    if (tile % 2)\n      __syncthreads();\n"},
    {"barrier of a warp instead of the block", "GemmSm80.cu", "    __syncthreads();\n", "    __syncwarp();\n"},
    {"no commit in the loop", "GemmSm80.cu", "    commitAsync(); // loop\n", ""},
    {"no commit in the prologue", "GemmSm80.cu", "    commitAsync(); // prologue\n", ""},
    {"loads into the stage in use", "GemmSm80.cu", "load(tile + kStages - 1);", "load(tile + kStages);"},
    {"ring one stage too short", "GemmSm80.cu", "int stage = tile % kStages * kTile * kTileK;\n    loadTile",
     "int stage = tile % (kStages - 1) * kTile * kTileK;\n    loadTile"},
    {"stages overlap", "GemmSm80.cu", "tilesA + kStages * kTile * kTileK", "tilesA + (kStages - 1) * kTile * kTileK"},
    {"no zero fill beyond the depth", "GemmSm80.cu", "first + row < rows && column < depth", "first + row < rows"},
    {"zero fill one chunk early", "GemmSm80.cu", "column < depth;", "column + 8 < depth;"},
    {"last tile dropped", "GemmSm80.cu", "(depth + kTileK - 1) / kTileK", "depth / kTileK"},
    {"half of the rows copied", "GemmSm80.cu", "i < kTile * 4", "i < kTile * 2"},
    {"source misaligned", "GemmSm80.cu", "* depth + column : matrix", "* depth + column + 4 : matrix"},
    {"swizzle not applied to reads of A", "GemmSm80.cu", "chunkOf(a, warpRow + 16 * i + lane % 16, 2 * k + lane / 16)",
     "a + (warpRow + 16 * i + lane % 16) * kTileK + (2 * k + lane / 16) * 8"},
    {"ldmatrix names rows of another matrix", "GemmSm80.cu", "16 * i + lane % 16", "16 * i + lane % 8"},
    {"ldmatrix takes k of another matrix", "GemmSm80.cu", "2 * k + lane / 8 % 2", "2 * k"},
    {"B loaded transposed", "GemmSm80.cu", "loadMatrix<2>", "loadMatrixTransposed<2>"},
    {"half of the depth multiplied", "GemmSm80.cu", "k < kTileK / 16", "k < kTileK / 32"},
    {"fragment rows mixed up", "GemmSm80.cu", "g + e / 2 * 8", "g + e % 2 * 8"},
    {"row tail off by one", "GemmSm80.cu", "row < m &&", "row <= m &&"},
    {"column tail off by one", "GemmSm80.cu", "column < n)\n", "column <= n)\n"},
    {"bias off by one", "GemmSm80.cu", "bias[column]", "bias[column + 1]"},
    // ---- TMA, mbarriers, wgmma
    {"no barrier after the initialisation", "GemmSm90.cu", "  __syncthreads();\n", ""},
    {"full barrier expects two arrivals", "GemmSm90.cu", "mbarrierInit(full + s, 1)", "mbarrierInit(full + s, 2)"},
    {"empty barrier expects one arrival", "GemmSm90.cu", "mbarrierInit(empty + s, 2)", "mbarrierInit(empty + s, 1)"},
    {"a barrier not initialised", "GemmSm90.cu", "s < kStages; ++s", "s < kStages - 1; ++s"},
    {"producer waits for the wrong parity", "GemmSm90.cu", "(k / kStages & 1) ^ 1", "k / kStages & 1"},
    {"consumer waits for the wrong parity", "GemmSm90.cu", "mbarrierWait(p.full + stage, k / kStages & 1)",
     "mbarrierWait(p.full + stage, (k / kStages & 1) ^ 1)"},
    {"consumer's parity turns too often", "GemmSm90.cu", "mbarrierWait(p.full + stage, k / kStages & 1)",
     "mbarrierWait(p.full + stage, k & 1)"},
    {"consumer does not wait", "GemmSm90.cu", "    mbarrierWait(p.full + stage, k / kStages & 1);\n", ""},
    {"producer does not wait", "GemmSm90.cu", "    mbarrierWait(p.empty + stage, (k / kStages & 1) ^ 1);\n", ""},
    {"too few bytes expected", "GemmSm90.cu", "p.full + stage, 2 * kTileBytes", "p.full + stage, kTileBytes"},
    {"too many bytes expected", "GemmSm90.cu", "p.full + stage, 2 * kTileBytes", "p.full + stage, 2 * kTileBytes + 16"},
    {"stage released one product early", "GemmSm90.cu", "p.empty + (k - 1) % kStages", "p.empty + k % kStages"},
    {"wait leaves too many products in flight", "GemmSm90.cu", "wgmmaWait<1>", "wgmmaWait<2>"},
    {"no last wait for products", "GemmSm90.cu", "  wgmmaWait<0>();\n", ""},
    {"products not committed", "GemmSm90.cu", "    wgmmaCommit();\n", ""},
    {"no fence before the products", "GemmSm90.cu", "    wgmmaFence();\n", ""},
    {"every thread releases the stage", "GemmSm90.cu", "k > 0 && leader", "k > 0"},
    {"only one group releases the stage", "GemmSm90.cu", "threadIdx.x % 128 == 0", "threadIdx.x == 0"},
    {"descriptor steps too short", "GemmSm90.cu", "advanceDescriptor(descB, 32 * step)",
     "advanceDescriptor(descB, 16 * step)"},
    {"descriptor of another swizzle", "GemmSm90.cu", "p.b + stage * kTileBytes, Swizzle::Bytes128",
     "p.b + stage * kTileBytes, Swizzle::Bytes64"},
    {"descriptor with the wrong stride", "GemmSm90.cu", "p.b + stage * kTileBytes, Swizzle::Bytes128, 16, 1024",
     "p.b + stage * kTileBytes, Swizzle::Bytes128, 16, 512"},
    {"both groups multiply the same rows", "GemmSm90.cu", " + group * kTileBytes / 2", ""},
    {"coordinates in the wrong order", "GemmSm90.cu", "p.full + stage, k * kTileK, row",
     "p.full + stage, row, k * kTileK"},
    {"first product added to nothing", "GemmSm90.cu", "k + step > 0", "k + step > 1"},
    {"producer stops early", "GemmSm90.cu",
     "for (int k = 0; k < tiles; ++k) {\n    int stage = k % kStages;\n    mbarrierWait(p.empty",
     "for (int k = 0; k < tiles - 1; ++k) {\n    int stage = k % kStages;\n    mbarrierWait(p.empty"},
    {"producer goes too far", "GemmSm90.cu",
     "for (int k = 0; k < tiles; ++k) {\n    int stage = k % kStages;\n    mbarrierWait(p.empty",
     "for (int k = 0; k < tiles + 1; ++k) {\n    int stage = k % kStages;\n    mbarrierWait(p.empty"},
    {"last tile of the depth dropped", "GemmSm90.cu", "(depth + kTileK - 1) / kTileK", "depth / kTileK"},
    {"no proxy fence before the store", "GemmSm90.cu", "  fenceProxyAsync();\n", ""},
    {"no barrier before the store", "GemmSm90.cu", "  barrierSync(1 + group, 128);\n", ""},
    {"barrier shared by both groups", "GemmSm90.cu", "barrierSync(1 + group, 128)", "barrierSync(1, 128)"},
    {"barrier for the wrong number", "GemmSm90.cu", "barrierSync(1 + group, 128)", "barrierSync(1 + group, 256)"},
    {"store not swizzled", "GemmSm90.cu", "(chunk ^ (r & 7))", "chunk"},
    {"store not committed", "GemmSm90.cu", "    commitBulk();\n", ""},
    {"store not waited for", "GemmSm90.cu", "    waitBulkRead<0>();\n", ""},
    {"second box stored to the first", "GemmSm90.cu", "column + 64, row", "column, row"},
    // ---- reductions, in the wrappers
    {"no barrier before the partial results are read", "tenon/cuda/block.cuh",
     "    partial[warpIndex()] = value;\n  __syncthreads();\n", "    partial[warpIndex()] = value;\n"},
    {"no barrier before the scratch is used again", "tenon/cuda/block.cuh",
     "  value = shuffle(value, 0);\n  __syncthreads();\n", "  value = shuffle(value, 0);\n"},
    {"last warp left out", "tenon/cuda/block.cuh", "lane + step < warps)", "lane + step < warps - 1)"},
    {"warps that do not exist counted", "tenon/cuda/block.cuh", "lane + step < warps)", "lane + step <= warps)"},
    {"butterfly one step short", "tenon/cuda/warp.cuh", "int step = Width / 2;", "int step = Width / 4;"},
    {"shuffle of a segment", "tenon/cuda/warp.cuh", "return __shfl_xor_sync(mask, value, laneMask);",
     "return __shfl_xor_sync(mask, value, laneMask, 16);"},
};

} // namespace tenon::test

#endif // TENON_TEST_VGPU_MUTATIONS_H
