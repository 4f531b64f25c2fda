//===- RankInterpreter.cpp - All ranks of a partitioned module, side by side --===//
#include "RankInterpreter.h"

#include "Graph/IR/CollectiveOps.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::graph;
using namespace tenon::reference;
using llvm::Error;
using llvm::Expected;

namespace {

Error fail(const Twine &message) { return llvm::createStringError(llvm::inconvertibleErrorCode(), message); }

/// One rank: where it stands and what it has.
struct Rank {
  func::FuncOp function;
  Environment env;
  DenseMap<Value, HostTensor> values;
  Operation *next = nullptr; ///< a collective, or the return
};

class Ranks {
public:
  Error start(ModuleOp module, ArrayRef<HostTensor> inputs);
  Error run();
  Expected<std::vector<HostTensor>> results();

private:
  Error advance(Rank &rank);
  Expected<bool> meet(size_t rank);
  Expected<bool> meetGroup(size_t rank, ArrayRef<int64_t> group);
  Error exchange(ArrayRef<int64_t> group);
  Error finish(Rank &rank, HostTensor result);

  std::vector<Rank> ranks;
};

/// Copies a box from `from` at `fromBegin` to `to` at `toBegin`, element by element.
void copyBox(const HostTensor &from, ArrayRef<int64_t> fromBegin, HostTensor &to, ArrayRef<int64_t> toBegin,
             ArrayRef<int64_t> extents) {
  const int64_t count = *countElements(extents), width = elementSize(from.getType());
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = i, source = 0, target = 0, sourceStride = 1, targetStride = 1;
    for (size_t axis = extents.size(); axis-- > 0;) {
      const int64_t index = rest % extents[axis];
      rest /= extents[axis];
      source += (fromBegin[axis] + index) * sourceStride;
      target += (toBegin[axis] + index) * targetStride;
      sourceStride *= from.getDims()[axis];
      targetStride *= to.getDims()[axis];
    }
    std::memcpy(to.mutableBytes() + target * width, from.bytes() + source * width, width);
  }
}

double combine(StringRef kind, double a, double b) {
  return kind == "sum" ? a + b : kind == "prod" ? a * b : kind == "min" ? std::min(a, b) : std::max(a, b);
}

HostTensor combineAll(ArrayRef<HostTensor> parts, StringRef kind) {
  HostTensor total = *HostTensor::allocate(parts.front().getType(), parts.front().getDims());
  for (int64_t i = 0; i < total.getNumElements(); ++i) {
    double sum = parts.front().getDouble(i);
    for (const HostTensor &part : parts.drop_front())
      sum = combine(kind, sum, part.getDouble(i));
    total.setDouble(i, sum);
  }
  return total;
}

/// Part `index` of `x` along `axis`, where parts have `extents`.
HostTensor takePart(const HostTensor &x, int64_t axis, ArrayRef<int64_t> extents, size_t index) {
  SmallVector<int64_t> begin(x.getRank(), 0), zero(x.getRank(), 0), dims(x.getDims());
  for (size_t i = 0; i < index; ++i)
    begin[axis] += extents[i];
  dims[axis] = extents[index];
  HostTensor part = *HostTensor::allocate(x.getType(), dims);
  copyBox(x, begin, part, zero, dims);
  return part;
}

HostTensor join(ArrayRef<HostTensor> parts, int64_t axis) {
  SmallVector<int64_t> dims(parts.front().getDims()), begin(dims.size(), 0), zero(dims.size(), 0);
  dims[axis] = 0;
  for (const HostTensor &part : parts)
    dims[axis] += part.getDims()[axis];
  HostTensor whole = *HostTensor::allocate(parts.front().getType(), dims);
  for (const HostTensor &part : parts) {
    copyBox(part, zero, whole, begin, part.getDims());
    begin[axis] += part.getDims()[axis];
  }
  return whole;
}

Error Ranks::start(ModuleOp module, ArrayRef<HostTensor> inputs) {
  for (auto function : module.getOps<func::FuncOp>()) {
    Rank &rank = ranks.emplace_back();
    auto number = function->getAttrOfType<IntegerAttr>(rankAttr);
    if (!number || number.getInt() != int64_t(ranks.size()) - 1)
      return fail("functions are not numbered in order");
    rank.function = function;
    if (failed(bindSymbols(function, inputs, rank.env.symbols)))
      return fail("inputs do not fit");
    for (auto [argument, input] : llvm::zip_equal(function.getArguments(), inputs))
      rank.values[argument] = input;
    rank.next = &function.getBody().front().front();
    if (Error error = advance(rank))
      return error;
  }
  return Error::success();
}

bool isMeeting(Operation *op) {
  return isa<AllReduceOp, AllGatherOp, ReduceScatterOp, AllToAllOp, SendOp, ReceiveOp>(op);
}

Error Ranks::advance(Rank &rank) {
  for (; !isMeeting(rank.next) && !isa<func::ReturnOp>(rank.next); rank.next = rank.next->getNextNode()) {
    SmallVector<HostTensor> operands, results;
    for (Value operand : rank.next->getOperands())
      operands.push_back(rank.values.at(operand));
    if (failed(evaluate(rank.next, operands, results, rank.env)))
      return fail("cannot evaluate " + rank.next->getName().getStringRef());
    for (auto [value, result] : llvm::zip_equal(rank.next->getResults(), results))
      rank.values[value] = result;
  }
  return Error::success();
}

