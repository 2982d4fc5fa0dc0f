// The JSON of the engine's answers: OpenAI's shapes, composed from parts that are ready before the
// first token, because this runs for every token of every sequence of a batch.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "net/http_server.h"
#include "net/loop.h"
#include "sim/engine.h"
#include "sim/fault.h"
#include "sim/gzip.h"
#include "sim/logprobs.h"
#include "sim/truth.h"

namespace tacho {

/// What a request with a fault needs beside the others: tokens and bytes that wait.
struct Mishap {
  Mishap(Loop& loop, std::function<void()> go_on) : timer(loop, std::move(go_on)) {}
  /// A token that the engine has emitted and that is not written yet.
  struct Held {
    std::uint32_t index;
    Instant planned;
  };
  Timer timer;  ///< Armed while nothing may be written.
  std::deque<Held> held;
  std::string unsent;            ///< Framed bytes.
  std::vector<Instant> planned;  ///< Of the pieces within `unsent`.
  bool ends = false;             ///< The answer is over with `unsent`.
  bool has_no_head = false;      ///< Not even the status line is written.
  bool has_stalled = false;
  GzipWriter gzip;  ///< Of a compressed answer.
};

/// One request that the server is answering.
struct LiveRequest final : ServerRequest::Attachment, Sequence {
  ServerRequest* http = nullptr;
  Truth truth;
  Fault fault;
  std::unique_ptr<Mishap> mishap;  ///< With a fault only.
  std::string model;               ///< The name that the answer has.
  std::string fingerprint;         ///< Its system_fingerprint; empty: it has none.
  bool is_chat = true;
  bool streams = true;
  bool includes_usage = false;
  bool returns_times = false;           ///< The Ascend suite's `return_latency`.
  bool ends_by_length = true;           ///< Else by its own end-of-text.
  bool has_begun = false;               ///< A piece of it has been written.
  bool is_greedy = false;               ///< Each token is the most probable one.
  bool has_no_output = false;           ///< The prompt is all there is to be echoed.
  std::uint32_t output_tokens_max = 0;  ///< As asked for.
  std::uint64_t text_seed = 0;
  TokenContext context;               ///< The tokens so far.
  std::unique_ptr<Scoring> scoring;   ///< With log probabilities only.
  std::vector<std::uint64_t> hashes;  ///< What `block_hashes` looks at.
  std::int64_t created_s = 0;         ///< Wall clock.
  std::string event_start;            ///< Up to the text of a chunk.
  std::string text;       ///< What is to go out with the next chunk, or with the whole answer.
  std::string reasoning;  ///< The same of a chat that thinks aloud (a fault of the catalogue).
  std::string logprobs;   ///< The same for their log probabilities: JSON; empty: none.
  std::uint32_t pending_tokens = 0;
  std::uint32_t written_tokens = 0;  ///< Of those emitted; faults may hold some back.
  Instant first_planned = never;
  Instant last_emitted = never;  ///< By the engine's time.
  Instant first_written = never;
  Instant last_written = never;
  std::string ready_piece;  ///< A piece of one token in its framing, written again and again.
};

/// Prepares `event_start`.
void prepare_events(LiveRequest& live);

/// Appends one event with the pending text; with a finish reason when it is the last.
void append_event(std::string& out, const LiveRequest& live, bool is_last, bool with_usage);

/// Appends the chat's first event, which carries the role and no text.
void append_role_event(std::string& out, const LiveRequest& live);

/// Appends the event that carries nothing but the usage.
void append_usage_event(std::string& out, const LiveRequest& live);

/// The log probabilities of the tokens that are to go out next.
Json take_logprobs(LiveRequest& live, const TokenText& text_of);

/// The whole answer, for requests that do not stream.
std::string whole_answer(LiveRequest& live, const TokenText& text_of);

/// An error object as vLLM's server gives it; `param` is the field to blame, if any.
std::string error_body(std::string_view message, std::string_view type, int status,
                       std::string_view param = "");

}  // namespace tacho
