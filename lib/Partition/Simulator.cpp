//===- Simulator.cpp - Tasks on streams, transfers over shared links ------===//
#include "tenon/Partition/Simulator.h"

#include "Flows.h"

#include <algorithm>
#include <cmath>
#include <queue>

namespace tenon::partition {
namespace {

Status fault(const std::string &what) { return Status::error("TN4015", what); }

bool isSize(double value) { return value >= 0 && std::isfinite(value); }

Status checkTask(const TaskGraph &graph, const Task &task) {
  auto isTask = [&](int id) { return id >= 0 && size_t(id) < graph.tasks.size(); };
  if (!isSize(task.seconds))
    return fault("task '" + task.name + "' takes a time that is not one");
  std::vector<int> ids;
  for (const LinkLoad &load : task.loads) {
    if (load.link < 0 || size_t(load.link) >= graph.links.size() || !isSize(load.bytes))
      return fault("task '" + task.name + "' loads a link that is not there, or with a size that is not one");
    ids.push_back(load.link);
  }
  std::sort(ids.begin(), ids.end());
  if (std::adjacent_find(ids.begin(), ids.end()) != ids.end())
    return fault("task '" + task.name + "' loads a link twice");
  ids = task.streams;
  std::sort(ids.begin(), ids.end());
  if (std::adjacent_find(ids.begin(), ids.end()) != ids.end() ||
      (!ids.empty() && (ids.front() < 0 || size_t(ids.back()) >= graph.streams.size())))
    return fault("task '" + task.name + "' is on a stream twice, or on one that is not there");
  for (int id : task.after)
    if (!isTask(id))
      return fault("task '" + task.name + "' waits for a task that is not there");
  return Status::success();
}

Status check(const TaskGraph &graph) {
  auto isDevice = [&](int device) { return device >= 0 && device < graph.devices; };
  auto isTask = [&](int id) { return id >= 0 && size_t(id) < graph.tasks.size(); };
  for (const TaskLink &link : graph.links)
    if (!(link.bandwidth > 0 && std::isfinite(link.bandwidth)))
      return fault("link '" + link.name + "' has no bandwidth");
  for (const TaskStream &stream : graph.streams)
    if (!isDevice(stream.device))
      return fault("stream '" + stream.name + "' is on a device that is not there");
  for (const Task &task : graph.tasks)
    TENON_RETURN_IF_ERROR(checkTask(graph, task));
  for (const TaskBuffer &buffer : graph.buffers)
    if (!isDevice(buffer.device) || !isSize(buffer.bytes) || (buffer.first != -1 && !isTask(buffer.first)) ||
        !std::all_of(buffer.last.begin(), buffer.last.end(), isTask))
      return fault("buffer '" + buffer.name + "' names a device or task that is not there, or a size that is not one");
  return Status::success();
}

class Simulator {
public:
  explicit Simulator(const TaskGraph &graph);
  Expected<Timeline> run();

private:
  struct Event {
    double time;
    int task;
    int version; ///< of the pace of its flow; -1: the end of its own work
    bool operator>(const Event &other) const {
      return time != other.time ? time > other.time : task != other.task ? task > other.task : version > other.version;
    }
  };

  void startIfReady(int task);
  void finish(int task);
  void handle(const Event &event);
  void settleLinks();
  Status checkComplete() const;

