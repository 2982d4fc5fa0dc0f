#include "monitor/alert_rules.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/embedded.h"
#include "base/text.h"
#include "base/yaml.h"

namespace tacho {
namespace {

TACHO_EMBEDDED(alert_rules)

constexpr Duration case_interval = std::chrono::seconds(15);

/// A value of a map, if it is a text.
std::optional<std::string> text_at(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

std::vector<std::string> texts_at(const Json& json, const char* key) {
  std::vector<std::string> texts;
  const auto found = json.find(key);
  if (found == json.end()) return texts;
  if (found->is_string()) texts.push_back(found->get<std::string>());
  if (!found->is_array()) return texts;
  for (const Json& item : *found) {
    if (item.is_string()) texts.push_back(item.get<std::string>());
  }
  return texts;
}

Labels labels_at(const Json& json, const char* key) {
  Labels labels;
  const auto found = json.find(key);
  if (found == json.end() || !found->is_object()) return labels;
  for (const auto& [name, value] : found->items()) {
    if (value.is_string()) labels.emplace_back(name, value.get<std::string>());
  }
  return labels;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t i = 0; (i = text.find(from, i)) != std::string::npos; i += to.size()) {
    text.replace(i, from.size(), to);
  }
  return text;
}

/// Why the metrics that a rule asks for say nothing here.
std::string unknown_metric(const Expression& expression) {
  for (const Need& need : needs_of(expression)) {
    std::string_view name = need.metric;
    if (name == "up") continue;  // Prometheus' own word on a scrape; it alone can judge that.
    for (const std::string_view ending : {"_bucket", "_sum", "_count"}) {
      const bool is_whole = find_quantity(name) != nullptr;
      if (!is_whole && name.ends_with(ending)) name.remove_suffix(ending.size());
    }
    if (find_quantity(name) == nullptr) {
      return format("'{}' is no metric of tacho's", need.metric);
    }
  }
  return {};
}

/// Reads one file; the first error ends it.
class RuleReader {
 public:
  RuleReader(std::string_view what, const std::vector<ThresholdSetting>& settings)
      : what_(what), settings_(settings) {}

  Result<AlertRules> read(const Json& file) {
    const auto groups = file.is_object() ? file.find("groups") : file.end();
    if (!file.is_object() || groups == file.end() || !groups->is_array()) {
      return input_error(format("{}: no 'groups:' of rules in it", what_));
    }
    for (const Json& group : *groups) {
      const auto rules = group.is_object() ? group.find("rules") : group.end();
      if (!group.is_object() || rules == group.end() || !rules->is_array()) {
        return input_error(format("{}: a group without 'rules:'", what_));
      }
      for (const Json& rule : *rules) {
        if (auto status = add(rule, text_at(group, "name").value_or("")); !status) {
          return status.error();
        }
      }
    }
    for (const ThresholdSetting& setting : settings_) {
      const auto is_it = [&](const AlertRule& rule) { return rule.name == setting.alert; };
      const auto found = std::find_if(out_.rules.begin(), out_.rules.end(), is_it);
      if (found == out_.rules.end() || found->threshold.empty()) {
        return input_error(format(
            "--set {}: {}", setting.alert,
            found == out_.rules.end() ? "there is no such alert" : "this alert has no threshold"));
      }
    }
    return std::move(out_);
  }

 private:
  Status add(const Json& json, const std::string& group) {
    if (!json.is_object()) return input_error(format("{}: a rule that is no map", what_));
    if (const auto recorded = text_at(json, "record")) {
      out_.notes.push_back(
          format("{}: the recording rule '{}' is left out; tacho judges alerts", what_, *recorded));
      return Nothing{};
    }
    AlertRule rule;
    rule.name = text_at(json, "alert").value_or("");
    rule.group = group;
    const auto expr = text_at(json, "expr");
    if (rule.name.empty() || !expr) {
      return input_error(format("{}: a rule without 'alert:' or 'expr:'", what_));
    }
    for (const auto& [key, target] :
         {std::pair{"for", &rule.hold}, {"keep_firing_for", &rule.keep_firing}}) {
      const auto text = text_at(json, key);
      if (!text) continue;
      const auto time = parse_prometheus_duration(*text, key);
      if (!time) return input_error(format("{}: {}: {}", what_, rule.name, time.error().message));
      *target = *time;
    }
    fill(json, *expr, rule);
    if (auto status = read_cases(json, rule); !status) return status;
    understand(rule);
    out_.rules.push_back(std::move(rule));
    return Nothing{};
  }

