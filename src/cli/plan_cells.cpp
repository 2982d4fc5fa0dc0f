#include "cli/plan_cells.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/text.h"
#include "cli/plan_arrivals.h"
#include "cli/plan_checks.h"

namespace tacho {
namespace {

constexpr std::uint32_t warmup_streams = 8;  ///< Before an open loop without a cap.

PlannedCell new_cell(const BenchOptions& o, const Lengths& lengths, std::size_t id) {
  PlannedCell planned;
  planned.cell.id = static_cast<std::uint32_t>(id);
  planned.cell.input_tokens = lengths.input;
  planned.cell.output_tokens = lengths.output;
  planned.cell.lengths = lengths.label;
  planned.cell.ignore_eos = (o.ignores_eos || (lengths.input && lengths.output)) && !o.heeds_eos;
  planned.warmup_duration_s = o.warmup_duration_s;
  planned.duration_s = o.duration_s;
  return planned;
}

void add_closed_loop(const BenchOptions& o, const Lengths& lengths, std::uint32_t streams,
                     const Loads* users, BenchPlan& plan) {
  PlannedCell planned = new_cell(o, lengths, plan.cells.size());
  Cell& cell = planned.cell;
  cell.concurrency = streams;
  cell.warmup_requests = warmup_requests(o, streams);
  std::vector<std::string> words;
  if (users != nullptr) {
    planned.has_users = true;
    planned.think = users->think;
    planned.stream_gap_s = o.spawn_rate > 0.0 ? 1.0 / o.spawn_rate : 0.0;
    cell.load = format("{} {}", streams, streams == 1 ? "user" : "users");
    words.push_back(o.spawn_rate > 0.0 ? format("{:g} more a second", o.spawn_rate)
                                       : "all at once");
    if (const auto think = think_words(users->think); !think.empty()) words.push_back(think);
  } else if (o.concurrency_ramp_s > 0.0) {
    planned.stream_gap_s = o.concurrency_ramp_s / streams;
    words.push_back(format("beginning over {:g} s", o.concurrency_ramp_s));
  }
  cell.shape = join(words, ", ");
  cell.requests = static_requests(o, streams, mean_s(planned.think));
  planned.repeats = o.duration_s > 0.0 && o.num_prompts.empty();
  plan.cells.push_back(std::move(planned));
}

/// A cap, and the warm-up's requests, which come from as many streams.
void place_cap(const BenchOptions& o, const Loads& loads, Cell& cell) {
  if (loads.cap > 0) cell.concurrency = loads.cap;
  cell.warmup_requests = warmup_requests(o, cell.concurrency.value_or(warmup_streams));
}

}  // namespace

void add_closed_loops(const BenchOptions& o, const Loads& loads, const Lengths& lengths,
                      BenchPlan& plan) {
  for (const std::uint32_t streams : loads.concurrency)
    add_closed_loop(o, lengths, streams, nullptr, plan);
  for (const std::uint32_t streams : loads.users)
    add_closed_loop(o, lengths, streams, &loads, plan);
}

Status add_open_loops(const BenchOptions& o, const Loads& loads, const Lengths& lengths,
                      BenchPlan& plan) {
  for (std::size_t i = 0; i < loads.rates.size(); ++i) {
    PlannedCell planned = new_cell(o, lengths, plan.cells.size());
    Cell& cell = planned.cell;
    cell.is_static = false;
    auto arrivals = plan_arrivals(o, loads.rates[i]);
    if (!arrivals) return arrivals.error();
    const Seed seed = cell_seed(Seed{o.seed}, cell.id);
    auto requests = dynamic_requests(o, *arrivals, i, seed, cell_requests_max);
    if (!requests) return requests.error();
    cell.requests = *requests;
    cell.request_rate = mean_rate(*arrivals);
    cell.shape = arrivals_words(*arrivals);
    if (arrivals->ramp != Arrivals::Ramp::none) cell.ramp_start_rate = o.ramp_start_per_s;
    if (!arrivals->series.pieces.empty()) cell.load = series_label(arrivals->series);
    planned.ends_by_due =
        arrivals->ramp == Arrivals::Ramp::none && std::isfinite(*cell.request_rate);
    planned.arrivals = std::move(*arrivals);
    place_cap(o, loads, cell);
    plan.cells.push_back(std::move(planned));
  }
  return Nothing{};
}

Status add_replay(const BenchOptions& o, const Loads& loads, BenchPlan& plan) {
  if (o.dataset.empty()) return input_error("--fixed-schedule needs a trace: --dataset FILE");
  if (!o.input_tokens.empty() || !o.output_tokens.empty())
    return input_error(
        "--fixed-schedule: a trace has its own lengths; leave --input-tokens and "
        "--output-tokens out");
  if (plan.endpoint == "embeddings")
    return input_error("--fixed-schedule is for chat and completions");
  auto entries = read_trace(o.dataset);
  if (!entries) return entries.error();
  TraceCut cut;
  cut.speedup = o.replay_speedup;
  if (!std::isnan(o.schedule_start_ms)) cut.start_s = o.schedule_start_ms / 1e3;
  if (!std::isnan(o.schedule_end_ms)) cut.end_s = o.schedule_end_ms / 1e3;
  if (!o.num_prompts.empty()) cut.count_max = o.num_prompts[0];
  PlannedCell planned =
      new_cell(o, {{}, {}, std::filesystem::path(o.dataset).stem().string()}, plan.cells.size());
  planned.trace = cut_trace(std::move(*entries), cut);
  planned.ends_by_due = true;
  if (o.duration_s > 0.0) {
    std::erase_if(planned.trace,
                  [&](const TraceEntry& e) { return e.due >= from_s(o.duration_s); });
  }
  if (planned.trace.empty())
    return input_error(format("'{}' has no request between those offsets", o.dataset));
  Cell& cell = planned.cell;
  cell.is_static = false;
  // So many at most: a larger trace is refused by its size, not cut in silence.
  cell.requests = static_cast<std::uint32_t>(
      std::min<std::size_t>(planned.trace.size(), cell_requests_max + std::size_t{1}));
  const double span_s = to_s(planned.trace.back().due);
  cell.request_rate = span_s > 0.0 ? static_cast<double>(planned.trace.size()) / span_s : INFINITY;
  const std::string speed = o.replay_speedup == 1.0 ? "" : format(" ×{:g}", o.replay_speedup);
  cell.load = "trace" + speed;
  cell.shape = format("the trace's own times{}, {:.4g} s", speed, span_s);
  const bool has_lengths = std::all_of(planned.trace.begin(), planned.trace.end(),
                                       [](const TraceEntry& e) { return e.output_tokens > 0; });
  cell.ignore_eos = (o.ignores_eos || has_lengths) && !o.heeds_eos;
  place_cap(o, loads, cell);
  plan.source.dataset_path.clear();  // The built-in text is what prompts of its lengths are cut of.
  plan.source.dataset_type.clear();
  plan.cells.push_back(std::move(planned));
  return Nothing{};
}

}  // namespace tacho
