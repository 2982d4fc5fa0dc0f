// Named, seeded random streams. One seed on the command line and one name for each purpose, so that
// a change of the dataset does not move the arrivals. The distributions are spelled out here
// because the standard library's may differ from one machine to the next, and a seed must mean the
// same everywhere.
#pragma once

#include <cstdint>
#include <string_view>

namespace tacho {

/// The seed of a run, as typed by the user.
struct Seed {
  std::uint64_t value = 0;
};

/// A stream of pseudo-random numbers: xoshiro256** (Blackman, Vigna 2018), seeded through
/// splitmix64.
class Random {
 public:
  /// Streams of different names are independent, whatever the seed.
  Random(Seed seed, std::string_view stream_name);

  /// 64 uniform bits.
  std::uint64_t bits();

  /// Uniform in (0, 1): never 0, so that its logarithm is finite.
  double uniform();

  /// Uniform integer in [0, bound), without bias (Lemire 2019). `bound` must be positive.
  std::uint64_t below(std::uint64_t bound);

  /// Standard normal, by Marsaglia's polar method.
  double normal();

  /// Exponential of mean 1.
  double exponential();

  /// Gamma(shape, scale 1) by Marsaglia and Tsang's squeeze (ACM TOMS 26(3), 2000).
  double gamma(double shape);

 private:
  std::uint64_t state_[4];
  double spare_normal_ = 0.0;
  bool has_spare_normal_ = false;
};

}  // namespace tacho
