//===- IntegerBench.cpp - Products of bytes beside those of f32 -----------===//
//
// integer-bench [arch] [WORDS]: GOP/s (a multiply-add is two) of u8 x s8 with i32 results, of the same with an epilogue
// to u8 as quantized models have it, and of f32; hot, one thread. Layers whose name has not all of WORDS are left out.
// f32 runs on the same level without VNNI.
//
//===----------------------------------------------------------------------===//
#include "../RegionText.h"
#include "CompiledKernel.h"

#include <cstdio>

using namespace tenon::codegen;
using llvm::formatv;

namespace {

/// A product (size = 0: rows x depth x columns) or a convolution of a square image.
struct Layer {
  int64_t channels, columns, rows = 0; ///< of a product: depth, columns, rows
  int64_t size = 0, kernel = 1, stride = 1, count = 1;
  bool isDepthwise = false;

  int64_t out() const { return (size + kernel / 2 * 2 - kernel) / stride + 1; }
  double work() const {
    const int64_t outputs = size ? out() * out() : rows;
    return 2.0 * outputs * columns * (isDepthwise ? 1 : channels) * kernel * kernel;
  }
  std::string name() const {
    return size ? formatv("conv{0} {1}x{1} {2} -> {3} at {4} s{5} x{6}", isDepthwise ? "-dw" : "", kernel, channels,
                          columns, size, stride, count)
                      .str()
                : formatv("product {0}x{1}x{2}", rows, channels, columns).str();
  }
};

const Layer layers[] = {
    {1024, 1024, 1024},
    {768, 768, 384},
    {3072, 768, 384},
    {768, 3072, 384},
    {768, 768, 128},
    {384, 1536, 16},
    {2048, 1000, 1},
    {3, 64, 0, 224, 7, 2},
    {64, 64, 0, 56, 1, 1, 1},
    {64, 64, 0, 56, 3, 1, 3},
    {64, 256, 0, 56, 1, 1, 4},
    {256, 64, 0, 56, 1, 1, 2},
    {256, 128, 0, 56, 1, 1, 1},
    {128, 128, 0, 56, 3, 2, 1},
    {128, 512, 0, 28, 1, 1, 4},
    {256, 512, 0, 56, 1, 2, 1},
    {512, 128, 0, 28, 1, 1, 3},
    {128, 128, 0, 28, 3, 1, 3},
    {512, 256, 0, 28, 1, 1, 1},
    {256, 256, 0, 28, 3, 2, 1},
    {256, 1024, 0, 14, 1, 1, 6},
    {512, 1024, 0, 28, 1, 2, 1},
    {1024, 256, 0, 14, 1, 1, 5},
    {256, 256, 0, 14, 3, 1, 5},
    {1024, 512, 0, 14, 1, 1, 1},
    {512, 512, 0, 14, 3, 2, 1},
    {512, 2048, 0, 7, 1, 1, 3},
    {1024, 2048, 0, 14, 1, 2, 1},
    {2048, 512, 0, 7, 1, 1, 2},
    {512, 512, 0, 7, 3, 1, 2},
    {96, 96, 0, 112, 3, 1, 0, true},
    {384, 384, 0, 14, 3, 1, 0, true},
    {96, 96, 0, 112, 3, 2, 0, true},
};

enum class Kind { Floats, Sums, Bytes };

/// The region of a layer, with the elementwise ops that a network has behind it.
std::string regionOf(const Layer &l, Kind kind) {
  const bool isFloat = kind == Kind::Floats;
  const char *sums = isFloat ? "f32" : "i32";
  const int64_t out = l.out();
  auto shape = [&](int64_t extent, int64_t channels) {
    return l.size ? formatv("1x{0}x{0}x{1}", extent, channels).str() : formatv("{0}x{1}", l.rows, channels).str();
  };
  std::string x = formatv("tensor<{0}x{1}>", shape(l.size, l.channels), isFloat ? "f32" : "ui8");
  std::string w = l.size ? formatv("{0}x{1}x{2}x{2}", l.columns, l.isDepthwise ? 1 : l.channels, l.kernel).str()
                         : formatv("{0}x{1}", l.channels, l.columns).str();
  w = formatv("tensor<{0}x{1}>", w, isFloat ? "f32" : "i8");
  const std::string dims = shape(out, l.columns), y = formatv("tensor<{0}x{1}>", dims, sums),
                    f = formatv("tensor<{0}xf32>", dims), vector = formatv("tensor<{0}xf32>", l.columns);
  std::string name = isFloat ? (l.size ? "conv" : "matmul") : (l.size ? "integer_conv" : "integer_matmul");
  std::string attributes;
  if (l.size)
    attributes =
        formatv("{{strides = array<i64: {0}, {0}>, pads = array<i64: {1}, {1}, {1}, {1}>, dilations = array<i64: "
                "1, 1>, group = {2} : i64, channels_last}",
                l.stride, l.kernel / 2, l.isDepthwise ? l.channels : 1);
  std::string operands = x + ";" + w;
  std::string body = formatv("%y = graph.{0} %0, %1{1} {2} : ({3}, {4}{5}) -> {6}\n", name, isFloat ? "" : " x_zero %2",
                             attributes, x, w, isFloat ? "" : ", tensor<ui8>", y);
  if (!isFloat)
    operands += ";tensor<ui8>";
  if (kind == Kind::Sums)
    return regionText(operands, body + "graph.yield %y : " + y);
  if (isFloat)
    return regionText(operands, body + formatv("%r = graph.relu %y : {0} -> {0}\ngraph.yield %r : {0}", y).str());
  operands += ";" + vector + ";" + vector;
  body += formatv(R"(%f = graph.cast %y : {0} -> {1}
%m = graph.mul %f, %3 : ({1}, {2}) -> {1}
%a = graph.add %m, %4 : ({1}, {2}) -> {1}
%p = graph.relu %a : {1} -> {1}
%s = graph.constant dense<0.037> : tensor<f32>
%v = graph.div %p, %s : ({1}, tensor<f32>) -> {1}
%r = graph.round %v : {1} -> {1}
%l = graph.constant dense<0.0> : tensor<f32>
%h = graph.constant dense<255.0> : tensor<f32>
%n = graph.min %r, %h : ({1}, tensor<f32>) -> {1}
%o = graph.max %n, %l : ({1}, tensor<f32>) -> {1}
%q = graph.cast %o : {1} -> tensor<{3}xui8>
graph.yield %q : tensor<{3}xui8>)",
                  y, f, vector, dims);
  return regionText(operands, body);
}

