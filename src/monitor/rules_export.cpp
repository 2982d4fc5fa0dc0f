#include "monitor/rules_export.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "base/yaml.h"

namespace tacho {
namespace {

constexpr Duration evaluation_interval = std::chrono::seconds(15);

/// A text in lines of its own, indented.
std::string block_text(std::string_view text, std::string_view indent) {
  std::string out = "|-\n";
  for (const std::string_view line : split(text, '\n')) {
    if (!trim(line).empty()) out += format("{}{}\n", indent, line);
  }
  return out;
}

std::string map_text(const Labels& entries, std::string_view indent) {
  std::string out;
  for (const auto& [name, value] : entries) {
    out += format("{}{}: {}\n", indent, name, yaml_scalar(value));
  }
  return out;
}

std::string rule_text(const AlertRule& rule) {
  std::string out = format("      - alert: {}\n", rule.name);
  const bool has_lines = rule.expr.find('\n') != std::string::npos;
  out += has_lines ? "        expr: " + block_text(rule.expr, "          ")
                   : format("        expr: {}\n", yaml_scalar(rule.expr));
  out += format("        for: {}\n", duration_text(rule.hold));
  if (rule.keep_firing.count() > 0) {
    out += format("        keep_firing_for: {}\n", duration_text(rule.keep_firing));
  }
  if (!rule.labels.empty()) out += "        labels:\n" + map_text(rule.labels, "          ");
  Labels annotations = rule.annotations;
  if (!rule.source.empty()) annotations.emplace_back("source", rule.source);
  if (!annotations.empty()) {
    out += "        annotations:\n" + map_text(annotations, "          ");
  }
  return out;
}

/// One series of a case, as it goes on.
struct ScriptedSeries {
  std::string metric;
  Labels labels;
  std::vector<double> values;  ///< NaN: none.
};

Error bad_series(std::string_view text) {
  return input_error(format("'{}' is no series such as name{{label=\"x\"}} 1 0+1x10 _x3", text));
}

/// "5", "0+1.5x10", "3x4" or "_x2", as promtool reads them: n further values behind the first.
bool add_values(std::string_view word, std::vector<double>& values) {
  const std::size_t times = word.find('x');
  const auto count =
      times == std::string_view::npos ? 0 : parse_integer(word.substr(times + 1)).value_or(-1);
  if (count < 0 || count > 100'000) return false;
  const std::string_view value = word.substr(0, times);
  if (value == "_") {
    const std::size_t gaps = times == std::string_view::npos ? 1 : static_cast<std::size_t>(count);
    values.insert(values.end(), gaps, std::nan(""));
    return true;
  }
  const std::size_t sign = value.find_first_of("+-", 1);
  const auto first = parse_number(value.substr(0, sign));
  const auto step =
      sign == std::string_view::npos ? std::optional(0.0) : parse_number(value.substr(sign + 1));
  if (!first || !step) return false;
  const double direction = sign != std::string_view::npos && value[sign] == '-' ? -1.0 : 1.0;
  for (std::int64_t i = 0; i <= count; ++i) {
    values.push_back(*first + direction * *step * static_cast<double>(i));
  }
  return true;
}

Result<ScriptedSeries> parse_series(std::string_view text) {
  const std::size_t brace = text.find('}');
  const std::size_t end = text.find(' ', brace == std::string_view::npos ? 0 : brace);
  if (end == std::string_view::npos) return bad_series(text);
  const auto selector = parse_expression(text.substr(0, end));
  if (!selector || selector->kind != Expression::Kind::selector) return bad_series(text);
  ScriptedSeries series;
  series.metric = selector->name;
  for (const LabelMatcher& m : selector->matchers) series.labels.emplace_back(m.label, m.value);
  for (const std::string_view word : split(trim(text.substr(end)), ' ')) {
    if (!word.empty() && !add_values(word, series.values)) return bad_series(text);
  }
  return series;
}

std::string case_text(const AlertRule& rule, const AlertCase& one) {
  std::string out = format(
      "  - name: {}\n    interval: {}\n    input_series:\n",
      yaml_scalar(format("{} {}: {}", rule.name, one.fires ? "fires" : "does not fire", one.what)),
      duration_text(one.interval));
  for (const std::string& series : one.series) {
    const std::size_t brace = series.find('}');
    const std::size_t end = series.find(' ', brace == std::string::npos ? 0 : brace);
    out += format("      - series: {}\n        values: {}\n", yaml_scalar(series.substr(0, end)),
                  yaml_scalar(trim(std::string_view(series).substr(end))));
  }
  out += format("    alert_rule_test:\n      - eval_time: {}\n        alertname: {}\n",
                duration_text(one.at), rule.name);
  const auto alerts = judged_case(rule, one);
  if (!alerts) return out;
  std::string expected;
  for (const Alert& alert : *alerts) {
    if (alert.state != AlertState::firing) continue;
    Labels labels = alert.labels;
    std::erase_if(labels, [](const auto& l) { return l.first == "alertname"; });
    Labels annotations = alert.annotations;
    if (!rule.source.empty()) annotations.emplace_back("source", rule.source);
    expected += "          - exp_labels:\n" + map_text(labels, "              ") +
                "            exp_annotations:\n" + map_text(annotations, "              ");
  }
  return out + (expected.empty() ? "" : "        exp_alerts:\n" + expected);
}

}  // namespace

std::string prometheus_rules(const std::vector<AlertRule>& rules) {
  std::string out =
      "# Alerts of tacho, written by `tacho export rules`. Each expression stands on its own: it\n"
      "# needs no recording rule, only what `tacho monitor --listen` serves, scraped with\n"
      "# honor_labels: true.\ngroups:\n";
  std::string group;
  for (const AlertRule& rule : rules) {
    if (rule.group != group || &rule == &rules.front()) {
      group = rule.group;
      out +=
          format("  - name: {}\n    interval: {}\n    rules:\n",
                 yaml_scalar(group.empty() ? "tacho" : group), duration_text(evaluation_interval));
    }
    out += rule_text(rule);
  }
  return out;
}

std::string promtool_tests(const std::vector<AlertRule>& rules, std::string_view rule_file) {
  std::string out = format(
      "# Tests of tacho's alerts, written by `tacho export rules --tests`. What is expected is "
      "what\n# tacho itself finds in these series.\nrule_files:\n  - {}\nevaluation_interval: "
      "{}\ntests:\n",
      yaml_scalar(rule_file), duration_text(evaluation_interval));
  for (const AlertRule& rule : rules) {
    for (const AlertCase& one : rule.cases) out += case_text(rule, one);
  }
  return out;
}

std::string alertmanager_inhibitions(const std::vector<AlertRule>& rules) {
  std::string out = "inhibit_rules:\n";
  for (const AlertRule& rule : rules) {
    for (const std::string& source : rule.inhibited_by) {
      out += format(
          "  - source_matchers: ['alertname=\"{}\"']\n"
          "    target_matchers: ['alertname=\"{}\"']\n    equal: [{}]\n",
          source, rule.name, join(rule.equal, ", "));
    }
  }
  return out;
}

Json nightingale_rules(const std::vector<AlertRule>& rules) {
  Json list = Json::array();
  for (const AlertRule& rule : rules) {
    const std::string_view name = label(rule.labels, "severity");
    const int severity = name == "critical" ? 1 : name == "info" ? 3 : 2;
    Json json = {{"name", rule.name},
                 {"note", std::string(label(rule.annotations, "description"))},
                 {"cate", "prometheus"},
                 {"prod", "metric"},
                 {"datasource_ids", Json::array({0})},
                 {"disabled", 0},
                 {"severity", severity},
                 {"severities", Json::array({severity})},
                 {"prom_for_duration", static_cast<int>(to_s(rule.hold))},
                 {"prom_eval_interval", static_cast<int>(to_s(evaluation_interval))},
                 {"recover_duration", static_cast<int>(to_s(rule.keep_firing))},
                 {"enable_stimes", Json::array({"00:00"})},
                 {"enable_etimes", Json::array({"23:59"})},
                 {"enable_in_bg", 0},
                 {"notify_recovered", 1},
                 {"notify_repeat_step", 60},
                 {"notify_max_number", 0}};
    json["rule_config"]["inhibit"] = false;
    json["rule_config"]["queries"] =
        Json::array({{{"prom_ql", rule.expr}, {"severity", severity}}});
    json["enable_days_of_weeks"] = Json::array({Json::array({"0", "1", "2", "3", "4", "5", "6"})});
    for (const char* key : {"notify_channels", "notify_groups", "callbacks"}) {
      json[key] = Json::array();
    }
    json["append_tags"] = Json::array({format("severity={}", name)});
    json["annotations"]["summary"] = std::string(label(rule.annotations, "summary"));
    json["annotations"]["source"] = rule.source;
    list.push_back(std::move(json));
  }
  return list;
}

Result<std::vector<Alert>> judged_case(const AlertRule& rule, const AlertCase& one) {
  Alerts alerts({rule}, evaluation_interval);
  // Metrics that only Prometheus has are judged here too.
  alerts.samples().need(needs_of(rule.expression));
  std::vector<ScriptedSeries> all;
  for (const std::string& text : one.series) {
    auto series = parse_series(text);
    if (!series) return series.error();
    all.push_back(std::move(*series));
  }
  std::size_t fed = 0;
  const Instant start = instant_from_ns(0);
  for (Duration at{0}; at <= one.at; at += evaluation_interval) {
    for (; one.interval * fed <= at; ++fed) {
      for (const ScriptedSeries& series : all) {
        if (fed >= series.values.size() || std::isnan(series.values[fed])) continue;
        alerts.samples().add(series.metric, series.labels,
                             {start + one.interval * fed, series.values[fed]});
      }
    }
    alerts.judge_at(start + at);
  }
  return alerts.all();
}

}  // namespace tacho
