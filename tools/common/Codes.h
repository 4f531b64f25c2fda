//===- Codes.h - Every error code, in one place ---------------------------===//
#ifndef TENON_TOOLS_COMMON_CODES_H
#define TENON_TOOLS_COMMON_CODES_H

#include "llvm/ADT/StringRef.h"
#include <string>
#include <vector>

namespace tenon::tools {

/// What `tenon explain` prints about one code.
struct Explanation {
  std::string code;    ///< "TN1203"
  std::string summary; ///< one line
  std::string detail;  ///< when it happens; may be empty
  std::string remedy;  ///< what to do
  int exit;            ///< exit status of a tool that ends with it
};

/// All codes of the compiler, the plan, the runtime and the tools, in ascending order.
std::vector<Explanation> allCodes();

/// The exit status of a tool that ends with `code`; 70 where the code is not known.
int exitStatusOf(llvm::StringRef code);

/// Exit statuses; a documented part of the public surface.
enum ExitStatus : int {
  ExitOk = 0,
  ExitModel = 1,
  ExitUsage = 2,
  ExitUnsupported = 3,
  ExitLimit = 4,
  ExitIntegrity = 5,
  ExitDevice = 6,
  ExitInternal = 70,
};

/// "model error", "usage", ...
llvm::StringRef exitStatusName(int status);

} // namespace tenon::tools

#endif // TENON_TOOLS_COMMON_CODES_H
