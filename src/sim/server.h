// The engine's HTTP face: an OpenAI-compatible server over a Loop, with the truth of what it did
// beside it.
//
//   POST /v1/chat/completions, /v1/completions, /v1/embeddings, /tokenize, /detokenize
//   GET  /v1/models, /health, /version, /metrics
//   GET  /sim/truth, /sim/truth/<request id>, /sim/config, /sim/faults
//   POST /sim/faults, /sim/reset
//
// Its rooms: server.cpp has the paths, server_request.cpp reads what is asked, server_answer.cpp
// writes what is answered, server_cluster.cpp has replicas and adapters, server_faults.cpp does
// both badly, server_door.cpp lets no one in, server_texts.cpp needs no engine.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/random.h"
#include "net/http_server.h"
#include "sim/engine.h"
#include "sim/fault.h"
#include "sim/metrics.h"
#include "sim/metronome.h"
#include "sim/request_body.h"
#include "sim/step_cost.h"
#include "sim/token_model.h"
#include "sim/truth.h"
#include "sim/words.h"

namespace tacho {

/// Where the token counts go in a streamed answer; real servers differ.
enum class UsageStyle {
  own_chunk,    ///< A last chunk with empty choices, when the client asks for it (vLLM).
  with_finish,  ///< In the chunk that carries the finish reason (transformers).
  every_chunk,  ///< In each chunk (vLLM's continuous_usage_stats).
  none,         ///< Never (llama-cpp-python).
};

/// The tokens of a text.
using EncodeTokens = std::function<std::vector<std::uint32_t>(std::string_view)>;

/// The text of tokens.
using DecodeTokens = std::function<std::string(std::span<const std::uint32_t>)>;

/// How the server behaves.
struct SimOptions {
  /// A LoRA adapter.
  struct Adapter {
    std::string name;
    std::uint32_t rank = 16;
  };
  GpuProfile gpu;
  ModelProfile model;
  Serving serving;
  std::string served_model_name;  ///< Empty: the model profile's id.
  EngineOptions engine;           ///< kv_tokens 0: what the hardware has room for.
  ClusterOptions cluster;         ///< Its engine and seed are those beside it.
  StepExtras extras;              ///< Of the engine's steps.
  std::vector<Adapter> adapters;  ///< LoRA adapters, which are models of their own on the API.
  Seed seed;
  std::uint32_t context_max = 0;  ///< 0: the model's.
  std::uint32_t tokens_per_chunk = 1;
  UsageStyle usage = UsageStyle::own_chunk;
  std::optional<FixedTiming> fixed;   ///< Tokens by the clock; none: by the engine's model.
  std::size_t truth_max = 4'000'000;  ///< Pieces whose times are kept; 24 bytes each.
  std::string api_key;                ///< Empty: none is asked for.
  std::uint32_t queue_max = 0;        ///< 429 while so many wait; 0: never.
  Duration startup{0};                ///< 503 for so long.
  std::vector<FaultRule> faults;
  MetricsDialect dialect = MetricsDialect::vllm;
  HttpServerOptions http;
  EncodeTokens encode;  ///< What prompts are told apart by; none: there is no prefix cache.
  DecodeTokens decode;  ///< The way back, for /detokenize and log probabilities.
};

/// Counts the tokens of a text.
using CountTokens = std::function<std::size_t(std::string_view)>;

struct LiveRequest;

/// Lives on one loop.
class SimServer final : public RequestHandler, public EngineListener {
 public:
  SimServer(Loop& loop, SimOptions options, CountTokens count_tokens);
  ~SimServer() override;
  /// Starts to serve.
  Status listen(const Address& address);
  std::uint16_t port() const { return http_.port(); }
  const TruthStore& truths() const { return truths_; }
  const Engine& engine() const { return engine_; }
  /// Requests that are being answered by the clock.
  std::size_t metronome_running() const { return metronome_ ? metronome_->running() : 0; }

  void on_request(ServerRequest& request) override;
  void on_abandoned(ServerRequest& request) override;
  void on_token(Sequence& sequence, Instant planned) override;

