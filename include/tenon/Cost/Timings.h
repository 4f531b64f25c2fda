//===- Timings.h - Measured times of tactics ------------------------------===//
//
// A text file, one JSON object a line, each the times of one tactic for one kernel on one device at one size:
//
//   {"device":"xeon-avx512","key":"9f..","median_us":12.5,"problem":"..","runs":20,"size":98304,"spread":0.02,
//    "tactic":"rows=168"}
//
// The key is a hash of the kernel's own text, so an entry never applies to a kernel that has changed. Lines are
// independent and sorted: files are joined by joining their lines. Timings choose among tactics that compute the same;
// they never change what is computed.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_COST_TIMINGS_H
#define TENON_COST_TIMINGS_H

#include "tenon/Plan/Status.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::cost {

struct Timing {
  std::string device;  ///< name of a description
  std::string key;     ///< hash of the kernel's text, with the default tactic
  std::string tactic;  ///< "rows=168"
  std::string problem; ///< for people: "matmul, 128 x 768 results"
  int64_t size = 0;    ///< elements of the result: what "nearest" goes by
  double median = 0;   ///< seconds of a launch
  double spread = 0;   ///< (90 % quantile - 10 % quantile) / median
  int64_t runs = 0;
};

/// A timing database in memory.
class Timings {
public:
  /// Reads lines; later ones replace earlier ones of the same device, key, tactic and size unless they have fewer runs.
  /// TN9032 with the line that is damaged: nothing of such a file is used.
  static Expected<Timings> parse(std::string_view text);
  /// The same from a file. TN9033 where it cannot be read.
  static Expected<Timings> read(const std::string &path);

  void add(Timing timing);
  /// All lines, sorted.
  std::string text() const;
  const std::vector<Timing> &all() const { return timings; }

  /// The tactic to use for kernel `key` on `device` at `size`: by the entries of that size, else of the nearest. It is
  /// `standard` unless another is faster by more than the spread of both; empty where nothing is known.
  /// Of tactics for which `isOffered` is false nothing is taken to be known.
  std::string choose(std::string_view device, std::string_view key, int64_t size, std::string_view standard,
                     const std::function<bool(std::string_view)> &isOffered = nullptr) const;

  /// The entries that choose() goes by, for people: "rows=168 10.0 us, rows=84 12.0 us".
  std::string explain(std::string_view device, std::string_view key, int64_t size) const;

private:
  std::vector<const Timing *> find(std::string_view device, std::string_view key, int64_t size) const;

  std::vector<Timing> timings; ///< sorted by device, key, size, tactic
};

} // namespace tenon::cost

#endif // TENON_COST_TIMINGS_H
