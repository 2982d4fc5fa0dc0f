// The bytes of bench/server.cpp: its scripted answers in both dialects, and just enough reading of
// HTTP and JSON to know what was asked for.
#pragma once

#include <strings.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace script {

/// The bytes of one dialect, with a place for the response's id at the same offset of each chunk.
struct Script {
  const char* object;
  const char* role;   // The choice of the first chunk, or null for none.
  const char* token;  // The choice of a token.
  const char* last;   // The choice of the last token.
  const char* whole;  // The choice of an answer that is not streamed.
};

inline constexpr Script kChat{"chat.completion.chunk",
                              R"({"index":0,"delta":{"role":"assistant","content":""},)"
                              R"("logprobs":null,"finish_reason":null})",
                              R"({"index":0,"delta":{"content":" token"},)"
                              R"("logprobs":null,"finish_reason":null})",
                              R"({"index":0,"delta":{"content":" token"},)"
                              R"("logprobs":null,"finish_reason":"length"})",
                              R"({"index":0,"message":{"role":"assistant","content":" token"},)"
                              R"("finish_reason":"length"})"};
inline constexpr Script kCompletion{
    "text_completion", nullptr,
    R"({"index":0,"text":" token","logprobs":null,"finish_reason":null})",
    R"({"index":0,"text":" token","logprobs":null,"finish_reason":"length"})",
    R"({"index":0,"text":" token","finish_reason":"length"})"};

/// The id of a response, of one width.
inline std::string id_of(int64_t request) {
  char text[32];
  std::snprintf(text, sizeof text, "chatcmpl-%08llx", static_cast<unsigned long long>(request));
  return text;
}

/// A chunk of a chunked body.
inline std::string in_http_chunk(const std::string& data) {
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", data.size());
  return size + data + "\r\n";
}

/// One SSE event in an HTTP chunk; `rest` is the inside of its object after the model.
inline std::string event(const Script& script, int64_t request, std::string_view rest) {
  return in_http_chunk("data: {\"id\":\"" + id_of(request) + "\",\"object\":\"" + script.object +
                       "\",\"created\":1700000000,\"model\":\"bench\"," + std::string(rest) +
                       "}\n\n");
}

/// The list of one choice.
inline std::string choice(const char* text) { return "\"choices\":[" + std::string(text) + "]"; }

/// The usage object; a prompt token is taken to be four bytes of the request.
inline std::string usage(size_t body_bytes, int64_t tokens) {
  const auto prompt = static_cast<int64_t>(body_bytes / 4);
  return "\"usage\":{\"prompt_tokens\":" + std::to_string(prompt) +
         ",\"completion_tokens\":" + std::to_string(tokens) +
         ",\"total_tokens\":" + std::to_string(prompt + tokens) + "}";
}

/// Where the value of a JSON key begins, or npos. The bodies of benchmarks do not hide keys in
/// text.
inline size_t value_of(std::string_view body, std::string_view key) {
  size_t at = body.find(key);
  if (at == std::string_view::npos) return at;
  at = body.find_first_not_of(": \t\r\n", at + key.size());
  return at;
}

/// Whether a key is true.
inline bool is_true(std::string_view body, std::string_view key) {
  const size_t at = value_of(body, key);
  return at != std::string_view::npos && body.substr(at, 4) == "true";
}

/// A key's number, at least 1.
inline int64_t number(std::string_view body, std::string_view key, int64_t otherwise) {
  const size_t at = value_of(body, key);
  if (at == std::string_view::npos || std::isdigit(static_cast<unsigned char>(body[at])) == 0) {
    return otherwise;
  }
  return std::max<int64_t>(1, std::atoll(std::string(body.substr(at, 12)).c_str()));
}

/// A header field's value; `head` ends in an empty line. Names are compared without case.
inline std::string header(const std::string& head, std::string_view name) {
  for (size_t line = head.find("\r\n"); line + 2 < head.size();
       line = head.find("\r\n", line + 2)) {
    if (strncasecmp(head.c_str() + line + 2, name.data(), name.size()) != 0) continue;
    const size_t begin = head.find_first_not_of(": ", line + 2 + name.size());
    return head.substr(begin, head.find("\r\n", begin) - begin);
  }
  return {};
}

}  // namespace script
