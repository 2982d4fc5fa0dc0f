// Measured against true.
#include "report/truth.h"

#include <doctest/doctest.h>

#include "records.h"
#include "sim/truth.h"

namespace tacho {
namespace {

/// A truth whose pieces left within these intervals, ms.
Truth truth_of(const std::string& id, double received,
               const std::vector<std::pair<double, double>>& intervals) {
  Truth truth;
  truth.id = id;
  truth.received = at_ms(received);
  for (const auto& [from, to] : intervals) {
    truth.planned.push_back(at_ms(from));
    truth.written.push_back(at_ms(from));
    truth.taken.push_back(to < 0 ? never : at_ms(to));
  }
  return truth;
}

double mean(const Json& errors, const char* key) { return errors[key]["mean"].get<double>(); }

TEST_CASE(
    "what the engine writes of itself is what is read, and the errors are those that were put in") {
  const Truth truth = truth_of("chatcmpl-1", 1.0, {{101, 101}, {111, 111}, {121, 121}});
  const auto truths = read_truths(to_json_line(truth) + "\n\n");
  REQUIRE(truths.ok());
  const TrueTimes& read = truths->at("chatcmpl-1");
  CHECK(read.received == at_ms(1.0));
  CHECK(read.planned == truth.planned);
  REQUIRE(read.written.size() == 3);
  CHECK(read.written[2].from == at_ms(121.0));
  CHECK(read.written[2].to == at_ms(121.0));

  Record record = ok_record(0.0, {102.0, 112.0, 125.0});
  record.response_id = "chatcmpl-1";
  Record other = record;
  other.response_id = "chatcmpl-2";
  Record failed = record;
  failed.outcome = Outcome::reset;
  const Json errors = truth_errors({&record, &other, &failed}, *truths);
  CHECK(errors["requests"] == 1);
  CHECK(mean(errors, "ttft_error_ms") == doctest::Approx(2.0));
  CHECK(mean(errors, "gap_error_ms") == doctest::Approx(1.5));
  CHECK(errors["gap_error_ms"]["max"].get<double>() == doctest::Approx(3.0));
  CHECK(mean(errors, "stamp_error_ms") == doctest::Approx(2.0));
  CHECK(mean(errors, "send_error_ms") == doctest::Approx(1.0));
  CHECK(errors["sent_after_arrival"] == 0);
  CHECK(mean(errors, "width_ms") == doctest::Approx(0.0));
}

TEST_CASE("a stamp within the write is no error; outside it counts from the nearer bound") {
  // The engine was off its core for 4 ms in the middle of its second write.
  const Truth truth = truth_of("a", 0.0, {{100, 101}, {110, 114}, {120, 121}});
  const auto truths = read_truths(to_json_line(truth));
  REQUIRE(truths.ok());
  Record inside = ok_record(0.0, {100.5, 113.0, 120.5});
  inside.response_id = "a";
  const Json none = truth_errors({&inside}, *truths);
  for (const char* key : {"ttft_error_ms", "gap_error_ms", "stamp_error_ms"})
    CHECK(none[key]["max"].get<double>() == 0.0);
  CHECK(none["width_ms"]["max"].get<double>() == doctest::Approx(4.0));

  Record outside = ok_record(0.0, {103.0, 109.0, 120.5});
  outside.response_id = "a";
  const Json some = truth_errors({&outside}, *truths);
  CHECK(some["ttft_error_ms"]["max"].get<double>() == doctest::Approx(2.0));
  // 6 ms, where at least 110 - 101 = 9 passed; then 11.5 ms, where at most 121 - 110 = 11 did.
  CHECK(some["gap_error_ms"]["max"].get<double>() == doctest::Approx(3.0));
  CHECK(some["gap_error_ms"]["min"].get<double>() == doctest::Approx(0.5));
  CHECK(mean(some, "stamp_error_ms") == doctest::Approx(1.0));  // 2, 1 and 0.
}

TEST_CASE("a request that arrived before it was sent is counted, and its error is the distance") {
  const auto truths = read_truths(to_json_line(truth_of("a", -2.0, {{100, 100}})));
  REQUIRE(truths.ok());
  Record record = ok_record(0.0, {100.0});
  record.response_id = "a";
  const Json errors = truth_errors({&record}, *truths);
  CHECK(errors["sent_after_arrival"] == 1);
  CHECK(mean(errors, "send_error_ms") == doctest::Approx(2.0));
}

TEST_CASE("what the engine could not say is not compared") {
  const auto truths = read_truths(to_json_line(truth_of("a", 0.0, {{10, 11}, {20, -1}, {30, 31}})));
  REQUIRE(truths.ok());
  Record record = ok_record(0.0, {10.5, 25.0, 30.5});
  record.response_id = "a";
  const Json errors = truth_errors({&record}, *truths);
  CHECK(errors["requests"] == 1);
  CHECK(errors["stamp_error_ms"]["n"] == 2);
  CHECK(errors["gap_error_ms"].is_null());
}

TEST_CASE("what is no truth is refused") {
  CHECK_FALSE(read_truths("{\"id\":1}").ok());
  CHECK_FALSE(read_truths("<html>").ok());
  CHECK(read_truths("")->empty());
}

}  // namespace
}  // namespace tacho
