// Fits the few constants that matter of a GPU's and an engine's profile to what one's own server
// was measured to do, and says the error that is left, on loads that the fit has not seen too.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "sim/fit.h"
#include "sim/served_load.h"

namespace tacho {

/// How a run is fitted: one server's constants may be farther from the profile's than those of many
/// servers from each other.
FitRules run_fit_rules();

/// The constants that a run usually settles: the shares of its peaks that the GPU reaches in the
/// matrix products of that precision (and of the experts), and the engine's host times.
std::vector<ConstantName> usual_constants(const ModelledServer& server);

/// Reads "step_ms" or "gemm.bf16.0" as a constant of the server's engine or GPU. The error names
/// those that there are.
Result<ConstantName> parse_constant(const ModelledServer& server, std::string_view name);

/// Simulated against measured, as a share: +0.1 is ten percent too much.
struct LoadError {
  std::string label;
  std::size_t requests = 0;
  double ttft = 0.0, tpot = 0.0, e2e = 0.0;  ///< Of the means over the requests.
  double throughput = 0.0;  ///< Output tokens in the time from the first to the last.
};

/// The errors of a server's profile on all loads.
struct LoadErrors {
  std::vector<LoadError> loads;
  ErrorSpread ttft, tpot, e2e;  ///< Of single requests.
};

/// A constant that was fitted, in SI units.
struct SettledConstant {
  FittedConstant fitted;
  /// Where it went when one of the loads was left out, for each of them: the least and the most.
  /// Nothing with a single load.
  std::optional<std::pair<double, double>> range;
};

/// What a fit found.
struct LoadFit {
  std::vector<SettledConstant> constants;
  LoadErrors before, after;
  /// Each load with the constants that were fitted without it; none with a single load.
  std::optional<LoadErrors> unseen;
};

/// Simulated against measured on each load.
Result<LoadErrors> load_errors(const ModelledServer& server, const std::vector<ServedLoad>& loads);

/// Fits; the server's profiles are changed. `progress` hears how many simulations of how many at
/// most are done. Fails when a request does not fit into the server's cache.
Result<LoadFit> fit_loads(ModelledServer& server, const std::vector<ServedLoad>& loads,
                          const std::vector<ConstantName>& names, const FitRules& rules,
                          const std::function<void(std::size_t, std::size_t)>& progress);

/// The tables for people, and the same for programs.
std::string fit_table(const LoadFit& fit);
Json fit_json(const LoadFit& fit);

/// A profile file whose parts "gpu" and "engine" are those of these names (a profile of ours, or a
/// file) with the constants that were fitted; `source` says to what.
Result<Json> fitted_profiles(const std::string& gpu, const std::string& engine,
                             const ModelledServer& server, const LoadFit& fit,
                             std::string_view source);

}  // namespace tacho
