//===- Attention.cpp - graph.attention by attention.cuh -------------------===//
#include "../Printer/CudaPrinter.h"
#include "SingleOp.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {
namespace {

constexpr int64_t maxHeadSize = 256;

/// Causal offsets beyond any number of keys, that still add up in 32 bits.
constexpr int64_t maxOffset = int64_t(1) << 30;

/// An instance of AttentionSimt, AttentionMma or AttentionWgmma, as in its header.
struct Tile {
  StringRef family; ///< of the cost model
  std::string text;
  StringRef include;
  int64_t queries; ///< tileQ
  int threads;
  int64_t sharedBytes;
  int64_t mapKeys = 0; ///< lines in a box of keys; 0: operands are pointers
};

/// Few lines of queries, as when one token is added to many, fill a small tile.
int64_t chooseRows(DimAttr lines, int64_t most, int64_t linesOfRow) {
  int64_t rows = most, count = lines.getConstant().value_or(most * linesOfRow);
  while (rows > 1 && rows / 2 * linesOfRow >= count)
    rows /= 2;
  return rows;
}

std::string instance(StringRef name, ArrayRef<int64_t> numbers, StringRef element = "") {
  std::string text = name.str() + "<" + element.str();
  for (int64_t number : numbers)
    text += (text.back() == '<' ? "" : ", ") + std::to_string(number);
  return text + ">";
}

Tile chooseSimt(int64_t depth, int64_t width, DimAttr lines) {
  bool isLarge = std::max(depth, width) > 128;
  int64_t rows = chooseRows(lines, isLarge ? 4 : 8, 8), keys = isLarge ? 16 : 32, queries = 8 * rows;
  int64_t paddedDepth = llvm::alignTo(depth, 4), pitchK = paddedDepth % 8 ? paddedDepth : paddedDepth + 4;
  int64_t pitchP = keys % 32 ? keys : keys + 16;
  int64_t elements = queries * (pitchK + pitchP) + keys * (pitchK + llvm::alignTo(width, 4));
  return {"attention_simt",
          instance("AttentionSimt", {depth, width, rows, keys}),
          "tenon/cuda/attention_simt.cuh",
          queries,
          128,
          4 * elements};
}

Tile chooseMma(int64_t depth, int64_t width, DimAttr lines, StringRef element) {
  int64_t warps = chooseRows(lines, 4, 16), keys = std::max(depth, width) > 128 ? 32 : 64, queries = 16 * warps;
  int64_t pitchK = llvm::alignTo(depth, 16) + 8, pitchV = llvm::alignTo(width, 16) + 8;
  return {"attention_mma",
          instance("AttentionMma", {depth, width, warps, keys}, element),
          "tenon/cuda/attention_mma.cuh",
          queries,
          static_cast<int>(32 * warps),
          2 * (queries * pitchK + keys * (pitchK + pitchV))};
}

Tile chooseWgmma(int64_t depth, int64_t width, StringRef element) {
  int64_t boxedDepth = llvm::alignTo(depth, 64), boxedWidth = llvm::PowerOf2Ceil(std::max<int64_t>(width, 64));
  int64_t largest = std::max(boxedDepth, boxedWidth), keys = largest > 128 ? 64 : 128, slots = 4;
  return {"attention_wgmma",
          instance("AttentionWgmma", {boxedDepth, boxedWidth, keys, slots}, element),
          "tenon/cuda/attention_wgmma.cuh",
          128,
          384,
          2 * (128 * boxedDepth + slots * keys * largest),
          keys};
}

class AttentionPrinter {
public:
  AttentionPrinter(const SingleOpRegion &region, StringRef name, const CudaTarget &target)
      : op(cast<AttentionOp>(region.op)), target(target), text(region, name), q(getDims(op.getQ().getType())),
        k(getDims(op.getK().getType())), depth(*q[3].getConstant()), width(op.getV().getType().getDimSize(3)),
        heads(*k[1].getConstant()), group(*q[1].getConstant() / heads) {}

  CudaKernel print() {
    DimAttr lines = q[2] * group;
    Tile tile = choose(lines);
    // In the order of the parameters.
    std::string lanes = text.size(q[0] * heads, "lanes"), queries = text.size(q[2], "queries");
    std::string keys = text.size(k[2], "keys");
    std::string body = "  const AttentionShape shape{" + lanes + ", " + std::to_string(group) + ", " + queries + ", " +
                       keys + ", " + std::to_string(heads) + "};\n";
    body += rule();
    std::string size = std::to_string(width);
    body += "  Tile::run(shape, " + (tile.mapKeys ? addMaps(tile, lines) : operands()) + "rule,\n";
    body += "            storeTo(" + text.result() + ", " + size + ", int64_t(shape.lines()) * " + size + "));\n";
    DimAttr blocks = q[0] * heads * ceilDiv(lines, tile.queries);
    CudaKernel kernel = text.finish(tile.text, body, tile.include, blocks, tile.threads, tile.sharedBytes);
    kernel.info.tactic = tacticOf(tile);
    return kernel;
  }

private:
  Tile choose(DimAttr lines) {
    std::string element = SingleOpText::elementType(op.getQ());
    if (element == "float")
      return chooseSimt(depth, width, lines);
    // TMA moves multiples of 16 bytes, and a tile of 128 lines wants to be filled.
    bool isLarge = lines.getConstant().value_or(128) > 64;
    if (target.hasTensorMaps && isLarge && depth % 8 == 0 && width % 8 == 0)
      return chooseWgmma(depth, width, element);
    return chooseMma(depth, width, lines, element);
  }

