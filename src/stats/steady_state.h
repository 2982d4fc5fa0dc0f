// Where a start-up transient ends: MSER-5.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace tacho {

/// How many samples at the beginning belong to the transient, by MSER-5 (White, An effective
/// truncation heuristic for bias reduction in simulation output, Simulation 69, 1997; batches of
/// five by Spratt 1998): the cut that makes the mean of the rest best known. Nothing when the
/// series is shorter than ten batches, or when the best cut lies in its second half: then it never
/// settled.
std::optional<std::size_t> transient_length(const std::vector<double>& series);

}  // namespace tacho
