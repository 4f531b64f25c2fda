//===- ByteSource.h - Bytes of a file, or of a member of an archive -------===//
#ifndef TENON_DATA_BYTESOURCE_H
#define TENON_DATA_BYTESOURCE_H

#include "tenon/Plan/Status.h"

#include <cstdint>
#include <memory>
#include <string>

namespace tenon::data {

/// Bytes that are read where they are wanted, never all at once. Not thread-safe.
class ByteSource {
public:
  virtual ~ByteSource() = default;
  virtual uint64_t size() const = 0;
  /// Reads exactly `count` bytes from `offset`; an error where there are fewer. Cheapest in ascending order.
  virtual Status read(uint64_t offset, void *out, uint64_t count) = 0;
};

/// A regular file. TN9004 where it cannot be opened.
class FileSource final : public ByteSource {
public:
  static Expected<std::shared_ptr<FileSource>> open(const std::string &path);
  ~FileSource() override;
  uint64_t size() const override { return length; }
  Status read(uint64_t offset, void *out, uint64_t count) override;
  const std::string &path() const { return name; }

private:
  FileSource(std::string path, int file) : name(std::move(path)), file(file) {}
  std::string name;
  int file;
  uint64_t length = 0;
};

} // namespace tenon::data

#endif // TENON_DATA_BYTESOURCE_H
