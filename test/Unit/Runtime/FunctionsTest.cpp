//===- FunctionsTest.cpp - Functions of the runtime that kernels call -----===//
#include "Functions/Functions.h"
#include "tenon/Plan/ElementType.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

using namespace tenon;
using namespace tenon::runtime;

namespace {

constexpr double quiet = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();

template <typename T>
struct Picked {
  std::vector<T> values;
  std::vector<int64_t> indices;
};

/// Of x [outer, n, inner], in groups of two calls.
template <typename T>
Picked<T> topK(ElementType type, std::vector<T> x, int64_t n, int64_t k, bool largest = true, int64_t inner = 1) {
  const int64_t groups = n ? int64_t(x.size()) / n : 0;
  Picked<T> result{std::vector<T>(size_t(groups * k)), std::vector<int64_t>(size_t(groups * k))};
  std::vector<int64_t> scratch(size_t(2 * k));
  void *buffers[] = {x.data(), result.values.data(), result.indices.data()};
  const int64_t params[] = {n, inner, k, int64_t(type), largest};
  const auto function = findLibraryFunction("tenon_top_k");
  function(buffers, params, 0, groups / 2, scratch.data());
  function(buffers, params, groups / 2, groups, scratch.data());
  return result;
}

using Indices = std::vector<int64_t>;

} // namespace

TEST(LibraryFunctions, KnowsOnlyWhatTheTableLists) {
  for (std::string_view name : libraryFunctions)
    EXPECT_NE(findLibraryFunction(name), nullptr) << name;
  for (std::string_view name : {"", "system", "tenon_top_", "tenon_top_k2", "tenon_session_run"})
    EXPECT_EQ(findLibraryFunction(name), nullptr) << name;
}

TEST(LibraryFunctions, TopKSortsAndKeepsTheFirstOfEqualElements) {
  const auto largest = topK<float>(ElementType::F32, {3, 1, 3, 2, 3, 0}, 6, 4);
  EXPECT_EQ(largest.values, (std::vector<float>{3, 3, 3, 2}));
  EXPECT_EQ(largest.indices, (Indices{0, 2, 4, 3}));
  const auto smallest = topK<float>(ElementType::F32, {3, 1, 3, 1, 3, 0}, 6, 4, /*largest=*/false);
  EXPECT_EQ(smallest.values, (std::vector<float>{0, 1, 1, 3}));
  EXPECT_EQ(smallest.indices, (Indices{5, 1, 3, 0}));
}

TEST(LibraryFunctions, TopKOrdersSpecialNumbers) {
  const std::vector<double> x = {-infinity, 0.0, quiet, -0.0, infinity, -1e-310, -quiet};
  EXPECT_EQ(topK(ElementType::F64, x, 7, 7).indices, (Indices{2, 6, 4, 1, 3, 5, 0}));
  EXPECT_EQ(topK(ElementType::F64, x, 7, 7, false).indices, (Indices{0, 5, 1, 3, 4, 2, 6}));
  const uint16_t half[] = {0x3c00, 0xbc00, 0x7e00, 0x0000, 0x8001}; // 1, -1, NaN, 0, the largest below 0
  EXPECT_EQ(topK<uint16_t>(ElementType::F16, {half, half + 5}, 5, 5).indices, (Indices{2, 0, 3, 4, 1}));
  const uint16_t brain[] = {0x3f80, 0x7f80, 0x7f81, 0xff80}; // 1, infinity, NaN, -infinity
  EXPECT_EQ(topK<uint16_t>(ElementType::BF16, {brain, brain + 4}, 4, 4).indices, (Indices{2, 1, 0, 3}));
}

TEST(LibraryFunctions, TopKOrdersIntegersOfEveryType) {
  constexpr int64_t least = INT64_MIN, most = INT64_MAX;
  EXPECT_EQ(topK<int64_t>(ElementType::I64, {0, least, most, -1}, 4, 4).indices, (Indices{2, 0, 3, 1}));
  EXPECT_EQ(topK<int64_t>(ElementType::I64, {0, least, most, -1}, 4, 4, false).indices, (Indices{1, 3, 0, 2}));
  EXPECT_EQ(topK<uint64_t>(ElementType::U64, {0, ~uint64_t(0), uint64_t(1) << 63, 7}, 4, 4).indices,
            (Indices{1, 2, 3, 0}));
  EXPECT_EQ(topK<int8_t>(ElementType::I8, {-128, 127, 0}, 3, 2).indices, (Indices{1, 2}));
  EXPECT_EQ(topK<uint8_t>(ElementType::U8, {128, 127, 255}, 3, 2).indices, (Indices{2, 0}));
  EXPECT_EQ(topK<uint16_t>(ElementType::U16, {40000, 1, 65535}, 3, 1).indices, (Indices{2}));
  EXPECT_EQ(topK<int32_t>(ElementType::I32, {-5, -4, INT32_MIN}, 3, 1, false).indices, (Indices{2}));
}

TEST(LibraryFunctions, TopKAlongAnInnerAxis) {
  // [2, 3, 2]
  const auto picked = topK<int32_t>(ElementType::I32, {1, 9, 3, 8, 2, 7, 4, 4, 5, 6, 6, 5}, 3, 2, true, 2);
  EXPECT_EQ(picked.values, (std::vector<int32_t>{3, 9, 2, 8, 6, 6, 5, 5}));
  EXPECT_EQ(picked.indices, (Indices{1, 0, 2, 1, 2, 1, 1, 2}));
}

TEST(LibraryFunctions, TopKOfNothing) {
  EXPECT_TRUE(topK<float>(ElementType::F32, {1, 2}, 2, 0).indices.empty());
  EXPECT_TRUE(topK<float>(ElementType::F32, {}, 0, 0).indices.empty());
}

