#include "cli/monitor_alerts.h"

#include "base/file.h"
#include "base/text.h"
#include "net/address.h"

namespace tacho {

void add_alert_flags(FlagTable& t, AlertFlags& f) {
  t.group("Alerts");
  t.text({"--rules"}, "FILE", f.rules_file,
         "Judge the alerts of this rule file (Prometheus' format) instead of the shipped ones, "
         "which `tacho export rules` prints.");
  t.repeated({"--set"}, "ALERT=NUMBER", f.settings,
             "Another threshold for a shipped alert, such as TachoTtftHigh=0.2.");
  t.text({"--webhook"}, "URL", f.webhook,
         "POST alerts that fire and that are resolved to this URL, in the JSON of Alertmanager's "
         "webhooks.");
  t.toggle({"--check"}, f.is_check,
           "With --once: judge the alerts by this one reading, without waiting, and exit with 1 "
           "when one fires.");
  t.toggle({"--no-alerts"}, f.has_none, "Judge no alerts.");
}

void AlertDesk::look(const Snapshot& snapshot, bool is_once) {
  if (is_once) {
    alerts.judge_at_once(snapshot);
  } else if (!alerts.judge(snapshot)) {
    return;
  }
  if (webhook) webhook->tell(alerts, snapshot.at, snapshot.wall_ns);
}

Result<std::unique_ptr<AlertDesk>> make_alert_desk(const AlertFlags& flags) {
  AlertRules rules;
  if (!flags.has_none) {
    std::vector<ThresholdSetting> settings;
    for (const std::string& text : flags.settings) {
      auto setting = parse_threshold_setting(text);
      if (!setting) return setting.error();
      settings.push_back(std::move(*setting));
    }
    Result<AlertRules> read = AlertRules{};
    if (flags.rules_file.empty()) {
      read = shipped_alert_rules(settings);
    } else {
      const auto text = read_file(flags.rules_file);
      if (!text) return text.error();
      read = read_alert_rules(*text, flags.rules_file, settings);
    }
    if (!read) return read.error();
    rules = std::move(*read);
  }
  const bool has_rule = std::any_of(rules.rules.begin(), rules.rules.end(),
                                    [](const AlertRule& rule) { return rule.refusal.empty(); });
  if (!has_rule && !flags.has_none) {
    return input_error(rules.notes.empty() ? format("{}: no alerts in it", flags.rules_file)
                                           : rules.notes.front());
  }
  std::unique_ptr<Webhook> webhook;
  if (!flags.webhook.empty()) {
    if (const auto url = parse_url(flags.webhook); !url) return url.error();
    webhook = std::make_unique<Webhook>(flags.webhook);
  }
  return std::unique_ptr<AlertDesk>(
      new AlertDesk{Alerts(std::move(rules.rules)), std::move(webhook), std::move(rules.notes)});
}

}  // namespace tacho
