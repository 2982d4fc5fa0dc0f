#include "sim/profile_lists.h"

namespace tacho {

Result<Json> read_profile_file(const std::string& path, std::string_view kind) {
  auto json = read_json_file(path);
  if (!json) return json.error();
  const std::string part = lower(kind);
  if (json->is_object() && json->contains(part) && (*json)[part].is_object())
    *json = Json((*json)[part]);
  const std::string base = json->is_object() ? json_string(*json, "base") : "";
  if (base.empty()) return json;
  Json whole = embedded_profile(part, base);
  if (whole.is_null())
    return input_error(format("{}: its base '{}' is no {} of tacho's", path, base, kind));
  for (const char* key : {"aliases", "fitted", "priors"}) whole.erase(key);
  whole.merge_patch(*json);
  return whole;
}

Error unknown_profile(std::string_view id, std::string_view kind,
                      const std::vector<std::string>& ids) {
  const std::string word = lower(id);
  std::vector<std::pair<std::size_t, std::string>> near;
  for (const auto& known : ids) near.emplace_back(letters_apart(word, known), known);
  std::stable_sort(near.begin(), near.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> nearest;
  for (const auto& [distance, known] : near) {
    if (distance <= std::max<std::size_t>(2, word.size() / 3) && nearest.size() < 4)
      nearest.push_back(known);
  }
  const std::string there =
      nearest.empty() ? "there are " + join(ids, ", ") : "nearest: " + join(nearest, ", ");
  const std::string file = kind == "model"
                               ? "a config.json of Hugging Face, given as FILE.json, works too"
                               : "one of your own works too, given as FILE.json";
  return input_error(
      format("unknown {} '{}'; {}; {} (docs/engine-model.md)", kind, id, there, file));
}

}  // namespace tacho
