// The rows of `tacho bench` on when requests are due and when streams begin.
#include "cli/bench_options.h"

namespace tacho {
namespace {

void add_gaps_and_rates(FlagTable& t, BenchOptions& o) {
  t.text({"--arrivals", "--arrival-pattern", "--request-rate-mode"}, "LAW", o.arrivals,
         "Gaps between the requests of a rate: poisson, constant, gamma or uniform. [default: "
         "poisson]");
  t.number({"--burstiness", "--arrival-smoothness", "--vllm-burstiness"}, "B", o.burstiness,
           "Gamma gaps of this shape, as in vLLM: 1 is Poisson, less is burstier. [default: 1]");
  t.number({"--gap-cv"}, "C", o.gap_cv,
           "The same as a coefficient of variation, 1/sqrt(B): 0 is constant, 1 Poisson, more is "
           "burstier.");
  t.text({"--rate-series", "--request-rate-series"}, "R:TIME,…", o.rate_series,
         "A rate for a time, then another: 10:60s,50:30s,10:60s; or a JSON or CSV file of them.");
  t.text({"--ramp"}, "FROM:TO:TIME", o.ramp,
         "From one rate to another over a time: 1:50:60s; 1:50:60s:exponential grows by factors.");
  t.duration({"--rate-ramp", "--request-rate-ramp-duration"}, o.rate_ramp_s,
             "Begin each --request-rate at 0 and come to it over this time.");
  t.text({"--on-off"}, "ON:OFF", o.on_off,
         "Bursts: each --request-rate for a time, then nothing for a time, again and again: "
         "10s:5s.");
  t.text({"--ramp-up-strategy"}, "S", o.ramp_strategy,
         "linear or exponential: from one rate to another over the requests, as in vLLM.");
  t.number({"--ramp-up-start-rps"}, "R", o.ramp_start_per_s, "Rate at the start of that ramp.");
  t.number({"--ramp-up-end-rps"}, "R", o.ramp_end_per_s, "Rate at its end.");
}

void add_schedule(FlagTable& t, BenchOptions& o) {
  t.toggle({"--fixed-schedule"}, o.is_fixed_schedule,
           "Send the requests of a trace, --dataset FILE, at its own times (\"timestamp\" in ms).");
  t.number({"--replay-speedup"}, "X", o.replay_speedup,
           "Replay a trace so many times as fast. [default: 1]");
  t.number({"--fixed-schedule-start-offset"}, "MS", o.schedule_start_ms,
           "Leave what a trace has before this time out, in ms.");
  t.number({"--fixed-schedule-end-offset"}, "MS", o.schedule_end_ms,
           "And what it has from this time on.");
  t.toggle({"--fixed-schedule-auto-offset"}, o.has_auto_offset,
           "Taken and not needed: a trace begins with its first request.");
}

void add_streams(FlagTable& t, BenchOptions& o) {
  t.duration({"--concurrency-ramp", "--concurrency-ramp-duration"}, o.concurrency_ramp_s,
             "The streams of a closed loop begin one by one over this time.");
  t.integers({"--users"}, "N,N,…", o.users,
             "So many users, each waiting for an answer and thinking before the next request. "
             "Each number is a cell.");
  t.number({"--spawn-rate", "-r"}, "R", o.spawn_rate,
           "So many users come per second. [default: all at once]");
  t.text({"--think-time"}, "TIME", o.think_time,
         "How long users think: 2s, 1s:3s for anything between, or exp:2s. [default: 0]");
}

}  // namespace

void add_load_shapes(FlagTable& table, BenchOptions& options) {
  table.group("Load shapes");
  add_gaps_and_rates(table, options);
  add_schedule(table, options);
  add_streams(table, options);
}

}  // namespace tacho
