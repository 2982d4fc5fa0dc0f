#include "monitor/evaluate.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"

namespace tacho {
namespace {

using Kind = Expression::Kind;
using Scope = Expression::Scope;

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

/// The labels that count for a grouping or a match.
Labels scoped(const Labels& labels, Scope scope, const std::vector<std::string>& names) {
  Labels kept;
  for (const auto& item : labels) {
    const bool is_named = std::find(names.begin(), names.end(), item.first) != names.end();
    if (scope == Scope::all || is_named == (scope == Scope::only)) kept.push_back(item);
  }
  return kept;
}

bool accepts(const Expression& selector, const Labels& labels) {
  return std::all_of(selector.matchers.begin(), selector.matchers.end(),
                     [&](const LabelMatcher& m) { return m.accepts(label(labels, m.label)); });
}

/// How much the range gained, extrapolated to its ends as Prometheus does (promql/functions.go,
/// extrapolatedRate): up to 1.1 sample distances, or half of one; a counter never below zero.
double gain(const std::vector<TimedValue>& samples, Instant from, Instant to, bool is_counter) {
  if (samples.size() < 2) return nan_value;
  double result = samples.back().value - samples.front().value;
  for (std::size_t i = 1; is_counter && i < samples.size(); ++i) {
    if (samples[i].value < samples[i - 1].value) result += samples[i - 1].value;
  }
  const double sampled = to_s(samples.back().at - samples.front().at);
  if (sampled <= 0.0) return nan_value;
  double to_start = to_s(samples.front().at - from);
  const double to_end = to_s(to - samples.back().at);
  const double mean_gap = sampled / static_cast<double>(samples.size() - 1);
  if (is_counter && result > 0.0 && samples.front().value >= 0.0) {
    to_start = std::min(to_start, sampled * (samples.front().value / result));
  }
  const double near = 1.1 * mean_gap;
  const double extrapolated = sampled + (to_start < near ? to_start : mean_gap / 2.0) +
                              (to_end < near ? to_end : mean_gap / 2.0);
  return result * extrapolated / sampled;
}

double over_time(std::string_view function, const std::vector<TimedValue>& samples) {
  if (samples.empty()) return nan_value;
  double sum = 0.0, least = samples.front().value, most = least, changes = 0.0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    sum += samples[i].value;
    least = std::min(least, samples[i].value);
    most = std::max(most, samples[i].value);
    if (i > 0 && samples[i].value != samples[i - 1].value) changes += 1.0;
  }
  if (function == "avg_over_time") return sum / static_cast<double>(samples.size());
  if (function == "min_over_time") return least;
  if (function == "max_over_time") return most;
  if (function == "sum_over_time") return sum;
  if (function == "count_over_time") return static_cast<double>(samples.size());
  if (function == "last_over_time") return samples.back().value;
  return changes;
}

double calculated(std::string_view op, double a, double b) {
  if (op == "+") return a + b;
  if (op == "-") return a - b;
  if (op == "*") return a * b;
  if (op == "/") return a / b;
  return std::fmod(a, b);
}

bool is_comparison(std::string_view op) {
  return op == "==" || op == "!=" || op == "<" || op == ">" || op == "<=" || op == ">=";
}

bool holds(std::string_view op, double a, double b) {
  if (op == "==") return a == b;
  if (op == "!=") return a != b;
  if (op == "<") return a < b;
  if (op == ">") return a > b;
  return op == "<=" ? a <= b : a >= b;
}

class Evaluator {
 public:
  Evaluator(const Samples& samples, Instant at) : samples_(samples), at_(at) {}

  Evaluated value(const Expression& node) {
    switch (node.kind) {
      case Kind::number:
        return {true, node.number, {}};
      case Kind::selector:
        return instant(node);
      case Kind::call:
        return call(node);
      case Kind::aggregate:
        return aggregate(node);
      case Kind::binary:
        return binary(node);
      case Kind::negative:
        return each(value(node.parts.front()), [](double v) { return -v; });
    }
    return {};
  }

  std::optional<Error> error;

 private:
  Evaluated instant(const Expression& node) const {
    Evaluated out;
    for (const SampleSeries& series : samples_.of(node.name)) {
      if (!accepts(node, series.labels())) continue;
      const double value = series.value_at(at_ - node.offset);
      if (!std::isnan(value)) out.elements.push_back({series.labels(), value});
    }
    return out;
  }

