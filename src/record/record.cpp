#include "record/record.h"

#include <array>

namespace tacho {
namespace {

constexpr std::array<std::string_view, 8> outcome_names{
    "ok", "http_status", "timeout", "refused", "reset", "malformed", "truncated", "cancelled"};

}  // namespace

std::string_view outcome_name(Outcome outcome) {
  return outcome_names[static_cast<std::size_t>(outcome)];
}

std::optional<Outcome> outcome_from_name(std::string_view name) {
  for (std::size_t i = 0; i < outcome_names.size(); ++i) {
    if (outcome_names[i] == name) return static_cast<Outcome>(i);
  }
  return std::nullopt;
}

Instant first_token(const Record& record) {
  return record.chunks.empty() ? never : record.chunks.front().at;
}

Instant first_output_token(const Record& record) {
  for (const auto& chunk : record.chunks) {
    if (!chunk.is_reasoning) return chunk.at;
  }
  return never;
}

Instant last_token(const Record& record) {
  return record.chunks.empty() ? never : record.chunks.back().at;
}

Duration own_send_lag(const Record& record) {
  if (!happened(record.sent)) return Duration(0);
  // A retry waits by plan; we are late only by what it was sent after that.
  const Instant due = happened(record.try_due) ? record.try_due : record.due;
  const bool is_new = happened(record.dialled) && record.dialled >= due;
  const Duration setting_up = is_new ? record.connected - record.dialled : Duration(0);
  return record.sent - due - setting_up;
}

}  // namespace tacho
