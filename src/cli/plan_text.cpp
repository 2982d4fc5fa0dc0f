// The plan in words, for --dry-run.
#include "base/text.h"
#include "cli/bench_plan.h"

namespace tacho {

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
  for (const PlannedCell& planned : plan.cells) {
    out += format(
        "cell {:<4}  {:<7}  {}  {} requests{}{}{}{}\n", planned.cell.id,
        planned.cell.is_static ? "static" : "dynamic", cell_label(planned.cell),
        planned.cell.requests, planned.repeats ? " and on" : "",
        planned.duration_s > 0 ? format(", at most {} s", format_significant(planned.duration_s))
                               : "",
        planned.cell.ignore_eos ? ", ignore_eos" : "",
        planned.arrivals.ramp != Arrivals::Ramp::none
            ? format(", ramp from {} to {}", format_significant(planned.arrivals.ramp_start_per_s),
                     format_significant(planned.arrivals.ramp_end_per_s))
            : "");
  }
  for (const auto& note : plan.notes) out += format("note: {}\n", note);
  return out;
}

}  // namespace tacho
