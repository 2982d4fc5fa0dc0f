// `tacho sim validate FILE.csv`: how right the engine's model is.
#include <cstdio>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/progress_display.h"
#include "cli/sim_serving.h"
#include "sim/fit.h"
#include "sim/validate.h"

namespace tacho {
namespace {

/// Its options, as typed.
struct ValidateFlags {
  std::vector<std::string> gpus, models, engines;
  std::uint32_t requests_per_slot = 10;
  std::string leave_out, precision;
  std::uint32_t tensor_parallel = 1, max_num_seqs = 256, max_num_batched_tokens = 8192;
  bool as_json = false;
};

FlagTable validate_flags(ValidateFlags& f) {
  FlagTable t;
  t.gather({"--gpu"}, "GPU", f.gpus,
           "A FILE.json that takes the place of the profile of its id; for a log, its GPU.");
  t.gather({"--model"}, "MODEL", f.models, "The same for a model.");
  t.gather({"--engine"}, "ENGINE", f.engines, "The same for an engine.");
  t.integer({"--requests-per-slot"}, "N", f.requests_per_slot,
            "Requests simulated for each of a point's concurrent ones. [default: 10]", 1, 1000);
  t.text({"--leave-out"}, "WHAT", f.leave_out,
         "family: simulate each family's points with constants that were fitted without it, and "
         "show both errors. Takes a minute or two.");
  t.integer({"--tp", "--tensor-parallel-size"}, "N", f.tensor_parallel,
            "Of a log: GPUs that shared the model. [default: 1]", 1, 1024);
  t.text({"--precision", "--quantization"}, "P", f.precision, "Of a log: as in tacho sim.");
  t.integer({"--max-num-seqs"}, "N", f.max_num_seqs, "Of a log. [default: 256]", 1);
  t.integer({"--max-num-batched-tokens"}, "N", f.max_num_batched_tokens,
            "Of a log. [default: 8192]", 1);
  t.toggle({"--json"}, f.as_json, "Families and points as JSON.");
  return t;
}

template <class Profile>
Status read_own(const std::vector<std::string>& files, std::vector<Profile>& profiles,
                Result<Profile> (*find)(std::string_view)) {
  for (const auto& file : files) {
    auto profile = find(file);
    if (!profile) return profile.error();
    profiles.push_back(std::move(*profile));
  }
  return Nothing{};
}

int print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  return 0;
}

int print_left_out(const Validation& seen, const Validation& unseen, bool as_json) {
  if (!as_json) return print(left_out_table(seen, unseen));
  Json both{{"in_sample", validation_json(seen)}, {"left_out", validation_json(unseen)}};
  return print(dump_json(both, 1) + "\n");
}

/// A log of requests says nothing of the server, so the flags do.
int run_log(const ValidateFlags& flags, const OwnProfiles& own, const std::string& path) {
  if (own.gpus.empty() || own.models.empty())
    return fail(input_error("a log of requests needs --gpu and --model"));
  ModelledServer server;
  server.gpu = own.gpus.front();
  server.model = own.models.front();
  ServingFlags typed;
  typed.tensor_parallel = flags.tensor_parallel;
  typed.precision = flags.precision;
  auto serving = read_serving(typed, server.model);
  if (!serving) return fail(serving.error());
  server.serving = std::move(*serving);
  if (!own.engines.empty()) server.serving.engine = own.engines.front();
  server.engine.max_num_seqs = flags.max_num_seqs;
  server.engine.max_num_batched_tokens = flags.max_num_batched_tokens;
  const auto table = validate_log(path, server);
  return table ? print(*table) : fail(table.error());
}

int run_literature(const OwnProfiles& own, const std::string& path) {
  const auto table = validate_literature(path, own);
  return table ? print(*table) : fail(table.error());
}

int run_sim_validate(const std::vector<std::string>& arguments) {
  ValidateFlags flags;
  auto others = validate_flags(flags).parse(arguments);
  if (!others) return fail(others.error());
  if (others->size() != 1)
    return fail(input_error("say 'tacho sim validate FILE.csv' (docs/validation.md)"));
  OwnProfiles own;
  if (auto s = read_own(flags.gpus, own.gpus, find_gpu); !s) return fail(s.error());
  if (auto s = read_own(flags.models, own.models, find_model); !s) return fail(s.error());
  if (auto s = read_own(flags.engines, own.engines, find_engine); !s) return fail(s.error());
  if (!flags.leave_out.empty() && flags.leave_out != "family")
    return fail(input_error(format("--leave-out is family, not '{}'", flags.leave_out)));
  if (others->front().ends_with(".jsonl")) return run_log(flags, own, others->front());
  if (is_literature(others->front())) return run_literature(own, others->front());
  const auto points = read_points(others->front(), own);
  if (!points) return fail(points.error());
  StepProgress progress("simulating", true);
  const Validation validation = validate(*points, flags.requests_per_slot, [&](std::size_t done) {
    progress.show(done, points->size());
  });
  if (!flags.leave_out.empty()) {
    StepProgress refits("refitting", true);
    const std::size_t families = validation.families.size() - 1;
    const Validation unseen =
        validate_left_out(*points, flags.requests_per_slot, FitRules{},
                          [&](std::size_t done) { refits.show(done, families); });
    return print_left_out(validation, unseen, flags.as_json);
  }
  const std::string text = flags.as_json ? dump_json(validation_json(validation), 1) + "\n"
                                         : validation_table(validation);
  std::fputs(text.c_str(), stdout);
  return 0;
}

}  // namespace

Command sim_validate_command() {
  return {"sim validate",
          "says how right the engine's model is, against measured rows",
          "FILE.csv|LOG.jsonl [OPTIONS]",
          "  tacho sim validate measured.csv --leave-out family\n"
          "  tacho sim validate log.jsonl --gpu h100 --model llama-3.1-8b\n",
          [] {
            static ValidateFlags flags;
            return validate_flags(flags);
          },
          run_sim_validate};
}

}  // namespace tacho
