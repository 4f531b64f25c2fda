//===- RankVerifier.cpp - Static verification of what ranks do together ---===//
//
// Goes through the collectives of all ranks as a run would, each rank at one of its own: it is passed when all of its
// members are at it. That every member has the same order for each group, that sends meet receives and that nobody
// waits for ever all follow from reaching the ends. Ranks advance one collective after the other in whatever order, so
// the outcome does not depend on it. Linear in the number of collectives times their members.
//
//===----------------------------------------------------------------------===//
#include "RankVerifier.h"

#include "tenon/Plan/Vectors.h"

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

namespace tenon::plan {

namespace {

constexpr uint32_t maxRanks = 4096;

/// A collective of a rank.
struct Meeting {
  uint32_t record;
  const Collective *what;
};

class RankVerifier {
public:
  explicit RankVerifier(const Plan &plan) : plan(plan), count(length(plan.ranks())) {}
  Status run();

private:
  Status checkFunctions() const;
  Status checkSignature(uint32_t rank) const;
  Status collect(uint32_t rank);
  Status checkGroup(uint32_t rank, const Meeting &meeting) const;
  Status meet();
  Expected<bool> advance(uint32_t rank);
  Status compare(uint32_t rank, uint32_t other) const;
  Status compareDims(uint32_t rank, uint32_t other) const;
  Status describeStuck() const;

  const Function &functionOf(uint32_t rank) const { return *plan.functions()->Get(plan.ranks()->Get(rank)); }
  bool hasEnded(uint32_t rank) const { return next[rank] == meetings[rank].size(); }
  const Meeting &at(uint32_t rank) const { return meetings[rank][next[rank]]; }
  std::optional<int64_t> constant(uint32_t rank, uint32_t value) const {
    const ShapeInstr &instr = *functionOf(rank).shape()->Get(value);
    return instr.op() == ShapeOp::Constant ? std::optional(instr.imm()) : std::nullopt;
  }
  std::string describe(uint32_t rank) const {
    if (hasEnded(rank))
      return "rank " + std::to_string(rank) + " has ended";
    return "rank " + std::to_string(rank) + " is at record " + std::to_string(at(rank).record) + " (" +
           EnumNameCollectiveKind(at(rank).what->kind()) + ")";
  }

