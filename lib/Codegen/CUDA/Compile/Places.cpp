//===- Places.cpp - Where CUDA compilers are looked for -------------------===//
#include "Places.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string_view>

namespace tenon::codegen::cuda {

static std::string getEnv(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

/// Appends what is in `folder` and matches `parts`, one for each level: "*" is anything, others are how a name starts.
/// Sorted from the newest name.
static void addMatches(const std::string &folder, std::span<const std::string_view> parts,
                       std::vector<std::string> &found) {
  std::error_code error;
  std::vector<std::string> here;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename();
    const bool isAlternative = parts.size() == 1 && name.find("alt") != std::string::npos;
    if ((parts[0] == "*" || name.starts_with(parts[0])) && !isAlternative)
      here.push_back(it->path());
  }
  std::sort(here.rbegin(), here.rend());
  for (const std::string &path : here) {
    if (parts.size() == 1)
      found.push_back(path);
    else
      addMatches(path, parts.subspan(1), found);
  }
}

std::vector<std::string> toolkitFolders() {
  std::vector<std::string> folders;
  for (const char *name : {"CUDA_HOME", "CUDA_PATH"})
    if (std::string folder = getEnv(name); !folder.empty())
      folders.push_back(folder);
  folders.push_back("/usr/local/cuda");
  return folders;
}

bool isNvrtcNamed() { return !getEnv("TENON_NVRTC").empty(); }

std::vector<std::string> nvrtcPlaces() {
  if (isNvrtcNamed())
    return {getEnv("TENON_NVRTC")};
  static constexpr std::string_view library[] = {"libnvrtc.so"};
  static constexpr std::string_view package[] = {"python", "site-packages", "nvidia", "*", "lib", "libnvrtc.so"};
  std::vector<std::string> places = {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"};
  for (const std::string &folder : toolkitFolders())
    for (const char *libraries : {"/lib64", "/targets/x86_64-linux/lib"})
      addMatches(folder + libraries, library, places);
  std::string cache = getEnv("XDG_CACHE_HOME");
  if (cache.empty())
    cache = getEnv("HOME") + "/.cache";
  for (const std::string &python : {getEnv("VIRTUAL_ENV"), cache + "/tenon/venv"})
    if (!python.empty())
      addMatches(python + "/lib", package, places);
  return places;
}

} // namespace tenon::codegen::cuda
