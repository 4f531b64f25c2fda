//===- TmaTest.cpp - mbarrier.cuh and tma.cuh -----------------------------===//
#include "TestDevice.h"

#include <numeric>

using namespace tenon::test;
using tenon::vgpu::TensorMapDescription;
using tenon::vgpu::TensorSwizzle;

namespace {

class TmaTest : public DeviceTest {
protected:
  void SetUp() override {
    DeviceTest::SetUp();
    if (lacks(90, 999))
      GTEST_SKIP() << "needs sm_90";
  }
};

TEST_F(TmaTest, RingOfMbarriers) {
  forSeeds([&](uint64_t seed) {
    Buffer<int> in(32 * 9), out(32 * 9);
    std::iota(in.data(), in.data() + in.size(), 5);
    ASSERT_EQ(file("Tma.cu", seed)("ring", {}, {64}, 0, in.data(), out.data(), 9), "");
    for (int i = 0; i < 32 * 9; ++i)
      ASSERT_EQ(out[i], in[i / 32 * 32 + 31 - i % 32]);
  });
}

/// A tensor of 32-bit words, word i = i + 1, of extents 20 x 7 x 5 x 4 x 3 cut to a rank; rows are padded to 24 words.
struct Words {
  static constexpr uint64_t kExtents[5] = {20, 7, 5, 4, 3}, kPitch = 24;
  Buffer<uint32_t> words{kPitch * 7 * 5 * 4 * 3};
  TensorMapDescription description;

