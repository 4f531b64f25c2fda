//===- CodeObject.h - Loading a compiled code object ----------------------===//
//
// A code object is a position-independent ELF64 shared object without constructors, thread-local storage, needed
// libraries, or imports beyond memset, memcpy, memmove and the functions of Functions/Functions.h. It is loaded here
// and not by dlopen, because it lies inside a container, and because the dynamic linker would run whatever it holds.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_RUNTIME_CODEOBJECT_H
#define TENON_LIB_RUNTIME_CODEOBJECT_H

#include "tenon/Plan/Status.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>

namespace tenon::runtime {

/// Code in memory. Immutable: no page is both writable and executable, and none is writable after loading.
class CodeObject {
public:
  /// Copies, relocates and protects `image`. TN6017 where it is not a valid ELF shared object for this machine, TN6018
  /// where it holds what is not allowed.
  static Expected<std::unique_ptr<CodeObject>> load(std::span<const uint8_t> image);
  ~CodeObject();
  CodeObject(const CodeObject &) = delete;
  CodeObject &operator=(const CodeObject &) = delete;

  /// Address of an exported function, or null.
  void *find(const std::string &symbol) const;

private:
  friend class CodeObjectLoader;
  CodeObject() = default;
  char *base = nullptr;
  size_t span = 0;
  std::unordered_map<std::string, void *> functions;
};

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_CODEOBJECT_H
