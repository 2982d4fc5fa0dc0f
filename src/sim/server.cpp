#include "sim/server.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "sim/answer.h"
#include "sim/server_parts.h"

namespace tacho {
namespace {

/// What the HTTP server refuses by itself has the same shape as what we refuse.
HttpServerOptions with_errors(HttpServerOptions http, std::function<ConnectionMishap()> mishap) {
  http.mishap = std::move(mishap);
  http.error_type = json_type;
  http.error_body = [](int status, std::string_view why) {
    return error_body(why, status == 413 ? "RequestTooLargeError" : "BadRequestError", status);
  };
  return http;
}

}  // namespace

SimServer::SimServer(Loop& loop, SimOptions options, CountTokens count_tokens)
    : loop_(loop),
      options_(std::move(options)),
      count_tokens_(std::move(count_tokens)),
      model_(make_model()),
      step_time_(options_.gpu, options_.model, options_.serving),
      engine_(loop, cluster_options(),
              make_step_cost(options_.gpu, options_.model, options_.serving, options_.extras),
              *this),
      http_(loop, *this, with_errors(options_.http, [this] { return draw_mishap(); })),
      truths_(options_.truth_max),
      door_(loop, [this] { mind_door(); }),
      started_(loop.now()),
      epoch_(started_) {
  if (options_.served_model_name.empty()) options_.served_model_name = options_.model.id;
  if (options_.context_max == 0) options_.context_max = options_.model.context_max;
  set_faults(options_.faults);
  metrics_.assign(engine_.cluster().replicas().size(), SimMetrics(metrics_setting()));
  if (options_.fixed) metronome_.emplace(loop_, *options_.fixed, *this);
}

SimServer::~SimServer() = default;

void SimServer::on_request(ServerRequest& request) {
  const std::string_view target = request.head().target;
  const std::string_view path = target.substr(0, target.find('?'));
  if (path == "/metrics") {
    return request.reply(200, "text/plain; version=0.0.4", metrics_page());
  }
  if (path.starts_with("/sim/truth")) return serve_truth(request, path.substr(10));
  if (path == "/sim/config") return request.reply(200, json_type, dump_json(config(), 1));
  if (path == "/sim/faults") return serve_faults(request);
  if (path == "/sim/reset" && request.head().method == "POST") {
    reset();
    return request.reply(200, json_type, "{}");
  }
  if (loop_.now() - started_ < options_.startup) {
    return reply_error(request, 503, "the engine is starting", "ServiceUnavailableError",
                       "retry-after: 1\r\n");
  }
  if (path == "/health" || path == "/ping") return request.reply(200, "text/plain", "");
  if (is_authorized(request)) serve_path(request, path);
}

namespace {

/// The method of each path that takes one; the others do not exist.
struct Route {
  std::string_view path;
  std::string_view method;
};
constexpr std::array<Route, 7> routes{{{"/version", "GET"},
                                       {"/v1/models", "GET"},
                                       {"/v1/chat/completions", "POST"},
                                       {"/v1/completions", "POST"},
                                       {"/v1/embeddings", "POST"},
                                       {"/tokenize", "POST"},
                                       {"/detokenize", "POST"}}};

}  // namespace

void SimServer::serve_path(ServerRequest& request, std::string_view path) {
  const auto route = std::find_if(routes.begin(), routes.end(),
                                  [&](const Route& known) { return known.path == path; });
  if (route == routes.end()) {
    return reply_error(request, 404, format("there is no path {}", path), "NotFoundError");
  }
  if (request.head().method != route->method) {
    return reply_error(request, 405,
                       format("{} takes {}, not {}", path, route->method, request.head().method),
                       "MethodNotAllowedError", format("allow: {}\r\n", route->method));
  }
  if (path == "/version") {
    return request.reply(200, json_type, dump_json(Json{{"version", "tacho-sim " TACHO_VERSION}}));
  }
  if (path == "/v1/models") {
    return request.reply(200, json_type, dump_json(models()));
  }
  if (path == "/v1/embeddings") return serve_embeddings(request);
  if (path == "/tokenize") return serve_tokenize(request);
  if (path == "/detokenize") return serve_detokenize(request);
  serve_generation(request, path == "/v1/chat/completions");
}

void SimServer::reset() {
  truths_.clear();
  metrics_.assign(metrics_.size(), SimMetrics(metrics_setting()));
  counts_at_reset_.clear();
  for (std::uint32_t i = 0; i < metrics_.size(); ++i)
    counts_at_reset_.push_back(engine_.cluster().totals(i).counts);
  engine_.clear_writes();
  set_faults(options_.faults);
  drawn_ = connections_ = 0;
  epoch_ = loop_.now();
  committed_.clear();
  is_shut_ = false;
  mind_door();
}

MetricsSetting SimServer::metrics_setting() const {
  MetricsSetting setting;
  setting.dialect = options_.dialect;
  setting.model = options_.served_model_name;
  setting.context_max = options_.context_max;
  setting.max_num_seqs = options_.engine.max_num_seqs;
  setting.block_size = options_.engine.block_size;
  setting.blocks = engine_.options().blocks();
  setting.has_block_override = options_.engine.num_gpu_blocks > 0;
  setting.has_prefix_caching = options_.engine.prefix_caching;
  setting.started_s = static_cast<double>(wall_clock_ns()) / 1e9 - to_s(loop_.now() - started_);
  return setting;
}

bool SimServer::is_authorized(ServerRequest& request) {
  if (options_.api_key.empty()) return true;
  if (request.head().field("authorization") == "Bearer " + options_.api_key) return true;
  reply_error(request, 401, "the API key is missing or wrong", "AuthenticationError",
              "www-authenticate: Bearer\r\n");
  return false;
}

bool SimServer::is_known_model(ServerRequest& request, const Json& body) {
  const std::string model = json_string(body, "model", options_.served_model_name);
  if (adapter_named(model)) return true;
  reply_error(request, 404, format("The model `{}` does not exist.", model), "NotFoundError");
  return false;
}

void SimServer::serve_truth(ServerRequest& request, std::string_view id) {
  if (id.empty()) {
    std::string lines;
    for (const Truth& truth : truths_.all()) lines += to_json_line(truth) + "\n";
    return request.reply(200, "application/jsonl", lines);
  }
  if (id == "/replicas") return request.reply(200, json_type, dump_json(replicas_truth(), 1));
  if (id == "/steps") return request.reply(200, json_type, dump_json(steps_truth(), 1));
  const Truth* truth = truths_.find(std::string(id.substr(1)));
  if (truth == nullptr) {
    return reply_error(request, 404, "no such request, or its truth was dropped", "NotFoundError");
  }
  request.reply(200, json_type, to_json_line(*truth));
}

Json SimServer::config() const {
  return {{"gpu", options_.gpu.id},
          {"model", options_.model.id},
          {"served_model_name", options_.served_model_name},
          {"tensor_parallel", options_.serving.tensor_parallel},
          {"replicas", engine_.cluster().options().replicas_max()},
          {"router", name_of(engine_.cluster().options().router)},
          {"max_num_seqs", options_.engine.max_num_seqs},
          {"max_num_batched_tokens", options_.engine.max_num_batched_tokens},
          {"kv_tokens", engine_.kv_total()},
          {"block_size", options_.engine.block_size},
          {"batching", name_of(options_.engine.policy)},
          {"scheduling_policy", options_.engine.by_priority ? "priority" : "fcfs"},
          {"chunked_prefill", engine_.options().chunked_prefill},
          {"prefix_caching", options_.encode && options_.engine.prefix_caching},
          {"max_model_len", options_.context_max},
          {"tokens_per_chunk", options_.tokens_per_chunk},
          {"timing", options_.fixed ? "fixed" : "model"},
          {"ttft_ms", options_.fixed ? Json(to_ms(options_.fixed->ttft)) : Json(nullptr)},
          {"gap_ms", options_.fixed ? Json(to_ms(options_.fixed->gap)) : Json(nullptr)},
          {"truth_max", options_.truth_max},
          {"seed", options_.seed.value}};
}

}  // namespace tacho