/// Seconds of the fastest run; 0 where there is no kernel.
double measure(const Layer &layer, Kind kind, llvm::StringRef arch) {
  std::string text = regionOf(layer, kind);
  text.replace(text.find("RESULTS"), 7, "1");
  auto kernel = CompiledKernel::create(text, arch, {1});
  return kernel ? kernel->measureRandom(int(std::clamp(2e10 / layer.work(), 10.0, 400.0))) : 0;
}

} // namespace

int main(int argc, char **argv) {
  const std::string arch = argc > 1 ? argv[1] : "x86-64-v4-vnni";
  const std::string level = arch.substr(0, 9);
  double totals[3] = {};
  std::printf("%-34s %14s %18s %10s\n", "GOP/s", (level + " f32").c_str(), (arch + " i32").c_str(), "to u8");
  for (const Layer &layer : layers) {
    const std::string name = layer.name();
    if (llvm::any_of(llvm::ArrayRef(argv, argc).drop_front(std::min(argc, 2)),
                     [&](const char *word) { return name.find(word) == std::string::npos; }))
      continue;
    double rates[3];
    for (auto [i, kind] : llvm::enumerate(std::array{Kind::Floats, Kind::Sums, Kind::Bytes})) {
      const double seconds = measure(layer, kind, kind == Kind::Floats ? level : arch);
      rates[i] = seconds > 0 ? layer.work() / seconds / 1e9 : 0;
      totals[i] += layer.size ? seconds * layer.count : 0;
    }
    std::printf("%-34s %14.1f %18.1f %10.1f\n", name.c_str(), rates[0], rates[1], rates[2]);
    std::fflush(stdout);
  }
  std::printf("convolutions, times their counts: f32 %.2f ms, i32 %.2f ms, to u8 %.2f ms\n", totals[0] * 1e3,
              totals[1] * 1e3, totals[2] * 1e3);
}
