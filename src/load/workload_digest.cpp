#include "load/workload_digest.h"

#include "base/text.h"
#include "workload/fingerprint.h"

namespace tacho {
namespace {

/// The same on machines of any byte order.
std::uint64_t with_number(std::uint64_t hash, std::uint64_t number) {
  char bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(number >> (8 * i));
  return fnv1a({bytes, sizeof bytes}, hash);
}

std::string_view body_of(std::string_view request) {
  constexpr std::string_view end_of_headers = "\r\n\r\n";
  const auto end = request.find(end_of_headers);
  return end == std::string_view::npos ? request : request.substr(end + end_of_headers.size());
}

}  // namespace

std::string workload_digest(const CellPlan& plan) {
  // The hash of nothing is FNV's own start.
  std::uint64_t hash = with_number(fnv1a(""), plan.concurrency);
  for (const Duration start : plan.slot_starts) {
    hash = with_number(hash, static_cast<std::uint64_t>(start.count()));
  }
  for (const auto* list : {&plan.warmup, &plan.measure}) {
    for (const PlannedRequest& request : *list) {
      hash = with_number(hash, request.id);
      hash = with_number(hash, static_cast<std::uint64_t>(request.due.count()));
      hash = with_number(hash, static_cast<std::uint64_t>(request.think.count()));
      hash = fnv1a(body_of(plan.prompts[request.prompt].request), hash);
    }
  }
  return format("{:016x}", hash);
}

}  // namespace tacho
