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

/// The same tokens with so many of the best beside each.
std::vector<ScoredToken> with_best(std::vector<ScoredToken> tokens, std::uint32_t count) {
  for (ScoredToken& token : tokens)
    if (token.best.size() > count) token.best.resize(count);
  return tokens;
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
  const std::vector<std::uint32_t> tokens = tokens_of(ask);
  auto planned = plan_answer(ask, is_chat, tokens);
  LiveRequest& live = *planned;
  live.adapter = adapter_named(json_string(*body, "model", options_.served_model_name)).value_or(0);
  if (const auto wrong = limit_answer(live, ask)) return refuse(*wrong);
  hash_blocks(live, ask, tokens);
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
  using Kind = Fault::Kind;
  live.http->begin_stream(
      stream_type,
      live.fault.kind == Kind::until_close ? BodyFraming::until_close : BodyFraming::chunked,
      live.fault.kind == Kind::gzip ? gzip_line : "");
}

void SimServer::submit(LiveRequest& live) {
  ++metrics_.front().received;
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
std::unique_ptr<LiveRequest> SimServer::plan_answer(const AskedAnswer& ask, bool is_chat,
                                                    std::span<const std::uint32_t> tokens) const {
  auto live = std::make_unique<LiveRequest>();
  live->is_chat = is_chat;
  live->streams = ask.streams;
  live->includes_usage = ask.includes_usage;
  live->returns_times = ask.returns_times;
  live->priority = ask.priority;
  live->is_greedy = ask.is_greedy;
  live->input_tokens = static_cast<std::uint32_t>(std::max<std::size_t>(1, tokens.size()));
  live->context = TokenContext(options_.seed.value);
  score_prompt(*live, tokens, ask);
  live->text_seed = mix_bits(live->context.hash(), ask.seed);
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
  live.has_no_output = longest == 0;
  live.output_tokens = std::max(1u, std::min(natural, longest));
  live.output_tokens_max = longest;
  if (!options_.fixed && !engine_.fits(live))
    return AskError{"the request does not fit into the KV cache", ""};
  return {};
}

/// The prompt as tokens. Without a tokenizer there are as many as it is counted to have.
std::vector<std::uint32_t> SimServer::tokens_of(const AskedAnswer& ask) const {
  std::vector<std::uint32_t> tokens = ask.prompt.tokens;
  for (const std::string& text : ask.prompt.texts) {
    if (options_.encode) {
      const auto more = options_.encode(text);
      tokens.insert(tokens.end(), more.begin(), more.end());
    } else {
      const auto name = static_cast<std::uint32_t>(hash_text(text, options_.seed.value));
      tokens.insert(tokens.end(), count_tokens_(text), name % vocabulary);
    }
  }
  return tokens;
}

/// Goes through the prompt, and keeps what is asked for of it.
void SimServer::score_prompt(LiveRequest& live, std::span<const std::uint32_t> tokens,
                             const AskedAnswer& ask) const {
  const bool is_echoed_with = ask.echoes && ask.logprobs;
  if (ask.logprobs || ask.prompt_logprobs) {
    live.scoring = std::make_unique<Scoring>();
    live.scoring->alternatives = ask.logprobs;
  }
  if (ask.echoes) {
    live.text = options_.decode ? options_.decode(tokens) : "";
    for (const std::string& text : options_.decode ? std::vector<std::string>() : ask.prompt.texts)
      live.text += text;
  }
  if (!is_echoed_with && !ask.prompt_logprobs) {
    for (const std::uint32_t token : tokens) live.context.add(token);
    return;
  }
  const std::uint32_t most = std::max(ask.logprobs.value_or(0), ask.prompt_logprobs.value_or(0));
  auto scored = score_all(model_, live.context, tokens, most);
  if (ask.prompt_logprobs) {
    live.scoring->of_prompt =
        prompt_logprobs(with_best(scored, *ask.prompt_logprobs),
                        [this](std::uint32_t token) { return text_of(token); });
  }
  if (is_echoed_with) live.scoring->pending = with_best(scored, *ask.logprobs);
}

/// Names the blocks of the prompt and of the answer, which is known: the next turn of a
/// conversation finds both.
void SimServer::hash_blocks(LiveRequest& live, const AskedAnswer& ask,
                            std::vector<std::uint32_t> tokens) const {
  if (!options_.encode || !options_.engine.prefix_caching || options_.fixed) return;
  tokens.reserve(tokens.size() + live.output_tokens);
  const TokenContext at_answer = live.context;
  for (std::uint32_t i = 1; i < live.output_tokens; ++i) {  // The last one is never computed.
    tokens.push_back(model_.words()[draw_word(live, i)]);
    live.context.add(tokens.back());
  }
  live.context = at_answer;
  // What an adapter has computed is of no use to another one.
  const std::uint64_t salt = mix_bits(hash_text(ask.cache_salt, 0), live.adapter);
  live.hashes = block_hashes(tokens, options_.engine.block_size, salt);
  live.block_hashes = live.hashes;
}

}  // namespace tacho
