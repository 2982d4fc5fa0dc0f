// A rate that changes over time: steps, ramps, bursts. What it is for is its inverse: the time at
// which so many arrivals are expected. A process of rate 1 that is read on that clock has the
// wanted rate at every moment, whatever its gaps are (time rescaling; Daley and Vere-Jones, An
// Introduction to the Theory of Point Processes, 7.4).
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace tacho {

/// A stretch of time over which the rate, per second, goes from one value to another.
struct RatePiece {
  double duration_s = 0.0;
  double start_per_s = 0.0;
  double end_per_s = 0.0;
  /// Grows by the same factor in the same time, else by the same amount.
  bool is_exponential = false;
};

/// A rate from the start of a cell on. Without pieces it says nothing.
struct RateSeries {
  std::vector<RatePiece> pieces;
  bool repeats = false;  ///< Begins again at its end; else it goes on at its last rate.
};

/// How long its pieces take together.
double duration_s(const RateSeries& series);

/// How many arrivals are expected from its start to its end.
double arrivals_of(const RateSeries& series);

/// In a few characters, for tables: "10→50→10 req/s".
std::string series_label(const RateSeries& series);

/// In words: "piecewise 10 → 50 → 10 req/s over 150 s".
std::string series_words(const RateSeries& series);

/// The inverse of the arrivals that are expected until a time, for ascending arguments.
class RateClock {
 public:
  /// The series must outlive the clock and have a piece.
  explicit RateClock(const RateSeries& series);

  /// The last time, in seconds from the start, until which only `expected` arrivals are expected:
  /// across a pause that is the pause's end. Not smaller than in the call before. Infinity when
  /// there never are more.
  double time_of(double expected);

 private:
  const RateSeries& series_;
  std::size_t piece_ = 0;
  double start_s_ = 0.0;         ///< When the piece begins.
  double start_arrivals_ = 0.0;  ///< How many are expected until then.
  bool can_repeat_ = false;
};

}  // namespace tacho
