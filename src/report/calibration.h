// One level of `tacho calibrate`: a load by the clock, what was measured of it, and what the engine
// says was true. Pure, so that the judgement can be held by tests.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "report/summary.h"
#include "report/truth.h"

namespace tacho {

/// The three figures that are kept of an error's distribution, ms.
struct ErrorFigures {
  double p50 = 0.0;
  double p99 = 0.0;
  double max = 0.0;
};

/// How a level ended.
enum class LevelVerdict {
  ok,            ///< The load was carried, and its figures are true.
  client_bound,  ///< tacho could not keep up, and the run says so itself.
  engine_bound,  ///< The built-in engine could not keep up: it says nothing of tacho.
  wrong,         ///< Figures are off, and the run does not say so. It must not happen.
  failed,        ///< Requests failed.
};

/// One level.
struct CalibrationLevel {
  std::uint32_t streams = 0;
  double asked_per_s = 0.0;    ///< Events: streams × tokens/s of each.
  double carried_per_s = 0.0;  ///< Events that came, over the time it took.
  double cpu_us = 0.0;         ///< Of the client for each event: workers' threads, all they do.
  double busy_share = 0.0;
  double engine_late_ms = 0.0;  ///< Median of how late the engine wrote, by its own schedule.
  ErrorFigures ttft, gap, send, width;
  std::size_t requests = 0;
  std::size_t events = 0;
  std::string stamps;
  LevelVerdict verdict = LevelVerdict::failed;
  std::string reason;  ///< Why it is not ok.
};

/// The verdict as it is printed and stored: ok, client-bound, engine-bound, wrong, failed.
std::string_view verdict_name(LevelVerdict verdict);

/// A figure is right when it is off by no more than this, at its 99th percentile. It is the floor
/// that a run's own verdict has for lags.
inline constexpr double calibration_error_max_ms = 1.0;

/// Judges one level. `gap` is the time between tokens of the engine's schedule.
CalibrationLevel judge_level(const CellSummary& cell, double cpu_s, Duration gap,
                             const std::unordered_map<std::string, TrueTimes>& truths);

/// What a run says of its instrument's certificate, in one line; "" when it says nothing.
std::string certificate_text(const Manifest& manifest);

/// One sentence when a cell's load lies beyond what the run's certificate covers; else "".
std::string beyond_certificate(const RunSummary& run, const Manifest& manifest);

/// A level as the certificate keeps it.
Json to_json(const CalibrationLevel& level);

/// The levels as a table, then why some are not ok.
std::string calibration_table(const std::vector<CalibrationLevel>& levels);

/// The last line: what this machine carries, by the highest level that is ok.
std::string calibration_conclusion(const std::vector<CalibrationLevel>& levels);

}  // namespace tacho
