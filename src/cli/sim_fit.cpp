// `tacho sim fit RUN...`: profiles of one's own GPU and engine, from what they were measured to do.
#include <algorithm>
#include <cstdio>

#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/outputs.h"
#include "cli/progress_display.h"
#include "cli/sim_scheduler.h"
#include "cli/sim_serving.h"
#include "report/metrics.h"
#include "sim/fit_loads.h"

namespace tacho {
namespace {

/// Its options, as typed.
struct FitFlags {
  ServingFlags serving;
  SchedulerFlags scheduler;
  std::vector<std::string> constants;
  std::string to;
  bool as_json = false, is_quiet = false;
};

FlagTable fit_flags(FitFlags& f) {
  f.serving.gpu.clear();
  f.serving.model.clear();
  FlagTable t;
  t.group("Fit");
  t.texts({"--constants"}, "LIST", f.constants,
          "What to fit, by the names of the profiles' files, such as step_ms,gemm.fp8.1. [default: "
          "the shares of its peaks that the GPU reaches, and the engine's host times]");
  t.text({"--to"}, "FILE.json", f.to,
         "Write the profiles here; `tacho sim` and `tacho plan` take the file as --gpu and as "
         "--engine.");
  t.toggle({"--json"}, f.as_json, "Constants and errors as JSON.");
  t.toggle({"--quiet"}, f.is_quiet, "No progress.");
  t.group("The server that was measured");
  add_serving_flags(t, f.serving);
  add_scheduler_flags(t, f.scheduler);
  return t;
}

/// What is known of the runs beside their loads.
struct Measured {
  std::vector<ServedLoad> loads;
  std::size_t requests = 0, left_out = 0;
  std::string model;  ///< As the server calls it.
};

/// The request as it was served, if it was: streamed, whole, and with its tokens counted.
std::optional<ServedRequest> served(const Record& record, std::uint32_t counted) {
  if (record.outcome != Outcome::ok || !happened(first_token(record))) return std::nullopt;
  const std::uint32_t input = input_tokens(record).tokens;
  const std::uint32_t output = output_tokens(record, counted).tokens;
  if (input == 0 || output == 0 || !record.streamed) return std::nullopt;
  ServedRequest one;
  one.input = input;
  one.output = output;
  one.cached = std::min(record.usage.cached_tokens.value_or(0), input - 1);
  one.sent_s = to_s(record.sent - instant_from_ns(0));
  one.first_s = to_s(first_token(record) - instant_from_ns(0));
  one.last_s = to_s(last_token(record) - instant_from_ns(0));
  one.is_measured = record.stage == Stage::measure;
  return one;
}

ServedLoad load_of(const RunData& run, const Cell& cell, Measured& measured) {
  ServedLoad load;
  load.label = cell_label(cell);
  if (cell.is_static && cell.concurrency) load.concurrency = *cell.concurrency;
  for (std::size_t i = 0; i < run.records.size(); ++i) {
    if (run.records[i].cell != cell.id) continue;
    ++measured.requests;
    if (const auto one = served(run.records[i], run.counted[i]); one) {
      load.requests.push_back(*one);
    } else {
      ++measured.left_out;
    }
  }
  std::stable_sort(load.requests.begin(), load.requests.end(),
                   [](const auto& a, const auto& b) { return a.sent_s < b.sent_s; });
  return load;
}

Result<Measured> read_runs(const std::vector<std::string>& folders) {
  Measured measured;
  for (const std::string& folder : folders) {
    const auto run = load_run(folder);
    if (!run) return run.error();
    const auto& records = run->records;
    if (std::any_of(records.begin(), records.end(), [](const Record& r) { return r.target > 0; }))
      return input_error(format("{}: several URLs were measured; a fit is of one server", folder));
    measured.model = run->manifest.model;
    for (const Cell& cell : run->manifest.cells) {
      ServedLoad load = load_of(*run, cell, measured);
      const bool has_any = std::any_of(load.requests.begin(), load.requests.end(),
                                       [](const auto& one) { return one.is_measured; });
      if (has_any) measured.loads.push_back(std::move(load));
    }
  }
  if (measured.loads.empty()) {
    return input_error(
        format("{}: no request was streamed to its end with its tokens counted; "
               "nothing to fit",
               join(folders, ", ")));
  }
  return measured;
}

Result<ModelledServer> read_server(const FitFlags& flags, const Measured& measured) {
  if (flags.serving.gpu.empty())
    return input_error("say which GPU served it: --gpu h100, or a FILE.json of a similar one");
  ModelledServer server;
  auto gpu = find_gpu(flags.serving.gpu);
  if (!gpu) return gpu.error();
  server.gpu = std::move(*gpu);
  const std::string& model = flags.serving.model.empty() ? measured.model : flags.serving.model;
  auto found = find_model(model);
  if (!found) {
    return flags.serving.model.empty()
               ? input_error(format("the run's model is '{}'; say with --model which it is: {}",
                                    model, found.error().message))
               : found.error();
  }
  server.model = std::move(*found);
  auto serving = read_serving(flags.serving, server.model);
  if (!serving) return serving.error();
  server.serving = std::move(*serving);
  auto engine = read_scheduler(flags.scheduler);
  if (!engine) return engine.error();
  server.engine = std::move(*engine);
  return server;
}

Result<std::vector<ConstantName>> read_constants(const FitFlags& flags,
                                                 const ModelledServer& server) {
  if (flags.constants.empty()) return usual_constants(server);
  std::vector<ConstantName> names;
  for (const std::string& typed : flags.constants) {
    auto name = parse_constant(server, typed);
    if (!name) return name.error();
    if (std::find(names.begin(), names.end(), *name) == names.end())
      names.push_back(std::move(*name));
  }
  return names;
}

/// "llama-3-8b on h100, vllm, bf16, 2 GPUs".
std::string title(const ModelledServer& server) {
  std::string text = format("{} on {}, {}, {}", server.model.id, server.gpu.id,
                            server.serving.engine.id, to_text(server.serving.precision));
  if (server.serving.tensor_parallel > 1)
    text += format(", {} GPUs", server.serving.tensor_parallel);
  return text;
}

int print(const FitFlags& flags, const ModelledServer& server, const Measured& measured,
          const LoadFit& fit) {
  if (flags.as_json) {
    Json json = fit_json(fit);
    json["requests_left_out"] = measured.left_out;
    std::printf("%s\n", dump_json(json, 1).c_str());
    return 0;
  }
  std::printf("%s: %zu loads, %zu requests\n\n%s", title(server).c_str(), measured.loads.size(),
              measured.requests - measured.left_out, fit_table(fit).c_str());
  if (measured.left_out > 0) {
    std::printf(
        "%zu of %zu requests are left out, though they were load too: failed, not streamed, "
        "or without a count of tokens\n",
        measured.left_out, measured.requests);
  }
  if (flags.to.empty()) {
    std::printf("\n--to FILE.json writes the profiles\n");
  } else {
    std::printf("\nwrote %s; use it as --gpu %s --engine %s\n", flags.to.c_str(), flags.to.c_str(),
                flags.to.c_str());
  }
  return 0;
}

int run_sim_fit(const std::vector<std::string>& arguments) {
  FitFlags flags;
  auto folders = fit_flags(flags).parse(arguments);
  if (!folders) return fail(folders.error());
  if (folders->empty())
    return fail(input_error("say which runs: tacho sim fit RUN... --gpu GPU --model MODEL"));
  const auto measured = read_runs(*folders);
  if (!measured) return fail(measured.error());
  auto server = read_server(flags, *measured);
  if (!server) return fail(server.error());
  const auto names = read_constants(flags, *server);
  if (!names) return fail(names.error());
  StepProgress progress("fitting", !flags.is_quiet);
  const auto fit =
      fit_loads(*server, measured->loads, *names, run_fit_rules(),
                [&](std::size_t done, std::size_t most) { progress.show(done, most); });
  if (!fit) return fail(fit.error());
  if (!flags.to.empty()) {
    const std::string source =
        format("fitted by tacho sim fit to {} requests of {}",
               measured->requests - measured->left_out, join(*folders, ", "));
    const auto profiles =
        fitted_profiles(flags.serving.gpu, flags.serving.engine, *server, *fit, source);
    if (!profiles) return fail(profiles.error());
    if (auto status = write_file(flags.to, dump_json(*profiles, 1) + "\n"); !status)
      return fail(status.error());
  }
  return print(flags, *server, *measured, *fit);
}

}  // namespace

Command sim_fit_command() {
  return {"sim fit",
          "fits a GPU's and an engine's profile to runs of your own, and says the error left",
          "RUN... --gpu GPU [OPTIONS]",
          "  tacho bench --url http://127.0.0.1:8000 --concurrency 1,8,32,128 --output-dir mine\n"
          "  tacho sim fit mine --gpu h100 --model llama-3-8b --to mine.json\n"
          "  tacho plan --gpu mine.json --engine mine.json --model llama-3-70b --request-rate 5\n",
          [] {
            static FitFlags flags;
            return fit_flags(flags);
          },
          run_sim_fit};
}

}  // namespace tacho
