// Lists of targets as Prometheus' discovery has them: JSON and YAML, addresses and labels, and what
// is said of lists that are none.
#include "monitor/targets.h"

#include <doctest/doctest.h>

namespace tacho {
namespace {

TEST_CASE("a list of targets: addresses become URLs, labels stay") {
  const auto targets = parse_targets(
      R"([{"targets": ["a:8000", "[::1]:8001"], "labels": {"job": "vllm", "__meta_x": "y"}},
          {"targets": ["b:443"], "labels": {"__scheme__": "https", "__metrics_path__": "/m"}},
          {"targets": []}])",
      "http://sd");
  REQUIRE(targets.ok());
  REQUIRE(targets->size() == 3);
  CHECK((*targets)[0] == WatchTarget{"http://a:8000/metrics", {{"job", "vllm"}}});
  CHECK((*targets)[1].url == "http://[::1]:8001/metrics");
  CHECK((*targets)[2] == WatchTarget{"https://b:443/m", {}});
}

TEST_CASE("the same list as YAML, by the file's name") {
  const auto targets = parse_targets(
      "# engines\n- targets:\n    - a:8000\n    - 'b:8000'\n  labels:\n    job: vllm\n", "t.yml");
  REQUIRE(targets.ok());
  REQUIRE(targets->size() == 2);
  CHECK((*targets)[1] == WatchTarget{"http://b:8000/metrics", {{"job", "vllm"}}});
}

TEST_CASE("what is no list of targets is refused with its place") {
  for (const auto& [text, said] : {
           std::pair{R"({"targets": []})", "a list of targets is"},
           {R"([{"target": "a"}])", "t.json: [0] has no list of targets"},
           {R"([{"targets": [8000]}])", "t.json: [0].targets[0] is no text"},
           {R"([{"targets": ["a:port"]}])", "t.json: [0].targets[0]"},
           {R"([{"targets": ["a:1"], "labels": {"job": 1}}])", "[0].labels.job is no text"},
           {R"([{"targets": ["a:1"], "labels": []}])", "[0].labels is no object"},
           {"[", "t.json"},
       }) {
    CAPTURE(text);
    const auto targets = parse_targets(text, "t.json");
    REQUIRE_FALSE(targets.ok());
    CAPTURE(targets.error().message);
    CHECK(targets.error().message.find(said) != std::string::npos);
  }
}

}  // namespace
}  // namespace tacho
