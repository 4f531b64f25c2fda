//===- Flows.h - Transfers that share links -------------------------------===//
//
// A flow is a transfer under way. Its pace is the bytes per second over the link that it loads most; over its other
// links it is in proportion. Paces are fair in the sense of max-min: all grow alike until a link is full, whose flows
// then stay, and so on.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_PARTITION_FLOWS_H
#define TENON_LIB_PARTITION_FLOWS_H

#include "tenon/Partition/Simulator.h"

namespace tenon::partition {

class Flows {
public:
  /// `tasks` flows at most, one a task, over `links`, which outlive this.
  Flows(const std::vector<TaskLink> &links, size_t tasks);

  /// The transfer of `task` begins or ends: a load above 0, no link twice. Paces stay as they are until settle().
  void begin(int task, const std::vector<LinkLoad> &loads, double now);
  void end(int task);

  /// A flow whose pace is new: when it ends if nothing else changes.
  struct Arrival {
    int task;
    double end;
    int version; ///< of the pace; the arrival counts while isCurrent()
  };
  /// Finds the new paces at `now`. Returns the flows whose pace changed.
  const std::vector<Arrival> &settle(double now);
  bool isCurrent(int task, int version) const { return flows[size_t(task)].version == version; }

  /// Links whose load may have changed in the last settle(), and the bytes per second that flow over one.
  const std::vector<int> &touched() const { return component; }
  double used(int link) const;

private:
  struct Flow {
    const std::vector<LinkLoad> *loads = nullptr; ///< null: not under way
    double most = 0;                              ///< bytes of its largest load
    double left = 0;                              ///< of these
    double pace = 0;
    double since = 0; ///< when `left` was true
    int version = 0;
    bool isFixed = false;
  };

  void collect();
  void fill();

  const std::vector<TaskLink> &links;
  std::vector<Flow> flows;
  struct Share {
    int task;
    double share; ///< bytes on this link for each on the link that it loads most
  };
  std::vector<std::vector<Share>> onLink; ///< what is under way
  std::vector<int> dirty;                 ///< links that a flow joined or left since settle()
  std::vector<int> component;             ///< links that share flows with them, directly or not
  std::vector<int> affected;              ///< the flows of those
  std::vector<char> isMarkedLink, isMarkedFlow;
  std::vector<Arrival> arrivals;
};

} // namespace tenon::partition

#endif // TENON_LIB_PARTITION_FLOWS_H
