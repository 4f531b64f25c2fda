#include "tenon/Plan/ArenaPlacement.h"

#include <gtest/gtest.h>

#include <random>

using namespace tenon::plan;

static std::vector<ArenaItem> randomItems(std::mt19937 &random, size_t count) {
  std::vector<ArenaItem> items(count);
  for (ArenaItem &item : items) {
    item.bytes = int64_t(random() % 5000);
    item.first = uint32_t(random() % 40);
    item.last = item.first + uint32_t(random() % 10);
  }
  return items;
}

/// Compares all pairs, which is slow and plainly right.
static void expectValid(const std::vector<ArenaItem> &items, int64_t size) {
  for (size_t i = 0; i < items.size(); ++i) {
    ASSERT_GE(items[i].offset, 0);
    ASSERT_EQ(items[i].offset % arenaAlignment, 0);
    ASSERT_LE(items[i].offset + items[i].bytes, size);
    for (size_t k = 0; k < i; ++k) {
      const bool live = items[i].first <= items[k].last && items[k].first <= items[i].last;
      const bool apart =
          items[i].offset + items[i].bytes <= items[k].offset || items[k].offset + items[k].bytes <= items[i].offset;
      ASSERT_TRUE(!live || apart || items[i].bytes == 0 || items[k].bytes == 0) << i << " and " << k;
    }
  }
}

TEST(ArenaPlacement, NeverOverlapsAndIsDeterministic) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<ArenaItem> items = randomItems(random, 1 + random() % 60), again = items;
    const int64_t size = placeArena(items);
    expectValid(items, size);
    EXPECT_GE(size, arenaLowerBound(items));
    EXPECT_EQ(placeArena(again), size);
    for (size_t i = 0; i < items.size(); ++i)
      EXPECT_EQ(items[i].offset, again[i].offset);
  }
}

TEST(ArenaPlacement, KeepsFixedOffsets) {
  std::vector<ArenaItem> items = {{100, 0, 5, 128}, {64, 0, 5, -1}, {200, 3, 9, -1}};
  const int64_t size = placeArena(items);
  EXPECT_EQ(items[0].offset, 128);
  EXPECT_EQ(items[1].offset, 0);
  expectValid(items, size);
}

TEST(ArenaPlacement, ReusesTheMemoryOfDeadBuffers) {
  std::vector<ArenaItem> items = {{6400, 0, 1}, {6400, 2, 3}, {6400, 4, 5}};
  EXPECT_EQ(placeArena(items), 6400);
}

TEST(ArenaPlacement, RefusesSizesThatCannotBe) {
  std::vector<ArenaItem> negative = {{-1, 0, 1}};
  EXPECT_EQ(placeArena(negative), -1);
  std::vector<ArenaItem> huge(3, ArenaItem{int64_t(1) << 45, 0, 1});
  EXPECT_EQ(placeArena(huge), -1);
  std::vector<ArenaItem> none;
  EXPECT_EQ(placeArena(none), 0);
}
