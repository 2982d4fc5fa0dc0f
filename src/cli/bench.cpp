// `tacho bench`: the main job, read from top to bottom in run_bench. Options become a plan, the
// target is looked at, prompts become bytes, cells are run one after the other, and the run
// directory is rendered.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "base/cores.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/bench_live.h"
#include "cli/bench_monitor.h"
#include "cli/bench_options.h"
#include "cli/bench_plan.h"
#include "cli/bench_prompts.h"
#include "cli/bench_target.h"
#include "cli/child_sim.h"
#include "cli/commands.h"
#include "cli/outputs.h"
#include "cli/progress_display.h"
#include "load/run_cell.h"
#include "load/workload_digest.h"
#include "record/certificate.h"
#include "record/environment.h"
#include "report/calibration.h"
#include "report/truth.h"
#include "sim/profile.h"

namespace tacho {
namespace {

/// How hard the user has asked us to stop; written by the signal handler.
std::atomic<int> stop_level{0};
static_assert(std::atomic<int>::is_always_lock_free);

void on_interrupt(int) {
  // The second interrupt does not wait for answers in flight.
  stop_level.store(std::min(stop_level.load() + 1, static_cast<int>(StopLevel::now)));
}

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

/// Fields that every request's body gets beyond the dialect's own.
Result<Json> extra_body(const BenchOptions& o) {
  Json extra = Json::object();
  for (const auto& [key, text] : {std::pair{"temperature", &o.temperature}, {"top_p", &o.top_p}}) {
    if (text->empty()) continue;
    const auto value = parse_number(*text);
    if (!value) return input_error(format("--{} takes a number, not '{}'", key, *text));
    extra[key] = *value;
  }
  for (const auto& input : o.extra_inputs) {
    const auto colon = input.find(':');
    if (colon == std::string::npos)
      return input_error(format("--extra-inputs '{}': write NAME:VALUE", input));
    const std::string value = input.substr(colon + 1);
    auto json = parse_json(value, "");
    extra[input.substr(0, colon)] = json ? *json : Json(value);
  }
  if (o.extra_body.empty()) return extra;
  auto json = parse_json(o.extra_body, "--extra-body");
  if (!json) return json.error();
  if (!json->is_object()) return input_error("--extra-body must be a JSON object");
  extra.update(*json);
  return extra;
}

Result<std::string> make_run_directory(const BenchOptions& o, const std::string& model) {
  std::string directory = o.out;
  if (directory.empty()) {
    std::string time = iso_time(wall_clock_ns());
    std::replace(time.begin(), time.end(), ':', '-');
    std::string name = model.substr(model.rfind('/') + 1);
    directory = format("runs/{}-{}", time.substr(0, time.size() - 1), name);
    for (int i = 2; exists(directory); ++i)
      directory = format("runs/{}-{}-{}", time.substr(0, time.size() - 1), name, i);
  }
  if (exists(manifest_path(directory))) {
    return input_error(format("--out '{}' already holds a run; name another folder", directory));
  }
  if (auto status = make_folders(directory); !status) return status.error();
  return directory;
}

std::string command_line(const std::vector<std::string>& arguments) {
  std::string line = "tacho bench";
  for (const auto& argument : arguments) {
    const bool is_plain = !argument.empty() &&
                          argument.find_first_of(" \t\n'\"\\$`*?{}[]()&;|<>") == std::string::npos;
    std::string quoted = argument;
    for (std::size_t i = 0; (i = quoted.find('\'', i)) != std::string::npos; i += 4)
      quoted.replace(i, 1, "'\\''");
    line += is_plain ? " " + argument : " '" + quoted + "'";
  }
  return line;
}

/// The configuration as the user gave it, without secrets.
Json config_json(const BenchOptions& o, const PromptDealer& dealer, std::uint32_t threads) {
  Json config;
  config["dataset"] = dealer.description();
  config["streams"] = o.streams;
  config["threads"] = threads;
  config["burstiness"] = std::isnan(o.burstiness) ? 1.0 : o.burstiness;
  config.update(rules_json(o));
  if (!o.label.empty()) config["label"] = o.label;
  if (o.duration_s > 0) config["duration_s"] = o.duration_s;
  if (!o.extra_body.empty()) config["extra_body"] = o.extra_body;
  if (!o.temperature.empty()) config["temperature"] = o.temperature;
  if (!o.top_p.empty()) config["top_p"] = o.top_p;
  if (!o.ramp_strategy.empty()) {
    config["ramp_up"] = {{"strategy", o.ramp_strategy},
                         {"start_per_s", o.ramp_start_per_s},
                         {"end_per_s", o.ramp_end_per_s}};
  }
  if (o.is_fixed_schedule) {
    config["replay"] = {{"trace", o.dataset}, {"speedup", o.replay_speedup}};
  }
  if (o.num_scheduler_steps > 0) config["server_num_scheduler_steps"] = o.num_scheduler_steps;
  if (o.has_prefix_caching) config["server_enable_prefix_caching"] = true;
  return config;
}

/// How the target is reached, where that is not just one URL.
void describe_way(Json& config, const CheckedTarget& target) {
  if (target.servers.size() > 1) {
    for (const ServerPlace& place : target.servers) config["urls"].push_back(place.origin);
  }
  if (target.http == HttpVersion::http2) config["http"] = "2";
  if (!target.unix_socket.empty()) config["unix_socket"] = target.unix_socket;
  for (const Address& source : target.sources) config["source_addresses"].push_back(source.text);
}

std::uint32_t thread_count(const BenchOptions& o) {
  if (o.threads > 0) return o.threads;
  const unsigned cores = std::thread::hardware_concurrency();
  return std::max(1u, cores > 1 ? cores - 1 : 1u);
}

/// Everything a run is made of, once it is ready to go.
struct Bench {
  const BenchOptions& options;
  BenchPlan plan;
  Seed seed;
  std::uint32_t threads = 1;
  std::unique_ptr<Protocol> protocol;
  CheckedTarget target;
  std::unique_ptr<Tokenizer> tokenizer;
  std::unique_ptr<PromptDealer> dealer;
  Json extra;
  std::string directory;
  Manifest manifest;

