//===- LinkKernels.h - Object files to one shared object ------------------===//
#ifndef TENON_LIB_CODEGEN_CPU_LINKKERNELS_H
#define TENON_LIB_CODEGEN_CPU_LINKKERNELS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include <vector>

namespace tenon::codegen {

/// Links relocatable ELF objects, in order, to one shared object. Thread-safe: lld runs once at a time.
llvm::Expected<std::vector<char>> linkKernels(llvm::ArrayRef<llvm::SmallVector<char, 0>> objects);

/// Fails if the shared object imports more than memset, memcpy, memmove and functions of the runtime, needs libraries,
/// or has constructors or thread-local storage: a plan's code object is plain code and constants.
llvm::Error lintKernels(llvm::ArrayRef<char> object);

} // namespace tenon::codegen

#endif // TENON_LIB_CODEGEN_CPU_LINKKERNELS_H
