//===- Container.h - Reading model.tenon ----------------------------------===//
//
// A container is a header page and page-aligned sections; docs/Plan.md gives the layout. Opening one checks every byte
// that is not weights against the digests; checkWeights() does the rest.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_PLAN_CONTAINER_H
#define TENON_PLAN_CONTAINER_H

#include "tenon/Plan/Sha256.h"
#include "tenon/Plan/Status.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::plan {

struct Plan;

/// What a section holds. At most one of each kind.
enum class SectionKind : uint32_t { Plan = 1, Weights = 2, Code = 3, Source = 4, Meta = 5, Kernels = 6 };

/// "PLAN", "WEIGHTS", ...; "unknown" for any other value.
std::string_view sectionName(SectionKind kind);

/// One row of the section table.
struct Section {
  SectionKind kind;
  uint64_t offset; ///< in bytes, from the start of the file; a multiple of pageSize
  uint64_t length; ///< in bytes, without padding
  Digest digest;   ///< TreeDigest of the bytes
};

inline constexpr uint32_t formatVersion = 1;
inline constexpr uint64_t pageSize = 4096;
/// Alignment of weights and code objects inside their sections, in bytes.
inline constexpr uint64_t dataAlignment = 64;
/// Required-feature bits: the plan has ranks; those this build understands.
inline constexpr uint64_t featureRanks = 1, knownFeatures = featureRanks;

/// How a container is opened.
struct OpenOptions {
  bool verifyWeights = true; ///< compare WEIGHTS with its digest (reads all of it)
  unsigned threads = 0;      ///< threads for that; 0 = all cores
};

/// A mapped and verified container. Immutable, so safe to share between threads.
class Container {
public:
  /// Maps `path` and verifies it: header, digests, padding, and the plan by verifyPlan(). TN6xxx on failure.
  static Expected<std::shared_ptr<const Container>> open(const std::string &path, const OpenOptions &options = {});

  /// The same from memory, which is copied.
  static Expected<std::shared_ptr<const Container>> fromMemory(std::span<const uint8_t> bytes,
                                                               const OpenOptions &options = {});
  ~Container();
  Container(const Container &) = delete;
  Container &operator=(const Container &) = delete;

  /// The verified plan; lives as long as the container.
  const Plan &plan() const;
  /// Bytes of a section, empty where the file has none.
  std::span<const uint8_t> section(SectionKind kind) const;
  const std::vector<Section> &sections() const { return table; }
  /// Size of the whole file in bytes.
  uint64_t fileSize() const { return size; }
  /// Digest of the header, which covers all section digests: names the whole file.
  const Digest &digest() const { return headerDigest; }

private:
  Container() = default;
  Status verify(const OpenOptions &options);
  Status readHeader();
  Status checkPadding() const;
  Status checkDigests(const OpenOptions &options) const;

  const uint8_t *base = nullptr;
  uint64_t size = 0;
  std::vector<Section> table;
  Digest headerDigest{};
};

} // namespace tenon::plan

#endif // TENON_PLAN_CONTAINER_H
