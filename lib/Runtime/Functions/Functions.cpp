//===- Functions.cpp - The closed table of functions of the runtime -------===//
#include "Functions.h"

namespace tenon::runtime {

// In the order of tenon::libraryFunctions.
static constexpr TenonCpuKernel functions[] = {tenon_top_k, tenon_determinant, tenon_fourier};
static_assert(std::size(functions) == std::size(libraryFunctions));

TenonCpuKernel findLibraryFunction(std::string_view name) {
  for (size_t i = 0; i < std::size(libraryFunctions); ++i)
    if (libraryFunctions[i] == name)
      return functions[i];
  return nullptr;
}

} // namespace tenon::runtime
