// A log of single requests against the same requests in virtual time.
#include <algorithm>

#include "base/file.h"
#include "base/text.h"
#include "sim/validate.h"
#include "stats/distribution.h"

namespace tacho {
namespace {

Result<std::vector<ServedRequest>> read_log(const std::string& path) {
  std::vector<ServedRequest> all;
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
    ServedRequest one;
    one.input = static_cast<std::uint32_t>(std::clamp(input, 0.0, 1e9));
    one.output = static_cast<std::uint32_t>(std::clamp(output, 0.0, 1e9));
    one.sent_s = json_number(*json, "queued_ts");
    one.first_s = json_number(*json, "first_token_ts");
    one.last_s = json_number(*json, "last_token_ts");
    if (one.input == 0 || one.output == 0 || one.first_s < one.sent_s || one.last_s < one.first_s)
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
                   [](const auto& a, const auto& b) { return a.sent_s < b.sent_s; });
  return all;
}

/// TTFT, TPOT and E2E of requests, in ms.
struct Times {
  std::vector<double> of[3];
  void add(const ServedRequest& one) {
    of[0].push_back(one.ttft_s() * 1e3);
    if (one.output > 1) of[1].push_back(one.tpot_s() * 1e3);
    of[2].push_back(one.e2e_s() * 1e3);
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

Result<std::string> validate_log(const std::string& path, const ModelledServer& server) {
  auto log = read_log(path);
  if (!log) return log.error();
  const ServedLoad load{.label = path, .requests = std::move(*log)};
  // Times are from the server's queue on, so the way to it is not in them.
  const auto replayed = replay(server, load, false);
  if (!replayed) return replayed.error();
  Times measured, simulated;
  for (const ServedRequest& one : load.requests) measured.add(one);
  for (const ServedRequest& one : *replayed) simulated.add(one);
  std::string table = format("{} requests; ms measured, simulated and the error in percent\n\n{:6}",
                             load.requests.size(), "");
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
