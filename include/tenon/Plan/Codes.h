//===- Codes.h - The table of TN6xxx to TN8xxx error codes ----------------===//
#ifndef TENON_PLAN_CODES_H
#define TENON_PLAN_CODES_H

#include <cstddef>
#include <string_view>

namespace tenon {

/// One stable error code of the plan (TN6xxx) or the runtime (TN7xxx).
struct ErrorCode {
  std::string_view code;
  std::string_view title;  ///< what it means
  std::string_view remedy; ///< what to do where the error itself says nothing better
  int exit;                ///< exit status of a tool that ends with it
};

/// All codes, in ascending order; `count` receives their number. Static storage.
const ErrorCode *errorCodes(std::size_t &count);

/// The entry of `code`, or null.
const ErrorCode *findErrorCode(std::string_view code);

} // namespace tenon

#endif // TENON_PLAN_CODES_H
