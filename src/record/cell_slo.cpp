#include "record/cell_slo.h"

#include "base/text.h"

namespace tacho {

double CellSlo::allowed() const {
  switch (kind) {
    case Kind::percentile:
      return 1.0 - percent / 100.0;
    case Kind::error_rate:
      return limit;
    case Kind::goodput:
      break;
  }
  return 1.0 - limit;
}

std::string slo_text(const CellSlo& slo) {
  switch (slo.kind) {
    case CellSlo::Kind::percentile:
      return format("p{:g} {} <= {:g}", slo.percent, slo.metric, slo.limit);
    case CellSlo::Kind::error_rate:
      return format("error_rate <= {:g} %", 100.0 * slo.limit);
    case CellSlo::Kind::goodput:
      break;
  }
  return format("goodput >= {:g} %", 100.0 * slo.limit);
}

Json to_json(const CellSlo& slo) {
  if (slo.kind == CellSlo::Kind::percentile)
    return {{"metric", slo.metric}, {"percentile", slo.percent}, {"limit", slo.limit}};
  const bool is_errors = slo.kind == CellSlo::Kind::error_rate;
  return {{"metric", is_errors ? "error_rate" : "goodput"}, {"limit", slo.limit}};
}

std::optional<CellSlo> cell_slo_from_json(const Json& json) {
  CellSlo slo;
  slo.metric = json_string(json, "metric");
  slo.percent = json_number(json, "percentile");
  slo.limit = json_number(json, "limit");
  if (slo.metric == "error_rate") slo.kind = CellSlo::Kind::error_rate;
  if (slo.metric == "goodput") slo.kind = CellSlo::Kind::goodput;
  if (slo.kind != CellSlo::Kind::percentile) slo.metric.clear();
  // A bound that allows all or nothing is none: someone has been at the file.
  if (slo.allowed() <= 0.0 || slo.allowed() >= 1.0) return std::nullopt;
  return slo;
}

}  // namespace tacho
