#include "report/table_parts.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"
#include "report/figures.h"

namespace tacho {
namespace {

/// An interval beside its figure: " ±19", or " [493..531]" where its sides are too unlike for one
/// number.
std::string interval_text(double value, const Interval& interval) {
  if (!interval.is_known || !std::isfinite(value)) return "";
  const double below = value - interval.low, above = interval.high - value;
  const double wide = std::max(below, above), narrow = std::min(below, above);
  if (!std::isfinite(wide) || narrow < 0.5 * wide) {
    return format(" [{}..{}]", format_significant(interval.low, 3),
                  std::isfinite(interval.high) ? format_significant(interval.high, 3) : "inf");
  }
  return format(" ±{}", format_significant(wide, 2));
}

std::string judged_text(const CellSummary& cell, Metric metric, double percent) {
  const std::string value = percentile_text(cell, metric, percent);
  const Interval* interval = cell.confidence_of(metric).of(percent);
  if (interval == nullptr || is_rank_thin(cell, metric, percent)) return value;
  return value + interval_text(cell.of(metric).percentile(percent), *interval);
}

/// True for what only repeats the line above it: TTFO without reasoning text, chunk gaps with one
/// token a chunk.
bool is_repeated(const CellSummary& cell, Metric metric) {
  const auto same = [&](Metric other) {
    const Distribution &a = cell.of(metric), &b = cell.of(other);
    return a.ascending == b.ascending && a.n == b.n && a.mean == b.mean;
  };
  return (metric == Metric::ttfo && same(Metric::ttft)) ||
         (metric == Metric::chunk_gap && same(Metric::itl));
}

/// "p99: ttft 2740, tpot 2712": what more requests would bring.
std::string missing_text(const CellSummary& cell) {
  std::vector<std::string> parts;
  for (const double percent : {50.0, 90.0, 99.0}) {
    std::size_t most = 0;
    for (const Metric metric : {Metric::ttft, Metric::tpot, Metric::e2e}) {
      if (cell.of(metric).empty()) continue;
      most = std::max(most, cell.confidence_of(metric).of(percent)->needs_more);
    }
    if (most > 0) parts.push_back(format("p{:g} {}", percent, most));
  }
  return join(parts, ", ");
}

std::string window_text(std::string_view name, const Window& window) {
  return format(" {}: {} req/s   output {} tok/s   input {} tok/s   total {} tok/s   in {} s\n",
                name, value_text(window.request_throughput_per_s),
                value_text(window.output_token_throughput_per_s),
                value_text(window.input_token_throughput_per_s),
                value_text(window.total_token_throughput_per_s()), value_text(window.duration_s));
}

constexpr std::array grid_metrics{Metric::ttft, Metric::tpot, Metric::e2e};

}  // namespace

std::string Grid::text() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t c = 0; c < row.size(); ++c) {
      widths[c] = std::max(widths[c], display_width(row[c]));
    }
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line = " ";
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string pad(widths[c] - display_width(row[c]), ' ');
      line += c < left_columns_ ? row[c] + pad : pad + row[c];
      line += c == 0 ? " " : "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string value_text(double value) {
  return std::isnan(value) ? "–" : format_significant(value, 3);
}

bool is_rank_thin(const CellSummary& cell, Metric metric, double percent) {
  const Distribution& d = cell.of(metric);
  if (d.empty() || percent >= 100.0) return false;
  const Interval* interval = cell.confidence_of(metric).of(percent);
  return interval != nullptr ? interval->is_rank_thin : d.n < samples_needed(percent);
}

std::string percentile_text(const CellSummary& cell, Metric metric, double percent) {
  const Distribution& d = cell.of(metric);
  return d.empty() || is_rank_thin(cell, metric, percent) ? "–" : value_text(d.percentile(percent));
}

