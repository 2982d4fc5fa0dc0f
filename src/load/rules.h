// What is done about a request beside sending it: how long its parts may take, whether it is given
// up by plan, and whether a failed try is followed by another.
#pragma once

#include <optional>

#include "base/random.h"
#include "base/time.h"
#include "record/record.h"

namespace tacho {

/// How long one exchange may take. A part without a limit of its own is bounded by the whole.
struct Timeouts {
  Duration connect{0};      ///< From the dialling to the connection, TLS included; 0: no limit.
  Duration first_token{0};  ///< From sent to the first token of a stream; 0: no limit.
  Duration total = std::chrono::minutes(10);  ///< From the start of the exchange to its end.
};

/// A share of the requests that is given up by plan, as users do who leave.
struct Cancelling {
  double share = 0.0;              ///< Of the measured requests, from 0 to 1.
  Duration delay{0};               ///< From sent ...
  std::uint32_t after_tokens = 0;  ///< ... or, if not 0, with this token of the answer.
  Seed seed;

  /// True when that request is one of them: drawn from its id alone, so that neither the number of
  /// workers nor the order of answers changes who leaves.
  bool chooses(std::uint64_t id) const;
};

/// Failed tries that are followed by another.
struct Retrying {
  std::uint32_t retries = 0;  ///< At most so many after the first try.
  /// Before the first retry, doubled before each further one; a server's Retry-After wins.
  Duration wait = std::chrono::milliseconds(100);
  Duration wait_max = std::chrono::seconds(60);  ///< Whatever the server says.

  /// True when a try that ended like this is followed by another: it never reached the server, the
  /// connection broke, or the server said to come again (429, 503).
  bool tries_again(const Record& record) const;
  /// From the end of that try to the next one.
  Duration wait_after(const Record& record, std::optional<Duration> retry_after) const;
};

/// What one exchange is started with.
struct ExchangeRules {
  Timeouts timeouts;
  /// Not null: the exchange is given up by this plan.
  const Cancelling* cancelling = nullptr;
};

/// The wait that a Retry-After field asks for, where it gives seconds (a date is not heeded).
std::optional<Duration> read_retry_after(std::string_view field);

}  // namespace tacho
