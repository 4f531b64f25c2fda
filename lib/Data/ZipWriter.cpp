//===- ZipWriter.cpp - Writing .zip archives ------------------------------===//
//
// Members have the fields of zip64 throughout, and no time: equal contents give equal bytes.
//
//===----------------------------------------------------------------------===//
#include "tenon/Data/Zip.h"

#include <cerrno>
#include <cstring>

#include <unistd.h>
#include <zlib.h>

namespace tenon::data {

namespace {
/// Bytes of a record, little-endian.
struct Record {
  std::string bytes;
  Record &add(uint64_t value, unsigned size) {
    for (unsigned i = 0; i < size; ++i)
      bytes += char(value >> 8 * i);
    return *this;
  }
};
} // namespace

/// 1 January 1980, the earliest day there is.
static constexpr uint64_t noTime = uint64_t(33) << 16;
static constexpr unsigned version = 45; // zip64
/// Where the checksum is in a local header.
static constexpr unsigned crcOffset = 14;

Expected<std::unique_ptr<ZipWriter>> ZipWriter::create(const std::string &path) {
  std::unique_ptr<ZipWriter> writer(new ZipWriter);
  writer->path = path;
  writer->temporary = path + ".part" + std::to_string(getpid());
  writer->file = std::fopen(writer->temporary.c_str(), "wbx");
  if (!writer->file) {
    writer->temporary.clear(); // none of ours
    return writer->failure();
  }
  return writer;
}

ZipWriter::~ZipWriter() {
  if (file)
    std::fclose(file);
  if (!temporary.empty())
    std::remove(temporary.c_str());
}

Status ZipWriter::failure() const {
  return Status::error("TN9007", "cannot write '" + path + "': " + std::strerror(errno), "",
                       "check the path, its permissions and the free space");
}

Status ZipWriter::put(const void *bytes, uint64_t count) {
  if (count != 0 && std::fwrite(bytes, 1, count, file) != count)
    return failure();
  position += count;
  return Status::success();
}

Status ZipWriter::begin(const std::string &name, uint64_t size) {
  TENON_RETURN_IF_ERROR(endMember());
  ZipMember member;
  member.name = name;
  member.size = member.packedSize = left = size;
  member.header = position;
  Record local;
  local.add(0x04034b50, 4).add(version, 2).add(0, 4).add(noTime, 4).add(0, 4);
  local.add(UINT32_MAX, 4).add(UINT32_MAX, 4).add(name.size(), 2).add(20, 2);
  local.bytes += name;
  local.add(1, 2).add(16, 2).add(size, 8).add(size, 8);
  members.push_back(std::move(member));
  return put(local.bytes.data(), local.bytes.size());
}

Status ZipWriter::write(const void *bytes, uint64_t count) {
  if (members.empty() || count > left)
    return Status::error("TN9007", "cannot write '" + path + "': a member has more bytes than it was begun with");
  left -= count;
  ZipMember &member = members.back();
  member.crc = uint32_t(crc32_z(member.crc, static_cast<const unsigned char *>(bytes), count));
  return put(bytes, count);
}

/// The checksum is known now, and goes into the header that was written before.
Status ZipWriter::endMember() {
  if (members.empty())
    return Status::success();
  if (left != 0)
    return Status::error("TN9007", "cannot write '" + path + "': a member has fewer bytes than it was begun with");
  Record crc;
  crc.add(members.back().crc, 4);
  if (std::fseek(file, long(members.back().header + crcOffset), SEEK_SET) != 0 ||
      std::fwrite(crc.bytes.data(), 1, 4, file) != 4 || std::fseek(file, long(position), SEEK_SET) != 0)
    return failure();
  return Status::success();
}

Status ZipWriter::close() {
  TENON_RETURN_IF_ERROR(endMember());
  Record directory;
  for (const ZipMember &member : members) {
    directory.add(0x02014b50, 4).add(version, 2).add(version, 2).add(0, 4).add(noTime, 4).add(member.crc, 4);
    directory.add(UINT32_MAX, 4).add(UINT32_MAX, 4).add(member.name.size(), 2).add(28, 2).add(0, 10);
    directory.add(UINT32_MAX, 4);
    directory.bytes += member.name;
    directory.add(1, 2).add(24, 2).add(member.size, 8).add(member.size, 8).add(member.header, 8);
  }
  const uint64_t start = position, size = directory.bytes.size(), count = members.size();
  directory.add(0x06064b50, 4).add(44, 8).add(version, 2).add(version, 2).add(0, 8);
  directory.add(count, 8).add(count, 8).add(size, 8).add(start, 8);
  directory.add(0x07064b50, 4).add(0, 4).add(start + size, 8).add(1, 4);
  directory.add(0x06054b50, 4).add(0, 4).add(UINT16_MAX, 2).add(UINT16_MAX, 2);
  directory.add(UINT32_MAX, 4).add(UINT32_MAX, 4).add(0, 2);
  TENON_RETURN_IF_ERROR(put(directory.bytes.data(), directory.bytes.size()));
  const bool isClosed = std::fclose(file) == 0;
  file = nullptr;
  return isClosed ? Status::success() : failure();
}

Status ZipWriter::finish() {
  if (file)
    TENON_RETURN_IF_ERROR(close());
  if (std::rename(temporary.c_str(), path.c_str()) != 0)
    return failure();
  temporary.clear();
  return Status::success();
}

} // namespace tenon::data
