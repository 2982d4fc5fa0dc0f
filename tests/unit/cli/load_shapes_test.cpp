// Shapes of load on the command line: what each becomes, and which do not go together.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "cli/bench_plan.h"

namespace tacho {
namespace {

Result<BenchPlan> planned(std::string_view line) {
  BenchOptions options;
  std::vector<std::string> arguments;
  for (const auto word : split(line, ' ')) {
    if (!word.empty()) arguments.emplace_back(word);
  }
  const auto rest = bench_flags(options).parse(arguments);
  if (!rest.ok()) return rest.error();
  return plan_bench(options);
}

PlannedCell cell_of(std::string_view line) {
  auto plan = planned(line);
  if (!plan.ok()) FAIL(plan.error().message);
  return plan->cells.at(0);
}

std::string shape(std::string_view line) {
  const Cell cell = cell_of(line).cell;
  return format("{} | {} | {}", cell_label(cell), cell.requests, cell.shape);
}

TEST_CASE("gaps: poisson, constant, gamma by shape or by variation, uniform") {
  CHECK(cell_of("--request-rate 5").arrivals.gap_cv == 1.0);
  CHECK(cell_of("--request-rate 5 --arrivals poisson").arrivals.gap_cv == 1.0);
  CHECK(cell_of("--request-rate 5 --arrivals constant").arrivals.gap_cv == 0.0);
  CHECK(cell_of("--request-rate 5 --arrival-pattern constant").arrivals.gap_cv == 0.0);
  CHECK(cell_of("--request-rate 5 --gap-cv 0").arrivals.gap_cv == 0.0);
  CHECK(cell_of("--request-rate 5 --burstiness 0.25").arrivals.gap_cv == 2.0);
  CHECK(cell_of("--request-rate 5 --gap-cv 2").arrivals.gap_cv == 2.0);
  CHECK(cell_of("--request-rate 5 --arrivals gamma --arrival-smoothness 4").arrivals.gap_cv == 0.5);
  CHECK(cell_of("--request-rate 5 --arrivals uniform").arrivals.has_uniform_gaps);
  CHECK(cell_of("--num-prompts 9 --burstiness 0.5").cell.requests == 9);  // vLLM's: all at once.
}

TEST_CASE("rates over time have the number of requests that are due in them") {
  CHECK(shape("--rate-series 10:60s,50:30s,10:60s --arrivals constant") ==
        "10→50→10 req/s built-in | 2700 | piecewise 10 → 50 → 10 req/s over 150 s, gap CV 0");
  CHECK(shape("--ramp 1:50:60s --arrivals constant") ==
        "1→50 req/s built-in | 1530 | ramp 1 → 50 req/s over 60 s, gap CV 0");
  CHECK(shape("--ramp 1:50:60s --arrivals constant --num-prompts 7") ==
        "1→50 req/s built-in | 7 | ramp 1 → 50 req/s over 60 s, gap CV 0");
  CHECK(shape("--request-rate 20 --on-off 1s:3s --arrivals constant --duration 6s") ==
        "20 req/s 1 s on, 3 s off built-in | 40 | bursts of 20 req/s for 1 s, then 3 s of "
        "nothing, gap CV 0");
  CHECK(cell_of("--request-rate 20 --on-off 1s:3s").cell.request_rate == 5.0);
  CHECK(cell_of("--request-rate 10 --rate-ramp 10s --arrivals constant --duration 20s")
            .cell.requests == 150);
  CHECK(cell_of("--rate-series 10:60s,50:30s --arrivals constant --duration 10s").cell.requests ==
        100);
  CHECK(cell_of("--request-rate 3 --arrivals constant --duration 10s").cell.requests == 30);
  CHECK(cell_of("--ramp 1:9:4s --max-in-flight 8").cell.concurrency == 8u);
}

TEST_CASE("a time bounds what is due, and all of that is sent; all at once, it stops the sending") {
  const std::string rate = "--request-rate 5 --arrivals constant --duration 4s ";
  CHECK(cell_of(rate).cell.requests == 20);
  CHECK(cell_of(rate + "--num-prompts 7").cell.requests == 7);
  CHECK(cell_of(rate + "--num-prompts 700").cell.requests == 20);
  CHECK(cell_of(rate).ends_by_due);
  CHECK_FALSE(cell_of("--request-rate inf --duration 4s").ends_by_due);
  CHECK_FALSE(cell_of("--concurrency 4 --duration 4s").ends_by_due);
}

TEST_CASE("another seed has another schedule, and so another number of requests in a time") {
  CHECK(cell_of("--request-rate 100 --duration 60s --seed 1").cell.requests !=
        cell_of("--request-rate 100 --duration 60s --seed 2").cell.requests);
}

TEST_CASE("streams begin one by one; users come and think; several peaks are several cells") {
  CHECK(cell_of("--concurrency 4 --concurrency-ramp 10s").stream_gap_s == 2.5);
  CHECK(shape("--concurrency 4 --concurrency-ramp-duration 10s") ==
        "c=4 built-in | 20 | beginning over 10 s");
  const auto plan = planned("--users 5,50 --spawn-rate 2 --think-time 1s:3s --run-time 10m");
  REQUIRE(plan.ok());
  REQUIRE(plan->cells.size() == 2);
  const PlannedCell& peak = plan->cells[1];
  CHECK(cell_label(peak.cell) == "50 users built-in");
  CHECK(peak.cell.shape == "2 more a second, think 1 to 3 s");
  CHECK(peak.cell.is_static);
  CHECK(peak.cell.concurrency == 50u);
  CHECK(peak.has_users);
  CHECK(peak.repeats);
  CHECK(peak.stream_gap_s == 0.5);
  CHECK(peak.duration_s == 600.0);
  CHECK(peak.cell.requests == 13'333);  // One in 2.25 s each.
  CHECK(shape("--users 1") == "1 user built-in | 5 | all at once");
  CHECK(shape("--users 3 --num-prompts 9 -r 1 -t 5s") == "3 users built-in | 9 | 1 more a second");
}

TEST_CASE("a warm-up for a time has prompts for it, and with a number no more than that") {
  CHECK(cell_of("--concurrency 2 --warmup-duration 10s").cell.warmup_requests == 80);
  CHECK(cell_of("--request-rate 2 --warmup-duration 10s").cell.warmup_requests == 320);
  CHECK(cell_of("--concurrency 2 --warmup-duration 10s --warmup 7").cell.warmup_requests == 7);
  CHECK(cell_of("--concurrency 2 --warmup-duration 10s").warmup_duration_s == 10.0);
  CHECK(cell_of("--concurrency 2").cell.warmup_requests == 0);
}

TEST_CASE("a trace is replayed at its own times") {
  char folder[] = "/tmp/tacho-trace-XXXXXX";
  const std::string path = std::string(::mkdtemp(folder)) + "/calls.jsonl";
  REQUIRE(write_file(path,
                     "{\"timestamp\": 1000, \"input_length\": 30, \"output_length\": 4}\n"
                     "{\"timestamp\": 3000, \"input_length\": 50, \"output_length\": 2}\n"
                     "{\"timestamp\": 9000, \"input_length\": 10, \"output_length\": 9}\n")
              .ok());
  const std::string line = format("--fixed-schedule --dataset {} ", path);
  CHECK(shape(line) == "trace calls | 3 | the trace's own times, 8 s");
  CHECK(shape(line + "--replay-speedup 4") == "trace ×4 calls | 3 | the trace's own times ×4, 2 s");
  CHECK(shape(line + "--num-prompts 2") == "trace calls | 2 | the trace's own times, 2 s");
  CHECK(shape(line + "--fixed-schedule-start-offset 2000 --max-in-flight 5") ==
        "trace cap 5 calls | 2 | the trace's own times, 7 s");
  CHECK(shape(line + "--duration 3s") == "trace calls | 2 | the trace's own times, 2 s");
  CHECK(cell_of(line).cell.ignore_eos);
  CHECK_FALSE(cell_of(line + "--no-ignore-eos").cell.ignore_eos);
  CHECK(planned(line + "--fixed-schedule-end-offset 500").error().message.find("offsets") !=
        std::string::npos);
  CHECK(planned(line + "--input-tokens 5").error().message.find("--input-tokens") !=
        std::string::npos);
  std::filesystem::remove_all(folder);
}

TEST_CASE("shapes that do not go together are refused, and both are named") {
  const std::vector<std::pair<const char*, std::vector<const char*>>> cases{
      {"--request-rate 2 --rate-series 1:2", {"--request-rate", "--rate-series"}},
      {"--request-rate 2 --ramp 1:2:3", {"--request-rate", "--ramp"}},
      {"--ramp 1:2:3 --rate-series 1:2", {"--rate-series", "--ramp"}},
      {"--fixed-schedule --request-rate 2", {"--request-rate", "--fixed-schedule"}},
      {"--fixed-schedule --concurrency 2", {"--fixed-schedule", "--concurrency"}},
      {"--fixed-schedule", {"--fixed-schedule", "--dataset"}},
      {"--fixed-schedule --dataset /no/such", {"/no/such"}},
      {"--replay-speedup 2", {"--replay-speedup", "--fixed-schedule"}},
      {"--on-off 1:1", {"--on-off", "--request-rate"}},
      {"--request-rate 2 --on-off 1:1 --rate-ramp 5", {"--on-off", "--rate-ramp"}},
      {"--request-rate inf --on-off 1:1", {"--on-off", "inf"}},
      {"--request-rate 2 --burstiness 2 --gap-cv 1", {"--burstiness", "--gap-cv"}},
      {"--request-rate 2 --arrivals constant --gap-cv 1", {"constant", "--gap-cv"}},
      {"--request-rate 2 --arrivals uniform --burstiness 2", {"uniform", "--burstiness"}},
      {"--request-rate 2 --arrivals concurrency_burst", {"--arrivals", "concurrency_burst"}},
      {"--request-rate 2 --gap-cv -1", {"--gap-cv"}},
      {"--request-rate 2 --gap-cv 1000", {"--gap-cv"}},
      {"--request-rate 2 --burstiness 1e-9", {"--burstiness"}},
      {"--concurrency 2 --arrivals constant", {"--arrivals", "rate"}},
      {"--users 2 --concurrency 2", {"--concurrency", "--users"}},
      {"--users 2 --max-in-flight 2", {"--users", "--max-in-flight"}},
      {"--think-time 2s", {"--think-time", "--users"}},
      {"--spawn-rate 2", {"--spawn-rate", "--users"}},
      {"--users 2 --spawn-rate -2", {"--spawn-rate"}},
      {"--request-rate 2 --concurrency-ramp 5s", {"--concurrency-ramp", "--concurrency"}},
      {"--request-rate 1000 --duration 1h", {"1000000", "--duration"}},
      {"--rate-series 5000:1h", {"1000000"}},
      {"--rate-series 10:5s,0:5s --num-prompts 500", {"--num-prompts", "10→0"}},
      {"--request-rate 0.001 --arrivals constant --duration 1s --rate-ramp 1h", {}},
  };
  for (const auto& [line, words] : cases) {
    CAPTURE(std::string(line));
    const auto plan = planned(line);
    if (words.empty()) {
      CHECK(plan.ok());
      continue;
    }
    REQUIRE_FALSE(plan.ok());
    for (const char* word : words) {
      CAPTURE(plan.error().message);
      CHECK(plan.error().message.find(word) != std::string::npos);
    }
  }
}

}  // namespace
}  // namespace tacho
