#include "SamplePlan.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

using namespace tenon;
using namespace tenon::plan;
using namespace tenon::test;

namespace {

class ContainerTest : public ::testing::Test {
protected:
  void SetUp() override {
    PlanMaker m = makeSample();
    std::vector<float> weight(3000, 1.5f);
    const std::vector<uint8_t> code(5000, 0x90);
    ASSERT_TRUE(writePlan(folder / "a.tenon", m.plan, weight, code, "x86-64-v3").ok());
    bytes = readFile(folder / "a.tenon");
  }

  /// The code of the error that opening `damaged` ends with, or "ok".
  static std::string open(const std::vector<uint8_t> &damaged, bool verifyWeights = true) {
    OpenOptions options;
    options.verifyWeights = verifyWeights;
    auto container = Container::fromMemory(damaged, options);
    return container ? "ok" : container.status().error().code;
  }

  /// Recomputes the header's digest, as somebody would who changes a file on purpose.
  void seal() {
    std::memset(bytes.data() + 40, 0, 32);
    const Digest digest = Sha256::of(bytes.data(), pageSize);
    std::memcpy(bytes.data() + 40, digest.data(), digest.size());
  }
  template <typename T>
  void poke(size_t at, T value) {
    std::memcpy(bytes.data() + at, &value, sizeof(value));
    seal();
  }

  TemporaryFolder folder;
  std::vector<uint8_t> bytes;
};

// Offsets in the header page: docs/Plan.md.
constexpr size_t versionAt = 8, headerSizeAt = 12, featuresAt = 16, countAt = 32, firstRow = 128, rowSize = 64;

} // namespace

TEST_F(ContainerTest, OpensFromFileAndMemory) {
  auto container = Container::open(folder / "a.tenon");
  ASSERT_TRUE(container.ok()) << container.status().str();
  EXPECT_EQ((*container)->plan().producer()->str(), "tenon test");
  EXPECT_EQ((*container)->section(SectionKind::Weights).size(), 12000u);
  EXPECT_EQ((*container)->section(SectionKind::Code).size(), 5000u);
  EXPECT_TRUE((*container)->section(SectionKind::Source).empty());
  EXPECT_EQ((*container)->fileSize() % pageSize, 0u);
  EXPECT_EQ(open(bytes), "ok");
}

TEST_F(ContainerTest, NoticesTruncationAtEverySectionBoundary) {
  auto container = Container::fromMemory(bytes);
  ASSERT_TRUE(container.ok());
  std::vector<uint64_t> cuts = {0, 1, 7, 8, 100, pageSize - 1, pageSize, bytes.size() - 1};
  for (const Section &section : (*container)->sections())
    for (uint64_t at : {section.offset, section.offset + 1, section.offset + section.length})
      cuts.push_back(at);
  for (uint64_t cut : cuts) {
    if (cut == bytes.size())
      continue;
    const std::string code = open({bytes.begin(), bytes.begin() + long(cut)});
    EXPECT_EQ(code, cut < 8 ? "TN6002" : "TN6005") << "cut at " << cut;
  }
  std::vector<uint8_t> longer = bytes;
  longer.push_back(0);
  EXPECT_EQ(open(longer), "TN6005");
}

TEST_F(ContainerTest, NoticesAnyFlippedBit) {
  std::mt19937 random(1);
  for (int i = 0; i < 1000; ++i) {
    const size_t bit = random() % (bytes.size() * 8);
    bytes[bit / 8] ^= uint8_t(1 << bit % 8);
    EXPECT_NE(open(bytes), "ok") << "bit " << bit;
    bytes[bit / 8] ^= uint8_t(1 << bit % 8);
  }
  for (size_t bit = 0; bit < 256 * 8; ++bit) { // signature, fields and section table, every bit
    bytes[bit / 8] ^= uint8_t(1 << bit % 8);
    EXPECT_NE(open(bytes), "ok") << "bit " << bit;
    bytes[bit / 8] ^= uint8_t(1 << bit % 8);
  }
}

