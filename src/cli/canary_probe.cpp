#include "cli/canary_probe.h"

#include <atomic>
#include <cmath>
#include <cstdlib>

#include "base/text.h"
#include "monitor/engine_names.h"
#include "net/fetch.h"
#include "net/sse.h"
#include "protocol/protocol.h"

namespace tacho {
namespace {

constexpr Duration page_limit = std::chrono::seconds(5);

/// What one request told.
struct CanaryAnswer {
  std::string trouble;  ///< Why it did not end well; empty when it did.
  double ttft_s = std::nan(""), tpot_s = std::nan(""), e2e_s = std::nan("");
  double tokens = 0.0;
};

class CanaryProbe final : public Probe {
 public:
  CanaryProbe(const CanaryFlags& flags, const Url& url, std::unique_ptr<Protocol> protocol,
              std::vector<std::string> header_lines)
      : flags_(flags),
        url_(url),
        protocol_(std::move(protocol)),
        header_lines_(std::move(header_lines)) {
    std::string path = url_.path;
    while (path.ends_with('/')) path.pop_back();
    const std::string own(protocol_->path());
    // "http://host:8000", ".../v1" and the endpoint itself all mean the same.
    if (path.empty() || own.starts_with(path)) path = own;
    url_.path = path;
  }

  std::string_view name() const override { return "canary"; }
  void interrupt() override { is_given_up_.store(true); }

  void read(std::vector<Subject>& out) override {
    const Instant now = monotonic_now();
    if (!happened(asked_) || now - asked_ >= from_s(flags_.every_s)) {
      asked_ = now;
      ask();
    }
    out.push_back(subject_);
  }

 private:
  void ask() {
    if (model_.empty()) model_ = flags_.model;
    std::string trouble;
    if (model_.empty()) {
      auto model = served_model();
      if (model) model_ = std::move(*model);
      if (!model) trouble = model.error().message;
    }
    const CanaryAnswer answer = trouble.empty() ? request() : CanaryAnswer{trouble};
    if (is_given_up_.load()) return;
    requests_ += 1.0;
    if (!answer.trouble.empty()) failures_ += 1.0;
    Subject subject;
    subject.kind = SubjectKind::canary;
    subject.id = url_.origin();
    subject.labels = {{"instance", url_.origin()}};
    if (!model_.empty()) subject.labels.emplace_back("model", model_);
    subject.at = monotonic_now();
    subject.add(quantity::canary_success, answer.trouble.empty() ? 1.0 : 0.0);
    subject.add(quantity::canary_requests, requests_);
    subject.add(quantity::canary_failures, failures_);
    const auto add = [&](const Quantity& quantity, double value, const std::string& why) {
      if (std::isfinite(value)) {
        subject.add(quantity, value);
      } else {
        subject.miss(quantity, why);
      }
    };
    const std::string& why = answer.trouble;
    add(quantity::canary_ttft, answer.ttft_s, why.empty() ? "no token came" : why);
    add(quantity::canary_tpot, answer.tpot_s, why.empty() ? "fewer than two tokens came" : why);
    add(quantity::canary_e2e, answer.e2e_s, why);
    add_share(answer, subject);
    subject_ = std::move(subject);
  }

  /// The first model that the server lists.
  Result<std::string> served_model() const {
    FetchRequest request;
    request.url = url_.origin() + "/v1/models";
    request.header_lines = header_lines_;
    request.timeout = page_limit;
    request.is_given_up = &is_given_up_;
    const auto reply = fetch(request);
    if (!reply) return reply.error();
    const Error nameless = world_error(format(
        "{} (status {}) names no model; give --canary-model NAME", request.url, reply->status));
    const auto json = parse_json(reply->body, request.url);
    if (!json || !json->is_object() || !json->contains("data")) return nameless;
    const Json& models = (*json)["data"];
    if (!models.is_array() || models.empty() || !models[0].is_object()) return nameless;
    return json_string(models[0], "id");
  }

