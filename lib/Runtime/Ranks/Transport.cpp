//===- Transport.cpp - Copying parts of tensors ---------------------------===//
#include "Transport.h"

#include <algorithm>
#include <cstring>

namespace tenon::runtime {

namespace {
/// A place in strips, and how much of its row is left.
struct Place {
  const Strips &strips;
  int64_t row = 0, offset = 0;

  char *data() const { return strips.data + row * strips.pitch + offset; }
  int64_t left() const { return strips.bytes - offset; }
  void advance(int64_t bytes) {
    offset += bytes;
    if (offset == strips.bytes)
      ++row, offset = 0;
  }
};
} // namespace

void copyStrips(const Strips &source, const Strips &target) {
  if (source.isDense() && target.isDense()) {
    if (source.total() > 0)
      std::memcpy(target.data, source.data, size_t(source.total()));
    return;
  }
  Place from{source}, to{target};
  for (int64_t left = source.total(); left > 0;) {
    const int64_t bytes = std::min({left, source.isDense() ? left : from.left(), target.isDense() ? left : to.left()});
    std::memcpy(to.data(), from.data(), size_t(bytes));
    from.advance(bytes);
    to.advance(bytes);
    left -= bytes;
  }
}

} // namespace tenon::runtime
