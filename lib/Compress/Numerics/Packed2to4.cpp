//===- Packed2to4.cpp - Weights of which two in four are zero -------------===//
#include "tenon/Compress/Numerics/Pruning.h"

#include <algorithm>
#include <bit>

namespace tenon::compress {

/// Not +0.0: -0.0 is a value, for a packed weight is the dense one bit for bit.
static bool isValue(float x) { return std::bit_cast<uint32_t>(x) != 0; }

bool followsPattern(ConstMatrixView w, int64_t n, int64_t m) {
  for (int64_t r = 0; r < w.rows; ++r)
    for (int64_t begin = 0; begin < w.columns; begin += m) {
      const float *group = w.row(r) + begin;
      int64_t count = std::min(m, w.columns - begin);
      if (std::count_if(group, group + count, [](float x) { return x != 0; }) > n)
        return false;
    }
  return true;
}

bool isPackable2to4(ConstMatrixView w) {
  if (w.columns % 4)
    return false;
  for (int64_t i = 0; i < w.size(); i += 4)
    if (std::count_if(w.data + i, w.data + i + 4, isValue) > 2)
      return false;
  return true;
}

Packed2to4 pack2to4(ConstMatrixView w) {
  assert(isPackable2to4(w) && "weights that are not 2:4");
  Packed2to4 packed{w.columns, w.rows, std::vector<float>(w.size() / 2), std::vector<uint8_t>(w.size() / 4)};
  for (int64_t column = 0; column < packed.n; ++column)
    for (int64_t group = 0; group < packed.k / 4; ++group) {
      const float *four = w.row(column) + group * 4;
      // Places of values first, then of zeros as many as are missing.
      int places[4], count = 0;
      for (bool wanted : {true, false})
        for (int i = 0; i < 4; ++i)
          if (isValue(four[i]) == wanted)
            places[count++] = i;
      int first = std::min(places[0], places[1]), second = std::max(places[0], places[1]);
      packed.values[(group * 2) * packed.n + column] = four[first];
      packed.values[(group * 2 + 1) * packed.n + column] = four[second];
      packed.indices[group * packed.n + column] = uint8_t(first | second << 2);
    }
  return packed;
}

bool isValid(const Packed2to4 &packed) {
  if (packed.k < 0 || packed.n < 0 || packed.k % 4 || int64_t(packed.values.size()) != packed.k / 2 * packed.n ||
      int64_t(packed.indices.size()) != packed.k / 4 * packed.n)
    return false;
  return std::all_of(packed.indices.begin(), packed.indices.end(),
                     [](uint8_t pair) { return pair < 16 && (pair & 3) < pair >> 2; });
}

Matrix Packed2to4::unpack() const {
  Matrix result(n, k);
  for (int64_t group = 0; group < k / 4; ++group)
    for (int64_t column = 0; column < n; ++column) {
      uint8_t pair = indices[group * n + column];
      result(column, group * 4 + (pair & 3)) = values[(group * 2) * n + column];
      result(column, group * 4 + (pair >> 2)) = values[(group * 2 + 1) * n + column];
    }
  return result;
}

} // namespace tenon::compress
