#include "report/calibration.h"

#include <algorithm>

#include "base/text.h"
#include "record/certificate.h"
#include "report/outputs.h"

namespace tacho {
namespace {

/// Of the load that was asked for, what must have come; the rest is the time in which the first
/// requests are sent and the last ones end.
constexpr double carried_share_min = 0.97;

ErrorFigures figures_of(const Json& errors, const char* key) {
  const Json distribution = errors.value(key, Json());
  if (!distribution.is_object()) return {};
  return {json_number(distribution, "p50"), json_number(distribution, "p99"),
          json_number(distribution, "max")};
}

double median_lateness_ms(const CellSummary& cell,
                          const std::unordered_map<std::string, TrueTimes>& truths) {
  std::vector<double> late;
  for (const Record* record : cell.records) {
    const auto found = truths.find(record->response_id);
    if (found == truths.end()) continue;
    const TrueTimes& truth = found->second;
    for (std::size_t i = 0; i < std::min(truth.planned.size(), truth.written.size()); ++i)
      late.push_back(to_ms(truth.written[i].from - truth.planned[i]));
  }
  if (late.empty()) return 0.0;
  const auto middle = late.begin() + static_cast<std::ptrdiff_t>(late.size() / 2);
  std::nth_element(late.begin(), middle, late.end());
  return *middle;
}

/// The reason by which the run itself says that it was client-bound, or "".
std::string own_reason(const CellSummary& cell) {
  constexpr std::string_view mark = "client-bound: ";
  for (const std::string& reason : cell.verdict.reasons) {
    if (reason.starts_with(mark)) return reason.substr(mark.size());
    if (reason.find("clock was stepped") != std::string::npos) return reason;
  }
  return "";
}

/// A time in ms, down to the microsecond; the clocks are not known better.
std::string ms(double value) {
  if (value < 0.0005) return "0";
  return value < 1.0 ? format("{:.3f}", value) : format_significant(value, 3);
}

void conclude(CalibrationLevel& level, const CellSummary& cell, Duration gap, bool is_compared) {
  const auto say = [&](LevelVerdict verdict, std::string reason) {
    level.verdict = verdict;
    level.reason = std::move(reason);
  };
  if (cell.failed > 0 || cell.completed == 0 || !is_compared) {
    for (const auto& [outcome, count] : cell.outcomes) {
      if (outcome != "ok") return say(LevelVerdict::failed, format("{} × {}", count, outcome));
    }
    return say(LevelVerdict::failed, "the engine has no truth of its requests");
  }
  if (auto reason = own_reason(cell); !reason.empty())
    return say(LevelVerdict::client_bound, std::move(reason));
  const double share = level.carried_per_s / level.asked_per_s;
  const bool is_late = level.engine_late_ms > std::max(1.0, to_ms(gap) / 2);
  if (is_late || share < carried_share_min) {
    // Whose fault it is that less came: an engine in time had fewer requests than it was to have.
    const bool is_engine = is_late || level.engine_late_ms > 1.0;
    return say(is_engine ? LevelVerdict::engine_bound : LevelVerdict::client_bound,
               format("{:.0f} % of the load came; half of the tokens were written over {} ms late",
                      100 * share, ms(level.engine_late_ms)));
  }
  const double worst = std::max(level.ttft.p99, level.gap.p99);
  if (worst > calibration_error_max_ms) {
    return say(LevelVerdict::wrong,
               format("errors of p99 {} ms, and the run calls itself valid", ms(worst)));
  }
  say(LevelVerdict::ok, "");
}

Json to_json(const ErrorFigures& figures) {
  return {{"p50", figures.p50}, {"p99", figures.p99}, {"max", figures.max}};
}

/// Columns of text, all to the right but the last.
std::string columns_text(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t c = 0; c < row.size(); ++c)
      widths[c] = std::max(widths[c], display_width(row[c]));
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string pad(widths[c] - display_width(row[c]), ' ');
      line += "  " + (c + 1 < row.size() ? pad + row[c] : row[c]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

}  // namespace

std::string_view verdict_name(LevelVerdict verdict) {
  switch (verdict) {
    case LevelVerdict::ok:
      return "ok";
    case LevelVerdict::client_bound:
      return "client-bound";
    case LevelVerdict::engine_bound:
      return "engine-bound";
    case LevelVerdict::wrong:
      return "wrong";
    case LevelVerdict::failed:
      break;
  }
  return "failed";
}

CalibrationLevel judge_level(const CellSummary& cell, double cpu_s, Duration gap,
                             const std::unordered_map<std::string, TrueTimes>& truths) {
  CalibrationLevel level;
  level.streams = cell.cell.concurrency.value_or(0);
  level.requests = cell.completed;
  for (const Record* record : cell.records) level.events += record->chunks.size();
  const auto events = static_cast<double>(level.events);
  level.asked_per_s = level.streams / to_s(gap);
  if (cell.duration_s > 0) level.carried_per_s = events / cell.duration_s;
  if (events > 0) level.cpu_us = 1e6 * cpu_s / events;
  level.busy_share = cell.instrument.loop_busy_share;
  level.stamps = cell.instrument.stamps;
  const Json errors = truth_errors(cell.records, truths);
  level.ttft = figures_of(errors, "ttft_error_ms");
  level.gap = figures_of(errors, "gap_error_ms");
  level.send = figures_of(errors, "send_error_ms");
  level.width = figures_of(errors, "width_ms");
  level.engine_late_ms = median_lateness_ms(cell, truths);
  conclude(level, cell, gap, json_number(errors, "requests") > 0);
  return level;
}

std::string certificate_text(const Manifest& manifest) {
  return json_string(manifest.instrument.value("certificate", Json::object()), "text");
}

std::string beyond_certificate(const RunSummary& run, const Manifest& manifest) {
  const Json certificate = manifest.instrument.value("certificate", Json::object());
  double streams = 0.0, events_per_s = 0.0;
  std::string stamps;
  for (const CellSummary& cell : run.cells) {
    std::size_t events = 0;
    for (const Record* record : cell.records) events += record->chunks.size();
    const double cap = cell.cell.is_static ? cell.cell.concurrency.value_or(0) : 0.0;
    streams = std::max({streams, cap, cell.concurrency_mean});
    if (cell.duration_s > 0)
      events_per_s = std::max(events_per_s, static_cast<double>(events) / cell.duration_s);
    if (events > 0) stamps = cell.instrument.stamps;
  }
  return beyond_certificate(certificate, streams, events_per_s, stamps);
}

Json to_json(const CalibrationLevel& level) {
  return {{"streams", level.streams},
          {"asked_per_s", level.asked_per_s},
          {"carried_per_s", level.carried_per_s},
          {"requests", level.requests},
          {"events", level.events},
          {"stamps", level.stamps},
          {"client_cpu_us_per_event", level.cpu_us},
          {"loop_busy_share", level.busy_share},
          {"engine_late_p50_ms", level.engine_late_ms},
          {"ttft_error_ms", to_json(level.ttft)},
          {"gap_error_ms", to_json(level.gap)},
          {"send_error_ms", to_json(level.send)},
          {"truth_width_ms", to_json(level.width)},
          {"verdict", verdict_name(level.verdict)},
          {"reason", level.reason}};
}

namespace {

/// A line of titles, each above the place where its group of columns begins in the line of names.
std::string group_titles(std::string_view names) {
  std::string out;
  const auto put = [&](std::size_t at, std::string_view title) {
    out.resize(std::max(at, out.size()), ' ');
    out += title;
  };
  put(names.find("asked"), "events/s");
  std::size_t at = 0;
  for (const std::string_view title :
       {"TTFT error, ms", "gap error, ms", "send error, ms", "truth known to, ms"}) {
    at = names.find("p50", at + 1);
    put(at, title);
  }
  return out + "\n";
}

}  // namespace

std::string calibration_table(const std::vector<CalibrationLevel>& levels) {
  std::vector<std::vector<std::string>> rows{{"streams", "asked", "carried", "us/event", "busy",
                                              "p50", "p99", "max", "p50", "p99", "max", "p50",
                                              "p99", "max", "p50", "p99", "verdict"}};
  std::string reasons;
  for (const CalibrationLevel& level : levels) {
    std::vector<std::string> row{grouped(level.streams), grouped(level.asked_per_s),
                                 grouped(level.carried_per_s), format_significant(level.cpu_us, 3),
                                 format("{:.0f} %", 100 * level.busy_share)};
    for (const ErrorFigures* error : {&level.ttft, &level.gap, &level.send})
      for (const double value : {error->p50, error->p99, error->max}) row.push_back(ms(value));
    row.insert(row.end(), {ms(level.width.p50), ms(level.width.p99)});
    row.emplace_back(verdict_name(level.verdict));
    rows.push_back(std::move(row));
    if (!level.reason.empty()) {
      reasons += format(" ! {} streams: {}: {}\n", grouped(level.streams),
                        verdict_name(level.verdict), level.reason);
    }
  }
  const std::string table = columns_text(rows);
  return group_titles(table.substr(0, table.find('\n'))) + table +
         (reasons.empty() ? "" : "\n" + reasons);
}

std::string calibration_conclusion(const std::vector<CalibrationLevel>& levels) {
  const CalibrationLevel* best = nullptr;
  for (const CalibrationLevel& level : levels) {
    if (level.verdict == LevelVerdict::ok && (best == nullptr || level.streams > best->streams))
      best = &level;
  }
  if (best == nullptr) return " this machine carried no load that was tried without error\n";
  return format(
      " this machine carries {} streams and {} events/s at an error of TTFT p99 {} ms, "
      "gaps p99 {} ms ({} stamps)\n",
      grouped(best->streams), grouped(best->carried_per_s), ms(best->ttft.p99), ms(best->gap.p99),
      best->stamps);
}

}  // namespace tacho
