#include "sim/server_parts.h"

#include "sim/answer.h"

namespace tacho {

void reply_error(ServerRequest& request, int status, std::string_view message,
                 std::string_view type, std::string_view extra_head_lines, std::string_view param) {
  request.reply(status, json_type, error_body(message, type, status, param), extra_head_lines);
}

std::uint64_t hash_text(std::string_view text, std::uint64_t hash) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

void append_text(std::string& out, const Json& value) {
  if (value.is_string()) {
    out += value.get_ref<const std::string&>();
  } else if (value.is_array()) {
    for (const auto& part : value) {
      append_text(out, part.is_object() ? part.value("text", Json()) : part);
    }
  }
}

bool flag(const Json& body, const char* key) {
  return body.contains(key) && body[key].is_boolean() && body[key].get<bool>();
}

}  // namespace tacho
