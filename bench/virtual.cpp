// How fast the engine runs in virtual time: a trace of arrivals and lengths in, seconds and steps
// out. The trace is a CSV of TIMESTAMP,ContextTokens,GeneratedTokens as the Azure LLM inference
// traces are, or none: then one is drawn that has such a trace's rate and lengths.
//
//   tacho_bench_virtual [TRACE.csv [GPU [MODEL [TP [SPEED]]]]]
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "base/random.h"
#include "sim/virtual_engine.h"

namespace {

using namespace tacho;

/// Seconds since the day's start from "2023-11-16 18:15:46.6805900".
double seconds_of(const std::string& text) {
  int hours = 0, minutes = 0;
  double seconds = 0.0;
  if (std::sscanf(text.c_str(), "%*d-%*d-%*d %d:%d:%lf", &hours, &minutes, &seconds) != 3) {
    return -1.0;
  }
  return hours * 3600.0 + minutes * 60.0 + seconds;
}

std::vector<VirtualRequest> read_trace(const char* path, double speed) {
  std::vector<VirtualRequest> requests;
  std::ifstream in(path);
  std::string line;
  double first = -1.0;
  while (std::getline(in, line)) {
    const double at = seconds_of(line);
    const auto comma = line.find(',');
    std::uint32_t input = 0, output = 0;
    if (at < 0 || comma == std::string::npos ||
        std::sscanf(line.c_str() + comma, ",%u,%u", &input, &output) != 2) {
      continue;
    }
    if (first < 0) first = at;
    requests.emplace_back(instant_from_ns(0) + from_s((at - first) / speed), std::max(1u, input),
                          std::max(1u, output));
  }
  return requests;
}

/// An hour at 5.53 requests/s with log-normal lengths: the published moments of such a trace.
std::vector<VirtualRequest> draw_trace(double speed) {
  Random random(Seed{1}, "virtual trace");
  std::vector<VirtualRequest> requests;
  const auto length = [&](double mean, double sigma, double most) {
    return static_cast<std::uint32_t>(
        std::clamp(std::exp(mean + sigma * random.normal()), 1.0, most));
  };
  for (double at = 0.0; at < 3600.0; at += random.exponential() / 5.53) {
    const std::uint32_t input = length(6.63, 0.985, 14050);
    requests.emplace_back(instant_from_ns(0) + from_s(at / speed), input,
                          length(5.02, 0.859, 1000));
  }
  return requests;
}

double percentile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0.0
                        : values[static_cast<std::size_t>(share * (double(values.size()) - 1))];
}

void report(const char* title, const VirtualRun& run, const std::vector<VirtualRequest>& requests,
            double seconds) {
  std::vector<double> ttft_ms, tpot_ms;
  for (const VirtualRequest& r : requests) {
    ttft_ms.push_back(to_ms(r.first_token - r.arrival));
    if (r.output_tokens > 1) {
      tpot_ms.push_back(to_ms(r.last_token - r.first_token) / (r.output_tokens - 1));
    }
  }
  const double simulated = to_s(run.end - instant_from_ns(0));
  std::printf(
      "%s: %.3f s for %.0f s: %.0f x real time, %.0f requests/s, %.2f M steps/s (%llu steps, %llu "
      "planned, %llu preemptions, busy %.0f %%)\n",
      title, seconds, simulated, simulated / seconds, double(requests.size()) / seconds,
      double(run.counts.steps) / seconds / 1e6, static_cast<unsigned long long>(run.counts.steps),
      static_cast<unsigned long long>(run.planned),
      static_cast<unsigned long long>(run.counts.preemptions), 100.0 * to_s(run.busy) / simulated);
  std::printf("  TTFT p50 %.2f p99 %.2f ms, TPOT p50 %.3f p99 %.3f ms\n", percentile(ttft_ms, 0.5),
              percentile(ttft_ms, 0.99), percentile(tpot_ms, 0.5), percentile(tpot_ms, 0.99));
}

}  // namespace

int main(int count, char** arguments) {
  const auto text = [&](int i, const char* otherwise) {
    return count > i ? arguments[i] : otherwise;
  };
  const double speed = std::atof(text(5, "1"));
  const std::string path = text(1, "-");
  const auto trace = path == "-" ? draw_trace(speed) : read_trace(path.c_str(), speed);
  const auto gpu = find_gpu(text(2, "h100"));
  const auto model = find_model(text(3, "llama-3.1-8b"));
  if (!gpu || !model || trace.empty()) {
    std::fprintf(stderr, "no such GPU or model, or no requests in the trace\n");
    return 2;
  }
  const StepTime time(*gpu, *model, static_cast<std::uint32_t>(std::atoi(text(4, "1"))));
  EngineOptions engine;
  engine.kv_tokens = time.kv_tokens();
  engine.prefix_caching = false;  // Nothing is known of the texts.
  for (const bool folds : {true, false}) {
    auto requests = trace;
    const Instant start = monotonic_now();
    const VirtualRun run = run_virtual([&](const StepWork& work) { return time.of(work); }, engine,
                                       requests, {.folds = folds});
    report(folds ? "folded" : "single steps", run, requests, to_s(monotonic_now() - start));
  }
}
