//===- AttentionTest.cpp - Templates of attention against f64 loops -------===//
//
// Every instance of test/Device/AttentionTemplates.cu on the virtual GPU, over lengths with tails, no keys, heads that
// share keys, strides that decline 16-byte copies, masks that repeat, each under 8 seeds.
//
//===----------------------------------------------------------------------===//
#include "Elements.h"

#include <cmath>
#include <limits>

using namespace tenon::test;

namespace {

/// As in AttentionTemplates.cu.
struct Problem {
  const void *q, *k, *v, *mask;
  void *y;
  int64_t strideQ, strideK, strideV, strideY;
  int64_t maskStrides[4];
  int lanes, group, queries, keys, heads;
  float scale, softcap;
  int causalOffset;
};

enum class MaskKind { None, Added, Hidden };

struct Instance {
  const char *kernel;
  Type type;
  int depth, width;
  MaskKind mask;
  bool causal, capped;
  int tileQ;
  unsigned threads;
  size_t shared;
};

/// batch * heads lanes; `pad` elements beyond each line; the causal offset counts from keys - queries.
struct Shape {
  int batch, heads, group, queries, keys, pad, offset;
  bool maskRepeats; ///< over batch and queries
};

constexpr Shape kShapes[] = {
    {1, 1, 1, 1, 1, 0, 0, false},    {1, 2, 3, 17, 33, 3, 0, true},  {2, 1, 1, 65, 127, 8, 0, false},
    {1, 1, 4, 1, 65, 0, 0, false},   {1, 2, 1, 33, 17, 1, -3, true}, {1, 1, 2, 5, 0, 0, 0, false},
    {1, 1, 1, 127, 64, 8, 64, true},
};

struct Trial {
  Instance instance;
  Shape s;
  int lanes = s.batch * s.heads, lines = s.group * s.queries;
  Elements q, k, v, y, mask;
  Buffer<uint8_t> hidden;
  Problem p = {};
  std::vector<double> wanted;

