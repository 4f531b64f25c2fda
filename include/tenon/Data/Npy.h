//===- Npy.h - Tensors in .npy files --------------------------------------===//
//
// numpy's format, versions 1 to 3. Files are untrusted: the header is bounded, and the shape is compared with the bytes
// present before anything is allocated. Errors: TN9004 to TN9007.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_DATA_NPY_H
#define TENON_DATA_NPY_H

#include "tenon/Runtime/Tensor.h"

#include <string>
#include <string_view>

namespace tenon::data {

class ByteSource;

/// What stands before the elements.
struct NpyHeader {
  std::string descr;         ///< numpy's name of the element type: "<f4"
  std::vector<int64_t> dims; ///< not negative; their product with the element size is the caller's to check
  bool columnMajor = false;
  uint64_t offset = 0; ///< of the first element
};

/// Reads the header at the start of `source`; `name` is what errors call it.
Expected<NpyHeader> readNpyHeader(ByteSource &source, const std::string &name);

/// The element type that `descr` names. `expected` says what void elements of one and two bytes are, as which numpy
/// saves types it does not know (bfloat16: "<V2"). TN9006 for types that are not supported.
Expected<ElementType> parseNpyType(const std::string &descr, ElementType expected, const std::string &name);

/// The bytes before the elements of a row-major array.
std::string makeNpyHeader(ElementType type, const std::vector<int64_t> &dims);

/// Reads a file into new memory, in row-major order (a column-major file is transposed). `expected` as above; any other
/// type is the file's own.
Expected<runtime::Tensor> readNpy(const std::string &path, ElementType expected = ElementType::F32);

/// Writes a file, whole or not at all. bfloat16 becomes '<V2', as ml_dtypes has it.
Status writeNpy(const std::string &path, const runtime::Tensor &tensor);

/// A name as a file name: every byte outside [A-Za-z0-9._-] percent-encoded.
std::string encodeFileName(std::string_view name);

} // namespace tenon::data

#endif // TENON_DATA_NPY_H
