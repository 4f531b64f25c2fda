//===- Keys.h - Elements as unsigned numbers in their order ---------------===//
//
// Private to HostOps. Sorting and comparing need not know what a type is once each element is a key: an unsigned number
// of its size, in the order of the elements. -0 has the key of 0; NaNs share one, behind all others.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_RUNTIME_HOSTOPS_KEYS_H
#define TENON_LIB_RUNTIME_HOSTOPS_KEYS_H

#include "tenon/Plan/ElementType.h"

#include <cstdint>

namespace tenon::runtime {

/// The keys of elements of one type, whose size is that of Word.
template <typename Word>
class Keys {
public:
  explicit Keys(ElementType type);

  Word operator()(Word bits) const {
    bits &= mask;
    const Word magnitude = bits & Word(sign - 1);
    switch (order) {
    case Order::Unsigned:
      return bits;
    case Order::Signed:
      return bits ^ sign;
    case Order::Float:
      if (magnitude > largest || bits == nan)
        return Word(~Word(0));
      return bits & sign ? Word(sign - 1 - magnitude) : Word(sign - 1 + magnitude);
    case Order::Bool:
      return bits != 0;
    }
    return bits;
  }

  /// Whether there are NaNs; then no other element has their key, ~0.
  bool hasNaN() const { return nans; }

private:
  enum class Order { Unsigned, Signed, Float, Bool };

  Order order = Order::Unsigned;
  Word mask = Word(~Word(0)); ///< the bits that count
  Word sign = 0;              ///< the sign bit, where there is one
  Word largest = 0;           ///< of a float: the largest magnitude that is not a NaN
  Word nan = Word(~Word(0));  ///< of a float: a NaN whatever its magnitude
  bool nans = false;
};

extern template class Keys<uint8_t>;
extern template class Keys<uint16_t>;
extern template class Keys<uint32_t>;
extern template class Keys<uint64_t>;

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_HOSTOPS_KEYS_H
