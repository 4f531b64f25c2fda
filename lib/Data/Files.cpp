//===- Files.cpp - The files of a data set --------------------------------===//
#include "tenon/Data/Dataset.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <dirent.h>
#include <sys/stat.h>

namespace tenon::data {

/// Whether `path` ends in one of the endings, letters of either case.
static bool hasEnding(std::string path, std::initializer_list<std::string_view> endings) {
  for (char &c : path)
    c = c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
  return std::any_of(endings.begin(), endings.end(), [&](std::string_view ending) {
    return path.size() > ending.size() && std::string_view(path).substr(path.size() - ending.size()) == ending;
  });
}

bool isImageFile(const std::string &path) { return hasEnding(path, {".png", ".jpg", ".jpeg", ".ppm", ".pgm"}); }

Expected<std::vector<std::string>> listDataFiles(const std::string &path) {
  auto unreadable = [&] {
    return Status::error("TN9004", "cannot read '" + path + "': " + std::strerror(errno), "",
                         "check the path and its permissions");
  };
  struct stat info;
  if (stat(path.c_str(), &info) != 0)
    return unreadable();
  if (!S_ISDIR(info.st_mode))
    return std::vector<std::string>{path};
  DIR *folder = opendir(path.c_str());
  if (!folder)
    return unreadable();
  std::vector<std::string> arrays, images;
  while (const dirent *entry = readdir(folder)) {
    const std::string name = entry->d_name;
    if (hasEnding(name, {".npz", ".npy"}))
      arrays.push_back(path + "/" + name);
    else if (isImageFile(name))
      images.push_back(path + "/" + name);
  }
  closedir(folder);
  if (arrays.empty() == images.empty())
    return Status::error("TN9050",
                         "the folder '" + path + "' holds " +
                             (arrays.empty() ? "no .npz, .npy or image files" : "arrays and images"),
                         "", "give a file.npz, or a folder with one kind of data in it");
  std::vector<std::string> &files = arrays.empty() ? images : arrays;
  std::sort(files.begin(), files.end());
  return files;
}

} // namespace tenon::data
