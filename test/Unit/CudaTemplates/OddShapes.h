//===- OddShapes.h - Random shapes that templates get wrong ----------------===//
//
// Every template runs at shapes that a seeded generator draws: tails of one element and of all but one, extents of zero
// and one, primes, strides and addresses that decline 16-byte accesses. Each shape runs under 8 seeds; a seed is one
// set of data and one order of the virtual GPU's threads. TENON_TEST_SHAPES says how many shapes (./dev test --full:
// 200).
//
//===----------------------------------------------------------------------===//
#ifndef TENON_TEST_CUDATEMPLATES_ODDSHAPES_H
#define TENON_TEST_CUDATEMPLATES_ODDSHAPES_H

#include "Elements.h"

#include <algorithm>

namespace tenon::test {

/// The random numbers of one shape (splitmix64): the same on every machine.
class Draw {
public:
  explicit Draw(uint64_t shape) : state(shape * 0x9e3779b97f4a7c15u + 1) {}

  /// 0 to `end` - 1.
  int below(int end) { return static_cast<int>(next() % static_cast<uint64_t>(end)); }
  bool chance(int percent) { return below(100) < percent; }
  int of(std::initializer_list<int> values) { return values.begin()[below(static_cast<int>(values.size()))]; }
  /// 1 to `most`, often beside a multiple of `tile` or of 8, or a prime.
  int extent(int most, int tile) {
    int tiles = std::max(most / tile, 1);
    switch (below(8)) {
    case 0:
      return 1;
    case 1:
      return std::min(of({7, 8, 9, 15, 16, 17}), most);
    case 2:
    case 3:
      return std::clamp(tile * (1 + below(tiles)) + of({-1, 0, 1}), 1, most);
    case 4:
      return std::min(of({2, 3, 5, 11, 13, 23, 31, 37, 61, 67, 89, 97, 127, 131, 193}), most);
    default:
      return 1 + below(most);
    }
  }

private:
  uint64_t next() {
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  uint64_t state;
};

/// Calls run(shape's number, its Draw) for every shape, until a failure.
template <class F>
void forOddShapes(F run) {
  const char *text = getenv("TENON_TEST_SHAPES");
  const uint64_t shapes = text ? strtoull(text, nullptr, 10) : 10;
  for (uint64_t shape = 0; shape < shapes && !testing::Test::HasFailure(); ++shape) {
    SCOPED_TRACE("odd shape " + std::to_string(shape));
    run(shape, Draw(shape));
  }
}

} // namespace tenon::test

#endif // TENON_TEST_CUDATEMPLATES_ODDSHAPES_H