TEST_F(ContainerTest, ReadsWeightsOnlyWhereAsked) {
  bytes[pageSize + 5] ^= 1; // WEIGHTS come first
  EXPECT_EQ(open(bytes, true), "TN6008");
  EXPECT_EQ(open(bytes, false), "ok");
}

TEST_F(ContainerTest, NoticesBytesInThePadding) {
  bytes[pageSize + 12000 + 3] = 1; // behind the 12,000 bytes of WEIGHTS
  EXPECT_EQ(open(bytes), "TN6009");
}

TEST_F(ContainerTest, SurvivesAnyPlanThatMatchesItsDigest) {
  // What digests cannot stop: damage before the digest was made. Nothing may crash, whatever the code.
  auto container = Container::fromMemory(bytes);
  ASSERT_TRUE(container.ok());
  const auto section = (*container)->section(SectionKind::Plan);
  std::vector<uint8_t> plan(section.begin(), section.end());
  std::mt19937 random(2);
  size_t row = firstRow;
  while (bytes[row] != uint8_t(SectionKind::Plan))
    row += rowSize;
  uint64_t offset;
  std::memcpy(&offset, bytes.data() + row + 8, 8);
  for (int i = 0; i < 3000; ++i) {
    std::vector<uint8_t> mutant = plan;
    for (unsigned k = 0; k <= random() % 4; ++k)
      mutant[random() % mutant.size()] = uint8_t(random());
    std::copy(mutant.begin(), mutant.end(), bytes.begin() + long(offset));
    const Digest digest = TreeDigest::of(mutant.data(), mutant.size());
    std::memcpy(bytes.data() + row + 32, digest.data(), digest.size());
    seal();
    open(bytes);
  }
}

TEST_F(ContainerTest, RefusesAForeignFile) {
  EXPECT_EQ(open(std::vector<uint8_t>(10000, 0x7f)), "TN6002");
  EXPECT_EQ(open({}), "TN6002");
}

TEST_F(ContainerTest, NamesAVersionItCannotRead) {
  poke<uint32_t>(versionAt, 2);
  auto container = Container::fromMemory(bytes);
  ASSERT_FALSE(container.ok());
  EXPECT_EQ(container.status().error().code, "TN6003");
  EXPECT_EQ(container.status().error().message, "format version 2, this build reads 1");
}

TEST_F(ContainerTest, RefusesUnknownFeatures) {
  poke<uint64_t>(featuresAt, 4);
  EXPECT_EQ(open(bytes), "TN6004");
}

TEST_F(ContainerTest, NoticesADamagedHeader) {
  bytes[featuresAt] = 1;
  EXPECT_EQ(open(bytes), "TN6006");
}

TEST_F(ContainerTest, RefusesBadSectionTables) {
  const std::vector<uint8_t> good = bytes;
  poke<uint32_t>(headerSizeAt, 8192);
  EXPECT_EQ(open(bytes), "TN6007");
  bytes = good;
  poke<uint32_t>(countAt, 63);
  EXPECT_EQ(open(bytes), "TN6007");
  bytes = good;
  poke<uint32_t>(firstRow, 99); // kind
  EXPECT_EQ(open(bytes), "TN6007");
  bytes = good;
  poke<uint32_t>(firstRow + rowSize, uint32_t(SectionKind::Weights)); // twice
  EXPECT_EQ(open(bytes), "TN6007");
  bytes = good;
  poke<uint64_t>(firstRow + 8, pageSize * 2); // offset
  EXPECT_EQ(open(bytes), "TN6007");
  bytes = good;
  poke<uint64_t>(firstRow + 16, ~uint64_t(0) - 100); // length
  EXPECT_EQ(open(bytes), "TN6007");
}

TEST_F(ContainerTest, NamesTheFileItCannotRead) {
  for (const std::string &path : {folder / "missing.tenon", folder / "."}) {
    auto container = Container::open(path);
    ASSERT_FALSE(container.ok());
    EXPECT_EQ(container.status().error().code, "TN6001");
    EXPECT_NE(container.status().error().message.find(path), std::string::npos);
  }
}
