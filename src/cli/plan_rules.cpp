#include "cli/plan_rules.h"

#include "base/text.h"
#include "cli/plan_checks.h"
#include "report/summary.h"

namespace tacho {
namespace {

/// "10%" or "10": per cent, as a share.
Result<double> parse_percent(const std::string& flag, std::string_view text) {
  std::string_view number = trim(text);
  if (number.ends_with('%')) number.remove_suffix(1);
  const auto percent = parse_number(number);
  if (!percent || *percent < 0.0 || *percent > 100.0) {
    return input_error(format("{} '{}': write a percentage, such as 10%", flag, text));
  }
  return *percent / 100.0;
}

Result<Cancelling> plan_cancelling(const BenchOptions& o) {
  Cancelling cancelling;
  cancelling.seed = Seed{o.seed};
  cancelling.delay = from_s(o.cancel_delay_s);
  cancelling.after_tokens = o.cancel_after_tokens;
  if (!o.cancel_rate.empty()) {
    auto share = parse_percent("--cancel-rate", o.cancel_rate);
    if (!share) return share.error();
    cancelling.share = *share;
  }
  if (o.cancel_delay_s > 0 && o.cancel_after_tokens > 0)
    return input_error("--cancel-delay and --cancel-after-tokens exclude each other");
  if (o.cancel_rate.empty() && (o.cancel_delay_s > 0 || o.cancel_after_tokens > 0)) {
    return input_error(
        "--cancel-delay and --cancel-after-tokens need --cancel-rate: which share of the requests");
  }
  return cancelling;
}

/// "5%" or "0.05".
Result<double> parse_share(const std::string& flag, std::string_view text) {
  const bool is_percent = text.ends_with('%');
  const auto value = parse_number(text.substr(0, text.size() - (is_percent ? 1 : 0)));
  const double share = value.value_or(-1.0) / (is_percent ? 100.0 : 1.0);
  if (share <= 0.0 || share >= 1.0)
    return input_error(format("{} '{}': write a share, such as 5% or 0.05", flag, text));
  return share;
}

Error no_precision(const std::string& text) {
  return input_error(
      format("--until '{}': write a figure and its precision, such as 'p99 ttft ±5%' or 'mean e2e "
             "2%'; the metrics are ttft, ttfo, tpot, e2e, ttft_from_due, e2e_from_due",
             text));
}

/// Of "p99", "median", "mean"; 0 for the mean.
std::optional<double> parse_figure(std::string_view word) {
  if (word == "mean" || word == "avg") return 0.0;
  if (word == "median") return 50.0;
  if (!word.starts_with('p')) return std::nullopt;
  const auto percent = parse_number(word.substr(1));
  return percent && *percent > 0.0 && *percent < 100.0 ? percent : std::nullopt;
}

/// The tokens of a finished answer, as far as they are known while the run lasts.
std::uint32_t tokens_of(const Record& record) {
  return record.usage.output_tokens.value_or(static_cast<std::uint32_t>(record.chunks.size()));
}

Result<Precision> parse_precision(const std::string& text) {
  std::vector<std::string> words;
  for (const auto word : split(text, ' ')) {
    if (!word.empty()) words.emplace_back(word);
  }
  if (words.size() != 3) return no_precision(text);
  const auto figure = parse_figure(words[0]);
  const auto slo = parse_slo(words[1] + ":1");  // One table of metric names serves all flags.
  const auto metric = slo ? slo_metric(slo->metric) : std::nullopt;
  std::string_view width = words[2];
  for (const std::string_view sign : {"±", "+-", "+/-"}) {
    if (width.starts_with(sign)) width.remove_prefix(sign.size());
  }
  const auto half_width = parse_share("--until", width);
  if (!figure || !metric || !half_width) return no_precision(text);
  Precision wish;
  wish.label = format("{} {}", words[0], words[1]);
  wish.percent = *figure;
  wish.half_width = *half_width;
  wish.value_of = [metric = *metric](const Record& record) {
    return value_of(metric, record, tokens_of(record));
  };
  return wish;
}

Status plan_stops(const BenchOptions& o, PlannedRules& rules) {
  rules.error_limits.errors_max = o.errors_max;
  if (!o.error_rate_max.empty()) {
    auto share = parse_share("--max-error-rate", o.error_rate_max);
    if (!share) return share.error();
    rules.error_limits.rate_max = *share;
  }
  for (const auto& text : o.until) {
    auto wish = parse_precision(text);
    if (!wish) return wish.error();
    rules.until.push_back(std::move(*wish));
  }
  return Nothing{};
}

/// Long enough for most figures, and an end for the others.
constexpr double until_duration_s = 300.0;

}  // namespace

Result<PlannedRules> plan_rules(const BenchOptions& o) {
  PlannedRules rules;
  if (o.request_timeout_s <= 0.0) return input_error("--request-timeout must be more than 0");
  rules.timeouts = {from_s(o.connect_timeout_s), from_s(o.first_token_timeout_s),
                    from_s(o.request_timeout_s)};
  auto cancelling = plan_cancelling(o);
  if (!cancelling) return cancelling.error();
  rules.cancelling = *cancelling;
  rules.retrying.retries = o.retries;
  if (auto status = plan_stops(o, rules); !status) return status.error();
  return rules;
}

BenchOptions with_bounds(const BenchOptions& options) {
  BenchOptions bounded = options;
  const bool has_bound = options.duration_s > 0.0 || !options.num_prompts.empty();
  if (!options.until.empty() && !has_bound) bounded.duration_s = until_duration_s;
  return bounded;
}

Json rules_json(const BenchOptions& o) {
  Json json{{"request_timeout_s", o.request_timeout_s}};
  if (o.connect_timeout_s > 0) json["connect_timeout_s"] = o.connect_timeout_s;
  if (o.first_token_timeout_s > 0) json["first_token_timeout_s"] = o.first_token_timeout_s;
  if (!o.cancel_rate.empty()) {
    json["cancel_rate"] = o.cancel_rate;
    if (o.cancel_after_tokens > 0) {
      json["cancel_after_tokens"] = o.cancel_after_tokens;
    } else {
      json["cancel_delay_s"] = o.cancel_delay_s;
    }
  }
  if (o.retries > 0) json["retries"] = o.retries;
  if (o.errors_max > 0) json["max_errors"] = o.errors_max;
  if (!o.error_rate_max.empty()) json["max_error_rate"] = o.error_rate_max;
  if (!o.until.empty()) json["until"] = o.until;
  return json;
}

}  // namespace tacho
