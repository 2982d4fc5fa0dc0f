// One request and its response while in flight: an explicit state machine that turns stamped bytes
// into a Record.
//
//   dialling ──sent──► waiting ──head──► streaming ──end──► over
//      └────────── failure, timeout, cancellation ──────────┘
//
// This is where a token gets its time: on_body hands bytes to the SSE parser, each event it
// completes is read by the protocol, and what is content becomes a Chunk with the receipt's
// `arrived`, which is the kernel's stamp.
#pragma once

#include <functional>
#include <string>

#include "load/cell_plan.h"
#include "load/progress.h"
#include "net/pool.h"
#include "net/sse.h"
#include "protocol/protocol.h"
#include "record/record.h"

namespace tacho {

/// Lives on one worker and is used again for the next request.
class Exchange final : public ResponseHandler {
 public:
  using OnOver = std::function<void(Exchange&)>;
  Exchange(Loop& loop, ConnectionPool& pool, const Target& target, WorkerProgress& progress,
           OnOver on_over);

  /// Sends the request. `record` holds its id, cell, stage, target, due time and planned lengths.
  void start(const PlannedPrompt& prompt, Record record, const ExchangeRules& rules);
  /// Gives up; ends as `cancelled`.
  void cancel();
  /// Complete once on_over has been called.
  const Record& record() const { return record_; }
  /// How long the server asked us to wait, if it did.
  std::optional<Duration> retry_after() const { return retry_after_; }

  std::size_t place = 0;  ///< The worker's own note: where in its list this one is.

  void on_sent(const SendTimes& times) override;
  void on_reconnect() override;
  void on_head(const HttpHead& head, const Receipt& receipt) override;
  void on_body(std::string_view bytes, const Receipt& receipt) override;
  void on_end(const Receipt& receipt) override;
  void on_failure(const CloseReason& reason, bool is_malformed, const Receipt& receipt) override;

 private:
  std::string_view bytes_for_target(const PlannedPrompt& prompt);
  void note_read(const Receipt& receipt);
  void on_event(std::string_view data, const Receipt& receipt);
  void apply(const Receipt& receipt);
  void add_chunk(const Receipt& receipt);
  void take_usage();
  void judge_answer();
  void read_whole_answer();
  bool catch_up();
  void finish(Outcome outcome, std::string detail);
  Instant deadline() const;
  void watch_until(Instant deadline);
  void on_deadline();
  bool is_cancel_due() const;
  void take_error_head(const HttpHead& head);

  Loop& loop_;
  ConnectionPool& pool_;
  const Target& target_;
  WorkerProgress& progress_;
  OnOver on_over_;
  /// One timer for all limits: armed for the nearest, and again for the next when that has passed.
  Timer watch_;
  ExchangeRules rules_;
  Instant started_ = never;
  Instant dialling_since_ = never;
  InFlight* in_flight_ = nullptr;
  std::string request_;  ///< Bytes for an endpoint other than the first.
  Record record_;
  SseParser sse_;
  Delta delta_;
  std::string body_;  ///< Of an answer that is no event stream.
  std::string error_;
  bool is_over_ = true;
  bool is_event_stream_ = false;
  bool is_unreadable_ = false;  ///< The rest of the body is passed over.
  bool has_done_mark_ = false;
  bool has_usage_per_chunk_ = false;
  std::optional<Duration> retry_after_;
  std::string retry_after_text_;
  std::uint32_t tokens_seen_ = 0;  ///< For the plan to give up with one of them.
  std::uint32_t usage_tokens_seen_ = 0;
  std::uint32_t chunks_in_read_ = 0;
  Instant current_read_ = never;
};

}  // namespace tacho
