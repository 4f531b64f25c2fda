//===- TacticChoice.cpp - Which tactic a region takes ---------------------===//
#include "TacticChoice.h"

#include "TileChoice.h"
#include "tenon/Plan/Sha256.h"
#include "tenon/Runtime/DeviceHeaders.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {
namespace {

class Chooser {
public:
  Chooser(const HeavyRegion &region, const CudaTarget &target, bool mayCall)
      : region(region), target(target), tuning(*target.tuning) {
    for (const HeavyTemplate *candidate : getHeavyTemplates())
      if (candidate->accepts(region, target))
        llvm::append_range(tiles, candidate->tactics(region, target));
    if (mayCall && tuning.tactics != cost::Tactics::Own)
      for (const LibraryMatch &match : matchLibraries(region, target, reason))
        libraries.push_back(match.call.name().str());
  }

  FailureOr<TacticChoice> run();

private:
  LogicalResult addKey();
  LogicalResult force();
  LogicalResult lookUp();
  FailureOr<CudaKernel> emit(const std::string &tactic) const {
    CudaTarget own = target;
    own.tuning = nullptr;
    own.tactic = tactic;
    return emitKernel(region.dispatch, "kernel", own);
  }
  void take(const std::string &tactic, std::string why) {
    choice.tactic = tactic;
    choice.why = std::move(why);
    choice.isLibrary = llvm::is_contained(libraries, tactic);
  }

  const HeavyRegion &region;
  const CudaTarget &target;
  const cost::Tuning &tuning;
  SmallVector<std::string> tiles, libraries;
  std::string reason; ///< why there is no library
  TacticChoice choice;
};

/// The text of a dimension that does not depend on the names of symbols.
std::string extentText(DimAttr dim) {
  auto fixed = dim.getConstant();
  return fixed ? std::to_string(*fixed) : "?";
}

} // namespace

/// A hash of what the region computes: the text of its first own kernel with the templates that it includes, and the
/// extents that are constant. So an entry never applies to kernels that have changed.
LogicalResult Chooser::addKey() {
  FailureOr<CudaKernel> kernel = emit(tiles.empty() ? "" : tiles.front());
  if (failed(kernel))
    return failure();
  std::string text = kernel->source;
  for (const DeviceHeader &header : deviceHeaders())
    if (llvm::is_contained(kernel->includes, header.name))
      text += header.text;
  for (Type type : llvm::concat<const Type>(region.dispatch->getOperandTypes(), region.dispatch->getResultTypes()))
    for (DimAttr dim : getDims(cast<RankedTensorType>(type)))
      text += extentText(dim) + " ";
  choice.key = toHex(Sha256::of(text.data(), text.size())).substr(0, 32);
  choice.size = int64_t(getCostContext(target).evaluate(
      product(region.heavy->getContext(), getDims(cast<RankedTensorType>(region.dispatch.getResult(0).getType())))));
  return success();
}

/// Takes what is to be measured; a kernel without this choice has no key, so that it is not.
LogicalResult Chooser::force() {
  StringRef forced = tuning.forced;
  int64_t tile = 0;
  std::string tactic;
  if (forced.consume_front("tile=") && !forced.getAsInteger(10, tile) && tile >= 0 && tile < int64_t(tiles.size()))
    tactic = tiles[size_t(tile)];
  else if (llvm::is_contained(libraries, tuning.forced))
    tactic = tuning.forced;
  if (tactic.empty())
    return success();
  take(tactic, "to be measured");
  return addKey();
}

LogicalResult Chooser::lookUp() {
  if (failed(addKey()))
    return failure();
  FailureOr<CudaKernel> usual = emit("");
  if (failed(usual))
    return failure();
  const std::string &device = getCostContext(target).device.name;
  auto isOffered = [&](std::string_view tactic) {
    return llvm::is_contained(tiles, tactic) || llvm::is_contained(libraries, tactic);
  };
  std::string best = tuning.timings->choose(device, choice.key, choice.size, usual->info.tactic.name, isOffered);
  if (!best.empty())
    take(best, "measured on " + device + ": " + tuning.timings->explain(device, choice.key, choice.size));
  return success();
}

FailureOr<TacticChoice> Chooser::run() {
  choice.tiles = int64_t(tiles.size());
  if (tuning.tactics == cost::Tactics::Libraries && libraries.empty())
    choice.note = "; no library: " + (reason.empty() ? "other code objects do not call it" : reason);
  if (!tuning.forced.empty()) {
    if (failed(force()))
      return failure();
  } else if (tuning.tactics == cost::Tactics::Libraries && !libraries.empty()) {
    take(libraries.front(), "asked for by --tactics=libraries");
  } else if (tuning.timings && failed(lookUp())) {
    return failure();
  }
  return choice;
}

FailureOr<TacticChoice> chooseTactic(DispatchOp dispatch, const CudaTarget &target, bool mayCall) {
  std::optional<HeavyRegion> region;
  const cost::Tuning *tuning = target.tuning;
  const bool decides =
      tuning && (tuning->timings || !tuning->forced.empty() || tuning->tactics == cost::Tactics::Libraries);
  if (decides)
    region = HeavyRegion::match(dispatch);
  return region ? Chooser(*region, target, mayCall).run() : TacticChoice();
}

} // namespace tenon::codegen::cuda
