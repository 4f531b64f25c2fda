//===- ProcessTransport.cpp - Ranks as processes --------------------------===//
#include "ProcessTransport.h"

#include "../Plugin.h"
#include "ThreadTransport.h"

#include <dlfcn.h>

namespace tenon::runtime {

Expected<std::unique_ptr<ProcessTransport>> ProcessTransport::open(const std::string &name) {
  if (!isPluginName(name))
    return Status::error("TN7021", "'" + name + "' is not the name of a transport");
  auto library = openPlugin("libtenon_" + name + ".so");
  if (!library)
    return Status::error("TN8001", "the library of transport '" + name +
                                       "' cannot be opened: " + library.status().error().message);
  auto function = reinterpret_cast<TenonTransportApiFunction>(dlsym(*library, "tenon_transport_api"));
  const TenonTransportApi *api = function ? function(TENON_TRANSPORT_VERSION) : nullptr;
  if (!api || api->version != TENON_TRANSPORT_VERSION)
    return Status::error("TN8002", "the library of transport '" + name + "' does not have version " +
                                       std::to_string(TENON_TRANSPORT_VERSION) + " of the transport interface");
  TenonTransport *transport = nullptr;
  TenonTransportError error{};
  if (api->open(&transport, &error))
    return Status::error("TN7021", std::string("the processes of the ranks do not meet: ") + error.message);
  return std::unique_ptr<ProcessTransport>(new ProcessTransport(*api, transport));
}

static Status toStatus(int code, const TenonTransportError &error) {
  switch (code) {
  case TENON_TRANSPORT_ELSEWHERE:
    return Status::error("TN7019", "rank " + std::to_string(error.rank) + " has failed: " + error.message);
  case TENON_TRANSPORT_SIZE:
    return Status::error("TN7020", error.message);
  default:
    return Status::error("TN7021", std::string("ranks cannot reach each other: ") + error.message);
  }
}

Status ProcessTransport::check() {
  TenonTransportError error{};
  const int code = api.check(transport, &error);
  return code == 0 ? Status::success() : toStatus(code, error);
}

Status ProcessTransport::exchange(std::span<const Message> sends, std::span<const Message> receives) {
  int64_t bytes = 0;
  for (std::span<const Message> messages : {sends, receives})
    for (const Message &message : messages)
      bytes += message.strips.isDense() ? 0 : message.strips.total();
  if (!packed.reserve(bytes))
    return Status::error("TN7011", "cannot allocate " + std::to_string(bytes) + " bytes to exchange");
  char *next = packed.data();
  auto place = [&](const Message &message) {
    const Strips &strips = message.strips;
    if (strips.isDense())
      return TenonTransportMessage{message.peer, strips.data, strips.total()};
    next += strips.total();
    return TenonTransportMessage{message.peer, next - strips.total(), strips.total()};
  };
  outgoing.clear();
  incoming.clear();
  for (const Message &message : sends) {
    outgoing.push_back(place(message));
    if (!message.strips.isDense())
      copyStrips(message.strips, dense(outgoing.back().data, outgoing.back().bytes));
  }
  for (const Message &message : receives)
    incoming.push_back(place(message));
  TenonTransportError error{};
  const int code = api.exchange(transport, outgoing.data(), outgoing.size(), incoming.data(), incoming.size(), &error);
  if (code != 0)
    return toStatus(code, error);
  for (size_t i = 0; i < receives.size(); ++i)
    if (!receives[i].strips.isDense())
      copyStrips(dense(incoming[i].data, incoming[i].bytes), receives[i].strips);
  return Status::success();
}

} // namespace tenon::runtime
