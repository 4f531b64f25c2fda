//===- Plugin.cpp - Libraries that are opened when they are needed --------===//
#include "Plugin.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <vector>

namespace tenon::runtime {

/// The folder of the library or program that this code is in, with its slash. Of a program the loader knows only the
/// words that it was called by, which need not name a folder.
static std::string ownFolder() {
  Dl_info info;
  if (!dladdr(reinterpret_cast<const void *>(&ownFolder), &info) || !info.dli_fname)
    return {};
  std::string path = info.dli_fname;
  std::error_code error;
  if (path == program_invocation_name)
    if (const auto program = std::filesystem::read_symlink("/proc/self/exe", error); !error)
      path = program.string();
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash + 1);
}

/// Where to look for a library, in order; the last entry lets the system look.
static std::vector<std::string> candidates(const std::string &file) {
  std::vector<std::string> paths;
  const char *variable = std::getenv("TENON_DEVICE_PATH");
  std::string folders = variable ? variable : "";
  while (!folders.empty()) {
    const size_t colon = std::min(folders.find(':'), folders.size());
    if (colon > 0)
      paths.push_back(folders.substr(0, colon) + "/" + file);
    folders.erase(0, std::min(colon + 1, folders.size()));
  }
  if (const std::string own = ownFolder(); !own.empty()) {
    paths.push_back(own + file);
    paths.push_back(own + "../lib/" + file);
  }
  paths.push_back(file);
  return paths;
}

bool isPluginName(const std::string &name) {
  return !name.empty() && name.size() < 32 &&
         std::all_of(
             name.begin(), name.end(),
             [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

Expected<void *> openPlugin(const std::string &file) {
  std::string reason;
  for (const std::string &path : candidates(file)) {
    if (void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL))
      return library;
    const char *text = dlerror();
    reason = text ? text : "unknown error";
  }
  return Status::error("TN8001", std::move(reason));
}

} // namespace tenon::runtime
