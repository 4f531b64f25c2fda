//===- FaultSearch.h - Faults to inject, and who finds them ----------------===//
#ifndef TENON_TEST_VGPU_FAULTSEARCH_H
#define TENON_TEST_VGPU_FAULTSEARCH_H

#include "TestDevice.h"

#include <cstdio>

namespace tenon::test {

/// One fault: in `file` (a kernel of test/Device, or a header), the one occurrence of `before` becomes `after`.
struct Mutation {
  const char *name;
  const char *file;
  const char *before;
  const char *after;
};

/// `kernels` with its fault: in the text itself, or where `isHeader`, in a header, which then comes first (its guard
/// keeps out the one that is right). Empty where `before` does not occur exactly once.
inline std::string mutate(const Mutation &mutation, const std::string &kernels, bool isHeader) {
  std::string text = kernels;
  if (isHeader)
    for (const DeviceHeader &header : deviceHeaders())
      if (std::string(header.name) == mutation.file)
        text = header.text;
  size_t at = text.find(mutation.before);
  if (at == std::string::npos || text.find(mutation.before, at + 1) != std::string::npos)
    return {};
  text.replace(at, std::string(mutation.before).size(), mutation.after);
  return isHeader ? text + "\n" + kernels : text;
}

/// Counts faults; the virtual GPU finds one by a message, a wrong result, or a write beyond a buffer.
class FaultSearch {
public:
  /// Tries seeds until run(launcher) finds the fault; with TENON_ALL_SEEDS all of them.
  template <class Run>
  void search(const Mutation &mutation, Launcher launch, uint64_t seeds, Run run) {
    const bool all = getenv("TENON_ALL_SEEDS") != nullptr;
    int finding = 0, first = -1;
    std::string how;
    for (uint64_t seed = 0; seed < seeds && (all || !finding); ++seed) {
      launch.options.seed = seed;
      std::string result = run(launch);
      if (!result.empty() && finding++ == 0)
        first = static_cast<int>(seed), how = result;
    }
    ASSERT_EQ(how.find("the host compiler failed"), std::string::npos) << mutation.name << "\n" << how;
    ++total;
    found += finding > 0;
    if (size_t message = how.find("): "); message != std::string::npos)
      how = how.substr(message + 3);
    std::string when = !finding ? "" : all ? std::to_string(finding) + " of 8 seeds" : "seed " + std::to_string(first);
    printf("%-50s %-30s %-12s  %.110s\n", mutation.name, mutation.file, when.c_str(),
           finding ? how.c_str() : "NOT FOUND");
  }

  int found = 0, total = 0;
};

} // namespace tenon::test

#endif // TENON_TEST_VGPU_FAULTSEARCH_H
