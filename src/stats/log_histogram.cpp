#include "stats/log_histogram.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"

namespace tacho {
namespace {

constexpr int exponent_min = -40, exponent_max = 40;
/// Each power of two in so many equal parts (as HdrHistogram does): half a part is at most
/// 1/1024 of the value.
constexpr std::size_t parts = 512;
constexpr std::size_t buckets = parts * (exponent_max - exponent_min) + 1;  ///< The first is zero.

}  // namespace

std::size_t LogHistogram::bucket_of(double value) {
  if (!(value >= std::ldexp(1.0, exponent_min))) return 0;
  if (value >= std::ldexp(1.0, exponent_max)) return buckets - 1;
  int exponent = 0;
  const double mantissa = 2.0 * std::frexp(value, &exponent);  // In [1, 2).
  const auto part = static_cast<std::size_t>((mantissa - 1.0) * parts);
  return 1 + static_cast<std::size_t>(exponent - 1 - exponent_min) * parts +
         std::min(part, parts - 1);
}

double LogHistogram::middle_of(std::size_t bucket) {
  if (bucket == 0) return 0.0;
  const std::size_t place = bucket - 1;
  const double mantissa = 1.0 + (static_cast<double>(place % parts) + 0.5) / parts;
  return std::ldexp(mantissa, static_cast<int>(place / parts) + exponent_min);
}

std::uint64_t& LogHistogram::counts_at(std::size_t bucket) {
  if (counts_.empty()) first_ = bucket;
  if (bucket < first_) {
    counts_.insert(counts_.begin(), first_ - bucket, 0);
    first_ = bucket;
  }
  if (bucket - first_ >= counts_.size()) counts_.resize(bucket - first_ + 1);
  return counts_[bucket - first_];
}

void LogHistogram::merge(const LogHistogram& other) {
  for (std::size_t b = 0; b < other.counts_.size(); ++b) {
    if (other.counts_[b] > 0) counts_at(b + other.first_) += other.counts_[b];
  }
  n_ += other.n_;
}

double LogHistogram::percentile(double percent) const {
  TACHO_ASSERT(n_ > 0 && percent >= 0.0 && percent <= 100.0);
  // The same rank as percentile_of_sorted's, without its interpolation within a bucket.
  const double position = percent * static_cast<double>(n_ - 1) / 100.0;
  const auto wanted = static_cast<std::uint64_t>(std::llround(position));
  std::uint64_t seen = 0;
  for (std::size_t b = 0; b < counts_.size(); ++b) {
    seen += counts_[b];
    if (seen > wanted) return middle_of(b + first_);
  }
  return middle_of(counts_.size() - 1 + first_);
}

}  // namespace tacho
