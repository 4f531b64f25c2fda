//===- SharedLibrary.cpp - A library that is opened at run time -----------===//
#include "SharedLibrary.h"

#include <cstdlib>
#include <dlfcn.h>

namespace tenon::cuda {

std::string SharedLibrary::open(const char *variable, std::initializer_list<const char *> files) {
  const char *named = std::getenv(variable);
  std::string reason;
  auto tryOpen = [&](const char *file) {
    handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (handle) {
      path = file;
      return true;
    }
    const char *text = dlerror();
    reason += (reason.empty() ? "" : "; ") + std::string(text ? text : file);
    return false;
  };
  if (named && *named)
    return tryOpen(named) ? "" : reason;
  for (const char *file : files)
    if (tryOpen(file))
      return {};
  return reason + "; $" + variable + " may name it";
}

void *SharedLibrary::symbol(const char *name) const { return handle ? dlsym(handle, name) : nullptr; }

} // namespace tenon::cuda
