// Published single figures against the same setting in virtual time.
#include <algorithm>
#include <cmath>

#include "base/file.h"
#include "base/text.h"
#include "sim/validate.h"
#include "sim/virtual_engine.h"
#include "stats/distribution.h"

namespace tacho {
namespace {

std::string field(const PointRow& row, const char* name) {
  const auto found = row.find(name);
  return found == row.end() ? "" : std::string(trim(found->second));
}

/// The number after the last letter of "static bs64", or the first one in "offline 3000 req".
std::optional<double> number_in(const std::string& text) {
  const auto first = text.find_first_of("0123456789");
  if (first == std::string::npos) return std::nullopt;
  return parse_number(text.substr(first, text.find_first_not_of("0123456789", first) - first));
}

/// What became of a batch whose requests are sent all at once.
struct BatchTimes {
  double first_s = 0.0, end_s = 0.0;
  double token_s = 0.0;  ///< Of one request, each token after the first.
};

/// Runs `requests` requests of the row's lengths, at most so many in a step.
Result<BatchTimes> run_batch(PointRow row, const OwnProfiles& own, std::uint32_t requests,
                             std::uint32_t sequences_max) {
  row["concurrency"] = format("{}", requests);
  row["ttft_ms"] = row["tpot_ms"] = "1";
  row["kv_precision"] = field(row, "precision") == "fp8" ? "fp8" : "";
  const auto point = read_point(row, own);
  if (!point) return point.error();
  const StepTime time(point->gpu, point->model, point->serving);
  EngineOptions engine = point->engine;
  engine.kv_tokens = time.kv_tokens();
  engine.max_num_seqs = sequences_max;
  engine.prefix_caching = false;
  std::vector<VirtualRequest> batch(
      requests, VirtualRequest(instant_from_ns(0), point->input, point->output));
  if (!Scheduler(engine).fits(batch.front())) return input_error("does not fit");
  const VirtualRun run =
      run_virtual([&](const StepWork& work) { return time.of(work); }, engine, batch);
  const VirtualRequest& one = batch.back();
  return BatchTimes{to_s(batch.front().first_token - instant_from_ns(0)),
                    to_s(run.end - instant_from_ns(0)),
                    to_s(one.last_token - one.first_token) / std::max(1.0, point->output - 1.0)};
}

/// The time of a token on more GPUs against that on fewer, "2->4": the ratio of two batches. What
/// the publication does not say is a usual case: lengths of 512/64, a small batch of one.
Result<double> simulate_ratio(const PointRow& row, const OwnProfiles& own) {
  const std::string load = field(row, "load"), gpus = field(row, "tp");
  const auto arrow = gpus.find("->");
  const auto size = load == "small batch" ? std::optional(1.0) : number_in(load);
  if (arrow == std::string::npos || !size)
    return input_error(
        format("a ratio needs tp 2->4 and load bsN or small batch, not '{}', '{}'", gpus, load));
  double token_s[2] = {};
  for (const int side : {0, 1}) {
    PointRow one = row;
    one["tp_size"] = side == 0 ? gpus.substr(0, arrow) : gpus.substr(arrow + 2);
    if (field(row, "isl").empty()) one["isl"] = "512";
    if (field(row, "osl").empty()) one["osl"] = "64";
    if (!find_engine(field(row, "engine"))) one["engine"] = "vllm";
    const auto times =
        run_batch(one, own, static_cast<std::uint32_t>(*size), static_cast<std::uint32_t>(*size));
    if (!times) return times.error();
    token_s[side] = times->token_s;
  }
  return token_s[1] / token_s[0];
}

/// All requests at once; a static batch is one of a size that the engine is made for.
Result<double> simulate_figure(PointRow row, const OwnProfiles& own) {
  const std::string load = field(row, "load"), metric = field(row, "metric");
  if (metric.ends_with("_ratio")) return simulate_ratio(row, own);
  const auto number = number_in(load);
  const bool is_static = load.starts_with("static"), is_first = load.starts_with("first token");
  if (!number || (!is_static && !is_first && !load.starts_with("offline")))
    return input_error(format("load '{}' is none of static bsN, first token bs1, offline N", load));
  const std::uint32_t count = is_first ? 1u : static_cast<std::uint32_t>(*number);
  row["tp_size"] = field(row, "tp");
  const auto times = run_batch(row, own, count, is_static ? count : 2048);
  if (!times) return times.error();
  if (metric == "ttft") return times->first_s * 1e3;
  if (metric != "out_tps")
    return input_error(format("metric '{}' is none of out_tps, ttft, tpot_ratio", metric));
  return count * *parse_number(field(row, "osl")) / times->end_s;
}

}  // namespace

bool is_literature(const std::string& path) {
  bool is = false;
  std::size_t lines = 0;
  const auto status = for_each_line(path, [&](std::string_view line, bool) {
    if (lines++ > 0) return;
    const auto names = csv_fields(line);
    is = std::find(names.begin(), names.end(), "metric") != names.end();
  });
  return status.ok() && is;
}

Result<std::string> validate_literature(const std::string& path, const OwnProfiles& own) {
  std::vector<std::string> names;
  std::vector<double> errors;
  std::string table =
      format("{:14} {:9} {:>4} {:5} {:18} {:>10} {:>8} {:>10} {:>10} {:>8}\n", "model", "GPU", "TP",
             "", "load", "lengths", "metric", "published", "simulated", "error %");
  const auto status = for_each_line(path, [&](std::string_view line, bool) {
    const auto fields = csv_fields(line);
    if (names.empty()) {
      names = fields;
      return;
    }
    PointRow row;
    for (std::size_t i = 0; i < std::min(names.size(), fields.size()); ++i)
      row[names[i]] = fields[i];
    const auto published = parse_number(field(row, "value"));
    if (!published) return;
    table += format("{:14} {:9} {:>4} {:5} {:18} {:>10} {:>8} {:>10}", field(row, "model"),
                    field(row, "gpu"), field(row, "tp"), field(row, "precision"),
                    field(row, "load"), field(row, "isl") + "/" + field(row, "osl"),
                    field(row, "metric"), field(row, "value"));
    const auto simulated = simulate_figure(row, own);
    if (!simulated) {
      table += "   " + simulated.error().message + "\n";
      return;
    }
    errors.push_back(std::abs(*simulated / *published - 1.0));
    table += format(" {:>10} {:>+8.1f}\n",
                    *simulated < 10.0 ? format("{:.2f}", *simulated) : format("{:.1f}", *simulated),
                    (*simulated / *published - 1.0) * 100.0);
  });
  if (!status) return status.error();
  std::sort(errors.begin(), errors.end());
  if (!errors.empty())
    table +=
        format("\n{} figures: median error {:.1f} %, P90 {:.1f} %\n", errors.size(),
               percentile_of_sorted(errors, 50) * 100.0, percentile_of_sorted(errors, 90) * 100.0);
  return table;
}

}  // namespace tacho