  const TaskGraph &graph;
  Flows flows;
  Timeline timeline;
  double now = 0;
  size_t done = 0;
  std::vector<std::vector<int>> inStream, readers;
  std::vector<size_t> heads;    ///< of each stream: tasks that ended on it
  std::vector<int> waitingFor;  ///< of each task
  std::vector<char> hasStarted; ///< of each task
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events;
  bool isUnsettled = false;
};

} // namespace

Simulator::Simulator(const TaskGraph &graph)
    : graph(graph), flows(graph.links, graph.tasks.size()), inStream(graph.streams.size()), readers(graph.tasks.size()),
      heads(graph.streams.size(), 0), waitingFor(graph.tasks.size(), 0), hasStarted(graph.tasks.size(), 0) {
  timeline.tasks.resize(graph.tasks.size());
  timeline.links.resize(graph.links.size());
  for (size_t id = 0; id < graph.tasks.size(); ++id) {
    for (int stream : graph.tasks[id].streams)
      inStream[size_t(stream)].push_back(int(id));
    for (int before : graph.tasks[id].after)
      readers[size_t(before)].push_back(int(id));
    waitingFor[id] = int(graph.tasks[id].after.size());
  }
}

void Simulator::startIfReady(int task) {
  if (hasStarted[size_t(task)] || waitingFor[size_t(task)] > 0)
    return;
  for (int stream : graph.tasks[size_t(task)].streams)
    if (inStream[size_t(stream)][heads[size_t(stream)]] != task)
      return;
  hasStarted[size_t(task)] = 1;
  timeline.tasks[size_t(task)].start = now;
  events.push({now + graph.tasks[size_t(task)].seconds, task, -1});
}

void Simulator::finish(int task) {
  timeline.tasks[size_t(task)].end = now;
  timeline.makespan = std::max(timeline.makespan, now);
  ++done;
  for (int stream : graph.tasks[size_t(task)].streams) {
    size_t &head = heads[size_t(stream)];
    if (++head < inStream[size_t(stream)].size())
      startIfReady(inStream[size_t(stream)][head]);
  }
  for (int reader : readers[size_t(task)]) {
    --waitingFor[size_t(reader)];
    startIfReady(reader);
  }
}

void Simulator::handle(const Event &event) {
  const Task &task = graph.tasks[size_t(event.task)];
  if (event.version >= 0) {
    if (!flows.isCurrent(event.task, event.version))
      return;
    flows.end(event.task);
    isUnsettled = true;
    finish(event.task);
    return;
  }
  const bool moves = std::any_of(task.loads.begin(), task.loads.end(), [](const LinkLoad &l) { return l.bytes > 0; });
  if (!moves)
    return finish(event.task);
  flows.begin(event.task, task.loads, now);
  isUnsettled = true;
}

void Simulator::settleLinks() {
  isUnsettled = false;
  for (const Flows::Arrival &arrival : flows.settle(now))
    events.push({arrival.end, arrival.task, arrival.version});
  for (int link : flows.touched()) {
    auto &levels = timeline.links[size_t(link)];
    const double value = flows.used(link);
    if (!levels.empty() && levels.back().time == now)
      levels.back().value = value;
    else if (levels.empty() || levels.back().value != value)
      levels.push_back({now, value});
  }
}

Status Simulator::checkComplete() const {
  if (done == graph.tasks.size())
    return Status::success();
  for (size_t id = 0; id < graph.tasks.size(); ++id)
    if (!hasStarted[id])
      return Status::error("TN4016", "task '" + graph.tasks[id].name +
                                         "' waits for ever: " + std::to_string(graph.tasks.size() - done) + " of " +
                                         std::to_string(graph.tasks.size()) + " tasks wait for each other");
  return Status::error("TN4016", "a transfer never ends");
}

/// Levels of memory from when tasks start and end. What ends at a time makes room for what starts then.
static void addMemory(const TaskGraph &graph, Timeline &timeline) {
  struct Change {
    double time, bytes;
  };
  std::vector<std::vector<Change>> changes(size_t(graph.devices));
  for (const TaskBuffer &buffer : graph.buffers) {
    auto &list = changes[size_t(buffer.device)];
    list.push_back({buffer.first < 0 ? 0 : timeline.tasks[size_t(buffer.first)].start, buffer.bytes});
    double end = -1;
    for (int task : buffer.last)
      end = std::max(end, timeline.tasks[size_t(task)].end);
    if (!buffer.last.empty())
      list.push_back({std::max(end, list.back().time), -buffer.bytes});
  }
  timeline.memory.resize(size_t(graph.devices));
  timeline.peaks.assign(size_t(graph.devices), 0);
  for (size_t device = 0; device < changes.size(); ++device) {
    std::sort(changes[device].begin(), changes[device].end(),
              [](const Change &a, const Change &b) { return a.time != b.time ? a.time < b.time : a.bytes < b.bytes; });
    double held = 0;
    auto &levels = timeline.memory[device];
    for (const Change &change : changes[device]) {
      held += change.bytes;
      if (levels.empty() || levels.back().time != change.time)
        levels.push_back({change.time, held});
      else
        levels.back().value = held;
    }
    for (const Timeline::Level &level : levels)
      timeline.peaks[device] = std::max(timeline.peaks[device], level.value);
  }
}

Expected<Timeline> Simulator::run() {
  for (size_t task = 0; task < graph.tasks.size(); ++task)
    startIfReady(int(task));
  while (!events.empty()) {
    now = events.top().time;
    while (!events.empty() && events.top().time == now) {
      const Event event = events.top();
      events.pop();
      handle(event);
    }
    if (isUnsettled)
      settleLinks();
  }
  TENON_RETURN_IF_ERROR(checkComplete());
  addMemory(graph, timeline);
  return std::move(timeline);
}

Expected<Timeline> simulate(const TaskGraph &graph) {
  TENON_RETURN_IF_ERROR(check(graph));
  return Simulator(graph).run();
}

} // namespace tenon::partition
