//===- Cluster.cpp - Reading cluster descriptions -------------------------===//
#include "tenon/Cost/Cluster.h"

#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include <algorithm>
#include <cmath>

namespace json = llvm::json;

namespace tenon::cost {

/// The text of every file of lib/Cost/Clusters; written by the build.
extern const char *const embeddedClusters[];
extern const size_t embeddedClusterCount;

const std::vector<ConstantName> &constantNames() {
  static const std::vector<ConstantName> names = {
      {"compute_share", &StepConstants::computeShare, 1},
      {"idle_rows", &StepConstants::idleRows},
      {"memory_share", &StepConstants::memoryShare, 1},
      {"softmax_share", &StepConstants::softmaxShare, 1},
      {"launch_layer_s", &StepConstants::launchLayer},
      {"launch_unfused_s", &StepConstants::launchUnfused},
      {"launch_skew", &StepConstants::launchSkew},
      {"overlap", &StepConstants::overlap},
      {"launch_microbatch_s", &StepConstants::launchMicrobatch},
      {"step_s", &StepConstants::step},
      {"collective_share", &StepConstants::collectiveShare, 1},
      {"network_share", &StepConstants::networkShare, 1},
      {"network_latency_s", &StepConstants::networkLatency},
  };
  return names;
}

int64_t Cluster::devices() const {
  int64_t count = 0;
  for (const NodeGroup &group : groups)
    count += group.nodes * group.devicesPerNode;
  return count;
}

namespace {

constexpr size_t maxDescription = 1 << 20; ///< bytes
constexpr int64_t maxDevices = 1 << 20;

/// Reads one description. The first fault is kept; what follows it is ignored.
class Reader {
public:
  Expected<Cluster> read(const json::Value &root);

private:
  void fail(const std::string &where, const std::string &what) {
    if (fault.ok())
      fault = Status::error("TN9040", where + ": " + what);
  }
  /// The members of `object` are among `known`.
  void checkNames(const json::Object &object, std::initializer_list<llvm::StringRef> known, const std::string &where);
  double number(const json::Object &object, llvm::StringRef name, double otherwise, const std::string &where);
  int64_t count(const json::Object &object, const std::string &where);
  void readNodes(const json::Object &node, const std::string &where, const json::Object *network);
  void readDevice(const json::Object &device, NodeGroup group, const std::string &where);
  void readTables(const json::Array &tables);
  void readConstants(const json::Object &constants);