  template <class Change>
  static Evaluated each(Evaluated in, Change&& change) {
    in.number = change(in.number);
    for (Element& element : in.elements) element.value = change(element.value);
    return in;
  }

  Evaluated call(const Expression& node) {
    const std::string& name = node.name;
    if (name == "time") return {true, to_s(at_.time_since_epoch()), {}};
    if (name == "histogram_quantile") return histogram_quantiles(node);
    const Expression& first = node.parts.front();
    if (first.range.count() > 0) return ranged(name, first);
    Evaluated in = value(first);
    if (name == "abs") return each(std::move(in), [](double v) { return std::fabs(v); });
    if (name == "absent") {
      if (in.is_number || !in.elements.empty()) return {};
      return {false, 0.0, {{{}, 1.0}}};
    }
    const double bound = value(node.parts[1]).number;
    if (name == "clamp_min") {
      return each(std::move(in), [&](double v) { return std::max(v, bound); });
    }
    return each(std::move(in), [&](double v) { return std::min(v, bound); });
  }

  Evaluated ranged(const std::string& function, const Expression& node) const {
    Evaluated out;
    const Instant to = at_ - node.offset;
    const Instant from = to - node.range;
    for (const SampleSeries& series : samples_.of(node.name)) {
      if (!accepts(node, series.labels())) continue;
      const auto samples = series.between(from, to);
      double value = 0.0;
      if (function == "rate") {
        value = gain(samples, from, to, true) / to_s(node.range);
      } else if (function == "increase" || function == "delta") {
        value = gain(samples, from, to, function == "increase");
      } else {
        value = over_time(function, samples);
      }
      if (!std::isnan(value)) out.elements.push_back({series.labels(), value});
    }
    return out;
  }

  Evaluated histogram_quantiles(const Expression& node) {
    const double q = value(node.parts[0]).number;
    std::vector<std::pair<Labels, std::vector<std::pair<double, double>>>> groups;
    for (const Element& element : value(node.parts[1]).elements) {
      const std::string_view le = label(element.labels, "le");
      const auto bound =
          le == "+Inf" ? std::optional(std::numeric_limits<double>::infinity()) : parse_number(le);
      if (!bound) continue;
      Labels rest = scoped(element.labels, Scope::without, {"le"});
      auto group = std::find_if(groups.begin(), groups.end(),
                                [&](const auto& g) { return g.first == rest; });
      if (group == groups.end()) group = groups.insert(groups.end(), {std::move(rest), {}});
      group->second.emplace_back(*bound, element.value);
    }
    Evaluated out;
    for (auto& [labels, buckets] : groups) {
      out.elements.push_back({labels, bucket_quantile(q, std::move(buckets))});
    }
    return out;
  }