 private:
  void serve_generation(ServerRequest& request, bool is_chat);
  std::unique_ptr<LiveRequest> plan_answer(const AskedAnswer& ask, bool is_chat,
                                           std::span<const std::uint32_t> tokens) const;
  std::vector<std::uint32_t> tokens_of(const AskedAnswer& ask) const;
  std::optional<AskError> limit_answer(LiveRequest& live, const AskedAnswer& ask) const;
  void serve_embeddings(ServerRequest& request);
  void serve_truth(ServerRequest& request, std::string_view id);
  MetricsSetting metrics_setting() const;
  TokenModel make_model() const;
  std::string text_of(std::uint32_t token) const;
  void serve_tokenize(ServerRequest& request);
  void serve_detokenize(ServerRequest& request);
  void reset();
  void serve_path(ServerRequest& request, std::string_view path);
  bool is_authorized(ServerRequest& request);
  bool is_known_model(ServerRequest& request, const Json& body);
  void serve_faults(ServerRequest& request);
  void set_faults(std::vector<FaultRule> rules);
  ConnectionMishap draw_mishap();
  void mind_door();
  Result<Fault> fault_of(const ServerRequest& request);
  bool commit_early_fault(ServerRequest& request, const Fault& fault);
  void prepare_mishap(LiveRequest& live);
  bool commit_late_fault(LiveRequest& live, std::uint32_t index);
  std::uint32_t draw_word(const LiveRequest& live, std::uint32_t index) const;
  void add_word(LiveRequest& live, std::uint32_t index) const;
  void hash_blocks(LiveRequest& live, const AskedAnswer& ask,
                   std::vector<std::uint32_t> tokens) const;
  void score_prompt(LiveRequest& live, std::span<const std::uint32_t> tokens,
                    const AskedAnswer& ask) const;
  void write_logprobs(LiveRequest& live) const;
  void note_finished(const LiveRequest& live, Instant planned);
  void write_held(LiveRequest& live);
  void give_up(LiveRequest& live);
  bool write_token(LiveRequest& live, std::uint32_t index, Instant planned);
  bool send_oddly(LiveRequest& live, std::string piece, Instant planned, bool is_last);
  bool send_part(LiveRequest& live);
  bool send_ready_piece(LiveRequest& live, Instant planned);
  void send_chunk(LiveRequest& live, Instant planned);
  void note_hand_over(LiveRequest& live, const HandOver& handed, Instant planned);
  void begin_answer(LiveRequest& live);
  void submit(LiveRequest& live);
  void abort(LiveRequest& live);
  bool finish(LiveRequest& live, Instant planned);
  void end_answer(LiveRequest& live, Instant planned,
                  const std::function<void(ServerRequest&)>& end);
  void append_last_events(std::string& piece, LiveRequest& live) const;
  Json config() const;
  ClusterOptions cluster_options() const;
  std::optional<std::uint32_t> adapter_named(std::string_view name) const;
  SimMetrics& metrics_of(const Sequence& sequence);
  std::string metrics_page();
  Json replicas_truth() const;
  Json steps_truth() const;
  Json models() const;

  Loop& loop_;
  SimOptions options_;
  CountTokens count_tokens_;
  Words words_;
  TokenModel model_;
  StepTime step_time_;
  Engine engine_;
  std::optional<Metronome> metronome_;  ///< Takes the engine's place.
  HttpServer http_;
  TruthStore truths_;
  std::vector<SimMetrics> metrics_;               ///< By replica.
  std::vector<SchedulerCounts> counts_at_reset_;  ///< By replica; empty: none yet.
  std::uint64_t requests_ = 0;
  std::vector<FaultRule> faults_;  ///< Those of the options, or of /sim/faults.
  std::vector<FaultRule> request_faults_, connection_faults_, refusals_;  ///< By what they strike.
  std::uint64_t drawn_ = 0;        ///< Requests since the last reset.
  std::uint64_t connections_ = 0;  ///< The same of connections.
  bool is_shut_ = false;           ///< Connections are being refused.
  Timer door_;                     ///< When the port is to be shut or opened.
  Instant started_;
  Instant epoch_;                                   ///< The start, or the last reset.
  std::map<std::string, std::uint64_t> committed_;  ///< Faults since then, by their names.
};

}  // namespace tacho
