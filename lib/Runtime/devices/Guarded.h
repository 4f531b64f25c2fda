//===- Guarded.h - Errors of a device plug-in -----------------------------===//
#ifndef TENON_LIB_RUNTIME_DEVICES_GUARDED_H
#define TENON_LIB_RUNTIME_DEVICES_GUARDED_H

#include "tenon-c/device.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <new>
#include <string>

namespace tenon {

/// Writes `why`, cut to what fits, and returns what a failing function of the table returns.
inline int fail(TenonDeviceError *error, const std::string &why) {
  std::snprintf(error->message, sizeof(error->message), "%s", why.c_str());
  return 1;
}

/// Runs `body`, which returns a message or "", and catches what it throws: the table is an interface of C.
template <typename Body>
int guarded(TenonDeviceError *error, Body body) {
  try {
    const std::string message = body();
    return message.empty() ? 0 : fail(error, message);
  } catch (const std::bad_alloc &) {
    return fail(error, "out of memory");
  } catch (const std::exception &exception) {
    return fail(error, exception.what());
  }
}

/// Whether code object `code` holds the kernel.
inline bool isHeld(const TenonDeviceKernel &kernel, size_t code) {
  return kernel.num_codes == 0 ||
         std::find(kernel.codes, kernel.codes + kernel.num_codes, code) != kernel.codes + kernel.num_codes;
}

} // namespace tenon

#endif // TENON_LIB_RUNTIME_DEVICES_GUARDED_H
