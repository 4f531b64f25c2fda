//===- Pages.h - Pages of mapped files ------------------------------------===//
#ifndef TENON_SUPPORT_PAGES_H
#define TENON_SUPPORT_PAGES_H

#include "llvm/ADT/ArrayRef.h"

namespace tenon {

/// Gives the pages of `bytes` back to the system where they are of a file that is mapped to be read, whole pages of a
/// megabyte or more: they are read again from the file when they are looked at. Does nothing for any other memory. For
/// weights that were used, so that a model is not in memory twice.
void releaseFilePages(llvm::ArrayRef<char> bytes);

/// Gives back the pages of code, which comes back when it runs, and of heap memory that is free. Between two parts of
/// work that have little in common, such as a compilation and a run: 100 MB of MLIR and LLVM.
void releaseIdlePages();

} // namespace tenon

#endif // TENON_SUPPORT_PAGES_H
