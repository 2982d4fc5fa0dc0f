#include "load/live_times.h"

#include <algorithm>

#include "load/progress.h"
#include "record/record.h"

namespace tacho {

void LiveTimes::observe(Duration time) {
  const auto place = std::lower_bound(live_bounds_s.begin(), live_bounds_s.end(), to_s(time));
  bump(counts[static_cast<std::size_t>(place - live_bounds_s.begin())]);
  bump(ns_sum, static_cast<std::uint64_t>(std::max<std::int64_t>(0, time.count())));
}

void count_ended(WorkerProgress& progress, const Record& record) {
  if (record.stage != Stage::measure) return;
  bump(progress.outcomes[static_cast<std::size_t>(record.outcome)]);
  if (record.outcome != Outcome::ok || !happened(record.sent)) return;
  const auto chunks = static_cast<std::uint32_t>(record.chunks.size());
  const std::uint32_t tokens = record.usage.output_tokens.value_or(chunks);
  bump(progress.output_tokens, tokens);
  const Instant end = chunks > 0 ? record.chunks.back().at : record.done;
  if (happened(end)) progress.e2e.observe(end - record.sent);
  if (chunks == 0) return;
  const Chunk& first = record.chunks.front();
  progress.ttft.observe(first.at - record.sent);
  // Where the server does not say how many tokens a chunk has, all have about as many.
  const std::uint32_t in_first = first.tokens > 0 ? first.tokens : std::max(1u, tokens / chunks);
  if (chunks > 1 && tokens > in_first) {
    progress.tpot.observe((record.chunks.back().at - first.at) / (tokens - in_first));
  }
}

}  // namespace tacho
