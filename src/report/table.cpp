// The table in the terminal: a grid of all cells, and for a run of one cell its distributions in
// full. Digits that the samples do not carry are not printed, and neither are percentiles that too
// few samples reach.
#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"
#include "report/calibration.h"
#include "report/table_parts.h"

namespace tacho {
namespace {

std::string paint(std::string text, const char* code, const TableOptions& options) {
  return options.has_color ? format("\x1b[{}m{}\x1b[0m", code, text) : text;
}

std::string load_text(const Cell& cell) {
  const std::string label = cell_label(cell);
  return label.substr(0, label.size() - cell.lengths.size() - 1);
}

constexpr std::array<std::pair<Metric, const char*>, 3> grid_times{
    {{Metric::ttft, "TTFT ms"}, {Metric::tpot, "TPOT ms"}, {Metric::e2e, "E2E ms"}}};

/// Two lines: what, and which percentile of it.
void add_grid_head(Grid& grid, const TableOptions& options, bool has_failures, bool has_slos) {
  std::vector<std::string> above{"", "", "", ""}, head{"", "load", "in→out", "ok"};
  const auto add = [&](const char* first, const std::string& second) {
    above.emplace_back(first);
    head.push_back(second);
  };
  if (has_failures) add("", "failed");
  for (const auto& [metric, title] : grid_times) {
    for (std::size_t i = 0; i < options.percentiles.size(); ++i) {
      const bool is_last = i + 1 == options.percentiles.size();
      add(is_last ? title : "", format("p{:g}", options.percentiles[i]));
    }
  }
  add("", "req/s");
  add("out", "tok/s");
  if (has_slos) add("good", "put");
  grid.add(above);
  grid.add(head);
}

std::string grid_text(const RunSummary& run, const Manifest& manifest,
                      const TableOptions& options) {
  Grid grid(3);
  const bool has_failures = run.failed > 0;
  const bool has_slos = !manifest.slos.empty();
  add_grid_head(grid, options, has_failures, has_slos);
  for (const CellSummary& cell : run.cells) {
    std::vector<std::string> row{cell.verdict.is_valid() ? "" : "!", load_text(cell.cell),
                                 cell.cell.lengths, std::to_string(cell.completed)};
    if (has_failures) row.push_back(std::to_string(cell.failed));
    for (const auto& [metric, title] : grid_times) {
      for (const double percent : options.percentiles) {
        row.push_back(percentile_text(cell, metric, percent));
      }
    }
    row.push_back(value_text(cell.windows.headline().request_throughput_per_s));
    row.push_back(value_text(cell.windows.headline().output_token_throughput_per_s));
    if (has_slos) row.push_back(format("{:.1f}%", 100 * cell.goodput.share));
    grid.add(row);
  }
  return grid.text();
}

/// Each bound that was asked for, with what can be said of it.
std::string slos_text(const RunSummary& run, const TableOptions& options) {
  std::string out;
  for (const CellSummary& cell : run.cells) {
    const std::string where = run.cells.size() > 1 ? cell_label(cell.cell) + ": " : "";
    for (const SloVerdict& slo : cell.slos) {
      const char* color = slo.bound == Bound::holds   ? "32"
                          : slo.bound == Bound::fails ? "31"
                                                      : "33";
      out += paint(format(" slo: {}{}", where, slo.text()), color, options) + "\n";
    }
  }
  return out;
}

/// What was given up by plan and what was tried again: neither is a failure, neither is hidden.
std::string rules_text(const RunSummary& run) {
  std::map<std::string, std::size_t> kinds;
  std::size_t cancelled = 0, retries = 0;
  for (const CellSummary& cell : run.cells) {
    cancelled += cell.cancelled;
    retries += cell.retried.size();
    for (const auto& [outcome, count] : cell.retried_outcomes) kinds[outcome] += count;
  }
  std::string out;
  for (const CellSummary& cell : run.cells) {
    if (cell.stop_detail.empty()) continue;
    out += format(" stopped by {}: {}: {}\n", cell.stopped_by, cell_label(cell.cell),
                  cell.stop_detail);
  }
  if (cancelled > 0) out += format(" cancelled by plan: {} requests\n", cancelled);
  if (retries == 0) return out;
  std::vector<std::string> parts;
  for (const auto& [kind, count] : kinds) parts.push_back(format("{} × {}", count, kind));
  return out + format(" tried again: {} times ({})\n", retries, join(parts, ", "));
}

std::string failures_text(const RunSummary& run, const TableOptions& options) {
  std::map<std::string, std::size_t> kinds;
  for (const CellSummary& cell : run.cells) {
    for (const auto& [outcome, count] : cell.outcomes) {
      if (outcome != "ok" && outcome != "cancelled by plan") kinds[outcome] += count;
    }
  }
  if (kinds.empty()) return "";
  std::vector<std::string> parts;
  for (const auto& [kind, count] : kinds) parts.push_back(format("{} × {}", count, kind));
  std::string out = paint(format(" failed: {}", join(parts, ", ")), "31", options) + "\n";
  for (const CellSummary& cell : run.cells) {
    for (const Record* record : cell.records) {
      if (!is_failure(*record) || record->detail.empty()) continue;
      return out + format("   the first: {}: {}\n", outcome_name(record->outcome), record->detail);
    }
  }
  return out;
}

/// The largest p99 over all cells.
double worst_p99(const RunSummary& run, Metric metric) {
  double worst = 0.0;
  for (const CellSummary& cell : run.cells) {
    if (!cell.of(metric).empty()) worst = std::max(worst, cell.of(metric).percentile(99));
  }
  return worst;
}

std::string sources_text(const RunSummary& run) {
  std::string input = "none", output = "none";
  for (const CellSummary& cell : run.cells) {
    if (cell.completed == 0) continue;
    const std::string in(token_source_name(cell.input_source));
    const std::string out(token_source_name(cell.output_source));
    input = input == "none" || input == in ? in : "mixed";
    output = output == "none" || output == out ? out : "mixed";
  }
  const auto say = [](const std::string& source) -> std::string {
    if (source == "usage") return "the server's usage";
    if (source == "tokenizer") return "our tokenizer (the server sent no usage)";
    if (source == "chunks") return "chunks (the server sent no usage: a lower bound)";
    return source == "mixed" ? "several sources" : "nothing";
  };
  if (input == "none" && output == "none") return "no tokens were counted";
  if (output == "none") return format("input tokens from {}", say(input));
  if (input == output) return format("token counts from {}", say(input));
  return format("input tokens from {}, output tokens from {}", say(input), say(output));
}

std::string instrument_text(const RunData& data, const RunSummary& run) {
  double busy = 0.0, shared = 0.0;
  std::size_t reconnects = 0, segments = 0, sent_again = 0;
  std::string stamps;
  for (const CellSummary& cell : run.cells) {
    if (cell.offered == 0) continue;
    busy = std::max(busy, cell.instrument.loop_busy_share);
    shared = std::max(shared, cell.instrument.coalesced_read_share);
    reconnects += cell.instrument.reconnects;
    segments += cell.instrument.tap_segments;
    sent_again += cell.instrument.tap_sent_again;
    stamps = stamps.empty() || stamps == cell.instrument.stamps ? cell.instrument.stamps : "mixed";
  }
  std::string out = format(
      " tacho: {} stamps   send lag p99 {} ms   client lag p99 {} ms   loop {:.0f} % busy\n        "
      "{}\n",
      stamps.empty() ? "no" : stamps, value_text(worst_p99(run, Metric::send_lag)),
      value_text(worst_p99(run, Metric::client_lag)), 100 * busy, sources_text(run));
  std::vector<std::string> extras;
  if (sent_again > 0)
    extras.push_back(format("{} of {} segments were sent again",
                            grouped(static_cast<double>(sent_again)),
                            grouped(static_cast<double>(segments))));
  if (reconnects > 0)
    extras.push_back(format("{} kept-alive connections found closed", reconnects));
  if (shared > 0.01)
    extras.push_back(format("up to {:.0f} % of reads brought several chunks", 100 * shared));
  if (data.torn_lines > 0)
    extras.push_back(format("{} record cut off by a kill was left out", data.torn_lines));
  if (!extras.empty()) out += format("        {}\n", join(extras, "   "));
  if (const auto text = certificate_text(data.manifest); !text.empty())
    out += format("        {}\n", text);
  return out;
}

std::string truth_text(const Manifest& manifest) {
  double ttft_mean = 0, ttft_p99 = 0, gap_mean = 0, gap_p99 = 0, width_p50 = 0, width_p99 = 0;
  std::size_t cells = 0;
  for (const auto& [cell, truth] : manifest.truth.items()) {
    if (!truth.is_object() || !truth.contains("ttft_error_ms") || truth["ttft_error_ms"].is_null())
      continue;
    const Json& ttft = truth["ttft_error_ms"];
    ttft_mean = std::max(ttft_mean, json_number(ttft, "mean"));
    ttft_p99 = std::max(ttft_p99, json_number(ttft, "p99"));
    if (truth.contains("gap_error_ms") && truth["gap_error_ms"].is_object()) {
      gap_mean = std::max(gap_mean, json_number(truth["gap_error_ms"], "mean"));
      gap_p99 = std::max(gap_p99, json_number(truth["gap_error_ms"], "p99"));
    }
    if (truth.contains("width_ms") && truth["width_ms"].is_object()) {
      width_p50 = std::max(width_p50, json_number(truth["width_ms"], "p50"));
      width_p99 = std::max(width_p99, json_number(truth["width_ms"], "p99"));
    }
    ++cells;
  }
  if (cells == 0) return "";
  return format(
      " truth: |measured - true| in the worst cell, ms: TTFT mean {} p99 {}, gaps mean {} p99 {}\n"
      "        a token's true time is known to within p50 {} p99 {}\n",
      value_text(ttft_mean), value_text(ttft_p99), value_text(gap_mean), value_text(gap_p99),
      value_text(width_p50), value_text(width_p99));
}

std::string verdict_text(const RunData& data, const RunSummary& run, const TableOptions& options) {
  std::size_t invalid = 0;
  std::string reasons;
  for (const CellSummary& cell : run.cells) {
    if (cell.verdict.is_valid()) continue;
    ++invalid;
    for (const std::string& reason : cell.verdict.reasons) {
      reasons += format(" ! {}: {}\n", cell_label(cell.cell), reason);
    }
  }
  std::string head =
      invalid == 0 ? paint(" VALID", "32", options)
      : invalid == run.cells.size()
          ? paint(" INVALID", "31", options)
          : paint(format(" INVALID in {} of {} cells", invalid, run.cells.size()), "31", options);
  if (data.manifest.status == "interrupted") head += "   cut short: it was interrupted";
  if (data.manifest.status == "running")
    head += "   cut short: it never finished (killed?), or is still running";
  return head + "\n" + reasons;
}

/// Figures of the built-in engine must not be taken for those of hardware.
std::string simulated_text(const Manifest& manifest) {
  if (!manifest.server.contains("sim/config")) return "";
  const Json& sim = manifest.server["sim/config"];
  return format(", simulated {} × {},", json_number(sim, "tensor_parallel", 1),
                json_string(sim, "gpu"));
}

}  // namespace

std::string table_text(const RunData& data, const RunSummary& run, const TableOptions& options) {
  const Manifest& m = data.manifest;
  std::string out = format(" {}{} at {} ({})   {}\n\n", paint(m.model, "1", options),
                           simulated_text(m), m.url, m.endpoint, m.started_at);
  out += grid_text(run, m, options);
  if (run.cells.size() == 1 && run.completed > 0) {
    out += "\n" + detail_text(run.cells[0]) + "\n" + windows_text(run.cells[0]);
  } else {
    out += grid_notes(run, options);
  }
  out += monitored_text(data, run) + scaling_text(run) + "\n";
  out += rules_text(run) + slos_text(run, options) + failures_text(run, options) +
         instrument_text(data, run) + truth_text(m);
  for (const std::string& note : m.notes) out += format(" note: {}\n", note);
  return out + findings_text(run) + verdict_text(data, run, options);
}

}  // namespace tacho
