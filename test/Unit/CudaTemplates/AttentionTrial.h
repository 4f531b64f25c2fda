//===- AttentionTrial.h - One attention by a template ----------------------===//
#ifndef TENON_TEST_CUDATEMPLATES_ATTENTIONTRIAL_H
#define TENON_TEST_CUDATEMPLATES_ATTENTIONTRIAL_H

#include "Elements.h"

#include <cmath>
#include <limits>

namespace tenon::test::attention {

/// As in Attention.inc.
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

/// A kernel of Attention*Templates.cu.
struct Instance {
  const char *kernel;
  Type type;
  int depth, width;
  MaskKind mask;
  bool causal, capped;
  int tileQ;
  unsigned threads;
  size_t shared;
  bool nanRows = false; ///< rows that see no key are NaN, not 0
};

/// AttentionSimt::sharedBytes.
constexpr size_t simtShared(int depth, int width, int rows, int tileK) {
  int d = (depth + 3) / 4 * 4, pitchK = d % 8 ? d : d + 4, pitchP = tileK % 32 ? tileK : tileK + 16;
  return 4 * static_cast<size_t>(8 * rows * (pitchK + pitchP) + tileK * (pitchK + (width + 3) / 4 * 4));
}
/// AttentionMma::sharedBytes.
constexpr size_t mmaShared(int depth, int width, int warps, int tileK) {
  int pitchK = (depth + 15) / 16 * 16 + 8, pitchV = (width + 15) / 16 * 16 + 8;
  return 2 * static_cast<size_t>(16 * warps * pitchK + tileK * (pitchK + pitchV));
}

inline constexpr Instance kSimt[] = {
    {"simt8", Type::Float, 8, 8, MaskKind::Hidden, true, false, 16, 128, simtShared(8, 8, 2, 32)},
    {"simt40", Type::Float, 40, 24, MaskKind::Added, false, false, 32, 128, simtShared(40, 24, 4, 48), true},
    {"simt64", Type::Float, 64, 64, MaskKind::None, true, false, 64, 128, simtShared(64, 64, 8, 32)},
    {"simt80", Type::Float, 80, 130, MaskKind::None, false, false, 32, 128, simtShared(80, 130, 4, 32)},
    {"simt128", Type::Float, 128, 128, MaskKind::None, false, false, 64, 128, simtShared(128, 128, 8, 32)},
    {"simt256", Type::Float, 256, 256, MaskKind::None, true, true, 32, 128, simtShared(256, 256, 4, 16)},
};
inline constexpr Instance kMma[] = {
    {"mmaHalf8", Type::Half, 8, 8, MaskKind::Added, false, false, 16, 32, mmaShared(8, 8, 1, 32), true},
    {"mmaHalf40", Type::Half, 40, 72, MaskKind::Hidden, true, false, 32, 64, mmaShared(40, 72, 2, 64)},
    {"mmaHalf64", Type::Half, 64, 64, MaskKind::None, true, false, 64, 128, mmaShared(64, 64, 4, 64)},
    {"mmaBfloat80", Type::Bfloat16, 80, 80, MaskKind::None, false, false, 64, 128, mmaShared(80, 80, 4, 64)},
    {"mmaHalf256", Type::Half, 256, 256, MaskKind::None, false, false, 64, 128, mmaShared(256, 256, 4, 32)},
    {"mmaBfloat128", Type::Bfloat16, 128, 128, MaskKind::None, true, true, 64, 128, mmaShared(128, 128, 4, 64)},
};

/// An instance, and how many keys its boxes hold.
struct WgmmaInstance {
  Instance instance;
  uint32_t tileK;
};
inline constexpr WgmmaInstance kWgmma[] = {
    {{"wgmmaHalf64", Type::Half, 64, 64, MaskKind::None, true, false, 128, 384, 128 * 128 + 4 * 128 * 128}, 128},
    {{"wgmmaHalf128", Type::Half, 128, 128, MaskKind::None, false, false, 128, 384, 128 * 256 + 4 * 128 * 256}, 128},
    {{"wgmmaBfloat80", Type::Bfloat16, 72, 72, MaskKind::None, true, false, 128, 384, 128 * 256 + 3 * 64 * 256, true},
     64},
    {{"wgmmaBfloat256", Type::Bfloat16, 256, 256, MaskKind::None, false, false, 128, 384, 128 * 512 + 4 * 64 * 512},
     64},
};

/// batch * heads lanes; `pad` elements beyond each line; the causal offset counts from keys - queries.
struct Shape {
  int batch, heads, group, queries, keys, pad, offset;
  bool maskRepeats; ///< over batch and queries
  int start = 0;    ///< at which element of an aligned buffer queries, keys and values begin
};

/// A problem, its data, and what must come out.
struct Trial {
  Instance instance;
  Shape s;
  int lanes = s.batch * s.heads, lines = s.group * s.queries;
  Elements q, k, v, y, mask;
  Buffer<uint8_t> hidden;
  Problem p = {};
  std::vector<double> wanted;

