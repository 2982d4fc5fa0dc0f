// Settings of published measurements that their tables leave out.
#include "base/embedded.h"
#include "base/text.h"
#include "sim/validate.h"

namespace tacho {
namespace {

TACHO_EMBEDDED(profile_measured_settings)

/// The rules; that they can be read is what the unit tests check.
const Json& rules() {
  static const Json all = [] {
    auto json = parse_json(profile_measured_settings(), "measured settings");
    TACHO_ASSERT(json.ok() && (*json)["rules"].is_array());
    return (*json)["rules"];
  }();
  return all;
}

std::string column(const PointRow& row, const char* name) {
  const auto found = row.find(name);
  return found == row.end() ? "" : std::string(trim(found->second));
}

bool has_version(const Json& rule, const PointRow& row) {
  const auto versions = rule.find("backend_versions");
  if (versions == rule.end()) return true;
  for (const Json& version : *versions) {
    if (version == column(row, "backend_version")) return true;
  }
  return false;
}

bool holds(const Json& rule, const PointRow& row, const MeasuredPoint& point) {
  const auto is = [&](const char* key, double value) {
    return json_number(rule, key, value) == value;
  };
  return json_string(rule, "engine", point.serving.engine.id) == point.serving.engine.id &&
         column(row, "len_rule").starts_with(json_string(rule, "len_rule")) &&
         has_version(rule, row) && is("isl", point.input) && is("osl", point.output) &&
         point.serving.tensor_parallel <= json_number(rule, "tp_max", 1e9) &&
         (!rule.contains("dense") || point.model.experts == 0);
}

}  // namespace

void apply_known_settings(const PointRow& row, MeasuredPoint& point) {
  for (const Json& rule : rules()) {
    if (!holds(rule, row, point)) continue;
    const auto take = [&](const char* key, std::uint32_t& target) {
      target = static_cast<std::uint32_t>(json_number(rule, key, target));
    };
    take("max_num_batched_tokens", point.engine.max_num_batched_tokens);
    if (rule.value("one_prompt_a_step", Json(false)) == Json(true))
      point.engine.max_num_batched_tokens = point.input + point.concurrency;
    take("batch_wait_steps", point.engine.batch_wait_steps);
    point.engine.batch_wait_share =
        json_number(rule, "batch_wait_share", point.engine.batch_wait_share);
    if (json_string(rule, "policy") == "sglang") point.engine.policy = BatchPolicy::sglang;
  }
}

}  // namespace tacho
