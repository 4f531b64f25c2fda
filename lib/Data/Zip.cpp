//===- Zip.cpp - Reading .zip archives ------------------------------------===//
#include "tenon/Data/Zip.h"

#include <algorithm>
#include <cstring>

#include <zlib.h>

namespace tenon::data {
namespace {

Status damaged(const FileSource &file, const std::string &what) {
  return Status::error("TN9051", "'" + file.path() + "': " + what, "", "write the file again with numpy.savez");
}

Status unsupported(const FileSource &file, const std::string &what) {
  return Status::error("TN9052", "'" + file.path() + "': " + what, "",
                       "write the file with numpy.savez or numpy.savez_compressed");
}

/// Little-endian number of N bytes.
template <unsigned N>
uint64_t number(const unsigned char *at) {
  uint64_t value = 0;
  for (unsigned i = 0; i < N; ++i)
    value |= uint64_t(at[i]) << 8 * i;
  return value;
}

/// Where the directory is.
struct DirectoryPlace {
  uint64_t offset, size, entries;
};

constexpr uint64_t endSize = 22, locatorSize = 20, end64Size = 56, rowSize = 46, localSize = 30;
/// A directory of a million members has about 60 bytes for each.
constexpr uint64_t maxDirectory = 64 << 20;
/// zlib's manual: deflate packs at most 1032 bytes into one.
constexpr uint64_t maxRatio = 1032;

Expected<DirectoryPlace> readEnd64(FileSource &file, uint64_t endOffset) {
  unsigned char locator[locatorSize], end[end64Size];
  if (endOffset < locatorSize)
    return damaged(file, "the zip64 locator is missing");
  TENON_RETURN_IF_ERROR(file.read(endOffset - locatorSize, locator, locatorSize));
  const uint64_t offset = number<8>(locator + 8);
  if (number<4>(locator) != 0x07064b50 || offset > file.size() || file.size() - offset < end64Size)
    return damaged(file, "the zip64 locator is damaged");
  TENON_RETURN_IF_ERROR(file.read(offset, end, end64Size));
  if (number<4>(end) != 0x06064b50)
    return damaged(file, "the zip64 end record is damaged");
  return DirectoryPlace{number<8>(end + 48), number<8>(end + 40), number<8>(end + 32)};
}

/// The end record is the last one whose comment reaches to the end of the file.
Expected<DirectoryPlace> findDirectory(FileSource &file) {
  const uint64_t tail = std::min<uint64_t>(file.size(), endSize + 65535);
  std::vector<unsigned char> bytes(tail);
  TENON_RETURN_IF_ERROR(file.read(file.size() - tail, bytes.data(), tail));
  for (uint64_t at = tail < endSize ? 0 : tail - endSize + 1; at-- > 0;) {
    const unsigned char *end = bytes.data() + at;
    if (number<4>(end) != 0x06054b50 || at + endSize + number<2>(end + 20) != tail)
      continue;
    DirectoryPlace place{number<4>(end + 16), number<4>(end + 12), number<2>(end + 10)};
    if (place.offset == UINT32_MAX || place.size == UINT32_MAX || place.entries == UINT16_MAX)
      return readEnd64(file, file.size() - tail + at);
    return place;
  }
  return damaged(file, "it is not a zip archive");
}

/// Fields of 64 bits stand in the extra field, in this order, where the one of 32 bits is full.
bool readWideFields(const unsigned char *extra, uint64_t length, ZipMember &member) {
  uint64_t *const fields[] = {&member.size, &member.packedSize, &member.header};
  while (length >= 4) {
    const uint64_t id = number<2>(extra), bytes = number<2>(extra + 2);
    extra += 4, length -= 4;
    if (bytes > length)
      return false;
    if (id == 1) {
      uint64_t at = 0;
      for (uint64_t *field : fields)
        if (*field == UINT32_MAX) {
          if (at + 8 > bytes)
            return false;
          *field = number<8>(extra + at);
          at += 8;
        }
    }
    extra += bytes, length -= bytes;
  }
  return true;
}

Status checkMember(const FileSource &file, const ZipMember &member, unsigned flags, unsigned method) {
  if (flags & 1)
    return unsupported(file, "member '" + member.name + "' is encrypted");
  if (method != 0 && method != 8)
    return unsupported(file, "member '" + member.name + "' is packed by method " + std::to_string(method));
  if (member.header > file.size() || member.packedSize > file.size())
    return damaged(file, "member '" + member.name + "' lies outside the file");
  if (method == 0 ? member.size != member.packedSize : member.size / maxRatio > member.packedSize + 1)
    return damaged(file, "member '" + member.name + "' cannot hold " + std::to_string(member.size) + " bytes");
  return Status::success();
}

/// A stored member is a part of the file.
class StoredMember final : public ByteSource {
public:
  StoredMember(std::shared_ptr<FileSource> file, uint64_t start, uint64_t length)
      : file(std::move(file)), start(start), length(length) {}
  uint64_t size() const override { return length; }
  Status read(uint64_t offset, void *out, uint64_t count) override {
    if (offset > length || count > length - offset)
      return damaged(*file, "a member is shorter than its array");
    return file->read(start + offset, out, count);
  }

private:
  std::shared_ptr<FileSource> file;
  uint64_t start, length;
};

class DeflatedMember final : public ByteSource {
public:
  DeflatedMember(std::shared_ptr<FileSource> file, uint64_t start, const ZipMember &member)
      : file(std::move(file)), member(member), start(start), input(1 << 16) {}
  ~DeflatedMember() override {
    if (isOpen)
      inflateEnd(&stream);
  }
  uint64_t size() const override { return member.size; }

