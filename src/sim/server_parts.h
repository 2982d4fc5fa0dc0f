// What the rooms of the engine's HTTP face share: error answers, and how values are read out of a
// request's body.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "net/http_server.h"

namespace tacho {

inline constexpr std::string_view json_type = "application/json";
inline constexpr std::string_view gzip_line = "content-encoding: gzip\r\n";
inline constexpr std::string_view stream_type = "text/event-stream; charset=utf-8";

/// Entries of the built-in tokenizer.
inline constexpr std::uint32_t vocabulary = 16'000;

/// Answers with an error object of that status.
void reply_error(ServerRequest& request, int status, std::string_view message,
                 std::string_view type, std::string_view extra_head_lines = "",
                 std::string_view param = "");

/// A hash of the text (FNV-1a), begun with `hash`.
std::uint64_t hash_text(std::string_view text, std::uint64_t hash);

/// Appends the texts of an input: a string, a list of strings or message contents.
void append_text(std::string& out, const Json& value);

/// True when the body says `key: true`.
bool flag(const Json& body, const char* key);

}  // namespace tacho
