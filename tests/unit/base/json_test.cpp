// JSON in and out: errors that an editor can find, and getters that forgive.
#include "base/json.h"

#include <doctest/doctest.h>

namespace tacho {
namespace {

std::string message_of(std::string_view text) {
  const auto result = parse_json(text, "config.json");
  return result.ok() ? "" : result.error().message;
}

TEST_CASE("an error names the file, the line and the column") {
  CHECK(message_of("{\"a\": 1,\n  \"b\": oops}") ==
        "config.json: line 2, column 8: not valid JSON");
  CHECK(message_of("x") == "config.json: line 1, column 1: not valid JSON");
  CHECK(message_of("[1,\n2,\n") == "config.json: line 3, column 1: not valid JSON");
  CHECK(message_of("").starts_with("config.json: line 1, column 1"));
  CHECK(message_of("{} {}").starts_with("config.json: line 1, column "));
}

TEST_CASE("a zero byte is no end of the text") {
  using namespace std::string_view_literals;
  CHECK(message_of("{}\0"sv) == "config.json: line 1, column 3: not valid JSON");
  CHECK(message_of("[1,\n2]\0 rubbish"sv) == "config.json: line 2, column 3: not valid JSON");
}

TEST_CASE("a missing file is named by the error") {
  const auto result = read_json_file("/no/such/file.json");
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().message.find("/no/such/file.json") != std::string::npos);
}

TEST_CASE("keys keep the order they were written in") {
  const auto result = parse_json(R"({"z": 1, "a": [true, null], "m": "x"})", "text");
  REQUIRE(result.ok());
  CHECK(dump_json(*result) == R"({"z":1,"a":[true,null],"m":"x"})");
}

TEST_CASE("text that is no UTF-8 is written with replacements instead of failing") {
  CHECK(dump_json(Json("a\xff")) == "\"a\xEF\xBF\xBD\"");
}

TEST_CASE("an indent writes one value a line") {
  CHECK(dump_json(Json{{"a", 1}}, 2) == "{\n  \"a\": 1\n}");
}

TEST_CASE("the getters answer the default for what is missing or of another type") {
  const Json object = {{"name", "tacho"}, {"rate", 2.5}, {"count", 3}};
  CHECK(json_string(object, "name") == "tacho");
  CHECK(json_string(object, "rate", "none") == "none");
  CHECK(json_string(object, "missing") == "");
  CHECK(json_number(object, "rate") == 2.5);
  CHECK(json_number(object, "count") == 3.0);
  CHECK(json_number(object, "name", -1.0) == -1.0);
  CHECK(json_number(Json::array({1}), "rate", -1.0) == -1.0);
  CHECK(json_string(Json(), "name", "none") == "none");
}

}  // namespace
}  // namespace tacho
