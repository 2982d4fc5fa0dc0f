#include "stats/interval.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"
#include "stats/autocorrelation.h"
#include "stats/distribution.h"
#include "stats/special.h"

namespace tacho {
namespace {

constexpr double tail = 0.5 * (1.0 - interval_level);

/// Below so many independent samples an interval of anything is worth little.
constexpr double n_effective_min = 8.0;

/// And of a mean, for times are skewed: Student's t wants a mean that is nearly normal.
constexpr double n_for_mean_min = 30.0;

/// The estimate of an autocorrelation time is itself uncertain, and mostly too small where the
/// series is short: series that are correlated at all must be this many times as long as it. (50 is
/// the usual rule of thumb for chains; the coverage that tests/unit/stats shows asks for more.)
constexpr double times_min = 130.0;

/// Independent samples that the body of the data must be worth before a series with this
/// autocorrelation time is believed; nothing beyond `needed` when it is uncorrelated.
double body_needed(double needed, double time) {
  return std::max(needed, n_effective_min + times_min * (1.0 - 1.0 / time));
}

/// Half the miss probability, less what the uncertainty of the autocorrelation time takes: the
/// variance is an estimate with about n / (4 time) degrees of freedom (the windowed sum spans some
/// four times; Sokal, Monte Carlo methods in statistical mechanics, 1997), so Student's quantile
/// stands in for the normal one. Nothing is taken where there is no correlation.
double adjusted_tail(double n, double time) {
  const double freedom = n / time / (4.0 * (1.0 - 1.0 / time) + 1e-9);
  return freedom > 1e6 ? tail : normal_tail(student_quantile(1.0 - tail, std::max(1.0, freedom)));
}

/// The rank r, which need not be whole, of n samples for which P(U_(r) <= q) is `probability`:
/// fractional order statistics, U_(r) ~ Beta(r, n + 1 - r) (Hutson, Journal of Applied Statistics
/// 26, 1999). For whole r it is the binomial interval itself.
double fractional_rank(double n, double q, double probability) {
  double low = 0.0, high = n + 1.0;
  for (int i = 0; i < 60; ++i) {
    const double r = 0.5 * (low + high);
    (incomplete_beta(r, n + 1.0 - r, q) > probability ? low : high) = r;
  }
  return 0.5 * (low + high);
}

/// The value at a rank of `ranks`, brought to the ranks of the samples that there are.
double value_at(const std::vector<double>& ascending, double rank, double ranks) {
  const double n = static_cast<double>(ascending.size());
  const double position = std::clamp(rank / (ranks + 1.0) * (n + 1.0) - 1.0, 0.0, n - 1.0);
  return n > 1.0 ? percentile_of_sorted(ascending, std::min(100.0, 100.0 * position / (n - 1.0)))
                 : ascending.front();
}

/// What each cluster adds to the error of a ratio of sums, Σ (f(x) - centre) over its values: the
/// linearized residuals of a ratio estimator (Cochran, Sampling Techniques, 3rd ed., 6.3).
template <class F>
std::vector<double> residuals(const Clusters& clusters, double centre, F f) {
  std::vector<double> result;
  result.reserve(clusters.count());
  std::size_t at = 0;
  for (std::size_t c = 0; c < clusters.count(); ++c) {
    const std::size_t size = clusters.size.empty() ? 1 : clusters.size[c];
    double sum = 0.0;
    for (std::size_t i = 0; i < size; ++i) sum += f(clusters.values[at++]) - centre;
    result.push_back(sum);
  }
  return result;
}

/// Var(Σ residuals), autocorrelation included.
double variance_of_sum(const std::vector<double>& residuals, double time) {
  double squares = 0.0;
  for (const double x : residuals) squares += x * x;
  const double n = static_cast<double>(residuals.size());
  return squares * time * n / (n - 1.0);
}

/// How "is at or below this percentile" goes up and down from cluster to cluster.
struct Indicator {
  double share = 0.0;  ///< Of the values that are.
  std::vector<double> rest;
  double time = 1.0;  ///< Its autocorrelation time.
};

Indicator indicator_of(const Clusters& clusters, const std::vector<double>& ascending,
                       double percent) {
  Indicator indicator;
  const double value = percentile_of_sorted(ascending, percent);
  const auto upper = std::upper_bound(ascending.begin(), ascending.end(), value);
  indicator.share =
      static_cast<double>(upper - ascending.begin()) / static_cast<double>(ascending.size());
  indicator.rest =
      residuals(clusters, indicator.share, [&](double x) { return x <= value ? 1.0 : 0.0; });
  indicator.time = autocorrelation_time(indicator.rest);
  return indicator;
}

std::size_t more(double factor, std::size_t have) {
  const double wanted = std::ceil(factor * static_cast<double>(have));
  return static_cast<std::size_t>(std::max(1.0, wanted - static_cast<double>(have)));
}

}  // namespace

std::size_t samples_needed(double percent) {
  const double q = std::max(percent, 100.0 - percent) / 100.0;
  // The largest of n is over the quantile with probability 1 - q^n.
  return static_cast<std::size_t>(std::ceil(std::log(tail) / std::log(q)));
}

std::pair<double, double> bounds_in_percent(double percent, double n_effective) {
  const double q = percent / 100.0;
  const auto end = [&](double probability) {
    const double rank = fractional_rank(n_effective, q, probability);
    return std::clamp(100.0 * rank / (n_effective + 1.0), 0.0, 100.0);
  };
  return {end(1.0 - tail), end(tail)};
}

Interval percentile_interval(const Clusters& clusters, const std::vector<double>& ascending,
                             double percent) {
  TACHO_ASSERT(percent > 0.0 && percent < 100.0);
  TACHO_ASSERT(ascending.size() == clusters.values.size());
  Interval result;
  const double needed = std::max(n_effective_min, static_cast<double>(samples_needed(percent)));
  const std::size_t requests = clusters.count();
  const bool is_single = clusters.size.empty();
  if (requests < 2) {
    result.n_effective = static_cast<double>(requests);
    result.needs_more = static_cast<std::size_t>(needed) - requests;
    result.is_rank_thin = true;
    return result;
  }
  const double n = static_cast<double>(ascending.size());
  const Indicator own = indicator_of(clusters, ascending, percent);
  // The few samples beyond a high percentile hide how correlated they are; those beyond the 95th
  // and the median do not.
  const double body = std::max(own.time, indicator_of(clusters, ascending, 50).time);
  const double nearer = std::clamp(percent, 5.0, 95.0);
  const double time =
      nearer == percent
          ? own.time
          : std::max(own.time, 0.5 * (own.time + indicator_of(clusters, ascending, nearer).time));
  const double variance = variance_of_sum(own.rest, time) / (n * n);
  // As many independent samples as would leave the share with that variance (Woodruff, JASA 47,
  // 1952). Within clusters it can be more than there are clusters, never more than values.
  result.n_effective = variance > 0.0 ? std::min(n, own.share * (1.0 - own.share) / variance) : n;
  // The few requests that a median takes are not worth a judgement of how independent they are.
  const double n_ranked = is_single && std::abs(percent - 50.0) <= 25.0
                              ? static_cast<double>(requests)
                              : result.n_effective;
  result.is_rank_thin = n_ranked < static_cast<double>(samples_needed(percent));
  // One request's values are no substitute for other requests.
  const double clusters_effective = static_cast<double>(requests) / body;
  const double clusters_needed = body_needed(is_single ? needed : n_effective_min, body);
  const double scarce = std::min(result.n_effective / needed, clusters_effective / clusters_needed);
  if (scarce < 1.0) {
    result.needs_more = more(1.0 / scarce, requests);
    return result;
  }
  const double q = percent / 100.0;
  const double miss = adjusted_tail(static_cast<double>(requests), time);
  result.low =
      value_at(ascending, fractional_rank(result.n_effective, q, 1.0 - miss), result.n_effective);
  result.high =
      value_at(ascending, fractional_rank(result.n_effective, q, miss), result.n_effective);
  result.is_known = true;
  return result;
}

Interval mean_interval(const Clusters& clusters) {
  Interval result;
  const std::size_t requests = clusters.count();
  result.n_effective = static_cast<double>(requests);
  if (requests < 2) {
    result.needs_more = static_cast<std::size_t>(n_for_mean_min) - requests;
    return result;
  }
  double sum = 0.0;
  for (const double x : clusters.values) sum += x;
  const double n = static_cast<double>(clusters.values.size());
  const double mean = sum / n;
  const auto rest = residuals(clusters, mean, [](double x) { return x; });
  const double time = autocorrelation_time(rest);
  result.n_effective = static_cast<double>(requests) / time;
  const double needed = body_needed(n_for_mean_min, time);
  if (result.n_effective < needed) {
    result.needs_more = more(needed / result.n_effective, requests);
    return result;
  }
  const double error = std::sqrt(variance_of_sum(rest, time)) / n;
  const double miss = adjusted_tail(static_cast<double>(requests), time);
  const double half = student_quantile(1.0 - miss, result.n_effective - 1.0) * error;
  result.low = mean - half;
  result.high = mean + half;
  result.is_known = true;
  return result;
}

}  // namespace tacho
