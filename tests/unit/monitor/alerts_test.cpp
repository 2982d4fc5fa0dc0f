#include "monitor/alerts.h"

#include <doctest/doctest.h>

#include "base/file.h"
#include "monitor/rules_export.h"
#include "monitor/webhook.h"

namespace tacho {
namespace {

Instant second(int s) { return instant_from_ns(std::int64_t{s} * 1'000'000'000); }

/// An engine with a queue of this length, or one that is down.
Snapshot engine_at(int s, double waiting, bool is_up = true) {
  Snapshot snapshot;
  snapshot.at = second(s);
  Subject engine;
  engine.kind = SubjectKind::engine;
  engine.id = "e";
  engine.labels = {{"instance", "e"}};
  engine.add(quantity::engine_up, is_up ? 1.0 : 0.0);
  engine.add(quantity::engine_waiting, waiting);
  snapshot.subjects.push_back(engine);
  return snapshot;
}

constexpr const char* queue_rules = R"(
groups:
  - name: own
    rules:
      - alert: Down
        expr: tacho_engine_up == 0
        labels: {severity: critical}
      - alert: Queue
        expr: tacho_engine_requests_waiting > 10
        for: 20s
        keep_firing_for: 30s
        labels:
          severity: warning
        annotations:
          summary: "{{ $value | printf \"%.1f\" }} wait at {{ $labels.instance }} {{ now }}"
        inhibited_by: [Down]
        equal: [instance]
)";

Alerts own_alerts() {
  auto rules = read_alert_rules(queue_rules, "f");
  REQUIRE(rules.ok());
  return Alerts(rules->rules);
}

TEST_CASE("every shipped rule fires where its table says so, and nowhere near") {
  const auto rules = shipped_alert_rules();
  REQUIRE_MESSAGE(rules.ok(), (rules.ok() ? "" : rules.error().message));
  CHECK(rules->notes.empty());
  CHECK(rules->rules.size() > 25);
  for (const AlertRule& rule : rules->rules) {
    bool has_fire = false, has_near = false;
    CHECK_FALSE(rule.source.empty());
    CHECK_FALSE(label(rule.annotations, "summary").empty());
    for (const AlertCase& one : rule.cases) {
      const auto alerts = judged_case(rule, one);
      REQUIRE_MESSAGE(alerts.ok(), rule.name);
      std::size_t firing = 0;
      for (const Alert& alert : *alerts) firing += alert.state == AlertState::firing ? 1 : 0;
      CHECK_MESSAGE(firing == (one.fires ? 1 : 0), rule.name << ": " << one.what);
      for (const Alert& alert : *alerts) {
        for (const auto& [name, text] : alert.annotations) {
          CHECK_MESSAGE(text.find("{{") == std::string::npos, rule.name << ": " << text);
        }
      }
      (one.fires ? has_fire : has_near) = true;
    }
    CHECK_MESSAGE(has_fire, rule.name);
    CHECK_MESSAGE(has_near, rule.name);
    for (const std::string& other : rule.inhibited_by) {
      CHECK_MESSAGE(std::any_of(rules->rules.begin(), rules->rules.end(),
                                [&](const AlertRule& r) { return r.name == other; }),
                    other);
    }
  }
}

TEST_CASE("the page of alerts names each with its threshold") {
  const auto page = read_file(TACHO_SOURCE_FOLDER "/docs/alerts.md");
  REQUIRE(page.ok());
  const auto rules = shipped_alert_rules();
  REQUIRE(rules.ok());
  for (const AlertRule& rule : rules->rules) {
    const std::string threshold = rule.threshold.empty() ? "–" : rule.threshold;
    CHECK_MESSAGE(page->find("| `" + rule.name + "` | " + threshold + " |") != std::string::npos,
                  rule.name);
  }
}

TEST_CASE("an alert is pending, fires, is kept, and is resolved") {
  Alerts alerts = own_alerts();
  const auto state_at = [&](int s, double waiting) {
    alerts.judge(engine_at(s, waiting));
    return alerts.all().empty() ? "none" : alert_state_name(alerts.all().front().state);
  };
  CHECK(state_at(0, 5) == "none");
  CHECK(state_at(5, 11) == "pending");
  CHECK(state_at(10, 5) == "none");
  CHECK(state_at(15, 11) == "pending");
  CHECK(state_at(30, 12) == "pending");
  CHECK(state_at(35, 13) == "firing");
  CHECK(alerts.firing() == 1);
  CHECK(label(alerts.all().front().annotations, "summary") == "13.0 wait at e {{ now }}");
  CHECK(state_at(40, 0) == "firing");
  CHECK(state_at(65, 0) == "firing");
  CHECK(state_at(70, 0) == "resolved");
  CHECK(alerts.firing() == 0);
  CHECK(alerts_text(alerts, second(70)).find("resolved warning") != std::string::npos);
  CHECK(state_at(2000, 0) == "none");
}

TEST_CASE("an alert that another one explains does not count") {
  Alerts alerts = own_alerts();
  for (int s = 0; s <= 40; s += 5) alerts.judge(engine_at(s, 20, false));
  REQUIRE(alerts.all().size() == 2);
  CHECK(alerts.firing() == 1);
  CHECK(alerts.all()[1].inhibited_by == "Down");
}

TEST_CASE("one reading is enough where the condition is one of that reading") {
  Alerts alerts = own_alerts();
  alerts.judge_at_once(engine_at(0, 20));
  CHECK(alerts.firing() == 1);
}

TEST_CASE("rules that cannot be judged are kept and said, and settings want a threshold") {
  const auto odd = read_alert_rules(
      "groups:\n- name: g\n  rules:\n  - record: a\n    expr: b\n  - alert: C\n    expr: "
      "vllm:num_requests_waiting > 1\n  - alert: D\n    expr: topk(1, tacho_engine_up)\n",
      "f");
  REQUIRE(odd.ok());
  REQUIRE(odd->notes.size() == 3);
  CHECK(odd->notes[0] == "f: the recording rule 'a' is left out; tacho judges alerts");
  CHECK(odd->notes[1] == "f: C is not judged: 'vllm:num_requests_waiting' is no metric of tacho's");
  CHECK(odd->notes[2].starts_with("f: D is not judged: column 1: 'topk' is not understood"));
  CHECK(shipped_alert_rules({{"TachoQueueLong", 7}})->rules.size() > 25);
  CHECK(shipped_alert_rules({{"TachoEngineDown", 7}}).error().message ==
        "--set TachoEngineDown: this alert has no threshold");
  CHECK(shipped_alert_rules({{"Nothing", 7}}).error().message ==
        "--set Nothing: there is no such alert");
}

TEST_CASE("the exported file reads back as the same rules") {
  const auto shipped = shipped_alert_rules();
  const auto again = read_alert_rules(prometheus_rules(shipped->rules), "exported");
  REQUIRE_MESSAGE(again.ok(), (again.ok() ? "" : again.error().message));
  REQUIRE(again->rules.size() == shipped->rules.size());
  for (std::size_t i = 0; i < again->rules.size(); ++i) {
    CHECK(again->rules[i].expr == shipped->rules[i].expr);
    CHECK(again->rules[i].hold == shipped->rules[i].hold);
    CHECK(again->rules[i].labels == shipped->rules[i].labels);
  }
}

TEST_CASE("Nightingale's rules have our expressions, times in seconds and its severities") {
  const auto shipped = shipped_alert_rules();
  REQUIRE(shipped.ok());
  const Json list = nightingale_rules(shipped->rules);
  REQUIRE(list.size() == shipped->rules.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    const AlertRule& rule = shipped->rules[i];
    CHECK(list[i]["name"] == rule.name);
    CHECK(list[i]["rule_config"]["queries"][0]["prom_ql"] == rule.expr);
    CHECK(list[i]["prom_for_duration"] == static_cast<int>(to_s(rule.hold)));
    const auto severity = label(rule.labels, "severity");
    CHECK(list[i]["severity"] == (severity == "critical" ? 1 : severity == "info" ? 3 : 2));
  }
}

TEST_CASE("a message to a webhook is one of Alertmanager's") {
  Alerts alerts = own_alerts();
  for (int s = 0; s <= 40; s += 5) alerts.judge(engine_at(s, 20));
  const auto body =
      parse_json(webhook_body(alerts.all(), second(40), 1'700'000'040'000'000'000), "the body");
  REQUIRE(body.ok());
  CHECK((*body)["version"] == "4");
  CHECK((*body)["status"] == "firing");
  const Json& alert = (*body)["alerts"][0];
  CHECK(alert["labels"]["alertname"] == "Queue");
  CHECK(alert["startsAt"] == "2023-11-14T22:13:40Z");
  CHECK(alert["endsAt"] == "0001-01-01T00:00:00Z");
  CHECK(alert["fingerprint"].get<std::string>().size() == 16);
  CHECK((*body)["commonLabels"]["severity"] == "warning");
}

}  // namespace
}  // namespace tacho
