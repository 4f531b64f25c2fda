//===- Writer.h - Writing model.tenon -------------------------------------===//
//
// Streams weights and code to a temporary file beside the target, which appears under its name only when complete.
// Equal calls give equal bytes.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_PLAN_WRITER_H
#define TENON_PLAN_WRITER_H

#include "tenon/Plan/Container.h"
#include "tenon/Plan/Status.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace tenon::plan {

struct PlanT;

/// Writes one container. Order of calls: addWeight*, then addCode*, in any order setMeta, setSource, setKernels, and
/// last finish. An object that is destroyed before finish() succeeded leaves nothing behind.
class ContainerWriter {
public:
  /// Opens a temporary file in the folder of `path`. TN6020 where that is impossible.
  static Expected<std::unique_ptr<ContainerWriter>> create(const std::string &path);
  ~ContainerWriter();

  /// Appends bytes to WEIGHTS, aligned to 64 bytes. Returns their offset in the section (WeightT::offset).
  Expected<uint64_t> addWeight(std::span<const uint8_t> bytes);

  /// Receives the next bytes of a weight.
  using Sink = std::function<Status(std::span<const uint8_t>)>;
  /// The same for bytes that are not in memory as a whole: `produce` hands exactly `length` bytes to its argument, in
  /// pieces of any size.
  Expected<uint64_t> addWeight(uint64_t length, const std::function<Status(const Sink &)> &produce);

  /// Appends a code object to CODE. Returns its offset in the section (CodeObjectT::offset).
  Expected<uint64_t> addCode(std::span<const uint8_t> bytes);

  /// Provenance as JSON text; optional.
  void setMeta(std::string json) { meta = std::move(json); }
  /// Kernel source text; optional.
  void setSource(std::string text) { source = std::move(text); }
  /// What people want to know of kernels, as JSON text; optional.
  void setKernels(std::string json) { kernels = std::move(json); }

  /// Writes the plan and the header, verifies the file as a reader would, syncs it and renames it to its name.
  Status finish(const PlanT &plan);

private:
  ContainerWriter() = default;
  Status write(const void *data, uint64_t size);
  Status pad(uint64_t alignment);
  Status begin(SectionKind kind);
  Status end();
  Status writeHeader();
  Status publish();
  Expected<uint64_t> align();

  std::string target, temporary, meta, source, kernels;
  int file = -1;
  uint64_t position = 0, sectionStart = 0, features = 0;
  bool inSection = false;
  SectionKind current = SectionKind::Weights;
  TreeDigest running;
  std::vector<Section> table;
};

} // namespace tenon::plan

#endif // TENON_PLAN_WRITER_H
