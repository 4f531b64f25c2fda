//===- HostOpsTestIndices.cpp - NonZero and NonMaxSuppression -------------===//
#include "HostOpsTest.h"

#include <cmath>
#include <random>

using namespace tenon;
using namespace tenon::runtime;
using namespace tenon::runtime::testing;
using plan::HostOp;

namespace {

TEST(NonZero, ListsCoordinatesByDimension) {
  const Value x = integers({2, 3}, {1, 0, 2, 0, 0, 3});
  const Value y = resultOf(HostOp::NonZero, {&x});
  EXPECT_EQ(y.tensor.type, ElementType::I64);
  EXPECT_EQ(y.tensor.dims, (Dims{2, 3}));
  EXPECT_EQ(elementsOf<int64_t>(y), (I64s{0, 0, 1, 0, 2, 2}));
}

TEST(NonZero, OfManyDimensionsAgreesWithASearch) {
  std::mt19937 random(7);
  std::vector<uint8_t> data(3 * 4 * 1 * 5);
  I64s expected[4];
  for (size_t i = 0; i < data.size(); ++i) {
    data[i] = random() % 3 == 0;
    const int64_t at = int64_t(i);
    const int64_t coordinates[4] = {at / 20, at / 5 % 4, 0, at % 5};
    for (int d = 0; data[i] && d < 4; ++d)
      expected[d].push_back(coordinates[d]);
  }
  const Value x = makeTensor(ElementType::Bool, {3, 4, 1, 5}, data);
  I64s all;
  for (const I64s &row : expected)
    all.insert(all.end(), row.begin(), row.end());
  EXPECT_EQ(elementsOf<int64_t>(resultOf(HostOp::NonZero, {&x})), all);
}

TEST(NonZero, TakesNegativeZeroForZeroAndNaNForMore) {
  const Value x = floats({4}, {-0.0f, NAN, 1e-45f, 0.0f});
  EXPECT_EQ(elementsOf<int64_t>(resultOf(HostOp::NonZero, {&x})), (I64s{1, 2}));
  const Value half = makeTensor<uint16_t>(ElementType::BF16, {3}, {0x8000, 0x0001, 0x0000});
  EXPECT_EQ(elementsOf<int64_t>(resultOf(HostOp::NonZero, {&half})), (I64s{1}));
  const Value fnuz = makeTensor<uint8_t>(ElementType::F8E4M3FNUZ, {2}, {0x80, 0x00}); // a NaN, not -0
  EXPECT_EQ(elementsOf<int64_t>(resultOf(HostOp::NonZero, {&fnuz})), (I64s{0}));
}

TEST(NonZero, OfAScalarHasNoRows) {
  const Value one = floats({}, {1}), none = floats({}, {0});
  EXPECT_EQ(resultOf(HostOp::NonZero, {&one}).tensor.dims, (Dims{0, 1}));
  EXPECT_EQ(resultOf(HostOp::NonZero, {&none}).tensor.dims, (Dims{0, 0}));
}

TEST(NonZero, OfNothingIsNothing) {
  const Value x = claim({int64_t(1) << 40, 0, 3});
  EXPECT_EQ(resultOf(HostOp::NonZero, {&x}).tensor.dims, (Dims{3, 0}));
}

TEST(NonZero, RefusesWhatIsNoTensor) {
  const Value sequence = Value::sequence(ElementType::F32), none, negative = claim({-1}), huge = claim({most, most}),
              missing = claim({2});
  EXPECT_EQ(codeOf(HostOp::NonZero, {&sequence}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::NonZero, {&none}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::NonZero, {nullptr}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::NonZero, {&negative}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::NonZero, {&huge}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::NonZero, {&missing}), "TN7018");
}

const std::vector<float> corners = {0, 0,  1, 1,  0, 0.1f,  1, 1.1f,  0, -0.1f, 1, 0.9f,
                                    0, 10, 1, 11, 0, 10.1f, 1, 11.1f, 0, 100,   1, 101};
const std::vector<float> someScores = {0.9f, 0.75f, 0.6f, 0.95f, 0.5f, 0.3f};

/// The triples chosen from `boxes` with these thresholds.
I64s choose(const Value &boxes, const Value &scores, int64_t perClass, float iou, float score, int64_t centers = 0) {
  const Value most = integers({1}, {perClass}), overlap = floats({1}, {iou}), least = floats({1}, {score});
  return elementsOf<int64_t>(
      resultOf(HostOp::NonMaxSuppression, {&boxes, &scores, &most, &overlap, &least}, {centers}));
}

TEST(NonMaxSuppression, KeepsTheBestOfThoseThatOverlap) {
  const Value boxes = floats({1, 6, 4}, corners), scores = floats({1, 1, 6}, someScores);
  EXPECT_EQ(choose(boxes, scores, 3, 0.5f, 0), (I64s{0, 0, 3, 0, 0, 0, 0, 0, 5}));
  EXPECT_EQ(choose(boxes, scores, 2, 0.5f, 0), (I64s{0, 0, 3, 0, 0, 0}));
  EXPECT_EQ(choose(boxes, scores, 3, 0.5f, 0.4f), (I64s{0, 0, 3, 0, 0, 0}));
  EXPECT_EQ(choose(boxes, scores, 9, 1.0f, 0.55f), (I64s{0, 0, 3, 0, 0, 0, 0, 0, 1, 0, 0, 2}));
}

TEST(NonMaxSuppression, TakesCornersInAnyOrder) {
  const Value boxes = floats({1, 3, 4}, {1, 1, 0, 0, 0, 0.1f, 1, 1.1f, 1, 11, 0, 10});
  const Value scores = floats({1, 1, 3}, {0.9f, 0.8f, 0.7f});
  EXPECT_EQ(choose(boxes, scores, 3, 0.5f, 0), (I64s{0, 0, 0, 0, 0, 2}));
}

TEST(NonMaxSuppression, TakesCentersAndSizes) {
  const Value boxes = floats({1, 3, 4}, {0.5f, 0.5f, 1, 1, 0.5f, 0.6f, 1, 1, 0.5f, 10.5f, 1, 1});
  const Value scores = floats({1, 1, 3}, {0.8f, 0.9f, 0.7f});
  EXPECT_EQ(choose(boxes, scores, 3, 0.5f, 0, 1), (I64s{0, 0, 1, 0, 0, 2}));
}

TEST(NonMaxSuppression, GoesByBatchAndClass) {
  const Value boxes = floats({2, 2, 4}, {0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 5, 5, 6, 6});
  const Value scores = floats({2, 2, 2}, {1, 2, 2, 1, 1, 2, 2, 1});
  EXPECT_EQ(choose(boxes, scores, 9, 0.5f, 0), (I64s{0, 0, 1, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 1, 0, 1, 1, 1}));
}

TEST(NonMaxSuppression, BreaksTiesByPosition) {
  const Value boxes = floats({1, 3, 4}, {0, 0, 1, 1, 5, 5, 6, 6, 0, 0, 1, 1}), scores = floats({1, 1, 3}, {1, 1, 1});
  EXPECT_EQ(choose(boxes, scores, 9, 0.5f, 0), (I64s{0, 0, 0, 0, 0, 1}));
}

TEST(NonMaxSuppression, ByDefaultChoosesNothing) {
  const Value boxes = floats({1, 6, 4}, corners), scores = floats({1, 1, 6}, someScores), negative = integer(least);
  EXPECT_EQ(resultOf(HostOp::NonMaxSuppression, {&boxes, &scores}, {0}).tensor.dims, (Dims{0, 3}));
  EXPECT_EQ(resultOf(HostOp::NonMaxSuppression, {&boxes, &scores, &negative}, {0}).tensor.dims, (Dims{0, 3}));
}

TEST(NonMaxSuppression, PutsNaNsLast) {
  const Value boxes = floats({1, 3, 4}, {0, 0, 1, 1, NAN, 5, 6, 6, 8, 8, 9, 9});
  const Value scores = floats({1, 1, 3}, {NAN, -1, INFINITY}), all = integer(most);
  EXPECT_EQ(elementsOf<int64_t>(resultOf(HostOp::NonMaxSuppression, {&boxes, &scores, &all}, {0})),
            (I64s{0, 0, 2, 0, 0, 1, 0, 0, 0}));
}

TEST(NonMaxSuppression, NeedsNoTimeForExtentsWithoutData) {
  const Value boxes = claim({int64_t(1) << 50, 0, 4}), scores = claim({int64_t(1) << 50, 16, 0}), one = integer(1);
  EXPECT_EQ(resultOf(HostOp::NonMaxSuppression, {&boxes, &scores, &one}, {0}).tensor.dims, (Dims{0, 3}));
  const Value noBatch = claim({0, UINT32_MAX, 4}), noScores = claim({0, 1, UINT32_MAX});
  EXPECT_EQ(resultOf(HostOp::NonMaxSuppression, {&noBatch, &noScores, &one}, {0}).tensor.dims, (Dims{0, 3}));
}

TEST(NonMaxSuppression, RefusesWhatDoesNotFit) {
  const Value boxes = floats({1, 6, 4}, corners), scores = floats({1, 1, 6}, someScores),
              flat = floats({6}, someScores),
              wide = makeTensor<double>(ElementType::F64, {1, 1, 6}, std::vector<double>(6)), one = integer(1),
              two = floats({}, {2}), nan = floats({}, {NAN}), pair = floats({2}, {0, 0});
  EXPECT_EQ(codeOf(HostOp::NonMaxSuppression, {&boxes, &flat}, {0}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::NonMaxSuppression, {&scores, &boxes}, {0}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::NonMaxSuppression, {&boxes, &wide}, {0}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::NonMaxSuppression, {&boxes, &scores, &two}, {0}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::NonMaxSuppression, {&boxes, &scores, &one, &two}, {0}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::NonMaxSuppression, {&boxes, &scores, &one, &nan}, {0}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::NonMaxSuppression, {&boxes, &scores, &one, nullptr, &pair}, {0}), "TN7018");
}

} // namespace
