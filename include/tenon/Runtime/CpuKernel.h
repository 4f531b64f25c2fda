//===- CpuKernel.h - The calling convention of compiled CPU kernels -------===//
//
// Shared by lib/Codegen/CPU, which emits such functions, and lib/Runtime, which calls them.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_RUNTIME_CPUKERNEL_H
#define TENON_RUNTIME_CPUKERNEL_H

#include <cstdint>
#include <string_view>

extern "C" {

/// Runs work groups [begin, end) of one launch. Groups are independent: any partition, in any order, on any threads.
///   buffers  base addresses, 64-byte aligned unless a view says otherwise, in the order of plan.Launch.buffers
///   params   values of plan.Launch.params
///   scratch  plan.Launch.scratch bytes, 64-byte aligned, owned by the calling thread; null if 0
/// A kernel does not fail, allocate, or call anything but memset, memcpy, memmove and tenon::libraryFunctions.
using TenonCpuKernel = void (*)(void *const *buffers, const int64_t *params, int64_t begin, int64_t end, void *scratch);
}

namespace tenon {

/// Functions of the runtime that a kernel may import; they have its calling convention. See lib/Runtime/Functions.
inline constexpr std::string_view libraryFunctions[] = {"tenon_top_k", "tenon_determinant", "tenon_fourier"};

} // namespace tenon

#endif // TENON_RUNTIME_CPUKERNEL_H
