// One way to write down what an HTTP parser says of some bytes, for the two targets that compare
// the readings of the same bytes, cut differently.
#pragma once

#include "base/text.h"
#include "fuzz.h"
#include "net/http1.h"

namespace tacho::fuzz {

/// Writes down what it hears; the pieces of a body are joined.
class Notes final : public HttpSink {
 public:
  void on_head(HttpHead&& head) override {
    text +=
        format("head {} {} {} 1.{}\n", head.status, head.method, head.target, head.minor_version);
    for (const auto& [name, value] : head.fields) text += format(" {}={}\n", name, value);
    text += head.keeps_alive() ? "keep\n" : "close\n";
  }
  void on_body(std::string_view bytes) override {
    expect(!bytes.empty(), "a piece of a body is empty");
    text += bytes;
  }
  void on_message_end() override {
    text += "end\n";
    ++messages;
  }
  std::string text;
  int messages = 0;
};

/// All that comes out of the pieces, and of the end of the connection after them.
inline std::string read_http(HttpParser::Kind kind, const std::vector<std::string_view>& pieces) {
  HttpParser parser(kind);
  Notes notes;
  for (std::string_view piece : pieces) {
    while (!piece.empty() && parser.error().empty()) {
      const int messages = notes.messages;
      const std::size_t used = parser.feed(piece, notes);
      expect(used <= piece.size(), "more bytes are used than there are");
      expect(used == 0 || parser.error().empty(), "bytes are used although there is an error");
      expect(used > 0 || !parser.error().empty(), "nothing is used: a caller would go round");
      expect(notes.messages <= messages + 1, "one call has read more than one message");
      piece.remove_prefix(used);
    }
  }
  if (parser.error().empty()) notes.text += parser.finish(notes) ? "whole\n" : "cut off\n";
  return notes.text + "error: " + parser.error() + (parser.is_idle() ? "\nidle" : "");
}

/// Whatever the cuts, the same events.
inline void compare_cuts(HttpParser::Kind kind, Input input) {
  const std::uint8_t seed = input.decide();
  const std::string_view bytes = input.rest();
  const std::string whole = read_http(kind, cut(bytes, bytes.size() + 1));
  expect_same(read_http(kind, cut(bytes, 1)), whole, "byte by byte, other events come out");
  expect_same(read_http(kind, cut(bytes, 9, 1u + seed)), whole, "cut anywhere, other events come");
}

}  // namespace tacho::fuzz
