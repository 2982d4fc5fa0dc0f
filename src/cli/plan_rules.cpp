#include "cli/plan_rules.h"

namespace tacho {

Result<Timeouts> plan_timeouts(const BenchOptions& o) {
  if (o.request_timeout_s <= 0.0) return input_error("--request-timeout must be more than 0");
  return Timeouts{from_s(o.connect_timeout_s), from_s(o.first_token_timeout_s),
                  from_s(o.request_timeout_s)};
}

}  // namespace tacho
