//===- TensorMap.cpp - cuTensorMapEncodeTiled's rules ---------------------===//
#include "TensorMap.h"

#include "tenon/Runtime/Vgpu.h"

#include <cstring>

namespace tenon::vgpu {

std::string encodeTensorMap(const TensorMapDescription &tensor, void *map) {
  auto fail = [](const std::string &what) { return "tensor map: " + what; };
  auto number = [](uint64_t n) { return std::to_string(n); };
  detail::TensorMap result{};
  if (tensor.rank < 1 || tensor.rank > 5)
    return fail("rank " + number(tensor.rank) + " is outside of 1 to 5");
  unsigned bytes = tensor.elementBytes;
  if (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8)
    return fail("elements of " + number(bytes) + " bytes");
  if (reinterpret_cast<uintptr_t>(tensor.base) % 16)
    return fail("the base address is not a multiple of 16");
  if (reinterpret_cast<uintptr_t>(map) % 64)
    return fail("the map's own address is not a multiple of 64");
  result.magic = detail::TensorMap::kMagic;
  result.rank = static_cast<uint8_t>(tensor.rank);
  result.elementBytes = static_cast<uint8_t>(bytes);
  result.base = static_cast<unsigned char *>(tensor.base);
  result.fillByte = tensor.fillNaN ? 0xff : 0;
  result.strides[0] = bytes;
  for (unsigned d = 0; d < 5; ++d) {
    result.extents[d] = d < tensor.rank ? tensor.extents[d] : 1;
    result.box[d] = static_cast<uint16_t>(d < tensor.rank ? tensor.box[d] : 1);
    if (d >= tensor.rank)
      continue;
    if (tensor.extents[d] == 0 || tensor.extents[d] > (1ull << 32))
      return fail("extent " + number(tensor.extents[d]) + " is outside of 1 to 2^32");
    if (tensor.box[d] == 0 || tensor.box[d] > 256)
      return fail("box of " + number(tensor.box[d]) + " elements is outside of 1 to 256");
    if (d == 0)
      continue;
    result.strides[d] = tensor.strides[d - 1];
    if (tensor.strides[d - 1] % 16 || tensor.strides[d - 1] >= (1ull << 40))
      return fail("stride " + number(tensor.strides[d - 1]) + " is not a multiple of 16 below 2^40");
  }
  static constexpr unsigned kSpans[] = {0, 32, 64, 128};
  unsigned swizzle = static_cast<unsigned>(tensor.swizzle);
  if (swizzle > 3)
    return fail("unknown swizzle");
  result.swizzleBits = static_cast<uint8_t>(swizzle);
  if (result.rowBytes() % 16)
    return fail("a row of the box has " + number(result.rowBytes()) + " bytes, not a multiple of 16");
  if (swizzle && result.rowBytes() > kSpans[swizzle])
    return fail("a row of the box has " + number(result.rowBytes()) + " bytes, more than the swizzle's " +
                number(kSpans[swizzle]));
  memset(map, 0, 128);
  memcpy(map, &result, sizeof result);
  return {};
}

} // namespace tenon::vgpu