  Cluster cluster;
  Status fault;
};

} // namespace

void Reader::checkNames(const json::Object &object, std::initializer_list<llvm::StringRef> known,
                        const std::string &where) {
  for (const auto &[key, value] : object)
    if (!llvm::is_contained(known, llvm::StringRef(key)))
      fail(where, "unknown name '" + key.str().substr(0, 64) + "'");
}

double Reader::number(const json::Object &object, llvm::StringRef name, double otherwise, const std::string &where) {
  const json::Value *value = object.get(name);
  if (!value)
    return otherwise;
  const std::optional<double> figure = value->getAsNumber();
  if (figure && std::isfinite(*figure) && *figure > 0 && *figure <= 1e12)
    return *figure;
  fail(where, "'" + name.str() + "' is not a number above 0");
  return otherwise;
}

int64_t Reader::count(const json::Object &object, const std::string &where) {
  const json::Value *value = object.get("count");
  if (!value)
    return 1;
  const std::optional<int64_t> figure = value->getAsInteger();
  if (figure && *figure >= 1 && *figure <= maxDevices)
    return *figure;
  fail(where, "'count' is not a whole number from 1 to 1048576");
  return 1;
}

void Reader::readDevice(const json::Object &device, NodeGroup group, const std::string &where) {
  checkNames(device, {"kind", "count", "memory_gb"}, where);
  std::string kind = device.getString("kind").value_or("").str();
  // The machine at hand, as far as nothing more is said of it.
  auto found = findDevice(kind == "cpu" ? "cpu-avx2" : kind);
  if (!found)
    return fail(where, found.status().error().message);
  group.device = std::move(*found);
  group.devicesPerNode = count(device, where);
  group.device.memoryBytes = int64_t(1e9 * number(device, "memory_gb", double(group.device.memoryBytes) / 1e9, where));
  if (group.link.bandwidth == 0)
    group.link.bandwidth = group.device.memoryBandwidth / 2; // through memory that devices share: written and read
  cluster.groups.push_back(std::move(group));
}

void Reader::readNodes(const json::Object &node, const std::string &where, const json::Object *network) {
  NodeGroup group;
  group.nodes = &node == network ? 1 : count(node, where);
  if (const json::Object *link = node.getObject("link")) {
    checkNames(*link, {"gb_per_s", "latency_us"}, where + ", link");
    group.link.bandwidth = 1e9 * number(*link, "gb_per_s", 0, where + ", link");
    group.link.latency = 1e-6 * number(*link, "latency_us", 0, where + ", link");
  }
  group.network = 1e9 * number(node, "network_gb_per_s", 0, where);
  const json::Array *devices = node.getArray("devices");
  if (!devices || devices->empty())
    return fail(where, "'devices' is missing or empty");
  for (const json::Value &value : *devices) {
    if (const json::Object *device = value.getAsObject())
      readDevice(*device, group, where + ", devices");
    else
      fail(where, "an element of 'devices' is not an object");
  }
}

void Reader::readTables(const json::Array &tables) {
  for (const json::Value &value : tables) {
    const json::Object *object = value.getAsObject();
    const json::Array *points = object ? object->getArray("bytes_seconds") : nullptr;
    CollectiveTable table;
    table.ranks = object ? int(object->getInteger("ranks").value_or(0)) : 0;
    if (!points || table.ranks < 2)
      return fail("all_reduce", "a table needs 'ranks' above 1 and 'bytes_seconds'");
    for (const json::Value &point : *points) {
      const json::Array *pair = point.getAsArray();
      if (!pair || pair->size() != 2 || !(*pair)[0].getAsNumber() || !(*pair)[1].getAsNumber())
        return fail("all_reduce", "a point is [bytes, seconds]");
      table.points.emplace_back(*(*pair)[0].getAsNumber(), *(*pair)[1].getAsNumber());
      if (!(table.points.back().first > 0 && table.points.back().second > 0) ||
          (table.points.size() > 1 && table.points.back().first <= table.points[table.points.size() - 2].first))
        return fail("all_reduce", "points grow in bytes, and are above 0");
    }
    if (table.points.size() < 2)
      return fail("all_reduce", "a table has two points or more");
    cluster.allReduces.push_back(std::move(table));
  }
}

void Reader::readConstants(const json::Object &constants) {
  for (const auto &[key, value] : constants) {
    auto known = llvm::find_if(constantNames(), [&](const ConstantName &name) { return name.name == key.str(); });
    if (known == constantNames().end())
      return fail("constants", "unknown name '" + key.str().substr(0, 64) + "'");
    const double figure = number(constants, known->name, cluster.constants.*known->member, "constants");
    if (figure > known->most)
      return fail("constants", "'" + key.str() + "' is above 1");
    cluster.constants.*known->member = figure;
  }
}

Expected<Cluster> Reader::read(const json::Value &value) {
  const json::Object *root = value.getAsObject();
  if (!root)
    return Status::error("TN9040", "a cluster description is one object");
  checkNames(*root,
             {"name", "title", "devices", "link", "nodes", "network", "network_gb_per_s", "all_reduce", "constants"},
             "cluster");
  cluster.name = root->getString("name").value_or("cluster").str();
  cluster.title = root->getString("title").value_or("").str();
  if (const json::Object *network = root->getObject("network")) {
    checkNames(*network, {"latency_us"}, "network");
    cluster.networkLatency = 1e-6 * number(*network, "latency_us", 0, "network");
  }
  if (const json::Array *nodes = root->getArray("nodes")) {
    for (const json::Value &node : *nodes) {
      if (const json::Object *object = node.getAsObject()) {
        checkNames(*object, {"count", "devices", "link", "network_gb_per_s"}, "nodes");
        readNodes(*object, "nodes", nullptr);
      } else {
        fail("nodes", "an element is not an object");
      }
    }
  } else {
    readNodes(*root, "cluster", root);
  }
  if (const json::Array *tables = root->getArray("all_reduce"))
    readTables(*tables);
  if (const json::Object *constants = root->getObject("constants"))
    readConstants(*constants);
  if (fault.ok() && (cluster.groups.empty() || cluster.devices() > maxDevices))
    fail("cluster", "it has no device, or more than 1048576");
  if (!fault.ok())
    return fault;
  return std::move(cluster);
}

Expected<Cluster> parseCluster(std::string_view text) {
  if (text.size() > maxDescription)
    return Status::error("TN9040", "the description is longer than 1 MiB");
  auto value = json::parse(text);
  if (!value)
    return Status::error("TN9040", "not JSON: " + llvm::toString(value.takeError()));
  return Reader().read(*value);
}

const std::vector<Cluster> &builtinClusters() {
  static const std::vector<Cluster> clusters = [] {
    std::vector<Cluster> all;
    for (size_t i = 0; i < embeddedClusterCount; ++i) {
      auto cluster = parseCluster(embeddedClusters[i]);
      assert(cluster && "a test parses every description of lib/Cost/Clusters");
      if (cluster)
        all.push_back(std::move(*cluster));
    }
    std::sort(all.begin(), all.end(), [](const Cluster &a, const Cluster &b) { return a.name < b.name; });
    return all;
  }();
  return clusters;
}

Expected<Cluster> findCluster(const std::string &nameOrPath) {
  std::string known;
  for (const Cluster &cluster : builtinClusters()) {
    if (cluster.name == nameOrPath)
      return cluster;
    known += (known.empty() ? "" : ", ") + cluster.name;
  }
  if (nameOrPath.find_first_of("/.") == std::string::npos)
    return Status::error("TN9041", "there is no cluster '" + nameOrPath + "'", "",
                         "choose among " + known + ", or give the path of a description");
  auto file = llvm::MemoryBuffer::getFile(nameOrPath, /*IsText=*/true);
  if (!file)
    return Status::error("TN9041", "the cluster description '" + nameOrPath + "' cannot be read");
  return parseCluster(std::string_view((*file)->getBufferStart(), (*file)->getBufferSize()));
}

/// The table at `bytes`: linear between its points; beyond them at the speed of the last, and not below a part of the
/// first, since what is left there is latency.
static double interpolate(const CollectiveTable &table, double bytes) {
  constexpr double latencyShare = 0.35; // of the time of the first point; an estimate: nothing below 1 MiB was measured
  const auto &points = table.points;
  if (bytes <= points.front().first)
    return points.front().second * std::max(latencyShare, bytes / points.front().first);
  if (bytes >= points.back().first)
    return points.back().second * bytes / points.back().first;
  auto above = std::upper_bound(points.begin(), points.end(), std::pair(bytes, 0.0));
  const auto &[x1, y1] = *above;
  const auto &[x0, y0] = *(above - 1);
  return y0 + (y1 - y0) * (bytes - x0) / (x1 - x0);
}

double allReduceInNode(const Cluster &cluster, int ranks, double bytes) {
  if (ranks <= 1)
    return 0;
  for (const CollectiveTable &table : cluster.allReduces)
    if (table.ranks == ranks)
      return interpolate(table, bytes);
  const Link &link = cluster.groups.front().link;
  return 2 * (ranks - 1) * (bytes / ranks / link.bandwidth + link.latency);
}

double allReduceBetweenNodes(double nodes, double bytes, double bandwidth, double latency) {
  return nodes <= 1 ? 0 : 2 * (nodes - 1) / nodes * bytes / bandwidth + 2 * nodes * latency;
}

} // namespace tenon::cost
