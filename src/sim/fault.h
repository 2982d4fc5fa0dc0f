// Faults that the engine commits on purpose: asked for by one request (header X-Tacho-Fault), or
// drawn by a rule from the seed, so that a run with faults can be repeated exactly.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace tacho {

/// One way to answer badly, or oddly. docs/sim.md has what each does.
struct Fault {
  enum class Kind {
    none,
    http_status,       ///< http_<status>: an error answer; its argument is a HeaderStyle.
    no_answer,         ///< The request is taken and never answered.
    keepalive_race,    ///< A connection that has had an answer closes under the next request.
    slow_headers,      ///< Milliseconds before the status line.
    slow_first_byte,   ///< Milliseconds between the head and the first event.
    stall_mid,         ///< Milliseconds without a byte in the middle of the answer.
    reset_mid,         ///< rst_mid: the connection is reset after so many tokens (0: half).
    close_mid,         ///< fin_mid: the same with a clean end.
    half_close,        ///< Our side ends there; the other one stays open.
    error_in_stream,   ///< An error object as an event, then [DONE].
    malformed,         ///< An event that is not JSON.
    truncated_utf8,    ///< An event that breaks off inside a character.
    nul,               ///< An event with a zero byte.
    huge_event,        ///< An event with so many KiB of padding.
    no_done,           ///< A whole answer, then the end without [DONE].
    abort_reason,      ///< Ends with finish_reason abort (vLLM, when it gives up a request).
    content_filter,    ///< Ends with finish_reason content_filter.
    usage_wrong,       ///< The usage counts so many tokens too many.
    usage_missing,     ///< No usage is sent.
    wrong_model,       ///< The answer names another model.
    corrupt,           ///< From the middle on, the text is another one.
    empty_text,        ///< The tokens have no text.
    multi_token,       ///< So many tokens in each event.
    coalesce,          ///< So many events in one write.
    split,             ///< Each write has so many bytes, 1 ms apart.
    chunks,            ///< Each HTTP chunk has so many bytes.
    reasoning,         ///< The first half is sent as reasoning_content (chat).
    tool_calls,        ///< The answer is a call of a tool, its arguments cut into pieces (chat).
    finish_separate,   ///< The finish reason comes in an event of its own, after the last text.
    chunk_extensions,  ///< Each HTTP chunk carries an extension.
    trailers,          ///< The body ends with trailer fields.
    sse_crlf,          ///< Lines end in CR LF.
    sse_cr,            ///< Lines end in CR.
    sse_multiline,     ///< Each event's data has two lines.
    sse_comments,      ///< Comments, event, id and retry fields between.
    sse_nospace,       ///< No space after data:.
    sse_bom,           ///< A byte order mark comes first.
    until_close,       ///< The body has no length; the connection's end ends it.
    gzip,              ///< The answer is compressed, which nobody asked for.
    fingerprint,       ///< system_fingerprint is another one from the middle on.
    deadline,          ///< 504 where no token is ready within so many milliseconds.
    accept_delay,      ///< From the connection nothing is read for so many milliseconds.
    accept_close,      ///< It ends after so many bytes of ours, those of TLS among them.
    accept_reset,      ///< The same with a reset.
    refuse,            ///< Connections are refused: nobody listens.
  };
  /// How an error answer looks: an OpenAI error object with Retry-After, or ...
  enum class HeaderStyle : std::uint8_t {
    object,  ///< With Retry-After in seconds, for 429 and 503.
    date,    ///< With Retry-After as a date.
    bare,    ///< Without Retry-After.
    flat,    ///< vLLM's older flat object.
    html,    ///< A proxy's page.
  };
  /// What a fault strikes, and so what its rules count.
  enum class Scope : std::uint8_t {
    request,
    connection,  ///< Before there is a request on it, TLS included.
    listener,    ///< All who come in a window of time.
  };
  Kind kind = Kind::none;
  int status = 0;             ///< Of http_status.
  std::int64_t argument = 0;  ///< What its unit is, the kind says; of http_status: seconds.
  HeaderStyle style = HeaderStyle::object;
};

/// Reads a fault's name, with its argument after a colon: stall_mid:250.
Result<Fault> parse_fault(std::string_view text);

/// The name that parse_fault() reads, without the argument.
std::string name_of(const Fault& fault);

/// What such faults strike.
Fault::Scope scope_of(Fault::Kind kind);

/// All names, for those who ask.
std::vector<std::string> fault_names();

/// A fault and when it happens: with a probability, or to each n-th request, or to the n-th alone;
/// at any time, or within a window.
struct FaultRule {
  Fault fault;
  double probability = 0.0;
  std::uint64_t every = 0;  ///< Strikes requests every, 2 every ...; 0: none.
  std::uint64_t only = 0;   ///< Strikes this request, counted from 1; 0: none.
  Duration from{0};         ///< The window, from the server's start or its last reset on.
  Duration until = Duration::max();
  std::string text = {};  ///< As it was given.
};

/// Reads "name=probability" (rst_mid=0.01), "name=/n" (each n-th) or "name=@n" (the n-th), each
/// with a window of seconds behind it: "http_503=1@10-20". "name@10-20" is short for a probability
/// of 1.
Result<FaultRule> parse_fault_rule(std::string_view text);

/// Those of the rules whose faults strike this.
std::vector<FaultRule> rules_for(const std::vector<FaultRule>& rules, Fault::Scope scope);

/// The fault that the rules draw for a seed's request (or connection), counted from 0, which came
/// `at` after the start.
Fault draw_fault(const std::vector<FaultRule>& rules, std::uint64_t seed, std::uint64_t request,
                 Duration at = Duration(0));

/// An event, or several, in the other ways of writing them that the specification allows
/// (sse_crlf, sse_cr, sse_multiline, sse_comments, sse_nospace, sse_bom). `is_first`: nothing of
/// the stream went before.
std::string restyled(std::string_view events, const Fault& fault, bool is_first);

}  // namespace tacho
