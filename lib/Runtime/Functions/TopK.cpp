//===- TopK.cpp - The largest elements along an axis ----------------------===//
//
// Elements become integers of the same order, so that one heap of k entries, the worst on top, serves every type.
//
//===----------------------------------------------------------------------===//
#include "Functions.h"

#include "tenon/Plan/ElementType.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>

using tenon::ElementType;

namespace {

struct Entry {
  int64_t key, index;
};

/// Whether `a` comes before `b`.
bool isBetter(const Entry &a, const Entry &b) { return a.key > b.key || (a.key == b.key && a.index < b.index); }

template <typename T>
T load(const char *address) {
  T value;
  std::memcpy(&value, address, sizeof(T));
  return value;
}

/// Floats by their bits: sign and magnitude, to two's complement. -0 is 0, and NaN above all.
template <typename Bits, int mantissa>
int64_t floatKey(const char *address) {
  constexpr Bits sign = Bits(Bits(1) << (8 * sizeof(Bits) - 1));
  constexpr Bits infinity = Bits(Bits(sign - 1) >> mantissa << mantissa);
  const Bits bits = load<Bits>(address), magnitude = Bits(bits & Bits(~sign));
  if (magnitude > infinity)
    return std::numeric_limits<int64_t>::max();
  return bits & sign ? -int64_t(magnitude) : int64_t(magnitude);
}

template <typename T>
int64_t integerKey(const char *address) {
  if constexpr (std::is_same_v<T, uint64_t>) // from below 2^63 to above, in order
    return int64_t(load<T>(address) ^ (uint64_t(1) << 63));
  else
    return int64_t(load<T>(address));
}

/// A row along the axis, and what is picked from it.
struct Row {
  const char *x;
  char *values;
  int64_t *indices;
  int64_t count, step, k; ///< step: elements from one of the row to the next
  bool largest;
};

template <int64_t (*keyOf)(const char *), size_t width>
void select(const Row &row, Entry *heap) {
  int64_t size = 0;
  for (int64_t i = 0; i < row.count; ++i) {
    const int64_t key = keyOf(row.x + size_t(i * row.step) * width);
    const Entry entry{row.largest ? key : ~key, i};
    if (size < row.k) {
      heap[size++] = entry;
      std::push_heap(heap, heap + size, isBetter);
    } else if (size > 0 && isBetter(entry, heap[0])) {
      std::pop_heap(heap, heap + size, isBetter);
      heap[size - 1] = entry;
      std::push_heap(heap, heap + size, isBetter);
    }
  }
  std::sort_heap(heap, heap + size, isBetter);
  for (int64_t j = 0; j < size; ++j) {
    std::memcpy(row.values + size_t(j * row.step) * width, row.x + size_t(heap[j].index * row.step) * width, width);
    row.indices[j * row.step] = heap[j].index;
  }
}

struct Selection {
  void (*run)(const Row &, Entry *);
  size_t width;
};

Selection selectionFor(ElementType type) {
  switch (type) {
  case ElementType::F16:
    return {select<floatKey<uint16_t, 10>, 2>, 2};
  case ElementType::BF16:
    return {select<floatKey<uint16_t, 7>, 2>, 2};
  case ElementType::F32:
    return {select<floatKey<uint32_t, 23>, 4>, 4};
  case ElementType::F64:
    return {select<floatKey<uint64_t, 52>, 8>, 8};
  case ElementType::I8:
    return {select<integerKey<int8_t>, 1>, 1};
  case ElementType::I16:
    return {select<integerKey<int16_t>, 2>, 2};
  case ElementType::I32:
    return {select<integerKey<int32_t>, 4>, 4};
  case ElementType::I64:
    return {select<integerKey<int64_t>, 8>, 8};
  case ElementType::U8:
    return {select<integerKey<uint8_t>, 1>, 1};
  case ElementType::U16:
    return {select<integerKey<uint16_t>, 2>, 2};
  case ElementType::U32:
    return {select<integerKey<uint32_t>, 4>, 4};
  case ElementType::U64:
    return {select<integerKey<uint64_t>, 8>, 8};
  default:
    return {nullptr, 0};
  }
}

} // namespace

void tenon_top_k(void *const *buffers, const int64_t *params, int64_t begin, int64_t end, void *scratch) {
  const int64_t count = params[0], inner = params[1], k = params[2];
  const Selection selection = selectionFor(ElementType(params[3]));
  if (!selection.run)
    return;
  for (int64_t group = begin; group < end; ++group) {
    const int64_t outer = group / inner, column = group % inner;
    const int64_t from = outer * count * inner + column, to = outer * k * inner + column;
    selection.run({static_cast<const char *>(buffers[0]) + size_t(from) * selection.width,
                   static_cast<char *>(buffers[1]) + size_t(to) * selection.width,
                   static_cast<int64_t *>(buffers[2]) + to, count, inner, k, params[4] != 0},
                  static_cast<Entry *>(scratch));
  }
}