  Evaluated aggregate(const Expression& node) {
    std::vector<std::pair<Labels, std::vector<double>>> groups;
    for (const Element& element : value(node.parts.front()).elements) {
      Labels key = scoped(element.labels, node.scope, node.labels);
      auto group =
          std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.first == key; });
      if (group == groups.end()) group = groups.insert(groups.end(), {std::move(key), {}});
      group->second.push_back(element.value);
    }
    Evaluated out;
    for (const auto& [labels, values] : groups) {
      double result = 0.0;
      for (const double v : values) result += v;
      const auto count = static_cast<double>(values.size());
      if (node.name == "avg") result /= count;
      if (node.name == "count") result = count;
      if (node.name == "min") result = *std::min_element(values.begin(), values.end());
      if (node.name == "max") result = *std::max_element(values.begin(), values.end());
      out.elements.push_back({labels, result});
    }
    return out;
  }

  Evaluated binary(const Expression& node) {
    const Evaluated left = value(node.parts[0]);
    const Evaluated right = value(node.parts[1]);
    if (node.name == "and" || node.name == "or" || node.name == "unless") {
      return combined(node, left, right);
    }
    if (left.is_number && right.is_number) {
      const bool compares = is_comparison(node.name);
      return {true,
              compares ? holds(node.name, left.number, right.number)
                       : calculated(node.name, left.number, right.number),
              {}};
    }
    if (left.is_number || right.is_number) return with_number(node, left, right);
    return matched(node, left, right);
  }

  static Evaluated with_number(const Expression& node, const Evaluated& left,
                               const Evaluated& right) {
    Evaluated out;
    for (const Element& element : left.is_number ? right.elements : left.elements) {
      const double a = left.is_number ? left.number : element.value;
      const double b = left.is_number ? element.value : right.number;
      if (!is_comparison(node.name)) {
        out.elements.push_back({element.labels, calculated(node.name, a, b)});
      } else if (holds(node.name, a, b)) {
        out.elements.push_back(element);
      }
    }
    return out;
  }

  Evaluated matched(const Expression& node, const Evaluated& left, const Evaluated& right) {
    std::map<Labels, double> others;
    for (const Element& element : right.elements) {
      const auto [place, is_new] =
          others.emplace(scoped(element.labels, node.scope, node.labels), element.value);
      if (!is_new) return refuse(node, "right");
    }
    Evaluated out;
    std::map<Labels, bool> taken;
    for (const Element& element : left.elements) {
      const Labels key = scoped(element.labels, node.scope, node.labels);
      const auto other = others.find(key);
      if (other == others.end()) continue;
      if (!taken.emplace(key, true).second) return refuse(node, "left");
      if (!is_comparison(node.name)) {
        out.elements.push_back({key, calculated(node.name, element.value, other->second)});
      } else if (holds(node.name, element.value, other->second)) {
        out.elements.push_back({key, element.value});
      }
    }
    return out;
  }

  Evaluated refuse(const Expression& node, std::string_view side) {
    error = input_error(format(
        "'{}' has several elements on the {} that match one on the other side; say which labels "
        "count with on() or ignoring()",
        node.name, side));
    return {};
  }

  static Evaluated combined(const Expression& node, const Evaluated& left, const Evaluated& right) {
    const auto keys = [&](const Evaluated& side) {
      std::map<Labels, bool> found;
      for (const Element& e : side.elements)
        found[scoped(e.labels, node.scope, node.labels)] = true;
      return found;
    };
    Evaluated out;
    const bool is_or = node.name == "or";
    const auto in_right = keys(right);
    for (const Element& element : left.elements) {
      const bool has = in_right.contains(scoped(element.labels, node.scope, node.labels));
      if (is_or || has == (node.name == "and")) out.elements.push_back(element);
    }
    if (!is_or) return out;
    const auto in_left = keys(left);
    for (const Element& element : right.elements) {
      if (!in_left.contains(scoped(element.labels, node.scope, node.labels))) {
        out.elements.push_back(element);
      }
    }
    return out;
  }

  const Samples& samples_;
  Instant at_;
};

}  // namespace

double bucket_quantile(double q, std::vector<std::pair<double, double>> buckets) {
  std::sort(buckets.begin(), buckets.end());
  if (buckets.size() < 2 || !std::isinf(buckets.back().first) || std::isnan(q)) return nan_value;
  if (q < 0.0) return -std::numeric_limits<double>::infinity();
  if (q > 1.0) return std::numeric_limits<double>::infinity();
  // Rates of buckets that were read at slightly different times need not be monotonic.
  for (std::size_t i = 1; i < buckets.size(); ++i) {
    buckets[i].second = std::max(buckets[i].second, buckets[i - 1].second);
  }
  const double count = buckets.back().second;
  if (!(count > 0.0)) return nan_value;
  const double rank = q * count;
  std::size_t at = 0;
  while (at + 1 < buckets.size() && buckets[at].second < rank) ++at;
  if (at + 1 == buckets.size()) return buckets[at - 1].first;
  if (at == 0 && buckets[0].first <= 0.0) return buckets[0].first;
  const double low = at == 0 ? 0.0 : buckets[at - 1].first;
  const double below = at == 0 ? 0.0 : buckets[at - 1].second;
  return low + (buckets[at].first - low) * (rank - below) / (buckets[at].second - below);
}

Result<Evaluated> evaluate(const Expression& expression, const Samples& samples, Instant at) {
  Evaluator evaluator(samples, at);
  Evaluated value = evaluator.value(expression);
  if (evaluator.error) return *evaluator.error;
  return value;
}

}  // namespace tacho
