#include "workload/dataset_format.h"

#include <limits>

#include "base/text.h"

namespace tacho {
namespace {

using simdjson::ondemand::json_type;

/// A string; one with lone surrogates ("\ud83d" without its second half, frequent in ShareGPT) has
/// no UTF-8 form and only spoils its own entry.
JsonError read_string(JsonValue& value, std::string& out, bool& broken) {
  std::string_view text;
  const JsonError failure = value.get_string().get(text);
  if (failure == simdjson::STRING_ERROR) {
    broken = true;
    return simdjson::SUCCESS;
  }
  if (failure == simdjson::SUCCESS) out.assign(text);
  return failure;
}

/// One part of a message that is a list of parts; pictures and sounds are left out.
JsonError read_part(JsonValue& value, std::string& out, bool& broken) {
  json_type type{};
  if (const JsonError failure = value.type().get(type)) return failure;
  std::string text;
  if (type == json_type::string) {
    if (const JsonError failure = read_string(value, text, broken)) return failure;
  } else if (type == json_type::object) {
    JsonObject part;
    if (const JsonError failure = value.get_object().get(part)) return failure;
    JsonValue inner;
    const JsonError missing = part.find_field_unordered("text").get(inner);
    if (missing == simdjson::NO_SUCH_FIELD) return simdjson::SUCCESS;
    if (missing != simdjson::SUCCESS) return missing;
    if (const JsonError failure = inner.type().get(type)) return failure;
    if (type != json_type::string) return simdjson::SUCCESS;
    if (const JsonError failure = read_string(inner, text, broken)) return failure;
  }
  if (!out.empty() && !text.empty()) out += '\n';
  out += text;
  return simdjson::SUCCESS;
}

}  // namespace

bool listed(std::string_view list, std::string_view word) {
  for (const std::string_view known : split(list, ' ')) {
    if (known == word) return true;
  }
  return false;
}

JsonError read_text(JsonValue& value, std::string& out, bool& broken) {
  json_type type{};
  if (const JsonError failure = value.type().get(type)) return failure;
  if (type == json_type::string) return read_string(value, out, broken);
  if (type != json_type::array) return simdjson::SUCCESS;
  simdjson::ondemand::array parts;
  if (const JsonError failure = value.get_array().get(parts)) return failure;
  for (auto element : parts) {
    JsonValue part;
    if (const JsonError failure = element.get(part)) return failure;
    if (const JsonError failure = read_part(part, out, broken)) return failure;
  }
  return simdjson::SUCCESS;
}

JsonError read_tokens(JsonValue& value, std::uint32_t& out) {
  json_type type{};
  if (const JsonError failure = value.type().get(type)) return failure;
  double number = 0.0;
  if (type == json_type::number) {
    if (const JsonError failure = value.get_double().get(number)) return failure;
  } else if (type == json_type::string) {
    std::string text;
    bool broken = false;
    if (const JsonError failure = read_string(value, text, broken)) return failure;
    number = parse_number(text).value_or(0.0);
  }
  const bool fits = number >= 1.0 && number <= std::numeric_limits<std::uint32_t>::max();
  out = fits ? static_cast<std::uint32_t>(number) : 0;
  return simdjson::SUCCESS;
}

}  // namespace tacho
