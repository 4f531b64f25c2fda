//===- Names.h - Unique identifiers ---------------------------------------===//
#ifndef TENON_LIB_CODEGEN_CUDA_PRINTER_NAMES_H
#define TENON_LIB_CODEGEN_CUDA_PRINTER_NAMES_H

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace tenon::codegen::cuda {

/// `text` as an identifier: other bytes become '_', what C++ or CUDA reserve gets a trailing one.
std::string toIdentifier(llvm::StringRef text);

/// Hands out identifiers: "sum", then "sum1", "sum2".
class Names {
public:
  std::string unique(llvm::StringRef wanted);

private:
  llvm::StringMap<unsigned> used;
};

} // namespace tenon::codegen::cuda

#endif // TENON_LIB_CODEGEN_CUDA_PRINTER_NAMES_H
