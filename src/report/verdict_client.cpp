#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "report/verdict.h"

namespace tacho {
namespace {

constexpr double lag_floor_ms = 1.0;
constexpr double lag_share = 0.05;
constexpr double busy_share_max = 0.90;
// A 99th percentile bears some wrong samples among the largest hundredth. A chunk's time is in two
// gaps, and twice as many late reads as are seen may have been late.
constexpr double late_first_share_max = 0.005;
constexpr double late_chunk_share_max = 0.0025;

/// Late sending or late reading by more than the figures it disturbs can bear.
void judge_lag(const CellSummary& cell, Verdict& verdict) {
  const Distribution& send = cell.of(Metric::send_lag);
  // An open loop's late send is in every time from due. A closed loop's leaves a slot empty for so
  // long, which is its share of a request's whole time; so it is when all requests are due at once
  // and one has to be the last.
  const bool is_paced = cell.cell.request_rate && std::isfinite(*cell.cell.request_rate);
  const Distribution& disturbed =
      cell.of(is_paced && !cell.of(Metric::ttft).empty() ? Metric::ttft : Metric::e2e);
  if (disturbed.empty()) return;
  const double bound = std::max(lag_floor_ms, lag_share * disturbed.percentile(50));
  const bool is_capped_open_loop = !cell.cell.is_static && cell.cell.concurrency.has_value();
  // A capped open loop waits for its slots by design; that wait is in the figures from due.
  if (!send.empty() && !is_capped_open_loop && send.percentile(99) > bound) {
    verdict.reasons.push_back(format("client-bound: send lag p99 {} ms is over {} ms",
                                     format_significant(send.percentile(99), 3),
                                     format_significant(bound, 3)));
  }
  const Distribution& lag = cell.of(Metric::client_lag);
  if (cell.instrument.has_read_stamps() && !lag.empty() && lag.percentile(99) > bound) {
    verdict.reasons.push_back(format("client-bound: client lag p99 {} ms without kernel stamps",
                                     format_significant(lag.percentile(99), 3)));
  }
}

/// A socket's stamp is that of the last bytes merged into it: chunks that waited for us together
/// lost their own. Chunks that the server sent together are read at once, and are its doing.
void judge_shared_reads(const Instrument& instrument, Verdict& verdict) {
  const auto judge_share = [&](double share, double most, const char* what) {
    if (share <= most) return false;
    verdict.reasons.push_back(
        format("client-bound: {} % of {} were read late together with others after them, so that "
               "their times are not known",
               format_significant(100 * share, 2), what));
    return true;
  };
  if (!judge_share(instrument.late_first_share, late_first_share_max, "first tokens"))
    judge_share(instrument.late_chunk_share, late_chunk_share_max, "chunks");
}

}  // namespace

void judge_client(const CellSummary& cell, Verdict& verdict) {
  judge_lag(cell, verdict);
  const Instrument& instrument = cell.instrument;
  judge_shared_reads(instrument, verdict);
  if (instrument.tap_lost > 0) {
    verdict.reasons.push_back(format("client-bound: the tap lost {} entries", instrument.tap_lost));
  }
  if (instrument.loop_busy_share > busy_share_max) {
    verdict.reasons.push_back(format("client-bound: a worker's loop was {:.0f} % busy",
                                     100 * instrument.loop_busy_share));
  }
}

}  // namespace tacho
