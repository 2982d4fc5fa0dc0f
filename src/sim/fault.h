// Faults that the engine commits on purpose: asked for by one request (header X-Tacho-Fault) or
// drawn by a probability from the seed, so that a run with faults can be repeated exactly.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tacho {

/// One way to answer badly.
struct Fault {
  enum class Kind {
    none,
    http_status,  ///< http_<status>: an error object with that status; 429 and 503 say Retry-After.
    reset_mid,    ///< rst_mid: the connection is reset in the middle of the answer.
    close_mid,    ///< fin_mid: the connection closes cleanly in the middle of the answer.
    no_done,      ///< no_done: a whole answer, then the end without [DONE].
    error_in_stream,  ///< error_in_stream: status 200, then an error object as an event.
    malformed,        ///< malformed: an event that is not JSON.
    no_answer,        ///< no_answer: the request is taken and never answered.
  };
  Kind kind = Kind::none;
  int status = 0;
};

/// Reads a fault's name.
Result<Fault> parse_fault(std::string_view name);

/// A fault and how often it happens.
struct FaultRule {
  Fault fault;
  double probability = 0.0;
};

/// Reads "name=probability", for instance rst_mid=0.01.
Result<FaultRule> parse_fault_rule(std::string_view text);

/// The fault that the rules draw for the n-th request of a seed.
Fault draw_fault(const std::vector<FaultRule>& rules, std::uint64_t seed, std::uint64_t request);

}  // namespace tacho
