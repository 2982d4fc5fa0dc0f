// The flag table as a parser: what people type, in all the ways they type it.
#include "cli/flags.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "cli/bench_options.h"

namespace tacho {
namespace {

BenchOptions parsed(const std::vector<std::string>& arguments) {
  BenchOptions options;
  auto others = bench_flags(options).parse(arguments);
  REQUIRE_MESSAGE(others.ok(), (others.ok() ? "" : others.error().message));
  CHECK(others->empty());
  return options;
}

std::string refusal(const std::vector<std::string>& arguments) {
  BenchOptions options;
  const auto others = bench_flags(options).parse(arguments);
  return others.ok() ? "(taken)" : others.error().message;
}

TEST_CASE("lists come with commas, with spaces, with both, and end at the next flag") {
  const std::vector<std::uint32_t> wanted{1, 4, 8};
  CHECK(parsed({"--concurrency", "1,4,8"}).concurrency == wanted);
  CHECK(parsed({"--concurrency", "1", "4", "8"}).concurrency == wanted);
  CHECK(parsed({"--concurrency", "1,", "4,8"}).concurrency == wanted);
  CHECK(parsed({"--concurrency=1,4,8"}).concurrency == wanted);
  const auto options = parsed({"--parallel-num", "1", "4", "8", "--epochs", "2"});
  CHECK(options.concurrency == wanted);
  CHECK(options.epochs == 2);
}

TEST_CASE("rates may be infinite, and nothing else that is no positive number") {
  const auto rates = parsed({"--request-rate", "0.01", "2", "inf"}).request_rate;
  REQUIRE(rates.size() == 3);
  CHECK(rates[0] == 0.01);
  CHECK(std::isinf(rates[2]));
  CHECK(refusal({"--request-rate", "0"}).find("positive") != std::string::npos);
  CHECK(refusal({"--request-rate", "nan"}).find("'nan'") != std::string::npos);
}

TEST_CASE("a flag that takes one text takes any text, and a repeated one keeps all") {
  CHECK(parsed({"--extra-body", R"({"a": [1, 2]})"}).extra_body == R"({"a": [1, 2]})");
  const auto options = parsed({"-H", "A: b, c", "-H", "D: e"});
  CHECK(options.headers == std::vector<std::string>{"A: b, c", "D: e"});
}

TEST_CASE("times have units") {
  CHECK(parsed({"--duration", "90"}).duration_s == 90.0);
  CHECK(parsed({"--duration", "10m"}).duration_s == 600.0);
  CHECK(parsed({"--duration", "500ms"}).duration_s == 0.5);
  CHECK(parsed({"--max-seconds", "1h"}).duration_s == 3600.0);
  CHECK(refusal({"--duration", "soon"}).find("'soon'") != std::string::npos);
}

TEST_CASE("a slip of the finger is named, with what was probably meant") {
  CHECK(refusal({"--concurency", "4"}) ==
        "unknown option '--concurency'; did you mean --concurrency?");
  CHECK(refusal({"--frobnicate"}) == "unknown option '--frobnicate'; --help lists them");
}

TEST_CASE("a flag without its value, and a switch with one, are refused") {
  CHECK(refusal({"--model"}).find("--model needs a value") != std::string::npos);
  CHECK(refusal({"--concurrency", "--epochs", "1"}).find("needs a value") != std::string::npos);
  CHECK(refusal({"--quiet=yes"}).find("takes no value") != std::string::npos);
  CHECK(refusal({"--epochs", "0"}).find("at least 1") != std::string::npos);
  CHECK(refusal({"--epochs", "99999999999"}).find("whole number") != std::string::npos);
}

TEST_CASE("no name is given to two flags, and every flag has a help text") {
  for (const Command& command : commands()) {
    const FlagTable table = command.flags();
    std::vector<std::string> names;
    for (const Flag& flag : table.rows()) {
      CHECK(!flag.help.empty());
      for (const auto& name : flag.names) {
        CAPTURE(name);
        CHECK(std::find(names.begin(), names.end(), name) == names.end());
        names.push_back(name);
      }
    }
  }
}

}  // namespace
}  // namespace tacho
