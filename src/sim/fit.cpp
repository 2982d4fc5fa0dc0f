#include "sim/fit.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace tacho {
namespace {

// A prompt's wait depends on how requests of a measurement met, so it counts half.
constexpr double ttft_weight = 1.0;

std::array<double, 3> residuals_of(const MeasuredPoint& point, std::uint32_t requests_per_slot) {
  if (point.is_saturated || !has_room(point)) return {};
  const PointFigures simulated = simulate(point, requests_per_slot);
  const PointFigures measured = measured_figures(point);
  return {ttft_weight * std::log(simulated.ttft_ms / measured.ttft_ms),
          std::log(simulated.tpot_ms / measured.tpot_ms),
          0.4 * std::log(simulated.e2e_ms / measured.e2e_ms)};
}

/// Residuals of points under changing constants; a point is simulated anew only when one of its own
/// has changed.
class PointResiduals {
 public:
  PointResiduals(std::vector<MeasuredPoint>& points, const std::vector<ConstantName>& names,
                 std::uint32_t requests_per_slot)
      : points_(points), known_(points.size()), requests_per_slot_(requests_per_slot) {
    for (MeasuredPoint& point : points) {
      places_.emplace_back();
      for (const ConstantName& name : names) {
        if (const double* place = place_of(point, name)) places_.back().push_back(place);
      }
    }
  }

  std::vector<double> now() {
    std::vector<double> residuals;
    for (std::size_t i = 0; i < points_.size(); ++i) {
      std::vector<double> constants;
      for (const double* place : places_[i]) constants.push_back(*place);
      const auto [known, is_new] = known_[i].try_emplace(std::move(constants));
      if (is_new) known->second = residuals_of(points_[i], requests_per_slot_);
      residuals.insert(residuals.end(), known->second.begin(), known->second.end());
    }
    return residuals;
  }

 private:
  const std::vector<MeasuredPoint>& points_;
  std::vector<std::vector<const double*>> places_;
  std::vector<std::map<std::vector<double>, std::array<double, 3>>> known_;
  std::uint32_t requests_per_slot_;
};

void add(std::vector<ConstantName>& names, ConstantName name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
}

}  // namespace

double* place_of(ModelledServer& server, const ConstantName& name) {
  if (server.serving.engine.id == name.owner)
    return find_constant(server.serving.engine, name.name);
  return server.gpu.id == name.owner ? find_constant(server.gpu, name.name) : nullptr;
}

std::vector<ConstantName> fitted_constants(const std::vector<MeasuredPoint>& points) {
  std::vector<ConstantName> names;
  for (const MeasuredPoint& point : points) {
    MeasuredPoint copy = point;
    for (const auto& name : point.serving.engine.fitted)
      add(names, {point.serving.engine.id, name});
    for (const auto& name : point.gpu.fitted) add(names, {point.gpu.id, name});
    std::erase_if(names, [&](const ConstantName& name) {
      const bool is_ours = name.owner == copy.gpu.id || name.owner == copy.serving.engine.id;
      return is_ours && place_of(copy, name) == nullptr;
    });
  }
  return names;
}

double constant_of(std::vector<MeasuredPoint>& points, const ConstantName& name) {
  for (MeasuredPoint& point : points) {
    if (const double* place = place_of(point, name)) return *place;
  }
  return 0.0;
}

void set_constant(std::vector<MeasuredPoint>& points, const ConstantName& name, double value) {
  value = std::min(value, constant_max(name.name));
  for (MeasuredPoint& point : points) {
    if (double* place = place_of(point, name)) *place = value;
  }
}

std::vector<double> residuals_of(const std::vector<MeasuredPoint>& points,
                                 std::uint32_t requests_per_slot) {
  std::vector<double> residuals;
  for (const MeasuredPoint& point : points) {
    for (const double one : residuals_of(point, requests_per_slot)) residuals.push_back(one);
  }
  return residuals;
}

std::vector<FittedConstant> fit_constants(std::vector<MeasuredPoint>& points,
                                          const std::vector<ConstantName>& names,
                                          std::uint32_t requests_per_slot, const FitRules& rules) {
  std::vector<FittedConstant> all;
  std::vector<double> bounds;
  for (const ConstantName& name : names) {
    const double value = constant_of(points, name);
    all.push_back({name, value, value});
    bounds.push_back(std::max(1.0, constant_max(name.name) / std::max(value, 1e-30)));
  }
  const auto put = [&](const std::vector<double>& factors) {
    for (std::size_t i = 0; i < all.size(); ++i)
      set_constant(points, all[i].name, all[i].before * factors[i]);
  };
  PointResiduals residuals(points, names, requests_per_slot);
  put(fit_factors(
      bounds,
      [&](const std::vector<double>& factors) {
        put(factors);
        return residuals.now();
      },
      rules));
  for (FittedConstant& one : all) one.after = constant_of(points, one.name);
  return all;
}

void forget(std::vector<MeasuredPoint>& points, const std::vector<ConstantName>& names) {
  for (const ConstantName& name : names) {
    for (MeasuredPoint& point : points) {
      double* place = place_of(point, name);
      if (place == nullptr) continue;
      const auto& priors =
          point.gpu.id == name.owner ? point.gpu.priors : point.serving.engine.priors;
      const auto prior = priors.find(name.name);
      if (prior != priors.end()) *place = prior->second * constant_unit(name.name);
    }
  }
}

namespace {

/// The points of a family, with constants that were fitted to all others.
std::vector<MeasuredPoint> refit_without(const std::string& family,
                                         const std::vector<MeasuredPoint>& points,
                                         std::uint32_t requests_per_slot, const FitRules& rules) {
  std::vector<MeasuredPoint> left, seen;
  for (const MeasuredPoint& point : points) {
    if (point.family == family) left.push_back(point);
  }
  const std::vector<ConstantName> names = fitted_constants(left);
  for (const MeasuredPoint& point : points) {
    MeasuredPoint copy = point;
    const bool has_any = std::any_of(names.begin(), names.end(), [&](const ConstantName& name) {
      return place_of(copy, name) != nullptr;
    });
    if (point.family != family && has_any) seen.push_back(std::move(copy));
  }
  forget(left, names);
  forget(seen, names);
  for (const FittedConstant& one : fit_constants(seen, names, requests_per_slot, rules)) {
    if (one.after > 0.0) set_constant(left, one.name, one.after);
  }
  return left;
}

}  // namespace

Validation validate_left_out(const std::vector<MeasuredPoint>& points,
                             std::uint32_t requests_per_slot, const FitRules& rules,
                             const std::function<void(std::size_t)>& progress) {
  std::vector<std::string> families;
  for (const MeasuredPoint& point : points) {
    if (std::find(families.begin(), families.end(), point.family) == families.end())
      families.push_back(point.family);
  }
  std::vector<MeasuredPoint> refitted = points;
  for (std::size_t f = 0; f < families.size(); ++f) {
    const auto left = refit_without(families[f], points, requests_per_slot, rules);
    std::size_t next = 0;
    for (MeasuredPoint& point : refitted) {
      if (point.family == families[f]) point = left[next++];
    }
    progress(f + 1);
  }
  Validation validation = validate(refitted, requests_per_slot, [](std::size_t) {});
  for (std::size_t i = 0; i < points.size(); ++i) validation.results[i].point = &points[i];
  return validation;
}

}  // namespace tacho
