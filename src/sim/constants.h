// The constants of profiles by name, so that they can be fitted, counted and written back.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/profile.h"

namespace tacho {

/// One constant of a profile: "vllm step_ms", "h100 moe.fp4.0".
struct ConstantName {
  std::string owner;  ///< The profile's id.
  std::string name;   ///< As in the profile's file: step_ms; gemm.fp8.0 is the first of that law.

  std::string text() const { return owner + " " + name; }
  bool operator==(const ConstantName&) const = default;
};

/// The constant's place in the profile, in SI units; null when it has none of that name.
double* find_constant(EngineProfile& engine, std::string_view name);
double* find_constant(GpuProfile& gpu, std::string_view name);

/// What one of the file's units is in SI: 1e-3 for step_ms.
double constant_unit(std::string_view name);
/// The largest value that makes sense, in SI: 1 for a share.
double constant_max(std::string_view name);

/// Names of an engine's constants.
std::vector<std::string> engine_constants();

}  // namespace tacho
