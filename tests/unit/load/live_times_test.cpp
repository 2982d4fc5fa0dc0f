#include "load/live_times.h"

#include <doctest/doctest.h>

#include "load/progress.h"

namespace tacho {
namespace {

Instant ms(int n) { return instant_from_ns(std::int64_t{n} * 1'000'000); }

/// Sent at 0, chunks at these milliseconds.
Record answered(std::vector<int> chunks_ms) {
  Record record;
  record.stage = Stage::measure;
  record.outcome = Outcome::ok;
  record.sent = ms(0);
  for (const int at : chunks_ms) {
    Chunk chunk;
    chunk.at = ms(at);
    record.chunks.push_back(chunk);
  }
  record.done = ms(chunks_ms.empty() ? 500 : chunks_ms.back() + 1);
  return record;
}

std::uint64_t counted_below(const LiveTimes& times, double bound_s) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < live_bounds_s.size() && live_bounds_s[i] <= bound_s; ++i) {
    count += times.counts[i].load();
  }
  return count;
}

TEST_CASE("times of a request that ended well stand below their bounds, a bound being its own") {
  WorkerProgress progress;
  count_ended(progress, answered({50, 70, 90, 110}));
  CHECK(progress.outcomes[0].load() == 1);
  CHECK(progress.output_tokens.load() == 4);
  CHECK(counted_below(progress.ttft, 0.04) == 0);
  CHECK(counted_below(progress.ttft, 0.05) == 1);
  CHECK(counted_below(progress.tpot, 0.015) == 0);
  CHECK(counted_below(progress.tpot, 0.02) == 1);
  CHECK(counted_below(progress.e2e, 0.1) == 0);
  CHECK(counted_below(progress.e2e, 0.15) == 1);
  CHECK(progress.ttft.ns_sum.load() == 50'000'000);
}

TEST_CASE("an answer in one piece has no first token and no time per token") {
  WorkerProgress progress;
  Record record = answered({});
  record.usage.output_tokens = 7;
  count_ended(progress, record);
  CHECK(progress.output_tokens.load() == 7);
  CHECK(counted_below(progress.ttft, 160.0) == 0);
  CHECK(counted_below(progress.tpot, 160.0) == 0);
  CHECK(counted_below(progress.e2e, 0.5) == 1);
}

TEST_CASE("a failure counts by its outcome and has no times; warm-up counts for nothing") {
  WorkerProgress progress;
  Record failed = answered({50, 70});
  failed.outcome = Outcome::truncated;
  count_ended(progress, failed);
  Record warmup = answered({50, 70});
  warmup.stage = Stage::warmup;
  count_ended(progress, warmup);
  CHECK(progress.outcomes[static_cast<std::size_t>(Outcome::truncated)].load() == 1);
  CHECK(progress.outcomes[0].load() == 0);
  CHECK(counted_below(progress.ttft, 160.0) == 0);
}

}  // namespace
}  // namespace tacho
