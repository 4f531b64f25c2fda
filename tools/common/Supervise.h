//===- Supervise.h - Work in a child process ------------------------------===//
//
// What reads a hostile model runs in a child: the parent removes the scratch folder whichever way the child ends, turns
// a signal into an error code, and keeps the memory limit. Call it before any thread is started.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_TOOLS_COMMON_SUPERVISE_H
#define TENON_TOOLS_COMMON_SUPERVISE_H

#include "common/Report.h"
#include <cstdint>
#include <functional>
#include <string>

namespace tenon::tools {

struct SuperviseOptions {
  uint64_t maxMemory = 0; ///< bytes of private memory, 0 = no limit
  bool scratch = false;   ///< make a folder in TMPDIR for the work
};

/// Runs `work` in a child process and returns its exit status. `work` receives the scratch folder, or "". After SIGINT,
/// SIGTERM or SIGHUP the folder is removed and this process ends by the same signal.
int supervise(const SuperviseOptions &options, const Report &report,
              const std::function<int(const std::string &scratch)> &work);

} // namespace tenon::tools

#endif // TENON_TOOLS_COMMON_SUPERVISE_H
