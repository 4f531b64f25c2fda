//===- Nccl.cpp - What GPUs do together -----------------------------------===//
//
// Parts may be uneven, which NCCL's own gathers and scatters do not take: those are sends and receives, and reductions
// to each member in turn, in one group.
//
//===----------------------------------------------------------------------===//
#include "Nccl.h"

#include "tenon/Plan/ElementType.h"

namespace tenon::cuda {

/// ncclDataType_t; -1 where there is none.
static int typeOf(ElementType type) {
  switch (type) {
  case ElementType::I8:
    return 0;
  case ElementType::U8:
  case ElementType::Bool:
    return 1;
  case ElementType::I32:
    return 2;
  case ElementType::U32:
    return 3;
  case ElementType::I64:
    return 4;
  case ElementType::U64:
    return 5;
  case ElementType::F16:
    return 6;
  case ElementType::F32:
    return 7;
  case ElementType::F64:
    return 8;
  case ElementType::BF16:
    return 9;
  default:
    return -1;
  }
}

/// ncclRedOp_t. Of booleans, sums are or and products and.
static int opOf(uint32_t reduction, ElementType type) {
  constexpr int sum = 0, prod = 1, max = 2, min = 3;
  constexpr int ops[] = {sum, prod, min, max}, ofBooleans[] = {max, min, min, max};
  return type == ElementType::Bool ? ofBooleans[reduction] : ops[reduction];
}

static constexpr int bytesType = 1; // ncclUint8

std::string Nccl::open() {
  if (std::string message = library.open("TENON_NCCL", {"libnccl.so.2"}); !message.empty())
    return message;
  auto find = [&](auto &function, const char *name) { library.find(function, name); };
  find(getUniqueId, "ncclGetUniqueId");
  find(initRank, "ncclCommInitRank");
  find(destroy, "ncclCommDestroy");
  find(abort, "ncclCommAbort");
  find(errorString, "ncclGetErrorString");
  find(groupStart, "ncclGroupStart");
  find(groupEnd, "ncclGroupEnd");
  find(allReduce, "ncclAllReduce");
  find(reduce, "ncclReduce");
  find(send, "ncclSend");
  find(receive, "ncclRecv");
  return library.missing();
}

std::string Nccl::describe(int result) const { return result ? std::string("NCCL: ") + errorString(result) : ""; }

/// Every member reduces what all have for it; at most one rank of NCCL's own needs to be the root at a time.
std::string Nccl::reduceParts(Comm comm, uint32_t member, const TenonDeviceCollective &c, int type, int op,
                              size_t elementBytes, Stream stream) const {
  int result = groupStart();
  for (size_t i = 0; i < c.num_sends && result == 0; ++i) {
    const TenonDeviceMessage &part = c.sends[i];
    void *target = part.peer == member ? c.receives[0].data : nullptr;
    if (part.bytes > 0)
      result = reduce(part.data, target, part.bytes / elementBytes, type, op, int(part.peer), comm, stream);
  }
  const int ended = groupEnd(); // even after an error
  return describe(result ? result : ended);
}

std::string Nccl::exchange(Comm comm, const TenonDeviceCollective &c, Stream stream) const {
  int result = groupStart();
  for (size_t i = 0; i < c.num_sends && result == 0; ++i)
    if (c.sends[i].bytes > 0)
      result = send(c.sends[i].data, c.sends[i].bytes, bytesType, int(c.sends[i].peer), comm, stream);
  for (size_t i = 0; i < c.num_receives && result == 0; ++i)
    if (c.receives[i].bytes > 0)
      result = receive(c.receives[i].data, c.receives[i].bytes, bytesType, int(c.receives[i].peer), comm, stream);
  const int ended = groupEnd();
  return describe(result ? result : ended);
}

std::string Nccl::run(Comm comm, uint32_t member, const TenonDeviceCollective &c, Stream stream) const {
  if (c.kind == TENON_COMM_EXCHANGE)
    return exchange(comm, c, stream);
  const ElementType element = ElementType(c.element_type);
  const int type = typeOf(element);
  if (type < 0 || c.reduction > 3)
    return "NCCL has no such reduction";
  const size_t bytes = size_t(elementSize(element));
  const int op = opOf(c.reduction, element);
  if (c.kind == TENON_COMM_REDUCE)
    return reduceParts(comm, member, c, type, op, bytes, stream);
  return describe(allReduce(c.sends[0].data, c.receives[0].data, c.sends[0].bytes / bytes, type, op, comm, stream));
}

} // namespace tenon::cuda
