//===- Profile.h - Times of the records of a run --------------------------===//
#ifndef TENON_RUNTIME_PROFILE_H
#define TENON_RUNTIME_PROFILE_H

#include <cstdint>
#include <string>
#include <vector>

namespace tenon::runtime {

/// One executed record.
struct ProfileEvent {
  std::string name;               ///< kernel, "copy", or the kind of a collective
  std::vector<std::string> nodes; ///< ONNX nodes it computes
  uint32_t record = 0;            ///< index in the plan
  int64_t start = 0;              ///< ns since the start of the run
  int64_t duration = 0;           ///< ns
  int64_t grid = 0;               ///< work groups; 0 for others than kernels
  int64_t flops = -1;             ///< floating-point operations, -1 unknown
  int64_t traffic = -1;           ///< bytes read and written at least once, -1 unknown
  uint32_t rank = 0;              ///< that did it
};

/// The events of one run, in order.
struct Profile {
  std::vector<ProfileEvent> events;
  int64_t total = 0; ///< ns of the whole run

  /// Chrome trace event JSON (chrome://tracing, Perfetto).
  std::string chromeTrace() const;
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_PROFILE_H
