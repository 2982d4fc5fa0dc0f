// What is done about a request beside sending it: how long its parts may take.
#pragma once

#include "base/time.h"

namespace tacho {

/// How long one exchange may take. A part without a limit of its own is bounded by the whole.
struct Timeouts {
  Duration connect{0};      ///< From the dialling to the connection, TLS included; 0: no limit.
  Duration first_token{0};  ///< From sent to the first token of a stream; 0: no limit.
  Duration total = std::chrono::minutes(10);  ///< From the start of the exchange to its end.
};

}  // namespace tacho
