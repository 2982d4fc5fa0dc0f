// What is asked: a request's body becomes a sequence for the engine, or an error object.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "sim/answer.h"
#include "sim/prefix_hash.h"
#include "sim/server.h"
#include "sim/server_parts.h"

namespace tacho {
namespace {

constexpr std::uint32_t default_output_tokens = 2048;

/// Lengths of answers that end by themselves: log-normal, near ShareGPT's (median 180, mean about
/// 270 tokens).
std::uint32_t natural_length(std::uint64_t seed) {
  Random random(Seed{seed}, "answer length");
  return static_cast<std::uint32_t>(
      std::clamp(180.0 * std::exp(0.9 * random.normal()), 4.0, 8192.0));
}

}  // namespace

void SimServer::serve_generation(ServerRequest& request, bool is_chat) {
  const auto refuse = [&](const AskError& wrong) {
    reply_error(request, 400, wrong.message, "BadRequestError", "", wrong.param);
  };
  auto body = parse_json(request.body(), "the request");
  if (!body) return refuse({body.error().message, ""});
  if (!body->is_object()) return refuse({"the body is not a JSON object", ""});
  if (!is_known_model(request, *body)) return;
  AskedAnswer ask;
  if (const auto wrong = read_ask(*body, is_chat, vocabulary, ask)) return refuse(*wrong);
  auto planned = plan_answer(ask, is_chat);
  LiveRequest& live = *planned;
  live.adapter = adapter_named(json_string(*body, "model", options_.served_model_name)).value_or(0);
  read_prompt(live, ask);
  if (const auto wrong = limit_answer(live, ask)) return refuse(*wrong);
  const auto fault = fault_of(request);
  if (!fault) return refuse({fault.error().message, "X-Tacho-Fault"});
  if (options_.queue_max > 0 && engine_.waiting() >= options_.queue_max) {
    ++metrics_.front().rejected;
    return reply_error(request, 429, format("{} requests wait already", engine_.waiting()),
                       "RateLimitError", "retry-after: 1\r\n");
  }
  live.http = &request;
  live.truth.received = request.received();
  live.created_s = wall_clock_ns() / 1'000'000'000;
  live.fault = *fault;
  live.model = json_string(*body, "model", options_.served_model_name);
  live.truth.id = format("{}-{:x}", is_chat ? "chatcmpl" : "cmpl", ++requests_);
  request.attachment = std::move(planned);
  if (commit_early_fault(request, live.fault)) return;
  prepare_mishap(live);
  if (live.streams) {
    prepare_events(live);
    if (!live.mishap || !live.mishap->has_no_head) begin_answer(live);
  }
  request.forget_request();
  submit(live);
}

void SimServer::begin_answer(LiveRequest& live) {
  live.http->begin_stream(stream_type, live.fault.kind == Fault::Kind::until_close
                                           ? BodyFraming::until_close
                                           : BodyFraming::chunked);
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

/// The answer but for its length.
std::unique_ptr<LiveRequest> SimServer::plan_answer(const AskedAnswer& ask, bool is_chat) const {
  auto live = std::make_unique<LiveRequest>();
  live->is_chat = is_chat;
  live->streams = ask.streams;
  live->includes_usage = ask.includes_usage;
  live->returns_times = ask.returns_times;
  live->priority = ask.priority;
  return live;
}

/// How long the answer will be, or why there can be none.
std::optional<AskError> SimServer::limit_answer(LiveRequest& live, const AskedAnswer& ask) const {
  const std::uint32_t asked = ask.output_tokens_max.value_or(1);
  if (live.input_tokens + asked > options_.context_max) {
    return AskError{
        format("This model's maximum context length is {} tokens. However, your request has {} "
               "input tokens and asks for {} output tokens.",
               options_.context_max, live.input_tokens, asked),
        live.input_tokens < options_.context_max ? "max_tokens"
        : live.is_chat                           ? "messages"
                                                 : "prompt"};
  }
  const std::uint32_t room = options_.context_max - live.input_tokens;
  const std::uint32_t longest =
      std::min(ask.output_tokens_max.value_or(default_output_tokens), room);
  const std::uint32_t natural = ask.ignores_eos ? longest : natural_length(live.text_seed);
  live.ends_by_length = natural >= longest;
  live.output_tokens = std::max(1u, std::min(natural, longest));
  if (!options_.fixed && !engine_.fits(live))
    return AskError{"the request does not fit into the KV cache", ""};
  return {};
}

/// Its length, its blocks' hashes and the seed of its answer.
void SimServer::read_prompt(LiveRequest& live, const AskedAnswer& ask) const {
  std::uint64_t seed = options_.seed.value ^ 0xcbf29ce484222325u;
  std::size_t tokens = 0;
  std::vector<std::uint32_t> ids;
  const bool has_prefixes = options_.encode && options_.engine.prefix_caching && !options_.fixed;
  for (const AskedPrompt& prompt : ask.prompts) {
    for (const std::string& text : prompt.texts) {
      seed = hash_text(text, seed);
      if (!has_prefixes) {
        tokens += count_tokens_(text);
        continue;
      }
      const auto more = options_.encode(text);
      ids.insert(ids.end(), more.begin(), more.end());
    }
    for (const std::uint32_t token : prompt.tokens) seed = mix_bits(seed, token);
    ids.insert(ids.end(), prompt.tokens.begin(), prompt.tokens.end());
  }
  live.text_seed = ask.seed == 0 ? seed : mix_bits(seed, ask.seed);
  live.input_tokens = static_cast<std::uint32_t>(std::max<std::size_t>(1, tokens + ids.size()));
  if (!has_prefixes) return;
  // What an adapter has computed is of no use to another one.
  const std::uint64_t salt = mix_bits(hash_text(ask.cache_salt, 0), live.adapter);
  live.hashes = block_hashes(ids, options_.engine.block_size, salt);
  live.block_hashes = live.hashes;
}

}  // namespace tacho
