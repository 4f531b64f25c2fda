//===- KernelNotesTest.cpp - The KERNELS section --------------------------===//
#include "tenon/Cost/KernelNotes.h"

#include <gtest/gtest.h>

using namespace tenon;
using namespace tenon::cost;

namespace {

KernelNotes sample() {
  KernelNotes notes;
  notes.device = "name = x\n";
  notes.symbols["N"] = 16;
  KernelNote note;
  note.name = "k0_matmul";
  note.tactic = {"gemm_simt 128x128x8", "it is \"fast\"", "gemm_simt", "key", Unit::TF32, 0.9, 2.5, 0, 0, 3};
  note.size = 12;
  note.needs = {{"sm_80", 128, 0, 8, 1024}, {"sm_90a", 120, 4, 0, 0}};
  note.sourceOffset = 7;
  note.sourceLength = 9;
  notes.kernels = {note, {"k1", {}, 0, {}, 0, 0}};
  return notes;
}

TEST(KernelNotes, AreReadAsWritten) {
  std::string text = toJson(sample());
  auto notes = parseKernelNotes(text);
  ASSERT_TRUE(notes) << notes.status().str();
  EXPECT_EQ(toJson(*notes), text);
  ASSERT_EQ(notes->kernels.size(), 2u);
  const KernelNote &note = notes->kernels[0];
  EXPECT_EQ(note.tactic.why, "it is \"fast\"");
  EXPECT_EQ(note.tactic.unit, Unit::TF32);
  EXPECT_EQ(note.tactic.cacheRatio, 2.5);
  EXPECT_EQ(note.needs[1].spillBytes, 4);
  EXPECT_EQ(note.sourceLength, 9u);
  EXPECT_EQ(notes->symbols.at("N"), 16);
}

TEST(KernelNotes, RefuseWhatIsDamaged) {
  const std::string text = toJson(sample());
  auto refuses = [](const std::string &damaged) {
    auto notes = parseKernelNotes(damaged);
    return !notes && notes.status().error().code == "TN6022";
  };
  auto changed = [&](std::string from, std::string to) {
    std::string copy = text;
    size_t at = copy.find(from);
    EXPECT_NE(at, copy.npos) << from;
    return copy.replace(at, from.size(), to);
  };
  for (size_t cut = 0; cut < text.size(); ++cut)
    EXPECT_TRUE(refuses(text.substr(0, cut))) << cut;
  EXPECT_TRUE(refuses(changed("\"tf32\"", "\"f3\"")));
  EXPECT_TRUE(refuses(changed("\"unit\"", "\"units\"")));
  EXPECT_TRUE(refuses(changed("0.9", "-1")));
  EXPECT_TRUE(refuses(changed("[7,9]", "[7]")));
  EXPECT_TRUE(refuses(changed("[7,9]", "[-7,9]")));
  EXPECT_TRUE(refuses(changed("\"version\":1", "\"version\":2")));
  EXPECT_TRUE(refuses("[" + text + "]"));
  EXPECT_TRUE(refuses(std::string(1 << 20, '[')));
}

TEST(Tactic, TheFactorScalesArithmetic) {
  Device device = *findDevice("h100");
  Tactic tactic;
  tactic.family = "gemm_simt";
  Grid grid{132, 256, 128, 0};
  double whole = estimate(device, tactic, 1e10, 1e6, grid).compute;
  tactic.computeFactor = 0.5;
  EXPECT_NEAR(estimate(device, tactic, 1e10, 1e6, grid).compute, 2 * whole, 1e-12);
  tactic.cacheRatio = 10;
  EXPECT_NEAR(estimate(device, tactic, 1e10, 1e6, grid).cache, 10 * 1e6 / device.cacheBandwidth / 0.7, 1e-12);
}

} // namespace
