#include "load/rules.h"

#include <algorithm>

#include "base/text.h"

namespace tacho {

bool Cancelling::chooses(std::uint64_t id) const {
  if (share <= 0.0) return false;
  // One short stream for each request; the odd factor keeps the seeds of neighbours apart.
  return Random(Seed{seed.value + id * 0x9e3779b97f4a7c15u}, "cancel").uniform() < share;
}

bool Retrying::tries_again(const Record& record) const {
  if (record.attempt >= retries) return false;
  switch (record.outcome) {
    case Outcome::refused:
    case Outcome::reset:
      return true;
    case Outcome::http_status:
      return record.http_status == 429 || record.http_status == 503;
    case Outcome::timeout:
      return record.detail == detail_connecting;
    default:
      return false;
  }
}

Duration Retrying::wait_after(const Record& record, std::optional<Duration> retry_after) const {
  if (retry_after) return std::min(*retry_after, wait_max);
  Duration doubled = wait;
  for (std::uint32_t i = 0; i < record.attempt && doubled < wait_max; ++i) doubled *= 2;
  return std::min(doubled, wait_max);
}

std::optional<Duration> read_retry_after(std::string_view field) {
  const auto seconds = parse_number(trim(field));
  if (!seconds || *seconds < 0.0) return std::nullopt;
  return from_s(*seconds);
}

}  // namespace tacho
