//===- ArrayFile.h - The arrays of a .npz or .npy file --------------------===//
#ifndef TENON_DATA_ARRAYFILE_H
#define TENON_DATA_ARRAYFILE_H

#include "tenon/Data/ByteSource.h"
#include "tenon/Data/Npy.h"

#include <vector>

namespace tenon::data {

/// One array of a file.
struct ArrayInfo {
  std::string name; ///< key of a .npz; "" for the one of a .npy
  NpyHeader header;
  /// Its number of rows: the first extent; 0 for a scalar.
  int64_t rows() const { return header.dims.empty() ? 0 : header.dims.front(); }
};

/// An open file. Headers are read and checked at once, elements where they are wanted: rows of a stored array are one
/// read of the file, those of a compressed one are unpacked in ascending order. Not thread-safe.
class ArrayFile {
public:
  /// By the signature: a .npz or a .npy. TN9004, TN9005, TN9051, TN9052.
  static Expected<std::unique_ptr<ArrayFile>> open(const std::string &path);
  /// Only a .npy.
  static Expected<std::unique_ptr<ArrayFile>> openNpy(const std::string &path);

  const std::string &path() const { return name; }
  /// In the order of the file.
  const std::vector<ArrayInfo> &arrays() const { return infos; }
  /// Index of the array of this name, or -1.
  int find(std::string_view array) const;
  /// `expected` is for void elements (see parseNpyType).
  Expected<ElementType> type(size_t array, ElementType expected) const;

  /// The whole array, row-major. TN9006 for types that are not supported.
  Expected<runtime::Tensor> read(size_t array, ElementType expected);
  /// Rows [begin, end), as an array with that many rows. TN9006 for a column-major array of several rows.
  Expected<runtime::Tensor> readRows(size_t array, int64_t begin, int64_t end, ElementType expected);

private:
  Status add(std::string arrayName, std::shared_ptr<ByteSource> source);
  std::string describe(size_t array) const;

  std::string name;
  std::vector<ArrayInfo> infos;
  std::vector<std::shared_ptr<ByteSource>> sources; ///< of each array
};

} // namespace tenon::data

#endif // TENON_DATA_ARRAYFILE_H
