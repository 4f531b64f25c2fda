//===- TemplateMutations.h - Faults to inject into templates ---------------===//
//
// Of attention and convolution, by mma.sync and by wgmma. TemplateMutationTest.cpp says which problems run.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_TEST_CUDATEMPLATES_TEMPLATEMUTATIONS_H
#define TENON_TEST_CUDATEMPLATES_TEMPLATEMUTATIONS_H

#include "FaultSearch.h"

namespace tenon::test {

inline constexpr Mutation kConvMma[] = {
    {"wait one group short", "tenon/cuda/gemm.cuh", "waitAsync<Stages - 2>", "waitAsync<Stages - 1>"},
    {"no barrier after the wait", "tenon/cuda/gemm.cuh", "      waitAsync<Stages - 2>();\n      __syncthreads();\n",
     "      waitAsync<Stages - 2>();\n"},
    {"loads into the stage in use", "tenon/cuda/gemm.cuh", "load(tile + Stages - 1);", "load(tile + Stages);"},
    {"no barrier before sums take the stages' place", "tenon/cuda/gemm.cuh",
     "      __syncthreads(); // nobody reads the shared memory any more\n", ""},
    {"no barrier before sums are read", "tenon/cuda/gemm.cuh", "        put(shared);\n      __syncthreads();\n",
     "        put(shared);\n"},
    {"row tail off by one", "tenon/cuda/gemm.cuh", "row < shape.m && count > 0", "row <= shape.m && count > 0"},
    {"swizzle not applied to reads of A", "tenon/cuda/gemm_mma.cuh",
     "a + chunkAlongK(row + 16 * i + lane % 16, 2 * step + lane / 16)",
     "a + (row + 16 * i + lane % 16) * TileK + (2 * step + lane / 16) * perChunk"},
    {"last tile of the depth dropped", "tenon/cuda/gemm_mma.cuh", "shape.k / TileK + (shape.k % TileK != 0)",
     "shape.k / TileK"},
    {"column before the image read", "tenon/cuda/conv.cuh", "x >= 0 && x < shape.width", "x >= -1 && x < shape.width"},
    {"row behind the image read", "tenon/cuda/conv.cuh", "y >= 0 && y < shape.height", "y >= 0 && y <= shape.height"},
    {"pad at the wrong side", "tenon/cuda/conv.cuh", "x * shape.strideX - shape.padLeft",
     "x * shape.strideX + shape.padLeft"},
    {"stride taken for dilation", "tenon/cuda/conv.cuh", "{y * shape.dilationY, x * shape.dilationX",
     "{y * shape.strideY, x * shape.dilationX"},
    {"images of the wrong size", "tenon/cuda/conv.cuh", "image * shape.height * shape.width * shape.channels",
     "image * shape.outHeight * shape.outWidth * shape.channels"},
    {"channel of another chunk", "tenon/cuda/conv.cuh", "* shape.channels + j.channel : data",
     "* shape.channels + j.channel / 16 * 16 : data"},
};

inline constexpr Mutation kConvWgmma[] = {
    {"no proxy fence before the arrival", "tenon/cuda/conv_wgmma.cuh",
     "    fenceProxyAsync(); // cp.async writes as ordinary stores do, wgmma reads past them\n", ""},
    {"proxy fence before the wait", "tenon/cuda/conv_wgmma.cuh", "        waitAsync<InFlight>();\n",
     "        fenceProxyAsync();\n        waitAsync<InFlight + 1>();\n"},
    {"wait one group short", "tenon/cuda/conv_wgmma.cuh", "waitAsync<InFlight>", "waitAsync<InFlight + 1>"},
    {"no last wait for copies", "tenon/cuda/conv_wgmma.cuh", "    waitAsync<0>();\n", ""},
    {"stage published too early", "tenon/cuda/conv_wgmma.cuh", "publish(ring, ring.count - InFlight);",
     "publish(ring, ring.count - InFlight + 1);"},
    {"last stage not published", "tenon/cuda/conv_wgmma.cuh", "last < ring.count; ++last",
     "last < ring.count - 1; ++last"},
    {"warp does not meet before the arrival", "tenon/cuda/conv_wgmma.cuh", "    __syncwarp();\n", ""},
    {"one warp arrives for all", "tenon/cuda/conv_wgmma.cuh", "if (threadIdx.x % 32 == 0)",
     "if (threadIdx.x % 128 == 0)"},
    {"full barrier expects one arrival less", "tenon/cuda/conv_wgmma.cuh", "kWarps + 1)", "kWarps)"},
    {"producers do not wait", "tenon/cuda/conv_wgmma.cuh", "        ring.waitEmpty();\n", ""},
    {"too few bytes expected", "tenon/cuda/conv_wgmma.cuh", "ring.full + ring.stage(), Tiles::bytesB",
     "ring.full + ring.stage(), Tiles::bytesB / 2"},
    {"chunks not swizzled", "tenon/cuda/conv_wgmma.cuh", "(chunk ^ (line % 8)) * 8", "chunk * 8"},
    {"lines of the first tile", "tenon/cuda/conv_wgmma.cuh", "a.line(batch, place.row + line", "a.line(batch, line"},
    {"consumers wait for the wrong parity", "tenon/cuda/gemm_wgmma.cuh",
     "mbarrierWait(ring.full + ring.stage(), ring.parity());",
     "mbarrierWait(ring.full + ring.stage(), ring.parity() ^ 1);"},
    {"producers wait for the wrong parity", "tenon/cuda/gemm_wgmma.cuh", "empty + stage(), parity() ^ 1",
     "empty + stage(), parity()"},
    {"stage released while it is read", "tenon/cuda/gemm_wgmma.cuh",
     "      if (tile > 0 && leader)\n        mbarrierArrive(ring.empty + (ring.count - 1) % Stages);",
     "      if (tile > 0 && leader)\n        mbarrierArrive(ring.empty + ring.count % Stages);"},
    {"wait leaves too many products in flight", "tenon/cuda/gemm_wgmma.cuh", "wgmmaWait<1>", "wgmmaWait<2>"},
    {"weights of the next tile", "tenon/cuda/gemm_wgmma.cuh", "column + 64 * box, tile * tileK",
     "column + 64 * box, tile * tileK + 1"},
};

inline constexpr Mutation kAttentionMma[] = {
    {"no wait for keys", "tenon/cuda/attention.cuh", "      waitAsync<0>();\n      __syncthreads(); // keys",
     "      __syncthreads(); // keys"},
    {"no barrier before values are overwritten", "tenon/cuda/attention.cuh",
     "      __syncthreads(); // keys are there, and nobody reads the values of the last tile any more\n", ""},
    {"no wait for values", "tenon/cuda/attention.cuh", "      waitAsync<0>();\n      __syncthreads(); // values",
     "      __syncthreads(); // values"},
    {"no barrier before keys are overwritten", "tenon/cuda/attention.cuh",
     "      __syncthreads(); // values are there, and nobody reads these keys any more\n", ""},
    {"keys of the same tile again", "tenon/cuda/attention.cuh", "(tile + 1) * Tile::tileK", "tile * Tile::tileK"},
    {"one key too many", "tenon/cuda/attention.cuh", "if (key >= keys ||", "if (key > keys ||"},
    {"query does not see its own key", "tenon/cuda/attention.cuh", "key > line.lastKey", "key >= line.lastKey"},
    {"tile of the last visible key left out", "tenon/cuda/attention.cuh", "last + 1 + rule.causalOffset",
     "last + rule.causalOffset"},
    {"last query of a tile over two heads", "tenon/cuda/attention.cuh",
     "first / shape.queries == head ? end - 1 - head * shape.queries : shape.queries - 1",
     "end - 1 - head * shape.queries"},
    {"mask of another head", "tenon/cuda/attention.cuh", "static_cast<int64_t>(keyHead) * shape.group + head",
     "static_cast<int64_t>(keyHead) + head"},
    {"sum of weights not scaled", "tenon/cuda/attention.cuh", "    sum *= scale;\n", ""},
    {"minus infinity less minus infinity", "tenon/cuda/attention.cuh", "next == -infinity() ? 0.0f : next * log2e",
     "next * log2e"},
    {"sums not scaled", "tenon/cuda/attention_mma.cuh", "sums[j / 2][2 * i + j % 2] *= scale;", ";"},
    {"keys of another matrix", "tenon/cuda/attention_mma.cuh", "step + lane() / 8 % 2 * 8", "step"},
    {"values not transposed", "tenon/cuda/attention_mma.cuh", "loadMatrixTransposed<4>", "loadMatrix<4>"},
};

inline constexpr Mutation kAttentionWgmma[] = {
    {"producer waits for the wrong parity", "tenon/cuda/attention_wgmma.cuh", "empty + slot(), parity() ^ 1",
     "empty + slot(), parity()"},
    {"producer does not wait", "tenon/cuda/attention_wgmma.cuh", "      mbarrierWait(empty + slot(), parity() ^ 1);\n",
     ""},
    {"consumers wait for the wrong parity", "tenon/cuda/attention_wgmma.cuh", "full + slot(), parity())",
     "full + slot(), parity() ^ 1)"},
    {"too few bytes expected", "tenon/cuda/attention_wgmma.cuh", "boxes * kBoxK)", "kBoxK)"},
    {"too few bytes of queries expected", "tenon/cuda/attention_wgmma.cuh", "queries, Depth / 64 * kBoxQ",
     "queries, kBoxQ"},
    {"empty barrier expects one arrival", "tenon/cuda/attention_wgmma.cuh", "mbarrierInit(empty + s, 2)",
     "mbarrierInit(empty + s, 1)"},
    {"no wait for queries", "tenon/cuda/attention_wgmma.cuh", "      mbarrierWait(queries, 0);\n", "      ;\n"},
    {"keys released before they are read", "tenon/cuda/attention_wgmma.cuh",
     "      multiplyKeys(scores, q + group * (kBoxQ / 2), ring.data());\n      ring.release();\n",
     "      ring.release();\n      --ring.count;\n      multiplyKeys(scores, q + group * (kBoxQ / 2), ring.data());\n"
     "      ++ring.count;\n"},
    {"no wait for values", "tenon/cuda/attention_wgmma.cuh", "      ring.waitFull();\n      multiplyValues",
     "      multiplyValues"},
    {"both groups have the same queries", "tenon/cuda/attention_wgmma.cuh", "q + group * (kBoxQ / 2)", "q"},
    {"scores used before the products end", "tenon/cuda/attention_wgmma.cuh",
     "    wgmmaWait<0>();\n  }\n\n  /// Scores", "  }\n\n  /// Scores"},
    {"no fence before products with values", "tenon/cuda/attention_wgmma.cuh",
     "Swizzle::Bytes128, kBoxK, 1024);\n    wgmmaFence();\n", "Swizzle::Bytes128, kBoxK, 1024);\n"},
    {"values of other keys", "tenon/cuda/attention_wgmma.cuh", "step * 16 * kLineBytes", "step * 8 * kLineBytes"},
    {"keys of the first tile", "tenon/cuda/attention_wgmma.cuh", "ring.fill(mapK, Depth / 64, tile * TileK",
     "ring.fill(mapK, Depth / 64, 0 * TileK"},
    {"sums not scaled", "tenon/cuda/attention_wgmma.cuh", "sums[j / 2 * 4 + 2 * i + j % 2] *= scale;", ";"},
};

} // namespace tenon::test

#endif // TENON_TEST_CUDATEMPLATES_TEMPLATEMUTATIONS_H