  bool shows_progress() const { return !options.is_quiet; }
  bool streams() const { return options.streams && protocol->can_stream(); }
  RequestStyle style() const { return {protocol.get(), &target, streams(), extra}; }
};

Status prepare_prompts(Bench& bench) {
  auto choice = choose_tokenizer(bench.options.tokenizer);
  if (!choice) return choice.error();
  if (!choice->note.empty()) bench.plan.notes.push_back(choice->note);
  bench.tokenizer = std::make_unique<Tokenizer>(std::move(choice->tokenizer));
  auto dealer =
      PromptDealer::create(bench.plan, *bench.tokenizer, bench.seed, bench.shows_progress());
  if (!dealer) return dealer.error();
  bench.dealer = std::move(*dealer);
  return Nothing{};
}

Status look_at_target(Bench& bench, const std::string& sim_url) {
  auto target = locate_target(bench.options, sim_url, bench.protocol->path());
  if (!target) return target.error();
  bench.target = std::move(*target);
  if (auto status = question_server(bench.options, bench.target); !status) return status;
  if (!bench.options.has_ready_check) return Nothing{};
  Prompt hello;
  hello.messages = {{"user", "Hello"}};
  hello.inputs = {"Hello"};
  hello.output_tokens = 1;
  const bool uses_ignore_eos = std::any_of(bench.plan.cells.begin(), bench.plan.cells.end(),
                                           [](const PlannedCell& c) { return c.cell.ignore_eos; });
  return prove_endpoint(bench.target, *bench.protocol,
                        make_ask(hello, bench.style(), uses_ignore_eos), bench.plan.rules.timeouts);
}

Status begin_manifest(Bench& bench, const std::vector<std::string>& arguments) {
  auto directory = make_run_directory(bench.options, bench.target.model);
  if (!directory) return directory.error();
  bench.directory = *directory;
  Manifest& m = bench.manifest;
  m.tacho_version = TACHO_VERSION;
  m.command = command_line(arguments);
  m.started_at = iso_time(wall_clock_ns());
  m.seed = bench.seed.value;
  m.model = bench.target.model;
  m.url = bench.target.origin;
  m.endpoint = bench.plan.endpoint;
  const std::string tokenizer = bench.tokenizer->name();
  // Later reports count with it again, from whatever folder.
  m.tokenizer = tokenizer == "built-in" ? tokenizer : std::filesystem::absolute(tokenizer).string();
  for (const PlannedCell& planned : bench.plan.cells) m.cells.push_back(planned.cell);
  m.slos = bench.plan.slos;
  m.cell_slos = bench.plan.cell_slos;
  m.notes = bench.plan.notes;
  m.notes.insert(m.notes.end(), bench.target.notes.begin(), bench.target.notes.end());
  m.config = config_json(bench.options, *bench.dealer, bench.threads);
  for (const auto& percent : bench.options.metric_percentiles)
    m.config["metric_percentiles"].push_back(*parse_number(percent));
  if (bench.plan.error_budget > 0) m.config["error_budget"] = bench.plan.error_budget;
  describe_way(m.config, bench.target);
  m.environment = collect_environment();
  m.instrument["certificate"] = certificate_of_this_run();
  m.server = bench.target.server;
  return write_manifest(bench.directory, m);
}

/// How many ids a cell takes; one that begins its list again does so less than ten thousand times.
std::uint64_t ids_of(const CellPlan& plan) {
  return plan.warmup.size() + plan.measure.size() * (plan.repeats ? 10'000 : 1);
}

/// The plan has made sure that it is one of the three.
StampChoice stamp_choice(const BenchOptions& o) {
  return o.stamps == "tap"      ? StampChoice::tap
         : o.stamps == "socket" ? StampChoice::socket
                                : StampChoice::automatic;
}

/// What the tap has seen, or why there is none.
void note_tap(Json& instrument, const CellOutcome& outcome) {
  if (!outcome.tap_refusal.empty()) instrument["tap_refusal"] = outcome.tap_refusal;
  if (outcome.tap.tapped + outcome.tap.untapped == 0) return;
  instrument["tap"] = {{"connections", outcome.tap.tapped},
                       {"connections_without", outcome.tap.untapped},
                       {"segments", outcome.tap.notes},
                       {"lost", outcome.tap.lost},
                       {"sent_again", outcome.tap.duplicates}};
}

/// Runs one cell and notes in the manifest what the generator knows of itself.
Status run_one(Bench& bench, const PlannedCell& planned, const Target& target,
               const RunControls& controls, std::uint64_t& next_id, Instant run_start) {
  auto prompts = bench.dealer->deal(planned);
  if (!prompts) return prompts.error();
  CellPlan plan = make_cell_plan(planned, *prompts, bench.style(), bench.seed, next_id);
  plan.timeouts = bench.plan.rules.timeouts;
  plan.cancelling = bench.plan.rules.cancelling;
  plan.retrying = bench.plan.rules.retrying;
  plan.error_limits = bench.plan.rules.error_limits;
  next_id += ids_of(plan);
  bench.manifest.config["workload_digest"][std::to_string(planned.cell.id)] = workload_digest(plan);
  bench.manifest.config["repeated_prompt_share"][std::to_string(planned.cell.id)] =
      repeated_share(*prompts, plan);
  auto outcome = run_cell(plan, target, controls);
  if (!outcome) return outcome.error();
  bench.manifest.cells[planned.cell.id].started_after = outcome->measure_start - run_start;
  bench.manifest.stops[std::to_string(planned.cell.id)] = {
      {"by", stop_reason_name(outcome->stopped_by)}, {"detail", outcome->stop_detail}};
  bench.manifest.instrument[std::to_string(planned.cell.id)] = {
      {"loop_busy_share", outcome->busy_share},
      {"cpu_s", to_s(outcome->cpu)},
      {"clock_steps", outcome->clock_steps},
      {"connections", outcome->connections_dialled}};
  note_tap(bench.manifest.instrument[std::to_string(planned.cell.id)], *outcome);
  if (!outcome->failure.empty()) return world_error(outcome->failure);
  return Nothing{};
}

Status run_cells(Bench& bench) {
  auto open = open_target(bench.target, *bench.protocol, bench.streams());
  if (!open) return open.error();
  const Target& target = open->target;
  std::vector<WorkerProgress> progress(bench.threads);
  RunDisplay display(progress, stop_level, from_s(bench.options.grace_s), bench.shows_progress());
  const RunControls controls{
      bench.threads, journal_path(bench.directory), stamp_choice(bench.options), &stop_level,
      &progress,     bench.plan.rules.until};
  std::unique_ptr<BenchLive> live;
  if (!bench.options.listen_metrics.empty()) {
    auto started = BenchLive::start(bench.options.listen_metrics, progress, bench.target.model);
    if (!started) return started.error();
    live = std::move(*started);
  }
  auto monitor = start_monitor(bench.options, bench.target, bench.directory);
  if (!monitor) return monitor.error();
  std::uint64_t next_id = 0;
  const Instant run_start = monotonic_now();
  for (std::size_t i = 0; i < bench.plan.cells.size() && stop_level.load() == 0; ++i) {
    const PlannedCell& planned = bench.plan.cells[i];
    if (*monitor) (*monitor)->read_now();
    display.begin_cell(planned.cell, i, bench.plan.cells.size(), planned.duration_s);
    if (live) live->begin_cell(planned.cell, planned.duration_s);
    const Status status = run_one(bench, planned, target, controls, next_id, run_start);
    display.end_cell();
    if (*monitor) (*monitor)->read_now();
    if (!status) return status;
    if (auto written = write_manifest(bench.directory, bench.manifest); !written) return written;
  }
  return Nothing{};
}

/// With the built-in engine: how far what we measured is from what it did.
void compare_with_truth(Bench& bench, const std::string& sim_url) {
  FetchRequest request;
  request.url = sim_url + "/sim/truth";
  request.timeout = std::chrono::seconds(60);
  auto reply = fetch(request);
  if (!reply || reply->status != 200) return;
  auto truths = read_truths(reply->body);
  auto journal = read_journal(journal_path(bench.directory));
  if (!truths || !journal) return;
  for (const PlannedCell& planned : bench.plan.cells) {
    std::vector<const Record*> records;
    for (const Record& record : journal->records) {
      if (record.cell == planned.cell.id && record.stage == Stage::measure)
        records.push_back(&record);
    }
    if (!records.empty())
      bench.manifest.truth[std::to_string(planned.cell.id)] = truth_errors(records, *truths);
  }
}

ExtraOutputs extra_outputs(const BenchOptions& o) {
  ExtraOutputs extras;
  extras.ascend_csv = o.benchmark_csv;
  extras.writes_vllm = o.saves_vllm_result || o.saves_detailed;
  extras.vllm.is_detailed = o.saves_detailed;
  if (!o.percentile_metrics.empty()) extras.vllm.metrics = o.percentile_metrics;
  if (!o.metric_percentiles.empty()) {
    extras.vllm.percentiles.clear();
    for (const auto& text : o.metric_percentiles)
      extras.vllm.percentiles.push_back(*parse_number(text));
  }
  extras.vllm_dir = o.result_dir;
  extras.vllm_name = o.result_filename;
  if (o.speaks_genai_perf())
    extras.genai_perf_dir = o.artifact_dir.empty() ? "artifacts" : o.artifact_dir;
  return extras;
}

Result<int> report(const Bench& bench) {
  auto data = load_run(bench.directory);
  if (!data) return data.error();
  const RunSummary run = summarize(*data);
  if (auto note = beyond_certificate(run, data->manifest); !note.empty())
    data->manifest.notes.push_back(std::move(note));
  auto written = write_outputs(*data, run, extra_outputs(bench.options));
  if (!written) return written.error();
  if (bench.options.is_json) {
    std::printf("%s\n", dump_json(to_json(data->manifest), 1).c_str());
  } else {
    TableOptions table;
    table.has_color = ::isatty(STDOUT_FILENO) == 1;
    if (!bench.options.metric_percentiles.empty())
      table.percentiles = extra_outputs(bench.options).vllm.percentiles;
    std::printf("%s\n", table_text(*data, run, table).c_str());
    for (const auto& path : *written) std::printf(" wrote %s\n", path.c_str());
  }
  if (data->manifest.status == "interrupted") return 130;
  return judged_exit_code(run, bench.options.is_strict);
}

void print_first_request(const Bench& bench, const Prompt& prompt) {
  const Ask ask = make_ask(prompt, bench.style(), bench.plan.cells.front().cell.ignore_eos);
  const std::string body = bench.protocol->body(ask);
  std::printf("request    POST %s%s\n           %s%s\n", bench.target.origin.c_str(),
              bench.target.servers[0].url.path.c_str(), std::string(cut_utf8(body, 160)).c_str(),
              body.size() > 160 ? " …" : "");
}

/// The name that requests will ask for; empty where the server has to be asked first.
std::string model_before_asking(const BenchOptions& o) {
  if (!o.served_model_name.empty()) return o.served_model_name;
  if (!o.model.empty() || o.sim.empty()) return o.model;
  return std::string(find_model(o.sim.substr(o.sim.find('/') + 1))->id);  // The plan has looked.
}

int dry_run(Bench& bench) {
  std::printf("%s", plan_text(bench.plan).c_str());
  if (bench.options.sim.empty()) {
    auto target = locate_target(bench.options, "", bench.protocol->path());
    if (!target) return fail(target.error());
    bench.target = std::move(*target);
  } else {
    bench.target.servers = {{}};
    bench.target.servers[0].url.path = bench.protocol->path();
  }
  const std::string model = model_before_asking(bench.options);
  bench.target.model = model.empty() ? "(the server's)" : model;
  std::uint64_t next_id = 0;
  for (const PlannedCell& planned : bench.plan.cells) {
    auto prompts = bench.dealer->deal(planned);
    if (!prompts) return fail(prompts.error());
    if (planned.cell.id == 0) print_first_request(bench, prompts->front());
    if (model.empty()) break;
    const CellPlan plan = make_cell_plan(planned, *prompts, bench.style(), bench.seed, next_id);
    next_id += ids_of(plan);
    std::printf("workload   cell %u: %s\n", planned.cell.id, workload_digest(plan).c_str());
  }
  return 0;
}

Result<ChildSim> start_sim(const BenchOptions& o, std::uint32_t threads) {
  const auto slash = o.sim.find('/');  // The plan has made sure of it.
  std::vector<std::string> arguments{"--gpu",   o.sim.substr(0, slash),
                                     "--model", o.sim.substr(slash + 1),
                                     "--tp",    std::to_string(o.tensor_parallel),
                                     "--seed",  std::to_string(o.seed)};
  const std::string served = o.served_model_name.empty() ? o.model : o.served_model_name;
  if (!served.empty()) arguments.insert(arguments.end(), {"--served-model-name", served});
  if (o.num_scheduler_steps > 0) {
    arguments.insert(arguments.end(),
                     {"--tokens-per-chunk", std::to_string(o.num_scheduler_steps)});
  }
  return ChildSim::start(arguments, worker_cores(threads));
}

Result<int> execute(Bench& bench, const std::vector<std::string>& arguments) {
  auto protocol = make_protocol(bench.plan.endpoint);
  if (!protocol) return protocol.error();
  bench.protocol = std::move(*protocol);
  if (auto status = prepare_prompts(bench); !status) return status.error();
  if (bench.options.is_dry_run) return dry_run(bench);
  std::vector<ChildSim> sim;
  if (!bench.options.sim.empty()) {
    auto child = start_sim(bench.options, bench.threads);
    if (!child) return child.error();
    sim.push_back(std::move(*child));
  }
  const std::string sim_url = sim.empty() ? "" : sim[0].url();
  if (auto status = look_at_target(bench, sim_url); !status) return status.error();
  if (auto status = begin_manifest(bench, arguments); !status) return status.error();
  if (bench.shows_progress()) {
    for (const auto& note : bench.manifest.notes) std::fprintf(stderr, "note: %s\n", note.c_str());
  }
  catch_interrupts();
  const Status ran = run_cells(bench);
  bench.manifest.status = stop_level.load() > 0 || !ran ? "interrupted" : "finished";
  const auto& notes = bench.dealer->notes();
  bench.manifest.notes.insert(bench.manifest.notes.end(), notes.begin(), notes.end());
  if (!sim_url.empty()) compare_with_truth(bench, sim_url);
  if (auto status = write_manifest(bench.directory, bench.manifest); !status && ran)
    return status.error();
  auto code = report(bench);
  if (!ran) return ran.error();
  return code;
}

int run_bench(const std::vector<std::string>& arguments) {
  BenchOptions options;
  auto others = bench_flags(options).parse(arguments);
  if (!others) return fail(others.error());
  if (!others->empty())
    return fail(
        input_error(format("'{}' is no option; 'tacho bench --help' lists them", others->front())));
  auto plan = plan_bench(options);
  if (!plan) return fail(plan.error());
  Bench bench{
      options, std::move(*plan), Seed{options.seed}, thread_count(options), {}, {}, {}, {}, {}, {},
      {}};
  auto extra = extra_body(options);
  if (!extra) return fail(extra.error());
  bench.extra = std::move(*extra);
  auto code = execute(bench, arguments);
  return code ? *code : fail(code.error());
}

}  // namespace

Command bench_command() {
  return {"bench",
          "puts load on a server, measures every token, and reports",
          "[--url URL | --sim GPU/MODEL] [OPTIONS]",
          "  tacho bench --sim h800/llama-3-8b --concurrency 1,4,8,16,32 --input-tokens 512,2048 "
          "--output-tokens 128,256\n"
          "  tacho bench --url http://127.0.0.1:8000 --dataset sharegpt.json --request-rate "
          "2,8,inf --num-prompts 200,400,400\n"
          "  tacho bench --url https://host/v1 --model NAME --api-key-env KEY --concurrency 16 "
          "--duration 2m --goodput ttft:200 tpot:50\n",
          [] {
            static BenchOptions options;
            return bench_flags(options);
          },
          run_bench};
}

}  // namespace tacho
