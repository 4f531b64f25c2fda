#include "tenon/Plan/Sha256.h"

#include <gtest/gtest.h>

using namespace tenon;

static std::string hexOf(const std::string &text) { return toHex(Sha256::of(text.data(), text.size())); }

// FIPS 180-4 examples, and the one-million-a vector of the same document.
TEST(Sha256, MatchesTheStandardsExamples) {
  EXPECT_EQ(hexOf(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hexOf("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hexOf("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hexOf(std::string(1000000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, DoesNotDependOnHowBytesArrive) {
  std::string text(1000, 'x');
  for (size_t i = 0; i < text.size(); ++i)
    text[i] = char(i * 31);
  for (size_t step : {1, 7, 63, 64, 65, 200}) {
    Sha256 hash;
    for (size_t at = 0; at < text.size(); at += step)
      hash.update(text.data() + at, std::min(step, text.size() - at));
    EXPECT_EQ(toHex(hash.finish()), hexOf(text)) << step;
  }
}

TEST(TreeDigest, IsTheSameForAnyThreadsAndPieces) {
  std::vector<uint8_t> bytes(3 * TreeDigest::chunkSize + 12345);
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = uint8_t(i * 2654435761u >> 13);
  const Digest expected = TreeDigest::of(bytes.data(), bytes.size());
  EXPECT_EQ(TreeDigest::of(bytes.data(), bytes.size(), 4), expected);
  TreeDigest pieces;
  for (size_t at = 0; at < bytes.size(); at += 777777)
    pieces.update(bytes.data() + at, std::min<size_t>(777777, bytes.size() - at));
  EXPECT_EQ(pieces.finish(), expected);
  EXPECT_EQ(TreeDigest::of(nullptr, 0), TreeDigest().finish());
}
