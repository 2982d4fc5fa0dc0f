// A validation as a table and as JSON.
#include "base/text.h"
#include "sim/validate.h"

namespace tacho {
namespace {

std::string percent(double share) { return format("{:.1f}", share * 100.0); }

std::string errors(const ErrorSpread& spread) {
  return format("{:>6} {:>6} {:>+6.1f}", percent(spread.median), percent(spread.p90),
                spread.bias * 100.0);
}

Json json(const ErrorSpread& spread) {
  return {{"median_abs", spread.median}, {"p90_abs", spread.p90}, {"median_signed", spread.bias}};
}

Json json(const FamilyErrors& family) {
  return {{"family", family.family},   {"points", family.points},
          {"ttft", json(family.ttft)}, {"tpot", json(family.tpot)},
          {"e2e", json(family.e2e)},   {"throughput", json(family.throughput)}};
}

Json json(const PointFigures& figures) {
  return {{"ttft_ms", figures.ttft_ms},
          {"tpot_ms", figures.tpot_ms},
          {"e2e_ms", figures.e2e_ms},
          {"output_tokens_per_s", figures.tokens_per_s}};
}

}  // namespace

std::string validation_table(const Validation& validation) {
  std::size_t width = 6;
  for (const FamilyErrors& family : validation.families)
    width = std::max(width, display_width(family.family));
  const std::string group = "median    p90   bias";
  std::string table = format("relative errors in percent; bias is the median with its sign\n\n");
  table += format("{:{}}      {:^20}   {:^20}   {:^20}   {:^20}\n", "", width, "TTFT", "TPOT",
                  "E2E", "throughput");
  table += format("{:{}}    n {}   {}   {}   {}\n", "family", width, group, group, group, group);
  for (const FamilyErrors& family : validation.families) {
    table += format("{:{}} {:>4} {}   {}   {}   {}\n", family.family, width, family.points,
                    errors(family.ttft), errors(family.tpot), errors(family.e2e),
                    errors(family.throughput));
  }
  table += "\n";
  if (validation.pairs > 0) {
    table += format("Kendall's tau of configurations at the same shape: {:.2f} ({} pairs)\n",
                    validation.kendall_tau, validation.pairs);
  }
  table += format("constants fitted to serving measurements, of the profiles in use: {}\n",
                  validation.fitted_constants);
  if (validation.left_out > 0) {
    table += format("{} points are left out: measured with a full cache, or they do not fit\n",
                    validation.left_out);
  }
  return table;
}

std::string left_out_table(const Validation& seen, const Validation& unseen) {
  std::size_t width = 6;
  for (const FamilyErrors& family : seen.families)
    width = std::max(width, display_width(family.family));
  std::string table = format(
      "relative errors in percent, median and P90: in-sample, and with the constants fitted "
      "without the family\n\n{:{}}      {:^27}   {:^27}   {:^27}\n{:{}}    n",
      "", width, "TTFT", "TPOT", "E2E", "family", width);
  for (int i = 0; i < 3; ++i) table += format("   {:>13} {:>13}", "in-sample", "left out");
  table += "\n";
  const auto pair = [](const ErrorSpread& spread) {
    return format("{:>6} {:>6}", percent(spread.median), percent(spread.p90));
  };
  for (std::size_t i = 0; i < seen.families.size(); ++i) {
    const FamilyErrors &in = seen.families[i], &out = unseen.families[i];
    table += format("{:{}} {:>4}", in.family, width, in.points);
    for (const auto metric : {&FamilyErrors::ttft, &FamilyErrors::tpot, &FamilyErrors::e2e})
      table += format("   {} {}", pair(in.*metric), pair(out.*metric));
    table += "\n";
  }
  return table + format(
                     "\nconstants fitted: {}; a family that alone settles a constant is left "
                     "with the value from before any measurement\n",
                     seen.fitted_constants);
}

Json validation_json(const Validation& validation) {
  Json out;
  out["families"] = Json::array();
  for (const FamilyErrors& family : validation.families) out["families"].push_back(json(family));
  out["kendall_tau"] = validation.pairs > 0 ? Json(validation.kendall_tau) : Json(nullptr);
  out["pairs"] = validation.pairs;
  out["fitted_constants"] = validation.fitted_constants;
  out["left_out"] = validation.left_out;
  out["points"] = Json::array();
  for (const PointResult& result : validation.results) {
    const MeasuredPoint& point = *result.point;
    Json one = {{"id", point.id},
                {"family", point.family},
                {"isl", point.input},
                {"osl", point.output},
                {"concurrency", point.concurrency},
                {"measured", json(result.measured)},
                {"simulated", json(result.simulated)}};
    if (!result.left_out.empty()) one["left_out"] = result.left_out;
    out["points"].push_back(std::move(one));
  }
  return out;
}

}  // namespace tacho
