// The API dialects: how a prompt becomes the bytes of a request, and how the events of an answer
// become tokens. No sockets and no clocks here; stamps travel beside the bytes. A new dialect is
// one new file and one line in protocol.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace tacho {

/// What is asked of the server, in no dialect yet.
struct Ask {
  std::string model;
  std::vector<std::pair<std::string, std::string>> messages;  ///< Role and content.
  std::string text;                                           ///< The prompt of a plain completion.
  std::vector<std::string> inputs;  ///< The texts of an embeddings request.
  std::uint32_t max_tokens = 0;     ///< Limit of the answer; 0 leaves it to the server.
  bool ignores_eos = false;  ///< Goes on to the limit (a field that vLLM, SGLang and others know).
  bool streams = true;
  Json extra = Json::object();  ///< Further fields of the body; they win over ours.
};

/// What one event (or one whole answer) says.
struct Delta {
  std::string text;
  std::string reasoning;
  bool has_tool_call = false;
  bool has_choices = false;   ///< It held `choices` (or `data`): an answer of this dialect.
  bool is_malformed = false;  ///< Not JSON, or JSON of another shape.
  std::string error;          ///< The server's own error text, inside a 200 stream too.
  std::string finish_reason;
  std::string id;
  bool has_usage = false;
  std::optional<std::uint32_t> input_tokens, output_tokens, reasoning_tokens, cached_tokens;
  std::optional<double> queue_ms, prefill_ms, decode_per_token_ms, total_ms;

  /// True when it carries content: what ends the wait for the first token.
  bool is_content() const { return !text.empty() || !reasoning.empty() || has_tool_call; }
};

/// One dialect. Stateless; one object serves all workers.
class Protocol {
 public:
  virtual ~Protocol() = default;
  /// Its name on the command line: chat, completions, embeddings.
  virtual std::string_view name() const = 0;
  /// Where requests go when the URL names no path of its own.
  virtual std::string_view path() const = 0;
  /// True when answers can come as a stream of events.
  virtual bool can_stream() const = 0;
  /// The body of the request.
  virtual std::string body(const Ask& ask) const = 0;
  /// Reads the data of one event. `[DONE]` is not passed here.
  virtual void read_event(std::string_view data, Delta& delta) const = 0;
  /// Reads a whole answer that was not streamed.
  virtual void read_answer(std::string_view body, Delta& delta) const = 0;
};

/// The dialect of that name; the error lists those there are.
Result<std::unique_ptr<Protocol>> make_protocol(std::string_view name);

/// The error text of an answer with a status other than 200: OpenAI's object, vLLM's flat one,
/// FastAPI's detail, or the first line of whatever it is.
std::string error_text(std::string_view body);

}  // namespace tacho
