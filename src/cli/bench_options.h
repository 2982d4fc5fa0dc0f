// What `tacho bench` can be told, as typed: one struct, filled by the flag table, const from then
// on.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/flags.h"

namespace tacho {

/// All options of `tacho bench`. Empty strings and lists, and zeros, mean "not given" unless said
/// otherwise.
struct BenchOptions {
  // Target.
  std::vector<std::string> urls, source_addresses;
  std::string host, model, served_model_name, endpoint_path, endpoint_type, api, service_kind;
  std::string api_key_env, extra_body, ca_file, sim;
  std::string unix_socket, certificate_file, key_file, key_password_env, tls_min, tls_max;
  std::string http = "1.1";
  std::uint32_t port = 0;
  std::uint32_t tensor_parallel = 1;
  std::vector<std::string> headers, extra_inputs;
  bool streams = true;
  bool is_insecure = false;
  bool has_ready_check = true;
  // Load.
  std::vector<std::uint32_t> concurrency, num_prompts;
  std::vector<double> request_rate;
  std::uint32_t max_concurrency = 0;
  std::uint32_t epochs = 5;
  double duration_s = 0.0;
  std::uint32_t warmup = 0;
  double warmup_duration_s = 0.0;
  // Load shapes.
  std::string arrivals;
  double burstiness = NAN, gap_cv = NAN;  ///< NaN: not given.
  std::string rate_series, ramp, on_off;
  double rate_ramp_s = 0.0, concurrency_ramp_s = 0.0;
  std::string ramp_strategy;
  double ramp_start_per_s = 0.0, ramp_end_per_s = 0.0;
  bool is_fixed_schedule = false, has_auto_offset = false;
  double replay_speedup = 1.0;
  double schedule_start_ms = NAN, schedule_end_ms = NAN;  ///< NaN: not given.
  std::vector<std::uint32_t> users;
  double spawn_rate = 0.0;
  std::string think_time;
  double grace_s = 10.0;
  std::string stamps = "auto";
  std::uint32_t threads = 0;
  std::uint32_t seed = 0;
  // Rules of each request.
  double request_timeout_s = 600.0, connect_timeout_s = 0.0, first_token_timeout_s = 0.0;
  std::string cancel_rate;
  double cancel_delay_s = 0.0;
  std::uint32_t cancel_after_tokens = 0, retries = 0, errors_max = 0;
  std::string error_rate_max;
  std::vector<std::string> until;
  // Prompts.
  std::string dataset, dataset_name, dataset_type, tokenizer;
  std::vector<std::uint32_t> input_tokens, output_tokens;
  std::uint32_t max_tokens = 0, max_prompt_tokens = 0, max_model_len = 0, batch_size = 1;
  bool ignores_eos = false, heeds_eos = false;
  std::string temperature, top_p;
  // Server's launch flags, kept as notes.
  std::uint32_t num_scheduler_steps = 0;
  bool has_prefix_caching = false;
  bool trusts_remote_code = false;
  // Judging and output.
  std::vector<std::string> goodput, slos;
  std::string error_budget;
  std::vector<std::string> percentile_metrics;
  std::vector<std::string> metric_percentiles;
  std::string label, out, benchmark_csv, result_dir, result_filename, artifact_dir;
  bool saves_vllm_result = false, saves_detailed = false, generates_plots = false;
  bool is_monitored = false;  ///< Samples engines, devices and the host into the run.
  double monitor_interval_s = 1.0;
  std::string listen_metrics;
  std::vector<std::string> server_metrics;  ///< URLs of metrics pages beside the target's own.
  bool is_json = false, is_quiet = false, is_strict = false, is_dry_run = false;

  /// True when GenAI-Perf's own options were used, whose files are then written too.
  bool speaks_genai_perf() const {
    return !service_kind.empty() || generates_plots || !artifact_dir.empty();
  }
};

/// The rows on when requests are due and streams begin; part of bench_flags.
void add_load_shapes(FlagTable& table, BenchOptions& options);

/// The rows of `tacho bench`, filling `options`.
FlagTable bench_flags(BenchOptions& options);

}  // namespace tacho
