// How right the engine's model is: measured serving points, each run in virtual time, and the
// errors.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "sim/served_load.h"

namespace tacho {

/// One measured point: a closed loop of `concurrency` requests of these lengths.
struct MeasuredPoint : ModelledServer {
  std::string id;
  std::string family;  ///< Model, GPU, engine, number format and GPUs: what errors are grouped by.
  std::string shape;   ///< Model, lengths and concurrency: what configurations are ranked within.
  std::uint32_t input = 0, output = 0, concurrency = 0;
  double least_share = 1.0;   ///< Lengths are uniform from this share of the named ones up to them.
  bool is_saturated = false;  ///< Left out of the statistics.
  double ttft_ms = 0.0, tpot_ms = 0.0;

  /// Mean number of output tokens.
  double output_mean() const;
};

/// Means over the requests of a point, measured or simulated.
struct PointFigures {
  double ttft_ms = 0.0;
  double tpot_ms = 0.0;
  double e2e_ms = 0.0;
  double tokens_per_s = 0.0;  ///< Output tokens of all requests.
};

/// A measured point and what the simulation says of it.
struct PointResult {
  const MeasuredPoint* point = nullptr;
  PointFigures measured, simulated;
  std::string left_out;  ///< Why it is not in the statistics; empty: it is.
};

/// Median and 90th percentile of relative errors without their signs, and the median with it.
struct ErrorSpread {
  double median = 0.0, p90 = 0.0, bias = 0.0;
};

/// The errors of one family, or of all.
struct FamilyErrors {
  std::string family;
  std::size_t points = 0;
  ErrorSpread ttft, tpot, e2e, throughput;
};

/// What a validation found.
struct Validation {
  std::vector<PointResult> results;
  std::vector<FamilyErrors> families;  ///< In the order of the file; the last one is "all".
  double kendall_tau = 0.0;            ///< Of E2E times of configurations at the same shape.
  std::size_t pairs = 0;               ///< That were compared for it.
  std::size_t fitted_constants = 0;    ///< Of the profiles in use, set by measured serving points.
  std::size_t left_out = 0;
};

/// Profiles that take the place of those of the same id.
struct OwnProfiles {
  std::vector<GpuProfile> gpus;
  std::vector<ModelProfile> models;
  std::vector<EngineProfile> engines;
};

/// What a row of measured figures says of itself, by the names of its columns.
using PointRow = std::map<std::string, std::string>;

/// Reads one row of measured figures.
Result<MeasuredPoint> read_point(const PointRow& row, const OwnProfiles& own);

/// Gives a point the settings that published measurements were made with and their tables do not
/// have (data/profiles/measured_settings.json).
void apply_known_settings(const PointRow& row, MeasuredPoint& point);

/// Reads a CSV file of measured points; docs/validation.md has its columns.
Result<std::vector<MeasuredPoint>> read_points(const std::string& path, const OwnProfiles& own);

/// False when its cache has no room for one of its requests.
bool has_room(const MeasuredPoint& point);
/// What was measured, E2E and throughput worked out.
PointFigures measured_figures(const MeasuredPoint& point);

/// Runs one point in virtual time, ten requests for each of its slots. `requests_per_slot` may be
/// fewer to be quicker.
PointFigures simulate(const MeasuredPoint& point, std::uint32_t requests_per_slot = 10);

/// Runs all points. `progress` hears how many are done.
Validation validate(const std::vector<MeasuredPoint>& points, std::uint32_t requests_per_slot,
                    const std::function<void(std::size_t)>& progress);

/// The table for people, and the same for programs.
std::string validation_table(const Validation& validation);
/// Errors in-sample and left out, side by side.
std::string left_out_table(const Validation& seen, const Validation& unseen);
Json validation_json(const Validation& validation);

/// Replays a log of requests (a JSON object a line: input_toks, output_toks, and queued_ts,
/// first_token_ts, last_token_ts in seconds) on that server: measured and
/// simulated mean, P50, P90 and P99 of TTFT, TPOT and E2E, from the server's queue on, as a table.
Result<std::string> validate_log(const std::string& path, const ModelledServer& server);

/// True when the file has published single figures: its header names a metric.
bool is_literature(const std::string& path);
/// Simulates published single figures (docs/validation.md has the columns); a table.
Result<std::string> validate_literature(const std::string& path, const OwnProfiles& own);

/// One line of CSV (RFC 4180, without line ends in fields) as its fields.
std::vector<std::string> csv_fields(std::string_view line);

}  // namespace tacho