  Words(unsigned rank, std::vector<uint32_t> box) {
    std::iota(words.data(), words.data() + words.size(), 1);
    description.base = words.data();
    description.elementBytes = 4;
    description.rank = rank;
    uint64_t stride = kPitch * 4;
    for (unsigned d = 0; d < rank; ++d) {
      description.extents[d] = kExtents[d];
      description.box[d] = box[d];
      if (d) {
        description.strides[d - 1] = stride;
        stride *= kExtents[d];
      }
    }
  }
  /// Index of the word at these coordinates, or -1 outside.
  long at(const std::vector<int> &c) const {
    long index = 0, stride = 1;
    for (unsigned d = 0; d < description.rank; ++d) {
      if (c[d] < 0 || c[d] >= static_cast<int>(kExtents[d]))
        return -1;
      index += c[d] * stride;
      stride = d == 0 ? static_cast<long>(kPitch) : stride * static_cast<long>(kExtents[d]);
    }
    return index;
  }
  size_t boxWords() const {
    size_t count = 1;
    for (unsigned d = 0; d < description.rank; ++d)
      count *= description.box[d];
    return count;
  }
  /// The coordinates of word i of a box at `origin`.
  std::vector<int> coordinates(size_t i, std::vector<int> origin) const {
    for (unsigned d = 0; d < description.rank; ++d) {
      origin[d] += static_cast<int>(i % description.box[d]);
      i /= description.box[d];
    }
    return origin;
  }
};

/// Where the hardware puts byte `offset` of a box; the box starts at a multiple of 1024.
size_t swizzledOffset(size_t offset, TensorSwizzle swizzle) {
  unsigned bits = static_cast<unsigned>(swizzle);
  return offset ^ ((offset >> 7 & ((1u << bits) - 1)) << 4);
}

template <class F>
std::string withCoordinates(F f, const std::vector<int> &c) {
  switch (c.size()) {
  case 1:
    return f(c[0]);
  case 2:
    return f(c[0], c[1]);
  case 3:
    return f(c[0], c[1], c[2]);
  case 4:
    return f(c[0], c[1], c[2], c[3]);
  default:
    return f(c[0], c[1], c[2], c[3], c[4]);
  }
}

TEST_F(TmaTest, LoadsOfEveryRank) {
  struct Case {
    std::vector<uint32_t> box;
    std::vector<int> origin;
  };
  for (const Case &c :
       {Case{{8}, {3}}, Case{{8}, {17}}, Case{{8}, {-5}}, Case{{8, 4}, {16, 5}}, Case{{12, 3, 2}, {-4, -1, 4}},
        Case{{4, 2, 3, 2}, {18, 6, -2, 3}}, Case{{4, 2, 2, 3, 2}, {0, 5, 4, -1, 2}}, Case{{4, 7}, {40, -20}}})
    forSeeds([&](uint64_t seed) {
      auto rank = static_cast<unsigned>(c.box.size());
      Words tensor(rank, c.box);
      Map map;
      ASSERT_EQ(encodeMap(tensor.description, map), "");
      Buffer<uint32_t> out(tensor.boxWords());
      auto bytes = static_cast<unsigned>(4 * out.size());
      auto launch = [&](auto... coordinates) {
        return file("Tma.cu", seed)("load" + std::to_string(rank), {}, {64}, bytes, map, out.data(), bytes,
                                    coordinates...);
      };
      ASSERT_EQ(withCoordinates(launch, c.origin), "");
      for (size_t i = 0; i < out.size(); ++i) {
        long index = tensor.at(tensor.coordinates(i, c.origin));
        ASSERT_EQ(out[i], index < 0 ? 0 : tensor.words[index]) << "rank " << rank << ", word " << i;
      }
    });
}

TEST_F(TmaTest, SwizzledLoads) {
  for (TensorSwizzle swizzle : {TensorSwizzle::Bytes32, TensorSwizzle::Bytes64, TensorSwizzle::Bytes128}) {
    unsigned row = 4u << static_cast<unsigned>(swizzle);
    Buffer<uint32_t> words(row * 20), out(row * 16);
    std::iota(words.data(), words.data() + words.size(), 1);
    TensorMapDescription description{words.data(), 4, 2, {row, 20}, {row * 4}, {row, 16}, swizzle};
    Map map;
    ASSERT_EQ(encodeMap(description, map), "");
    unsigned bytes = row * 64;
    ASSERT_EQ(file("Tma.cu", 1)("load2", {}, {32}, bytes, map, out.data(), bytes, 0, 3), "");
    for (size_t i = 0; i < out.size(); ++i)
      ASSERT_EQ(out[swizzledOffset(4 * i, swizzle) / 4], words[3 * row + i]) << row << " words a row, word " << i;
  }
}

TEST_F(TmaTest, StoresOfEveryRank) {
  struct Case {
    std::vector<uint32_t> box;
    std::vector<int> origin;
  };
  for (const Case &c : {Case{{8}, {8}}, Case{{8, 4}, {-4, 5}}, Case{{12, 3, 2}, {4, -1, 4}},
                        Case{{4, 2, 3, 2}, {14, 6, -2, 3}}, Case{{4, 2, 2, 3, 2}, {0, 5, 4, -1, 2}}})
    forSeeds([&](uint64_t seed) {
      auto rank = static_cast<unsigned>(c.box.size());
      Words tensor(rank, c.box);
      Map map;
      ASSERT_EQ(encodeMap(tensor.description, map), "");
      auto bytes = static_cast<unsigned>(4 * tensor.boxWords());
      int step = static_cast<int>(c.box[0]);
      auto launch = [&](auto... coordinates) {
        return file("Tma.cu", seed)("store" + std::to_string(rank), {}, {64}, bytes, map, bytes, step, coordinates...);
      };
      ASSERT_EQ(withCoordinates(launch, c.origin), "");
      std::vector<uint32_t> expected(tensor.words.size());
      std::iota(expected.begin(), expected.end(), 1);
      for (unsigned turn = 0; turn < 2; ++turn)
        for (size_t i = 0; i < tensor.boxWords(); ++i) {
          std::vector<int> at = tensor.coordinates(i, c.origin);
          at[0] += static_cast<int>(turn) * step;
          if (long index = tensor.at(at); index >= 0)
            expected[index] = 1000 * turn + static_cast<uint32_t>(i);
        }
      EXPECT_EQ(std::vector<uint32_t>(tensor.words.data(), tensor.words.data() + expected.size()), expected)
          << "rank " << rank;
      EXPECT_TRUE(tensor.words.guardsAreWhole());
    });
}

TEST_F(TmaTest, MapsFollowTheRules) {
  Buffer<uint32_t> words(1024);
  Map map;
  auto message = [&](auto change) {
    TensorMapDescription d{words.data(), 4, 2, {32, 32}, {128}, {16, 8}, TensorSwizzle::None};
    change(d);
    return tenon::vgpu::encodeTensorMap(d, &map);
  };
  auto has = [](const std::string &text, const char *part) { return text.find(part) != std::string::npos; };
  EXPECT_EQ(message([](auto &) {}), "");
  EXPECT_PRED2(has, message([](auto &d) { d.rank = 6; }), "rank 6");
  EXPECT_PRED2(has, message([](auto &d) { d.base = static_cast<char *>(d.base) + 8; }), "multiple of 16");
  EXPECT_PRED2(has, message([](auto &d) { d.strides[0] = 120; }), "stride 120");
  EXPECT_PRED2(has, message([](auto &d) { d.box[1] = 257; }), "box of 257");
  EXPECT_PRED2(has, message([](auto &d) { d.box[0] = 3; }), "12 bytes, not a multiple of 16");
  EXPECT_PRED2(has, message([](auto &d) { d.swizzle = TensorSwizzle::Bytes32; }), "more than the swizzle's 32");
  EXPECT_PRED2(has, message([](auto &d) { d.extents[1] = 0; }), "extent 0");
  EXPECT_PRED2(has, message([](auto &d) { d.elementBytes = 3; }), "elements of 3 bytes");
}

} // namespace
