//===- PythonChild.h - A Python that has ONNX Runtime ---------------------===//
#ifndef TENON_TOOLS_TENON_PYTHONCHILD_H
#define TENON_TOOLS_TENON_PYTHONCHILD_H

#include "tenon/Plan/Status.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace tenon::tools {

struct PythonChild {
  std::string path; ///< empty where there is none
};

/// $TENON_PYTHON, else the environment of ./dev ($TENON_DEPS/venv, ~/.cache/tenon/venv), else python3 of PATH.
PythonChild findPython();

/// The version of an installed module, without importing it; empty where it is missing.
std::string moduleVersion(const PythonChild &python, llvm::StringRef module);

/// Runs `script` (a path) with arguments, its stderr kept in `folder`. Returns the exit status, or -1 where it could
/// not be started; `message` receives the last line of stderr.
int runPython(const PythonChild &python, llvm::StringRef script, llvm::ArrayRef<std::string> arguments,
              llvm::StringRef folder, std::string &message);

} // namespace tenon::tools

#endif // TENON_TOOLS_TENON_PYTHONCHILD_H
