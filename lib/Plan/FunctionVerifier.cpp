//===- FunctionVerifier.cpp - Static verification of one function ---------===//
#include "FunctionVerifier.h"

#include "tenon/Plan/ArenaPlacement.h"
#include "tenon/Plan/Checked.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace tenon::plan {

namespace {

constexpr uint32_t none = 4294967295u; // an optional shape value that is absent
constexpr uint32_t maxRank = 64;
// Placing buffers per shape takes time quadratic in their number.
constexpr uint32_t maxPlaced = 1 << 15;

/// What a message is about; made into text only when there is one, since a plan may list millions of things.
struct Where {
  const char *kind;
  uint32_t index;
  std::string str() const { return std::string(kind) + " " + std::to_string(index); }
};

class FunctionVerifier {
public:
  FunctionVerifier(const Plan &plan, const Function &function) : plan(plan), function(function) {}

  Status run() {
    TENON_RETURN_IF_ERROR(checkShapes());
    TENON_RETURN_IF_ERROR(checkTensors("input", function.inputs()));
    TENON_RETURN_IF_ERROR(checkTensors("output", function.outputs()));
    TENON_RETURN_IF_ERROR(checkBuffers());
    TENON_RETURN_IF_ERROR(checkOverlap(BufferKind::Arena));
    TENON_RETURN_IF_ERROR(checkOverlap(BufferKind::HostArena));
    for (uint32_t i = 0; i < length(function.records()); ++i)
      TENON_RETURN_IF_ERROR(checkRecord(i, *function.records()->Get(i)));
    return Status::success();
  }

private:
  const Plan &plan;
  const Function &function;

  Status fail(const char *code, const std::string &what, std::string node = {}) const {
    return Status::error(code, "function '" + function.name()->str() + "', " + what, std::move(node));
  }

  /// `index` must be below `count`.
  Status checkIndex(const Where &where, const char *what, uint32_t index, uint32_t count) const {
    if (index < count)
      return Status::success();
    return fail("TN6011", where.str() + ": " + what + " " + std::to_string(index) + " of " + std::to_string(count) +
                              " does not exist");
  }

  Status checkValue(const Where &where, const char *what, uint32_t value) const {
    return checkIndex(where, what, value, length(function.shape()));
  }

  /// The value of a shape value that does not depend on inputs.
  std::optional<int64_t> constant(uint32_t value) const {
    const ShapeInstr &instr = *function.shape()->Get(value);
    return instr.op() == ShapeOp::Constant ? std::optional(instr.imm()) : std::nullopt;
  }

