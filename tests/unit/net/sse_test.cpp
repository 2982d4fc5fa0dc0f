// Event streams by the standard, cut at every byte.
#include "net/sse.h"

#include <doctest/doctest.h>

#include <vector>

namespace tacho {
namespace {

using Events = std::vector<std::string>;

Events read(const std::vector<std::string_view>& pieces) {
  SseParser parser;
  Events events;
  const auto add = [&](std::string_view data) { events.emplace_back(data); };
  for (const auto piece : pieces) CHECK(parser.feed(piece, add));
  parser.finish(add);
  return events;
}

struct Case {
  std::string_view what;
  std::string_view bytes;
  Events expected;
};

const std::vector<Case> cases{
    {"line feeds", "data: a\n\ndata: b\n\n", {"a", "b"}},
    {"carriage returns", "data: a\r\rdata: b\r\r", {"a", "b"}},
    {"both", "data: a\r\n\r\ndata: b\r\n\r\n", {"a", "b"}},
    {"any mixture", "data: a\n\r\ndata: b\r\n\rdata: c\r\n\n", {"a", "b", "c"}},
    {"no space, or more than one", "data:a\n\ndata:  b\n\n", {"a", " b"}},
    {"data of several lines", "data: a\ndata: b\ndata:\ndata: c\n\n", {"a\nb\n\nc"}},
    {"empty data is an event", "data:\n\ndata\n\ndata: \n\n", {"", "", ""}},
    {"comments, names, ids and retries are no data",
     ": hi\nevent: x\nid: 1\nretry: 5\n\nevent: y\ndata: a\n\n",
     {"a"}},
    {"fields that only begin like data", "database: x\n\ndatax\n\ndata: a\n\n", {"a"}},
    {"empty lines between events", "\n\n\ndata: a\n\n\n\ndata: b\n\n", {"a", "b"}},
    {"a byte order mark",
     "\xEF\xBB\xBF"
     "data: a\n\n\xEF\xBB\xBF"
     "data: b\n\n",
     {"a"}},
    {"no empty line at the end", "data: a\n\ndata: b\n", {"a", "b"}},
    {"no line end at the end", "data: a\n\ndata: b", {"a", "b"}},
    {"colons and CJK in the data", "data: {\"a\": \"你好: x\"}\n\n", {"{\"a\": \"你好: x\"}"}},
    {"nothing", "", {}},
    {"only a comment", ": ping\n\n", {}},
    {"the last line is a comment", "data: a\n\n: bye", {"a"}},
};

TEST_CASE("each stream yields its events") {
  for (const Case& c : cases) {
    CAPTURE(std::string(c.what));
    CHECK(read({c.bytes}) == c.expected);
  }
}

TEST_CASE("cut in two at every byte, and fed byte by byte, each stream yields the same") {
  for (const Case& c : cases) {
    CAPTURE(std::string(c.what));
    for (std::size_t cut = 0; cut <= c.bytes.size(); ++cut) {
      CAPTURE(cut);
      CHECK(read({c.bytes.substr(0, cut), c.bytes.substr(cut)}) == c.expected);
    }
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < c.bytes.size(); ++i) bytes.push_back(c.bytes.substr(i, 1));
    CHECK(read(bytes) == c.expected);
  }
}

TEST_CASE(
    "an event is handed out as soon as its last line end has come, even when that may be half a "
    "CRLF") {
  SseParser parser;
  Events events;
  const auto add = [&](std::string_view data) { events.emplace_back(data); };
  parser.feed("data: a\r\n\r", add);
  CHECK(events == Events{"a"});
  parser.feed("\ndata: b\n\n", add);
  CHECK(events == Events{"a", "b"});
}

TEST_CASE("a large event comes through whole; one beyond the bound ends the stream") {
  const std::string large(1 << 20, 'x');
  CHECK(read({"data: ", large, "\n\n"}) == Events{large});

  const auto none = [](std::string_view) {};
  SseParser one_line;
  bool is_fine = true;
  for (int i = 0; i < 20 && is_fine; ++i) is_fine = one_line.feed(large, none);
  CHECK_FALSE(is_fine);

  SseParser many_lines;
  is_fine = true;
  for (int i = 0; i < 20 && is_fine; ++i) is_fine = many_lines.feed("data: " + large + "\n", none);
  CHECK_FALSE(is_fine);

  SseParser long_comment;
  is_fine = true;
  for (int i = 0; i < 20 && is_fine; ++i)
    is_fine = long_comment.feed(i == 0 ? ":" + large : large, none);
  CHECK_FALSE(is_fine);
}

TEST_CASE("a finished parser begins anew") {
  SseParser parser;
  Events events;
  const auto add = [&](std::string_view data) { events.emplace_back(data); };
  parser.feed("data: half", add);
  parser.finish(add);
  parser.feed(
      "\xEF\xBB\xBF"
      "data: b\n\n",
      add);
  parser.finish(add);
  CHECK(events == Events{"half", "b"});
}

}  // namespace
}  // namespace tacho
