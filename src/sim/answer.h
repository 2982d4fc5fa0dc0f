// The JSON of the engine's answers: OpenAI's shapes, composed from parts that are ready before the
// first token, because this runs for every token of every sequence of a batch.
#pragma once

#include <string>
#include <string_view>

#include "net/http_server.h"
#include "sim/engine.h"
#include "sim/fault.h"
#include "sim/truth.h"

namespace tacho {

/// One request that the server is answering.
struct LiveRequest final : ServerRequest::Attachment, Sequence {
  ServerRequest* http = nullptr;
  Truth truth;
  Fault fault;
  bool is_chat = true;
  bool streams = true;
  bool includes_usage = false;
  bool returns_times = false;  ///< The Ascend suite's `return_latency`.
  bool ends_by_length = true;  ///< Else by its own end-of-text.
  bool has_begun = false;      ///< A piece of it has been written.
  std::uint64_t text_seed = 0;
  std::vector<std::uint64_t> hashes;  ///< What `block_hashes` looks at.
  std::int64_t created_s = 0;         ///< Wall clock.
  std::string event_start;            ///< Up to the text of a chunk.
  std::string text;  ///< What is to go out with the next chunk, or with the whole answer.
  std::uint32_t pending_tokens = 0;
  Instant first_written = never;
  Instant last_written = never;
  Instant last_planned = never;
  std::string ready_piece;  ///< A piece of one token in its framing, written again and again.
};

/// Prepares `event_start`.
void prepare_events(LiveRequest& live, std::string_view model);

/// Appends one event with the pending text; with a finish reason when it is the last.
void append_event(std::string& out, const LiveRequest& live, bool is_last, bool with_usage);

/// Appends the chat's first event, which carries the role and no text.
void append_role_event(std::string& out, const LiveRequest& live);

/// Appends the event that carries nothing but the usage.
void append_usage_event(std::string& out, const LiveRequest& live, std::string_view model);

/// The whole answer, for requests that do not stream.
std::string whole_answer(const LiveRequest& live, std::string_view model);

/// An error object as vLLM's server gives it.
std::string error_body(std::string_view message, std::string_view type, int status);

}  // namespace tacho
