//===- GemmWgmma.cpp - Products on tensor cores by TMA and wgmma ----------===//
#include "Product.h"

#include "../Printer/CudaPrinter.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {
namespace {

/// TMA wants strides of 16 bytes, 8 elements, and extents that are not 0.
bool isWhole(DimAttr extent) {
  auto fixed = extent.getConstant();
  return fixed && *fixed > 0 && *fixed % 8 == 0;
}

class GemmWgmma : public HeavyTemplate {
public:
  StringRef name() const override { return "gemm_wgmma"; }

  bool accepts(const HeavyRegion &region, const CudaTarget &target) const override {
    Type type = region.operandType(0).getElementType();
    if (!target.hasTensorMaps || !(type.isF16() || type.isBF16()) || region.operandType(1).getElementType() != type)
      return false;
    auto product = Product::get(region);
    if (!product || (product->conv && !product->conv->isProduct()) || !isWhole(product->k))
      return false;
    // Fewer columns than half a tile leave most of it idle: GemmMma has smaller ones.
    return product->n.getConstant().value_or(0) >= 64 && (product->transposedB || isWhole(product->n));
  }

  FailureOr<CudaKernel> emit(const HeavyRegion &region, StringRef name, const CudaTarget &) const override;
};

/// `lines` lines of `length` elements, `batch` times, as boxes of 64 elements of `boxLines` lines.
KernelTensorMap linesOf(const HeavyRegion &region, unsigned operand, DimAttr length, DimAttr lines, DimAttr batch,
                        int64_t boxLines) {
  constexpr int64_t bytes = 2;
  Type element = region.operandType(operand).getElementType();
  return {region.bufferOf(operand),
          element,
          {length, lines, batch},
          {length * bytes, length * lines * bytes},
          {64, boxLines, 1}};
}

constexpr int64_t rows = 128, depth = 64, stages = 4;
constexpr int threads = 384, registers = 168;
constexpr int64_t widths[] = {128, 256}; // the preferred first

/// GemmWgmma::sharedBytes.
constexpr int64_t sharedBytes(int64_t columns) { return stages * (rows + columns) * depth * 2; }

TileChoice chooseColumns(const Product &product, const HeavyRegion &region, CudaTarget target) {
  target.sharedBytes = 227 * 1024; // the kernel asks for what it needs
  SmallVector<TileCandidate> candidates;
  for (int64_t columns : widths)
    candidates.push_back({rows, columns, depth, threads, registers, sharedBytes(columns)});
  TileProblem problem = product.problem(region);
  problem.unit = region.operandType(0).getElementType().isF16() ? cost::Unit::F16 : cost::Unit::BF16;
  return chooseTile("gemm_wgmma", problem, candidates, target);
}

FailureOr<CudaKernel> GemmWgmma::emit(const HeavyRegion &region, StringRef name, const CudaTarget &target) const {
  FailureOr<Functor> epilogue = emitEpilogue(region, (name + "_Epilogue").str(), {});
  if (failed(epilogue))
    return failure();
  Product p = *Product::get(region);
  TileChoice choice = chooseColumns(p, region, target);
  int64_t columns = widths[choice.index];
  TemplateKernel text(region, name, *epilogue);
  text.addMap("mapA", linesOf(region, 0, p.k, p.m, p.batch, rows));
  text.addMap("mapB", p.transposedB ? linesOf(region, 1, p.k, p.n, p.batch, columns)
                                    : linesOf(region, 1, p.n, p.k, p.batch, depth));
  text.addParam("m", p.m);
  text.addParam("n", p.n);
  text.addParam("k", p.k);
  text.addParam("batch", p.batch);
  Type element = region.operandType(0).getElementType();
  text.line("using Tile = GemmWgmma<" + cudaTypeName(element) + ", " + Twine(columns) + ", " + Twine(stages) +
            (p.transposedB ? ", true>;" : ", false>;"));
  text.line("Tile::run({int(m), int(n), int(k), int(batch)}, &mapA, &mapB, false, false,");
  text.line("          " + text.store("m", "n") + ");");
  DimAttr blocks = ceilDiv(p.m, rows) * ceilDiv(p.n, columns) * p.batch;
  DimAttr shared = DimAttr::constant(p.n.getContext(), sharedBytes(columns));
  CudaKernel kernel = text.finish(blocks, threads, 1, shared, "tenon/cuda/gemm_wgmma.cuh");
  kernel.info.tactic = choice.tactic;
  return kernel;
}

} // namespace

const HeavyTemplate &getGemmWgmma() {
  static const GemmWgmma gemmWgmma;
  return gemmWgmma;
}

} // namespace tenon::codegen::cuda
