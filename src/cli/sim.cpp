// `tacho sim`: the built-in engine as an OpenAI-compatible server.
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdio>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/server_tls.h"
#include "cli/sim_cluster.h"
#include "cli/sim_scheduler.h"
#include "cli/sim_serving.h"
#include "net/epoll_loop.h"
#include "net/fetch.h"
#include "sim/server.h"
#include "workload/tokenizer.h"

namespace tacho {
namespace {

/// Options of `tacho sim`, as typed.
struct SimFlags {
  std::string unix_socket;
  ServerTlsFlags tls;
  ServingFlags serving;
  std::string served_model_name, host = "127.0.0.1", usage = "own-chunk", api_key, timing = "model",
                                 dialect = "vllm";
  std::uint32_t port = 8000, seed = 0, context_max = 0, tokens_per_chunk = 1;
  std::uint32_t keep_alive_max = 0;
  SchedulerFlags scheduler;
  ClusterFlags cluster;
  std::uint32_t truth_max = 4'000'000;
  std::uint32_t connections_max = 0, queue_max = 0;
  std::uint32_t body_mb_max = 64;
  double startup_s = 0.0, keep_alive_s = 0.0, ttft_ms = 20.0, gap_ms = 20.0;
  std::vector<std::string> faults;
};

FlagTable sim_flags(SimFlags& f) {
  FlagTable t;
  t.group("Engine");
  add_serving_flags(t, f.serving);
  t.integer({"--max-model-len"}, "N", f.context_max, "Context length. [default: the model's]");
  t.integer({"--seed"}, "N", f.seed, "Seed of answers, lengths and faults. [default: 0]");
  t.text(
      {"--timing"}, "HOW", f.timing,
      "When tokens come. model: as the engine's batches end. fixed: by the clock, each stream on "
      "its own schedule; light enough for thousands of streams. [default: model]");
  t.number({"--ttft-ms"}, "MS", f.ttft_ms,
           "With --timing fixed: from a request's arrival to its first token. [default: 20]");
  t.number({"--gap-ms"}, "MS", f.gap_ms,
           "With --timing fixed: from each token to the next. [default: 20]");
  t.integer({"--truth-max"}, "N", f.truth_max,
            "Tokens whose true times are kept for /sim/truth, 24 bytes each; the oldest requests "
            "are dropped first. [default: 4000000]");
  add_scheduler_flags(t, f.scheduler);
  add_cluster_flags(t, f.cluster);
  t.group("Server");
  t.text({"--host"}, "HOST", f.host, "Address to listen on. [default: 127.0.0.1]");
  t.integer({"--port"}, "PORT", f.port, "Port; 0 takes a free one and says which. [default: 8000]",
            0, 65535);
  t.text({"--unix-socket", "--uds"}, "PATH", f.unix_socket, "Listen on this UNIX socket instead.");
  add_server_tls_flags(t, f.tls);
  t.text({"--served-model-name"}, "NAME", f.served_model_name,
         "Name on the API. [default: the model profile's]");
  t.text({"--api-key"}, "KEY", f.api_key, "Ask for this key; without it requests get 401.");
  t.text({"--dialect"}, "ENGINE", f.dialect,
         "Whose names /metrics has: vllm, sglang, tgi, llamacpp, triton, mindie. [default: vllm]");
  t.group("Behaviour of real servers, and their faults");
  t.integer({"--tokens-per-chunk"}, "N", f.tokens_per_chunk, "Tokens in each event. [default: 1]",
            1);
  t.text({"--usage"}, "HOW", f.usage,
         "Where token counts go: own-chunk, with-finish, every-chunk, none. [default: own-chunk]");
  t.integer({"--keep-alive-max"}, "N", f.keep_alive_max,
            "Close a connection after N answers; 0: never. [default: 0]");
  t.duration({"--keep-alive-timeout"}, f.keep_alive_s,
             "Close an idle connection after this time; 0: never. [default: 0]");
  t.integer({"--max-connections"}, "N", f.connections_max,
            "Reset connections beyond N; 0: no bound. [default: 0]");
  t.integer({"--max-queue", "--max-waiting-queue-length"}, "N", f.queue_max,
            "Answer 429 while N requests wait for the engine; 0: no bound. [default: 0]");
  t.integer({"--max-body-mb"}, "MB", f.body_mb_max, "Answer 413 to requests of more. [default: 64]",
            1, 1024);
  t.duration({"--startup-time", "--startup-duration"}, f.startup_s,
             "Answer 503, /health too, until this time has passed. [default: 0]");
  t.repeated(
      {"--fault"}, "NAME=P", f.faults,
      "A fault with a probability, or with =/N for each N-th request, =@N for the N-th alone, and "
      "@FROM-TO behind it for a window of seconds: http_429, rst_mid, stall_mid:MS, split:BYTES "
      "and others (docs/sim.md). One request asks for one with the header X-Tacho-Fault. Of "
      "connections, by their number: accept_delay:MS, accept_close:BYTES; refuse@FROM-TO.");
  return t;
}

Result<UsageStyle> parse_usage(const std::string& text) {
  if (text == "own-chunk") return UsageStyle::own_chunk;
  if (text == "with-finish") return UsageStyle::with_finish;
  if (text == "every-chunk") return UsageStyle::every_chunk;
  if (text == "none") return UsageStyle::none;
  return input_error(
      format("--usage is own-chunk, with-finish, every-chunk or none, not '{}'", text));
}

Result<std::optional<FixedTiming>> parse_timing(const SimFlags& f) {
  if (f.timing == "model") return std::optional<FixedTiming>();
  if (f.timing != "fixed")
    return input_error(format("--timing is model or fixed, not '{}'", f.timing));
  if (f.ttft_ms < 0 || f.gap_ms < 0)
    return input_error("--ttft-ms and --gap-ms must not be negative");
  return std::optional<FixedTiming>({from_s(f.ttft_ms / 1e3), from_s(f.gap_ms / 1e3)});
}

Result<SimOptions> read_options(const SimFlags& f) {
  SimOptions options;
  auto timing = parse_timing(f);
  if (!timing) return timing.error();
  options.fixed = *timing;
  options.truth_max = f.truth_max;
  auto gpu = find_gpu(f.serving.gpu);
  if (!gpu) return gpu.error();
  auto model = find_model(f.serving.model);
  if (!model) return model.error();
  auto usage = parse_usage(f.usage);
  if (!usage) return usage.error();
  auto dialect = parse_dialect(f.dialect);
  if (!dialect) return dialect.error();
  options.dialect = *dialect;
  auto engine = read_scheduler(f.scheduler);
  if (!engine) return engine.error();
  options.gpu = *gpu;
  options.model = *model;
  options.served_model_name = f.served_model_name;
  options.engine = *engine;
  options.seed = Seed{f.seed};
  options.context_max = f.context_max;
  options.tokens_per_chunk = f.tokens_per_chunk;
  options.usage = *usage;
  options.api_key = f.api_key;
  options.http.requests_per_connection_max = f.keep_alive_max;
  options.http.idle_timeout = from_s(f.keep_alive_s);
  options.http.server_name = "tacho-sim";
  options.http.connections_max = f.connections_max;
  options.http.body_bytes_max = std::size_t{f.body_mb_max} * 1'000'000;
  options.queue_max = f.queue_max;
  options.startup = from_s(f.startup_s);
  for (const auto& text : f.faults) {
    auto rule = parse_fault_rule(text);
    if (!rule) return rule.error();
    options.faults.push_back(*rule);
  }
  auto serving = read_serving(f.serving, *model);
  if (!serving) return serving.error();
  options.serving = *serving;
  if (auto status = read_cluster(f.cluster, options); !status) return status.error();
  if (!options.fixed && engine->blocks() == 0) {
    if (auto status = check_fit(*gpu, *model, *serving); !status) return status.error();
  }
  return options;
}

int serve(const SimFlags& flags, SimOptions options) {
  const bool speaks_tls = options.http.tls != nullptr;
  auto loop = EpollLoop::create();
  if (!loop) return fail(loop.error());
  const Url place{false, flags.host, static_cast<std::uint16_t>(flags.port), ""};
  auto address = find_server(place, flags.unix_socket);
  if (!address) return fail(address.error());
  const Tokenizer tokenizer = Tokenizer::builtin();
  const std::uint32_t replicas = options.cluster.replicas_max();
  const std::string many = replicas > 1 ? format(", {} replicas", replicas) : "";
  const std::string title =
      options.fixed ? format("{} by the clock: a first token after {} ms, then one every {} ms",
                             options.model.id, flags.ttft_ms, flags.gap_ms)
                    : format("{} on {} × {}{}", options.model.id, options.serving.tensor_parallel,
                             options.gpu.name, many);
  options.encode = [&](std::string_view text) { return tokenizer.encode(text); };
  options.decode = [&](std::span<const std::uint32_t> ids) { return tokenizer.decode(ids); };
  SimServer server(**loop, std::move(options),
                   [&](std::string_view text) { return tokenizer.count(text); });
  if (auto status = server.listen(*address); !status) return fail(status.error());

  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  const int signal_descriptor = ::signalfd(-1, &signals, SFD_CLOEXEC);
  (*loop)->watch(signal_descriptor, [&] { (*loop)->stop(); });

  const Url serving{speaks_tls, flags.host, server.port(), ""};
  const std::string where =
      flags.unix_socket.empty()
          ? serving.origin()
          : format("the UNIX socket {}{}", flags.unix_socket, speaks_tls ? ", over TLS" : "");
  std::printf("tacho sim: %s, serving at %s\n", title.c_str(), where.c_str());
  std::fflush(stdout);
  (*loop)->run();
  ::close(signal_descriptor);
  return 0;
}

int run_sim(const std::vector<std::string>& arguments) {
  SimFlags flags;
  auto others = sim_flags(flags).parse(arguments);
  if (!others) return fail(others.error());
  if (!others->empty())
    return fail(input_error(format("'{}' is no option of tacho sim", others->front())));
  auto options = read_options(flags);
  if (!options) return fail(options.error());
  const auto tls = server_tls(flags.tls);
  if (!tls) return fail(tls.error());
  if (*tls) options->http.tls = &**tls;
  return serve(flags, std::move(*options));
}

}  // namespace

Command sim_command() {
  return {"sim",
          "serves the built-in engine, an OpenAI-compatible server that needs no GPU",
          "[OPTIONS]",
          "  tacho sim --gpu h800 --model llama-3-8b --port 8000\n"
          "  curl http://127.0.0.1:8000/v1/chat/completions -d "
          "'{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}'\n",
          [] {
            static SimFlags flags;
            return sim_flags(flags);
          },
          run_sim};
}

}  // namespace tacho
