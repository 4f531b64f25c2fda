//===- AttentionTest.cpp - Attention of 16-bit elements -------------------===//
//
// By mma.sync, and where the target has tensor maps by wgmma; of floats see Generic/AttentionTest.cpp.
//
//===----------------------------------------------------------------------===//
#include "RegionCheck.h"
#include <gtest/gtest.h>

namespace tenon::codegen {
namespace {

/// Four heads over two of keys, of `depth` and `width` elements.
RegionCheck makeCheck(const std::string &element, int depth, int width, const std::string &attributes,
                      const cuda::CudaTarget &target) {
  auto tensor = [&](const std::string &heads, const std::string &lines, int size) {
    std::string s = std::to_string(size);
    return "tensor<?x" + heads + "x?x" + s + "x" + element + ", #graph.shape<[B, " + heads + ", " + lines + ", " + s +
           "]>>";
  };
  std::string q = tensor("4", "S", depth), k = tensor("2", "T", depth), v = tensor("2", "T", width);
  std::string mask = "tensor<?x?x" + element + ", #graph.shape<[S, T]>>", y = tensor("4", "S", width);
  std::string body = "%y = graph.attention %0, %1, %2 mask %3 {" + attributes + "} : (" + q + ", " + k + ", " + v +
                     ", " + mask + ") -> " + y + "\ngraph.yield %y : " + y;
  return RegionCheck(q + "; " + k + "; " + v + "; " + mask, body, target);
}

void run(RegionCheck &check, double tolerance) {
  check.run({{"B", 2}, {"S", 1}, {"T", 70}, {"P", 69}}, tolerance);
  check.run({{"B", 1}, {"S", 77}, {"T", 300}, {"P", 223}}, tolerance);
  check.run({{"B", 1}, {"S", 3}, {"T", 0}, {"P", 0}});
}

const char *const causal = "causal_offset = #graph.dim<P>, scale = 0.2 : f64, softcap = 0.0 : f64";

TEST(HalfAttention, ByMma) {
  RegionCheck check = makeCheck("f16", 24, 40, causal, {});
  EXPECT_TRUE(llvm::StringRef(check.kernel.source).contains("AttentionMma<half, 24, 40, 4, 64>"));
  run(check, 3e-3);
}

TEST(HalfAttention, ByWgmma) {
  for (auto [element, tolerance] : {std::pair("f16", 3e-3), std::pair("bf16", 2e-2)}) {
    RegionCheck check = makeCheck(element, 72, 40, causal, cuda::CudaTarget::forArch("sm_90a"));
    EXPECT_TRUE(llvm::StringRef(check.kernel.source).contains("128, 64, 128, 4>"));
    EXPECT_EQ(check.kernel.info.maps.size(), 3u);
    run(check, tolerance);
  }
}

TEST(HalfAttention, GivesNanForRowsThatSeeNothing) {
  const std::string attributes = std::string(causal) + ", nan_rows";
  for (const cuda::CudaTarget &target : {cuda::CudaTarget(), cuda::CudaTarget::forArch("sm_90a")}) {
    RegionCheck check = makeCheck("f16", 72, 40, attributes, target);
    EXPECT_TRUE(llvm::StringRef(check.kernel.source).contains(", true, false, true> rule{"));
    check.run({{"B", 1}, {"S", 77}, {"T", 30}, {"P", -20}}, 3e-3);
    check.run({{"B", 1}, {"S", 3}, {"T", 0}, {"P", 0}});
  }
}

TEST(HalfAttention, TakesMmaWhereTmaCannotGo) {
  RegionCheck check = makeCheck("f16", 20, 40, causal, cuda::CudaTarget::forArch("sm_90a"));
  EXPECT_TRUE(check.kernel.info.maps.empty());
}

} // namespace
} // namespace tenon::codegen
