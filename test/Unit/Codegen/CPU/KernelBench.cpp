//===- KernelBench.cpp - The layers of ResNet-50, one by one --------------===//
//
// codegen-bench [arch] [layer]: time, GFLOP/s and compile time of each distinct convolution, hot, one thread.
// codegen-bench [arch] dynamic: the convolutions with height and width known at run time only.
// codegen-bench [arch] matmul: matrix products of a BERT and others.
// codegen-bench [arch] encoded: products with weights stored small, see EncodedBench.cpp.
//
//===----------------------------------------------------------------------===//
#include "CompiledKernel.h"
#include "ConvRegion.h"
#include <cstdio>
#include <cstdlib>

using namespace tenon::codegen;

int runEncoded(const char *arch);

namespace {

struct Layer {
  int64_t channels, size, columns, kernel, stride, count;
  bool hasResidual = false, isDepthwise = false;
};

constexpr Layer layers[] = {
    {3, 224, 64, 7, 2, 1},
    {64, 56, 64, 1, 1, 1},
    {64, 56, 64, 3, 1, 3},
    {64, 56, 256, 1, 1, 4, true},
    {256, 56, 64, 1, 1, 2},
    {256, 56, 128, 1, 1, 1},
    {128, 56, 128, 3, 2, 1},
    {128, 28, 512, 1, 1, 4, true},
    {256, 56, 512, 1, 2, 1},
    {512, 28, 128, 1, 1, 3},
    {128, 28, 128, 3, 1, 3},
    {512, 28, 256, 1, 1, 1},
    {256, 28, 256, 3, 2, 1},
    {256, 14, 1024, 1, 1, 6, true},
    {512, 28, 1024, 1, 2, 1},
    {1024, 14, 256, 1, 1, 5},
    {256, 14, 256, 3, 1, 5},
    {1024, 14, 512, 1, 1, 1},
    {512, 14, 512, 3, 2, 1},
    {512, 7, 2048, 1, 1, 3, true},
    {1024, 14, 2048, 1, 2, 1},
    {2048, 7, 512, 1, 1, 2},
    {512, 7, 512, 3, 1, 2},
    {96, 112, 96, 3, 1, 0, false, true},
    {384, 14, 384, 3, 1, 0, false, true},
    {144, 56, 144, 3, 1, 0, false, true},
    {960, 7, 960, 3, 1, 0, false, true},
    {96, 112, 96, 3, 2, 0, false, true},
};

struct Product {
  int64_t batch, rows, depth, columns;
  bool isPacked, isTransposed;
};

constexpr Product products[] = {
    {1, 128, 768, 768, true, false},  {1, 128, 768, 3072, true, false},   {1, 128, 3072, 768, true, false},
    {1, 512, 512, 512, true, false},  {1, 1024, 1024, 1024, true, false}, {1, 1, 2048, 1000, true, true},
    {1, 1, 4096, 4096, true, false},  {1, 4, 4096, 4096, true, false},    {12, 128, 64, 128, false, true},
    {12, 128, 128, 64, false, false}, {12, 384, 64, 384, false, true},    {12, 384, 384, 64, false, false},
    {1, 512, 512, 512, false, false}, {1, 512, 512, 512, false, true},
};

int runProducts(const char *arch) {
  for (const Product &p : products) {
    std::string batch = p.isPacked ? "" : std::to_string(p.batch) + "x";
    std::string x = llvm::formatv("tensor<{0}{1}x{2}xf32>", batch, p.rows, p.depth);
    std::string w = llvm::formatv("tensor<{0}{1}x{2}xf32>", batch, p.isTransposed ? p.columns : p.depth,
                                  p.isTransposed ? p.depth : p.columns);
    std::string y = llvm::formatv("tensor<{0}{1}x{2}xf32>", batch, p.rows, p.columns);
    std::string text = llvm::formatv(R"(
func.func @f(%x: {0}, %w: {1}) -> {2} {{
  %y = graph.dispatch(%x, %w) {{
  ^bb0(%a: {0}, %b: {1}):
    %0 = graph.matmul %a, %b {3} : ({0}, {1}) -> {2}
    graph.yield %0 : {2}
  } : ({0}, {1}) -> {2}
  return %y : {2}
})",
                                     x, w, y, p.isTransposed ? "{transpose_w}" : "");
    std::vector<unsigned> constants;
    if (p.isPacked)
      constants = {1};
    auto kernel = CompiledKernel::create(text, arch, constants);
    if (!kernel)
      return 1;
    const double seconds = kernel->measure(
        {randomFloats(p.batch * p.rows * p.depth, 1), randomFloats(p.batch * p.depth * p.columns, 2)}, {}, 100);
    std::printf("%s %ld x %ldx%ldx%ld: %8.1f us %6.1f GFLOP/s, compiled in %3.0f ms\n",
                p.isPacked       ? "packed"
                : p.isTransposed ? "nk"
                                 : "kn",
                p.batch, p.rows, p.depth, p.columns, seconds * 1e6,
                2e-9 * p.batch * p.rows * p.depth * p.columns / seconds, kernel->compileSeconds * 1e3);
  }
  return 0;
}

} // namespace

int main(int argc, char **argv) {
  const char *arch = argc > 1 ? argv[1] : "x86-64-v4";
  if (argc > 2 && std::string(argv[2]) == "matmul")
    return runProducts(arch);
  if (argc > 2 && std::string(argv[2]) == "encoded")
    return runEncoded(arch);
  const bool isDynamic = argc > 2 && std::string(argv[2]) == "dynamic";
  const int only = isDynamic ? -1 : argc > 2 ? std::atoi(argv[2]) : -1;
  double total = 0, compile = 0, flops = 0;
  for (int i = 0; i < static_cast<int>(std::size(layers)); ++i) {
    const Layer &l = layers[i];
    if (only >= 0 && i != only)
      continue;
    const int64_t pad = l.kernel / 2;
    ConvCase c{l.channels,           l.columns, {l.kernel, l.kernel},          {l.stride, l.stride},
               {pad, pad, pad, pad}, {1, 1},    l.isDepthwise ? l.channels : 1};
    c.hasRelu = true;
    c.hasResidual = l.hasResidual;
    std::string size = std::to_string(l.size);
    auto kernel = CompiledKernel::create(convRegion(c, "1", isDynamic ? "H" : size, isDynamic ? "W" : size), arch, {1});
    if (!kernel)
      return 1;
    Floats x = randomFloats(l.size * l.size * l.channels, 1), bias = randomFloats(l.columns, 2);
    Floats w = randomFloats(l.columns * (l.isDepthwise ? 1 : l.channels) * l.kernel * l.kernel, 3);
    const double work = 2.0 * c.out(l.size, 0) * c.out(l.size, 1) * w.size();
    std::vector<Floats> inputs{x, w, bias};
    if (l.hasResidual)
      inputs.push_back(randomFloats(c.out(l.size, 0) * c.out(l.size, 1) * l.columns, 4));
    const double seconds = kernel->measure(inputs, {{"H", l.size}, {"W", l.size}}, only >= 0 ? 300 : 60);
    std::printf("%2d %s%ldx%ld %4ld -> %4ld at %3ld s%ld x%ld: %7.1f us %6.1f GFLOP/s, compiled in %3.0f ms\n", i,
                l.isDepthwise ? "dw " : "", l.kernel, l.kernel, l.channels, l.columns, l.size, l.stride, l.count,
                seconds * 1e6, work / seconds / 1e9, kernel->compileSeconds * 1e3);
    std::fflush(stdout);
    total += seconds * l.count;
    flops += work * l.count;
    compile += kernel->compileSeconds;
  }
  std::printf("all: %.2f ms, %.1f GFLOP/s, compiled in %.2f s\n", total * 1e3, flops / total / 1e9, compile);
}
