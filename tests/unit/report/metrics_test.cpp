// Each metric against values worked out by hand, and the three replies on which other tools
// disagree by a factor of eight.
#include "report/metrics.h"

#include <doctest/doctest.h>

#include <numeric>
#include <set>

#include "records.h"

namespace tacho {
namespace {

/// A reply whose chunks hold these many tokens each, four bytes a token, `gap_ms` apart, the first
/// after 500 ms.
Record reply(const std::vector<std::uint32_t>& tokens, double gap_ms) {
  std::vector<double> times;
  for (std::size_t i = 0; i < tokens.size(); ++i)
    times.push_back(500.0 + gap_ms * static_cast<double>(i));
  Record record = ok_record(0.0, times);
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    record.chunks[i].bytes = 4 * tokens[i];
    sum += tokens[i];
  }
  record.usage.output_tokens = sum;
  return record;
}

double mean_itl(const Record& record) {
  const RunSummary run = summarize(run_of({record}));
  return run.cells.at(0).of(Metric::itl).mean;
}

TEST_CASE("three replies whose true pace is 20, 12.5 and 20 ms a token come out as just that") {
  // A: 100 tokens, one a chunk. B: the first chunk one token, then four every 50 ms. C: eight a
  // chunk, also the first.
  const Record a = reply(std::vector<std::uint32_t>(100, 1), 20.0);
  std::vector<std::uint32_t> b_tokens(26, 4);
  b_tokens[0] = 1;
  const Record b = reply(b_tokens, 50.0);
  const Record c = reply(std::vector<std::uint32_t>(13, 8), 160.0);
  REQUIRE(a.usage.output_tokens == 100);
  REQUIRE(b.usage.output_tokens == 101);
  REQUIRE(c.usage.output_tokens == 104);
  for (const auto& [record, pace] : {std::pair{a, 20.0}, {b, 12.5}, {c, 20.0}}) {
    CAPTURE(pace);
    CHECK(value_of(Metric::ttft, record, 0).value() == doctest::Approx(500.0));
    CHECK(value_of(Metric::tpot, record, *record.usage.output_tokens).value() ==
          doctest::Approx(pace).epsilon(1e-9));
    CHECK(mean_itl(record) == doctest::Approx(pace).epsilon(1e-9));
  }
  // ITL has one sample for each token after the first chunk; the raw gaps are kept beside it.
  const RunSummary run = summarize(run_of({c}));
  CHECK(run.cells[0].of(Metric::itl).n == 96);
  CHECK(run.cells[0].of(Metric::chunk_gap).n == 12);
  CHECK(run.cells[0].of(Metric::chunk_gap).mean == doctest::Approx(160.0));
  CHECK(run.cells[0].instrument.multi_token_chunk_share == 1.0);
}

TEST_CASE(
    "the same when the server itself says how many tokens each chunk holds, whatever their bytes") {
  Record c = reply(std::vector<std::uint32_t>(13, 8), 160.0);
  for (Chunk& chunk : c.chunks) chunk.tokens = 8, chunk.bytes = 1;
  CHECK(value_of(Metric::tpot, c, 104).value() == doctest::Approx(20.0));
  CHECK(mean_itl(c) == doctest::Approx(20.0));
}

TEST_CASE("times are differences of the record's instants") {
  Record r = ok_record(100.0, {50.0, 60.0, 80.0});
  r.due = at_ms(90.0);
  r.done = at_ms(185.0);
  r.client_lag = std::chrono::microseconds(30);
  r.chunks[0].is_reasoning = true;
  CHECK(value_of(Metric::ttft, r, 3) == 50.0);
  CHECK(value_of(Metric::ttft_from_due, r, 3) == 60.0);
  CHECK(value_of(Metric::ttfo, r, 3) == 60.0);
  CHECK(value_of(Metric::tpot, r, 3) == 15.0);
  CHECK(value_of(Metric::e2e, r, 3) == 80.0);
  CHECK(value_of(Metric::e2e_from_due, r, 3) == 90.0);
  CHECK(value_of(Metric::client_lag, r, 3) == 0.03);
  CHECK(value_of(Metric::input_tokens, r, 3) == 10.0);
  CHECK(value_of(Metric::output_tokens, r, 3) == 3.0);
  r.dialled = at_ms(80.0);
  CHECK(value_of(Metric::send_lag, r, 3) == 10.0);
}

TEST_CASE("an answer that was not streamed ends when it is done, and has no first token") {
  Record r = ok_record(0.0, {});
  r.streamed = false;
  r.done = at_ms(70.0);
  CHECK(value_of(Metric::e2e, r, 5) == 70.0);
  CHECK_FALSE(value_of(Metric::ttft, r, 5).has_value());
  CHECK_FALSE(value_of(Metric::tpot, r, 5).has_value());
}

TEST_CASE("what does not apply has no value: one chunk has no pace, only reasoning has no output") {
  const Record one = ok_record(0.0, {5.0});
  CHECK_FALSE(value_of(Metric::tpot, one, 1).has_value());
  CHECK(value_of(Metric::e2e, one, 1) == 5.0);
  Record thoughts = ok_record(0.0, {5.0, 6.0});
  thoughts.chunks[0].is_reasoning = thoughts.chunks[1].is_reasoning = true;
  CHECK_FALSE(value_of(Metric::ttfo, thoughts, 2).has_value());
  CHECK_FALSE(value_of(Metric::send_lag, Record(), 0).has_value());
  // Two chunks of one token: the second is an empty one of a finish reason, say.
  Record empty_end = ok_record(0.0, {5.0, 6.0});
  CHECK_FALSE(value_of(Metric::tpot, empty_end, 1).has_value());
}

TEST_CASE("tokens are counted by usage, else by the tokenizer, else by chunks") {
  Record r = ok_record(0.0, {1.0, 2.0});
  CHECK(output_tokens(r, 7).tokens == 2);
  CHECK(output_tokens(r, 7).source == TokenSource::usage);
  CHECK(input_tokens(r).source == TokenSource::usage);
  r.usage = {};
  r.input_tokens_planned = 9;
  CHECK(output_tokens(r, 7).tokens == 7);
  CHECK(output_tokens(r, 7).source == TokenSource::tokenizer);
  CHECK(input_tokens(r).tokens == 9);
  CHECK(input_tokens(r).source == TokenSource::tokenizer);
  CHECK(output_tokens(r, 0).tokens == 2);
  CHECK(output_tokens(r, 0).source == TokenSource::chunks);
  r.chunks.clear();
  r.input_tokens_planned = 0;
  CHECK(output_tokens(r, 0).source == TokenSource::none);
  CHECK(input_tokens(r).source == TokenSource::none);
  r.usage.output_tokens = 0;
  CHECK(output_tokens(r, 7).tokens == 0);
}

TEST_CASE("a few tokens more than chunks still count as one a chunk; many more go by bytes") {
  const Record r = ok_record(0.0, std::vector<double>(100, 1.0));
  const auto sum = [](const std::vector<std::uint32_t>& v) {
    return std::accumulate(v.begin(), v.end(), 0u);
  };
  CHECK(sum(tokens_per_chunk(r, 115)) == 100);
  CHECK(sum(tokens_per_chunk(r, 200)) == 200);
  CHECK(sum(tokens_per_chunk(r, 50)) == 100);
  Record uneven = ok_record(0.0, {1.0, 2.0, 3.0});
  uneven.chunks[0].bytes = 2;
  uneven.chunks[1].bytes = 20;
  uneven.chunks[2].bytes = 8;
  CHECK(tokens_per_chunk(uneven, 15) == std::vector<std::uint32_t>{1, 10, 4});
  for (Chunk& chunk : uneven.chunks) chunk.bytes = 0;
  CHECK(tokens_per_chunk(uneven, 15) == std::vector<std::uint32_t>{1, 1, 1});
  CHECK(tokens_per_chunk(Record(), 5).empty());
}

TEST_CASE(
    "each metric stands at its own place in the list, with a key, a title in both languages and a "
    "meaning") {
  std::set<std::string_view> keys;
  for (std::size_t i = 0; i < metric_count; ++i) {
    const MetricInfo& m = metric_infos()[i];
    CHECK(static_cast<std::size_t>(m.metric) == i);
    CHECK(keys.insert(m.key).second);
    CHECK(m.is_time == m.key.ends_with("_ms"));
    for (const auto text : {m.title, m.title_zh, m.meaning}) CHECK_FALSE(text.empty());
  }
  CHECK(info(Metric::itl).key == "itl_ms");
}

}  // namespace
}  // namespace tacho