std::string detail_text(const CellSummary& cell) {
  Grid grid(2);
  grid.add({"", "", "mean", "p50", "p90", "p99", "max", "n", "worth"});
  for (const MetricInfo& m : metric_infos()) {
    const Distribution& d = cell.of(m.metric);
    if (d.empty() || m.metric == Metric::client_lag || m.metric == Metric::send_lag) continue;
    if ((!m.is_time && d.max == 0.0) || is_repeated(cell, m.metric)) continue;
    const Confidence& sure = cell.confidence_of(m.metric);
    std::vector<std::string> row{std::string(m.title), m.is_time ? "ms" : ""};
    // Lengths are what was asked for: nothing about them is uncertain.
    row.push_back(value_text(d.mean) + (m.is_time ? interval_text(d.mean, sure.mean) : ""));
    for (const double percent : {50.0, 90.0, 99.0}) {
      row.push_back(m.is_time ? judged_text(cell, m.metric, percent)
                              : value_text(d.percentile(percent)));
    }
    row.push_back(value_text(d.max));
    row.push_back(std::to_string(d.n));
    row.push_back(m.is_time ? format("{:.0f}", sure.n_effective()) : "");
    grid.add(row);
  }
  std::string out = grid.text();
  const std::string missing = missing_text(cell);
  if (!missing.empty()) {
    out += format(
        " no ±, or –: too few independent requests for an interval, or for the percentile itself;\n"
        "   about so many more: {}\n",
        missing);
  }
  return out;
}

std::string windows_text(const CellSummary& cell) {
  const Windows& windows = cell.windows;
  std::string out;
  if (windows.steady_state.is_known) {
    out += window_text("steady state", windows.steady_state);
  } else {
    out += format(" no steady state: {}\n", windows.no_steady_state);
  }
  out += window_text("whole run", windows.whole_run);
  if (windows.drain.is_known) out += window_text("drain", windows.drain);
  const double mean = cell.concurrency_mean, little = cell.concurrency_little;
  const bool agrees = std::abs(mean - little) <= 0.01 * std::max(mean, little);
  out += format(" in flight: mean {} (by Little's law {}: {})\n", value_text(mean),
                value_text(little), agrees ? "they agree" : "they do NOT agree");
  if (!cell.cell.is_static) {
    out += format(" arrivals: {} due   {} sent   {} late   {} never sent\n", cell.offered,
                  cell.sent, cell.arrivals.late, cell.arrivals.dropped);
  }
  return out;
}

std::string grid_notes(const RunSummary& run, const TableOptions& options) {
  std::size_t steady = 0, answered = 0, more = 0;
  double percent_most = 0.0;
  bool is_thin = false;
  for (const CellSummary& cell : run.cells) {
    if (cell.completed == 0) continue;
    ++answered;
    if (cell.windows.steady_state.is_known) ++steady;
    for (const double percent : options.percentiles) {
      for (const Metric metric : grid_metrics) {
        if (!is_rank_thin(cell, metric, percent)) continue;
        is_thin = true;
        const Interval* interval = cell.confidence_of(metric).of(percent);
        const std::size_t wanted = interval != nullptr
                                       ? interval->needs_more
                                       : samples_needed(percent) - cell.of(metric).n;
        if (wanted > more) more = wanted, percent_most = percent;
      }
    }
  }
  if (answered == 0) return "";
  std::string out;
  if (steady == answered) {
    out += " req/s and tok/s: of the steady state\n";
  } else if (steady == 0) {
    out += " req/s and tok/s: of the whole run, for no steady state was found\n";
  } else {
    out +=
        format(" req/s and tok/s: of the steady state in {} cells, of the whole run in {} others\n",
               steady, answered - steady);
  }
  if (is_thin && run.cells.size() > 1) {
    out +=
        format(" –: too few independent requests for this percentile; p{:g} takes up to {} more\n",
               percent_most, more);
  }
  return out;
}

std::string scaling_text(const RunSummary& run) {
  std::string out;
  for (const Scaling& scaling : scalings_of(run)) {
    std::vector<std::string> points;
    for (const auto& p : scaling.points) {
      points.push_back(format("c={} {:.0f} %", p.concurrency, 100 * p.efficiency));
    }
    // A long grid has more points than a line holds: the ends and the knee say most.
    if (points.size() > 6) points.erase(points.begin() + 2, points.end() - 3);
    out += format(" scaling {}: {}{}\n", scaling.lengths, join(points, ", "),
                  scaling.knee > 0 ? format("; knee at c={}", scaling.knee) : "");
  }
  return out;
}

}  // namespace tacho
