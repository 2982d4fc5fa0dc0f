// The fold: from the records of a cell to its figures. Pure; everything that is printed or written
// is made from this.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "diagnosis/finding.h"
#include "report/arrivals_kept.h"
#include "report/confidence.h"
#include "report/in_flight.h"
#include "report/metrics.h"
#include "report/monitored.h"
#include "report/run_data.h"
#include "report/slo.h"
#include "report/windows.h"
#include "stats/distribution.h"

namespace tacho {

/// Requests that met every SLO.
struct Goodput {
  std::size_t good = 0;
  double share = 0.0;  ///< Of all requests due.
  double per_s = 0.0;
  std::map<std::string, std::size_t>
      failed_by;  ///< How often each SLO failed, by its metric's key.
};

/// What the generator knows of itself.
struct Instrument {
  std::string stamps;  ///< socket, tap or tap+socket (all the kernel's), read, or mixed.
  /// True when at least one time is that of our read.
  bool has_read_stamps() const { return stamps == "read" || stamps == "mixed"; }
  double loop_busy_share = 0.0;
  double coalesced_read_share = 0.0;
  double late_first_share = 0.0;  ///< First chunks that bear a later chunk's stamp, by our doing.
  double late_chunk_share = 0.0;  ///< The same of all chunks.
  double multi_token_chunk_share = 0.0;
  std::size_t reconnects = 0;
  std::size_t clock_steps = 0;
  std::size_t connections = 0;
  std::size_t tap_segments = 0;    ///< Noted by the tap.
  std::size_t tap_lost = 0;        ///< Entries that the tap could not keep.
  std::size_t tap_sent_again = 0;  ///< Segments that came twice: what a late ACK may cause.
};

/// Can the figures be trusted?
struct Verdict {
  std::vector<std::string> reasons;  ///< Why not; none when valid.
  bool is_valid() const { return reasons.empty(); }
};

/// The figures of one cell.
struct CellSummary {
  Cell cell;
  std::vector<const Record*> records;     ///< Measured ones, by id: the last try of each request.
  std::vector<std::uint32_t> out_tokens;  ///< For each of them.
  std::vector<const Record*> retried;     ///< Tries that failed and were followed by another.
  std::size_t offered = 0;                ///< Due.
  std::size_t sent = 0;
  std::size_t completed = 0;
  std::size_t failed = 0;
  std::size_t cancelled = 0;                            ///< By plan: neither completed nor failed.
  std::map<std::string, std::size_t> retried_outcomes;  ///< Likewise, of the tries in `retried`.
  std::map<std::string, std::size_t> outcomes;  ///< "ok", "http_status 500", ... and how often.
  double duration_s = 0.0;
  double request_throughput_per_s = 0.0;
  double input_token_throughput_per_s = 0.0;
  double output_token_throughput_per_s = 0.0;
  double characters_per_s = 0.0;
  double error_rate = 0.0;
  double timeout_rate = 0.0;
  double concurrency_mean = 0.0;
  double concurrency_little = 0.0;
  Windows windows;  ///< Throughputs by window; those above are of the whole run.
  ArrivalCounts arrivals;
  QueueTrend queue;
  TokenSource input_source = TokenSource::none;
  TokenSource output_source = TokenSource::none;
  std::array<Distribution, metric_count> metrics;
  std::array<Confidence, metric_count> confidences;  ///< Of each metric, how sure it is.
  Goodput goodput;
  std::vector<SloVerdict> slos;  ///< The bounds that were asked for.
  Instrument instrument;
  std::string stopped_by;   ///< count, duration, errors, ci or interrupt; empty in older runs.
  std::string stop_detail;  ///< With its numbers.
  Verdict verdict;
  Monitored monitored;            ///< Empty without --monitor.
  std::vector<Finding> findings;  ///< What holds the service back; needs --monitor.

  const Distribution& of(Metric metric) const { return metrics[static_cast<std::size_t>(metric)]; }
  const Confidence& confidence_of(Metric metric) const {
    return confidences[static_cast<std::size_t>(metric)];
  }
};

/// All cells of a run.
struct RunSummary {
  std::vector<CellSummary> cells;
  std::size_t completed = 0;
  std::size_t failed = 0;
};

/// Folds. The result refers to the data's records.
RunSummary summarize(const RunData& data);

/// The metric that an SLO names, "ttft_ms" say, if there is one.
std::optional<Metric> slo_metric(std::string_view key);

}  // namespace tacho
