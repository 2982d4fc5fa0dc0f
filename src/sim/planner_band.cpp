#include "sim/planner_band.h"

#include <algorithm>

#include "base/embedded.h"
#include "base/text.h"

namespace tacho {
namespace {

TACHO_EMBEDDED(profile_error_bands)

const Json& bands() {
  static const Json json = [] {
    auto read = parse_json(profile_error_bands(), "error bands");
    TACHO_ASSERT(read.ok());
    return std::move(*read);
  }();
  return json;
}

bool is_of(const Json& family, const GpuProfile& gpu, const ModelProfile& model,
           std::string_view engine) {
  const bool has_experts = json_string(family, "kind") == "experts";
  return json_string(family, "engine") == engine && json_string(family, "gpu") == gpu.id &&
         has_experts == (model.experts > 0);
}

ErrorBand band_of(const Json& errors, std::string basis) {
  return {json_number(errors, "ttft"), json_number(errors, "tpot"), json_number(errors, "e2e"),
          std::move(basis)};
}

}  // namespace

std::string_view error_band_source() {
  static const std::string source = json_string(bands(), "source");
  return source;
}

ErrorBand error_band_of(const GpuProfile& gpu, const ModelProfile& model, std::string_view engine) {
  for (const Json& family : bands()["families"]) {
    if (is_of(family, gpu, model, engine)) return band_of(family, json_string(family, "name"));
  }
  const Json& all = bands()["all"];
  if (gpu.is_verified)
    return band_of(all, format("all measured points; none of them is of this kind on {}", gpu.id));
  ErrorBand band = band_of(all, format("{}: a data sheet and guessed efficiencies", gpu.id));
  const double guess = json_number(bands(), "unverified");
  for (double* error : {&band.ttft, &band.tpot, &band.e2e}) *error = std::max(*error, guess);
  return band;
}

}  // namespace tacho