  const Plan &plan;
  const uint32_t count;
  std::vector<std::vector<Meeting>> meetings; ///< of each rank, in order
  std::vector<size_t> next;                   ///< where each rank is
};

Status misfit(const std::string &what) { return Status::error("TN6023", what); }

bool isPaired(const Collective &c) { return c.kind() == CollectiveKind::Send || c.kind() == CollectiveKind::Receive; }

bool isReducing(const Collective &c) {
  return c.kind() == CollectiveKind::AllReduce || c.kind() == CollectiveKind::ReduceScatter;
}

bool sameGroup(const Collective &a, const Collective &b) {
  return std::equal(a.group()->begin(), a.group()->end(), b.group()->begin(), b.group()->end());
}

Status RankVerifier::run() {
  TENON_RETURN_IF_ERROR(checkFunctions());
  for (uint32_t rank = 0; rank < count; ++rank)
    TENON_RETURN_IF_ERROR(collect(rank));
  next.resize(count);
  return meet();
}

/// Every rank has a function of its own, and no other function meets others.
Status RankVerifier::checkFunctions() const {
  if (count > maxRanks)
    return misfit(std::to_string(count) + " ranks, at most " + std::to_string(maxRanks));
  if (count > 0 && plan.script())
    return misfit("the plan has ranks and a script");
  std::set<uint32_t> functions;
  for (uint32_t rank = 0; rank < count; ++rank) {
    const uint32_t function = plan.ranks()->Get(rank);
    if (function >= length(plan.functions()))
      return Status::error("TN6011", "rank " + std::to_string(rank) + ": function " + std::to_string(function) +
                                         " does not exist");
    if (!functions.insert(function).second)
      return misfit("function " + std::to_string(function) + " is that of two ranks");
  }
  for (uint32_t rank = 0; rank < count; ++rank)
    TENON_RETURN_IF_ERROR(checkSignature(rank));
  for (uint32_t i = 0; i < length(plan.functions()); ++i) {
    const auto *records = plan.functions()->Get(i)->records();
    for (uint32_t k = 0; !functions.count(i) && k < length(records); ++k)
      if (records->Get(k)->operation_as_Collective())
        return misfit("function " + std::to_string(i) + " is of no rank, but record " + std::to_string(k) +
                      " is a collective");
  }
  return Status::success();
}

Status RankVerifier::checkSignature(uint32_t rank) const {
  const Function &first = functionOf(0), &function = functionOf(rank);
  bool same = length(first.inputs()) == length(function.inputs());
  for (uint32_t i = 0; same && i < length(first.inputs()); ++i) {
    const Tensor &a = *first.inputs()->Get(i), &b = *function.inputs()->Get(i);
    same = a.name()->str() == b.name()->str() && a.type() == b.type() && length(a.dims()) == length(b.dims());
  }
  if (!same)
    return misfit("rank " + std::to_string(rank) + " has other inputs than rank 0");
  if (rank > 0 && length(function.outputs()) != 0)
    return misfit("rank " + std::to_string(rank) + " has outputs, which only rank 0 may have");
  return Status::success();
}

Status RankVerifier::collect(uint32_t rank) {
  std::vector<Meeting> &own = meetings.emplace_back();
  const auto *records = functionOf(rank).records();
  for (uint32_t i = 0; i < length(records); ++i)
    if (const Collective *collective = records->Get(i)->operation_as_Collective()) {
      own.push_back({i, collective});
      TENON_RETURN_IF_ERROR(checkGroup(rank, own.back()));
    }
  return Status::success();
}

Status RankVerifier::checkGroup(uint32_t rank, const Meeting &meeting) const {
  const auto *group = meeting.what->group();
  const std::string where = "rank " + std::to_string(rank) + ", record " + std::to_string(meeting.record);
  for (uint32_t i = 0; i < length(group); ++i)
    if (group->Get(i) >= count)
      return misfit(where + ": there is no rank " + std::to_string(group->Get(i)));
  if (isPaired(*meeting.what))
    return length(group) == 1 && group->Get(0) != rank ? Status::success()
                                                       : misfit(where + ": a send or receive is with one other rank");
  std::set<uint32_t> members;
  for (uint32_t i = 0; i < length(group); ++i)
    members.insert(group->Get(i));
  if (members.size() < 2 || members.size() != length(group) || !members.count(rank))
    return misfit(where + ": the group has fewer than two members, one twice, or lacks its own rank");
  return Status::success();
}

/// Lets ranks pass meetings until no one can.
Status RankVerifier::meet() {
  std::vector<uint32_t> work;
  for (uint32_t rank = count; rank-- > 0;)
    work.push_back(rank);
  while (!work.empty()) {
    const uint32_t rank = work.back();
    const std::vector<Meeting> &own = meetings[rank];
    const size_t index = next[rank];
    auto passed = advance(rank);
    if (!passed)
      return passed.takeStatus();
    if (!*passed) { // whoever comes last to what it waits for will see to it
      work.pop_back();
      continue;
    }
    for (uint32_t member : *own[index].what->group())
      if (member != rank)
        work.push_back(member);
  }
  for (uint32_t rank = 0; rank < count; ++rank)
    if (!hasEnded(rank))
      return describeStuck();
  return Status::success();
}

/// Passes what `rank` is at if all its members are at it.
Expected<bool> RankVerifier::advance(uint32_t rank) {
  if (hasEnded(rank))
    return false;
  const Collective &own = *at(rank).what;
  for (uint32_t other : *own.group()) {
    if (other == rank)
      continue;
    if (hasEnded(other))
      return false;
    const Collective &theirs = *at(other).what;
    const bool meets = isPaired(own) ? isPaired(theirs) && theirs.kind() != own.kind() && theirs.group()->Get(0) == rank
                                     : !isPaired(theirs) && sameGroup(own, theirs);
    if (!meets)
      return false;
    TENON_RETURN_IF_ERROR(compare(rank, other));
  }
  for (uint32_t other : *own.group())
    next[other] += other != rank;
  ++next[rank];
  return true;
}

/// What two members have of the meeting that they are at.
Status RankVerifier::compare(uint32_t rank, uint32_t other) const {
  const Collective &a = *at(rank).what, &b = *at(other).what;
  auto fail = [&](const char *what) {
    return misfit(describe(rank) + ", " + describe(other) + ": " + what + " differ");
  };
  if (!isPaired(a) && a.kind() != b.kind())
    return fail("kinds");
  if (a.type() != b.type())
    return fail("element types");
  if (isReducing(a) && a.reduction() != b.reduction())
    return fail("reductions");
  if (length(a.dims()) != length(b.dims()))
    return fail("the ranks of the tensors");
  if (a.axis() != b.axis() || a.concat_axis() != b.concat_axis())
    return fail("axes");
  return compareDims(rank, other);
}

Status RankVerifier::compareDims(uint32_t rank, uint32_t other) const {
  const Collective &a = *at(rank).what, &b = *at(other).what;
  auto differ = [&](const flatbuffers::Vector<uint32_t> *x, const flatbuffers::Vector<uint32_t> *y, uint32_t i) {
    const auto left = constant(rank, x->Get(i)), right = constant(other, y->Get(i));
    return left && right && *left != *right;
  };
  const bool joinsOwn = a.kind() == CollectiveKind::AllGather, partsDiffer = a.kind() == CollectiveKind::AllToAll;
  for (uint32_t i = 0; i < length(a.dims()); ++i) {
    const bool isOwn = (joinsOwn && i == a.axis()) || (partsDiffer && i == a.concat_axis());
    if (!isOwn && differ(a.dims(), b.dims(), i))
      return misfit(describe(rank) + ", " + describe(other) + ": extents differ");
  }
  const bool hasParts = !isPaired(a) && a.kind() != CollectiveKind::AllReduce;
  for (uint32_t i = 0; hasParts && i < length(a.group()); ++i)
    if (differ(a.extents(), b.extents(), i) || (partsDiffer && differ(a.concat_extents(), b.concat_extents(), i)))
      return misfit(describe(rank) + ", " + describe(other) + ": parts differ");
  return Status::success();
}

/// Follows who waits for whom to a rank that has ended, or to one seen before.
Status RankVerifier::describeStuck() const {
  uint32_t rank = 0;
  while (hasEnded(rank))
    ++rank;
  std::string text;
  std::vector<bool> seen(count);
  while (!seen[rank]) {
    seen[rank] = true;
    text += (text.empty() ? "" : "; ") + describe(rank);
    if (hasEnded(rank))
      break;
    const Collective &own = *at(rank).what;
    uint32_t awaited = own.group()->Get(0);
    for (uint32_t other : *own.group())
      if (other != rank &&
          (hasEnded(other) || isPaired(own) || isPaired(*at(other).what) || !sameGroup(own, *at(other).what))) {
        awaited = other;
        break;
      }
    text += " and waits for rank " + std::to_string(awaited);
    rank = awaited;
  }
  return Status::error("TN6024", text);
}

} // namespace

Status verifyRanks(const Plan &plan) { return RankVerifier(plan).run(); }

} // namespace tenon::plan
