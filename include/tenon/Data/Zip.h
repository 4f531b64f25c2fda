//===- Zip.h - Members of .zip archives -----------------------------------===//
//
// PKWARE's APPNOTE 6.3: stored and deflated members, zip64. Archives are untrusted: every offset and size is compared
// with the bytes present, and members are read in pieces, never unpacked as a whole. Errors: TN9051 and TN9052.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_DATA_ZIP_H
#define TENON_DATA_ZIP_H

#include "tenon/Data/ByteSource.h"

#include <cstdio>
#include <vector>

namespace tenon::data {

/// A row of an archive's directory.
struct ZipMember {
  std::string name;
  bool isDeflated = false;
  uint32_t crc = 0;
  uint64_t packedSize = 0, size = 0;
  uint64_t header = 0; ///< where its local header is
};

/// The directory of an archive, in the order of the file. TN9051 where it is damaged, TN9052 where it is encrypted,
/// split, or packed in another way.
Expected<std::vector<ZipMember>> readZipDirectory(FileSource &file);

/// The bytes of a member. A deflated one is unpacked again from its start where a read goes back; its checksum is
/// compared where it was read to the end.
Expected<std::unique_ptr<ByteSource>> openZipMember(std::shared_ptr<FileSource> file, const ZipMember &member);

/// Writes an archive of stored members, one after the other, under a temporary name until it is complete. TN9007 where
/// that fails.
class ZipWriter {
public:
  static Expected<std::unique_ptr<ZipWriter>> create(const std::string &path);
  ~ZipWriter();
  /// Begins a member of exactly `size` bytes, which calls of write() provide.
  Status begin(const std::string &name, uint64_t size);
  Status write(const void *bytes, uint64_t count);
  /// Writes the directory: the archive is complete, but for its name. Once.
  Status close();
  /// Closes what is not closed, and gives the file its name.
  Status finish();

private:
  ZipWriter() = default;
  Status put(const void *bytes, uint64_t count);
  Status endMember();
  Status failure() const;

  std::string path, temporary;
  std::FILE *file = nullptr;
  std::vector<ZipMember> members;
  uint64_t position = 0, left = 0;
};

} // namespace tenon::data

#endif // TENON_DATA_ZIP_H