/// Takes the result of a meeting and goes on.
Error Ranks::finish(Rank &rank, HostTensor result) {
  if (rank.next->getNumResults()) {
    auto dims = evaluateDims(cast<RankedTensorType>(rank.next->getResult(0).getType()), rank.env.symbols);
    if (!dims || ArrayRef<int64_t>(*dims) != result.getDims())
      return fail("a meeting gives other extents than its type: " + rank.next->getName().getStringRef());
    rank.values[rank.next->getResult(0)] = result;
  }
  rank.next = rank.next->getNextNode();
  return advance(rank);
}

ArrayRef<int64_t> groupOf(Operation *op) {
  auto group = op->getAttrOfType<DenseI64ArrayAttr>("group");
  return group ? group.asArrayRef() : ArrayRef<int64_t>();
}

/// True if something happened.
Expected<bool> Ranks::meet(size_t rank) {
  Operation *op = ranks[rank].next;
  if (isa<func::ReturnOp, ReceiveOp>(op))
    return false;
  if (!isa<SendOp>(op))
    return meetGroup(rank, groupOf(op));
  const uint64_t peer = cast<SendOp>(op).getPeer();
  if (peer >= ranks.size())
    return fail("no such peer");
  auto receive = dyn_cast<ReceiveOp>(ranks[peer].next);
  if (!receive || receive.getPeer() != rank)
    return false;
  const HostTensor sent = ranks[rank].values.at(op->getOperand(0));
  if (Error error = finish(ranks[rank], {}))
    return error;
  if (Error error = finish(ranks[peer], sent))
    return error;
  return true;
}

Expected<bool> Ranks::meetGroup(size_t rank, ArrayRef<int64_t> group) {
  if (!llvm::is_contained(group, int64_t(rank)))
    return fail("a group without its own rank");
  for (int64_t member : group)
    if (groupOf(ranks[member].next) != group)
      return false;
  for (int64_t member : group)
    if (ranks[member].next->getName() != ranks[rank].next->getName())
      return fail("members of a group meet in different collectives");
  if (Error error = exchange(group))
    return error;
  return true;
}

Error Ranks::exchange(ArrayRef<int64_t> group) {
  SmallVector<HostTensor> parts, results;
  for (int64_t member : group)
    parts.push_back(ranks[member].values.at(ranks[member].next->getOperand(0)));
  const Rank &first = ranks[group.front()];
  auto extentsOf = [&](ShapeAttr shape) {
    return llvm::map_to_vector(shape.getDims(), [&](Attribute dim) {
      return *cast<DimAttr>(dim).evaluate([&](StringRef name) -> std::optional<int64_t> {
        auto known = first.env.symbols.find(name);
        return known == first.env.symbols.end() ? std::nullopt : std::optional(known->second);
      });
    });
  };
  for (size_t i = 0; i < group.size(); ++i) {
    if (auto op = dyn_cast<AllReduceOp>(first.next)) {
      results.push_back(combineAll(parts, op.getKind()));
    } else if (auto op = dyn_cast<AllGatherOp>(first.next)) {
      const auto extents = extentsOf(op.getExtents());
      for (auto [part, extent] : llvm::zip_equal(parts, extents))
        if (part.getDims()[op.getAxis()] != extent)
          return fail("a part of all_gather has another extent than its type says");
      results.push_back(join(parts, op.getAxis()));
    } else if (auto op = dyn_cast<ReduceScatterOp>(first.next)) {
      results.push_back(takePart(combineAll(parts, op.getKind()), op.getAxis(), extentsOf(op.getExtents()), i));
    } else {
      auto exchange = cast<AllToAllOp>(first.next);
      const auto extents = extentsOf(exchange.getSplitExtents());
      SmallVector<HostTensor> mine;
      for (const HostTensor &part : parts)
        mine.push_back(takePart(part, exchange.getSplitAxis(), extents, i));
      results.push_back(join(mine, exchange.getConcatAxis()));
    }
  }
  for (auto [member, result] : llvm::zip_equal(group, results))
    if (Error error = finish(ranks[member], result))
      return error;
  return Error::success();
}

Error Ranks::run() {
  bool isMoving = true;
  while (isMoving) {
    isMoving = false;
    for (size_t rank = 0; rank < ranks.size(); ++rank) {
      Expected<bool> moved = meet(rank);
      if (!moved)
        return moved.takeError();
      isMoving |= *moved;
    }
  }
  for (size_t rank = 0; rank < ranks.size(); ++rank)
    if (!isa<func::ReturnOp>(ranks[rank].next))
      return fail("rank " + Twine(rank) + " waits for ever at " + ranks[rank].next->getName().getStringRef());
  return Error::success();
}

Expected<std::vector<HostTensor>> Ranks::results() {
  std::vector<HostTensor> results;
  for (Value v : ranks.front().next->getOperands())
    results.push_back(ranks.front().values.at(v));
  return results;
}

} // namespace

Expected<std::vector<HostTensor>> tenon::test::runRanks(ModuleOp module, ArrayRef<HostTensor> inputs) {
  Ranks ranks;
  if (Error error = ranks.start(module, inputs))
    return error;
  if (Error error = ranks.run())
    return error;
  return ranks.results();
}
