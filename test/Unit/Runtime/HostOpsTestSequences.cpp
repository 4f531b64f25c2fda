//===- HostOpsTestSequences.cpp - Sequences, optionals, slices ------------===//
#include "HostOpsTest.h"

using namespace tenon;
using namespace tenon::runtime;
using namespace tenon::runtime::testing;
using plan::HostOp;

namespace {

constexpr int64_t f32 = int64_t(ElementType::F32);
const Value a = floats({2}, {1, 2}), b = floats({3}, {3, 4, 5}), c = floats({}, {6});
const Value wholeNumbers = integers({1}, {1});
const Value abc = sequenceOf({a, b, c}), empty = Value::sequence(ElementType::F32), none;

/// The rank-0 or -1 tensors of a sequence by their first element.
std::vector<float> firsts(const Value &sequence) {
  EXPECT_EQ(sequence.kind, ValueKind::Sequence);
  std::vector<float> all;
  for (const Tensor &tensor : sequence.elements)
    all.push_back(*tensor.as<float>());
  return all;
}

TEST(Sequence, SharesItsTensors) {
  const Value made = resultOf(HostOp::SequenceConstruct, {&a, &b}, {f32});
  ASSERT_EQ(made.elements.size(), 2u);
  EXPECT_EQ(made.type, ElementType::F32);
  EXPECT_EQ(made.elements[1].data, b.tensor.data);
  const Value one = integer(1);
  EXPECT_EQ(resultOf(HostOp::SequenceAt, {&made, &one}).tensor.data, b.tensor.data);
}

TEST(Sequence, ConstructRefusesOtherTypes) {
  EXPECT_EQ(codeOf(HostOp::SequenceConstruct, {&a, &wholeNumbers}, {f32}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::SequenceConstruct, {&abc}, {f32}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::SequenceConstruct, {&a}, {99}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::SequenceEmpty, {}, {least}), "TN7018");
}

TEST(Sequence, EmptyHasAType) {
  const Value made = resultOf(HostOp::SequenceEmpty, {}, {int64_t(ElementType::BF16)});
  EXPECT_EQ(made.kind, ValueKind::Sequence);
  EXPECT_EQ(made.type, ElementType::BF16);
  EXPECT_TRUE(made.elements.empty());
}

TEST(Sequence, AtCountsFromBothEnds) {
  for (auto [position, expected] : {std::pair(0, 1.0f), {2, 6.0f}, {-1, 6.0f}, {-3, 1.0f}}) {
    const Value at = integer(position), narrow = makeTensor<int32_t>(ElementType::I32, {1}, {position});
    EXPECT_EQ(elementsOf<float>(resultOf(HostOp::SequenceAt, {&abc, &at}))[0], expected);
    EXPECT_EQ(elementsOf<float>(resultOf(HostOp::SequenceAt, {&abc, &narrow}))[0], expected);
  }
}

TEST(Sequence, AtRefusesOtherPositions) {
  for (int64_t position : {int64_t(3), int64_t(-4), most, least}) {
    const Value at = integer(position);
    EXPECT_EQ(codeOf(HostOp::SequenceAt, {&abc, &at}), "TN7018");
    EXPECT_EQ(codeOf(HostOp::SequenceErase, {&abc, &at}), "TN7018");
  }
  const Value zero = integer(0), pair = integers({2}, {0, 0});
  EXPECT_EQ(codeOf(HostOp::SequenceAt, {&empty, &zero}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::SequenceAt, {&abc, &pair}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::SequenceAt, {&abc, &c}), "TN7018") << "a position is an integer";
  EXPECT_EQ(codeOf(HostOp::SequenceAt, {&abc, nullptr}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::SequenceAt, {&a, &zero}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::SequenceAt, {&none, &zero}), "TN7018");
}

TEST(Sequence, InsertsBefore) {
  const Value x = floats({}, {9});
  EXPECT_EQ(firsts(resultOf(HostOp::SequenceInsert, {&abc, &x})), (std::vector<float>{1, 3, 6, 9}));
  EXPECT_EQ(firsts(resultOf(HostOp::SequenceInsert, {&empty, &x})), (std::vector<float>{9}));
  const std::pair<int64_t, std::vector<float>> cases[] = {
      {0, {9, 1, 3, 6}}, {3, {1, 3, 6, 9}}, {-1, {1, 3, 9, 6}}, {-3, {9, 1, 3, 6}}};
  for (const auto &[position, expected] : cases) {
    const Value at = integer(position);
    EXPECT_EQ(firsts(resultOf(HostOp::SequenceInsert, {&abc, &x, &at})), expected);
  }
  EXPECT_EQ(firsts(abc), (std::vector<float>{1, 3, 6})) << "operands stay as they are";
}

TEST(Sequence, InsertRefusesWhatDoesNotFit) {
  for (int64_t position : {int64_t(4), int64_t(-4), most, least}) {
    const Value at = integer(position);
    EXPECT_EQ(codeOf(HostOp::SequenceInsert, {&abc, &a, &at}), "TN7018");
  }
  EXPECT_EQ(codeOf(HostOp::SequenceInsert, {&abc, &wholeNumbers}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::SequenceInsert, {&abc, &abc}), "TN7018");
}

TEST(Sequence, Erases) {
  const Value first = integer(0), second = integer(-2);
  EXPECT_EQ(firsts(resultOf(HostOp::SequenceErase, {&abc})), (std::vector<float>{1, 3}));
  EXPECT_EQ(firsts(resultOf(HostOp::SequenceErase, {&abc, &first})), (std::vector<float>{3, 6}));
  EXPECT_EQ(firsts(resultOf(HostOp::SequenceErase, {&abc, &second})), (std::vector<float>{1, 6}));
  EXPECT_EQ(codeOf(HostOp::SequenceErase, {&empty}), "TN7018");
}

TEST(Sequence, HasALength) {
  EXPECT_EQ(elementsOf<int64_t>(resultOf(HostOp::SequenceLength, {&abc})), (I64s{3}));
  EXPECT_EQ(elementsOf<int64_t>(resultOf(HostOp::SequenceLength, {&empty})), (I64s{0}));
  EXPECT_EQ(codeOf(HostOp::SequenceLength, {&none}), "TN7018");
}

TEST(Sequence, RefusesElementsThatAreNotWhatItSays) {
  Value mixed = abc, broken = abc;
  mixed.elements[1] = wholeNumbers.tensor;
  broken.elements[1].dims = {-1};
  EXPECT_EQ(codeOf(HostOp::SequenceLength, {&mixed}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::ConcatFromSequence, {&broken}, {0, 0}), "TN7018");
}

TEST(Optional, IsEmptyOrWhatItHolds) {
  auto has = [](const Value *value) { return elementsOf<uint8_t>(resultOf(HostOp::OptionalHasElement, {value}))[0]; };
  const Value made = resultOf(HostOp::OptionalNone, {});
  EXPECT_EQ(has(&made), 0);
  EXPECT_EQ(has(nullptr), 0);
  EXPECT_EQ(has(&a), 1);
  EXPECT_EQ(has(&empty), 1) << "an empty sequence is a value";
  EXPECT_EQ(elementsOf<uint8_t>(resultOf(HostOp::OptionalHasElement, {}))[0], 0);
  EXPECT_EQ(resultOf(HostOp::OptionalGetElement, {&a}).tensor.data, a.tensor.data);
  EXPECT_EQ(resultOf(HostOp::OptionalGetElement, {&abc}).elements.size(), 3u);
  EXPECT_EQ(codeOf(HostOp::OptionalGetElement, {&made}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::OptionalGetElement, {nullptr}), "TN7018");
}

TEST(ConcatFromSequence, JoinsAlongAnAxis) {
  const Value x = floats({2, 1}, {1, 2}), y = floats({2, 2}, {3, 4, 5, 6}), gap = claim({2, 0});
  const Value all = sequenceOf({x, gap, y});
  const Value joined = resultOf(HostOp::ConcatFromSequence, {&all}, {-1, 0});
  EXPECT_EQ(joined.tensor.dims, (Dims{2, 3}));
  EXPECT_EQ(elementsOf<float>(joined), (std::vector<float>{1, 3, 4, 2, 5, 6}));
}

TEST(ConcatFromSequence, StacksAlongANewAxis) {
  const Value x = floats({2}, {1, 2}), y = floats({2}, {3, 4}), both = sequenceOf({x, y});
  const Value first = resultOf(HostOp::ConcatFromSequence, {&both}, {0, 1});
  EXPECT_EQ(first.tensor.dims, (Dims{2, 2}));
  EXPECT_EQ(elementsOf<float>(first), (std::vector<float>{1, 2, 3, 4}));
  const Value last = resultOf(HostOp::ConcatFromSequence, {&both}, {-1, 1});
  EXPECT_EQ(elementsOf<float>(last), (std::vector<float>{1, 3, 2, 4}));
  const Value scalars = sequenceOf({c, c, c});
  EXPECT_EQ(resultOf(HostOp::ConcatFromSequence, {&scalars}, {0, 1}).tensor.dims, (Dims{3}));
}

TEST(ConcatFromSequence, OfNothingTakesNoTime) {
  const Value wide = claim({int64_t(1) << 59, 0}), both = sequenceOf({wide, wide});
  EXPECT_EQ(resultOf(HostOp::ConcatFromSequence, {&both}, {1, 0}).tensor.dims, (Dims{int64_t(1) << 59, 0}));
}

TEST(ConcatFromSequence, RefusesWhatDoesNotFit) {
  const Value ab = sequenceOf({a, b}), ac = sequenceOf({a, c}), wide = claim({most, 0}, ElementType::I8),
              tooWide = sequenceOf({wide, wide}, ElementType::I8);
  EXPECT_EQ(codeOf(HostOp::ConcatFromSequence, {&empty}, {0, 0}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::ConcatFromSequence, {&ab}, {0, 1}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::ConcatFromSequence, {&ac}, {0, 0}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::ConcatFromSequence, {&ab}, {1, 0}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::ConcatFromSequence, {&ab}, {least, 1}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::ConcatFromSequence, {&tooWide}, {0, 0}), "TN7011");
}

/// The extents and elements of each tensor.
std::vector<std::pair<Dims, std::vector<float>>> parts(const Value &sequence) {
  std::vector<std::pair<Dims, std::vector<float>>> all;
  for (const Tensor &tensor : sequence.elements)
    all.emplace_back(tensor.dims, elementsOf<float>(tensor));
  return all;
}
using Parts = std::vector<std::pair<Dims, std::vector<float>>>;

const Value grid = floats({2, 3}, {1, 2, 3, 4, 5, 6});

TEST(SplitToSequence, ByDefaultTakesSlices) {
  EXPECT_EQ(parts(resultOf(HostOp::SplitToSequence, {&grid}, {0, 1})),
            (Parts{{{1, 3}, {1, 2, 3}}, {{1, 3}, {4, 5, 6}}}));
  EXPECT_EQ(parts(resultOf(HostOp::SplitToSequence, {&grid}, {-1, 0})),
            (Parts{{{2}, {1, 4}}, {{2}, {2, 5}}, {{2}, {3, 6}}}));
}

TEST(SplitToSequence, IntoEqualPartsAndARest) {
  const Value two = integer(2), many = integer(most);
  EXPECT_EQ(parts(resultOf(HostOp::SplitToSequence, {&grid, &two}, {1, 0})),
            (Parts{{{2, 2}, {1, 2, 4, 5}}, {{2, 1}, {3, 6}}}))
      << "keepdims counts without split only";
  EXPECT_EQ(resultOf(HostOp::SplitToSequence, {&grid, &many}, {1, 0}).elements.size(), 1u);
}

TEST(SplitToSequence, IntoGivenParts) {
  const Value extents = integers({3}, {1, 0, 2}), narrow = makeTensor<int32_t>(ElementType::I32, {1}, {3});
  EXPECT_EQ(parts(resultOf(HostOp::SplitToSequence, {&grid, &extents}, {1, 1})),
            (Parts{{{2, 1}, {1, 4}}, {{2, 0}, {}}, {{2, 2}, {2, 3, 5, 6}}}));
  EXPECT_EQ(parts(resultOf(HostOp::SplitToSequence, {&grid, &narrow}, {1, 1})), (Parts{{{2, 3}, {1, 2, 3, 4, 5, 6}}}));
}

TEST(SplitToSequence, RefusesWhatDoesNotFit) {
  const I64s wrong[] = {{1, 1}, {2, 2}, {4, -1}, {most, most, 3}, {least, least}, {}};
  for (const I64s &extents : wrong) {
    const Value split = integers({int64_t(extents.size())}, extents);
    EXPECT_EQ(codeOf(HostOp::SplitToSequence, {&grid, &split}, {1, 1}), "TN7018");
  }
  const Value zero = integer(0), negative = integer(least), wide = claim({int64_t(1) << 60, 0});
  EXPECT_EQ(codeOf(HostOp::SplitToSequence, {&grid, &zero}, {1, 1}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::SplitToSequence, {&grid, &negative}, {1, 1}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::SplitToSequence, {&grid, &c}, {1, 1}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::SplitToSequence, {&grid, &a}, {1, 1}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::SplitToSequence, {&grid}, {2, 1}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::SplitToSequence, {&c}, {0, 1}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::SplitToSequence, {&wide}, {0, 1}), "TN7018") << "2^60 empty tensors";
}

TEST(Extent, IsThatOfAnAxis) {
  EXPECT_EQ(elementsOf<int64_t>(resultOf(HostOp::Extent, {&grid}, {1})), (I64s{3}));
  EXPECT_EQ(elementsOf<int64_t>(resultOf(HostOp::Extent, {&grid}, {-2})), (I64s{2}));
  EXPECT_EQ(codeOf(HostOp::Extent, {&grid}, {2}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::Extent, {&abc}, {0}), "TN7018");
}

TEST(TakeElement, DropsTheAxis) {
  const Value one = integer(1), zero = integer(0);
  const Value row = resultOf(HostOp::TakeElement, {&grid, &one}, {0, 0});
  EXPECT_EQ(row.tensor.dims, (Dims{3}));
  EXPECT_EQ(elementsOf<float>(row), (std::vector<float>{4, 5, 6}));
  EXPECT_EQ(elementsOf<float>(resultOf(HostOp::TakeElement, {&grid, &zero}, {1, 1})), (std::vector<float>{3, 6}));
  EXPECT_EQ(elementsOf<float>(resultOf(HostOp::TakeElement, {&grid, &one}, {-1, 0})), (std::vector<float>{2, 5}));
}

TEST(TakeElement, RefusesWhatDoesNotFit) {
  for (int64_t index : {int64_t(2), int64_t(-1), most, least}) {
    const Value at = integer(index);
    EXPECT_EQ(codeOf(HostOp::TakeElement, {&grid, &at}, {0, 0}), "TN7018");
    EXPECT_EQ(codeOf(HostOp::TakeElement, {&grid, &at}, {0, 1}), "TN7018");
  }
  const Value zero = integer(0), nothing = claim({0, 3});
  EXPECT_EQ(codeOf(HostOp::TakeElement, {&nothing, &zero}, {0, 0}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::TakeElement, {&c, &zero}, {0, 0}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::TakeElement, {&grid, nullptr}, {0, 0}), "TN7018");
}

} // namespace
