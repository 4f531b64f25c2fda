//===- EncodedBench.cpp - Products with weights stored small --------------===//
//
// codegen-bench [arch] encoded: the kernel of weights in f32, and its time as a multiple of that of each stored form.
//
//===----------------------------------------------------------------------===//
#include "../RegionText.h"
#include "CompiledKernel.h"
#include <cstdio>

using namespace tenon::codegen;

namespace {

struct Form {
  const char *name, *operands, *decoder; ///< formats of (depth, columns, depth / 32, depth / 2, depth / 4)
  std::vector<double> bytes;             ///< of the operands, for each weight
};

const Form forms[] = {
    {"f32", "tensor<{0}x{1}xf32>", "", {4}},
    {"int8",
     "tensor<{0}x{1}xi8>;tensor<{1}xf32>",
     "    %w = graph.dequantize %1, %2 : (tensor<{0}x{1}xi8>, tensor<{1}xf32>) -> tensor<{0}x{1}xf32>\n",
     {1, 4}},
    {"int4 by 32",
     "tensor<{0}x{1}xi4>;tensor<{2}x{1}xf32>",
     "    %w = graph.dequantize %1, %2 {{axis = 0 : i64, block_size = 32 : i64} : (tensor<{0}x{1}xi4>, "
     "tensor<{2}x{1}xf32>) -> tensor<{0}x{1}xf32>\n",
     {1, 0.125}},
    {"fp8",
     "tensor<{0}x{1}xf8E4M3FN>;tensor<{1}xf32>",
     "    %w = graph.dequantize %1, %2 : (tensor<{0}x{1}xf8E4M3FN>, tensor<{1}xf32>) -> tensor<{0}x{1}xf32>\n",
     {1, 4}},
    {"2:4",
     "tensor<{3}x{1}xf32>;tensor<{4}x{1}xui4>",
     "    %w = graph.unpack_2to4 %1, %2 : (tensor<{3}x{1}xf32>, tensor<{4}x{1}xui4>) -> tensor<{0}x{1}xf32>\n",
     {2, 0.25}},
};

std::string fill(const char *text, int64_t depth, int64_t columns) {
  return llvm::formatv(/*Validate=*/false, text, depth, columns, depth / 32, depth / 2, depth / 4);
}

} // namespace

int runEncoded(const char *arch) {
  for (auto [depth, columns] : {std::pair<int64_t, int64_t>(768, 768), {768, 3072}, {4096, 4096}})
    for (int64_t rows : {1, 8, 128}) {
      std::vector<std::unique_ptr<CompiledKernel>> kernels;
      std::vector<std::vector<Bytes>> inputs;
      std::vector<double> best(std::size(forms), 1e9);
      for (const Form &form : forms) {
        std::string x = llvm::formatv("tensor<{0}x{1}xf32>", rows, depth),
                    y = llvm::formatv("tensor<{0}x{1}xf32>", rows, columns);
        std::string product =
            llvm::formatv("    %y = graph.matmul %0, {0} : ({1}, tensor<{2}x{3}xf32>) -> {4}\n    graph.yield %y : {4}",
                          form.decoder[0] ? "%w" : "%1", x, depth, columns, y);
        std::string text =
            regionText(x + ";" + fill(form.operands, depth, columns), fill(form.decoder, depth, columns) + product);
        text.replace(text.find("RESULTS"), 7, "1");
        inputs.push_back({toBytes(randomFloats(rows * depth, 1))});
        for (double bytes : form.bytes)
          inputs.back().emplace_back(
              bytes == 4 && form.bytes.size() > 1 ? columns * 4 : static_cast<size_t>(depth * columns * bytes));
        kernels.push_back(CompiledKernel::create(
            text, arch, form.bytes.size() > 1 ? llvm::ArrayRef<unsigned>{1, 2} : llvm::ArrayRef<unsigned>{1}));
        if (!kernels.back())
          return 1;
      }
      for (int round = 0; round < 15; ++round)
        for (size_t i = 0; i < kernels.size(); ++i)
          best[i] = std::min(best[i], kernels[i]->measureBytes(inputs[i], {}, rows == 128 ? 3 : 10));
      std::printf("%4ld x %ldx%ld: f32 %8.1f us", rows, depth, columns, best[0] * 1e6);
      for (size_t i = 1; i < kernels.size(); ++i)
        std::printf(", %s %.2fx", forms[i].name, best[0] / best[i]);
      std::printf("\n");
      std::fflush(stdout);
    }
  return 0;
}
