#include "cli/slo_flags.h"

#include <array>

#include "base/text.h"
#include "cli/plan_checks.h"

namespace tacho {
namespace {

Error no_slo(const std::string& text) {
  return input_error(
      format("--slo '{}': write a percentile, a metric and a limit, such as 'p99 ttft < 200' (also "
             "tpot, e2e, ttft_from_due), 'error_rate < 1%' or 'goodput >= 95%'",
             text));
}

/// What stands on both sides of <=, <, >=, > or : and which way it points.
struct Comparison {
  std::string left, right;
  bool is_at_least = false;
};

std::optional<Comparison> take_apart(const std::string& text) {
  const auto begin = text.find_first_of("<>:");
  if (begin == std::string::npos) return std::nullopt;
  const auto end = text.find_first_not_of("<>:=", begin);
  if (end == std::string::npos) return std::nullopt;
  return Comparison{lower(trim(std::string_view(text).substr(0, begin))),
                    lower(trim(std::string_view(text).substr(end))), text[begin] == '>'};
}

/// "1%" or "0.01", between 0 and 1, both excluded.
std::optional<double> parse_share(std::string_view text) {
  const bool is_percent = text.ends_with('%');
  if (is_percent) text.remove_suffix(1);
  auto value = parse_number(trim(text));
  if (value && is_percent) *value /= 100.0;
  return value && *value > 0.0 && *value < 1.0 ? value : std::nullopt;
}

/// Milliseconds of "200", "200ms", "0.2s" or "200 ms".
std::optional<double> parse_ms(std::string_view text) {
  double factor = 1.0;
  if (text.ends_with("ms")) {
    text.remove_suffix(2);
  } else if (text.ends_with('s')) {
    text.remove_suffix(1);
    factor = 1000.0;
  }
  const auto value = parse_number(trim(text));
  return value && *value > 0.0 ? std::optional(*value * factor) : std::nullopt;
}

}  // namespace

Result<CellSlo> parse_cell_slo(const std::string& text) {
  const auto sides = take_apart(text);
  if (!sides) return no_slo(text);
  CellSlo slo;
  if (sides->left == "error_rate" || sides->left == "goodput") {
    const bool is_goodput = sides->left == "goodput";
    const auto share = parse_share(sides->right);
    if (!share || sides->is_at_least != is_goodput) return no_slo(text);
    slo.kind = is_goodput ? CellSlo::Kind::goodput : CellSlo::Kind::error_rate;
    slo.limit = *share;
    return slo;
  }
  const auto gap = sides->left.find_first_of(" \t");
  const auto limit = parse_ms(sides->right);
  if (gap == std::string::npos || !sides->left.starts_with('p') || sides->is_at_least || !limit)
    return no_slo(text);
  const auto percent = parse_number(std::string_view(sides->left).substr(1, gap - 1));
  if (!percent || *percent <= 0.0 || *percent >= 100.0) return no_slo(text);
  // One table of metric names serves both flags.
  const auto named = parse_slo(format("{}:1", trim(std::string_view(sides->left).substr(gap))));
  if (!named) return no_slo(text);
  slo.metric = named->metric;
  slo.percent = *percent;
  slo.limit = *limit;
  return slo;
}

Status plan_slos(const BenchOptions& options, BenchPlan& plan) {
  const auto add_per_request = [&](const std::string& text) -> Status {
    auto slo = parse_slo(text);
    if (!slo) return slo.error();
    plan.slos.push_back(*slo);
    return Nothing{};
  };
  for (const auto& text : options.goodput) {
    if (auto status = add_per_request(text); !status) return status;
  }
  for (const auto& text : options.slos) {
    if (parse_slo(text)) {
      if (auto status = add_per_request(text); !status) return status;
      continue;
    }
    auto slo = parse_cell_slo(text);
    if (!slo) return slo.error();
    plan.cell_slos.push_back(*slo);
  }
  if (options.error_budget.empty()) return Nothing{};
  const auto share = parse_share(options.error_budget);
  if (!share) {
    return input_error(format("--error-budget '{}': write a share of the requests, such as 1%",
                              options.error_budget));
  }
  plan.error_budget = *share;
  return Nothing{};
}

}  // namespace tacho
