// Rules: when is something worth an alert. One table ships with tacho (data/rules.yaml); a rule
// file of Prometheus is read just so.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "monitor/expression.h"

namespace tacho {

/// Series for which a rule is known to fire, or not quite: a test of every judge of rules.
struct AlertCase {
  bool fires = false;
  std::string what;
  Duration at{0};                   ///< When it is judged.
  Duration interval{0};             ///< Between two values.
  std::vector<std::string> series;  ///< As promtool's tests have them: 'name{label="x"} 0+1x10'.
};

/// One rule.
struct AlertRule {
  std::string name;
  std::string group;
  std::string expr;       ///< As written, the threshold filled in.
  Expression expression;  ///< Only where `refusal` is empty.
  std::string refusal;    ///< Why tacho itself cannot judge it; empty where it can.
  Duration hold{0};       ///< For how long it has to be so ("for").
  Duration keep_firing{0};
  Labels labels;          ///< Such as severity.
  Labels annotations;     ///< Texts with {{ $labels.x }} and {{ $value }}.
  std::string source;     ///< Where the bound is from.
  std::string threshold;  ///< As written; empty where there is none.
  /// Alerts that explain this one, where these labels are the same.
  std::vector<std::string> inhibited_by;
  std::vector<std::string> equal;
  std::vector<AlertCase> cases;
};

/// The rules of a file, and what was left out of it.
struct AlertRules {
  std::vector<AlertRule> rules;
  std::vector<std::string> notes;
};

/// A threshold that was set anew.
struct ThresholdSetting {
  std::string alert;
  double value = 0.0;
};

/// "NAME=VALUE" of the command line.
Result<ThresholdSetting> parse_threshold_setting(std::string_view text);

/// Reads rules. A rule that tacho cannot judge is kept with its refusal, and noted; what is no rule
/// file is an error, and so is a setting of an alert that has no threshold.
Result<AlertRules> read_alert_rules(std::string_view yaml, std::string_view what,
                                    const std::vector<ThresholdSetting>& settings = {});

/// The rules that ship with tacho.
Result<AlertRules> shipped_alert_rules(const std::vector<ThresholdSetting>& settings = {});

/// A rule's text for these labels and this value. What is no {{ $labels.x }}, {{ $value }},
/// {{ $value | humanizePercentage }} or {{ $value | printf "%.1f" }} stays as it is.
std::string expanded(std::string_view text, const Labels& labels, double value);

}  // namespace tacho
