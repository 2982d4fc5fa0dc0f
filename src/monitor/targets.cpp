#include "monitor/targets.h"

#include "base/json.h"
#include "base/text.h"
#include "base/yaml.h"
#include "net/address.h"

namespace tacho {
namespace {

/// The labels of a group, as text.
Result<Labels> labels_of(const Json& group, const std::string& where) {
  Labels labels;
  const auto found = group.find("labels");
  if (found == group.end() || found->is_null()) return labels;
  if (!found->is_object()) return input_error(format("{}.labels is no object", where));
  for (const auto& [name, value] : found->items()) {
    if (!value.is_string()) return input_error(format("{}.labels.{} is no text", where, name));
    labels.emplace_back(name, value.get<std::string>());
  }
  return labels;
}

Result<std::string> url_of(const Json& target, const Labels& labels, const std::string& where) {
  if (!target.is_string()) return input_error(format("{} is no text such as host:8000", where));
  const auto scheme = label(labels, "__scheme__"), path = label(labels, "__metrics_path__");
  const std::string url = format("{}://{}{}", scheme.empty() ? "http" : scheme,
                                 target.get<std::string>(), path.empty() ? "/metrics" : path);
  if (const auto parsed = parse_url(url); !parsed)
    return input_error(format("{}: {}", where, parsed.error().message));
  return url;
}

}  // namespace

Result<std::vector<WatchTarget>> parse_targets(std::string_view text, std::string_view what) {
  const bool is_yaml = what.ends_with(".yml") || what.ends_with(".yaml");
  const auto list = is_yaml ? parse_yaml(text, what) : parse_json(text, what);
  if (!list) return list.error();
  if (!list->is_array())
    return input_error(format(
        "{}: a list of targets is [{{\"targets\": [\"host:8000\"], \"labels\": {{}}}}]", what));
  std::vector<WatchTarget> all;
  for (std::size_t g = 0; g < list->size(); ++g) {
    const Json& group = (*list)[g];
    const std::string where = format("{}: [{}]", what, g);
    if (!group.is_object() || !group.contains("targets") || !group["targets"].is_array())
      return input_error(format("{} has no list of targets", where));
    const auto labels = labels_of(group, where);
    if (!labels) return labels.error();
    for (std::size_t t = 0; t < group["targets"].size(); ++t) {
      auto url = url_of(group["targets"][t], *labels, format("{}.targets[{}]", where, t));
      if (!url) return url.error();
      WatchTarget target{std::move(*url), {}};
      for (const auto& [name, value] : *labels) {
        if (!name.starts_with("__")) target.labels.emplace_back(name, value);
      }
      all.push_back(std::move(target));
    }
  }
  return all;
}

}  // namespace tacho
