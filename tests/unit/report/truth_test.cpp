// Measured against true.
#include "report/truth.h"

#include <doctest/doctest.h>

#include "records.h"
#include "sim/truth.h"

namespace tacho {
namespace {

TEST_CASE(
    "what the engine writes of itself is what is read, and the errors are those that were put in") {
  Truth truth;
  truth.id = "chatcmpl-1";
  truth.received = at_ms(1.0);
  truth.planned = truth.written = {at_ms(101.0), at_ms(111.0), at_ms(121.0)};
  const auto truths = read_truths(to_json_line(truth) + "\n\n");
  REQUIRE(truths.ok());
  CHECK(truths->at("chatcmpl-1").received == at_ms(1.0));
  CHECK(truths->at("chatcmpl-1").written == truth.written);

  Record record = ok_record(0.0, {102.0, 112.0, 125.0});
  record.response_id = "chatcmpl-1";
  Record other = record;
  other.response_id = "chatcmpl-2";
  Record failed = record;
  failed.outcome = Outcome::reset;
  const Json errors = truth_errors({&record, &other, &failed}, *truths);
  CHECK(errors["requests"] == 1);
  CHECK(errors["ttft_error_ms"]["mean"].get<double>() == doctest::Approx(2.0));
  CHECK(errors["gap_error_ms"]["mean"].get<double>() == doctest::Approx(1.5));
  CHECK(errors["gap_error_ms"]["max"].get<double>() == doctest::Approx(3.0));
}

TEST_CASE("what is no truth is refused") {
  CHECK_FALSE(read_truths("{\"id\":1}").ok());
  CHECK_FALSE(read_truths("<html>").ok());
  CHECK(read_truths("")->empty());
}

}  // namespace
}  // namespace tacho