  Status checkShapes() const;
  Status checkInputValue(const Where &where, const ShapeInstr &instr) const;
  Status checkTensors(const char *kind, const flatbuffers::Vector<flatbuffers::Offset<Tensor>> *tensors) const;
  Status checkBuffers() const;
  Status checkBuffer(uint32_t index, const Buffer &buffer) const;
  Status checkArena(const Where &where, const Buffer &buffer) const;
  Status checkOverlap(BufferKind arena) const;
  Status checkRecord(uint32_t index, const Record &record) const;
  Status checkLaunch(uint32_t index, const Where &where, const Launch &launch) const;
  Status checkMap(const Where &where, const Launch &launch, const TensorMap &map) const;
  Status checkHeld(const Where &where, const Record &record) const;
  Status checkCopy(uint32_t index, const Where &where, const Copy &copy) const;
  Status checkTarget(uint32_t record, const Where &where, const BufferRef &ref) const;
  Status checkCollective(uint32_t index, const Where &where, const Collective &collective) const;
  Status checkParts(const Where &where, const Collective &collective, uint32_t axis,
                    const flatbuffers::Vector<uint32_t> *extents) const;
  Status checkRef(uint32_t record, const Where &where, const BufferRef &ref) const;
  /// Whether collectives reach such a buffer: devices with memory of their own do not reach the caller's.
  bool isReached(BufferKind kind) const {
    const bool isOfCaller = kind == BufferKind::Input || kind == BufferKind::Output;
    const bool isCpu = plan.target() && plan.target()->string_view() == "cpu";
    return kind != BufferKind::HostArena && (isCpu || !isOfCaller);
  }
};

bool isArena(const Buffer &buffer) {
  return buffer.kind() == BufferKind::Arena || buffer.kind() == BufferKind::HostArena;
}

/// How many of a, b, c an instruction reads.
unsigned operandCount(ShapeOp op) {
  if (op == ShapeOp::Constant || op == ShapeOp::InputDim || op == ShapeOp::InputValue)
    return 0;
  return op == ShapeOp::Select ? 3 : 2;
}

bool isCounted(ElementType type) {
  return type == ElementType::F32 || (type >= ElementType::I8 && type <= ElementType::U64);
}

Status FunctionVerifier::checkInputValue(const Where &where, const ShapeInstr &instr) const {
  TENON_RETURN_IF_ERROR(checkIndex(where, "input", instr.a(), length(function.inputs())));
  const Tensor &input = *function.inputs()->Get(instr.a());
  if (!isCounted(input.type()) || length(input.dims()) > 1)
    return fail("TN6014", where.str() + ": input " + std::to_string(instr.a()) + " is no list of numbers");
  int64_t count = 1;
  if (length(input.dims()) == 1) {
    TENON_RETURN_IF_ERROR(checkValue(where, "shape value", input.dims()->Get(0)));
    count = constant(input.dims()->Get(0)).value_or(0);
  }
  if (count <= int64_t(instr.b()))
    return fail("TN6014", where.str() + ": input " + std::to_string(instr.a()) + " may have no element " +
                              std::to_string(instr.b()));
  return Status::success();
}

Status FunctionVerifier::checkShapes() const {
  for (uint32_t i = 0; i < length(function.shape()); ++i) {
    const ShapeInstr &instr = *function.shape()->Get(i);
    const Where where{"shape value", i};
    if (instr.op() > ShapeOp::MAX)
      return fail("TN6014", where.str() + ": unknown operation " + std::to_string(unsigned(instr.op())));
    if (instr.op() == ShapeOp::InputDim) {
      TENON_RETURN_IF_ERROR(checkIndex(where, "input", instr.a(), length(function.inputs())));
      const Tensor &input = *function.inputs()->Get(instr.a());
      TENON_RETURN_IF_ERROR(checkIndex(where, "axis", instr.b(), length(input.dims())));
    }
    if (instr.op() == ShapeOp::InputValue)
      TENON_RETURN_IF_ERROR(checkInputValue(where, instr));
    const uint32_t operands[] = {instr.a(), instr.b(), instr.c()};
    for (unsigned k = 0; k < operandCount(instr.op()); ++k)
      if (operands[k] >= i)
        return fail("TN6014", where.str() + ": operand " + std::to_string(operands[k]) + " is not an earlier value");
  }
  return Status::success();
}

Status FunctionVerifier::checkTensors(const char *kind,
                                      const flatbuffers::Vector<flatbuffers::Offset<Tensor>> *tensors) const {
  std::set<std::string> names;
  for (uint32_t i = 0; i < length(tensors); ++i) {
    const Tensor &tensor = *tensors->Get(i);
    const Where where{kind, i};
    if (!tensor.name() || tensor.name()->size() == 0)
      return fail("TN6021", where.str() + " has no name");
    if (!names.insert(tensor.name()->str()).second)
      return fail("TN6021", where.str() + ": the name '" + tensor.name()->str() + "' occurs twice");
    if (tensor.type() > ElementType::MAX)
      return fail("TN6021", where.str() + ": unknown element type " + std::to_string(unsigned(tensor.type())));
    if (length(tensor.dims()) > maxRank)
      return fail("TN6021", where.str() + ": rank " + std::to_string(length(tensor.dims())) + ", at most 64");
    if (length(tensor.dim_names()) != 0 && length(tensor.dim_names()) != length(tensor.dims()))
      return fail("TN6021", where.str() + ": " + std::to_string(length(tensor.dim_names())) + " dim names for rank " +
                                std::to_string(length(tensor.dims())));
    for (uint32_t k = 0; k < length(tensor.dims()); ++k)
      TENON_RETURN_IF_ERROR(checkValue(where, "shape value", tensor.dims()->Get(k)));
  }
  return Status::success();
}

Status FunctionVerifier::checkBuffers() const {
  uint32_t placed = 0;
  for (uint32_t i = 0; i < length(function.buffers()); ++i) {
    const Buffer &buffer = *function.buffers()->Get(i);
    TENON_RETURN_IF_ERROR(checkBuffer(i, buffer));
    placed += isArena(buffer) && buffer.offset() < 0;
  }
  if (placed > maxPlaced)
    return fail("TN6021", std::to_string(placed) + " buffers are placed at run time, at most 32768");
  return Status::success();
}

Status FunctionVerifier::checkBuffer(uint32_t index, const Buffer &buffer) const {
  const Where where{"buffer", index};
  if (buffer.kind() > BufferKind::MAX)
    return fail("TN6021", where.str() + ": unknown kind " + std::to_string(unsigned(buffer.kind())));
  TENON_RETURN_IF_ERROR(checkValue(where, "shape value", buffer.bytes()));
  const std::optional<int64_t> bytes = constant(buffer.bytes());
  if (bytes && *bytes < 0)
    return fail("TN6021", where.str() + ": size " + std::to_string(*bytes) + " is negative");
  if (isArena(buffer))
    return checkArena(where, buffer);
  if (buffer.offset() != -1)
    return fail("TN6015", where.str() + " has an arena offset, but is not in the arena");
  if (buffer.kind() == BufferKind::Input)
    return checkIndex(where, "input", buffer.index(), length(function.inputs()));
  if (buffer.kind() == BufferKind::Output)
    return checkIndex(where, "output", buffer.index(), length(function.outputs()));
  TENON_RETURN_IF_ERROR(checkIndex(where, "weight", buffer.index(), length(plan.weights())));
  const uint64_t available = plan.weights()->Get(buffer.index())->length();
  if (bytes && uint64_t(*bytes) > available)
    return fail("TN6012", where.str() + " has " + std::to_string(*bytes) + " bytes, but weight " +
                              std::to_string(buffer.index()) + " has " + std::to_string(available));
  return Status::success();
}

Status FunctionVerifier::checkArena(const Where &where, const Buffer &buffer) const {
  if (buffer.first_record() > buffer.last_record() || buffer.last_record() >= length(function.records()))
    return fail("TN6015", where.str() + " is live from record " + std::to_string(buffer.first_record()) + " to " +
                              std::to_string(buffer.last_record()) + " of " +
                              std::to_string(length(function.records())));
  if (buffer.offset() == -1)
    return Status::success();
  if (buffer.offset() < 0 || buffer.offset() % arenaAlignment != 0)
    return fail("TN6013",
                where.str() + " has arena offset " + std::to_string(buffer.offset()) + ", expected a multiple of 64");
  const std::optional<int64_t> bytes = constant(buffer.bytes());
  if (!bytes)
    return fail("TN6015", where.str() + " has a fixed arena offset, but no fixed size");
  if (!checkedAdd(buffer.offset(), *bytes))
    return fail("TN6015", where.str() + ": its end in the arena overflows");
  return Status::success();
}

/// No two buffers of an arena with fixed offsets that live at one record share a byte. Sweeps over the records, keeping
/// the live buffers by offset: a new one can only overlap its neighbours.
Status FunctionVerifier::checkOverlap(BufferKind arena) const {
  std::vector<uint32_t> order;
  for (uint32_t i = 0; i < length(function.buffers()); ++i) {
    const Buffer &buffer = *function.buffers()->Get(i);
    if (buffer.kind() == arena && buffer.offset() >= 0 && *constant(buffer.bytes()) > 0)
      order.push_back(i);
  }
  auto get = [&](uint32_t i) -> const Buffer & { return *function.buffers()->Get(i); };
  auto end = [&](uint32_t i) { return get(i).offset() + *constant(get(i).bytes()); };
  auto startsEarlier = [&](uint32_t a, uint32_t b) {
    return std::pair(get(a).first_record(), a) < std::pair(get(b).first_record(), b);
  };
  std::sort(order.begin(), order.end(), startsEarlier);
  std::map<int64_t, uint32_t> live;             // by offset
  std::multimap<uint32_t, int64_t> expirations; // last record -> offset
  for (uint32_t i : order) {
    while (!expirations.empty() && expirations.begin()->first < get(i).first_record()) {
      live.erase(expirations.begin()->second);
      expirations.erase(expirations.begin());
    }
    auto next = live.lower_bound(get(i).offset());
    const bool hitsNext = next != live.end() && next->first < end(i);
    const bool hitsPrevious = next != live.begin() && end(std::prev(next)->second) > get(i).offset();
    if (hitsNext || hitsPrevious)
      return fail("TN6015", "buffers " + std::to_string((hitsNext ? next : std::prev(next))->second) + " and " +
                                std::to_string(i) + " overlap in the arena while both are live");
    live.emplace(get(i).offset(), i);
    expirations.emplace(get(i).last_record(), get(i).offset());
  }
  return Status::success();
}

Status FunctionVerifier::checkRecord(uint32_t index, const Record &record) const {
  const Where where{"record", index};
  if (length(record.codes()) != 0)
    TENON_RETURN_IF_ERROR(verifyCodes(plan, where.str(), record.codes()));
  switch (record.operation_type()) {
  case Operation::Launch:
    TENON_RETURN_IF_ERROR(checkLaunch(index, where, *record.operation_as_Launch()));
    return checkHeld(where, record);
  case Operation::Copy:
    return checkCopy(index, where, *record.operation_as_Copy());
  case Operation::Check:
    return checkValue(where, "shape value", record.operation_as_Check()->condition());
  case Operation::Collective:
    if (length(record.codes()) != 0)
      return fail("TN6021", where.str() + ": ranks meet in it only with some code objects");
    return checkCollective(index, where, *record.operation_as_Collective());
  case Operation::NONE:
    break;
  }
  return fail("TN6021", where.str() + ": unknown operation " + std::to_string(unsigned(record.operation_type())));
}

Status FunctionVerifier::checkRef(uint32_t record, const Where &where, const BufferRef &ref) const {
  TENON_RETURN_IF_ERROR(checkIndex(where, "buffer", ref.buffer(), length(function.buffers())));
  TENON_RETURN_IF_ERROR(checkValue(where, "shape value", ref.offset()));
  const Buffer &buffer = *function.buffers()->Get(ref.buffer());
  if (isArena(buffer) && (record < buffer.first_record() || record > buffer.last_record()))
    return fail("TN6015", where.str() + " uses buffer " + std::to_string(ref.buffer()) +
                              ", which is live from record " + std::to_string(buffer.first_record()) + " to " +
                              std::to_string(buffer.last_record()));
  return Status::success();
}

Status FunctionVerifier::checkLaunch(uint32_t index, const Where &where, const Launch &launch) const {
  TENON_RETURN_IF_ERROR(checkIndex(where, "kernel", launch.kernel(), length(plan.kernels())));
  const Kernel &kernel = *plan.kernels()->Get(launch.kernel());
  auto count = [](uint32_t maps, uint32_t buffers, uint32_t params) {
    return std::to_string(maps) + " tensor maps, " + std::to_string(buffers) + " buffers and " +
           std::to_string(params) + " parameters";
  };
  if (length(launch.buffers()) != kernel.buffers() || length(launch.params()) != kernel.params() ||
      length(launch.maps()) != kernel.maps())
    return fail("TN6016", where.str() + " passes " +
                              count(length(launch.maps()), length(launch.buffers()), length(launch.params())) +
                              " to kernel '" + kernel.name()->str() + "', which takes " +
                              count(kernel.maps(), kernel.buffers(), kernel.params()));
  TENON_RETURN_IF_ERROR(checkValue(where, "shape value", launch.grid()));
  for (uint32_t value : {launch.scratch(), launch.flops(), launch.traffic()})
    if (value != none)
      TENON_RETURN_IF_ERROR(checkValue(where, "shape value", value));
  for (uint32_t i = 0; i < length(launch.params()); ++i)
    TENON_RETURN_IF_ERROR(checkValue(where, "shape value", launch.params()->Get(i)));
  const BufferKind elsewhere = kernel.host() ? BufferKind::Arena : BufferKind::HostArena;
  for (uint32_t i = 0; i < length(launch.buffers()); ++i) {
    const BufferRef &ref = *launch.buffers()->Get(i);
    TENON_RETURN_IF_ERROR(checkRef(index, where, ref));
    if (function.buffers()->Get(ref.buffer())->kind() == elsewhere)
      return fail("TN6016", where.str() + ": kernel '" + kernel.name()->str() + "' does not reach buffer " +
                                std::to_string(ref.buffer()));
  }
  for (uint32_t i = 0; i < length(launch.maps()); ++i)
    TENON_RETURN_IF_ERROR(checkMap(where, launch, *launch.maps()->Get(i)));
  return Status::success();
}

Status FunctionVerifier::checkMap(const Where &where, const Launch &launch, const TensorMap &map) const {
  TENON_RETURN_IF_ERROR(checkIndex(where, "buffer of a tensor map", map.buffer(), length(launch.buffers())));
  const uint32_t rank = length(map.extents());
  if (rank < 1 || rank > 5 || length(map.strides()) != rank - 1 || length(map.box()) != rank)
    return fail("TN6021", where.str() + ": a tensor map has " + std::to_string(rank) + " extents, " +
                              std::to_string(length(map.strides())) + " strides and " +
                              std::to_string(length(map.box())) + " box extents");
  for (uint32_t i = 0; i < rank; ++i) {
    TENON_RETURN_IF_ERROR(checkValue(where, "shape value", map.extents()->Get(i)));
    if (i > 0)
      TENON_RETURN_IF_ERROR(checkValue(where, "shape value", map.strides()->Get(i - 1)));
    if (map.box()->Get(i) < 1 || map.box()->Get(i) > 256)
      return fail("TN6021", where.str() + ": a tensor map has a box of " + std::to_string(map.box()->Get(i)) +
                                " elements, expected 1 to 256");
  }
  const bool isSwizzle = map.swizzle() == 0 || map.swizzle() == 32 || map.swizzle() == 64 || map.swizzle() == 128;
  if (map.type() > ElementType::MAX || !isSwizzle)
    return fail("TN6021", where.str() + ": a tensor map has element type " + std::to_string(unsigned(map.type())) +
                              " and swizzle " + std::to_string(map.swizzle()));
  return Status::success();
}

/// Every code object with which the record runs holds its kernel.
Status FunctionVerifier::checkHeld(const Where &where, const Record &record) const {
  const Kernel &kernel = *plan.kernels()->Get(record.operation_as_Launch()->kernel());
  if (length(kernel.codes()) == 0)
    return Status::success();
  auto holds = [&](uint32_t code) { return std::binary_search(kernel.codes()->begin(), kernel.codes()->end(), code); };
  const uint32_t count = length(record.codes()) ? length(record.codes()) : length(plan.code());
  for (uint32_t i = 0; i < count; ++i)
    if (const uint32_t code = length(record.codes()) ? record.codes()->Get(i) : i; !holds(code))
      return fail("TN6016", where.str() + " runs with code object " + std::to_string(code) + ", which lacks kernel '" +
                                kernel.name()->str() + "'");
  return Status::success();
}

Status FunctionVerifier::checkCopy(uint32_t index, const Where &where, const Copy &copy) const {
  TENON_RETURN_IF_ERROR(checkRef(index, where, *copy.source()));
  TENON_RETURN_IF_ERROR(checkTarget(index, where, *copy.target()));
  for (const BufferRef *ref : {copy.source(), copy.target()}) // there is no such memory
    if (function.buffers()->Get(ref->buffer())->kind() == BufferKind::HostArena && length(plan.host_code()) == 0)
      return fail("TN6021", where.str() + " copies memory of the host, for which there is no code");
  return checkValue(where, "shape value", copy.bytes());
}

/// A reference to what is written.
Status FunctionVerifier::checkTarget(uint32_t record, const Where &where, const BufferRef &ref) const {
  TENON_RETURN_IF_ERROR(checkRef(record, where, ref));
  const BufferKind kind = function.buffers()->Get(ref.buffer())->kind();
  if (kind == BufferKind::Weight || kind == BufferKind::Input)
    return fail("TN6021", where.str() + " writes into a weight or an input");
  return Status::success();
}

/// One extent a member, along an axis of the tensor.
Status FunctionVerifier::checkParts(const Where &where, const Collective &collective, uint32_t axis,
                                    const flatbuffers::Vector<uint32_t> *extents) const {
  TENON_RETURN_IF_ERROR(checkIndex(where, "axis", axis, length(collective.dims())));
  if (length(extents) != length(collective.group()))
    return fail("TN6021", where.str() + " has " + std::to_string(length(extents)) + " parts for " +
                              std::to_string(length(collective.group())) + " ranks");
  for (uint32_t i = 0; i < length(extents); ++i)
    TENON_RETURN_IF_ERROR(checkValue(where, "shape value", extents->Get(i)));
  return Status::success();
}

/// What of a collective concerns this function alone; see RankVerifier for the others.
Status FunctionVerifier::checkCollective(uint32_t index, const Where &where, const Collective &collective) const {
  const CollectiveKind kind = collective.kind();
  if (kind > CollectiveKind::MAX || collective.reduction() > Reduction::MAX || collective.type() > ElementType::MAX)
    return fail("TN6021", where.str() + ": unknown kind, reduction or element type of a collective");
  const bool reduces = kind == CollectiveKind::AllReduce || kind == CollectiveKind::ReduceScatter;
  if (reduces && collective.type() > ElementType::Bool)
    return fail("TN6021", where.str() + " reduces elements of a type that has no sums");
  if ((kind != CollectiveKind::Receive) != bool(collective.source()) ||
      (kind != CollectiveKind::Send) != bool(collective.target()))
    return fail("TN6021", where.str() + " has a source or target that its kind has not, or lacks one");
  if (collective.source())
    TENON_RETURN_IF_ERROR(checkRef(index, where, *collective.source()));
  if (collective.target())
    TENON_RETURN_IF_ERROR(checkTarget(index, where, *collective.target()));
  for (const BufferRef *ref : {collective.source(), collective.target()})
    if (ref && !isReached(function.buffers()->Get(ref->buffer())->kind()))
      return fail("TN6021", where.str() + ": ranks do not reach buffer " + std::to_string(ref->buffer()));
  if (collective.source() && collective.target() && collective.source()->buffer() == collective.target()->buffer())
    return fail("TN6021", where.str() + " has one buffer as source and target");
  if (length(collective.dims()) > maxRank)
    return fail("TN6021", where.str() + ": rank " + std::to_string(length(collective.dims())) + ", at most 64");
  for (uint32_t i = 0; i < length(collective.dims()); ++i)
    TENON_RETURN_IF_ERROR(checkValue(where, "shape value", collective.dims()->Get(i)));
  const bool hasParts =
      kind == CollectiveKind::AllGather || kind == CollectiveKind::ReduceScatter || kind == CollectiveKind::AllToAll;
  if (hasParts)
    TENON_RETURN_IF_ERROR(checkParts(where, collective, collective.axis(), collective.extents()));
  if (kind != CollectiveKind::AllToAll)
    return Status::success();
  if (collective.axis() == collective.concat_axis())
    return fail("TN6021", where.str() + " has one axis twice");
  return checkParts(where, collective, collective.concat_axis(), collective.concat_extents());
}

} // namespace

Status verifyCodes(const Plan &plan, const std::string &what, const flatbuffers::Vector<uint32_t> *codes) {
  for (uint32_t i = 0; i < length(codes); ++i) {
    if (codes->Get(i) >= length(plan.code()))
      return Status::error("TN6011", what + ": code object " + std::to_string(codes->Get(i)) + " of " +
                                         std::to_string(length(plan.code())) + " does not exist");
    if (i > 0 && codes->Get(i) <= codes->Get(i - 1))
      return Status::error("TN6021", what + " lists code objects out of order");
  }
  return Status::success();
}

Status verifyFunction(const Plan &plan, const Function &function) { return FunctionVerifier(plan, function).run(); }

} // namespace tenon::plan
