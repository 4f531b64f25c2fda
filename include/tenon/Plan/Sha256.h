//===- Sha256.h - SHA-256 and the section digest built on it --------------===//
//
// FIPS 180-4. Uses the SHA instructions of x86-64 where there are any (about five times faster).
//
//===----------------------------------------------------------------------===//
#ifndef TENON_PLAN_SHA256_H
#define TENON_PLAN_SHA256_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tenon {

using Digest = std::array<uint8_t, 32>;

/// Incremental SHA-256.
class Sha256 {
public:
  Sha256();
  void update(const void *data, std::size_t size);
  /// The digest of all bytes so far; the object must not be updated afterwards.
  Digest finish();
  static Digest of(const void *data, std::size_t size);

private:
  uint32_t state[8];
  uint8_t block[64];
  uint64_t total = 0;
};

/// Digest of a section: SHA-256 over the SHA-256 digests of its chunks of 1 MiB (the last may be shorter), so that the
/// weights can be checked by several threads.
class TreeDigest {
public:
  static constexpr std::size_t chunkSize = 1 << 20;
  void update(const void *data, std::size_t size);
  Digest finish();
  /// Digest of `size` bytes, computed by up to `threads` threads.
  static Digest of(const void *data, std::size_t size, unsigned threads = 1);

private:
  Sha256 chunk;
  std::size_t inChunk = 0;
  Sha256 root;
};

/// Lower-case hexadecimal.
std::string toHex(const Digest &digest);

} // namespace tenon

#endif // TENON_PLAN_SHA256_H
