// Findings: what holds a service back, with the evidence for it and what to do. Each rule names its
// source; one that lacks a reading says that it cannot know.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "diagnosis/situation.h"

namespace tacho {

/// One reading that speaks for a finding.
struct Evidence {
  std::string what;   ///< "KV cache in use".
  std::string value;  ///< With its unit.
};

/// What was found.
struct Finding {
  std::string id;     ///< Such as "kv_bound"; stable, for scripts.
  std::string where;  ///< The stretch.
  std::string text;   ///< One sentence: what it is.
  std::string advice;
  std::vector<Evidence> evidence;
  std::string source;    ///< Where the rule comes from.
  bool is_cause = true;  ///< False: something is wrong and the readings do not say what.
  std::vector<std::string> missing;  ///< Readings that would make it surer.
};

/// What is found in a stretch, the most specific first. A healthy one has none.
std::vector<Finding> diagnose(const Situation& situation);

/// A finding's line for a terminal, its evidence in brackets.
std::string finding_line(const Finding& finding);

/// For run.json and --json.
Json finding_json(const Finding& finding);

/// What there are rules for: id and what each needs, for documents.
struct RuleInfo {
  std::string_view id;
  std::string_view says;
  std::string_view source;
};
std::span<const RuleInfo> finding_rules();

}  // namespace tacho
