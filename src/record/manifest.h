// The manifest of a run, run.json: its full configuration, seed, environment, the server's own
// words, the state it is in, and later its summary. Together with the journal it is the one source
// of every report.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "record/cell_slo.h"

namespace tacho {

/// Version of run.json's format.
inline constexpr int manifest_schema = 1;

/// A bound on a per-request metric: "ttft_ms <= 200".
struct Slo {
  std::string metric;  ///< The metric's key with its unit, such as ttft_ms.
  double limit = 0.0;
};

/// One cell of a run: one load, held for one number of requests.
struct Cell {
  std::uint32_t id = 0;
  bool is_static = true;  ///< Closed loop of a concurrency; else an open loop of a rate.
  std::optional<std::uint32_t>
      concurrency;  ///< Closed loop: streams. Open loop: the cap, if one was asked for.
  std::optional<double>
      request_rate;  ///< Open loop: requests per second; infinity sends all at once.
  std::optional<double> ramp_start_rate;       ///< Where a ramp begins; it ends at `request_rate`.
  std::optional<std::uint32_t> input_tokens;   ///< When all prompts have one length.
  std::optional<std::uint32_t> output_tokens;  ///< When all answers are asked for with one limit.
  std::string load;   ///< "10→50→10 req/s" or "50 users", where the fields above don't say it.
  std::string shape;  ///< In words, how requests come: "ramp 1 → 50 req/s over 60 s, gap CV 1".
  std::string lengths;         ///< "128→64", or the dataset's name.
  std::uint32_t requests = 0;  ///< Measured requests planned.
  std::uint32_t warmup_requests = 0;
  bool ignore_eos = false;
  Duration started_after{0};  ///< From the run's start to the cell's.
};

/// A short name for tables: "c=4 128→64" or "2 req/s alpaca".
std::string cell_label(const Cell& cell);

/// run.json.
struct Manifest {
  std::string tacho_version;
  std::string command;
  std::string started_at;          ///< ISO 8601, UTC.
  std::string status = "running";  ///< running, finished or interrupted.
  std::uint64_t seed = 0;
  std::string model;
  std::string url;
  std::string endpoint;   ///< chat, completions or embeddings.
  std::string tokenizer;  ///< Path of the tokenizer, or "built-in".
  std::vector<Cell> cells;
  std::vector<Slo> slos;
  std::vector<CellSlo> cell_slos;
  std::vector<std::string> notes;
  Json config = Json::object();
  Json environment = Json::object();
  Json server = Json::object();
  Json instrument = Json::object();  ///< What the generator measured of itself, by cell id.
  Json stops = Json::object();  ///< By cell id: what ended its sending (`by`), and the numbers.
  Json truth = Json::object();  ///< With the built-in engine: measured against true, by cell id.
  Json summary = Json::object();
};

/// The manifest as JSON.
Json to_json(const Manifest& manifest);

/// Reads run.json of a run directory; the error says when the folder is no run directory.
Result<Manifest> read_manifest(const std::string& run_directory);

/// Writes run.json, so that a reader sees the old one or the new one, never half.
Status write_manifest(const std::string& run_directory, const Manifest& manifest);

/// The wall clock as ISO 8601 in UTC, such as 2026-11-21T08:00:00Z.
std::string iso_time(std::int64_t wall_ns);

/// Paths inside a run directory.
std::string journal_path(const std::string& run_directory);
std::string manifest_path(const std::string& run_directory);

}  // namespace tacho
