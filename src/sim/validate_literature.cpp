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

/// All requests at once; a static batch is one of a size that the engine is made for.
Result<double> simulate_figure(const PointRow& row, const OwnProfiles& own) {
  const std::string load = field(row, "load"), metric = field(row, "metric");
  const auto count = number_in(load);
  const bool is_static = load.starts_with("static"), is_first = load.starts_with("first token");
  if (!count || (!is_static && !is_first && !load.starts_with("offline")))
    return input_error(format("load '{}' is none of static bsN, first token bs1, offline N", load));
  auto filled = row;
  filled["concurrency"] = is_first ? "1" : format("{}", *count);
  filled["tp_size"] = field(row, "tp");
  filled["ttft_ms"] = filled["tpot_ms"] = "1";
  filled["kv_precision"] = field(row, "precision") == "fp8" ? "fp8" : "";
  auto point = read_point(filled, own);
  if (!point) return point.error();
  const StepTime time(point->gpu, point->model, point->serving);
  EngineOptions engine = point->engine;
  engine.kv_tokens = time.kv_tokens();
  engine.max_num_seqs = is_static ? point->concurrency : 2048;
  engine.prefix_caching = false;
  std::vector<VirtualRequest> requests(
      point->concurrency, VirtualRequest(instant_from_ns(0), point->input, point->output));
  if (!Scheduler(engine).fits(requests.front())) return input_error("does not fit");
  const VirtualRun run =
      run_virtual([&](const StepWork& work) { return time.of(work); }, engine, requests);
  if (metric == "ttft") return to_ms(requests.front().first_token - instant_from_ns(0));
  if (metric != "out_tps")
    return input_error(format("metric '{}' is none of out_tps, ttft", metric));
  return point->concurrency * static_cast<double>(point->output) /
         to_s(run.end - instant_from_ns(0));
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
    table += format(" {:>10.1f} {:>+8.1f}\n", *simulated, (*simulated / *published - 1.0) * 100.0);
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