  Trial(const Instance &instance, const Shape &s)
      : instance(instance), s(s), q(instance.type, s.start + count(lines, instance.depth)),
        k(instance.type, s.start + count(s.keys, instance.depth)),
        v(instance.type, s.start + count(s.keys, instance.width)), y(instance.type, count(lines, instance.width)),
        mask(instance.type, int64_t(s.batch) * s.heads * s.group * s.queries * s.keys), hidden(mask.bytes.size()) {
    const size_t start = s.start * bytesOf(instance.type);
    p.q = q.bytes.data() + start, p.k = k.bytes.data() + start, p.v = v.bytes.data() + start, p.y = y.bytes.data();
    p.mask = instance.mask == MaskKind::Hidden ? hidden.data() : mask.bytes.data();
    p.strideQ = p.strideK = instance.depth + s.pad, p.strideV = p.strideY = instance.width + s.pad;
    int64_t headStride = (s.maskRepeats ? 1 : s.queries) * s.keys;
    int64_t strides[] = {s.maskRepeats ? 0 : headStride * s.heads * s.group, headStride, s.maskRepeats ? 0 : s.keys, 1};
    std::copy(strides, strides + 4, p.maskStrides);
    p.lanes = lanes, p.group = s.group, p.queries = s.queries, p.keys = s.keys, p.heads = s.heads;
    p.scale = 1 / std::sqrt(static_cast<float>(instance.depth)), p.softcap = 1.5f;
    p.causalOffset = s.keys - s.queries + s.offset;
    fill(0);
  }
  int64_t count(int lines, int length) const { return int64_t(lanes) * lines * (length + s.pad); }
  /// Another `salt`, other data.
  void fill(int salt) {
    auto draw = [&](int64_t i, int which) {
      return static_cast<float>((i * 7919 + i / 13 * 104729 + which + salt * 7) % 41 - 20) / 16;
    };
    for (int n = 0; n < lanes; ++n) {
      for (int i = 0; i < lines; ++i)
        for (int e = 0; e < instance.depth; ++e)
          q.set(at(p.strideQ, lines, n, i, e), 2 * draw((int64_t(n) * lines + i) * instance.depth + e, 1));
      for (int j = 0; j < s.keys; ++j) {
        for (int e = 0; e < instance.depth; ++e)
          k.set(at(p.strideK, s.keys, n, j, e), draw((int64_t(n) * s.keys + j) * instance.depth + e, 17));
        for (int e = 0; e < instance.width; ++e)
          v.set(at(p.strideV, s.keys, n, j, e), draw((int64_t(n) * s.keys + j) * instance.width + e, 29));
      }
    }
    // Every ninth query sees nothing, in masks that do not repeat.
    int64_t elements = int64_t(s.batch) * s.heads * s.group * s.queries * s.keys;
    for (int64_t i = 0; i < elements; ++i) {
      bool isSeen = (i + salt) % 3 != 0 && (s.maskRepeats || i / s.keys % 9 != 4);
      hidden[i] = isSeen;
      mask.set(i, isSeen ? draw(i, 5) : -std::numeric_limits<float>::infinity());
    }
    wanted.clear();
    for (int n = 0; n < lanes; ++n)
      for (int i = 0; i < lines; ++i)
        addRow(n, i);
  }
  /// Where element e of line i of a lane is.
  int64_t at(int64_t stride, int lines, int n, int i, int e) const {
    return s.start + (int64_t(n) * lines + i) * stride + e;
  }
  double score(int n, int i, int j) {
    int head = i / s.queries, query = i % s.queries;
    constexpr double unseen = -std::numeric_limits<double>::infinity();
    if (instance.causal && j > query + p.causalOffset)
      return unseen;
    double sum = 0;
    for (int e = 0; e < instance.depth; ++e)
      sum += static_cast<double>(q.get(at(p.strideQ, lines, n, i, e))) * k.get(at(p.strideK, s.keys, n, j, e));
    sum *= p.scale;
    if (instance.capped)
      sum = p.softcap * std::tanh(sum / p.softcap);
    int64_t inMask = n / s.heads * p.maskStrides[0] + (n % s.heads * s.group + head) * p.maskStrides[1] +
                     query * p.maskStrides[2] + j * p.maskStrides[3];
    if (instance.mask == MaskKind::Hidden)
      return hidden[inMask] ? sum : unseen;
    return instance.mask == MaskKind::Added ? sum + mask.get(inMask) : sum;
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
        sums[e] += weight * v.get(at(p.strideV, s.keys, n, j, e));
    }
    double unseen = instance.nanRows && s.keys > 0 ? std::numeric_limits<double>::quiet_NaN() : 0;
    for (double sum : sums)
      wanted.push_back(total == 0 ? unseen : sum / total);
  }
  unsigned grid() const { return static_cast<unsigned>(lanes * ((lines + instance.tileQ - 1) / instance.tileQ)); }
  std::vector<vgpu::MemoryRange> memory() {
    return sortedMemory(
        {q.bytes.range(), k.bytes.range(), v.bytes.range(), y.bytes.range(), mask.bytes.range(), hidden.range()});
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
        else if (double w = wanted[line * instance.width + e];
                 !(std::fabs(found - w) <= tolerance || (w != w && found != found)))
          FAIL() << "lane " << line / lines << ", line " << line % lines << ", element " << e << ": " << found
                 << ", expected " << w;
      }
  }
};