  Trial(const Instance &instance, const Shape &s)
      : instance(instance), s(s), q(instance.type, count(lines, instance.depth)),
        k(instance.type, count(s.keys, instance.depth)), v(instance.type, count(s.keys, instance.width)),
        y(instance.type, count(lines, instance.width)),
        mask(instance.type, int64_t(s.batch) * s.heads * s.group * s.queries * s.keys), hidden(mask.bytes.size()) {
    p.q = q.bytes.data(), p.k = k.bytes.data(), p.v = v.bytes.data(), p.y = y.bytes.data();
    p.mask = instance.mask == MaskKind::Hidden ? hidden.data() : mask.bytes.data();
    p.strideQ = p.strideK = instance.depth + s.pad, p.strideV = p.strideY = instance.width + s.pad;
    int64_t headStride = (s.maskRepeats ? 1 : s.queries) * s.keys;
    int64_t strides[] = {s.maskRepeats ? 0 : headStride * s.heads * s.group, headStride, s.maskRepeats ? 0 : s.keys, 1};
    std::copy(strides, strides + 4, p.maskStrides);
    p.lanes = lanes, p.group = s.group, p.queries = s.queries, p.keys = s.keys, p.heads = s.heads;
    p.scale = 1 / std::sqrt(static_cast<float>(instance.depth)), p.softcap = 1.5f;
    p.causalOffset = s.keys - s.queries + s.offset;
    fill();
    for (int n = 0; n < lanes; ++n)
      for (int i = 0; i < lines; ++i)
        addRow(n, i);
  }
  int64_t count(int lines, int length) const { return int64_t(lanes) * lines * (length + s.pad); }
  void fill() {
    auto draw = [](int64_t i, int salt) {
      return static_cast<float>((i * 7919 + i / 13 * 104729 + salt) % 41 - 20) / 16;
    };
    for (int n = 0; n < lanes; ++n) {
      for (int i = 0; i < lines; ++i)
        for (int e = 0; e < instance.depth; ++e)
          q.set((int64_t(n) * lines + i) * p.strideQ + e, 2 * draw((int64_t(n) * lines + i) * instance.depth + e, 1));
      for (int j = 0; j < s.keys; ++j) {
        for (int e = 0; e < instance.depth; ++e)
          k.set((int64_t(n) * s.keys + j) * p.strideK + e, draw((int64_t(n) * s.keys + j) * instance.depth + e, 17));
        for (int e = 0; e < instance.width; ++e)
          v.set((int64_t(n) * s.keys + j) * p.strideV + e, draw((int64_t(n) * s.keys + j) * instance.width + e, 29));
      }
    }
    // Every ninth query sees nothing, in masks that do not repeat.
    int64_t elements = int64_t(s.batch) * s.heads * s.group * s.queries * s.keys;
    for (int64_t i = 0; i < elements; ++i) {
      bool isSeen = i % 3 != 0 && (s.maskRepeats || i / s.keys % 9 != 4);
      hidden[i] = isSeen;
      mask.set(i, isSeen ? draw(i, 5) : -std::numeric_limits<float>::infinity());
    }
  }
  double score(int n, int i, int j) {
    int head = i / s.queries, query = i % s.queries;
    constexpr double unseen = -std::numeric_limits<double>::infinity();
    if (instance.causal && j > query + p.causalOffset)
      return unseen;
    double sum = 0;
    for (int e = 0; e < instance.depth; ++e)
      sum += static_cast<double>(q.get((int64_t(n) * lines + i) * p.strideQ + e)) *
             k.get((int64_t(n) * s.keys + j) * p.strideK + e);
    sum *= p.scale;
    if (instance.capped)
      sum = p.softcap * std::tanh(sum / p.softcap);
    int64_t at = n / s.heads * p.maskStrides[0] + (n % s.heads * s.group + head) * p.maskStrides[1] +
                 query * p.maskStrides[2] + j * p.maskStrides[3];
    if (instance.mask == MaskKind::Hidden)
      return hidden[at] ? sum : unseen;
    return instance.mask == MaskKind::Added ? sum + mask.get(at) : sum;
  }
  void addRow(int n, int i) {
    std::vector<double> weights(s.keys), sums(instance.width);
    double largest = -std::numeric_limits<double>::infinity(), total = 0;
    for (int j = 0; j < s.keys; ++j)
      largest = std::max(largest, weights[j] = score(n, i, j));
    for (int j = 0; j < s.keys && std::isfinite(largest); ++j) {
      double weight = std::exp(weights[j] - largest);
      total += weight;
      for (int e = 0; e < instance.width; ++e)
        sums[e] += weight * v.get((int64_t(n) * s.keys + j) * p.strideV + e);
    }
    for (double sum : sums)
      wanted.push_back(total == 0 ? 0 : sum / total);
  }
  void compare() {
    EXPECT_TRUE(y.bytes.guardsAreWhole());
    // Values are below 1.25, weights are rounded to the operands' type.
    double tolerance = instance.type == Type::Float ? 2e-6 : instance.type == Type::Half ? 1e-3 : 8e-3;
    for (int64_t line = 0; line < int64_t(lanes) * lines; ++line)
      for (int e = 0; e < p.strideY; ++e) {
        float found = y.get(line * p.strideY + e);
        if (e >= instance.width)
          ASSERT_NE(found, found) << "wrote between the lines, at " << line << ", " << e;
        else if (double w = wanted[line * instance.width + e]; !(std::fabs(found - w) <= tolerance))
          FAIL() << "lane " << line / lines << ", line " << line % lines << ", element " << e << ": " << found
                 << ", expected " << w;
      }
  }
};

class AttentionTemplates : public DeviceTest {
protected:
  void check(const Instance &instance) {
    for (const Shape &shape : kShapes) {
      SCOPED_TRACE(std::string(instance.kernel) + ", shape " + std::to_string(&shape - kShapes));
      Trial trial(instance, shape);
      unsigned grid = static_cast<unsigned>(trial.lanes * ((trial.lines + instance.tileQ - 1) / instance.tileQ));
      forSeeds([&](uint64_t seed) {
        trial.y.bytes.poison();
        ASSERT_EQ(
            file("AttentionTemplates.cu", seed)(instance.kernel, {grid}, {instance.threads}, instance.shared, trial.p),
            "");
        trial.compare();
      });
    }
  }
};

/// AttentionSimt::sharedBytes.
constexpr size_t simtShared(int depth, int width, int rows, int tileK) {
  int d = (depth + 3) / 4 * 4, pitchK = d % 8 ? d : d + 4, pitchP = tileK % 32 ? tileK : tileK + 16;
  return 4 * static_cast<size_t>(8 * rows * (pitchK + pitchP) + tileK * (pitchK + (width + 3) / 4 * 4));
}

TEST_F(AttentionTemplates, SimtSmall) {
  check({"simt8", Type::Float, 8, 8, MaskKind::Hidden, true, false, 16, 128, simtShared(8, 8, 2, 32)});
  check({"simt40", Type::Float, 40, 24, MaskKind::Added, false, false, 32, 128, simtShared(40, 24, 4, 48)});
}
TEST_F(AttentionTemplates, SimtMiddle) {
  check({"simt64", Type::Float, 64, 64, MaskKind::None, true, false, 64, 128, simtShared(64, 64, 8, 32)});
  check({"simt80", Type::Float, 80, 130, MaskKind::None, false, false, 32, 128, simtShared(80, 130, 4, 32)});
}
TEST_F(AttentionTemplates, SimtLarge) {
  check({"simt128", Type::Float, 128, 128, MaskKind::None, false, false, 64, 128, simtShared(128, 128, 8, 32)});
  check({"simt256", Type::Float, 256, 256, MaskKind::None, true, true, 32, 128, simtShared(256, 256, 4, 16)});
}

/// AttentionMma::sharedBytes.
constexpr size_t mmaShared(int depth, int width, int warps, int tileK) {
  int pitchK = (depth + 15) / 16 * 16 + 8, pitchV = (width + 15) / 16 * 16 + 8;
  return 2 * static_cast<size_t>(16 * warps * pitchK + tileK * (pitchK + pitchV));
}

TEST_F(AttentionTemplates, MmaSmall) {
  check({"mmaHalf8", Type::Half, 8, 8, MaskKind::Added, false, false, 16, 32, mmaShared(8, 8, 1, 32)});
  check({"mmaHalf40", Type::Half, 40, 72, MaskKind::Hidden, true, false, 32, 64, mmaShared(40, 72, 2, 64)});
}
TEST_F(AttentionTemplates, MmaMiddle) {
  check({"mmaHalf64", Type::Half, 64, 64, MaskKind::None, true, false, 64, 128, mmaShared(64, 64, 4, 64)});
  check({"mmaBfloat80", Type::Bfloat16, 80, 80, MaskKind::None, false, false, 64, 128, mmaShared(80, 80, 4, 64)});
}
TEST_F(AttentionTemplates, MmaLarge) {
  check({"mmaHalf256", Type::Half, 256, 256, MaskKind::None, false, false, 64, 128, mmaShared(256, 256, 4, 32)});
  check({"mmaBfloat128", Type::Bfloat16, 128, 128, MaskKind::None, true, true, 64, 128, mmaShared(128, 128, 4, 64)});
}

/// A tensor map of `lines` lines of `size` elements of 16 bits a lane, in boxes of 64 x boxLines.
Map mapOf(Elements &e, int size, int lines, int lanes, int64_t stride, uint32_t boxLines) {
  tenon::vgpu::TensorMapDescription d;
  d.base = e.bytes.data();
  d.rank = 3;
  d.extents[0] = size, d.extents[1] = lines, d.extents[2] = lanes;
  d.strides[0] = stride * 2, d.strides[1] = stride * lines * 2;
  d.box[0] = 64, d.box[1] = boxLines, d.box[2] = 1;
  d.swizzle = tenon::vgpu::TensorSwizzle::Bytes128;
  Map map;
  EXPECT_EQ(encodeMap(d, map), "");
  return map;
}

TEST_F(AttentionTemplates, Wgmma) {
  if (lacks(90, 90))
    GTEST_SKIP() << "wgmma is for sm_90a only";
  // Lines are multiples of 16 bytes; the last two shapes go around the ring.
  const Shape shapes[] = {{1, 1, 1, 1, 1, 0, 0, false},
                          {1, 2, 3, 17, 33, 8, 0, false},
                          {1, 1, 1, 130, 300, 0, 0, false},
                          {2, 1, 2, 65, 520, 8, -70, false}};
  struct Case {
    Instance instance;
    uint32_t tileK;
  } cases[] = {
      {{"wgmmaHalf64", Type::Half, 64, 64, MaskKind::None, true, false, 128, 384, 128 * 128 + 4 * 128 * 128}, 128},
      {{"wgmmaHalf128", Type::Half, 128, 128, MaskKind::None, false, false, 128, 384, 128 * 256 + 4 * 128 * 256}, 128},
      {{"wgmmaBfloat80", Type::Bfloat16, 72, 72, MaskKind::None, true, false, 128, 384, 128 * 256 + 3 * 64 * 256}, 64},
      {{"wgmmaBfloat256", Type::Bfloat16, 256, 256, MaskKind::None, false, false, 128, 384, 128 * 512 + 4 * 64 * 512},
       64},
  };
  for (const Case &c : cases)
    for (const Shape &shape : shapes) {
      SCOPED_TRACE(std::string(c.instance.kernel) + ", shape " + std::to_string(&shape - shapes));
      Trial trial(c.instance, shape);
      const Problem &p = trial.p;
      Map q = mapOf(trial.q, c.instance.depth, trial.lines, trial.lanes, p.strideQ, 128);
      Map k = mapOf(trial.k, c.instance.depth, shape.keys, trial.lanes, p.strideK, c.tileK);
      Map v = mapOf(trial.v, c.instance.width, shape.keys, trial.lanes, p.strideV, c.tileK);
      unsigned grid = static_cast<unsigned>(trial.lanes * ((trial.lines + 127) / 128));
      forSeeds([&](uint64_t seed) {
        trial.y.bytes.poison();
        ASSERT_EQ(
            file("AttentionWgmmaTemplates.cu", seed)(c.instance.kernel, {grid}, {384}, c.instance.shared, q, k, v, p),
            "");
        trial.compare();
      });
    }
}

} // namespace
