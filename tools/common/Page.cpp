//===- Page.cpp - Drawn images that look like a page of text --------------===//
#include "common/Page.h"

#include <algorithm>

namespace tenon::tools {

static constexpr float light = 0.9f, dark = -0.9f;

namespace {
/// A rectangle of an image.
struct Area {
  std::vector<float> &image;
  int64_t stride, top, left, height, width;

  /// Fills the part that begins at (y, x).
  void ink(int64_t y, int64_t x, int64_t high, int64_t wide) const {
    for (int64_t row = top + y; row < top + std::min(y + high, height); ++row)
      std::fill_n(image.begin() + row * stride + left + x, std::min(wide, width - x), dark);
  }
};
} // namespace

/// Two to four bars; each is at least half as long as the glyph is high or wide.
static void drawGlyph(Random &random, const Area &area) {
  for (int64_t bars = random.between(2, 4); bars > 0; --bars) {
    const int64_t thickness = random.between(1, 1 + area.height / 8);
    const bool upright = random.between(0, 1);
    const int64_t longest = upright ? area.height : area.width, across = upright ? area.width : area.height;
    const int64_t length = random.between((longest + 1) / 2, longest);
    const int64_t along = random.between(0, longest - length), beside = random.between(0, across - thickness);
    if (upright)
      area.ink(along, beside, length, thickness);
    else
      area.ink(beside, along, thickness, length);
  }
}

/// Words of two to eight glyphs, as many as fit.
static void drawLine(Random &random, const Area &area) {
  const int64_t cell = std::max<int64_t>(2, area.height * 5 / 8);
  for (int64_t x = random.between(0, 4); x + cell <= area.width; x += cell / 2 + 1)
    for (int64_t glyphs = random.between(2, 8); glyphs > 0 && x + cell <= area.width; --glyphs, x += cell)
      drawGlyph(random, {area.image, area.stride, area.top, area.left + x, area.height, cell - 1});
}

std::vector<float> drawPage(Random &random, int64_t height, int64_t width) {
  std::vector<float> image(size_t(height * width), light);
  const int64_t low = std::clamp<int64_t>(height - 4, 1, 12), high = std::clamp<int64_t>(height - 4, 1, 24);
  for (int64_t y = random.between(0, std::min<int64_t>(4, (height - low) / 2)); y + low <= height;) {
    const int64_t size = std::min(random.between(low, high), height - y);
    drawLine(random, {image, width, y, 0, size, width});
    y += size + size / 2 + 2;
  }
  return image;
}

} // namespace tenon::tools