/// A tensor map of `lines` lines of `size` elements of 16 bits a lane, in boxes of 64 x boxLines.
inline Map mapOf(Elements &e, int start, int size, int lines, int lanes, int64_t stride, uint32_t boxLines) {
  tenon::vgpu::TensorMapDescription d;
  d.base = e.bytes.data() + start * 2;
  d.rank = 3;
  d.extents[0] = size, d.extents[1] = lines, d.extents[2] = lanes;
  d.strides[0] = stride * 2, d.strides[1] = stride * lines * 2;
  d.box[0] = 64, d.box[1] = boxLines, d.box[2] = 1;
  d.swizzle = tenon::vgpu::TensorSwizzle::Bytes128;
  Map map;
  EXPECT_EQ(encodeMap(d, map), "");
  return map;
}
/// Maps of queries, keys and values.
inline Map mapOfQ(Trial &t) { return mapOf(t.q, t.s.start, t.instance.depth, t.lines, t.lanes, t.p.strideQ, 128); }
inline Map mapOfK(Trial &t, uint32_t tileK) {
  return mapOf(t.k, t.s.start, t.instance.depth, t.s.keys, t.lanes, t.p.strideK, tileK);
}
inline Map mapOfV(Trial &t, uint32_t tileK) {
  return mapOf(t.v, t.s.start, t.instance.width, t.s.keys, t.lanes, t.p.strideV, tileK);
}

} // namespace tenon::test::attention

#endif // TENON_TEST_CUDATEMPLATES_ATTENTIONTRIAL_H
