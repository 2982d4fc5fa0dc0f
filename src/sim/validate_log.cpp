// A log of single requests against the same requests in virtual time.
#include <algorithm>

#include "base/file.h"
#include "base/text.h"
#include "sim/validate.h"
#include "sim/virtual_engine.h"
#include "stats/distribution.h"

namespace tacho {
namespace {

struct LoggedRequest {
  std::uint32_t input = 0, output = 0;
  double queued_s = 0.0, first_s = 0.0, last_s = 0.0;
};

Result<std::vector<LoggedRequest>> read_log(const std::string& path) {
  std::vector<LoggedRequest> all;
  std::size_t line_number = 0;
  Status state = Nothing{};
  const auto status = for_each_line(path, [&](std::string_view line, bool) {
    ++line_number;
    if (!state || trim(line).empty()) return;
    const auto json = parse_json(line, path);
    if (!json || !json->is_object()) {
      state = input_error(format("{}:{}: no JSON object", path, line_number));
      return;
    }
    const double input = json_number(*json, "input_toks"),
                 output = json_number(*json, "output_toks");
    const LoggedRequest one{static_cast<std::uint32_t>(std::clamp(input, 0.0, 1e9)),
                            static_cast<std::uint32_t>(std::clamp(output, 0.0, 1e9)),
                            json_number(*json, "queued_ts"), json_number(*json, "first_token_ts"),
                            json_number(*json, "last_token_ts")};
    if (one.input == 0 || one.output == 0 || one.first_s < one.queued_s || one.last_s < one.first_s)
      state =
          input_error(format("{}:{}: needs input_toks and output_toks over 0 and rising "
                             "queued_ts, first_token_ts, last_token_ts",
                             path, line_number));
    all.push_back(one);
  });
  if (!status) return status.error();
  if (!state) return state.error();
  if (all.empty()) return input_error(format("{}: no requests", path));
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.queued_s < b.queued_s; });
  return all;
}

/// TTFT, TPOT and E2E of requests, in ms.
struct Times {
  std::vector<double> of[3];
  void add(double first_ms, double whole_ms, std::uint32_t output) {
    of[0].push_back(first_ms);
    if (output > 1) of[1].push_back((whole_ms - first_ms) / (output - 1));
    of[2].push_back(whole_ms);
  }
  /// Mean, P50, P90, P99.
  std::vector<double> figures(int metric) {
    auto& all = of[metric];
    std::sort(all.begin(), all.end());
    double sum = 0.0;
    for (const double one : all) sum += one;
    return {sum / static_cast<double>(std::max<std::size_t>(1, all.size())),
            percentile_of_sorted(all, 50), percentile_of_sorted(all, 90),
            percentile_of_sorted(all, 99)};
  }
};

}  // namespace

Result<std::string> validate_log(const std::string& path, const MeasuredPoint& point) {
  const auto log = read_log(path);
  if (!log) return log.error();
  if (auto fits = check_fit(point.gpu, point.model, point.serving); !fits) return fits.error();
  const StepTime time(point.gpu, point.model, point.serving);
  EngineOptions engine = point.engine;
  engine.kv_tokens = time.kv_tokens();
  engine.prefix_caching = false;
  const Scheduler scheduler(engine);
  std::vector<VirtualRequest> requests;
  Times measured, simulated;
  for (const LoggedRequest& one : *log) {
    requests.emplace_back(instant_from_ns(0) + from_s(one.queued_s - log->front().queued_s),
                          one.input, one.output);
    if (!scheduler.fits(requests.back()))
      return input_error(format("{}: a request of {} + {} tokens does not fit into the cache", path,
                                one.input, one.output));
    measured.add((one.first_s - one.queued_s) * 1e3, (one.last_s - one.queued_s) * 1e3, one.output);
  }
  // Times are from the server's queue on, so the way to it is not in them.
  VirtualOptions options;
  options.plans_ahead = point.serving.engine.plans_ahead;
  run_virtual([&](const StepWork& work) { return time.of(work); }, engine, requests, options);
  for (const VirtualRequest& one : requests) {
    simulated.add(to_ms(one.first_token - one.sent), to_ms(one.last_token - one.sent),
                  one.output_tokens);
  }
  std::string table = format("{} requests; ms measured, simulated and the error in percent\n\n{:6}",
                             requests.size(), "");
  for (const char* name : {"mean", "P50", "P90", "P99"}) table += format("{:^29}", name);
  table += "\n";
  const char* const names[] = {"TTFT", "TPOT", "E2E"};
  for (int metric = 0; metric < 3; ++metric) {
    const auto was = measured.figures(metric), is = simulated.figures(metric);
    table += format("{:6}", names[metric]);
    for (std::size_t i = 0; i < was.size(); ++i)
      table +=
          format(" {:>9.1f} {:>9.1f} {:>+7.1f} ", was[i], is[i], (is[i] / was[i] - 1.0) * 100.0);
    table += "\n";
  }
  return table;
}

}  // namespace tacho
