//===- RuntimeHandles.h - What the C interface of the runtime shares ------===//
//
// Private to lib/CAPI: the handles, and how a failure becomes a TenonError. No exception leaves a function of C.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_CAPI_RUNTIMEHANDLES_H
#define TENON_LIB_CAPI_RUNTIMEHANDLES_H

#include "tenon-c/runtime.h"
#include "tenon/Runtime/Session.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <vector>

struct TenonError {
  tenon::ErrorInfo info;
};

namespace tenon::capi {

/// A TensorInfo with the pointers that C wants.
struct InfoView {
  explicit InfoView(const runtime::TensorInfo &info) : info(&info) {
    for (const std::string &name : info.dimNames)
      dimNames.push_back(name.c_str());
  }
  const runtime::TensorInfo *info;
  std::vector<const char *> dimNames;
};

/// The error that needs no memory; never destroyed.
TenonError *outOfMemory();
/// Null for success.
TenonError *makeError(const Status &status);
/// TN7014.
TenonError *invalidArgument(const char *what);

/// Calls `body`, which returns a TenonError *, and catches what it throws.
template <typename Body>
TenonError *guarded(Body body) {
  try {
    return body();
  } catch (const std::bad_alloc &) {
    return outOfMemory();
  } catch (const std::exception &exception) {
    return invalidArgument(exception.what());
  } catch (...) {
    return invalidArgument("an unknown exception");
  }
}

/// The caller's struct, which may be of an older and shorter version, over the defaults.
template <typename Options>
bool readOptions(const Options *given, Options &options) {
  if (!given)
    return true;
  if (given->size < sizeof(size_t) || given->size > 4096)
    return false;
  std::memcpy(&options, given, std::min(given->size, sizeof(Options)));
  return true;
}

/// Refers to the caller's tensor, whatever its name; false where it is malformed.
bool readTensor(const TenonTensor &tensor, runtime::Tensor &out);
/// TN7016.
TenonError *writeProfile(const runtime::Profile &profile, const char *path);

} // namespace tenon::capi

struct TenonSession {
  std::unique_ptr<tenon::runtime::Session> session;
  std::vector<tenon::capi::InfoView> inputs, outputs;
};

#endif // TENON_LIB_CAPI_RUNTIMEHANDLES_H