  cost::Tactic tacticOf(const Tile &tile) {
    Type element = op.getQ().getType().getElementType();
    cost::Tactic tactic;
    tactic.family = tile.family.str();
    tactic.name = tactic.family + ": " + std::to_string(tile.queries) + " queries a block";
    tactic.why = tile.mapKeys      ? "16-bit elements and TMA"
                 : element.isF32() ? "no tensor core keeps f32"
                                   : "16-bit elements";
    tactic.unit = element.isF16() ? cost::Unit::F16 : element.isBF16() ? cost::Unit::BF16 : cost::Unit::F32;
    return tactic;
  }

  /// The operands as the other templates take them, with a comma behind each.
  std::string operands() {
    auto operand = [&](Value v, StringRef lines, int64_t size) {
      return "rowMajor(" + text.buffer(v) + ", " + lines.str() + ", " + std::to_string(size) + "), ";
    };
    return operand(op.getQ(), "shape.lines()", depth) + operand(op.getK(), "shape.keys", depth) +
           operand(op.getV(), "shape.keys", width);
  }
  std::string addMaps(const Tile &tile, DimAttr lines) {
    auto constant = [&](int64_t value) { return DimAttr::constant(op.getContext(), value); };
    DimAttr lanes = q[0] * heads;
    text.addMap("mapQ", op.getQ(), {lanes, lines, constant(depth)}, {64, tile.queries, 1});
    text.addMap("mapK", op.getK(), {lanes, k[2], constant(depth)}, {64, tile.mapKeys, 1});
    text.addMap("mapV", op.getV(), {lanes, k[2], constant(width)}, {64, tile.mapKeys, 1});
    return "&mapQ, &mapK, &mapV, " + std::to_string(width) + ", ";
  }

  /// The lines that declare `rule`.
  std::string rule() {
    APFloat scale(static_cast<float>(op.getScale().convertToDouble()));
    APFloat softcap(static_cast<float>(op.getSoftcap().convertToDouble()));
    std::string type = "NoMask", mask, offset = "0";
    if (Value given = op.getMask()) {
      type = "Mask<" + SingleOpText::elementType(given) + ">";
      mask = "  const " + type + " scoreMask = broadcastMask(" + text.buffer(given);
      auto dims = getDims(cast<RankedTensorType>(given.getType()));
      dims.insert(dims.begin(), 4 - dims.size(), DimAttr::constant(op.getContext(), 1));
      for (auto [dim, hint] : llvm::zip_equal(dims, ArrayRef<StringRef>{"batches", "heads", "queries", "keys"}))
        mask += ", " + text.size(dim, hint);
      mask += ");\n";
    }
    if (std::optional<DimAttr> causal = op.getCausalOffset()) {
      auto constant = [&](int64_t value) { return DimAttr::constant(op.getContext(), value); };
      offset = text.size(min(max(*causal, constant(-maxOffset)), constant(maxOffset)), "past");
    }
    return mask + "  const ScoreRule<" + type + ", " + (op.getCausalOffset() ? "true" : "false") + ", " +
           (softcap.isZero() ? "false" : "true") + (op.getNanRows() ? ", true> rule{" : "> rule{") + floatText(scale) +
           ", " + floatText(softcap) + ", " + offset + ", " + (mask.empty() ? "NoMask()" : "scoreMask") + "};\n";
  }

  AttentionOp op;
  const CudaTarget &target;
  SingleOpText text;
  SmallVector<DimAttr> q, k;
  int64_t depth, width, heads, group;
};

} // namespace

bool hasTemplate(AttentionOp op) {
  Type element = op.getQ().getType().getElementType();
  auto fits = [](RankedTensorType type) {
    return !type.isDynamicDim(3) && type.getDimSize(3) > 0 && type.getDimSize(3) <= maxHeadSize;
  };
  return (element.isF32() || element.isF16() || element.isBF16()) && fits(op.getQ().getType()) &&
         fits(op.getV().getType()) && op.getQ().getType().getDimSize(1) > 0;
}

CudaKernel emitAttention(const SingleOpRegion &region, StringRef name, const CudaTarget &target) {
  return AttentionPrinter(region, name, target).print();
}

} // namespace tenon::codegen::cuda
