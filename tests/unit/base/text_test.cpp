// Small text helpers: what they promise at their edges.
#include "base/text.h"

#include <doctest/doctest.h>

namespace tacho {
namespace {

using Parts = std::vector<std::string_view>;

TEST_CASE("split keeps empty parts, but an empty text has none") {
  CHECK(split("a,b", ',') == Parts{"a", "b"});
  CHECK(split("a,,b,", ',') == Parts{"a", "", "b", ""});
  CHECK(split(",", ',') == Parts{"", ""});
  CHECK(split("abc", ',') == Parts{"abc"});
  CHECK(split("", ',').empty());
}

TEST_CASE("join undoes split, also when the first parts are the same or empty") {
  CHECK(join({"a", "", "b"}, ",") == "a,,b");
  CHECK(join({"", ""}, ", ") == ", ");
  CHECK(join({"one"}, ",") == "one");
  CHECK(join({}, ",") == "");
}

TEST_CASE("trim takes white space from the ends only") {
  CHECK(trim("  a b\t\r\n") == "a b");
  CHECK(trim("a") == "a");
  CHECK(trim(" \t\r\n") == "");
  CHECK(trim("") == "");
}

TEST_CASE("letter case is ASCII's, so that bytes of other characters stay what they are") {
  CHECK(lower("Content-LENGTH Zß") == "content-length zß");
  CHECK(equal_ignoring_case("Transfer-Encoding", "transfer-encoding"));
  CHECK_FALSE(equal_ignoring_case("a", "ab"));
  CHECK_FALSE(equal_ignoring_case("[", "{"));  // They differ by the bit that letters differ by.
}

TEST_CASE("an integer is the whole text or nothing") {
  CHECK(parse_integer("42") == 42);
  CHECK(parse_integer("-7") == -7);
  CHECK(parse_integer("9223372036854775807") == INT64_MAX);
  for (const char* text :
       {"", " 1", "1 ", "+1", "1.0", "0x10", "9223372036854775808", "-", "1e3"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_integer(text).has_value());
  }
}

TEST_CASE("a number is finite and the whole text, or nothing") {
  CHECK(parse_number("0.5") == 0.5);
  CHECK(parse_number("-1e3") == -1000.0);
  CHECK(parse_number("2") == 2.0);
  for (const char* text : {"", "inf", "nan", "1,5", "1 ", "1e999", "--1", "0.5s"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_number(text).has_value());
  }
}

TEST_CASE("significant digits never turn into exponents") {
  CHECK(format_significant(0.1234, 3) == "0.123");
  CHECK(format_significant(1234.5) == "1234");
  CHECK(format_significant(12.345) == "12.35");
  CHECK(format_significant(1.0) == "1.000");
  CHECK(format_significant(0.0) == "0");
  CHECK(format_significant(-2.5, 2) == "-2.5");
  CHECK(format_significant(1e15) == "1000000000000000");
  CHECK(format_significant(1e300 * 1e300) == "inf");
}

TEST_CASE("the width of a text is counted in columns, as a terminal draws it") {
  CHECK(display_width("abc") == 3);
  CHECK(display_width("吞吐量") == 6);
  CHECK(display_width("é") == 1);
  CHECK(display_width("e\u0301") == 1);  // The same letter with a combining accent.
  CHECK(display_width("😀") == 2);
  CHECK(display_width("µs → ±") == 6);
  CHECK(display_width("\xff\xfe") == 2);  // Each invalid byte is drawn as one replacement.
  CHECK(display_width("") == 0);
}

TEST_CASE("a cut never leaves half a character") {
  const std::string_view text = "aé吞😀";  // 1 + 2 + 3 + 4 bytes.
  const std::size_t kept[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
  for (std::size_t bytes = 0; bytes < std::size(kept); ++bytes) {
    CAPTURE(bytes);
    CHECK(cut_utf8(text, bytes).size() == kept[bytes]);
  }
}

std::string escaped(std::string_view text) {
  std::string out;
  append_json_escaped(out, text);
  return out;
}

TEST_CASE("JSON escapes what JSON must, and replaces what is no UTF-8") {
  CHECK(escaped("a\"b\\c\n\r\t") == "a\\\"b\\\\c\\n\\r\\t");
  CHECK(escaped(std::string_view("\0\x1f", 2)) == "\\u0000\\u001f");
  CHECK(escaped("吞😀é") == "吞😀é");
  CHECK(escaped("\xEF\xBF\xBD") == "\xEF\xBF\xBD");                      // A real U+FFFD stays one.
  CHECK(escaped("a\xffz") == "a\xEF\xBF\xBDz");                          // No lead byte.
  CHECK(escaped("\xC3") == "\xEF\xBF\xBD");                              // Cut short.
  CHECK(escaped("\xC0\xAF") == "\xEF\xBF\xBD\xEF\xBF\xBD");              // An overlong slash.
  CHECK(escaped("\xED\xA0\x80").find('\xED') == std::string::npos);      // A surrogate.
  CHECK(escaped("\xF5\x80\x80\x80").find('\xF5') == std::string::npos);  // Above U+10FFFF.
}

TEST_CASE("CSV fields are quoted only when they must be") {
  CHECK(csv_field("plain text") == "plain text");
  CHECK(csv_field("a,b") == "\"a,b\"");
  CHECK(csv_field("say \"hi\"") == "\"say \"\"hi\"\"\"");
  CHECK(csv_field("two\nlines") == "\"two\nlines\"");
  CHECK(csv_field("") == "");
}

}  // namespace
}  // namespace tacho
