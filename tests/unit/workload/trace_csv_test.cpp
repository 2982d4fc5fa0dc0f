// Azure's CSV as a trace.
#include "workload/trace_csv.h"

#include <doctest/doctest.h>

namespace tacho {

TEST_CASE("a CSV trace has Azure's times, with and without fractions and zones") {
  const std::string text =
      "TIMESTAMP,ContextTokens,GeneratedTokens\r\n"
      "2023-11-16 23:59:59.5000000,374,44\r\n"
      "2023-11-17 00:00:01,396,109\r\n"
      "\r\n"
      "2023-11-17 00:00:00.250000+00:00,5,0\r\n";
  REQUIRE(is_csv_trace(text));
  const auto entries = parse_csv_trace(text, "t.csv");
  REQUIRE(entries.ok());
  REQUIRE(entries->size() == 3);
  CHECK(to_ms((*entries)[0].due) == doctest::Approx(0.0));
  CHECK(to_ms((*entries)[1].due) == doctest::Approx(750.0));
  CHECK((*entries)[1].input_tokens == 5);
  CHECK(to_ms((*entries)[2].due) == doctest::Approx(1500.0));
  CHECK((*entries)[2].output_tokens == 109);
}

TEST_CASE("a CSV trace names the line that is none") {
  const std::string head = "TIMESTAMP,ContextTokens,GeneratedTokens\n";
  for (const char* line : {"yesterday,1,1", "2023-11-16 18:15:46,0,1", "2023-11-16 18:15:46,1",
                           "12.5,1,x", "2023-13-16 18:15:46,1,1", ",,", "12.5,99999999999,1"}) {
    CAPTURE(line);
    const auto read = parse_csv_trace(head + "1.5,10,20\n" + line + "\n", "t.csv");
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().message.starts_with("t.csv:3: '"));
  }
  CHECK_FALSE(parse_csv_trace(head, "t.csv").ok());
  CHECK_FALSE(is_csv_trace("{\"timestamp\": 1}"));
}

}  // namespace tacho
