// Percentiles of more samples than memory holds: counts in logarithmic buckets that are split
// evenly, at most 0.1 % wide either way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tacho {

/// Counts of values, of whatever number, in at most some hundred kilobytes. Values from 2^-40 to
/// 2^40 keep a relative error of at most 0.1 %; nearer to zero they count as zero, beyond as the
/// bound. Negative values are taken as zero.
class LogHistogram {
 public:
  /// Counts a value, so many times.
  void add(double value, std::uint64_t times = 1) {
    counts_at(bucket_of(value)) += times;
    n_ += times;
  }
  /// Counts what another histogram has counted: the order of merging does not matter.
  void merge(const LogHistogram& other);
  /// How many were counted.
  std::size_t n() const { return n_; }
  /// The value below which `percent` per cent lie: the middle of its bucket. Must not be empty.
  double percentile(double percent) const;
  /// Calls f(value, count) for each bucket that is not empty, ascending.
  template <class F>
  void each(F f) const {
    for (std::size_t b = 0; b < counts_.size(); ++b) {
      if (counts_[b] > 0) f(middle_of(b + first_), counts_[b]);
    }
  }

 private:
  static std::size_t bucket_of(double value);
  static double middle_of(std::size_t bucket);
  std::uint64_t& counts_at(std::size_t bucket);
  std::vector<std::uint64_t> counts_;  ///< From bucket `first_` on.
  std::size_t first_ = 0;
  std::size_t n_ = 0;
};

}  // namespace tacho
