//===- Progress.h - What is being done, on a terminal ---------------------===//
#ifndef TENON_TOOLS_COMMON_PROGRESS_H
#define TENON_TOOLS_COMMON_PROGRESS_H

#include "tenon/Pipelines/Phases.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

namespace tenon::tools {

/// Says on a terminal what is being done, on one line that is wiped at the end.
class Progress {
public:
  Progress() : wanted(llvm::sys::Process::StandardErrIsDisplayed()) {}
  ~Progress() {
    if (wanted)
      llvm::errs() << "\r\033[K";
  }
  void operator()(Phase phase, double share) const {
    if (wanted)
      llvm::errs() << llvm::formatv("\r\033[K{0,3:F0} % {1}", share * 100, getName(phase));
  }

private:
  bool wanted;
};

} // namespace tenon::tools

#endif // TENON_TOOLS_COMMON_PROGRESS_H
