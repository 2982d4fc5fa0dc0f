// Traces as they are published: read whole or refused with the place, cut and sped up exactly.
#include "workload/trace.h"

#include <doctest/doctest.h>

using namespace std::chrono_literals;

namespace tacho {
namespace {

std::vector<TraceEntry> trace_of(const std::string& text) {
  auto entries = parse_trace(text, "/data/t.jsonl");
  if (!entries) FAIL(entries.error().message);
  return std::move(*entries);
}

std::string refusal(const std::string& text) {
  const auto entries = parse_trace(text, "/data/t.jsonl");
  REQUIRE_FALSE(entries.ok());
  CHECK(entries.error().kind == Error::Kind::input);
  return entries.error().message;
}

constexpr const char* mooncake =
    R"({"timestamp": 27482, "input_length": 6955, "output_length": 52, "hash_ids": [46, 47]}
{"timestamp": 30535, "input_length": 6472, "output_length": 26, "hash_ids": [46, 60]}
{"timestamp": 30535.5, "input_length": 12, "output_length": 0}
)";

TEST_CASE("a Mooncake trace: times in milliseconds, lengths in tokens") {
  const auto entries = trace_of(mooncake);
  REQUIRE(entries.size() == 3);
  CHECK(entries[0].due == 27'482ms);
  CHECK(entries[0].input_tokens == 6955);
  CHECK(entries[0].output_tokens == 52);
  CHECK(entries[0].text.empty());
  CHECK(entries[2].due == 30'535'500us);
  CHECK(entries[2].output_tokens == 0);
}

TEST_CASE("texts, delays, lists and numbers in quotes are traces too; they are put in order") {
  const auto entries = trace_of(
      R"([{"timestamp": "500", "text_input": "later", "output_length": "7"},
          {"timestamp": 100, "prompt": "first", "input_length": 3},
          {"delay": 250, "text": "after a delay"}])");
  REQUIRE(entries.size() == 3);
  CHECK(entries[0].text == "first");
  CHECK(entries[0].input_tokens == 0);  // The text is what is sent, and it is counted.
  CHECK(entries[1].text == "after a delay");
  CHECK(entries[1].due == 350ms);
  CHECK(entries[2].due == 500ms);
  CHECK(entries[2].output_tokens == 7);
}

TEST_CASE("what is no trace is refused with its place") {
  CHECK(refusal("{\"timestamp\": 1, \"input_length\": 2}\n{\"input_length\": 2}\n") ==
        "t.jsonl:2: no time; a trace has a \"timestamp\" or a \"delay\" in ms");
  CHECK(refusal("{\"timestamp\": 1}\n") ==
        "t.jsonl:1: neither an \"input_length\" nor a \"text_input\"");
  CHECK(refusal("{\"timestamp\": -1, \"input_length\": 2}\n") == "t.jsonl:1: a time before 0");
  CHECK(refusal("[\"a text\"]") == "t.jsonl:#1: a text without a time");
  CHECK(refusal("[]") == "'/data/t.jsonl' has no entries");
  CHECK(refusal("hello").find("no dataset") != std::string::npos);
}

TEST_CASE("a cut begins at its first request, or at the offset that was asked for") {
  const auto entries = trace_of(mooncake);
  const auto whole = cut_trace(entries, {});
  CHECK(whole[0].due == 0ms);
  CHECK(whole[1].due == 3053ms);
  CHECK(cut_trace(entries, {.speedup = 2.0})[1].due == 1'526'500us);
  const auto late = cut_trace(entries, {.start_s = 30.0});
  REQUIRE(late.size() == 2);
  CHECK(late[0].due == 535ms);
  CHECK(cut_trace(entries, {.end_s = 30.0}).size() == 1);
  CHECK(cut_trace(entries, {.start_s = 27.482, .end_s = 30.535}).size() == 1);
  CHECK(cut_trace(entries, {.count_max = 2}).size() == 2);
  CHECK(cut_trace(entries, {.start_s = 99.0}).empty());
}

}  // namespace
}  // namespace tacho