TEST(LibraryFunctions, TopKAgreesWithASort) {
  std::mt19937 random(7);
  std::vector<float> x(5000);
  for (float &element : x)
    element = float(int(random() % 2000) - 1000); // with many equal ones
  for (int64_t k : {1, 7, 500, 5000}) {
    Indices order(x.size());
    std::iota(order.begin(), order.end(), int64_t(0));
    std::stable_sort(order.begin(), order.end(), [&](int64_t i, int64_t j) { return x[size_t(i)] > x[size_t(j)]; });
    order.resize(size_t(k));
    EXPECT_EQ(topK(ElementType::F32, x, 5000, k).indices, order);
  }
}

TEST(LibraryFunctions, Determinants) {
  std::vector<double> x = {0, 1, 2, 3, 4, 3, 2, 1, 1, 2, 2, 4}, scratch(9), y(3);
  void *buffers[] = {x.data(), y.data()};
  const int64_t two[] = {2, int64_t(ElementType::F64)}, three[] = {3, int64_t(ElementType::F32)};
  const auto function = findLibraryFunction("tenon_determinant");
  function(buffers, two, 0, 3, scratch.data());
  EXPECT_EQ(y, (std::vector<double>{-2, -2, 0}));
  std::vector<float> a = {2, -1, 3, 0, 4, 1, 5, 2, -2}, z(1);
  void *floats[] = {a.data(), z.data()};
  function(floats, three, 0, 1, scratch.data());
  EXPECT_NEAR(z[0], -85, 1e-5);
  const int64_t none[] = {0, int64_t(ElementType::F32)};
  function(floats, none, 0, 1, scratch.data());
  EXPECT_EQ(z[0], 1);
}

namespace {

/// Of x [outer, extent, inner, 2], by the function and by the definition: the largest difference, relative to the root
/// mean square of what is right.
template <typename T>
double errorOfTransform(ElementType type, int64_t extent, int64_t inner, int64_t length, bool isInverse) {
  const int64_t outer = 2, groups = outer * inner;
  std::mt19937 random{uint32_t(length)};
  std::normal_distribution<double> normal;
  std::vector<T> x(size_t(groups * extent * 2)), y(size_t(groups * length * 2)), scratch(size_t(36 * length));
  for (T &element : x)
    element = T(normal(random));
  void *buffers[] = {x.data(), y.data()};
  const int64_t params[] = {extent, inner, length, length, 2, 2, isInverse, int64_t(type)};
  const auto function = findLibraryFunction("tenon_fourier");
  function(buffers, params, 0, 1, scratch.data());
  function(buffers, params, 1, groups, scratch.data());
  double worst = 0, squares = 0;
  for (int64_t group = 0; group < groups; ++group)
    for (int64_t k = 0; k < length; ++k) {
      std::complex<double> sum = 0;
      for (int64_t n = 0; n < std::min(extent, length); ++n) {
        const T *element = &x[size_t(((group / inner * extent + n) * inner + group % inner) * 2)];
        const double angle = (isInverse ? 2 : -2) * M_PI * double(n * k % length) / double(length);
        sum += std::complex<double>(double(element[0]), double(element[1])) * std::polar(1.0, angle);
      }
      if (isInverse)
        sum /= double(length);
      const T *element = &y[size_t(((group / inner * length + k) * inner + group % inner) * 2)];
      worst = std::max(worst, std::abs(sum - std::complex<double>(double(element[0]), double(element[1]))));
      squares += std::norm(sum);
    }
  return worst / std::sqrt(squares / double(groups * length));
}

} // namespace

TEST(LibraryFunctions, TransformsOfEveryLength) {
  std::vector<int64_t> lengths = {67, 71, 100, 127, 128, 134, 243, 251, 360}; // above 64, primes go by a chirp
  for (int64_t length = 1; length <= 40; ++length)
    lengths.push_back(length);
  for (int64_t length : lengths)
    for (bool isInverse : {false, true}) {
      EXPECT_LT(errorOfTransform<double>(ElementType::F64, length, 1, length, isInverse), 2e-14) << length;
      EXPECT_LT(errorOfTransform<float>(ElementType::F32, length, 3, length, isInverse), 4e-6) << length;
      EXPECT_LT(errorOfTransform<float>(ElementType::F32, length + 2, 1, length, isInverse), 4e-6) << "cut, " << length;
      EXPECT_LT(errorOfTransform<float>(ElementType::F32, (length + 1) / 2, 1, length, isInverse), 4e-6)
          << "filled, " << length;
    }
}

TEST(LibraryFunctions, TransformsOfRealSignalsAndBack) {
  for (int64_t length : {1, 2, 5, 6, 67, 90}) {
    const auto size = size_t(length);
    std::vector<double> x(size), half((size / 2 + 1) * 2), back(size), scratch(36 * size);
    std::iota(x.begin(), x.end(), 1.0);
    const auto function = findLibraryFunction("tenon_fourier");
    void *forward[] = {x.data(), half.data()}, *inverse[] = {half.data(), back.data()};
    const int64_t all[] = {length, 1, length, length / 2 + 1, 1, 2, 0, int64_t(ElementType::F64)};
    const int64_t again[] = {length / 2 + 1, 1, length, length, 2, 1, 1, int64_t(ElementType::F64)};
    function(forward, all, 0, 1, scratch.data());
    EXPECT_NEAR(half[0], double(length * (length + 1)) / 2, 1e-9);
    function(inverse, again, 0, 1, scratch.data());
    for (size_t i = 0; i < x.size(); ++i)
      EXPECT_NEAR(back[i], x[i], 1e-12 * double(length)) << length;
  }
}
