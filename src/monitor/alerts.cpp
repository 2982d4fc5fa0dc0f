#include "monitor/alerts.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "monitor/evaluate.h"

namespace tacho {
namespace {

/// For how long a resolved alert is still shown.
constexpr Duration resolved_span = std::chrono::minutes(15);

/// The labels of an alert: those of the element, over them the rule's own, and its name.
Labels alert_labels(const AlertRule& rule, const Labels& element) {
  std::map<std::string, std::string> labels(element.begin(), element.end());
  for (const auto& [name, text] : rule.labels) labels[name] = text;
  labels["alertname"] = rule.name;
  return {labels.begin(), labels.end()};
}

bool is_over(const Alert& alert) { return alert.state == AlertState::resolved; }

Json labels_object(const Labels& labels) {
  Json json = Json::object();
  for (const auto& [name, value] : labels) json[name] = value;
  return json;
}

}  // namespace

std::string_view alert_state_name(AlertState state) {
  switch (state) {
    case AlertState::pending:
      return "pending";
    case AlertState::firing:
      return "firing";
    case AlertState::resolved:
      return "resolved";
  }
  return "";
}

Alerts::Alerts(std::vector<AlertRule> rules, Duration period)
    : rules_(std::move(rules)), period_(period), by_rule_(rules_.size()) {
  for (const AlertRule& rule : rules_) {
    if (rule.refusal.empty()) samples_.need(needs_of(rule.expression));
  }
}

bool Alerts::judge(const Snapshot& snapshot) {
  samples_.add(snapshot);
  if (happened(judged_) && snapshot.at - judged_ < period_) return false;
  judge_at(snapshot.at);
  return true;
}

void Alerts::judge_at_once(const Snapshot& snapshot) {
  is_at_once_ = true;
  samples_.add(snapshot);
  judge_at(snapshot.at);
  is_at_once_ = false;
}

void Alerts::judge_at(Instant at) {
  judged_ = at;
  troubles_.clear();
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    if (rules_[i].refusal.empty()) judge_rule(i, at);
  }
  alerts_.clear();
  for (const auto& alerts : by_rule_) alerts_.insert(alerts_.end(), alerts.begin(), alerts.end());
  mark_inhibited();
}

void Alerts::judge_rule(std::size_t index, Instant at) {
  const AlertRule& rule = rules_[index];
  auto& alerts = by_rule_[index];
  const auto result = evaluate(rule.expression, samples_, at);
  if (!result) {
    // An alert must not end because its rule cannot be judged for a moment.
    troubles_[rule.name] = result.error().message;
    return;
  }
  for (const Element& element : result->elements) {
    const Labels labels = alert_labels(rule, element.labels);
    auto alert = std::find_if(alerts.begin(), alerts.end(),
                              [&](const Alert& a) { return a.labels == labels && !is_over(a); });
    if (alert == alerts.end()) {
      alert = alerts.insert(alerts.end(), Alert{});
      alert->name = rule.name;
      alert->labels = labels;
      alert->since = at;
    }
    alert->held_last = at;
    alert->value = element.value;
    alert->annotations = rule.annotations;
    for (auto& [name, text] : alert->annotations) {
      text = expanded(text, alert->labels, element.value);
    }
  }
  for (Alert& alert : alerts) advance(rule, alert, alert.held_last == at, at);
  std::erase_if(alerts, [&](const Alert& alert) {
    return (is_over(alert) && at - alert.resolved > resolved_span) ||
           (alert.state == AlertState::pending && alert.held_last != at);
  });
}

void Alerts::advance(const AlertRule& rule, Alert& alert, bool holds, Instant at) const {
  if (alert.state == AlertState::pending && holds &&
      (is_at_once_ || at - alert.since >= rule.hold)) {
    alert.state = AlertState::firing;
    alert.fired = at;
  }
  if (holds) {
    alert.gone = never;
  } else if (!happened(alert.gone)) {
    alert.gone = at;
  }
  if (alert.state == AlertState::firing && !holds && at - alert.gone >= rule.keep_firing) {
    alert.state = AlertState::resolved;
    alert.resolved = at;
  }
}

void Alerts::mark_inhibited() {
  for (Alert& alert : alerts_) {
    const auto rule = std::find_if(rules_.begin(), rules_.end(),
                                   [&](const AlertRule& r) { return r.name == alert.name; });
    for (const Alert& other : alerts_) {
      const bool explains =
          other.state == AlertState::firing &&
          std::find(rule->inhibited_by.begin(), rule->inhibited_by.end(), other.name) !=
              rule->inhibited_by.end() &&
          std::all_of(rule->equal.begin(), rule->equal.end(), [&](const std::string& name) {
            return label(alert.labels, name) == label(other.labels, name);
          });
      if (explains && alert.inhibited_by.empty()) alert.inhibited_by = other.name;
    }
  }
}

std::size_t Alerts::firing() const {
  return static_cast<std::size_t>(
      std::count_if(alerts_.begin(), alerts_.end(), [](const Alert& alert) {
        return alert.state == AlertState::firing && alert.inhibited_by.empty();
      }));
}

Json alerts_json(const Alerts& alerts, Instant now) {
  Json list = Json::array();
  for (const Alert& alert : alerts.all()) {
    Json json = Json::object();
    json["alert"] = alert.name;
    json["state"] = alert_state_name(alert.state);
    json["labels"] = labels_object(alert.labels);
    json["annotations"] = labels_object(alert.annotations);
    json["value"] = std::isfinite(alert.value) ? Json(alert.value) : Json(nullptr);
    json["began_s_ago"] = to_s(now - alert.since);
    if (happened(alert.fired)) json["fired_s_ago"] = to_s(now - alert.fired);
    if (happened(alert.resolved)) json["resolved_s_ago"] = to_s(now - alert.resolved);
    if (!alert.inhibited_by.empty()) json["inhibited_by"] = alert.inhibited_by;
    list.push_back(std::move(json));
  }
  return list;
}

std::string alerts_text(const Alerts& alerts, Instant now) {
  std::string out;
  for (const AlertState state : {AlertState::firing, AlertState::pending, AlertState::resolved}) {
    for (const Alert& alert : alerts.all()) {
      if (alert.state != state) continue;
      const Instant began = is_over(alert) ? alert.resolved : alert.since;
      const auto why = label(alert.annotations, "summary");
      out += format(
          " {:<9}{:<9}{:>5}  {}: {}{}\n", alert_state_name(state), label(alert.labels, "severity"),
          duration_text(std::chrono::floor<std::chrono::seconds>(now - began)), alert.name,
          why.empty() ? join({}, "") : std::string(why),
          alert.inhibited_by.empty() ? "" : format(" (because of {})", alert.inhibited_by));
    }
  }
  for (const auto& [name, why] : alerts.troubles()) {
    out += format(" not judged: {}: {}\n", name, why);
  }
  return out;
}

}  // namespace tacho
