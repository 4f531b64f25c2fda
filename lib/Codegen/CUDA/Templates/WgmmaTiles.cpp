//===- WgmmaTiles.cpp - What products and convolutions by wgmma share -----===//
#include "WgmmaTiles.h"

#include "../Printer/CudaPrinter.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {

FailureOr<CudaKernel> emitWgmma(const HeavyRegion &region, StringRef name, const CudaTarget &target, StringRef type,
                                StringRef last, OperandForm form, ArrayRef<TileCandidate> tiles, StringRef family) {
  Product product = *Product::get(region);
  Type element = region.operandType(0).getElementType();
  TileProblem problem = product.problem(region);
  problem.unit = tensorUnit(element);
  TileChoice choice = chooseTile(family, problem, tiles, target);
  const TileCandidate &shape = tiles[choice.index];
  const int64_t stages = shape.sharedBytes / ((shape.rows + shape.columns) * shape.depth * 2);
  std::string text =
      (type + "<" + cudaTypeName(element) + ", " + Twine(shape.columns) + ", " + Twine(stages) + last + ">").str();
  const std::string include = ("tenon/cuda/" + family + ".cuh").str();
  return emitProduct(region, name, product, {std::move(text), 1, include, shape, choice.tactic, form});
}

} // namespace tenon::codegen::cuda
