//===- ProcessTransport.h - Ranks as processes ----------------------------===//
#ifndef TENON_LIB_RUNTIME_RANKS_PROCESSTRANSPORT_H
#define TENON_LIB_RUNTIME_RANKS_PROCESSTRANSPORT_H

#include "Transport.h"

#include "../Memory.h"
#include "tenon-c/transport.h"

#include <memory>
#include <string>
#include <vector>

namespace tenon::runtime {

/// A rank's way to others that are processes, by a library of its own (tenon-c/transport.h).
class ProcessTransport final : public Transport {
public:
  /// Opens libtenon_`name`.so and joins the other processes. TN8001, TN8002 where there is no such library, TN7021
  /// where that fails.
  static Expected<std::unique_ptr<ProcessTransport>> open(const std::string &name);
  ~ProcessTransport() override { api.close(transport); }

  uint32_t rank() const { return api.rank(transport); }
  uint32_t size() const { return api.size(transport); }
  Status exchange(std::span<const Message> sends, std::span<const Message> receives) override;
  Status check() override;
  void fail(const Status &why) override { api.fail(transport, why.str().c_str()); }

private:
  ProcessTransport(const TenonTransportApi &api, TenonTransport *transport) : api(api), transport(transport) {}

  const TenonTransportApi &api;
  TenonTransport *transport;
  Memory packed; ///< messages that are not in one piece
  std::vector<TenonTransportMessage> outgoing, incoming;
};

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_RANKS_PROCESSTRANSPORT_H
