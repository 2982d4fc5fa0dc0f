#include "sim/server.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "sim/answer.h"
#include "sim/prefix_hash.h"

namespace tacho {
namespace {

constexpr std::string_view json_type = "application/json";
constexpr std::uint32_t default_output_tokens = 2048;
constexpr std::uint32_t embedding_size = 64;

void reply_error(ServerRequest& request, int status, std::string_view message,
                 std::string_view type, std::string_view extra_head_lines = "") {
  request.reply(status, json_type, error_body(message, type, status), extra_head_lines);
}

/// Lengths of answers that end by themselves: log-normal, near ShareGPT's (median 180, mean about
/// 270 tokens).
std::uint32_t natural_length(std::uint64_t seed) {
  Random random(Seed{seed}, "answer length");
  return static_cast<std::uint32_t>(
      std::clamp(180.0 * std::exp(0.9 * random.normal()), 4.0, 8192.0));
}

std::uint64_t hash_text(std::string_view text, std::uint64_t hash) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

/// The texts of a prompt: a string, a list of strings or message contents.
void append_text(std::string& out, const Json& value) {
  if (value.is_string()) {
    out += value.get_ref<const std::string&>();
  } else if (value.is_array()) {
    for (const auto& part : value) {
      append_text(out, part.is_object() ? part.value("text", Json()) : part);
    }
  }
}

bool flag(const Json& body, const char* key) {
  return body.contains(key) && body[key].is_boolean() && body[key].get<bool>();
}

}  // namespace

SimServer::SimServer(Loop& loop, SimOptions options, CountTokens count_tokens)
    : loop_(loop),
      options_(std::move(options)),
      count_tokens_(std::move(count_tokens)),
      step_time_(options_.gpu, options_.model, options_.serving),
      engine_(
          loop, step_time_,
          [&] {
            EngineOptions engine = options_.engine;
            if (engine.blocks() == 0) engine.kv_tokens = step_time_.kv_tokens();
            return engine;
          }(),
          *this),
      http_(loop, *this, options_.http),
      truths_(options_.truth_max) {
  if (options_.served_model_name.empty()) options_.served_model_name = options_.model.id;
  if (options_.context_max == 0) options_.context_max = options_.model.context_max;
  if (options_.fixed) metronome_.emplace(loop_, *options_.fixed, *this);
}

SimServer::~SimServer() = default;

void SimServer::on_request(ServerRequest& request) {
  const std::string_view target = request.head().target;
  const std::string_view path = target.substr(0, target.find('?'));
  const std::string_view method = request.head().method;
  if (path == "/health" || path == "/ping") return request.reply(200, "text/plain", "");
  if (path == "/metrics") {
    return request.reply(200, "text/plain; version=0.0.4",
                         metrics_.page(engine_, options_.served_model_name, metronome_running()));
  }
  if (path.starts_with("/sim/truth")) return serve_truth(request, path.substr(10));
  if (path == "/sim/config") return request.reply(200, json_type, dump_json(config(), 1));
  if (path == "/sim/reset" && method == "POST") {
    truths_.clear();
    metrics_ = SimMetrics();
    return request.reply(200, json_type, "{}");
  }
  if (!is_authorized(request)) return;
  if (path == "/version") {
    return request.reply(200, json_type, dump_json(Json{{"version", "tacho-sim " TACHO_VERSION}}));
  }
  if (path == "/v1/models") {
    const Json model{{"id", options_.served_model_name},
                     {"object", "model"},
                     {"created", 0},
                     {"owned_by", "tacho-sim"},
                     {"root", options_.model.id},
                     {"max_model_len", options_.context_max}};
    return request.reply(200, json_type,
                         dump_json(Json{{"object", "list"}, {"data", Json::array({model})}}));
  }
  const bool is_chat = path == "/v1/chat/completions";
  const bool is_generation = is_chat || path == "/v1/completions";
  if (!is_generation && path != "/v1/embeddings") {
    return request.reply(404, json_type, R"({"detail":"Not Found"})");
  }
  if (method != "POST") return request.reply(405, json_type, R"({"detail":"Method Not Allowed"})");
  if (is_generation) return serve_generation(request, is_chat);
  serve_embeddings(request);
}

bool SimServer::is_authorized(ServerRequest& request) {
  if (options_.api_key.empty()) return true;
  if (request.head().field("authorization") == "Bearer " + options_.api_key) return true;
  request.reply(401, json_type, R"({"error":"Unauthorized"})");
  return false;
}

bool SimServer::is_known_model(ServerRequest& request, const Json& body) {
  const std::string model = json_string(body, "model", options_.served_model_name);
  if (model == options_.served_model_name) return true;
  reply_error(request, 404, format("The model `{}` does not exist.", model), "NotFoundError");
  return false;
}

void SimServer::serve_generation(ServerRequest& request, bool is_chat) {
  auto body = parse_json(request.body(), "the request");
  if (!body || !body->is_object()) {
    return reply_error(request, 400, "the body is not a JSON object", "BadRequestError");
  }
  if (!is_known_model(request, *body)) return;
  auto read = read_generation(*body, is_chat);
  if (!read) return reply_error(request, 400, read.error().message, "BadRequestError");
  LiveRequest& live = **read;
  live.http = &request;
  live.truth.received = request.received();
  live.created_s = wall_clock_ns() / 1'000'000'000;
  live.fault = draw_fault(options_.faults, options_.seed.value, requests_);
  if (const auto asked = request.head().field("x-tacho-fault"); !asked.empty()) {
    auto fault = parse_fault(asked);
    if (!fault) return reply_error(request, 400, fault.error().message, "BadRequestError");
    live.fault = *fault;
  }
  live.truth.id = format("{}-{:x}", is_chat ? "chatcmpl" : "cmpl", ++requests_);
  request.attachment = std::move(*read);
  if (commit_early_fault(request, live)) return;
  if (live.streams) {
    prepare_events(live, options_.served_model_name);
    request.begin_stream("text/event-stream; charset=utf-8");
  }
  submit(live);
}

void SimServer::submit(LiveRequest& live) {
  if (!metronome_) return engine_.submit(live);
  metronome_->submit(live, live.truth.received);
}

void SimServer::abort(LiveRequest& live) {
  if (metronome_) {
    metronome_->abort(live);
  } else {
    engine_.abort(live);
  }
  truths_.forget(live.truth);
}

Result<std::unique_ptr<LiveRequest>> SimServer::read_generation(const Json& body, bool is_chat) {
  auto live = std::make_unique<LiveRequest>();
  std::string prompt;
  if (is_chat) {
    if (!body.contains("messages") || !body["messages"].is_array() || body["messages"].empty()) {
      return input_error("'messages' must be a list of at least one message");
    }
    for (const auto& message : body["messages"]) {
      if (message.is_object()) append_text(prompt, message.value("content", Json()));
    }
  } else {
    append_text(prompt, body.value("prompt", Json()));
  }
  live->is_chat = is_chat;
  live->streams = flag(body, "stream");
  live->includes_usage = body.contains("stream_options") && body["stream_options"].is_object() &&
                         flag(body["stream_options"], "include_usage");
  live->returns_times = flag(body, "return_latency");
  read_prompt(*live, prompt, body);
  live->text_seed = hash_text(prompt, options_.seed.value ^ 0xcbf29ce484222325u);

  const double limit =
      json_number(body, "max_completion_tokens", json_number(body, "max_tokens", 0));
  if (limit < 0) return input_error("max_tokens must be at least 1");
  const auto asked = static_cast<std::uint32_t>(std::min(limit, 1e9));
  if (live->input_tokens + std::max(asked, 1u) > options_.context_max) {
    return input_error(
        format("This model's maximum context length is {} tokens. However, your request has "
               "{} input tokens and asks for {} output tokens.",
               options_.context_max, live->input_tokens, asked));
  }
  const std::uint32_t room = options_.context_max - live->input_tokens;
  const std::uint32_t longest = std::min(asked > 0 ? asked : default_output_tokens, room);
  const std::uint32_t natural =
      flag(body, "ignore_eos") ? longest : natural_length(live->text_seed);
  live->ends_by_length = natural >= longest;
  live->output_tokens = std::min(natural, longest);
  if (!options_.fixed && !engine_.fits(*live))
    return input_error("the request does not fit into the KV cache");
  return live;
}

/// Its length, its blocks' hashes and its priority.
void SimServer::read_prompt(LiveRequest& live, const std::string& prompt, const Json& body) const {
  std::size_t tokens = 0;
  if (options_.encode && options_.engine.prefix_caching && !options_.fixed) {
    const std::string salt = json_string(body, "cache_salt", "");
    const auto ids = options_.encode(prompt);
    tokens = ids.size();
    live.hashes = block_hashes(ids, options_.engine.block_size, hash_text(salt, 0));
    live.block_hashes = live.hashes;
  } else {
    tokens = count_tokens_(prompt);
  }
  live.input_tokens = static_cast<std::uint32_t>(std::max<std::size_t>(1, tokens));
  live.priority =
      static_cast<std::int32_t>(std::clamp(json_number(body, "priority", 0), -1e9, 1e9));
}

void SimServer::serve_embeddings(ServerRequest& request) {
  auto body = parse_json(request.body(), "the request");
  if (!body || !body->is_object() || !body->contains("input")) {
    return reply_error(request, 400, "'input' is missing", "BadRequestError");
  }
  if (!is_known_model(request, *body)) return;
  const Json& input = (*body)["input"];
  const Json texts = input.is_array() ? input : Json::array({input});
  std::size_t tokens = 0;
  Json data = Json::array();
  for (const auto& text : texts) {
    std::string content;
    append_text(content, text);
    tokens += count_tokens_(content);
    Random random(Seed{hash_text(content, options_.seed.value)}, "embedding");
    std::vector<double> vector(embedding_size);
    double squares = 0.0;
    for (double& x : vector) {
      x = random.normal();
      squares += x * x;
    }
    for (double& x : vector) x /= std::sqrt(squares);
    data.push_back({{"object", "embedding"}, {"index", data.size()}, {"embedding", vector}});
  }
  const Json answer{{"object", "list"},
                    {"data", data},
                    {"model", options_.served_model_name},
                    {"usage", {{"prompt_tokens", tokens}, {"total_tokens", tokens}}}};
  metrics_.prompt_tokens += tokens;
  request.reply(200, json_type, dump_json(answer));
}

bool SimServer::commit_early_fault(ServerRequest& request, LiveRequest& live) {
  if (live.fault.kind == Fault::Kind::no_answer) return true;
  if (live.fault.kind != Fault::Kind::http_status) return false;
  const int status = live.fault.status;
  const bool says_when = status == 429 || status == 503;
  reply_error(request, status, "a fault that was asked for", "InjectedError",
              says_when ? "retry-after: 1\r\n" : "");
  return true;
}

/// Faults in the middle of a streamed answer. True when the request is over with it.
bool SimServer::commit_late_fault(LiveRequest& live) {
  const bool is_middle = live.emitted == std::max(1u, live.output_tokens / 2);
  if (!live.streams || !is_middle) return false;
  const bool is_reset = live.fault.kind == Fault::Kind::reset_mid;
  if (is_reset || live.fault.kind == Fault::Kind::close_mid) {
    abort(live);
    ++metrics_.finished_abort;
    live.http->break_off(is_reset);
    return true;
  }
  if (live.fault.kind == Fault::Kind::error_in_stream) {
    live.http->send_piece(
        "data: " + error_body("a fault that was asked for", "InjectedError", 500) + "\n\n");
  } else if (live.fault.kind == Fault::Kind::malformed) {
    live.http->send_piece("data: {\"id\":\"chatcmpl-\",\"choi\n\n");
  }
  return false;
}

void SimServer::on_token(Sequence& sequence, Instant planned) {
  auto& live = static_cast<LiveRequest&>(sequence);
  const bool is_last = live.emitted == live.output_tokens;
  if (live.emitted == 1) {
    metrics_.prompt_tokens += live.input_tokens;
    metrics_.ttft_s.observe(to_s(planned - live.queued));
    metrics_.queue_s.observe(to_s(live.scheduled - live.queued));
  }
  ++metrics_.generation_tokens;
  if (!is_last && send_ready_piece(live, planned)) return;
  live.text += words_.at(live.text_seed, live.emitted);
  ++live.pending_tokens;
  if (commit_late_fault(live)) return;
  if (is_last) return finish(live, planned);
  if (live.streams && live.pending_tokens >= options_.tokens_per_chunk) {
    send_chunk(live, planned);
  } else if (!live.streams) {
    // It waits for the others.
    const Instant now = loop_.clock();
    note_hand_over(live, {now, now}, planned);
  }
}

void SimServer::note_hand_over(LiveRequest& live, const HandOver& handed, Instant planned) {
  if (!happened(live.first_written)) live.first_written = handed.before;
  live.last_written = handed.before;
  live.last_planned = planned;
  truths_.note(live.truth, planned, handed.before, handed.after);
}

/// By the clock, all pieces but the first and the last are the same bytes, composed once: what is
/// left is little more than the write. False when this one has to be composed.
bool SimServer::send_ready_piece(LiveRequest& live, Instant planned) {
  if (live.ready_piece.empty()) return false;
  metrics_.itl_s.observe(to_s(planned - live.last_planned));
  live.http->send_framed(live.ready_piece);
  note_hand_over(live, live.http->handed_over(), planned);
  return true;
}

void SimServer::send_chunk(LiveRequest& live, Instant planned) {
  std::string piece;
  if (!live.has_begun && live.is_chat) append_role_event(piece, live);
  const bool has_usage = options_.usage == UsageStyle::every_chunk;
  append_event(piece, live, false, has_usage);
  if (live.has_begun) metrics_.itl_s.observe(to_s(planned - live.last_planned));
  live.http->send_piece(piece);
  note_hand_over(live, live.http->handed_over(), planned);
  if (!live.has_begun && metronome_ && !has_usage && options_.tokens_per_chunk == 1 &&
      live.fault.kind == Fault::Kind::none) {
    piece.clear();
    append_event(piece, live, false, false);
    live.ready_piece = framed_piece(piece);
  }
  live.has_begun = true;
  live.text.clear();
  live.pending_tokens = 0;
}

void SimServer::finish(LiveRequest& live, Instant planned) {
  live.truth.scheduled = live.scheduled;
  live.truth.input_tokens = live.input_tokens;
  live.truth.output_tokens = live.emitted;
  ++(live.ends_by_length ? metrics_.finished_length : metrics_.finished_stop);
  metrics_.e2e_s.observe(to_s(planned - live.queued));
  // The request ends with its last piece, and takes `live` with it.
  ServerRequest& http = *live.http;
  Truth truth;
  if (live.streams) {
    std::string piece;
    if (!live.has_begun && live.is_chat) append_role_event(piece, live);
    append_last_events(piece, live);
    truth = std::move(live.truth);
    http.end_stream(piece);
  } else {
    if (!happened(live.first_written)) live.first_written = loop_.clock();
    live.last_written = loop_.clock();
    const std::string answer = whole_answer(live, options_.served_model_name);
    truth = std::move(live.truth);
    http.reply(200, json_type, answer);
  }
  truths_.note(truth, planned, http.handed_over().before, http.handed_over().after);
  truths_.keep(std::move(truth));
}

void SimServer::append_last_events(std::string& piece, const LiveRequest& live) const {
  append_event(
      piece, live, true,
      options_.usage == UsageStyle::with_finish || options_.usage == UsageStyle::every_chunk);
  if (options_.usage == UsageStyle::own_chunk && live.includes_usage) {
    append_usage_event(piece, live, options_.served_model_name);
  }
  if (live.fault.kind != Fault::Kind::no_done) piece += "data: [DONE]\n\n";
}

void SimServer::on_abandoned(ServerRequest& request) {
  auto* live = static_cast<LiveRequest*>(request.attachment.get());
  if (live == nullptr) return;
  abort(*live);
  ++metrics_.finished_abort;
}

void SimServer::serve_truth(ServerRequest& request, std::string_view id) {
  if (id.empty()) {
    std::string lines;
    for (const Truth& truth : truths_.all()) lines += to_json_line(truth) + "\n";
    return request.reply(200, "application/jsonl", lines);
  }
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
