//===- SharedLibrary.h - A library that is opened at run time -------------===//
#ifndef TENON_LIB_RUNTIME_DEVICES_CUDA_SHAREDLIBRARY_H
#define TENON_LIB_RUNTIME_DEVICES_CUDA_SHAREDLIBRARY_H

#include <initializer_list>
#include <string>
#include <type_traits>

namespace tenon::cuda {

/// Functions of a library by their names. The library is never closed: it keeps threads of its own.
class SharedLibrary {
public:
  /// Opens what the environment `variable` names, else the first of `files` that can be opened. Returns why that
  /// failed, or an empty string.
  std::string open(const char *variable, std::initializer_list<const char *> files);

  /// Sets `function` to the one called `name`; missing() says which were not found.
  template <typename Function>
  void find(Function *&function, const char *name) {
    function = reinterpret_cast<Function *>(symbol(name));
    if (!function && absent.empty())
      absent = name;
  }
  /// "PATH lacks NAME"; empty if nothing was missing.
  std::string missing() const { return absent.empty() ? "" : path + " lacks " + absent; }

private:
  void *symbol(const char *name) const;

  void *handle = nullptr;
  std::string path, absent;
};

} // namespace tenon::cuda

#endif // TENON_LIB_RUNTIME_DEVICES_CUDA_SHAREDLIBRARY_H
