// The parser of event streams against a slow reading that follows the standard's own words (WHATWG
// HTML, 9.2.6), one paragraph after the other, on the whole stream at once.
#include "net/sse.h"

#include "base/text.h"
#include "fuzz.h"

namespace tacho::fuzz {
namespace {

std::string read_fast(const std::vector<std::string_view>& pieces) {
  SseParser parser;
  std::string events;
  const auto add = [&](std::string_view data) { events += format("[{}]\n", data); };
  for (const auto piece : pieces) expect(parser.feed(piece, add), "a small event is too long");
  parser.finish(add);
  return events;
}

/// The lines of the stream: they end with CRLF, LF or CR. The last one need not end.
std::vector<std::string> lines_of(std::string_view stream) {
  std::vector<std::string> lines(1);
  for (std::size_t i = 0; i < stream.size(); ++i) {
    if (stream[i] == '\r' || stream[i] == '\n') {
      if (stream[i] == '\r' && i + 1 < stream.size() && stream[i + 1] == '\n') ++i;
      lines.emplace_back();
    } else {
      lines.back() += stream[i];
    }
  }
  return lines;
}

std::string read_slowly(std::string_view stream) {
  if (stream.starts_with("\xEF\xBB\xBF")) stream.remove_prefix(3);
  std::string events;
  std::string data;
  const auto dispatch = [&] {
    if (!data.empty()) events += format("[{}]\n", data.substr(0, data.size() - 1));
    data.clear();
  };
  for (const std::string& line : lines_of(stream)) {
    const auto colon = line.find(':');
    std::string value = colon == std::string::npos ? "" : line.substr(colon + 1);
    if (value.starts_with(' ')) value.erase(0, 1);
    if (line.empty()) dispatch();
    if (line.substr(0, colon) == "data") data += value + "\n";
  }
  dispatch();  // What the standard drops at the end of the stream and we hand out.
  return events;
}

}  // namespace
}  // namespace tacho::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tacho::fuzz;
  Input input(data, size);
  const std::uint8_t seed = input.decide();
  const std::string wanted = read_slowly(input.rest());
  expect_same(read_fast(cut(input.rest(), size + 1)), wanted, "the stream, whole");
  expect_same(read_fast(cut(input.rest(), 1)), wanted, "the stream, byte by byte");
  expect_same(read_fast(cut(input.rest(), 9, 1u + seed)), wanted, "the stream, cut anywhere");
  return 0;
}
