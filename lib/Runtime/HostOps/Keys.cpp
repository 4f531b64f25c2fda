//===- Keys.cpp - Elements as unsigned numbers in their order -------------===//
#include "Keys.h"

namespace tenon::runtime {

/// What is known of a type: its bits, whether they have a sign, and of floats the largest magnitude that is no NaN.
struct TypeBits {
  unsigned bits;
  bool isSigned;
  uint64_t largest = 0; ///< 0: no float
};

static TypeBits bitsOf(ElementType type) {
  switch (type) {
  case ElementType::F64:
    return {64, true, 0x7ff0000000000000};
  case ElementType::F32:
    return {32, true, 0x7f800000};
  case ElementType::F16:
    return {16, true, 0x7c00};
  case ElementType::BF16:
    return {16, true, 0x7f80};
  case ElementType::F8E4M3FN:
    return {8, true, 0x7e};
  case ElementType::F8E5M2:
    return {8, true, 0x7c};
  case ElementType::F8E4M3FNUZ:
  case ElementType::F8E5M2FNUZ:
    return {8, true, 0x7f};
  case ElementType::F4E2M1:
    return {4, true, 0x7};
  case ElementType::I4:
    return {4, true};
  case ElementType::I2:
    return {2, true};
  case ElementType::U4:
    return {4, false};
  case ElementType::U2:
    return {2, false};
  case ElementType::I8:
  case ElementType::I16:
  case ElementType::I32:
  case ElementType::I64:
    return {unsigned(8 * elementSize(type)), true};
  default:
    return {unsigned(8 * elementSize(type)), false};
  }
}

template <typename Word>
Keys<Word>::Keys(ElementType type) {
  const TypeBits known = bitsOf(type);
  mask = Word(~uint64_t(0) >> (64 - known.bits));
  nans = (known.largest && type != ElementType::F4E2M1) || type == ElementType::F8E8M0;
  if (known.isSigned) {
    order = known.largest ? Order::Float : Order::Signed;
    sign = Word(uint64_t(1) << (known.bits - 1));
    largest = Word(known.largest);
  }
  if (type == ElementType::Bool)
    order = Order::Bool;
  if (type == ElementType::F8E4M3FNUZ || type == ElementType::F8E5M2FNUZ)
    nan = sign; // there is no -0
}

template class Keys<uint8_t>;
template class Keys<uint16_t>;
template class Keys<uint32_t>;
template class Keys<uint64_t>;

} // namespace tenon::runtime
