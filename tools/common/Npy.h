//===- Npy.h - Tensors in .npy files --------------------------------------===//
//
// numpy's format, versions 1 to 3. Files are untrusted: the header is bounded, and the shape is compared with the bytes
// present before anything is allocated. Errors: TN9004 to TN9007.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_TOOLS_COMMON_NPY_H
#define TENON_TOOLS_COMMON_NPY_H

#include "tenon/Runtime/Tensor.h"

#include <string>
#include <string_view>

namespace tenon::tools {

/// Reads a file into new memory, in row-major order (a column-major file is transposed). `expected` says what two-byte
/// void elements are, as which numpy saves bfloat16; any other type is the file's own.
Expected<runtime::Tensor> readNpy(const std::string &path, ElementType expected = ElementType::F32);

/// Writes a file, whole or not at all. bfloat16 becomes '<V2', as ml_dtypes has it.
Status writeNpy(const std::string &path, const runtime::Tensor &tensor);

/// A name as a file name: every byte outside [A-Za-z0-9._-] percent-encoded.
std::string encodeFileName(std::string_view name);

} // namespace tenon::tools

#endif // TENON_TOOLS_COMMON_NPY_H
