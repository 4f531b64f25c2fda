//===- ImageArchive.h - Several images in one code object -----------------===//
//
// A GPU's kernels are compiled some at a time, each time to an image of its own (a cubin, PTX, a shared object). The
// code object of one architecture is then an archive: the magic, the number of images, then offset and size of each,
// then the images, each at a multiple of 64 bytes. Integers are 64-bit, little endian.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_PLAN_IMAGEARCHIVE_H
#define TENON_PLAN_IMAGEARCHIVE_H

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace tenon::plan {

inline constexpr uint64_t imageArchiveMagic = 0x3130676d496e6f54; // "TonImg01"

/// Joins images, in their order.
inline std::vector<char> packImages(std::span<const std::vector<char>> images) {
  std::vector<uint64_t> table{imageArchiveMagic, images.size()};
  size_t end = 8 * (2 + 2 * images.size());
  for (const std::vector<char> &image : images) {
    end = (end + 63) / 64 * 64;
    table.insert(table.end(), {end, image.size()});
    end += image.size();
  }
  std::vector<char> archive(end);
  std::memcpy(archive.data(), table.data(), table.size() * 8);
  for (size_t i = 0; i < images.size(); ++i)
    if (!images[i].empty())
      std::memcpy(archive.data() + table[2 + 2 * i], images[i].data(), images[i].size());
  return archive;
}

/// The images of an archive; false where the bytes are not one.
inline bool unpackImages(std::span<const char> archive, std::vector<std::span<const char>> &images) {
  uint64_t head[2];
  if (archive.size() < sizeof(head))
    return false;
  std::memcpy(head, archive.data(), sizeof(head));
  if (head[0] != imageArchiveMagic || head[1] > (archive.size() - sizeof(head)) / 16)
    return false;
  images.clear();
  for (uint64_t i = 0; i < head[1]; ++i) {
    uint64_t range[2];
    std::memcpy(range, archive.data() + sizeof(head) + 16 * i, sizeof(range));
    if (range[0] > archive.size() || range[1] > archive.size() - range[0])
      return false;
    images.push_back(archive.subspan(range[0], range[1]));
  }
  return true;
}

} // namespace tenon::plan

#endif // TENON_PLAN_IMAGEARCHIVE_H