  CanaryAnswer request() {
    Ask ask;
    ask.model = model_;
    ask.messages = {{"user", "Count from one to ten."}};
    ask.max_tokens = flags_.tokens;
    FetchRequest request;
    request.url = url_.origin() + url_.path;
    request.method = "POST";
    request.header_lines = header_lines_;
    request.body = protocol_->body(ask);
    request.timeout = from_s(flags_.timeout_s);
    request.is_given_up = &is_given_up_;
    SseParser sse;
    Delta delta;
    Instant first = never, last = never;
    double chunks = 0.0, counted = 0.0;
    std::string error;
    request.on_body = [&](std::string_view bytes, const Receipt& receipt) {
      sse.feed(bytes, [&](std::string_view data) {
        if (trim(data) == "[DONE]") return;
        delta = Delta{};
        protocol_->read_event(data, delta);
        if (!delta.error.empty()) error = delta.error;
        if (delta.output_tokens) counted = *delta.output_tokens;
        if (!delta.is_content()) return;
        if (chunks == 0.0) first = receipt.arrived;
        last = receipt.arrived;
        chunks += 1.0;
      });
    };
    const auto reply = fetch(request);
    CanaryAnswer answer;
    if (!reply) {
      answer.trouble = reply.error().message;
    } else if (reply->status != 200) {
      answer.trouble = format("{} answered with status {}: {}", url_.origin(), reply->status,
                              cut_utf8(error_text(reply->body), 120));
    } else if (!error.empty() || chunks == 0.0) {
      answer.trouble = format("{}: {}", url_.origin(), error.empty() ? "no token came" : error);
    }
    if (!reply || chunks == 0.0) return answer;
    // Where the server does not count, a chunk is a token.
    answer.tokens = counted > 0.0 ? counted : chunks;
    answer.ttft_s = to_s(first - reply->sent);
    answer.e2e_s = to_s(reply->done - reply->sent);
    if (answer.tokens > 1.0 && last > first) {
      answer.tpot_s = to_s(last - first) / (answer.tokens - 1.0);
    }
    return answer;
  }

  /// Our tokens against all that the engine generated since the last time.
  void add_share(const CanaryAnswer& answer, Subject& subject) {
    own_tokens_ += answer.tokens;
    const double generated = engine_tokens();
    if (!std::isfinite(generated)) {
      subject.miss(quantity::canary_share, "the server has no page of metrics that tacho knows");
    } else if (!std::isfinite(engine_before_) || generated < engine_before_) {
      subject.miss(quantity::canary_share, "it is a difference of two readings");
    } else {
      // Nobody else was there: everything that was generated is ours.
      const double all = std::max(generated - engine_before_, own_tokens_);
      if (all > 0.0) {
        subject.add(quantity::canary_share, own_tokens_ / all);
      } else {
        subject.miss(quantity::canary_share, "no tokens were generated");
      }
    }
    engine_before_ = generated;
    own_tokens_ = 0.0;
  }

  double engine_tokens() const {
    FetchRequest request;
    request.url = url_.origin() + "/metrics";
    request.header_lines = {"Accept: text/plain;version=0.0.4"};
    request.timeout = page_limit;
    request.is_given_up = &is_given_up_;
    const auto reply = fetch(request);
    if (!reply || reply->status != 200) return std::nan("");
    const MetricsText page = parse_metrics_text(reply->body);
    const EngineKind* kind = recognise_engine(page);
    if (kind == nullptr) return std::nan("");
    double sum = 0.0;
    for (const Subject& subject : normalise(page, *kind, url_.origin())) {
      const double tokens = subject.value(quantity::engine_generation_tokens);
      if (std::isfinite(tokens)) sum += tokens;
    }
    return sum;
  }

  CanaryFlags flags_;
  Url url_;
  std::unique_ptr<Protocol> protocol_;
  std::vector<std::string> header_lines_;
  std::string model_;
  std::atomic<bool> is_given_up_{false};
  Instant asked_ = never;
  double requests_ = 0.0, failures_ = 0.0;
  double own_tokens_ = 0.0, engine_before_ = std::nan("");
  Subject subject_;
};

}  // namespace

void add_canary_flags(FlagTable& t, CanaryFlags& f) {
  t.group("Canary");
  t.text({"--canary"}, "URL", f.url,
         "Send one small streamed chat request to this server now and then; its TTFT, TPOT and "
         "success are readings.");
  t.duration({"--every"}, f.every_s, "Time between two of them. [default: 30s]");
  t.text({"--canary-model"}, "NAME", f.model,
         "The model to ask for. [default: the first that the server lists]");
  t.text({"--canary-key-env"}, "NAME", f.key_variable,
         "The environment variable that holds the API key.");
  t.integer({"--canary-tokens"}, "N", f.tokens, "Tokens to ask for. [default: 8]", 1, 1000);
  t.duration({"--canary-timeout"}, f.timeout_s, "It fails after this time. [default: 30s]");
}

Result<ProbePtr> make_canary_probe(const CanaryFlags& flags) {
  const auto url = parse_url(flags.url);
  if (!url) return url.error();
  if (flags.every_s < 1.0) {
    return input_error("--every is too short for a canary; 1s is the least");
  }
  std::vector<std::string> header_lines;
  if (!flags.key_variable.empty()) {
    const char* key = std::getenv(flags.key_variable.c_str());
    if (key == nullptr) {
      return input_error(
          format("--canary-key-env: the environment has no '{}'", flags.key_variable));
    }
    header_lines.push_back(format("Authorization: Bearer {}", key));
  }
  auto protocol = make_protocol("chat");
  if (!protocol) return protocol.error();
  return ProbePtr(
      std::make_unique<CanaryProbe>(flags, *url, std::move(*protocol), std::move(header_lines)));
}

}  // namespace tacho
