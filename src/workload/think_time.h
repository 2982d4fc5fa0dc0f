// How long a user thinks between an answer and the next request.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/time.h"

namespace tacho {

/// A law of think times, in seconds.
struct ThinkTime {
  enum class Law { constant, uniform, exponential };
  Law law = Law::constant;
  double low_s = 0.0;   ///< The constant, or the least; the mean of the exponential law.
  double high_s = 0.0;  ///< The most, of the uniform law.
};

/// The mean, in seconds.
double mean_s(const ThinkTime& think);

/// One think time for each of `count` requests; fewer are a prefix of more.
std::vector<Duration> think_times(const ThinkTime& think, std::size_t count, Seed seed);

/// In words: "think 1 to 3 s"; empty for no time at all.
std::string think_words(const ThinkTime& think);

}  // namespace tacho
