// The fold from records to a cell's figures, and when they are not to be trusted.
#include "report/summary.h"

#include <doctest/doctest.h>

#include <cmath>

#include "base/random.h"
#include "base/text.h"
#include "records.h"

namespace tacho {
namespace {

CellSummary only_cell(const RunData& data) { return summarize(data).cells.at(0); }

bool has_reason(const CellSummary& cell, std::string_view words) {
  for (const auto& reason : cell.verdict.reasons) {
    if (reason.find(words) != std::string::npos) return true;
  }
  return false;
}

TEST_CASE("throughputs go from the first due time to the end of the last answer") {
  Record first = ok_record(100.0, {50.0, 100.0});
  first.due = at_ms(0.0);
  first.output_characters = 30;
  const RunData data = run_of({first, ok_record(300.0, {700.0})});
  const CellSummary cell = only_cell(data);
  CHECK(cell.duration_s == doctest::Approx(1.0));
  CHECK(cell.request_throughput_per_s == doctest::Approx(2.0));
  CHECK(cell.output_token_throughput_per_s == doctest::Approx(3.0));
  CHECK(cell.input_token_throughput_per_s == doctest::Approx(20.0));
  CHECK(cell.characters_per_s == doctest::Approx(30.0));
  CHECK(cell.of(Metric::ttft).n == 2);
  CHECK(cell.of(Metric::ttft).mean == doctest::Approx(375.0));
  CHECK(cell.of(Metric::ttft_from_due).max == doctest::Approx(700.0));
  CHECK(cell.of(Metric::itl).n == 1);
  CHECK(cell.verdict.is_valid() == !has_reason(cell, "client-bound"));
}

TEST_CASE(
    "every request due is counted once, failures by what they were, and only ok ones have times") {
  const RunData data =
      run_of({ok_record(0.0, {10.0}), failed_record(0.0, Outcome::http_status, 5.0),
              failed_record(0.0, Outcome::http_status, 5.0),
              failed_record(0.0, Outcome::timeout, 9.0), failed_record(0.0, Outcome::reset, 20.0)});
  const RunSummary run = summarize(data);
  const CellSummary& cell = run.cells.at(0);
  CHECK(cell.offered == 5);
  CHECK(cell.completed == 1);
  CHECK(cell.failed == 4);
  CHECK(run.completed == 1);
  CHECK(run.failed == 4);
  CHECK(cell.error_rate == doctest::Approx(0.8));
  CHECK(cell.timeout_rate == doctest::Approx(0.2));
  CHECK(cell.outcomes.at("ok") == 1);
  CHECK(cell.outcomes.at("http_status 500") == 2);
  CHECK(cell.outcomes.at("timeout") == 1);
  CHECK(cell.of(Metric::ttft).n == 1);
  CHECK(cell.of(Metric::send_lag).n == 5);
  CHECK(cell.duration_s == doctest::Approx(0.020));
}

TEST_CASE("a request that was never sent is offered, but not sent, and has no time") {
  Record refused;
  refused.due = at_ms(0.0);
  refused.outcome = Outcome::refused;
  const CellSummary cell = only_cell(run_of({refused, ok_record(0.0, {10.0})}));
  CHECK(cell.offered == 2);
  CHECK(cell.sent == 1);
  CHECK(cell.of(Metric::send_lag).n == 1);
  const CellSummary nothing = only_cell(run_of({refused}));
  CHECK(nothing.duration_s == 0.0);
  CHECK(nothing.request_throughput_per_s == 0.0);
  CHECK(has_reason(nothing, "no request succeeded"));
}

TEST_CASE("warm-up and other cells are left out") {
  RunData data = run_of({ok_record(0.0, {10.0}), ok_record(0.0, {20.0}), ok_record(0.0, {40.0})});
  data.records[0].stage = Stage::warmup;
  data.records[1].cell = 5;
  CHECK(only_cell(data).offered == 1);
  CHECK(only_cell(data).of(Metric::ttft).mean == doctest::Approx(40.0));
}

TEST_CASE("goodput counts the requests that meet every bound, of all due") {
  RunData data = run_of({ok_record(0.0, {100.0, 110.0}), ok_record(0.0, {100.0, 190.0}),
                         ok_record(0.0, {300.0, 310.0}), ok_record(0.0, {300.0, 400.0}),
                         failed_record(0.0, Outcome::reset, 1000.0)});
  data.manifest.slos = {{"ttft_ms", 200.0}, {"tpot_ms", 50.0}};
  const Goodput good = only_cell(data).goodput;
  CHECK(good.good == 1);
  CHECK(good.share == doctest::Approx(0.2));
  CHECK(good.per_s == doctest::Approx(1.0));
  CHECK(good.failed_by.at("ttft_ms") == 2);
  CHECK(good.failed_by.at("tpot_ms") == 2);
}

TEST_CASE(
    "a bound that is just met is met, and one that does not apply neither fails nor saves a "
    "request") {
  RunData data = run_of({ok_record(0.0, {200.0})});
  data.manifest.slos = {{"ttft_ms", 200.0}, {"tpot_ms", 0.001}};
  CHECK(only_cell(data).goodput.good == 1);
  data.manifest.slos = {{"ttft_ms", 199.999}};
  CHECK(only_cell(data).goodput.good == 0);
  data.manifest.slos.clear();
  CHECK(only_cell(data).goodput.good == 1);
}

TEST_CASE("bounds can be put on a request's own times, by their keys, and on nothing else") {
  CHECK(slo_metric("ttft_ms") == Metric::ttft);
  CHECK(slo_metric("e2e_from_due_ms") == Metric::e2e_from_due);
  for (const char* key : {"itl_ms", "chunk_gap_ms", "client_lag_ms", "send_lag_ms", "ttft", ""}) {
    CHECK_FALSE(slo_metric(key).has_value());
  }
}

TEST_CASE(
    "requests in flight are counted by their comings and goings, and agree with Little's law") {
  const Record a = ok_record(0.0, {100.0}), b = ok_record(50.0, {100.0}),
               c = ok_record(300.0, {100.0});
  CHECK(mean_in_flight({&a, &b, &c}, at_ms(0.0), at_ms(400.0)) == doctest::Approx(0.75));
  CHECK(mean_in_flight({}, at_ms(0.0), at_ms(400.0)) == 0.0);
  CHECK(mean_in_flight({&a}, at_ms(5.0), at_ms(5.0)) == 0.0);
  const CellSummary cell = only_cell(run_of({a, b, c}));
  CHECK(cell.concurrency_mean == doctest::Approx(0.75));
  CHECK(cell.concurrency_little == doctest::Approx(0.75));

  Random random(Seed{2}, "load");
  std::vector<Record> records;
  for (int i = 0; i < 500; ++i)
    records.push_back(ok_record(1000.0 * random.uniform(), {200.0 * random.exponential()}));
  const CellSummary many = only_cell(run_of(records));
  CHECK(many.concurrency_mean == doctest::Approx(many.concurrency_little).epsilon(1e-9));
}

TEST_CASE("where token counts came from is said, also when it is not one place") {
  Record counted = ok_record(0.0, {1.0, 2.0}), chunks = counted;
  counted.usage = chunks.usage = {};
  RunData data = run_of({counted, chunks});
  data.counted = {5, 0};
  CHECK(only_cell(data).output_source == TokenSource::mixed);
  CHECK(only_cell(data).input_source == TokenSource::none);
  data.counted = {5, 5};
  CHECK(only_cell(data).output_source == TokenSource::tokenizer);
}

TEST_CASE("the instrument's own figures come from the records and from the manifest") {
  Record r = ok_record(0.0, {1.0, 2.0});
  r.reads = 4;
  r.shared_reads = 1;
  r.reconnects = 2;
  Record unstamped = r;
  unstamped.stamps = Stamps::read;
  RunData data = run_of({r, unstamped});
  data.manifest.instrument = {
      {"0", {{"loop_busy_share", 0.5}, {"clock_steps", 3}, {"connections", 7}}}};
  const CellSummary cell = only_cell(data);
  CHECK(cell.instrument.stamps == "mixed");
  CHECK(cell.instrument.coalesced_read_share == doctest::Approx(0.25));
  CHECK(cell.instrument.reconnects == 4);
  CHECK(cell.instrument.loop_busy_share == 0.5);
  CHECK(cell.instrument.connections == 7);
  CHECK(has_reason(cell, "clock was stepped"));
  CHECK(only_cell(run_of({r})).instrument.stamps == "socket");
  CHECK(only_cell(run_of({unstamped})).instrument.stamps == "read");
}

TEST_CASE("a sound cell is valid; each reason against it is a sentence of its own") {
  const std::vector<Record> sound(50, ok_record(0.0, {100.0, 110.0}));
  RunData data = run_of(sound);
  CHECK(only_cell(data).verdict.reasons.empty());

  RunData late = data;
  for (Record& r : late.records) r.due = at_ms(-50.0);
  CHECK(has_reason(only_cell(late), "client-bound: send lag p99 50"));
  late.manifest.cells[0].is_static = false;
  late.manifest.cells[0].request_rate = 10.0;
  CHECK_FALSE(
      has_reason(only_cell(late), "send lag"));  // The wait for a capped loop's slots is meant.
  late.manifest.cells[0].concurrency.reset();
  CHECK(has_reason(only_cell(late), "client-bound: send lag"));

  RunData slow = data;
  for (Record& r : slow.records) r.client_lag = std::chrono::milliseconds(50);
  CHECK_FALSE(
      has_reason(only_cell(slow), "client lag"));  // The kernel's stamps are right all the same.
  for (Record& r : slow.records) r.stamps = Stamps::read;
  CHECK(has_reason(only_cell(slow), "client-bound: client lag p99 50"));

  RunData busy = data;
  busy.manifest.instrument = {{"0", {{"loop_busy_share", 0.95}}}};
  CHECK(has_reason(only_cell(busy), "loop was 95 % busy"));

  RunData off = data;
  off.manifest.cells[0].ignore_eos = true;
  off.manifest.cells[0].output_tokens = 4;
  CHECK(has_reason(only_cell(off), "output length off: 50 of 50"));
  off.manifest.cells[0].output_tokens = 2;
  CHECK(only_cell(off).verdict.is_valid());

  RunData again = data;
  again.records[7].prompt = 3;
  CHECK(has_reason(only_cell(again), "prompts repeated: 1 of 50"));

  RunData cut = data;
  cut.manifest.status = "interrupted";
  cut.manifest.cells[0].requests = 80;
  CHECK(has_reason(only_cell(cut), "cut short: 50 of 80"));

  RunData nothing = run_of({});
  CHECK(has_reason(only_cell(nothing), "nothing was sent"));
  nothing.manifest.status = "interrupted";
  CHECK(has_reason(only_cell(nothing), "did not begin"));
}

TEST_CASE("a run without cells, or with cells without records, folds into nothing") {
  CHECK(summarize(RunData()).cells.empty());
  const CellSummary cell = only_cell(run_of({}));
  CHECK(cell.offered == 0);
  CHECK(cell.error_rate == 0.0);
  for (const Distribution& d : cell.metrics) CHECK(d.empty());
}

}  // namespace
}  // namespace tacho