  Status read(uint64_t offset, void *out, uint64_t count) override {
    if (offset > member.size || count > member.size - offset)
      return damaged(*file, "member '" + member.name + "' is shorter than its array");
    if (!isOpen || offset < position)
      TENON_RETURN_IF_ERROR(restart());
    std::vector<unsigned char> skipped(offset > position ? 1 << 16 : 0);
    while (position < offset)
      TENON_RETURN_IF_ERROR(unpack(skipped.data(), std::min<uint64_t>(skipped.size(), offset - position)));
    auto *at = static_cast<unsigned char *>(out);
    while (count != 0) {
      const uint64_t piece = std::min<uint64_t>(count, 1 << 30);
      TENON_RETURN_IF_ERROR(unpack(at, piece));
      at += piece, count -= piece;
    }
    return Status::success();
  }

private:
  Status restart() {
    if (isOpen)
      inflateEnd(&stream);
    stream = {};
    isOpen = inflateInit2(&stream, -MAX_WBITS) == Z_OK;
    position = taken = 0;
    checksum = 0;
    return isOpen ? Status::success() : Status::outOfMemory();
  }

  /// The next `count` bytes.
  Status unpack(unsigned char *out, uint64_t count) {
    stream.next_out = out;
    stream.avail_out = uInt(count);
    while (stream.avail_out != 0) {
      if (stream.avail_in == 0 && taken < member.packedSize) {
        const uint64_t piece = std::min<uint64_t>(input.size(), member.packedSize - taken);
        TENON_RETURN_IF_ERROR(file->read(start + taken, input.data(), piece));
        taken += piece;
        stream.next_in = input.data();
        stream.avail_in = uInt(piece);
      }
      const int result = inflate(&stream, Z_NO_FLUSH);
      if (result != Z_OK && !(result == Z_STREAM_END && stream.avail_out == 0))
        return damaged(*file, "member '" + member.name + "' cannot be unpacked");
    }
    position += count;
    checksum = uint32_t(crc32(checksum, out, uInt(count)));
    if (position == member.size && checksum != member.crc)
      return damaged(*file, "member '" + member.name + "' does not match its checksum");
    return Status::success();
  }

  std::shared_ptr<FileSource> file;
  const ZipMember member;
  const uint64_t start;
  std::vector<unsigned char> input;
  z_stream stream = {};
  bool isOpen = false;
  uint64_t position = 0, taken = 0; ///< unpacked, and read from the file
  uint32_t checksum = 0;
};

} // namespace

Expected<std::vector<ZipMember>> readZipDirectory(FileSource &file) {
  auto place = findDirectory(file);
  if (!place)
    return place.takeStatus();
  if (place->offset > file.size() || place->size > file.size() - place->offset || place->size > maxDirectory)
    return damaged(file, "the directory lies outside the file");
  std::vector<unsigned char> bytes(place->size);
  TENON_RETURN_IF_ERROR(file.read(place->offset, bytes.data(), bytes.size()));
  std::vector<ZipMember> members;
  const unsigned char *at = bytes.data(), *end = at + bytes.size();
  for (uint64_t i = 0; i < place->entries; ++i) {
    if (uint64_t(end - at) < rowSize || number<4>(at) != 0x02014b50)
      return damaged(file, "the directory is damaged");
    const uint64_t name = number<2>(at + 28), extra = number<2>(at + 30), comment = number<2>(at + 32);
    if (uint64_t(end - at) < rowSize + name + extra + comment)
      return damaged(file, "the directory is damaged");
    ZipMember member;
    member.name.assign(reinterpret_cast<const char *>(at + rowSize), name);
    const unsigned flags = unsigned(number<2>(at + 8)), method = unsigned(number<2>(at + 10));
    member.isDeflated = method == 8;
    member.crc = uint32_t(number<4>(at + 16));
    member.packedSize = number<4>(at + 20);
    member.size = number<4>(at + 24);
    member.header = number<4>(at + 42);
    if (!readWideFields(at + rowSize + name, extra, member))
      return damaged(file, "the directory is damaged");
    TENON_RETURN_IF_ERROR(checkMember(file, member, flags, method));
    members.push_back(std::move(member));
    at += rowSize + name + extra + comment;
  }
  return members;
}

Expected<std::unique_ptr<ByteSource>> openZipMember(std::shared_ptr<FileSource> file, const ZipMember &member) {
  unsigned char local[localSize];
  if (member.header > file->size() || file->size() - member.header < localSize)
    return damaged(*file, "member '" + member.name + "' lies outside the file");
  TENON_RETURN_IF_ERROR(file->read(member.header, local, localSize));
  const uint64_t start = member.header + localSize + number<2>(local + 26) + number<2>(local + 28);
  if (number<4>(local) != 0x04034b50 || start > file->size() || member.packedSize > file->size() - start)
    return damaged(*file, "member '" + member.name + "' lies outside the file");
  if (!member.isDeflated)
    return std::unique_ptr<ByteSource>(new StoredMember(std::move(file), start, member.size));
  return std::unique_ptr<ByteSource>(new DeflatedMember(std::move(file), start, member));
}

} // namespace tenon::data
