#include "protocol/protocol.h"

#include <array>

#include "base/text.h"
#include "protocol/dialects.h"

namespace tacho {
namespace {

constexpr std::array dialects{&make_openai_chat, &make_openai_completions, &make_openai_embeddings};

}  // namespace

Result<std::unique_ptr<Protocol>> make_protocol(std::string_view name) {
  std::vector<std::string> names;
  for (const auto make : dialects) {
    auto protocol = make();
    if (protocol->name() == name) return protocol;
    names.emplace_back(protocol->name());
  }
  return input_error(format("unknown endpoint type '{}'; there are {}", name, join(names, ", ")));
}

std::string error_text(std::string_view body) {
  const auto json = parse_json(body, "");
  if (json && json->is_object()) {
    for (const char* key : {"error", "message", "detail"}) {
      if (!json->contains(key)) continue;
      const Json& value = (*json)[key];
      if (value.is_string()) return value.get<std::string>();
      if (value.is_object() && value.contains("message")) return json_string(value, "message");
      return dump_json(value).substr(0, 300);
    }
  }
  const auto text = trim(body);
  return std::string(cut_utf8(text.substr(0, text.find_first_of("\r\n")), 200));
}

}  // namespace tacho
