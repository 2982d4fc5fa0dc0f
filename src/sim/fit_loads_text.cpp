// What a fit found as a table and as JSON, and the profiles it makes.
#include <algorithm>

#include "base/text.h"
#include "sim/fit_loads.h"
#include "sim/profile_lists.h"

namespace tacho {
namespace {

std::string in_units(const ConstantName& name, double value) {
  return format_significant(value / constant_unit(name.name), 3);
}

std::string constants_table(const LoadFit& fit) {
  std::size_t width = 8;
  for (const SettledConstant& one : fit.constants)
    width = std::max(width, one.fitted.name.text().size());
  std::string table = format("{:{}}  {:>9} {:>9}{}\n", "constant", width, "profile", "fitted",
                             fit.unseen ? "   without one of the loads" : "");
  for (const SettledConstant& one : fit.constants) {
    const ConstantName& name = one.fitted.name;
    table += format("{:{}}  {:>9} {:>9}", name.text(), width, in_units(name, one.fitted.before),
                    in_units(name, one.fitted.after));
    if (one.range) {
      table +=
          format("   {} – {}", in_units(name, one.range->first), in_units(name, one.range->second));
    }
    table += "\n";
  }
  return table;
}

double figure(const LoadError& error, int metric) {
  const double all[] = {error.ttft, error.tpot, error.e2e, error.throughput};
  return all[metric];
}

std::string loads_table(const LoadFit& fit, std::size_t width) {
  const int columns = fit.unseen ? 3 : 2;
  const int group = 8 * columns - 1;
  std::string table = format("{:{}}", "", width + 9);
  for (const char* name : {"TTFT", "TPOT", "E2E", "tokens/s"})
    table += format("  {:^{}}", name, group);
  table += format("\n{:{}} requests", "means", width);
  for (int metric = 0; metric < 4; ++metric)
    table += format("  {:>7} {:>7}{}", "before", "after", fit.unseen ? "  unseen" : "");
  table += "\n";
  for (std::size_t l = 0; l < fit.before.loads.size(); ++l) {
    const LoadError& before = fit.before.loads[l];
    table += format("{:{}} {:>8}", before.label, width, before.requests);
    for (int metric = 0; metric < 4; ++metric) {
      table += format("  {:>+7.1f} {:>+7.1f}", figure(before, metric) * 100.0,
                      figure(fit.after.loads[l], metric) * 100.0);
      if (fit.unseen) table += format(" {:>+7.1f}", figure(fit.unseen->loads[l], metric) * 100.0);
    }
    table += "\n";
  }
  return table;
}

const ErrorSpread& spread(const LoadErrors& errors, int metric) {
  return metric == 0 ? errors.ttft : metric == 1 ? errors.tpot : errors.e2e;
}

std::string requests_table(const LoadFit& fit, std::size_t width) {
  std::string table;
  for (const bool is_median : {true, false}) {
    table +=
        format("{:{}}", is_median ? "single requests, median" : "single requests, P90", width + 9);
    for (int metric = 0; metric < 3; ++metric) {
      const auto of = [&](const LoadErrors& errors) {
        const ErrorSpread& one = spread(errors, metric);
        return (is_median ? one.median : one.p90) * 100.0;
      };
      table += format("  {:>7.1f} {:>7.1f}", of(fit.before), of(fit.after));
      if (fit.unseen) table += format(" {:>7.1f}", of(*fit.unseen));
    }
    table += "\n";
  }
  return table;
}

Json errors_json(const LoadErrors& errors) {
  Json json{{"requests", Json::object()}, {"loads", Json::array()}};
  const char* const names[] = {"ttft", "tpot", "e2e"};
  for (int metric = 0; metric < 3; ++metric) {
    const ErrorSpread& one = spread(errors, metric);
    json["requests"][names[metric]] = {
        {"median_abs", one.median}, {"p90_abs", one.p90}, {"median_signed", one.bias}};
  }
  for (const LoadError& load : errors.loads) {
    json["loads"].push_back({{"load", load.label},
                             {"requests", load.requests},
                             {"ttft", load.ttft},
                             {"tpot", load.tpot},
                             {"e2e", load.e2e},
                             {"output_throughput", load.throughput}});
  }
  return json;
}

/// Puts a constant into a profile's JSON, whose whole form is `whole`.
void put_constant(const Json& whole, const FittedConstant& one, Json& into) {
  const std::string& name = one.name.name;
  const double unit = constant_unit(name);
  const double value = *parse_number(format("{:.5g}", one.after / unit));
  const auto first = name.find('.'), last = name.rfind('.');
  if (first == std::string::npos) {
    into[name] = value;
  } else if (name.starts_with("attention.")) {
    into["attention"][name.substr(first + 1)] = value;
  } else {
    const std::string kind = name.substr(0, first), law = name.substr(first + 1, last - first - 1);
    Json& row = into[kind][law];
    if (row.is_null()) row = whole[kind][law];
    row[static_cast<std::size_t>(name.back() - '0')] = value;
  }
  into["fitted"].push_back(name);
  into["priors"][name] = *parse_number(format("{:.5g}", one.before / unit));
}

Result<Json> fitted_part(std::string_view kind, const std::string& typed, const std::string& id,
                         const LoadFit& fit, const char* source_key, std::string_view source) {
  Json whole = embedded_profile(lower(kind), id);
  Json part{{"base", id}};
  if (typed.ends_with(".json")) {
    auto own = read_profile_file(typed, kind);
    if (!own) return own.error();
    whole = part = std::move(*own);
    part["fitted"] = Json::array();
  }
  for (const SettledConstant& one : fit.constants) {
    if (one.fitted.name.owner == id) put_constant(whole, one.fitted, part);
  }
  part[source_key] = source;
  return part;
}

}  // namespace

std::string fit_table(const LoadFit& fit) {
  std::size_t width = 16;
  for (const LoadError& load : fit.before.loads) width = std::max(width, display_width(load.label));
  std::string table = constants_table(fit);
  table += "\nerrors in percent, simulated against measured\n";
  table += loads_table(fit, width) + requests_table(fit, width);
  table += fit.unseen ? "unseen: with constants that were fitted without that load\n"
                      : "one load only, so these errors are of what the fit has seen; more loads "
                        "(--concurrency 1,8,64) say more\n";
  return table;
}

Json fit_json(const LoadFit& fit) {
  Json json{{"constants", Json::array()}};
  for (const SettledConstant& one : fit.constants) {
    const double unit = constant_unit(one.fitted.name.name);
    Json row{{"profile", one.fitted.name.owner},
             {"name", one.fitted.name.name},
             {"before", one.fitted.before / unit},
             {"after", one.fitted.after / unit}};
    if (one.range) row["range"] = {one.range->first / unit, one.range->second / unit};
    json["constants"].push_back(std::move(row));
  }
  json["before"] = errors_json(fit.before);
  json["after"] = errors_json(fit.after);
  if (fit.unseen) json["unseen"] = errors_json(*fit.unseen);
  return json;
}

Result<Json> fitted_profiles(const std::string& gpu, const std::string& engine,
                             const ModelledServer& server, const LoadFit& fit,
                             std::string_view source) {
  auto gpu_part = fitted_part("GPU", gpu, server.gpu.id, fit, "efficiency_source", source);
  if (!gpu_part) return gpu_part.error();
  auto engine_part = fitted_part("engine", engine, server.serving.engine.id, fit, "source", source);
  if (!engine_part) return engine_part.error();
  return Json{{"gpu", std::move(*gpu_part)}, {"engine", std::move(*engine_part)}};
}

}  // namespace tacho
