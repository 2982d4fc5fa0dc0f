// Characters of UTF-8, one by one: what a text is made of on a terminal.
#pragma once

#include <string>
#include <string_view>

namespace tacho {

/// Decodes one character at `at` and advances it; U+FFFD for one invalid byte.
char32_t next_code_point(std::string_view text, std::size_t& at);

/// How many columns a terminal uses for the character: 0, 1 or 2.
int column_width(char32_t c);

/// Appends the character in UTF-8.
void append_utf8(std::string& out, char32_t c);

}  // namespace tacho
