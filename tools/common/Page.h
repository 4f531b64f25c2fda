//===- Page.h - Drawn images that look like a page of text ----------------===//
#ifndef TENON_TOOLS_COMMON_PAGE_H
#define TENON_TOOLS_COMMON_PAGE_H

#include "common/Random.h"
#include <vector>

namespace tenon::tools {

/// A grey image in [-1, 1], row-major, height x width: dark strokes on a light ground, like lines of text.
///
/// Vision models are trained on pictures with edges and flat parts. On white noise a real detector finds nothing, all
/// of its outputs are close to zero, and an error relative to them says nothing about the code that computed them.
/// Lines are 12 to 24 pixels high, or as high as the image, and break into words of two to eight glyphs; a glyph is two
/// to four bars, upright or level, of varied length and thickness. Values are -0.9 and 0.9: noise of up to 0.1 can be
/// added.
std::vector<float> drawPage(Random &random, int64_t height, int64_t width);

} // namespace tenon::tools

#endif // TENON_TOOLS_COMMON_PAGE_H
