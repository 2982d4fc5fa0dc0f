#include "base/yaml.h"

#include <doctest/doctest.h>

namespace tacho {
namespace {

std::string compact(std::string_view yaml) {
  const auto json = parse_yaml(yaml, "f");
  return json ? dump_json(*json) : json.error().message;
}

TEST_CASE("maps and lists nest by indentation, and a list may stand as far left as its key") {
  CHECK(compact("a: 1\nb:\n  c: x y\n  d:\n  - p\n  - q: 1\n    r: 2\n  -\n    s: 3\ne:\n") ==
        R"({"a":"1","b":{"c":"x y","d":["p",{"q":"1","r":"2"},{"s":"3"}]},"e":null})");
  CHECK(compact("- - a\n  - b\n- c") == R"([["a","b"],"c"])");
  CHECK(compact("") == "null");
}

TEST_CASE("texts are plain, quoted, kept line by line or joined; comments are none of them") {
  CHECK(compact("# head\na: 'it''s'  # why\nb: \"x\\n\\\"#\"\nc: it's # not\nd: a#b") ==
        R"({"a":"it's","b":"x\n\"#","c":"it's","d":"a#b"})");
  CHECK(compact("a: |\n  one\n    two\n\n  # three\nb: >-\n  one\n  two\nc: one\n  two\n") ==
        R"({"a":"one\n  two\n\n# three\n","b":"one two","c":"one two"})");
}

TEST_CASE("short lists and maps may stand on one line") {
  CHECK(compact("a: [x, 'y, z', {k: v, l: [1]}]  # c\nb: {}\nc: []") ==
        R"({"a":["x","y, z",{"k":"v","l":["1"]}],"b":{},"c":[]})");
}

TEST_CASE("an expression of Prometheus passes as it was typed") {
  CHECK(compact(R"(expr: sum by (a) (rate(x{b="c"}[5m])) > 0.5)") ==
        R"({"expr":"sum by (a) (rate(x{b=\"c\"}[5m])) > 0.5"})");
}

TEST_CASE("what is not read is refused with its line") {
  CHECK(compact("a: 1\nb: &x 2") ==
        "f: line 2 begins a value with '&', which is not read here; quote it");
  CHECK(compact("a: 1\n  b: 2") == "f: line 2 is indented too far");
  CHECK(compact("a: 1\na: 2") == "f: line 2 has 'a' again");
  CHECK(compact("a:\n\tb: 2") == "f: line 2 is indented by a tab; use spaces");
  CHECK(compact("a: 'x") == "f: line 1 has a quote that stays open");
  CHECK(compact("a: [x") == "f: line 1 has a bracket that stays open");
  CHECK(compact("a: 1\nwords only") == "f: line 2 has no 'key:'");
  CHECK(compact("a: \"\\q\"") == "f: line 1 has an escape that is not known");
  CHECK(compact("  a: 1\nb: 2") == "f: line 2 is not indented as the lines before it");
}

TEST_CASE("scalars are written so that they come back") {
  for (const char* text :
       {"plain words", "", "a: b", "5m", "true", "x # y", "q\"\\\n", "é", " s"}) {
    CHECK(compact("k: " + yaml_scalar(text)) == dump_json(Json{{"k", text}}));
  }
}

}  // namespace
}  // namespace tacho
