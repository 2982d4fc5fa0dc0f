#include "diagnosis/finding.h"

#include "base/text.h"

namespace tacho {

bool is_fault_throttling(std::string_view reason) {
  const auto has = [&](std::string_view word) {
    return reason.find(word) != std::string_view::npos;
  };
  return has("thermal") || has("slowdown") || has("brake");
}

std::string finding_line(const Finding& finding) {
  std::vector<std::string> parts;
  for (const Evidence& evidence : finding.evidence) {
    parts.push_back(format("{} {}", evidence.what, evidence.value));
  }
  std::string line = finding.text;
  if (!parts.empty()) line += format(" ({})", join(parts, ", "));
  if (!finding.advice.empty()) line += ": " + finding.advice;
  return line;
}

Json finding_json(const Finding& finding) {
  Json json{{"id", finding.id},         {"where", finding.where},   {"text", finding.text},
            {"advice", finding.advice}, {"source", finding.source}, {"is_cause", finding.is_cause}};
  json["line"] = finding_line(finding);
  json["evidence"] = Json::array();
  for (const Evidence& evidence : finding.evidence) {
    json["evidence"].push_back({{"what", evidence.what}, {"value", evidence.value}});
  }
  json["missing"] = finding.missing;
  return json;
}

}  // namespace tacho
