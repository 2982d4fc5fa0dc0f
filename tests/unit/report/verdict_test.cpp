// Each reason against a cell, on its valid and on its invalid side. (Those of the lags, lengths and
// repeated prompts are with the fold, those of the load with the windows.)
#include "report/verdict.h"

#include <doctest/doctest.h>

#include "records.h"

namespace tacho {
namespace {

RunData sound(std::size_t n = 100, double ttft_ms = 100.0) {
  std::vector<Record> records;
  for (std::size_t i = 0; i < n; ++i)
    records.push_back(ok_record(10.0 * static_cast<double>(i), {ttft_ms, ttft_ms + 50.0}));
  return run_of(records);
}

std::string reason(const RunData& data, std::string_view words) {
  const RunSummary run = summarize(data);
  for (const auto& text : run.cells.at(0).verdict.reasons) {
    if (text.find(words) != std::string::npos) return text;
  }
  return "";
}

TEST_CASE("chunks read together and late lose their stamps; read together at once they do not") {
  RunData data = sound(400);  // Of two chunks each.
  for (Record& r : data.records) {
    r.reads = 100;
    r.shared_reads = 50;
  }
  data.records[0].late_chunks = data.records[1].late_chunks = 1;
  CHECK(reason(data, "client-bound") == "");
  data.records[2].late_chunks = 1;
  CHECK(reason(data, "client-bound").find("0.38 % of chunks were read late") != std::string::npos);
  data.records[0].is_first_late = data.records[1].is_first_late = true;
  CHECK(reason(data, "client-bound").find("% of chunks") != std::string::npos);
  data.records[2].is_first_late = true;
  CHECK(reason(data, "client-bound").find("0.75 % of first tokens") != std::string::npos);
}

TEST_CASE("a tap that lost entries is no witness") {
  RunData data = sound();
  data.manifest.instrument = {{"0", {{"tap", {{"lost", 0}}}}}};
  CHECK(reason(data, "tap") == "");
  data.manifest.instrument = {{"0", {{"tap", {{"lost", 3}}}}}};
  CHECK(reason(data, "tap") == "client-bound: the tap lost 3 entries");
}

TEST_CASE("a cold server is told from a busy first wave") {
  RunData data = sound();
  data.manifest.cells[0].concurrency = 4;
  for (std::size_t i = 0; i < 4; ++i)
    data.records[i].chunks[0].at = data.records[i].chunks[1].at = data.records[i].done =
        data.records[i].sent + std::chrono::milliseconds(900);
  CHECK(reason(data, "warm-up missing") ==
        "warm-up missing: even the fastest of the first 4 requests waited 900 ms for its first "
        "token, 95 % of the others at most 100 ms; --warmup 4 leaves them out");
  data.records[2].chunks[0].at = data.records[2].sent + std::chrono::milliseconds(120);
  CHECK(reason(data, "warm-up") == "");
  CHECK(reason(sound(), "warm-up") == "");
}

TEST_CASE("a first request that is slow by less than matters is no cold server") {
  RunData data = sound(100, 1.0);
  for (Record& r : data.records) {
    r.chunks[1].at = r.done = r.sent + std::chrono::milliseconds(1000);
  }
  data.records[0].chunks[0].at = data.records[0].sent + std::chrono::milliseconds(10);
  CHECK(reason(data, "warm-up") == "");
  data.records[0].chunks[0].at = data.records[0].sent + std::chrono::milliseconds(100);
  CHECK(reason(data, "warm-up") != "");
}

TEST_CASE("refused and reset in a row between answers is a restart") {
  RunData data = sound();
  const auto broken = [&](std::size_t from, std::size_t to, Outcome outcome) {
    for (std::size_t i = from; i < to; ++i) {
      data.records[i] = failed_record(10.0 * static_cast<double>(i), outcome,
                                      150.0 + 10.0 * static_cast<double>(i));
      data.records[i].id = i;
      data.records[i].prompt = static_cast<std::uint32_t>(i);
    }
  };
  broken(40, 42, Outcome::refused);
  CHECK(reason(data, "restarted") == "");
  broken(40, 46, Outcome::reset);
  CHECK(reason(data, "restarted") == "");  // Connections broke, but somebody always listened.
  broken(43, 46, Outcome::refused);
  CHECK(reason(data, "restarted") ==
        "server restarted in the middle: 6 requests in a row were refused or reset from 0.550 to "
        "0.600 s, then answers came again");
  broken(40, 100, Outcome::refused);
  CHECK(reason(data, "restarted") == "");  // It never came back: the error rate says so.
}

TEST_CASE("a server that throttles is not the one that was to be measured") {
  RunData data = sound();
  data.records[5] = failed_record(50.0, Outcome::http_status, 60.0);
  data.records[5].http_status = 429;
  CHECK(reason(data, "throttled") == "");
  data.records[6] = data.records[5];
  CHECK(reason(data, "throttled") == "server throttled: 2 of 100 requests were answered 429");
}

TEST_CASE("what a prefix cache answered of prompts that begin differently was sent before") {
  RunData data = sound();
  for (Record& r : data.records) r.usage.cached_tokens = 5;
  CHECK(reason(data, "prefix cache") == "");  // A dataset's prompts may begin alike.
  data.manifest.cells[0].input_tokens = 10;
  CHECK(reason(data, "prefix cache").find("50 % of the input tokens") != std::string::npos);
  for (Record& r : data.records) r.usage.cached_tokens = 1;
  CHECK(reason(data, "prefix cache") == "");
}

TEST_CASE("a percentile that was asked for by name must be reached; others may stay unknown") {
  RunData data = sound();
  CHECK(reason(data, "too few samples") == "");
  data.manifest.config["metric_percentiles"] = {50, 99};
  CHECK(
      reason(data, "too few samples")
          .find(
              "too few samples: p99 of ttft_ms was asked for and stands on 100 requests; about ") ==
      0);
  data.manifest.config["metric_percentiles"] = {50, 75, 100};
  CHECK(reason(data, "too few samples") == "");
  data.manifest.config["metric_percentiles"] = {99.5};
  CHECK(reason(data, "p99.5 of ttft_ms") != "");
}

}  // namespace
}  // namespace tacho
