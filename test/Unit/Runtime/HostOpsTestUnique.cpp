//===- HostOpsTestUnique.cpp - Unique -------------------------------------===//
#include "HostOpsTest.h"

#include <cmath>
#include <map>
#include <random>

using namespace tenon;
using namespace tenon::runtime;
using namespace tenon::runtime::testing;
using plan::HostOp;

namespace {

/// All four results for elements of T, or for slices along `axis`.
template <typename T>
struct Found {
  Dims dims;
  std::vector<T> y;
  I64s first, inverse, counts;
  bool operator==(const Found &) const = default;
};

template <typename T>
Found<T> unique(const Value &x, std::vector<int64_t> attributes) {
  auto results = runOn(HostOp::Unique, {&x}, std::move(attributes));
  if (!results || results->size() != 4) {
    ADD_FAILURE() << (results ? "not four results" : results.status().str());
    return {};
  }
  return {(*results)[0].tensor.dims, elementsOf<T>((*results)[0]), elementsOf<int64_t>((*results)[1]),
          elementsOf<int64_t>((*results)[2]), elementsOf<int64_t>((*results)[3])};
}

/// `found` without its elements, where NaNs are among them.
template <typename T>
Found<T> withoutElements(Found<T> found) {
  found.y.clear();
  return found;
}

const std::vector<int64_t> flatSorted = {0, 0, 1}, flatUnsorted = {0, 0, 0};

TEST(Unique, SortsElements) {
  const auto found = unique<float>(floats({6}, {2, 1, 1, 3, 4, 3}), flatSorted);
  EXPECT_EQ(found, (Found<float>{{4}, {1, 2, 3, 4}, {1, 0, 3, 4}, {1, 0, 0, 2, 3, 2}, {2, 1, 2, 1}}));
}

TEST(Unique, KeepsTheOrderOfFirstOccurrence) {
  const auto found = unique<float>(floats({6}, {2, 1, 1, 3, 4, 3}), flatUnsorted);
  EXPECT_EQ(found, (Found<float>{{4}, {2, 1, 3, 4}, {0, 1, 3, 4}, {0, 1, 1, 2, 3, 2}, {1, 2, 2, 1}}));
}

TEST(Unique, FlattensWithoutAnAxis) {
  const auto found = unique<int64_t>(integers({2, 2}, {5, -5, most, 5}), flatSorted);
  EXPECT_EQ(found, (Found<int64_t>{{3}, {-5, 5, most}, {1, 0, 2}, {1, 0, 2, 1}, {1, 2, 1}}));
  EXPECT_EQ(unique<float>(floats({}, {7}), flatSorted), (Found<float>{{1}, {7}, {0}, {0}, {1}}));
}

TEST(Unique, OfElementsHasOneNaNAndOneZero) {
  const auto found = unique<float>(floats({7}, {NAN, 0.0f, -1, -0.0f, -NAN, INFINITY, -INFINITY}), flatSorted);
  EXPECT_EQ(found.first, (I64s{6, 2, 1, 5, 0}));
  EXPECT_EQ(found.inverse, (I64s{4, 2, 1, 2, 4, 3, 0}));
  EXPECT_EQ(found.counts, (I64s{1, 1, 2, 1, 2}));
}

TEST(Unique, OfSlicesComparesNaNsAsNumpyDoes) {
  const auto found = unique<float>(floats({4, 2}, {1, NAN, 1, 2, 1, NAN, 1, 2}), {1, 0, 1});
  EXPECT_EQ(withoutElements(found), (Found<float>{{3, 2}, {}, {1, 0, 2}, {1, 0, 2, 0}, {2, 1, 1}}));
}

TEST(Unique, ComparesRows) {
  const auto found = unique<float>(floats({3, 3}, {1, 0, 0, 1, 0, 0, 2, 3, 4}), {1, 0, 1});
  EXPECT_EQ(found, (Found<float>{{2, 3}, {1, 0, 0, 2, 3, 4}, {0, 2}, {0, 0, 1}, {2, 1}}));
}

TEST(Unique, ComparesSlicesAlongAnyAxis) {
  const std::vector<float> data = {1, 1, 0, 1, 2, 1, 0, 1, 0, 1, 1, 1, 0, 1, 2, 1};
  const Value x = floats({2, 4, 2}, data);
  const std::vector<float> expected = {0, 1, 1, 1, 2, 1, 0, 1, 1, 1, 2, 1};
  const auto found = unique<float>(floats({2, 4, 2}, {1, 1, 0, 1, 2, 1, 0, 1, 1, 1, 0, 1, 2, 1, 0, 1}), {1, 1, 1});
  EXPECT_EQ(found, (Found<float>{{2, 3, 2}, expected, {1, 0, 2}, {1, 0, 2, 0}, {2, 1, 1}}));
  EXPECT_EQ(unique<float>(x, {1, -2, 1}), unique<float>(x, {1, 1, 1}));
  EXPECT_EQ(unique<float>(x, {1, 2, 0}).dims, (Dims{2, 4, 2}));
}

TEST(Unique, OrdersEveryType) {
  using Bytes = std::vector<uint8_t>;
  auto sorted = [](ElementType type, const Bytes &bytes) {
    return unique<uint8_t>(makeTensor(type, {int64_t(bytes.size())}, bytes), flatSorted).y;
  };
  EXPECT_EQ(sorted(ElementType::I8, {1, 0xff, 0x80, 0x7f}), (Bytes{0x80, 0xff, 1, 0x7f}));
  EXPECT_EQ(sorted(ElementType::U8, {1, 0xff, 0x80, 0x7f}), (Bytes{1, 0x7f, 0x80, 0xff}));
  EXPECT_EQ(sorted(ElementType::I4, {1, 0x0f, 0x08}), (Bytes{0x08, 0x0f, 1}));
  EXPECT_EQ(sorted(ElementType::Bool, {1, 0, 1}), (Bytes{0, 1}));
  EXPECT_EQ(sorted(ElementType::F8E4M3FN, {0xff, 0x7e, 0x81, 0x00, 0x80, 0x7f}), (Bytes{0x81, 0x00, 0x7e, 0xff}));
  EXPECT_EQ(sorted(ElementType::F8E5M2FNUZ, {0x80, 0x7f, 0xff, 0x00}), (Bytes{0xff, 0x00, 0x7f, 0x80}));
  EXPECT_EQ(sorted(ElementType::F4E2M1, {0x7, 0xf, 0x0, 0x8}), (Bytes{0xf, 0x0, 0x7}));
  const Value halves = makeTensor<uint16_t>(ElementType::F16, {4}, {0x7e00, 0x3c00, 0xbc00, 0xfe00});
  EXPECT_EQ(unique<uint16_t>(halves, flatSorted).y, (std::vector<uint16_t>{0xbc00, 0x3c00, 0x7e00}));
  const Value doubles = makeTensor<double>(ElementType::F64, {3}, {1e300, -1e300, 1e300});
  EXPECT_EQ(unique<double>(doubles, flatSorted).y, (std::vector<double>{-1e300, 1e300}));
}

/// Of `count` random elements in -9 .. 9: what a map finds.
template <typename T>
void compareWithAMap(ElementType type, size_t count) {
  std::mt19937 random(11);
  std::vector<T> data(count);
  std::map<T, std::pair<int64_t, int64_t>> expected; // first and count
  for (size_t i = 0; i < count; ++i) {
    data[i] = T(int(random() % 19) - 9);
    ++expected.try_emplace(data[i], int64_t(i), 0).first->second.second;
  }
  const auto found = unique<T>(makeTensor(type, {int64_t(count)}, data), flatSorted);
  ASSERT_EQ(found.y.size(), expected.size());
  size_t at = 0;
  for (const auto &[key, what] : expected) {
    EXPECT_EQ(found.y[at], key);
    EXPECT_EQ(found.first[at], what.first);
    EXPECT_EQ(found.counts[at++], what.second);
  }
  for (size_t i = 0; i < count; ++i)
    ASSERT_EQ(found.y[size_t(found.inverse[i])], data[i]);
}

TEST(Unique, AgreesWithAMap) {
  compareWithAMap<int8_t>(ElementType::I8, 1000);
  compareWithAMap<int16_t>(ElementType::I16, 1000); // sorted
  compareWithAMap<int16_t>(ElementType::I16, 9000); // counted
  compareWithAMap<int32_t>(ElementType::I32, 1000);
  compareWithAMap<double>(ElementType::F64, 1000);
}

TEST(Unique, OfNothing) {
  EXPECT_EQ(unique<float>(claim({0, 3}), flatSorted), (Found<float>{{0}, {}, {}, {}, {}}));
  EXPECT_EQ(unique<float>(claim({0, 3}), {1, 0, 1}), (Found<float>{{0, 3}, {}, {}, {}, {}}));
  EXPECT_EQ(unique<float>(claim({3, 0}), {1, 0, 1}), (Found<float>{{1, 0}, {}, {0}, {0, 0, 0}, {3}}));
}

TEST(Unique, RefusesWhatDoesNotFit) {
  const Value x = floats({2}, {1, 2}), scalar = floats({}, {1}), wide = claim({int64_t(1) << 61, 0});
  EXPECT_EQ(codeOf(HostOp::Unique, {&x}, {1, 1, 1}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::Unique, {&x}, {1, least, 1}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::Unique, {&scalar}, {1, 0, 1}), "TN7018");
  EXPECT_EQ(codeOf(HostOp::Unique, {&wide}, {1, 0, 1}), "TN7011");
}

} // namespace
