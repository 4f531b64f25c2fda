//===- ExternalData.cpp - The one place that opens files a model names ----===//
//
// A location is refused unless it is a relative path without "..", the kernel resolves it beneath the model's folder
// (openat2), or, where a link leads out of it, beneath the folder the model's own link leads to: caches of model hubs
// keep both as links into one folder of blobs.
//
//===----------------------------------------------------------------------===//
#include "ModelFile.h"

#include "tenon/Support/Errors.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/Path.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace mlir;

namespace tenon::importer {
namespace {

namespace path = llvm::sys::path;

/// A descriptor of `name` resolved beneath `folder`, or -1 with errno.
int openBeneath(const std::string &folder, const std::string &name, uint64_t extraResolve) {
  int directory = open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0)
    return -1;
  llvm::scope_exit closeDirectory([&] { close(directory); });
  open_how how = {};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | extraResolve;
  return int(syscall(SYS_openat2, directory, name.c_str(), &how, sizeof(how)));
}

/// For kernels without openat2 and links that leave the folder: resolves first, then opens without following links.
int openResolved(const std::string &folder, const std::string &name, const std::string &allowed) {
  llvm::SmallString<256> real, root;
  if (llvm::sys::fs::real_path(folder + "/" + name, real) || llvm::sys::fs::real_path(allowed, root)) {
    errno = ENOENT;
    return -1;
  }
  if (!real.str().starts_with((root + "/").str())) {
    errno = EXDEV;
    return -1;
  }
  std::string relative = real.str().drop_front(root.size() + 1).str();
  int fd = openBeneath(root.str().str(), relative, RESOLVE_NO_SYMLINKS);
  return fd < 0 && errno == ENOSYS ? open(real.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : fd;
}

bool isSafeRelativePath(StringRef location) {
  if (location.empty() || path::is_absolute(location) || location.contains('\0') || location.contains('\\'))
    return false;
  return llvm::none_of(llvm::make_range(path::begin(location), path::end(location)),
                       [](StringRef component) { return component == ".."; });
}

struct ExternalEntry {
  StringRef location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
};

FailureOr<ExternalEntry> readEntry(const onnx::TensorProto &tensor, Location loc) {
  ExternalEntry entry;
  for (const auto &pair : tensor.external_data()) {
    StringRef key = pair.key(), value = pair.value();
    uint64_t number = 0;
    if ((key == "offset" || key == "length") && value.getAsInteger(10, number))
      return emitError(loc, Code::ExternalDataPath) << key << " '" << value << "' of external data is no number";
    if (key == "location")
      entry.location = value;
    else if (key == "offset")
      entry.offset = number;
    else if (key == "length")
      entry.length = number;
    else if (key != "checksum")
      return emitError(loc, Code::ExternalDataPath) << "unknown key '" << key << "' of external data";
  }
  if (!isSafeRelativePath(entry.location))
    return emitError(loc, Code::ExternalDataPath)
           << "location '" << entry.location << "' is not a relative path beneath the model's folder";
  return entry;
}

} // namespace

FailureOr<ArrayRef<char>> ModelFile::mapExternalFile(StringRef location, Location loc) {
  if (auto it = mappings.find(location); it != mappings.end())
    return ArrayRef<char>(it->second.const_data(), it->second.size());
  if (directory.empty())
    return emitError(loc, Code::ExternalDataPath) << "a model in memory has no folder for '" << location << "'";
  std::string name = location.str();
  int fd = openBeneath(directory, name, 0);
  if (fd < 0 && errno == EXDEV)
    fd = openResolved(directory, name, realDirectory);
  else if (fd < 0 && errno == ENOSYS)
    if (fd = openResolved(directory, name, directory); fd < 0)
      fd = openResolved(directory, name, realDirectory);
  if (fd < 0)
    return emitError(loc, Code::ExternalDataPath) << "cannot open '" << location << "': " << std::strerror(errno);
  llvm::scope_exit closeFile([&] { close(fd); });
  struct stat info;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
    return emitError(loc, Code::ExternalDataPath) << "'" << location << "' is not a regular file";
  if (info.st_size == 0)
    return ArrayRef<char>();
  std::error_code error;
  llvm::sys::fs::mapped_file_region region(fd, llvm::sys::fs::mapped_file_region::readonly, size_t(info.st_size), 0,
                                           error);
  if (error)
    return emitError(loc, Code::ExternalDataPath) << "cannot map '" << location << "': " << error.message();
  auto &mapping = mappings[location] = std::move(region);
  return ArrayRef<char>(mapping.const_data(), mapping.size());
}

FailureOr<ArrayRef<char>> ModelFile::getExternalData(const onnx::TensorProto &tensor, int64_t size, Location loc) {
  auto entry = readEntry(tensor, loc);
  if (failed(entry))
    return failure();
  if (entry->length && *entry->length != uint64_t(size))
    return emitError(loc, Code::ExternalDataRange)
           << "external data has length " << *entry->length << ", the tensor needs " << size << " bytes";
  auto bytes = mapExternalFile(entry->location, loc);
  if (failed(bytes))
    return failure();
  if (entry->offset > bytes->size() || uint64_t(size) > bytes->size() - entry->offset)
    return emitError(loc, Code::ExternalDataRange)
           << "'" << entry->location << "' has " << bytes->size() << " bytes, the tensor needs " << size
           << " from offset " << entry->offset;
  return bytes->slice(entry->offset, size_t(size));
}

} // namespace tenon::importer
