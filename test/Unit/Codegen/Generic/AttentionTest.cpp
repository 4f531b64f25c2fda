//===- AttentionTest.cpp - Attention, rotary positions, RMS norm ----------===//
#include "RegionCheck.h"
#include <gtest/gtest.h>

namespace tenon::codegen {
namespace {

/// A tensor type [dims..] of f32, where dims is the text of a graph.shape.
std::string tensorOf(const std::string &extents, const std::string &shape, const std::string &element = "f32") {
  return "tensor<" + extents + "x" + element + ", #graph.shape<[" + shape + "]>>";
}

/// Attention of 4 heads over `keyHeads`, sizes 8 and `width`, with a mask of type `mask` ("" = none).
struct Attention {
  std::string operands, body;

  Attention(int keyHeads, int width, const std::string &mask = "",
            const std::string &attributes = "scale = 0.35 : f64, softcap = 0.0 : f64") {
    std::string k = std::to_string(keyHeads), w = std::to_string(width);
    std::string q = tensorOf("?x4x?x8", "B, 4, S, 8"), key = tensorOf("?x" + k + "x?x8", "B, " + k + ", T, 8");
    std::string value = tensorOf("?x" + k + "x?x" + w, "B, " + k + ", T, " + w);
    std::string y = tensorOf("?x4x?x" + w, "B, 4, S, " + w);
    operands = q + "; " + key + "; " + value + (mask.empty() ? "" : "; " + mask);
    body = "%y = graph.attention %0, %1, %2 " + std::string(mask.empty() ? "" : "mask %3 ") + "{" + attributes +
           "} : (" + q + ", " + key + ", " + value + (mask.empty() ? "" : ", " + mask) + ") -> " + y +
           "\ngraph.yield %y : " + y;
  }
};

TEST(Attention, AttendsAtAnySize) {
  Attention text(4, 8);
  RegionCheck check(text.operands, text.body);
  for (int64_t s : {1, 3, 32, 33})
    for (int64_t t : {1, 15, 64, 65, 200})
      check.run({{"B", 2}, {"S", s}, {"T", t}}, 1e-5);
  check.run({{"B", 1}, {"S", 2}, {"T", 0}});
  check.run({{"B", 0}, {"S", 2}, {"T", 3}});
}

TEST(Attention, SharesKeysBetweenHeads) {
  for (int heads : {1, 2})
    for (int width : {1, 40}) {
      Attention text(heads, width);
      RegionCheck check(text.operands, text.body);
      check.run({{"B", 2}, {"S", 5}, {"T", 70}}, 1e-5);
    }
}

TEST(Attention, AddsMasksOfAnyRank) {
  for (const std::string &mask :
       {tensorOf("?x?", "S, T"), tensorOf("?x4x?x?", "B, 4, S, T"), tensorOf("?x1x1x?", "B, 1, 1, T"),
        tensorOf("?x1", "S, 1"), tensorOf("?x?x?x?", "MB, MH, MS, MT")}) {
    Attention text(2, 8, mask);
    RegionCheck check(text.operands, text.body);
    check.run({{"B", 2}, {"S", 5}, {"T", 70}, {"MB", 2}, {"MH", 1}, {"MS", 5}, {"MT", 1}}, 1e-5);
    check.run({{"B", 2}, {"S", 1}, {"T", 3}, {"MB", 1}, {"MH", 4}, {"MS", 1}, {"MT", 3}}, 1e-5);
  }
}

TEST(Attention, LeavesOutWhatAMaskOfBoolsExcludes) {
  Attention text(2, 8, tensorOf("?x?", "S, T", "i1"));
  RegionCheck check(text.operands, text.body);
  check.run({{"B", 2}, {"S", 5}, {"T", 70}}, 1e-5);
  // Every second row of one key sees nothing: 0.
  check.run({{"B", 2}, {"S", 40}, {"T", 1}}, 1e-5);
}

TEST(Attention, GivesNanForRowsThatSeeNothingWhereASoftmaxIsMeant) {
  Attention text(4, 8, tensorOf("?x?", "S, T", "i1"), "scale = 0.35 : f64, softcap = 0.0 : f64, nan_rows");
  RegionCheck check(text.operands, text.body);
  // Every second row of one key sees nothing; without keys there is nothing to add up.
  check.run({{"B", 2}, {"S", 40}, {"T", 1}}, 1e-5);
  check.run({{"B", 2}, {"S", 5}, {"T", 70}}, 1e-5);
  check.run({{"B", 1}, {"S", 3}, {"T", 0}});
}

TEST(Attention, IsCausalAndCaps) {
  Attention text(2, 8, "", "causal_offset = #graph.dim<P>, scale = 0.35 : f64, softcap = 1.5 : f64");
  RegionCheck check(text.operands, text.body);
  check.run({{"B", 2}, {"S", 70}, {"T", 75}, {"P", 5}}, 1e-5);
  check.run({{"B", 1}, {"S", 7}, {"T", 7}, {"P", 0}}, 1e-5);
}

TEST(RotaryEmbedding, TurnsPairs) {
  for (int half : {2, 8, 20}) {
    std::string h = std::to_string(half), x = tensorOf("?x3x?x40", "B, 3, S, 40");
    std::string angles = tensorOf("?x1x?x" + h, "B, 1, S, " + h);
    RegionCheck check(x + "; " + angles + "; " + angles, "%y = graph.rotary_embedding %0, %1, %2 : (" + x + ", " +
                                                             angles + ", " + angles + ") -> " + x +
                                                             "\ngraph.yield %y : " + x);
    check.run({{"B", 2}, {"S", 5}}, 1e-5);
  }
}

TEST(RmsNormalization, NormalisesRows) {
  std::string x = tensorOf("?x?", "N, M"), scale = tensorOf("?", "M");
  RegionCheck check(x + "; " + scale,
                    "%y = graph.rms_normalization %0, %1 {axis = 1 : i64, epsilon = 1.0e-5 : f64} : (" + x + ", " +
                        scale + ") -> " + x + "\ngraph.yield %y : " + x);
  for (int64_t m : {1, 16, 37, 1000})
    check.run({{"N", 4}, {"M", m}}, 1e-5);
}

} // namespace
} // namespace tenon::codegen
