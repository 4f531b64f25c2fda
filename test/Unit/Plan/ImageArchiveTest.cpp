#include "tenon/Plan/ImageArchive.h"

#include <gtest/gtest.h>
#include <string>

using namespace tenon::plan;

static std::vector<char> bytes(const std::string &text) { return {text.begin(), text.end()}; }

TEST(ImageArchive, GivesBackWhatWasPacked) {
  const std::vector<std::vector<char>> images = {bytes("first"), {}, bytes(std::string(100, 'x'))};
  const std::vector<char> archive = packImages(images);
  std::vector<std::span<const char>> found;
  ASSERT_TRUE(unpackImages(archive, found));
  ASSERT_EQ(found.size(), 3u);
  for (size_t i = 0; i < images.size(); ++i) {
    EXPECT_EQ(std::vector<char>(found[i].begin(), found[i].end()), images[i]);
    EXPECT_EQ((found[i].data() - archive.data()) % 64, 0);
  }
}

TEST(ImageArchive, MayBeEmpty) {
  std::vector<std::span<const char>> found;
  ASSERT_TRUE(unpackImages(packImages({}), found));
  EXPECT_TRUE(found.empty());
}

TEST(ImageArchive, RefusesDamage) {
  const std::vector<std::vector<char>> images = {bytes("first"), bytes("second")};
  const std::vector<char> archive = packImages(images);
  std::vector<std::span<const char>> found;
  for (size_t size = 0; size < archive.size(); ++size)
    EXPECT_FALSE(unpackImages(std::span(archive).first(size), found)) << size;
  for (size_t word = 0; word < 6; ++word) {
    std::vector<char> damaged = archive;
    damaged[word * 8 + 7] = 0x7f; // far too large
    EXPECT_FALSE(unpackImages(damaged, found)) << word;
  }
}
