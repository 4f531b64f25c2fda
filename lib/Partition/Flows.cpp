//===- Flows.cpp - Transfers that share links -----------------------------===//
#include "Flows.h"

#include <algorithm>
#include <limits>

namespace tenon::partition {

Flows::Flows(const std::vector<TaskLink> &links, size_t tasks)
    : links(links), flows(tasks), onLink(links.size()), isMarkedLink(links.size(), 0), isMarkedFlow(tasks, 0) {}

void Flows::begin(int task, const std::vector<LinkLoad> &loads, double now) {
  Flow &flow = flows[size_t(task)];
  flow.loads = &loads;
  for (const LinkLoad &load : loads)
    flow.most = std::max(flow.most, load.bytes);
  flow.left = flow.most;
  flow.since = now;
  for (const LinkLoad &load : loads) {
    if (load.bytes <= 0)
      continue;
    onLink[size_t(load.link)].push_back({task, load.bytes / flow.most});
    dirty.push_back(load.link);
  }
}

void Flows::end(int task) {
  Flow &flow = flows[size_t(task)];
  for (const LinkLoad &load : *flow.loads) {
    if (load.bytes <= 0)
      continue;
    std::erase_if(onLink[size_t(load.link)], [task](const Share &share) { return share.task == task; });
    dirty.push_back(load.link);
  }
  flow.loads = nullptr;
  flow.pace = 0;
  ++flow.version;
}

/// The links and flows that can notice the change.
void Flows::collect() {
  component.clear();
  affected.clear();
  auto mark = [&](int link) {
    if (!isMarkedLink[size_t(link)]) {
      isMarkedLink[size_t(link)] = 1;
      component.push_back(link);
    }
  };
  for (int link : dirty)
    mark(link);
  dirty.clear();
  for (size_t next = 0; next < component.size(); ++next)
    for (const auto &[task, share] : onLink[size_t(component[next])]) {
      if (isMarkedFlow[size_t(task)])
        continue;
      isMarkedFlow[size_t(task)] = 1;
      affected.push_back(task);
      for (const LinkLoad &load : *flows[size_t(task)].loads)
        if (load.bytes > 0)
          mark(load.link);
    }
  std::sort(component.begin(), component.end());
  std::sort(affected.begin(), affected.end());
  for (int link : component)
    isMarkedLink[size_t(link)] = 0;
  for (int task : affected)
    isMarkedFlow[size_t(task)] = 0;
}

/// Raises all paces alike until a link is full; its flows are then done, and the rest goes on.
void Flows::fill() {
  for (int task : affected)
    flows[size_t(task)].isFixed = false;
  for (size_t fixedCount = 0; fixedCount < affected.size();) {
    double level = std::numeric_limits<double>::infinity();
    int full = -1;
    for (int link : component) {
      double room = links[size_t(link)].bandwidth, weight = 0;
      for (const auto &[task, share] : onLink[size_t(link)]) {
        if (flows[size_t(task)].isFixed)
          room -= share * flows[size_t(task)].pace;
        else
          weight += share;
      }
      room = std::max(room, 1e-9 * links[size_t(link)].bandwidth); // where rounding left nothing
      if (weight > 0 && room / weight < level) {
        level = room / weight;
        full = link;
      }
    }
    assert(full >= 0 && "a flow that is not fixed loads a link");
    for (const auto &[task, share] : onLink[size_t(full)]) {
      Flow &flow = flows[size_t(task)];
      if (flow.isFixed)
        continue;
      flow.isFixed = true;
      flow.pace = level;
      ++fixedCount;
    }
  }
}

const std::vector<Flows::Arrival> &Flows::settle(double now) {
  arrivals.clear();
  collect();
  std::vector<double> before;
  before.reserve(affected.size());
  for (int task : affected) {
    Flow &flow = flows[size_t(task)];
    flow.left = std::max(0.0, flow.left - flow.pace * (now - flow.since));
    flow.since = now;
    before.push_back(flow.pace);
  }
  fill();
  for (size_t i = 0; i < affected.size(); ++i) {
    Flow &flow = flows[size_t(affected[i])];
    if (flow.pace != before[i])
      arrivals.push_back({affected[i], now + flow.left / flow.pace, ++flow.version});
  }
  return arrivals;
}

double Flows::used(int link) const {
  double sum = 0;
  for (const auto &[task, share] : onLink[size_t(link)])
    sum += share * flows[size_t(task)].pace;
  return sum;
}

} // namespace tenon::partition
