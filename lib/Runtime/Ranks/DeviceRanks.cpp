//===- DeviceRanks.cpp - Collectives among devices ------------------------===//
//
// Exchanges are messages among all ranks; reductions are for communicators of their own groups, which are made when
// they meet for the first time. Parts that are in no one piece are packed on the device.
//
//===----------------------------------------------------------------------===//
#include "DeviceRanks.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace tenon::runtime {

using plan::CollectiveKind;

namespace {

/// What the first of a group tells the others.
struct Invitation {
  bool isMeeting = false;
  DeviceMeeting meeting{};
};

/// The first of `group` learns whether all others can, then all learn where they meet.
Expected<Invitation> agree(Device &device, uint32_t rank, const std::vector<uint32_t> &group, Transport &transport) {
  Invitation own;
  own.isMeeting = device.makeMeeting(own.meeting);
  if (rank != group.front()) {
    const Message answer{group.front(), dense(&own.isMeeting, 1)}, invitation{group.front(), dense(&own, sizeof(own))};
    TENON_RETURN_IF_ERROR(transport.exchange({&answer, 1}, {}));
    TENON_RETURN_IF_ERROR(transport.exchange({}, {&invitation, 1}));
    return own;
  }
  std::vector<char> answers(group.size());
  std::vector<Message> receives, sends;
  for (size_t i = 1; i < group.size(); ++i) {
    receives.push_back({group[i], dense(&answers[i], 1)});
    sends.push_back({group[i], dense(&own, sizeof(own))});
  }
  TENON_RETURN_IF_ERROR(transport.exchange({}, receives));
  own.isMeeting &= std::all_of(answers.begin() + 1, answers.end(), [](char answer) { return answer != 0; });
  TENON_RETURN_IF_ERROR(transport.exchange(sends, {}));
  return own;
}

bool reduces(const CollectiveSizes &c) {
  return c.plan->kind() == CollectiveKind::AllReduce || c.plan->kind() == CollectiveKind::ReduceScatter;
}

} // namespace

Expected<std::unique_ptr<DeviceRanks>> DeviceRanks::create(Device &device, uint32_t rank, uint32_t size,
                                                           Transport &transport) {
  std::vector<uint32_t> all(size);
  std::iota(all.begin(), all.end(), 0u);
  auto invitation = agree(device, rank, all, transport);
  if (!invitation)
    return invitation.takeStatus();
  if (!invitation->isMeeting)
    return std::unique_ptr<DeviceRanks>();
  auto comm = device.createComm(invitation->meeting, rank, size);
  if (!comm)
    return comm.takeStatus();
  std::unique_ptr<DeviceRanks> ranks(new DeviceRanks(device, rank, size));
  ranks->comms[all] = std::move(*comm);
  return ranks;
}

bool DeviceRanks::takes(const CollectiveSizes &c) {
  const bool isShort = c.plan->type() == plan::ElementType::I16 || c.plan->type() == plan::ElementType::U16;
  return !reduces(c) || !isShort;
}

void DeviceRanks::abort() {
  std::lock_guard lock(mutex);
  for (auto &[group, comm] : comms)
    comm->abort();
}

/// That of all ranks, or of the group whose tensors are combined.
Expected<DeviceComm *> DeviceRanks::commOf(const CollectiveSizes &c, Transport &transport) {
  std::vector<uint32_t> group(size);
  std::iota(group.begin(), group.end(), 0u);
  if (reduces(c))
    group.assign(c.plan->group()->begin(), c.plan->group()->end());
  {
    std::lock_guard lock(mutex);
    if (auto known = comms.find(group); known != comms.end())
      return known->second.get();
  }
  auto invitation = agree(device, rank, group, transport);
  if (!invitation)
    return invitation.takeStatus();
  auto comm = device.createComm(invitation->meeting, uint32_t(c.self), uint32_t(group.size()));
  if (!comm)
    return comm.takeStatus();
  std::lock_guard lock(mutex);
  return (comms[group] = std::move(*comm)).get();
}

Status DeviceRanks::reserve(int64_t bytes, Queue &queue) {
  packedUsed = 0;
  if (bytes <= packedBytes)
    return Status::success();
  TENON_RETURN_IF_ERROR(queue.finish()); // what uses it has happened
  packed.reset();
  packed = device.allocate(bytes);
  packedBytes = packed ? bytes : 0;
  return packed ? Status::success()
                : Status::error("TN7011", "the device has no " + std::to_string(bytes) + " bytes to exchange");
}

