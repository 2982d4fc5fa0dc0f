// Whether "at most so large a share of requests is bad" can be said of a server after having seen
// n of them: the binomial bound, as MLPerf Inference settles its tail-time constraints.
#pragma once

#include <cstddef>

namespace tacho {

/// How sure a bound must be, either way.
inline constexpr double bound_level = 0.99;

/// What can be said.
enum class Bound {
  holds,  ///< Were the share larger than allowed, so few bad ones would be seen in 1 % of runs.
  fails,  ///< Were it smaller, so many would.
  open,   ///< Neither: too few requests.
};

/// Judges `bad` of `n` requests against the `allowed` share, 0 < allowed < 1.
Bound judge_share(std::size_t bad, std::size_t n, double allowed);

/// The fewest requests of which `bad` may be bad so that the bound holds.
std::size_t requests_needed(std::size_t bad, double allowed);

}  // namespace tacho
