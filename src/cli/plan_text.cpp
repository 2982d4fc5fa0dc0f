// The plan in words, for --dry-run.
#include "base/text.h"
#include "cli/bench_plan.h"

namespace tacho {
namespace {

std::string seconds_text(double seconds, std::string_view how = "at most") {
  return seconds > 0 ? format(", {} {} s", how, format_significant(seconds)) : "";
}

std::string cell_text(const PlannedCell& planned) {
  const Cell& cell = planned.cell;
  std::string out = format(
      "cell {:<4}  {:<7}  {}  {} requests{}{}", cell.id, cell.is_static ? "static" : "dynamic",
      cell_label(cell), cell.requests, planned.repeats ? " and on" : "",
      seconds_text(planned.duration_s, planned.ends_by_due ? "due within" : "at most"));
  if (cell.ignore_eos) out += ", ignore_eos";
  if (!cell.shape.empty()) out += ", " + cell.shape;
  if (cell.warmup_requests > 0) {
    out += format("; before it {} to warm up{}", cell.warmup_requests,
                  seconds_text(planned.warmup_duration_s));
  }
  return out;
}

}  // namespace

std::string plan_text(const BenchPlan& plan) {
  std::string out =
      format("endpoint   {}\nprompts    {}\n", plan.endpoint,
             plan.source.dataset_path.empty() ? "built-in" : plan.source.dataset_path);
  if (!plan.source.dataset_type.empty()) out += format("type       {}\n", plan.source.dataset_type);
  if (plan.source.input_tokens_max > 0)
    out += format("prompts of at most {} tokens\n", plan.source.input_tokens_max);
  if (plan.source.total_tokens_max > 0) {
    out += format("prompt and answer of at most {} tokens\n", plan.source.total_tokens_max);
  }
  if (plan.source.batch_size > 1)
    out += format("batch      {} texts a request\n", plan.source.batch_size);
  for (const Slo& slo : plan.slos)
    out += format("goodput    {} <= {}\n", slo.metric, format_significant(slo.limit));
  for (const CellSlo& slo : plan.cell_slos) out += format("slo        {}\n", slo_text(slo));
  if (plan.error_budget > 0)
    out += format("budget     errors <= {:g} %\n", 100 * plan.error_budget);
  for (const PlannedCell& planned : plan.cells) out += cell_text(planned) + "\n";
  for (const auto& note : plan.notes) out += format("note: {}\n", note);
  return out;
}

}  // namespace tacho
