// What goes wrong before there is a request: connections that meet a fault, and a server that
// refuses them.
#include "sim/server.h"
#include "sim/words.h"

namespace tacho {
namespace {

/// Connections draw from numbers of their own: a rule for them leaves those of requests as they
/// are.
constexpr std::uint64_t connection_salt = 0xd004u;
/// After which a port that could not be opened again is tried once more.
constexpr Duration retry = std::chrono::seconds(1);

}  // namespace

Status SimServer::listen(const Address& address) {
  auto status = http_.listen(address);
  if (status) mind_door();
  return status;
}

void SimServer::set_faults(std::vector<FaultRule> rules) {
  faults_ = std::move(rules);
  request_faults_ = rules_for(faults_, Fault::Scope::request);
  connection_faults_ = rules_for(faults_, Fault::Scope::connection);
  refusals_ = rules_for(faults_, Fault::Scope::listener);
}

ConnectionMishap SimServer::draw_mishap() {
  const std::uint64_t number = connections_++;
  const Fault fault = draw_fault(connection_faults_, mix_bits(options_.seed.value, connection_salt),
                                 number, loop_.now() - epoch_);
  ConnectionMishap mishap;
  if (fault.kind == Fault::Kind::none) return mishap;
  ++committed_[name_of(fault)];
  if (fault.kind == Fault::Kind::accept_delay) {
    mishap.wait = std::chrono::milliseconds(fault.argument);
  } else {
    mishap.end = fault.kind == Fault::Kind::accept_reset ? ConnectionMishap::End::reset
                                                         : ConnectionMishap::End::close;
    mishap.after_bytes = static_cast<std::size_t>(fault.argument);
  }
  return mishap;
}

/// Shuts or opens the port as the rules have it now, and comes again when that changes.
void SimServer::mind_door() {
  const Duration now = loop_.now() - epoch_;
  bool is_shut = false;
  Duration next = Duration::max();
  for (const FaultRule& rule : refusals_) {
    is_shut = is_shut || (now >= rule.from && now < rule.until);
    for (const Duration edge : {rule.from, rule.until}) {
      if (edge > now) next = std::min(next, edge);
    }
  }
  if (is_shut && !is_shut_) ++committed_["refuse"];
  is_shut_ = is_shut;
  if (!http_.refuse(is_shut)) next = std::min(next, now + retry);
  if (next == Duration::max()) return door_.cancel();
  door_.arm(epoch_ + next);
}

}  // namespace tacho
