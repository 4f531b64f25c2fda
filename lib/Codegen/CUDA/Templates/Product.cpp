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

cost::Unit tensorUnit(Type type) {
  return type.isF16() ? cost::Unit::F16 : type.isBF16() ? cost::Unit::BF16 : cost::Unit::TF32;
}

/// `lines` lines of `length` elements, `batch` times, as boxes of `boxLength` elements of `boxLines` lines.
static KernelTensorMap linesOf(const HeavyRegion &region, unsigned operand, DimAttr length, DimAttr lines,
                               DimAttr batch, int64_t boxLength, int64_t boxLines) {
  Type element = region.operandType(operand).getElementType();
  int64_t bytes = element.getIntOrFloatBitWidth() / 8;
  return {region.bufferOf(operand),
          element,
          {length, lines, batch},
          {length * bytes, length * lines * bytes},
          {boxLength, boxLines, 1}};
}

static KernelTensorMap mapOfA(const HeavyRegion &region, const Product &p, const TileCandidate &tile) {
  return linesOf(region, 0, p.k, p.m, p.batch, tile.depth, tile.rows);
}
static KernelTensorMap mapOfB(const HeavyRegion &region, const Product &p, const TileCandidate &tile) {
  return p.transposedB ? linesOf(region, 1, p.k, p.n, p.batch, tile.depth, tile.columns)
                       : linesOf(region, 1, p.n, p.k, p.batch, tile.depth, tile.depth);
}

/// A as an operand in memory.
static std::string addOperandA(TemplateKernel &text, const Product &p) {
  if (!p.conv || p.conv->isProduct())
    return "rowMajor(" + text.operand(0) + ", int(m), int(k))";
  p.conv->declareShape(text);
  return "patches(" + text.operand(0) + ", shape)";
}

/// Adds A and B; how run() takes them.
static std::string addOperands(TemplateKernel &text, const HeavyRegion &region, const Product &p,
                               const ProductTile &tile) {
  if (tile.form == OperandForm::Maps) {
    text.addMap("mapA", mapOfA(region, p, tile.shape));
    text.addMap("mapB", mapOfB(region, p, tile.shape));
    return "&mapA, &mapB, false, false";
  }
  std::string a = addOperandA(text, p);
  if (tile.form == OperandForm::MapOfB) {
    text.addMap("mapB", mapOfB(region, p, tile.shape));
    return a + ", &mapB, false";
  }
  return a + ", rowMajor(" + text.operand(1) + (p.transposedB ? ", int(n), int(k))" : ", int(k), int(n))");
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
  std::string operands = addOperands(text, region, p, tile);
  text.line("Tile::run({int(m), int(n), int(k), int(batch)}, " + operands + ",");
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
