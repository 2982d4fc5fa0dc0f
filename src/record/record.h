// Everything that is kept about one exchange: the narrow waist of tacho. The generator writes
// records, reports fold over records, and the two share nothing else; so any run can be rendered,
// compared or gated again later.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/stamps.h"
#include "base/time.h"

namespace tacho {

/// How an exchange ended. The one list; see docs/metrics.md.
enum class Outcome : std::uint8_t {
  ok,
  http_status,  ///< An answer with a status other than 200; which one is in Record::http_status.
  timeout,      ///< Connecting, the first token or the whole took too long; which is in the detail.
  refused,      ///< No connection could be made.
  reset,        ///< The connection broke before the answer was complete.
  malformed,    ///< Bytes that are not the protocol's, or an error object inside a 200 stream.
  truncated,    ///< The stream ended cleanly, but before its finish reason.
  cancelled,    ///< Given up by us: the run was cut, or the plan asked for it.
};

/// How many outcomes there are.
inline constexpr std::size_t outcome_count = static_cast<std::size_t>(Outcome::cancelled) + 1;

/// The outcome's name in files and tables.
std::string_view outcome_name(Outcome outcome);
/// The outcome of that name, if there is one.
std::optional<Outcome> outcome_from_name(std::string_view name);

/// Which part of a run an exchange belongs to. Only `measure` counts.
enum class Stage : std::uint8_t { warmup, measure };

/// One content chunk as it arrived.
struct Chunk {
  Instant at = never;        ///< When the kernel had received the bytes that completed it.
  std::uint32_t tokens = 0;  ///< Tokens in it as the server counted them; 0 when it did not say.
  std::uint32_t bytes = 0;   ///< Bytes of text in it.
  bool is_reasoning =
      false;  ///< Reasoning text: part of the answer, but not of what the user reads.
};

/// Token counts as the server's `usage` object gave them; nothing where it did not.
struct Usage {
  std::optional<std::uint32_t> input_tokens;
  std::optional<std::uint32_t> output_tokens;
  std::optional<std::uint32_t> reasoning_tokens;
  std::optional<std::uint32_t> cached_tokens;
};

/// The server's own account of one request, where it gives one (`return_latency`, llama.cpp's
/// `timings`), in ms.
struct ServerTimes {
  std::optional<double> queue_ms;
  std::optional<double> prefill_ms;
  std::optional<double> decode_per_token_ms;
  std::optional<double> total_ms;
};

/// Everything kept about one exchange. Instants that did not happen are `never`.
struct Record {
  std::uint64_t id = 0;    ///< Position in the run's schedule, over all cells.
  std::uint32_t cell = 0;  ///< Which cell of the run (see Manifest).
  Stage stage = Stage::measure;
  std::uint32_t worker = 0;
  std::uint32_t prompt = 0;  ///< Index of the prompt in the cell's plan.
  std::uint32_t target = 0;  ///< Which of the run's URLs it went to.
  std::uint32_t session =
      0;                   ///< Whose it is, from 1: a user's, where a cell has users; 0: nobody's.
  std::uint32_t turn = 0;  ///< Which of the session's requests, from 1; 0 without a session.

  std::uint32_t attempt = 0;   ///< 0: the first try; each further try is a record of its own.
  std::uint64_t retry_of = 0;  ///< Of a further try: the id of the first.

  Instant due = never;      ///< Of the request: the same for all of its tries.
  Instant try_due = never;  ///< Of a further try: when it was to be sent.
  Instant dialled =
      never;  ///< When its connection was begun; long before `due` when it was reused.
  Instant connected =
      never;  ///< When its connection was up; long before `sent` when it was reused.
  Instant send_started = never;  ///< When its first byte was handed to the kernel.
  Instant sent = never;          ///< When its last byte was handed to the kernel.
  Instant headers = never;
  Instant done = never;
  std::vector<Chunk> chunks;
  std::uint32_t chunks_folded = 0;  ///< Chunks that a report has counted and left out.

  Outcome outcome = Outcome::cancelled;
  std::uint16_t http_status = 0;
  std::string detail;         ///< What exactly went wrong; empty when ok.
  std::string finish_reason;  ///< As the server gave it.
  std::string response_id;    ///< As the server gave it; finds the request in the server's own log.

  std::uint32_t input_tokens_planned = 0;   ///< By our tokenizer; 0 when not counted.
  std::uint32_t output_tokens_planned = 0;  ///< Asked for as a limit; 0 when none was.
  Usage usage;
  ServerTimes server;
  std::string text;  ///< The answer, kept only where the server gave no usage and tokens must be
                     ///< counted later.
  std::uint32_t output_characters = 0;

  bool streamed = true;
  Stamps stamps = Stamps::socket;  ///< The weakest source among its times.
  std::uint32_t reads = 0;         ///< Reads that brought bytes of the answer.
  std::uint32_t shared_reads = 0;  ///< Reads that brought more than one content chunk.
  std::uint32_t late_chunks = 0;   ///< Read over 0.2 ms after their stamp, which is a later one's.
  bool is_first_late = false;      ///< The first chunk is one of these.
  std::uint32_t reconnects = 0;    ///< Kept-alive connections found closed before the answer began.
  Duration client_lag{0};          ///< The longest time from a byte's arrival to our reading it.
};

/// Details that other parts of tacho ask for by name.
inline constexpr std::string_view detail_connecting = "connecting";
inline constexpr std::string_view detail_planned = "planned";

/// How far the ids of a request's tries are apart, so that the last digits still say which it is.
inline constexpr std::uint64_t retry_id_step = 1'000'000'000'000;

/// The id of the request that this is a try of.
inline std::uint64_t request_id(const Record& record) {
  return record.attempt > 0 ? record.retry_of : record.id;
}
/// True when it was given up because the plan wanted so: neither a success nor a failure.
inline bool is_planned_cancel(const Record& record) {
  return record.outcome == Outcome::cancelled && record.detail == detail_planned;
}
/// True when it did not end as it should have.
inline bool is_failure(const Record& record) {
  return record.outcome != Outcome::ok && !is_planned_cancel(record);
}

/// A chunk of the answer that is content: the first one, or `never`.
Instant first_token(const Record& record);
/// The first chunk that is no reasoning text, or `never`.
Instant first_output_token(const Record& record);
/// The last content chunk, or `never`.
Instant last_token(const Record& record);

/// Sent minus due, without the time in which the network and the server set up a new connection:
/// how late we ourselves were. Zero when it was not sent.
Duration own_send_lag(const Record& record);

}  // namespace tacho
