// How many independent samples a series is worth. Requests that follow one another share batches
// and queues, so that n of them say less than n independent ones would.
#pragma once

#include <vector>

namespace tacho {

/// The integrated autocorrelation time of a series, in samples: n divided by it is the number of
/// independent samples that would give a mean as good. At least 1; a constant series has 1.
double autocorrelation_time(const std::vector<double>& series);

}  // namespace tacho
