//===- ContextSwitch.h - Fibers by hand, for x86-64 -----------------------===//
//
// A fiber is a stack and a saved stack pointer. Where the program runs under AddressSanitizer, it is told of every
// switch; otherwise the hooks are null.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_VGPU_CONTEXTSWITCH_H
#define TENON_VGPU_CONTEXTSWITCH_H

#include <cstddef>

namespace tenon::vgpu::detail {

/// Where a stack lies, and what the sanitizer keeps for it.
struct StackBounds {
  const void *bottom = nullptr; ///< lowest address
  size_t size = 0;
  void *fakeStack = nullptr;
};

/// A stack that starts in `entry` (which never returns) when it is first switched to. `top` is aligned to 16 bytes.
void *makeFiber(void *top, void (*entry)());

/// Saves the running context in `*from` and continues `to`. `fromBounds` is null if the running context never resumes.
void switchFiber(void **from, void *to, StackBounds *fromBounds, const StackBounds &toBounds);

/// The first thing that `entry` does; `*previous` receives the bounds of the stack it was switched from.
void enterFiber(StackBounds *previous);

/// Forgets what a sanitizer knows of frames that were abandoned on a stack.
void forgetFrames(const void *bottom, size_t size);

} // namespace tenon::vgpu::detail

#endif // TENON_VGPU_CONTEXTSWITCH_H
