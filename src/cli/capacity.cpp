// `tacho plan`: which GPUs, and how many, for a load and its bounds.
#include "cli/capacity.h"

#include <cstdio>
#include <ctime>
#include <mutex>

#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/progress_display.h"
#include "report/outputs.h"
#include "sim/planner_compare.h"

namespace tacho {
namespace {

std::string times_text(const char* name, const PlanTimes& times) {
  const auto ms = [](double value) { return format_significant(value, 3); };
  return format("{} mean {} p50 {} p99 {} ms", name, ms(times.mean), ms(times.p50), ms(times.p99));
}

std::string check_text(const LiveCheck& check, const PlanChoice& choice) {
  std::string text = format(
      "\n to check it without a GPU, the first choice{} on the built-in engine:\n\n  {}\n",
      choice.replicas > 1 ? format(", one of its {} replicas,", choice.replicas) : "", check.sim);
  if (check.bench.empty()) {
    return text +
           "\n lengths vary: --share-out share.jsonl writes that replica's requests for tacho "
           "bench\n";
  }
  const LoadFigures& f = check.expected;
  return text + format(
                    "  {}\n\n which should measure, by these {} requests alone:\n  {}\n  {}\n  "
                    "{}\n  {} requests/s, {} output tokens/s\n",
                    check.bench, check.requests, times_text("TTFT", f.ttft),
                    times_text("TPOT", f.tpot), times_text("E2E ", f.e2e),
                    format_significant(f.requests_per_s, 3), format_significant(f.tokens_per_s, 3));
}

Json check_json(const LiveCheck& check) {
  return {{"sim", check.sim},
          {"bench", check.bench},
          {"requests", check.requests},
          {"ttft_ms", times_json(check.expected.ttft)},
          {"tpot_ms", times_json(check.expected.tpot)},
          {"e2e_ms", times_json(check.expected.e2e)},
          {"requests_per_s", check.expected.requests_per_s},
          {"output_tokens_per_s", check.expected.tokens_per_s}};
}

/// How long a plan took.
struct Spent {
  double seconds = 0.0;
  double processor_s = 0.0;  ///< Of all threads.
};

void print_plan(const PlanQuestion& question, const Plan& plan, const LiveCheck& check,
                const Spent& spent) {
  std::fputs(plan_table(plan, question).c_str(), stdout);
  if (plan.holding > 0) {
    const std::string plot = plan_plot(plan);
    std::printf("%s%s", plot.empty() ? "" : "\n", plot.c_str());
    std::fputs(check_text(check, plan.choices.front()).c_str(), stdout);
  }
  std::printf("\n %zu configurations in %.1f s on %u threads (%.1f s of processor time)\n",
              plan.choices.size(), spent.seconds, question.limits.threads, spent.processor_s);
}

/// Runs `make` with a line of progress that any thread may move on.
template <class Make>
auto with_progress(const char* title, bool is_quiet, Make&& make) {
  std::mutex mutex;
  StepProgress progress(title, !is_quiet);
  return make([&](std::size_t done, std::size_t all) {
    const std::lock_guard lock(mutex);
    progress.show(done, all);
  });
}

/// Writes the requests of the command line that checks the first choice, as a trace.
Status write_share(const std::string& path, const PlanQuestion& question, const Plan& plan,
                   std::size_t requests) {
  std::string text;
  for (const VirtualRequest& request :
       requests_of_share(question.load, {.replicas = plan.choices.front().replicas,
                                        .requests = requests,
                                        .seed = question.limits.seed,
                                        .has_warm_up = false})) {
    text += format("{{\"timestamp\": {:.6f}, \"input_length\": {}, \"output_length\": {}}}\n",
                   to_ms(request.arrival - instant_from_ns(0)), request.input_tokens,
                   request.output_tokens);
  }
  return write_file(path, text);
}

int run_comparison(const CapacityFlags& flags, const PlanQuestion& question) {
  const Comparison comparison =
      with_progress("comparing", flags.is_quiet, [&](const auto& progress) {
        return compare(question, flags.users, flags.duration_s, progress);
      });
  if (flags.is_json) {
    const Json json = comparison_json(comparison, question, flags.duration_s);
    std::printf("%s\n", dump_json(json, 1).c_str());
  } else {
    std::fputs(comparison_table(comparison, question, flags.duration_s).c_str(), stdout);
  }
  return 0;
}

int run_planning(const CapacityFlags& flags, const PlanQuestion& question) {
  const Instant started = monotonic_now();
  const Plan plan = with_progress("planning", flags.is_quiet, [&](const auto& progress) {
    return make_plan(question, progress);
  });
  const Spent spent{to_s(monotonic_now() - started),
                    static_cast<double>(std::clock()) / CLOCKS_PER_SEC};
  LiveCheck check;
  if (plan.holding > 0) {
    check = live_check(flags, question, plan.choices.front());
    if (!flags.share_out.empty()) {
      if (auto s = write_share(flags.share_out, question, plan, check.requests); !s)
        return fail(s.error());
    }
  }
  Json json = plan_json(plan, question);
  json["seconds"] = spent.seconds;
  json["processor_seconds"] = spent.processor_s;
  json["threads"] = question.limits.threads;
  if (plan.holding > 0) json["check"] = check_json(check);
  if (flags.is_json) {
    std::printf("%s\n", dump_json(json, 1).c_str());
  } else {
    print_plan(question, plan, check, spent);
  }
  if (!flags.html.empty()) {
    if (auto s = write_file(flags.html, page_with(json)); !s) return fail(s.error());
    if (!flags.is_json) std::printf(" wrote %s\n", flags.html.c_str());
  }
  return plan.holding > 0 ? 0 : 1;
}

int run_plan(const std::vector<std::string>& arguments) {
  const auto flags = parse_capacity(arguments);
  if (!flags) return fail(flags.error());
  std::vector<std::string> notes;
  const auto question = read_question(*flags, notes);
  if (!question) return fail(question.error());
  if (auto status = check_any_fits(*question); !status) return fail(status.error());
  for (const auto& note : notes) std::fprintf(stderr, "note: %s\n", note.c_str());
  return question->bounds.empty() ? run_comparison(*flags, *question)
                                  : run_planning(*flags, *question);
}

}  // namespace

Command plan_command() {
  return {
      "plan",
      "finds the GPUs that carry a load within its bounds, the cheapest first",
      "--model MODEL LOAD --slo BOUND [OPTIONS]",
      "  tacho plan --model llama-3-70b --request-rate 5 --input-tokens 1000 --output-tokens 256 "
      "\\\n"
      "      --slo 'p99 ttft < 1s' --slo 'p99 tpot < 50'\n"
      "  tacho plan --model qwen2.5-7b --users 500 --think 30s --dataset built-in --gpu "
      "h20,l40s --slo 'p95 e2e < 20s'\n"
      "  tacho plan --preset seed-003\n",
      [] {
        static CapacityFlags flags;
        return capacity_flags(flags);
      },
      run_plan};
}

}  // namespace tacho
