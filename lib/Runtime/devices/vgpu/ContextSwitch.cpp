//===- ContextSwitch.cpp - Fibers by hand, for x86-64 ---------------------===//
#include "ContextSwitch.h"

#include <cstdint>
#include <dlfcn.h>

// Saves what the ABI says a call preserves, on the stack; rdi = where to save rsp, rsi = the rsp to continue with.
extern "C" __attribute__((visibility("hidden"))) void tenon_vgpu_switch(void **from, void *to);

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

namespace {
/// AddressSanitizer's interface for fibers, where the program runs under it; null otherwise.
struct Sanitizer {
  void (*startSwitch)(void **fakeStack, const void *bottom, size_t size) = nullptr;
  void (*finishSwitch)(void *fakeStack, const void **bottom, size_t *size) = nullptr;
  void (*unpoison)(const volatile void *address, size_t size) = nullptr;

  Sanitizer() {
    find(startSwitch, "__sanitizer_start_switch_fiber");
    find(finishSwitch, "__sanitizer_finish_switch_fiber");
    find(unpoison, "__asan_unpoison_memory_region");
  }
  template <class F>
  void find(F &function, const char *name) {
    function = reinterpret_cast<F>(dlsym(RTLD_DEFAULT, name));
  }
};
const Sanitizer &sanitizer() {
  static const Sanitizer hooks;
  return hooks;
}
} // namespace

void *makeFiber(void *top, void (*entry)()) {
  auto *slot = static_cast<uintptr_t *>(top);
  *--slot = 0; // the return address of `entry`: ends every backtrace, and aligns its frame
  *--slot = reinterpret_cast<uintptr_t>(entry);
  for (int i = 0; i < 6; ++i)
    *--slot = 0; // rbp, rbx, r12 to r15
  return slot;
}

void switchFiber(void **from, void *to, StackBounds *fromBounds, const StackBounds &toBounds) {
  const Sanitizer &hooks = sanitizer();
  void *unused;
  if (hooks.startSwitch)
    hooks.startSwitch(fromBounds ? &fromBounds->fakeStack : nullptr, toBounds.bottom, toBounds.size);
  tenon_vgpu_switch(from ? from : &unused, to);
  if (hooks.finishSwitch)
    hooks.finishSwitch(fromBounds ? fromBounds->fakeStack : nullptr, nullptr, nullptr);
}

void enterFiber(StackBounds *previous) {
  if (sanitizer().finishSwitch)
    sanitizer().finishSwitch(nullptr, &previous->bottom, &previous->size);
}

void forgetFrames(const void *bottom, size_t size) {
  if (sanitizer().unpoison)
    sanitizer().unpoison(bottom, size);
}

} // namespace tenon::vgpu::detail
