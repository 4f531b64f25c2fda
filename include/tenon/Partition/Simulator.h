//===- Simulator.h - Tasks on streams, transfers over shared links --------===//
//
// Says when each task of a graph runs. A task holds the streams that it is on: of a device one for its kernels, one for
// what it sends, so that the two overlap. What flows over a link at the same time shares its bandwidth, fairly: no
// transfer can be made faster without slowing one that is as slow or slower (max-min). Memory follows from which task
// makes a buffer and which ones read it last.
//
// Times are seconds. Deterministic, and a pure function of the graph. O((tasks + shared transfers) log tasks).
//
//===----------------------------------------------------------------------===//
#ifndef TENON_PARTITION_SIMULATOR_H
#define TENON_PARTITION_SIMULATOR_H

#include "tenon/Plan/Status.h"

#include <string>
#include <vector>

namespace tenon::partition {

/// A way in one direction.
struct TaskLink {
  std::string name;
  double bandwidth = 1; ///< bytes per second, above 0
};

/// What runs one task after the other, in the order in which the graph lists them.
struct TaskStream {
  std::string name;
  int device = 0;
};

/// Bytes that a task moves over a link.
struct LinkLoad {
  int link = 0;
  double bytes = 0;
};

/// Work of its own for `seconds` (arithmetic, or the latency of a transfer), then all loads at once: each link of them
/// carries the same part of its bytes at any time.
struct Task {
  std::string name;
  std::vector<int> streams; ///< all of them are held from start to end; none: it waits for `after` alone
  double seconds = 0;
  std::vector<LinkLoad> loads;
  std::vector<int> after; ///< tasks that end before this one starts
};

/// Memory of a device.
struct TaskBuffer {
  std::string name;
  int device = 0;
  double bytes = 0;
  int first = -1;        ///< held from the start of this task; -1: from the beginning
  std::vector<int> last; ///< until the end of all of these; none: for ever
};

struct TaskGraph {
  int devices = 1;
  std::vector<TaskLink> links;
  std::vector<TaskStream> streams;
  std::vector<Task> tasks;
  std::vector<TaskBuffer> buffers;
};

/// When everything happens. Plain figures, to be drawn.
struct Timeline {
  struct Span {
    double start = 0, end = 0;
  };
  /// A figure that holds from `time` until the next entry.
  struct Level {
    double time = 0, value = 0;
  };
  std::vector<Span> tasks;                ///< as in the graph
  std::vector<std::vector<Level>> links;  ///< of each link the bytes per second that flow
  std::vector<std::vector<Level>> memory; ///< of each device the bytes that are held
  std::vector<double> peaks;              ///< of each device the most bytes
  double makespan = 0;                    ///< the last end
};

/// Runs `graph`. TN4015 where an index, a time or a size is out of range, TN4016 where tasks wait for each other in a
/// circle, with the task that waits.
Expected<Timeline> simulate(const TaskGraph &graph);

} // namespace tenon::partition

#endif // TENON_PARTITION_SIMULATOR_H
