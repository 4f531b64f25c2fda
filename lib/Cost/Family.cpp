//===- Family.cpp - How well each kind of kernel uses a device ------------===//
//
// Shares of the GPU families come from published measurements of comparable kernels, not from our own kernels: none has
// been timed on a GPU yet. Their intervals are wide on purpose. On the CPU, memory reaches from the cold weights of a
// network to those that stay in the third level.
//
//===----------------------------------------------------------------------===//
#include "tenon/Cost/Family.h"

#include <algorithm>

namespace tenon::cost {

double multiplyShare(int rows, int columns) {
  double sums = rows * columns, issued = sums + (rows + columns) / 4.0 + 2;
  double shared = 2.0 * (rows + columns); // 4 warps, each (rows + columns) / 4 loads of 2 cycles
  return std::min(sums / issued, sums / std::max(sums, shared));
}

const std::vector<Family> &families() {
  static const std::vector<Family> all = {
      {"attention_mma",
       {{0.2, 0.35, 0.6}, {0.5, 0.75, 0.92}, 8},
       "FlashAttention-2 reaches 35 % of an H100's f16 peak (arXiv 2407.08608)"},
      {"attention_simt", {{0.2, 0.4, 0.6}, {0.5, 0.75, 0.92}, 8}, "estimate: below gemm_simt, for the softmax between"},
      {"attention_wgmma",
       {{0.3, 0.5, 0.75}, {0.5, 0.75, 0.92}, 4},
       "FlashAttention-3 reaches 75 % of an H100's f16 peak (arXiv 2407.08608), by an overlap that this form lacks"},
      {"columns", {{0.3, 0.6, 0.9}, {0.4, 0.65, 0.9}, 8}, "estimate: rows, with more blocks a column"},
      {"conv_depthwise",
       {{0.1, 0.25, 0.5}, {0.35, 0.6, 0.85}, 8},
       "estimate: bound by memory; taps are read again from cache"},
      {"conv_mma", {{0.2, 0.4, 0.6}, {0.4, 0.7, 0.9}, 8}, "estimate: gemm_mma, with computed addresses"},
      {"conv_simt", {{0.35, 0.55, 0.8}, {0.4, 0.7, 0.9}, 8}, "estimate: gemm_simt, with computed addresses"},
      {"conv_wgmma", {{0.3, 0.55, 0.8}, {0.4, 0.7, 0.9}, 4}, "estimate: gemm_wgmma, with computed addresses"},
      {"cpu_attention", {{0.15, 0.35, 0.7}, {0.25, 0.5, 1}, 1}, "estimate: between cpu_gemm and cpu_rows"},
      {"cpu_conv",
       {{0.5, 0.8, 0.95}, {0.25, 0.5, 1}, 1},
       "measured 2026-11 on xeon-avx512: ResNet-50's convolutions at 0.8 of peak, cold ones at half"},
      {"cpu_depthwise",
       {{0.1, 0.3, 0.6}, {0.25, 0.5, 1}, 1},
       "measured 2026-11 on xeon-avx512: 28 to 154 of 230 GFLOP/s"},
      {"cpu_elementwise", {{0.05, 0.15, 0.5}, {0.25, 0.5, 1}, 1}, "estimate: vector math between loads"},
      {"cpu_gemm",
       {{0.5, 0.85, 0.95}, {0.25, 0.5, 1}, 1},
       "measured 2026-11 on xeon-avx512: 81 to 92 % of peak; with one row the weight stream, 32 GB/s"},
      {"cpu_other", {{0.01, 0.05, 0.3}, {0.25, 0.5, 1}, 1}, "estimate: recurrences, plain loops"},
      {"cpu_rows", {{0.05, 0.15, 0.5}, {0.25, 0.5, 1}, 1}, "estimate: vector math between loads"},
      {"cublaslt",
       {{0.5, 0.75, 0.9}, {0.5, 0.8, 0.92}, 4},
       "cuBLAS bf16 on an H200: 76 to 79 % of peak at 4096 to 10240; other types an estimate"},
      {"cudnn", {{0.3, 0.6, 0.85}, {0.4, 0.75, 0.92}, 4}, "estimate: below cublaslt"},
      {"direct", {{0.02, 0.08, 0.25}, {0.1, 0.4, 0.8}, 16}, "estimate: two loads for each multiply-add"},
      {"elementwise",
       {{0.1, 0.3, 0.6}, {0.36, 0.75, 0.92}, 8},
       "vector addition on an H200: 36 to 68 % of bandwidth from plain CUDA, 86 to 92 % from Triton and Helion"},
      {"elementwise_narrow", {{0.1, 0.3, 0.6}, {0.2, 0.5, 0.8}, 8}, "estimate: elementwise, with 4 bytes an access"},
      {"gemm_mma",
       {{0.25, 0.45, 0.7}, {0.4, 0.7, 0.9}, 8},
       "estimate: mma.sync below wgmma; cuBLAS on A100 reaches 80 %"},
      {"gemm_simt",
       {{0.5, 0.75, 0.95}, {0.4, 0.7, 0.9}, 8},
       "estimate: of the issue slots left for multiply-adds (multiplyShare)"},
      {"gemm_wgmma",
       {{0.55, 0.72, 0.86}, {0.5, 0.75, 0.92}, 4},
       "cuBLAS bf16 on an H200: 76 to 79 % of peak at 4096 to 10240; other kernels 63 to 86 %"},
      {"gpu_other", {{0.01, 0.05, 0.3}, {0.05, 0.3, 0.8}, 8}, "estimate: recurrences, scans"},
      {"rows",
       {{0.05, 0.2, 0.5}, {0.5, 0.75, 0.92}, 8},
       "softmax on an H100: 3.0 TB/s from QuACK (90 %), about 2.0 TB/s from torch.compile (60 %)"},
      {"transpose", {{0.1, 0.3, 0.6}, {0.4, 0.65, 0.9}, 8}, "estimate: elementwise, with a pass through shared memory"},
      {"unknown", {{0.01, 0.1, 1}, {0.05, 0.4, 1}, 8}, "nothing is known"},
  };
  return all;
}

const Family &findFamily(std::string_view name) {
  const std::vector<Family> &all = families();
  auto found = std::find_if(all.begin(), all.end(), [&](const Family &each) { return each.name == name; });
  return found == all.end() ? all.back() : *found;
}

} // namespace tenon::cost
