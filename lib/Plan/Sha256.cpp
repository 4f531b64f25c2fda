//===- Sha256.cpp - SHA-256 and the section digest built on it ------------===//
//
// FIPS 180-4, sections 5 and 6.2. The fast path uses the SHA-NI instructions, four rounds at a time.
//
//===----------------------------------------------------------------------===//
#include "tenon/Plan/Sha256.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <thread>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace tenon {

alignas(64) static constexpr uint32_t roundConstants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate(uint32_t x, int n) { return (x >> n) | (x << (32 - n)); }

static uint32_t loadBigEndian(const uint8_t *p) {
  return uint32_t(p[0]) << 24 | uint32_t(p[1]) << 16 | uint32_t(p[2]) << 8 | p[3];
}

static void compressPortable(uint32_t *state, const uint8_t *data, std::size_t blocks) {
  for (; blocks != 0; --blocks, data += 64) {
    uint32_t w[64];
    for (int i = 0; i < 16; ++i)
      w[i] = loadBigEndian(data + 4 * i);
    for (int i = 16; i < 64; ++i) {
      uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >> 3);
      uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >> 10);
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < 64; ++i) {
      uint32_t t1 =
          h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + roundConstants[i] + w[i];
      uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
  }
}

#if defined(__x86_64__)
// The instructions keep the state as two vectors, ABEF and CDGH.
__attribute__((target("sha,sse4.1,ssse3"))) static void compressShaNi(uint32_t *state, const uint8_t *data,
                                                                      std::size_t blocks) {
  const __m128i byteSwap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
  __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i *>(state));
  __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i *>(state + 4));
  low = _mm_shuffle_epi32(low, 0xB1);
  high = _mm_shuffle_epi32(high, 0x1B);
  __m128i abef = _mm_alignr_epi8(low, high, 8);
  __m128i cdgh = _mm_blend_epi16(high, low, 0xF0);
  for (; blocks != 0; --blocks, data += 64) {
    const __m128i abefBefore = abef, cdghBefore = cdgh;
    __m128i w[4];
    for (int i = 0; i < 4; ++i)
      w[i] = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i *>(data + 16 * i)), byteSwap);
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) {
      __m128i &current = w[i % 4];
      if (i >= 4) { // w[t] = s1(w[t-2]) + w[t-7] + s0(w[t-15]) + w[t-16], for four t at once
        __m128i sum = _mm_sha256msg1_epu32(current, w[(i + 1) % 4]);
        sum = _mm_add_epi32(sum, _mm_alignr_epi8(w[(i + 3) % 4], w[(i + 2) % 4], 4));
        current = _mm_sha256msg2_epu32(sum, w[(i + 3) % 4]);
      }
      __m128i wk = _mm_add_epi32(current, _mm_load_si128(reinterpret_cast<const __m128i *>(roundConstants + 4 * i)));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, wk);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(wk, 0x0E));
    }
    abef = _mm_add_epi32(abef, abefBefore);
    cdgh = _mm_add_epi32(cdgh, cdghBefore);
  }
  low = _mm_shuffle_epi32(abef, 0x1B);
  high = _mm_shuffle_epi32(cdgh, 0xB1);
  _mm_storeu_si128(reinterpret_cast<__m128i *>(state), _mm_blend_epi16(low, high, 0xF0));
  _mm_storeu_si128(reinterpret_cast<__m128i *>(state + 4), _mm_alignr_epi8(high, low, 8));
}

static bool hasShaNi() {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSE4_1) || !(c & bit_SSSE3))
    return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & (1u << 29));
}
#endif

static void compress(uint32_t *state, const uint8_t *data, std::size_t blocks) {
#if defined(__x86_64__)
  static const bool fast = hasShaNi();
  if (fast)
    return compressShaNi(state, data, blocks);
#endif
  compressPortable(state, data, blocks);
}

Sha256::Sha256()
    : state{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19} {}

void Sha256::update(const void *data, std::size_t size) {
  if (size == 0)
    return;
  const auto *bytes = static_cast<const uint8_t *>(data);
  std::size_t held = total % 64;
  total += size;
  if (held != 0) {
    std::size_t take = std::min(size, 64 - held);
    std::memcpy(block + held, bytes, take);
    bytes += take, size -= take;
    if (held + take < 64)
      return;
    compress(state, block, 1);
  }
  compress(state, bytes, size / 64);
  if (size % 64 != 0)
    std::memcpy(block, bytes + size / 64 * 64, size % 64);
}

Digest Sha256::finish() {
  const uint64_t bits = total * 8;
  const uint8_t padding[64] = {0x80};
  update(padding, total % 64 < 56 ? 56 - total % 64 : 120 - total % 64);
  uint8_t length[8];
  for (int i = 0; i < 8; ++i)
    length[i] = uint8_t(bits >> (56 - 8 * i));
  update(length, 8);
  Digest digest;
  for (int i = 0; i < 32; ++i)
    digest[i] = uint8_t(state[i / 4] >> (24 - 8 * (i % 4)));
  return digest;
}

Digest Sha256::of(const void *data, std::size_t size) {
  Sha256 hash;
  hash.update(data, size);
  return hash.finish();
}

void TreeDigest::update(const void *data, std::size_t size) {
  const auto *bytes = static_cast<const uint8_t *>(data);
  while (size != 0) {
    std::size_t take = std::min(size, chunkSize - inChunk);
    chunk.update(bytes, take);
    bytes += take, size -= take, inChunk += take;
    if (inChunk == chunkSize) {
      Digest digest = chunk.finish();
      root.update(digest.data(), digest.size());
      chunk = Sha256();
      inChunk = 0;
    }
  }
}

Digest TreeDigest::finish() {
  if (inChunk != 0) {
    Digest digest = chunk.finish();
    root.update(digest.data(), digest.size());
  }
  return root.finish();
}

Digest TreeDigest::of(const void *data, std::size_t size, unsigned threads) {
  const auto *bytes = static_cast<const uint8_t *>(data);
  const std::size_t chunks = size / chunkSize + (size % chunkSize != 0);
  std::vector<Digest> digests(chunks);
  std::atomic<std::size_t> next{0};
  auto work = [&] {
    for (std::size_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < chunks;)
      digests[i] = Sha256::of(bytes + i * chunkSize, std::min(chunkSize, size - i * chunkSize));
  };
  std::vector<std::thread> helpers;
  try {
    for (std::size_t i = 1; i < std::min<std::size_t>(threads, chunks); ++i)
      helpers.emplace_back(work);
  } catch (const std::exception &) { // no more threads, or memory for them: those that run do it all
  }
  work();
  for (std::thread &helper : helpers)
    helper.join();
  return Sha256::of(digests.data(), digests.size() * sizeof(Digest));
}

std::string toHex(const Digest &digest) {
  std::string text;
  for (uint8_t byte : digest)
    for (int nibble : {byte >> 4, byte & 15})
      text += "0123456789abcdef"[nibble];
  return text;
}

} // namespace tenon
