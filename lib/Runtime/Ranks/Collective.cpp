//===- Collective.cpp - Collectives as exchanges of messages --------------===//
//
// Every member sends each other member its part directly, so that bytes travel once. An all-reduce is two exchanges:
// each member combines one part of the elements, in the order of the group, and gives it to the others.
//
//===----------------------------------------------------------------------===//
#include "Collective.h"

#include "DeviceRanks.h"
#include "Reduce.h"
#include "tenon/Plan/Checked.h"
#include "tenon/Plan/ElementType.h"

#include <algorithm>
#include <numeric>
#include <string>

namespace tenon::runtime {

using plan::CollectiveKind;

namespace {

// Below this an exchange of everything costs less than a second exchange (Linux, two cores, threads: 10 us each).
constexpr int64_t smallBytes = 16 << 10;

int64_t elementBytes(const CollectiveSizes &c) { return elementSize(ElementType(c.plan->type())); }

/// Bytes of a tensor; nothing where an extent is negative or they do not fit.
std::optional<int64_t> countBytes(const plan::Collective &plan, std::span<const int64_t> dims) {
  std::optional<int64_t> bytes = elementSize(ElementType(plan.type()));
  for (int64_t dim : dims) {
    bytes = dim < 0 ? std::nullopt : checkedMul(*bytes, dim);
    if (!bytes)
      return bytes;
  }
  return bytes;
}

/// Where part `index` of `count` elements starts if `parts` share them, the first the larger.
int64_t partStart(int64_t count, size_t parts, size_t index) {
  const int64_t whole = count / int64_t(parts), more = count % int64_t(parts);
  return whole * int64_t(index) + std::min(more, int64_t(index));
}

/// The sum of extents; nothing where one is negative or it does not fit.
std::optional<int64_t> sumUp(const std::vector<int64_t> &extents) {
  std::optional<int64_t> sum = 0;
  for (int64_t extent : extents) {
    sum = extent < 0 ? std::nullopt : checkedAdd(*sum, extent);
    if (!sum)
      return sum;
  }
  return sum;
}

Status badParts(const plan::Collective &plan) {
  return Status::error("TN7012", std::string("the parts of a collective (") + EnumNameCollectiveKind(plan.kind()) +
                                     ") do not fit the tensor's extents");
}

/// Finds the own rank, and checks the parts against the extents. `target`: extents of what is received.
Status checkParts(CollectiveSizes &c, uint32_t rank, std::vector<int64_t> &target) {
  const plan::Collective &plan = *c.plan;
  target = c.dims;
  if (plan.kind() == CollectiveKind::Send || plan.kind() == CollectiveKind::Receive)
    return Status::success();
  c.self = size_t(std::find(plan.group()->begin(), plan.group()->end(), rank) - plan.group()->begin());
  /// Parts that are joined in the target, of which the source is one.
  auto join = [&](const std::vector<int64_t> &extents, uint32_t axis) {
    const auto whole = sumUp(extents);
    if (!whole || extents[c.self] != c.dims[axis])
      return badParts(plan);
    target[axis] = *whole;
    return Status::success();
  };
  if (plan.kind() == CollectiveKind::AllGather)
    return join(c.extents, plan.axis());
  if (plan.kind() == CollectiveKind::AllReduce)
    return Status::success();
  if (sumUp(c.extents) != c.dims[plan.axis()])
    return badParts(plan);
  target[plan.axis()] = c.extents[c.self];
  if (plan.kind() == CollectiveKind::AllToAll)
    return join(c.concatExtents, plan.concat_axis());
  return Status::success();
}

} // namespace

Strips partOf(const CollectiveSizes &c, const char *data, std::span<const int64_t> dims, uint32_t axis,
              std::span<const int64_t> extents, size_t member) {
  const auto product = [](auto begin, auto end) {
    return std::accumulate(begin, end, int64_t(1), std::multiplies<int64_t>());
  };
  if (std::find(dims.begin(), dims.end(), 0) != dims.end())
    return {}; // other extents may be so large that their products overflow
  const int64_t rows = product(dims.begin(), dims.begin() + axis);
  const int64_t unit = product(dims.begin() + axis + 1, dims.end()) * elementBytes(c);
  const int64_t before = std::accumulate(extents.begin(), extents.begin() + long(member), int64_t(0));
  const int64_t bytes = extents[member] * unit;
  return {const_cast<char *>(data) + before * unit, bytes ? rows : 0, bytes, dims[axis] * unit};
}

Expected<CollectiveSizes> sizeCollective(const plan::Collective &plan, std::span<const int64_t> values, uint32_t rank) {
  auto evaluate = [&](const flatbuffers::Vector<uint32_t> *list) {
    std::vector<int64_t> out;
    for (uint32_t i = 0; list && i < list->size(); ++i)
      out.push_back(values[list->Get(i)]);
    return out;
  };
  CollectiveSizes c;
  c.plan = &plan;
  c.dims = evaluate(plan.dims());
  c.extents = evaluate(plan.extents());
  c.concatExtents = evaluate(plan.concat_extents());
  std::vector<int64_t> target;
  TENON_RETURN_IF_ERROR(checkParts(c, rank, target));
  const auto from = countBytes(plan, c.dims), to = countBytes(plan, target);
  if (!from || !to)
    return badParts(plan);
  c.sourceBytes = plan.source() ? *from : 0;
  c.targetBytes = plan.target() ? *to : 0;
  return c;
}

bool Communicator::isOnDevice(const CollectiveSizes &collective) const {
  return devices && DeviceRanks::takes(collective);
}

Status Communicator::enqueue(const CollectiveSizes &collective, char *source, char *target, Queue &queue) {
  return devices->run(collective, source, target, queue, transport);
}

Status Communicator::reserve(int64_t bytes) {
  if (staging.reserve(bytes))
    return Status::success();
  return Status::error("TN7011", "cannot allocate " + std::to_string(bytes) + " bytes to combine what ranks have");
}

Status Communicator::exchange() {
  Status status = transport.exchange(sends, receives);
  sends.clear();
  receives.clear();
  return status;
}

Status Communicator::run(const CollectiveSizes &c, const char *source, char *target) {
  switch (c.plan->kind()) {
  case CollectiveKind::AllReduce:
    return c.sourceBytes <= smallBytes ? allReduceSmall(c, source, target) : allReduce(c, source, target);
  case CollectiveKind::AllGather:
    return allGather(c, source, target);
  case CollectiveKind::ReduceScatter:
    return reduceScatter(c, source, target);
  case CollectiveKind::AllToAll:
    return allToAll(c, source, target);
  case CollectiveKind::Send:
    sends.push_back({c.plan->group()->Get(0), dense(source, c.sourceBytes)});
    return exchange();
  case CollectiveKind::Receive:
    receives.push_back({c.plan->group()->Get(0), dense(target, c.targetBytes)});
    return exchange();
  }
  return Status::success();
}

/// All members get all of it, and combine it alike.
Status Communicator::allReduceSmall(const CollectiveSizes &c, const char *source, char *target) {
  const auto &group = *c.plan->group();
  TENON_RETURN_IF_ERROR(reserve(c.sourceBytes * int64_t(group.size())));
  std::vector<const char *> sources;
  for (uint32_t i = 0; i < group.size(); ++i) {
    sources.push_back(i == c.self ? source : staging.data() + c.sourceBytes * int64_t(i));
    if (i == c.self)
      continue;
    sends.push_back({group.Get(i), dense(source, c.sourceBytes)});
    receives.push_back({group.Get(i), dense(sources.back(), c.sourceBytes)});
  }
  TENON_RETURN_IF_ERROR(exchange());
  reduce(c.plan->type(), c.plan->reduction(), sources, target, c.sourceBytes / elementBytes(c));
  return Status::success();
}

Status Communicator::allReduce(const CollectiveSizes &c, const char *source, char *target) {
  const auto &group = *c.plan->group();
  const int64_t element = elementBytes(c), count = c.sourceBytes / element;
  auto part = [&](const char *data, size_t i) {
    const int64_t begin = partStart(count, group.size(), i), end = partStart(count, group.size(), i + 1);
    return dense(data + begin * element, (end - begin) * element);
  };
  const Strips own = part(source, c.self), result = part(target, c.self);
  TENON_RETURN_IF_ERROR(reserve(own.bytes * int64_t(group.size())));
  std::vector<const char *> sources;
  for (uint32_t i = 0; i < group.size(); ++i) {
    sources.push_back(i == c.self ? own.data : staging.data() + own.bytes * int64_t(i));
    if (i == c.self)
      continue;
    sends.push_back({group.Get(i), part(source, i)});
    receives.push_back({group.Get(i), dense(sources.back(), own.bytes)});
  }
  TENON_RETURN_IF_ERROR(exchange());
  reduce(c.plan->type(), c.plan->reduction(), sources, result.data, own.bytes / element);
  for (uint32_t i = 0; i < group.size(); ++i)
    if (i != c.self) {
      sends.push_back({group.Get(i), result});
      receives.push_back({group.Get(i), part(target, i)});
    }
  return exchange();
}

Status Communicator::reduceScatter(const CollectiveSizes &c, const char *source, char *target) {
  const auto &group = *c.plan->group();
  auto part = [&](size_t i) { return partOf(c, source, c.dims, c.plan->axis(), c.extents, i); };
  TENON_RETURN_IF_ERROR(reserve(c.targetBytes * int64_t(group.size())));
  std::vector<const char *> sources;
  for (uint32_t i = 0; i < group.size(); ++i) {
    const Strips place = dense(staging.data() + c.targetBytes * int64_t(i), c.targetBytes);
    sources.push_back(place.data);
    if (i == c.self) {
      copyStrips(part(i), place);
      continue;
    }
    sends.push_back({group.Get(i), part(i)});
    receives.push_back({group.Get(i), place});
  }
  TENON_RETURN_IF_ERROR(exchange());
  reduce(c.plan->type(), c.plan->reduction(), sources, target, c.targetBytes / elementBytes(c));
  return Status::success();
}

Status Communicator::allGather(const CollectiveSizes &c, const char *source, char *target) {
  const auto &group = *c.plan->group();
  std::vector<int64_t> dims = c.dims;
  dims[c.plan->axis()] = std::accumulate(c.extents.begin(), c.extents.end(), int64_t(0));
  const Strips own = dense(source, c.sourceBytes);
  for (uint32_t i = 0; i < group.size(); ++i) {
    const Strips place = partOf(c, target, dims, c.plan->axis(), c.extents, i);
    if (i == c.self) {
      copyStrips(own, place);
      continue;
    }
    sends.push_back({group.Get(i), own});
    receives.push_back({group.Get(i), place});
  }
  return exchange();
}

Status Communicator::allToAll(const CollectiveSizes &c, const char *source, char *target) {
  const auto &group = *c.plan->group();
  std::vector<int64_t> dims = c.dims;
  dims[c.plan->axis()] = c.extents[c.self];
  dims[c.plan->concat_axis()] = std::accumulate(c.concatExtents.begin(), c.concatExtents.end(), int64_t(0));
  for (uint32_t i = 0; i < group.size(); ++i) {
    const Strips from = partOf(c, source, c.dims, c.plan->axis(), c.extents, i);
    const Strips place = partOf(c, target, dims, c.plan->concat_axis(), c.concatExtents, i);
    if (i == c.self) {
      copyStrips(from, place);
      continue;
    }
    sends.push_back({group.Get(i), from});
    receives.push_back({group.Get(i), place});
  }
  return exchange();
}

} // namespace tenon::runtime