  void fill(const Json& json, const std::string& expr, AlertRule& rule) const {
    rule.threshold = text_at(json, "threshold").value_or("");
    for (const ThresholdSetting& setting : settings_) {
      if (setting.alert == rule.name && !rule.threshold.empty()) {
        rule.threshold = format("{}", setting.value);
      }
    }
    rule.expr = rule.threshold.empty() ? expr : replaced(expr, "{threshold}", rule.threshold);
    rule.labels = labels_at(json, "labels");
    if (const auto severity = text_at(json, "severity")) {
      rule.labels.emplace_back("severity", *severity);
    }
    rule.annotations = labels_at(json, "annotations");
    for (const char* key : {"summary", "description"}) {
      if (auto text = text_at(json, key)) rule.annotations.emplace_back(key, std::move(*text));
    }
    rule.source = text_at(json, "source").value_or("");
    rule.inhibited_by = texts_at(json, "inhibited_by");
    rule.equal = texts_at(json, "equal");
  }

  Status read_cases(const Json& json, AlertRule& rule) const {
    const auto cases = json.find("cases");
    if (cases == json.end() || !cases->is_array()) return Nothing{};
    for (const Json& item : *cases) {
      AlertCase one;
      const auto fires = text_at(item, "fires");
      one.fires = fires.has_value();
      one.what = fires.value_or(text_at(item, "near").value_or(""));
      one.series = texts_at(item, "series");
      const auto at = parse_prometheus_duration(text_at(item, "at").value_or(""), "at");
      if (!at) return input_error(format("{}: {}: {}", what_, rule.name, at.error().message));
      one.at = *at;
      one.interval = case_interval;
      if (const auto text = text_at(item, "interval")) {
        const auto interval = parse_prometheus_duration(*text, "interval");
        if (!interval) return interval.error();
        one.interval = *interval;
      }
      rule.cases.push_back(std::move(one));
    }
    return Nothing{};
  }

  void understand(AlertRule& rule) {
    auto expression = parse_expression(rule.expr);
    rule.refusal = expression ? unknown_metric(*expression) : expression.error().message;
    if (expression) rule.expression = std::move(*expression);
    if (!rule.refusal.empty()) {
      out_.notes.push_back(format("{}: {} is not judged: {}", what_, rule.name, rule.refusal));
    }
  }

  std::string_view what_;
  const std::vector<ThresholdSetting>& settings_;
  AlertRules out_;
};

/// The value of one {{ … }}, or nothing where it is not understood.
std::optional<std::string> field_text(std::string_view field, const Labels& labels, double value) {
  constexpr std::string_view of_labels = "$labels.";
  if (field.starts_with(of_labels)) {
    return std::string(label(labels, field.substr(of_labels.size())));
  }
  if (!field.starts_with("$value")) return std::nullopt;
  field = trim(field.substr(6));
  if (field.empty()) return format("{}", value);
  if (!field.starts_with("|")) return std::nullopt;
  field = trim(field.substr(1));
  char text[64];
  if (field == "humanizePercentage") {
    std::snprintf(text, sizeof text, "%.4g%%", value * 100.0);
    return text;
  }
  if (!field.starts_with("printf \"%.") || field.size() != 13 || field.back() != '"') {
    return std::nullopt;
  }
  const char digits = field[10], letter = field[11];
  if (digits < '0' || digits > '9') return std::nullopt;
  if (letter == 'f') return format("{:.{}f}", value, digits - '0');
  if (letter == 'g') return format("{:.{}g}", value, digits - '0');
  return std::nullopt;
}

}  // namespace

Result<ThresholdSetting> parse_threshold_setting(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals != std::string_view::npos) {
    const auto value = parse_number(trim(text.substr(equals + 1)));
    if (value) return ThresholdSetting{std::string(trim(text.substr(0, equals))), *value};
  }
  return input_error(format("--set '{}': write ALERT=NUMBER, such as TachoTtftHigh=0.2", text));
}

Result<AlertRules> read_alert_rules(std::string_view yaml, std::string_view what,
                                    const std::vector<ThresholdSetting>& settings) {
  const auto json = parse_yaml(yaml, what);
  if (!json) return json.error();
  return RuleReader(what, settings).read(*json);
}

Result<AlertRules> shipped_alert_rules(const std::vector<ThresholdSetting>& settings) {
  return read_alert_rules(alert_rules(), "the shipped rules", settings);
}

std::string expanded(std::string_view text, const Labels& labels, double value) {
  std::string out;
  while (!text.empty()) {
    const std::size_t begin = text.find("{{");
    const std::size_t end = begin == std::string_view::npos ? begin : text.find("}}", begin);
    if (end == std::string_view::npos) break;
    out += text.substr(0, begin);
    const std::string_view field = trim(text.substr(begin + 2, end - begin - 2));
    const auto known = field_text(field, labels, value);
    out += known ? *known : std::string(text.substr(begin, end + 2 - begin));
    text.remove_prefix(end + 2);
  }
  return out + std::string(text);
}

}  // namespace tacho
