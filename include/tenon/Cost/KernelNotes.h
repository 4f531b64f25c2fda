//===- KernelNotes.h - The KERNELS section of a plan ----------------------===//
//
// What people want to know of kernels and the runtime does not need: JSON text, written by the compiler, read by
// `tenon inspect --kernels`.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_COST_KERNELNOTES_H
#define TENON_COST_KERNELNOTES_H

#include "tenon/Cost/Tactic.h"

#include <map>

namespace tenon::cost {

/// What a kernel needs on one architecture, as its compiler says.
struct ArchNeeds {
  std::string arch;
  int64_t registers = 0;   ///< of a thread
  int64_t spillBytes = 0;  ///< of a thread, stores and loads together
  int64_t stackBytes = 0;  ///< local memory of a thread
  int64_t sharedBytes = 0; ///< static shared memory of a block
};

struct KernelNote {
  std::string name; ///< of the kernel in PLAN
  Tactic tactic;    ///< `predicted` and `error` are not kept: readers predict for the shapes they are asked about
  int64_t size = 0; ///< with tactic.key: elements of the result at the extents of the compilation
  std::vector<ArchNeeds> needs;
  uint64_t sourceOffset = 0, sourceLength = 0; ///< of its text in the SOURCE section; length 0 = not kept
};

struct KernelNotes {
  std::string device;                     ///< the description (text) that tactics were chosen for
  std::map<std::string, int64_t> symbols; ///< the extents they were chosen for
  std::vector<KernelNote> kernels;
};

/// The text of the section; equal notes give equal text.
std::string toJson(const KernelNotes &notes);

/// Reads the section. TN6022 where it is not what toJson writes.
Expected<KernelNotes> parseKernelNotes(std::string_view json);

} // namespace tenon::cost

#endif // TENON_COST_KERNELNOTES_H
