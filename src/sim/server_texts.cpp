// What is done with texts without the engine: the words of answers, embeddings, /tokenize.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/text.h"
#include "sim/answer.h"
#include "sim/server.h"
#include "sim/server_parts.h"

namespace tacho {
namespace {

constexpr std::uint32_t embedding_size = 64;

}  // namespace

/// The words of answers as tokens of the tokenizer, where each is one; else as numbers of their
/// own.
TokenModel SimServer::make_model() const {
  std::vector<std::uint32_t> tokens;
  for (const std::string& word : words_.all()) {
    const auto encoded = options_.encode ? options_.encode(word) : std::vector<std::uint32_t>();
    if (encoded.size() == 1 && encoded[0] < vocabulary) tokens.push_back(encoded[0]);
  }
  std::vector<std::uint32_t> sorted = tokens;
  std::sort(sorted.begin(), sorted.end());
  const bool is_whole = tokens.size() == words_.all().size() &&
                        std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
  if (!is_whole) {
    tokens.resize(words_.all().size());
    std::iota(tokens.begin(), tokens.end(), 0u);
  }
  return TokenModel(std::move(tokens), vocabulary);
}

std::string SimServer::text_of(std::uint32_t token) const {
  return options_.decode ? options_.decode({&token, 1}) : format("<{}>", token);
}

/// The place among the words of the answer's token of that number.
std::uint32_t SimServer::draw_word(const LiveRequest& live, std::uint32_t index) const {
  if (live.is_greedy && live.fault.kind != Fault::Kind::corrupt)
    return model_.draw(live.context, 0.0);
  return model_.draw(live.context, uniform_of(mix_bits(live.text_seed, index)));
}

/// Adds the word to the answer's text, and to what is known of it.
void SimServer::add_word(LiveRequest& live, std::uint32_t index) const {
  using Kind = Fault::Kind;
  const std::uint32_t half = std::max(1u, live.output_tokens / 2);
  if (live.fault.kind == Kind::corrupt && index == half) live.text_seed = ~live.text_seed;
  if (live.fault.kind == Kind::fingerprint && index == half) {
    live.fingerprint = "fp_second";
    if (live.streams) prepare_events(live);
  }
  const std::uint32_t place = draw_word(live, index);
  const std::uint32_t token = model_.words()[place];
  if (live.scoring && live.scoring->alternatives) {
    live.scoring->pending.push_back(
        score(model_, live.context, token, *live.scoring->alternatives));
  } else {
    live.context.add(token);
  }
  if (live.fault.kind == Kind::empty_text) return;
  const bool is_thought = live.fault.kind == Kind::reasoning && live.is_chat && index <= half;
  (is_thought ? live.reasoning : live.text) += words_.all()[place];
}

void SimServer::serve_embeddings(ServerRequest& request) {
  auto body = parse_json(request.body(), "the request");
  if (!body || !body->is_object() || !body->contains("input")) {
    return reply_error(request, 400, "'input' is missing", "BadRequestError");
  }
  if (!is_known_model(request, *body)) return;
  const auto fault = fault_of(request);
  if (!fault) return reply_error(request, 400, fault.error().message, "BadRequestError");
  if (commit_early_fault(request, *fault)) return;
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
  metrics_.front().prompt_tokens += tokens;
  request.reply(200, json_type, dump_json(answer));
}

void SimServer::serve_tokenize(ServerRequest& request) {
  auto body = parse_json(request.body(), "the request");
  if (!body || !body->is_object())
    return reply_error(request, 400, "the body is not a JSON object", "BadRequestError");
  if (!is_known_model(request, *body)) return;
  if (!options_.encode) return reply_error(request, 501, "no tokenizer", "NotImplementedError");
  std::string text;
  if (body->contains("messages")) {
    for (const auto& message : (*body)["messages"])
      if (message.is_object()) append_text(text, message.value("content", Json()));
  } else if (body->contains("prompt") && (*body)["prompt"].is_string()) {
    append_text(text, (*body)["prompt"]);
  } else {
    return reply_error(request, 400, "'prompt' or 'messages' is missing", "BadRequestError");
  }
  const auto tokens = options_.encode(text);
  Json answer{{"count", tokens.size()}, {"max_model_len", options_.context_max}};
  answer["tokens"] = tokens;
  answer["token_strs"] = nullptr;
  if (flag(*body, "return_token_strs")) {
    answer["token_strs"] = Json::array();
    for (const std::uint32_t token : tokens)
      answer["token_strs"].push_back(options_.decode({&token, 1}));
  }
  request.reply(200, json_type, dump_json(answer));
}

void SimServer::serve_detokenize(ServerRequest& request) {
  auto body = parse_json(request.body(), "the request");
  if (!body || !body->is_object() || !body->contains("tokens") || !(*body)["tokens"].is_array())
    return reply_error(request, 400, "'tokens' must be a list of numbers", "BadRequestError");
  if (!is_known_model(request, *body)) return;
  if (!options_.decode) return reply_error(request, 501, "no tokenizer", "NotImplementedError");
  std::vector<std::uint32_t> tokens;
  for (const Json& token : (*body)["tokens"]) {
    if (!token.is_number_unsigned() || token.get<std::uint64_t>() >= vocabulary)
      return reply_error(request, 400, format("a token is a number from 0 to {}", vocabulary - 1),
                         "BadRequestError");
    tokens.push_back(token.get<std::uint32_t>());
  }
  request.reply(200, json_type, dump_json(Json{{"prompt", options_.decode(tokens)}}));
}

}  // namespace tacho
