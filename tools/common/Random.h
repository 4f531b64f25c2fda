//===- Random.h - Seeded numbers that are equal on every machine ----------===//
#ifndef TENON_TOOLS_COMMON_RANDOM_H
#define TENON_TOOLS_COMMON_RANDOM_H

#include <cstdint>

namespace tenon::tools {

/// splitmix64. Nothing here depends on a library, so equal seeds give the same bits everywhere.
class Random {
public:
  explicit Random(uint64_t seed) : state(seed) {}

  uint64_t next() {
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  /// In [0, 1).
  double uniform() { return double(next() >> 11) * 0x1p-53; }
  /// Close to a standard normal, in (-3.5, 3.5): the sum of four uniforms has variance 1/3. No libm.
  double normal() { return (uniform() + uniform() + uniform() + uniform() - 2) * 1.7320508075688772; }
  /// An integer in [low, high]; low where that is empty.
  int64_t between(int64_t low, int64_t high) {
    const uint64_t drawn = next() >> 1;
    return high <= low ? low : low + int64_t(drawn % uint64_t(high - low + 1));
  }

private:
  uint64_t state;
};

} // namespace tenon::tools

#endif // TENON_TOOLS_COMMON_RANDOM_H
