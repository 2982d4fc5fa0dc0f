// Rules as files for other programs: a rule file for Prometheus and whatever reads such files
// (Nightingale, Thanos, VictoriaMetrics), its tests for promtool, what inhibits what for
// Alertmanager.
#pragma once

#include "monitor/alerts.h"

namespace tacho {

/// A rule file. Expressions stand on their own, and every time is in hours, minutes or seconds:
/// some readers know no more.
std::string prometheus_rules(const std::vector<AlertRule>& rules);

/// Tests for `promtool test rules` beside a rule file of that name: each case of each rule, with
/// the alerts that tacho itself finds in it.
std::string promtool_tests(const std::vector<AlertRule>& rules, std::string_view rule_file);

/// The inhibit_rules of an Alertmanager.
std::string alertmanager_inhibitions(const std::vector<AlertRule>& rules);

/// The rules as Nightingale's own import takes them (a list of its rules), for all data sources.
Json nightingale_rules(const std::vector<AlertRule>& rules);

/// The state of one rule at the end of one of its cases, judged every 15 s from its start. The
/// error is about a series that cannot be read.
Result<std::vector<Alert>> judged_case(const AlertRule& rule, const AlertCase& one);

}  // namespace tacho
