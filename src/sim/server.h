// The engine's HTTP face: an OpenAI-compatible server over a Loop, with the truth of what it did
// beside it.
//
//   POST /v1/chat/completions, /v1/completions, /v1/embeddings     GET /v1/models, /health,
//   /version, /metrics GET  /sim/truth, /sim/truth/<request id>, /sim/config          POST
//   /sim/reset
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/random.h"
#include "net/http_server.h"
#include "sim/engine.h"
#include "sim/fault.h"
#include "sim/metrics.h"
#include "sim/metronome.h"
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

/// How the server behaves.
struct SimOptions {
  GpuProfile gpu;
  ModelProfile model;
  Serving serving;
  std::string served_model_name;  ///< Empty: the model profile's id.
  EngineOptions engine;           ///< kv_tokens 0: what the hardware has room for.
  Seed seed;
  std::uint32_t context_max = 0;  ///< 0: the model's.
  std::uint32_t tokens_per_chunk = 1;
  UsageStyle usage = UsageStyle::own_chunk;
  std::optional<FixedTiming> fixed;   ///< Tokens by the clock; none: by the engine's model.
  std::size_t truth_max = 4'000'000;  ///< Pieces whose times are kept; 24 bytes each.
  std::string api_key;                ///< Empty: none is asked for.
  std::vector<FaultRule> faults;
  HttpServerOptions http;
  EncodeTokens encode;  ///< What prompts are told apart by; none: there is no prefix cache.
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
  Status listen(const Address& address) { return http_.listen(address); }
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
  Result<std::unique_ptr<LiveRequest>> read_generation(const Json& body, bool is_chat);
  void read_prompt(LiveRequest& live, const std::string& prompt, const Json& body) const;
  void serve_embeddings(ServerRequest& request);
  void serve_truth(ServerRequest& request, std::string_view id);
  bool is_authorized(ServerRequest& request);
  bool is_known_model(ServerRequest& request, const Json& body);
  bool commit_early_fault(ServerRequest& request, LiveRequest& live);
  bool commit_late_fault(LiveRequest& live);
  bool send_ready_piece(LiveRequest& live, Instant planned);
  void send_chunk(LiveRequest& live, Instant planned);
  void note_hand_over(LiveRequest& live, const HandOver& handed, Instant planned);
  void submit(LiveRequest& live);
  void abort(LiveRequest& live);
  void finish(LiveRequest& live, Instant planned);
  void append_last_events(std::string& piece, const LiveRequest& live) const;
  Json config() const;

  Loop& loop_;
  SimOptions options_;
  CountTokens count_tokens_;
  Words words_;
  StepTime step_time_;
  Engine engine_;
  std::optional<Metronome> metronome_;  ///< Takes the engine's place.
  HttpServer http_;
  TruthStore truths_;
  SimMetrics metrics_;
  std::uint64_t requests_ = 0;
};

}  // namespace tacho
