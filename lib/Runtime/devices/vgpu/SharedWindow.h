//===- SharedWindow.h - The block's shared memory -------------------------===//
//
// Two host regions, the object's __shared__ variables and the dynamic part, seen as one window of 32-bit addresses:
// statics from 0, dynamic memory from the next multiple of 1024. Swizzles and matrix descriptors work on these
// addresses, whose low ten bits equal those of the host pointers.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_VGPU_SHAREDWINDOW_H
#define TENON_VGPU_SHAREDWINDOW_H

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tenon::vgpu::detail {

class SharedWindow {
public:
  static constexpr uint32_t kNone = ~0u;

  SharedWindow() = default;
  SharedWindow(unsigned char *statics, size_t staticBytes, unsigned char *dynamic, size_t dynamicBytes)
      : statics(statics), staticBytes(static_cast<uint32_t>(staticBytes)), dynamic(dynamic),
        dynamicBytes(static_cast<uint32_t>(dynamicBytes)),
        dynamicStart(static_cast<uint32_t>((staticBytes + 1023) & ~size_t(1023))) {}

  /// The window address of `bytes` bytes at a host pointer, or kNone where they do not lie in one region.
  uint32_t addressOf(const void *pointer, size_t bytes) const {
    auto address = reinterpret_cast<uintptr_t>(pointer);
    uintptr_t inStatic = address - reinterpret_cast<uintptr_t>(statics);
    if (inStatic < staticBytes && bytes <= staticBytes - inStatic)
      return static_cast<uint32_t>(inStatic);
    uintptr_t inDynamic = address - reinterpret_cast<uintptr_t>(dynamic);
    if (inDynamic < dynamicBytes && bytes <= dynamicBytes - inDynamic)
      return dynamicStart + static_cast<uint32_t>(inDynamic);
    return kNone;
  }
  /// The host pointer of `bytes` bytes at a window address, or null.
  unsigned char *pointerTo(uint32_t address, size_t bytes) const {
    if (address < staticBytes && bytes <= staticBytes - address)
      return statics + address;
    uint32_t offset = address - dynamicStart;
    if (address >= dynamicStart && offset < dynamicBytes && bytes <= dynamicBytes - offset)
      return dynamic + offset;
    return nullptr;
  }

  unsigned char *dynamicBase() const { return dynamic; }

  /// One past the highest address.
  size_t size() const { return static_cast<size_t>(dynamicStart) + dynamicBytes; }
  /// Copies all of shared memory to size() bytes.
  void copyTo(unsigned char *image) const {
    memcpy(image, statics, staticBytes);
    memcpy(image + dynamicStart, dynamic, dynamicBytes);
  }

private:
  unsigned char *statics = nullptr;
  uint32_t staticBytes = 0;
  unsigned char *dynamic = nullptr;
  uint32_t dynamicBytes = 0, dynamicStart = 0;
};

} // namespace tenon::vgpu::detail

#endif // TENON_VGPU_SHAREDWINDOW_H
