// How far the engine's model may be off for a configuration: what its validation against measured
// servers found. A plan says which of its answers stand or fall with that.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "sim/profile.h"

namespace tacho {

/// The error band of a configuration: nine of ten measured points were nearer than this.
struct ErrorBand {
  double ttft = 0.3, tpot = 0.3, e2e = 0.3;  ///< Shares.
  std::string basis;                         ///< The family that they were found on, or why none.
};

/// What a plan says of a failure within the band.
inline constexpr std::string_view near_words = ", by no more than the model may be wrong";

/// Where the bands come from, in words: the page, its date, what kind of errors they are.
std::string_view error_band_source();

/// The band of that GPU, model and engine: of the family of measured points that is nearest to it.
ErrorBand error_band_of(const GpuProfile& gpu, const ModelProfile& model, std::string_view engine);

}  // namespace tacho
