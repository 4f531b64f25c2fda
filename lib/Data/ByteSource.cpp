//===- ByteSource.cpp - Bytes of a file -----------------------------------===//
#include "tenon/Data/ByteSource.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tenon::data {

static Status unreadable(const std::string &path, const std::string &why, const char *what = "read") {
  return Status::error("TN9004", std::string("cannot ") + what + " '" + path + "': " + why, "",
                       "check the path and its permissions");
}

Expected<std::shared_ptr<FileSource>> FileSource::open(const std::string &path) {
  // Without O_NONBLOCK, opening a pipe would wait for ever.
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0)
    return unreadable(path, std::strerror(errno), "open");
  std::shared_ptr<FileSource> source(new FileSource(path, file));
  struct stat info;
  if (fstat(file, &info) != 0)
    return unreadable(path, std::strerror(errno));
  if (!S_ISREG(info.st_mode))
    return unreadable(path, "not a regular file");
  source->length = uint64_t(info.st_size);
  return source;
}

FileSource::~FileSource() { close(file); }

Status FileSource::read(uint64_t offset, void *out, uint64_t count) {
  char *at = static_cast<char *>(out);
  if (offset > length || count > length - offset)
    return unreadable(name, "the file is truncated");
  while (count != 0) {
    const ssize_t got = pread(file, at, std::min<uint64_t>(count, 1 << 30), off_t(offset));
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return unreadable(name, got < 0 ? std::strerror(errno) : "the file is truncated");
    at += got, offset += uint64_t(got), count -= uint64_t(got);
  }
  return Status::success();
}

} // namespace tenon::data
