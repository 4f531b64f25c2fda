#include "SamplePlan.h"

#include <gtest/gtest.h>

#include <sys/stat.h>

using namespace tenon;
using namespace tenon::plan;
using namespace tenon::test;

TEST(Writer, GivesEqualBytesForEqualCalls) {
  TemporaryFolder folder;
  PlanMaker first = makeSample(), second = makeSample();
  ASSERT_TRUE(writePlan(folder / "a.tenon", first.plan, {1, 2, 3, 4}).ok());
  ASSERT_TRUE(writePlan(folder / "b.tenon", second.plan, {1, 2, 3, 4}).ok());
  EXPECT_EQ(readFile(folder / "a.tenon"), readFile(folder / "b.tenon"));
}

TEST(Writer, LeavesNothingBehindUnlessFinished) {
  TemporaryFolder folder;
  {
    auto writer = ContainerWriter::create(folder / "a.tenon");
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE((*writer)->addWeight(bytesOf({1, 2})).ok());
  }
  EXPECT_TRUE(folder.list().empty());
}

TEST(Writer, RefusesAPlanThatReadersWouldRefuse) {
  TemporaryFolder folder;
  PlanMaker m = makeSample();
  m.plan.weights[0]->length = 1 << 20;
  Status status = writePlan(folder / "a.tenon", m.plan, {1, 2, 3, 4});
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, "TN6012");
  EXPECT_TRUE(folder.list().empty());
}

TEST(Writer, KeepsTheOldFileOnFailure) {
  TemporaryFolder folder;
  writeFile(folder / "a.tenon", {1, 2, 3});
  PlanMaker m = makeSample();
  m.plan.functions.clear();
  EXPECT_FALSE(writePlan(folder / "a.tenon", m.plan, {1, 2, 3, 4}).ok());
  EXPECT_EQ(readFile(folder / "a.tenon"), (std::vector<uint8_t>{1, 2, 3}));
}

TEST(Writer, NamesTheFileItCannotCreate) {
  auto writer = ContainerWriter::create("/nonexistent-folder/a.tenon");
  ASSERT_FALSE(writer.ok());
  EXPECT_EQ(writer.status().error().code, "TN6020");
  EXPECT_NE(writer.status().error().message.find("/nonexistent-folder/a.tenon"), std::string::npos);
}

TEST(Writer, DoesNotReplaceADevice) {
  auto writer = ContainerWriter::create("/dev/null");
  ASSERT_FALSE(writer.ok());
  EXPECT_EQ(writer.status().error().code, "TN6020");
}

TEST(Writer, AlignsWeightsAndCountsProducedBytes) {
  TemporaryFolder folder;
  auto writer = ContainerWriter::create(folder / "a.tenon");
  ASSERT_TRUE(writer.ok());
  const std::vector<uint8_t> piece(100, 7);
  auto produceTwice = [&](const ContainerWriter::Sink &sink) {
    TENON_RETURN_IF_ERROR(sink(piece));
    return sink(piece);
  };
  EXPECT_EQ(*(*writer)->addWeight(piece), 0u);
  EXPECT_EQ(*(*writer)->addWeight(200, produceTwice), 128u);
  EXPECT_EQ(*(*writer)->addCode(piece), 0u);
  auto late = (*writer)->addWeight(piece);
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.status().error().code, "TN6021");
}

TEST(Writer, RefusesAWeightOfAnotherLength) {
  TemporaryFolder folder;
  const std::vector<uint8_t> piece(100, 7);
  for (uint64_t length : {99, 101}) {
    auto writer = ContainerWriter::create(folder / "a.tenon");
    ASSERT_TRUE(writer.ok());
    auto offset = (*writer)->addWeight(length, [&](const ContainerWriter::Sink &sink) { return sink(piece); });
    ASSERT_FALSE(offset.ok());
    EXPECT_EQ(offset.status().error().code, "TN6021");
  }
}
