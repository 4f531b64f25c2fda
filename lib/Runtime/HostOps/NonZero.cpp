//===- NonZero.cpp - Where a tensor is not zero ---------------------------===//
#include "Operators.h"

#include <algorithm>

namespace tenon::runtime {

/// The bits of an element that are zero in a zero: all but the sign, where there is a negative zero.
static uint64_t magnitudeBits(ElementType type) {
  switch (type) {
  case ElementType::F32:
    return 0x7fffffff;
  case ElementType::F64:
    return 0x7fffffffffffffff;
  case ElementType::F16:
  case ElementType::BF16:
    return 0x7fff;
  case ElementType::F8E4M3FN:
  case ElementType::F8E5M2:
    return 0x7f;
  case ElementType::F4E2M1:
    return 0x7;
  case ElementType::U4:
  case ElementType::I4:
    return 0xf;
  case ElementType::U2:
  case ElementType::I2:
    return 0x3;
  default: // where the sign alone is a NaN, too
    return ~uint64_t(0);
  }
}

/// Which words are not zero.
template <typename Word>
struct IsNonZero {
  explicit IsNonZero(ElementType type) : mask(Word(magnitudeBits(type))), always(type == ElementType::F8E8M0 ? 1 : 0) {}
  bool operator()(Word word) const { return ((word & mask) | always) != 0; }

  Word mask;
  Word always; ///< a scale is a power of two
};

/// Coordinates of the `total` elements of `x`, of one dimension or more, that are not zero: row d of `coordinates` is
/// of dimension d. Rows of the tensor's last dimension are scanned without a branch.
template <typename Word>
static void fill(const Tensor &x, int64_t total, int64_t *coordinates) {
  const IsNonZero<Word> isNonZero(x.type);
  const Word *data = x.as<const Word>();
  const std::vector<int64_t> &dims = x.dims;
  const size_t rank = dims.size();
  const int64_t width = dims[rank - 1];
  int64_t *last = coordinates + int64_t(rank - 1) * total;
  std::vector<int64_t> row(rank - 1, 0);
  for (int64_t count = 0; count < total; data += width) {
    const int64_t before = count;
    for (int64_t i = 0; i < width && count < total; ++i) {
      last[count] = i;
      count += isNonZero(data[i]);
    }
    for (size_t d = 0; d + 1 < rank; ++d)
      std::fill(coordinates + int64_t(d) * total + before, coordinates + int64_t(d) * total + count, row[d]);
    for (size_t d = rank - 1; d-- > 0;) {
      if (++row[d] < dims[d])
        break;
      row[d] = 0;
    }
  }
}

template <typename Word>
static HostResult nonZero(const Tensor &x) {
  const IsNonZero<Word> isNonZero(x.type);
  const Word *data = x.as<const Word>();
  int64_t total = 0;
  for (int64_t i = 0, count = x.elements(); i < count; ++i)
    total += isNonZero(data[i]);
  Expected<Tensor> y = allocateResult(ElementType::I64, {int64_t(x.dims.size()), total});
  if (!y)
    return y.takeStatus();
  if (!x.dims.empty())
    fill<Word>(x, total, y->as<int64_t>());
  return only(std::move(*y));
}

HostResult runNonZero(const HostOpCall &call) {
  Expected<const Tensor *> x = tensorOperand(call, 0);
  if (!x)
    return x.takeStatus();
  switch (elementSize((*x)->type)) {
  case 1:
    return nonZero<uint8_t>(**x);
  case 2:
    return nonZero<uint16_t>(**x);
  case 4:
    return nonZero<uint32_t>(**x);
  default:
    return nonZero<uint64_t>(**x);
  }
}

} // namespace tenon::runtime
