//===- Product.cpp - Matrix products and what is one ----------------------===//
#include "Product.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {

static std::optional<Product> getConvolution(const HeavyRegion &region) {
  std::optional<ConvGeometry> conv = ConvGeometry::get(region);
  if (!conv || conv->isDepthwise || region.formatOf(1) != "hwio")
    return std::nullopt;
  DimAttr one = DimAttr::constant(region.heavy->getContext(), 1);
  return Product{one, conv->pixels(), conv->outChannels, conv->depth(), false, conv};
}

std::optional<Product> Product::get(const HeavyRegion &region) {
  auto product = dyn_cast<MatMulOp>(region.heavy);
  if (!product)
    return getConvolution(region);
  MLIRContext *context = product.getContext();
  auto x = getDims(region.operandType(0)), w = getDims(region.operandType(1));
  if (x.size() < 2 || w.size() < 2)
    return std::nullopt;
  DimAttr columns = getDims(region.resultType()).back();
  Product p{DimAttr::constant(context, 1), {}, columns, x.back(), product.getTransposeW(), std::nullopt};
  if (w.size() == 2) { // all rows of x are rows of one matrix
    p.m = graph::product(context, ArrayRef(x).drop_back());
    return p;
  }
  if (x.size() != w.size() || ArrayRef(x).drop_back(2) != ArrayRef(w).drop_back(2))
    return std::nullopt;
  p.batch = graph::product(context, ArrayRef(x).drop_back(2));
  p.m = x[x.size() - 2];
  return p;
}

TileProblem Product::problem(const HeavyRegion &region) const {
  auto bytesOf = [](Type type) { return int64_t(cast<RankedTensorType>(type).getElementTypeBitWidth() + 7) / 8; };
  return {batch, m, n, k, bytesOf(region.operandType(0)), bytesOf(region.dispatch.getResult(0).getType())};
}

FailureOr<CudaKernel> emitProduct(const HeavyRegion &region, StringRef name, const Product &p,
                                  const ProductTile &tile) {
  FailureOr<Functor> epilogue = emitEpilogue(region, (name + "_Epilogue").str(), {});
  if (failed(epilogue))
    return failure();
  TemplateKernel text(region, name, *epilogue);
  text.addParam("m", p.m);
  text.addParam("n", p.n);
  text.addParam("k", p.k);
  text.addParam("batch", p.batch);
  text.line("using Tile = " + tile.type + ";");
  std::string x = text.operand(0), w = text.operand(1);
  std::string a = "rowMajor(" + x + ", int(m), int(k))";
  if (p.conv && !p.conv->isProduct()) {
    p.conv->declareShape(text);
    a = "patches(" + x + ", shape)";
  }
  std::string b = "rowMajor(" + w + (p.transposedB ? ", int(n), int(k))" : ", int(k), int(n))");
  text.line("Tile::run({int(m), int(n), int(k), int(batch)}, " + a + ", " + b + ",");
  text.line("          " + text.store("m", "n") + ");");
  DimAttr blocks = ceilDiv(p.m, tile.shape.rows) * ceilDiv(p.n, tile.shape.columns) * p.batch;
  DimAttr shared = DimAttr::constant(p.n.getContext(), tile.shape.sharedBytes);
  CudaKernel kernel = text.finish(blocks, tile.shape.threads, tile.minBlocks, shared, tile.include);
  kernel.info.tactic = tile.tactic;
  if (p.conv)
    kernel.includes.push_back("tenon/cuda/conv.cuh");
  return kernel;
}

} // namespace tenon::codegen::cuda
