// Small text helpers, and the project's one door to {fmt}.
#pragma once

#include <fmt/core.h>
#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tacho {

using fmt::format;

/// Splits at every separator; "a,,b" yields three parts, "" yields none.
std::vector<std::string_view> split(std::string_view text, char separator);

/// Without spaces, tabs and line ends at both ends.
std::string_view trim(std::string_view text);

/// ASCII lower case.
std::string lower(std::string_view text);

/// True when both are the same but for the case of ASCII letters.
bool equal_ignoring_case(std::string_view a, std::string_view b);

/// The whole text as a decimal integer, or nothing.
std::optional<std::int64_t> parse_integer(std::string_view text);

/// The whole text as a finite decimal number, or nothing. "inf" is no number here.
std::optional<double> parse_number(std::string_view text);

/// The parts joined by the separator.
std::string join(const std::vector<std::string>& parts, std::string_view separator);

/// How many letters differ: the least number of insertions, deletions and substitutions.
std::size_t letters_apart(std::string_view a, std::string_view b);

/// A whole number with commas: 1,000.
std::string grouped(double number);

/// `value` rounded to `significant` digits, never in exponent form: 0.1234 -> "0.123", 1234.5 ->
/// "1234".
std::string format_significant(double value, int significant = 4);

/// How many columns a terminal uses for the text: East Asian wide characters take two, combining
/// marks none.
std::size_t display_width(std::string_view utf8);

/// The text cut to at most `bytes` bytes, never inside a UTF-8 character.
std::string_view cut_utf8(std::string_view text, std::size_t bytes);

/// Appends the text as the inside of a JSON string (quotes not included). Invalid UTF-8 becomes
/// U+FFFD.
void append_json_escaped(std::string& out, std::string_view text);

/// The text as one CSV field (RFC 4180): quoted when it must be.
std::string csv_field(std::string_view text);

}  // namespace tacho
