// Judges rules again and again, as Prometheus does: an alert is pending until its condition has
// held for as long as the rule says, then it fires, and it is resolved when the condition is over
// (or has been for as long as the rule keeps it firing).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "monitor/alert_rules.h"
#include "monitor/samples.h"

namespace tacho {

/// Where an alert is on its way.
enum class AlertState { pending, firing, resolved };

/// The state's name in JSON and texts.
std::string_view alert_state_name(AlertState state);

/// One condition of one rule, for one set of labels.
struct Alert {
  std::string name;
  Labels labels;  ///< Sorted, with alertname, severity and what the rule adds.
  Labels annotations;
  AlertState state = AlertState::pending;
  double value = 0.0;         ///< As judged last while the condition held.
  Instant since = never;      ///< When the condition began.
  Instant fired = never;      ///< When it began to fire.
  Instant resolved = never;   ///< When it ended.
  Instant held_last = never;  ///< When the condition was last seen.
  Instant gone = never;       ///< Since when it has no longer been seen.
  std::string inhibited_by;   ///< The alert that explains it; empty when none does.
};

/// Rules and the alerts that came of them. Not for several threads.
class Alerts {
 public:
  /// Judges at most once in `period`, however often it is shown something.
  explicit Alerts(std::vector<AlertRule> rules, Duration period = std::chrono::seconds(5));

  /// Adds a snapshot's readings, and judges the rules at its instant when it is time. True when it
  /// was.
  bool judge(const Snapshot& snapshot);
  /// Judges now, whether it is time or not, over what was added by hand.
  void judge_at(Instant at);
  /// Judges what one reading can tell: conditions count at once, however long they have to hold.
  void judge_at_once(const Snapshot& snapshot);

  Samples& samples() { return samples_; }
  const std::vector<AlertRule>& rules() const { return rules_; }
  /// Pending and firing ones, and those resolved in the last quarter of an hour; in the order of
  /// the rules.
  const std::vector<Alert>& all() const { return alerts_; }
  /// How many fire and are not explained by another one.
  std::size_t firing() const;
  /// Rules that could not be judged when they last should have been, with the reason.
  const std::map<std::string, std::string>& troubles() const { return troubles_; }

 private:
  void judge_rule(std::size_t index, Instant at);
  void advance(const AlertRule& rule, Alert& alert, bool holds, Instant at) const;
  void mark_inhibited();

  std::vector<AlertRule> rules_;
  Duration period_;
  bool is_at_once_ = false;
  Instant judged_ = never;
  Samples samples_;
  std::vector<std::vector<Alert>> by_rule_;
  std::vector<Alert> alerts_;
  std::map<std::string, std::string> troubles_;
};

/// The alerts as JSON: name, state, labels, annotations, value, ages in seconds before `now`.
Json alerts_json(const Alerts& alerts, Instant now);

/// The alerts as lines, those that fire first; "" when there are none.
std::string alerts_text(const Alerts& alerts, Instant now);

}  // namespace tacho