char *DeviceRanks::takePlace(int64_t bytes) {
  packedUsed += bytes;
  return packed->data() + packedUsed - bytes;
}

/// At least one side is in one piece, or both have rows of one size.
Status DeviceRanks::copy(const Strips &from, const Strips &to, Queue &queue) {
  if (from.total() == 0)
    return Status::success();
  if (from.isDense() && to.isDense())
    return queue.copy(to.data, from.data, from.total());
  const Strips &rows = from.isDense() ? to : from;
  return queue.copyRows(to.data, to.isDense() ? rows.bytes : to.pitch, from.data,
                        from.isDense() ? rows.bytes : from.pitch, rows.bytes, rows.rows);
}

/// A dense copy of `strips`, or themselves.
Expected<char *> DeviceRanks::pack(const Strips &strips, Queue &queue) {
  if (strips.isDense())
    return strips.data;
  char *place = takePlace(strips.total());
  TENON_RETURN_IF_ERROR(copy(strips, dense(place, strips.total()), queue));
  return place;
}

/// The messages of a collective whose parts go from rank to rank, after packing what is sent.
Status DeviceRanks::move(const CollectiveSizes &c, char *source, char *target, Queue &queue, DeviceCollective &messages,
                         std::vector<Unpack> &unpacked) {
  const auto kind = c.plan->kind();
  const bool splits = kind != CollectiveKind::AllGather, joins = kind != CollectiveKind::ReduceScatter;
  const uint32_t joined = kind == CollectiveKind::AllToAll ? c.plan->concat_axis() : c.plan->axis();
  const auto &parts = kind == CollectiveKind::AllToAll ? c.concatExtents : c.extents;
  std::vector<int64_t> dims = c.dims; // of the target
  if (splits)
    dims[c.plan->axis()] = c.extents[c.self];
  if (joins)
    dims[joined] = std::accumulate(parts.begin(), parts.end(), int64_t(0));
  for (uint32_t i = 0; i < c.plan->group()->size(); ++i) {
    const uint32_t peer = reduces(c) ? i : c.plan->group()->Get(i);
    const Strips from = splits ? partOf(c, source, c.dims, c.plan->axis(), c.extents, i) : dense(source, c.sourceBytes);
    auto data = pack(from, queue);
    if (!data)
      return data.takeStatus();
    if (joins) {
      const Strips place = partOf(c, target, dims, joined, parts, i);
      if (i == c.self) {
        TENON_RETURN_IF_ERROR(copy(dense(*data, from.total()), place, queue));
        continue;
      }
      char *arrival = place.isDense() ? place.data : takePlace(place.total());
      messages.receives.push_back({peer, arrival, place.total()});
      if (!place.isDense())
        unpacked.push_back({dense(arrival, place.total()), place});
    }
    messages.sends.push_back({peer, *data, from.total()});
  }
  if (!joins)
    messages.receives.push_back({uint32_t(c.self), target, c.targetBytes});
  return Status::success();
}

Status DeviceRanks::run(const CollectiveSizes &c, char *source, char *target, Queue &queue, Transport &transport) {
  auto comm = commOf(c, transport);
  if (!comm)
    return comm.takeStatus();
  TENON_RETURN_IF_ERROR(reserve(c.sourceBytes + c.targetBytes, queue));
  DeviceCollective messages{reduces(c) ? DeviceCollectiveKind::Reduce : DeviceCollectiveKind::Exchange,
                            c.plan->type(),
                            c.plan->reduction(),
                            {},
                            {}};
  std::vector<Unpack> unpacked;
  switch (c.plan->kind()) {
  case CollectiveKind::AllReduce:
    messages.kind = DeviceCollectiveKind::AllReduce;
    messages.sends.push_back({uint32_t(c.self), source, c.sourceBytes});
    messages.receives.push_back({uint32_t(c.self), target, c.targetBytes});
    break;
  case CollectiveKind::Send:
    messages.sends.push_back({c.plan->group()->Get(0), source, c.sourceBytes});
    break;
  case CollectiveKind::Receive:
    messages.receives.push_back({c.plan->group()->Get(0), target, c.targetBytes});
    break;
  default:
    TENON_RETURN_IF_ERROR(move(c, source, target, queue, messages, unpacked));
  }
  TENON_RETURN_IF_ERROR(queue.collective(**comm, messages));
  for (const Unpack &each : unpacked)
    TENON_RETURN_IF_ERROR(copy(each.from, each.to, queue));
  return Status::success();
}

} // namespace tenon::runtime
