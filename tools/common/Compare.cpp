//===- Compare.cpp - How far two tensors are apart ------------------------===//
#include "common/Compare.h"

#include "common/Inputs.h"
#include "tenon/Reference/Tensor.h"
#include <cmath>
#include <cstring>

using tenon::runtime::Tensor;

namespace tenon::tools {

static std::string describe(const Tensor &tensor) {
  return std::string(elementName(tensor.type)) + " " + formatDims(tensor.dims);
}

/// |a - b|; 0 where both are NaN or the same infinity, infinite where only one is.
static double distance(double a, double b) {
  if (a == b || (std::isnan(a) && std::isnan(b)))
    return 0;
  const double difference = std::abs(a - b);
  return std::isnan(difference) ? INFINITY : difference;
}

static void compareFloats(const Tensor &a, const Tensor &b, Difference &out) {
  double scale = 0;
  for (int64_t i = 0; i < a.elements(); ++i) {
    const double x = reference::loadDouble(a.type, a.as<char>(), i), y = reference::loadDouble(b.type, b.as<char>(), i);
    const double difference = distance(x, y);
    if (std::isfinite(y))
      scale = std::max(scale, std::abs(y));
    out.mismatches += difference != 0;
    if (difference > out.absolute || (difference != 0 && out.worst < 0)) {
      out.absolute = difference;
      out.worst = i;
      out.found = x;
      out.expected = y;
    }
  }
  out.relative = scale > 0 ? out.absolute / scale : out.absolute;
}

static void compareIntegers(const Tensor &a, const Tensor &b, Difference &out) {
  const int64_t size = elementSize(a.type);
  for (int64_t i = 0; i < a.elements(); ++i) {
    if (std::memcmp(a.as<char>() + i * size, b.as<char>() + i * size, size_t(size)) == 0)
      continue;
    ++out.mismatches;
    const double x = reference::loadDouble(a.type, a.as<char>(), i), y = reference::loadDouble(b.type, b.as<char>(), i);
    if (out.worst >= 0 && std::abs(x - y) <= out.absolute)
      continue;
    out.absolute = std::abs(x - y);
    out.worst = i;
    out.found = x;
    out.expected = y;
  }
  out.relative = out.mismatches == 0 ? 0 : INFINITY;
}

Difference compare(const Tensor &a, const Tensor &b) {
  Difference out;
  if (a.type != b.type || a.dims != b.dims) {
    out.problem = "expected " + describe(b) + ", found " + describe(a);
    out.relative = out.absolute = INFINITY;
    return out;
  }
  if (reference::isFloat(a.type))
    compareFloats(a, b, out);
  else
    compareIntegers(a, b, out);
  return out;
}

} // namespace tenon::tools
