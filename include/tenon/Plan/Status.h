//===- Status.h - Errors of the plan and the runtime ----------------------===//
//
// What everything below the compiler returns instead of throwing. Uses nothing but the standard library.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_PLAN_STATUS_H
#define TENON_PLAN_STATUS_H

#include <cassert>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tenon {

/// What went wrong, for a person and for a program.
struct ErrorInfo {
  std::string code;    ///< "TN" and four digits; stable, see Codes.h
  std::string message; ///< lower case, one sentence, with the values expected and found
  std::string remedy;  ///< what to do about it
  std::string node;    ///< the ONNX node or tensor concerned, or empty
};

/// Success, or one error. Cheap to move and copy; success costs no allocation.
class [[nodiscard]] Status {
public:
  Status() = default;

  /// Makes an error. An empty `remedy` is filled from the table in Codes.h.
  static Status error(std::string_view code, std::string message, std::string node = {}, std::string remedy = {});
  static Status success() { return {}; }
  /// TN7011 without details; needs no memory.
  static Status outOfMemory() noexcept;

  bool ok() const { return !info; }
  explicit operator bool() const { return ok(); }
  /// The error; only where ok() is false.
  const ErrorInfo &error() const {
    assert(info && "a success carries no error");
    return *info;
  }
  /// "TN7005: input 'x' ... (remedy)", or "ok".
  std::string str() const;

private:
  std::shared_ptr<const ErrorInfo> info;
};

/// A value, or the error that prevented it.
template <typename T>
class [[nodiscard]] Expected {
public:
  Expected(T value) : stored(std::move(value)) {}
  Expected(Status error) : failure(std::move(error)) { assert(!failure.ok() && "an Expected without value needs one"); }

  bool ok() const { return stored.has_value(); }
  explicit operator bool() const { return ok(); }
  /// The value; only where ok() is true.
  T &operator*() { return *stored; }
  const T &operator*() const { return *stored; }
  T *operator->() { return &*stored; }
  const T *operator->() const { return &*stored; }
  /// The error; only where ok() is false.
  const Status &status() const { return failure; }
  Status takeStatus() { return std::move(failure); }

private:
  std::optional<T> stored;
  Status failure;
};

} // namespace tenon

/// Returns the error of a Status expression to the caller.
#define TENON_RETURN_IF_ERROR(expression)                                                                              \
  do {                                                                                                                 \
    if (::tenon::Status tenonStatus = (expression); !tenonStatus.ok())                                                 \
      return tenonStatus;                                                                                              \
  } while (false)

#endif // TENON_PLAN_STATUS_H
