//===- ContextSwitch.cpp - Fibers by hand, for x86-64 ---------------------===//
#include "ContextSwitch.h"

#include <cstdint>

// Weak: present where the program was linked with -fsanitize=address.
extern "C" {
__attribute__((weak)) void __sanitizer_start_switch_fiber(void **fakeStack, const void *bottom, size_t size);
__attribute__((weak)) void __sanitizer_finish_switch_fiber(void *fakeStack, const void **bottom, size_t *size);
__attribute__((weak)) void __asan_unpoison_memory_region(const volatile void *address, size_t size);

/// Saves what the ABI says a call preserves, on the stack; rdi = where to save rsp, rsi = the rsp to continue with.
__attribute__((visibility("hidden"))) void tenon_vgpu_switch(void **from, void *to);
}

asm(R"(
  .text
  .p2align 4
  .hidden tenon_vgpu_switch
  .globl tenon_vgpu_switch
  .type tenon_vgpu_switch, @function
tenon_vgpu_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .size tenon_vgpu_switch, . - tenon_vgpu_switch
)");

namespace tenon::vgpu::detail {

void *makeFiber(void *top, void (*entry)()) {
  auto *slot = static_cast<uintptr_t *>(top);
  *--slot = 0; // the return address of `entry`: ends every backtrace, and aligns its frame
  *--slot = reinterpret_cast<uintptr_t>(entry);
  for (int i = 0; i < 6; ++i)
    *--slot = 0; // rbp, rbx, r12 to r15
  return slot;
}

void switchFiber(void **from, void *to, StackBounds *fromBounds, const StackBounds &toBounds) {
  void *unused;
  if (__sanitizer_start_switch_fiber)
    __sanitizer_start_switch_fiber(fromBounds ? &fromBounds->fakeStack : nullptr, toBounds.bottom, toBounds.size);
  tenon_vgpu_switch(from ? from : &unused, to);
  if (__sanitizer_finish_switch_fiber)
    __sanitizer_finish_switch_fiber(fromBounds ? fromBounds->fakeStack : nullptr, nullptr, nullptr);
}

void enterFiber(StackBounds *previous) {
  if (__sanitizer_finish_switch_fiber)
    __sanitizer_finish_switch_fiber(nullptr, &previous->bottom, &previous->size);
}

void forgetFrames(const void *bottom, size_t size) {
  if (__asan_unpoison_memory_region)
    __asan_unpoison_memory_region(bottom, size);
}

} // namespace tenon::vgpu::detail
