//===- Tactics.cpp - What the CPU's strategies are called -----------------===//
#include "Conv.h"
#include "HeavyRegion.h"
#include "SingleOp.h"
#include "tenon/Codegen/CPU/Codegen.h"
#include "tenon/Codegen/Common/Region.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

cost::Tactic make(StringRef name, StringRef family, StringRef why) {
  cost::Tactic tactic;
  tactic.name = name.str();
  tactic.family = family.str();
  tactic.why = why.str();
  return tactic;
}

/// Bytes of a row of x in the product of packed weights that the region is; nothing if it is none.
std::optional<int64_t> getPackedRowBytes(const HeavyRegion &region) {
  StringRef format = region.layoutOf(1);
  if (format.empty())
    return std::nullopt;
  const int64_t elementBytes = region.isInteger() ? 1 : 4;
  if (region.isProduct())
    return elementBytes * region.operandType(1).getShape()[region.isTransposed() ? 1 : 0];
  std::optional<ConvGeometry> g = ConvGeometry::get(region.heavy);
  const bool isPacked = g && format != "depthwise" && isProduct(*g);
  return isPacked ? std::optional(elementBytes * g->channels) : std::nullopt;
}

cost::Tactic describePacked(const HeavyRegion &region, int64_t rowBytes) {
  int64_t wanted = getWantedRows(region), rows = wanted ? wanted : getBlockRows(rowBytes);
  return make("product: packed weights, blocks of " + std::to_string(rows) + " rows", "cpu_gemm",
              wanted ? "the rows that were asked for" : "the rows of x that fill half of the second-level cache");
}

cost::Tactic describeConv(const HeavyRegion &region) {
  StringRef format = region.layoutOf(1);
  if (format == "depthwise")
    return make("conv: depthwise", "cpu_depthwise", "one channel a group: channels are the lanes");
  if (format.empty())
    return make("conv: plain", "cpu_other", "weights or groups that no packed strategy takes");
  return make("conv: packed weights", "cpu_conv", "register tiles of pixels and 32 channels over packed weights");
}

cost::Tactic describeFloats(const HeavyRegion &region) {
  if (std::optional<int64_t> rowBytes = getPackedRowBytes(region))
    return describePacked(region, *rowBytes);
  if (!region.isProduct())
    return describeConv(region);
  return make("product: batched", "cpu_gemm", "the right matrix is no constant: it is packed as it is needed");
}

/// As of floats, at the rate of bytes; but for what is computed in f32 or not packed.
cost::Tactic describeHeavy(const HeavyRegion &region) {
  StringRef format = region.formatOf(1);
  if (!region.isInteger())
    return describeFloats(region);
  if (format.empty() && region.isProduct())
    return make("product of integers: plain", "cpu_other", "the right matrix is no constant of rank 2");
  cost::Tactic tactic = describeFloats(region);
  tactic.name += ", of integers";
  if (!format.empty() && format != "depthwise")
    tactic.unit = cost::Unit::I8;
  return tactic;
}

} // namespace

SmallVector<int64_t> getProductRows(graph::DispatchOp dispatch) {
  std::optional<HeavyRegion> region = HeavyRegion::match(dispatch);
  std::optional<int64_t> rowBytes = region ? getPackedRowBytes(*region) : std::nullopt;
  if (!rowBytes)
    return {};
  SmallVector<int64_t> rows{getBlockRows(*rowBytes)};
  for (int64_t choice : getAllProductRows())
    if (choice != rows.front())
      rows.push_back(choice);
  return rows;
}

cost::Tactic describeTactic(graph::DispatchOp dispatch) {
  if (std::optional<HeavyRegion> region = HeavyRegion::match(dispatch))
    return describeHeavy(*region);
  if (std::optional<SingleOpRegion> region = SingleOpRegion::match(dispatch))
    return isa<graph::AttentionOp>(region->op)
               ? make("attention", "cpu_attention", "queries are the lanes; softmax on the way")
               : make(region->op->getName().stripDialect(), "cpu_other", "a strategy of its own");
  std::unique_ptr<GenericRegion> region = GenericRegion::create(dispatch);
  if (region && region->reduced.empty())
    return make("elementwise", "cpu_elementwise", "no reductions: one loop nest over the results");
  return make("reductions", "cpu_rows", "reductions over one domain, with the elementwise ops around them");
}

} // namespace tenon::codegen
