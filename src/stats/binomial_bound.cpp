#include "stats/binomial_bound.h"

#include "base/assert.h"
#include "stats/special.h"

namespace tacho {

Bound judge_share(std::size_t bad, std::size_t n, double allowed) {
  TACHO_ASSERT(allowed > 0.0 && allowed < 1.0 && bad <= n);
  if (n == 0) return Bound::open;
  if (binomial_cdf(bad, n, allowed) <= 1.0 - bound_level) return Bound::holds;
  if (bad > 0 && 1.0 - binomial_cdf(bad - 1, n, allowed) <= 1.0 - bound_level) return Bound::fails;
  return Bound::open;
}

std::size_t requests_needed(std::size_t bad, double allowed) {
  TACHO_ASSERT(allowed > 0.0 && allowed < 1.0);
  std::size_t low = bad, high = bad + 1;  // Too few; perhaps enough.
  while (binomial_cdf(bad, high, allowed) > 1.0 - bound_level) {
    low = high;
    high *= 2;
  }
  while (high - low > 1) {
    const std::size_t middle = low + (high - low) / 2;
    (binomial_cdf(bad, middle, allowed) > 1.0 - bound_level ? low : high) = middle;
  }
  return high;
}

}  // namespace tacho
