// What one cell of a run sends, as plain const data: the bytes of every request, who is due when,
// and the rules of the loop. Made before the first byte goes out; all workers read it, nobody
// writes it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "load/rules.h"
#include "load/stop.h"
#include "net/tls.h"
#include "protocol/protocol.h"
#include "record/record.h"

namespace tacho {

/// One distinct request: its bytes and what we know of its lengths.
struct PlannedPrompt {
  std::string request;  ///< The whole HTTP request.
  std::uint32_t input_tokens = 0;
  std::uint32_t output_tokens = 0;
};

/// One request of the schedule.
struct PlannedRequest {
  std::uint64_t id = 0;
  std::uint32_t prompt = 0;  ///< Index into CellPlan::prompts.
  Duration due{0};           ///< Open loop: offset from the cell's start.
  Duration think{0};  ///< Closed loop: from the end of its answer to its slot's next request.
};

/// One cell.
struct CellPlan {
  std::uint32_t cell = 0;
  std::vector<PlannedPrompt> prompts;
  std::vector<PlannedRequest> warmup;  ///< Sent first, as a closed loop; not measured.
  std::vector<PlannedRequest> measure;
  bool is_closed_loop = true;
  std::uint32_t concurrency =
      1;  ///< Closed loop: streams at a time. Open loop: the cap, 0 for none.
  /// Closed loop: when each stream begins, from the cell's start; empty: all of them at once.
  std::vector<Duration> slot_starts;
  bool has_users = false;       ///< Its streams are users: records say whose and which of theirs.
  Duration warmup_duration{0};  ///< Stop the warm-up after this time; 0: when all have been sent.
  Duration duration{0};         ///< Stop sending after this time; 0: when all have been sent.
  bool repeats = false;         ///< Closed loop by duration: begin again at the list's end.
  Timeouts timeouts;
  Cancelling cancelling;
  Retrying retrying;
  ErrorLimits error_limits;
};

/// One server of a target.
struct Endpoint {
  Url url;
  Address address;
  const TlsContext* tls = nullptr;  ///< Null for plain HTTP.
  std::string request_start = {};   ///< How the bytes of its requests begin, which name it.
};

/// How the target is spoken to. Must outlive the run.
struct Target {
  const Protocol* protocol = nullptr;
  bool streams = true;
  std::vector<Endpoint> endpoints;    ///< The planned bytes are those for the first.
  std::vector<Address> sources = {};  ///< Connections come from these in turn.
  HttpVersion http = HttpVersion::http1;

  /// Which endpoint a request goes to: they take turns, by its session if it has one, so that a
  /// user stays with a server, else by its number.
  std::uint32_t endpoint_of(const Record& record) const {
    const std::uint64_t turn = record.session > 0 ? record.session - 1 : request_id(record);
    return static_cast<std::uint32_t>(turn % endpoints.size());
  }
};

}  // namespace tacho
