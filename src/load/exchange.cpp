#include "load/exchange.h"

#include <algorithm>

#include "base/assert.h"
#include "base/text.h"

namespace tacho {
namespace {

// Enough of an error page to say what it was.
constexpr std::size_t error_bytes_max = 16 * 1024;
// Above this a whole answer is no chat answer; embeddings of large batches stay far below.
constexpr std::size_t answer_bytes_max = 256u << 20;
// A read this long after its stamp may have found several chunks because of us, not of the server.
constexpr Duration late_read = std::chrono::microseconds(200);

/// Characters, not bytes: continuation bytes of UTF-8 are not counted.
std::uint32_t count_characters(std::string_view text) {
  return static_cast<std::uint32_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) >> 6) != 2; }));
}

}  // namespace

Exchange::Exchange(Loop& loop, ConnectionPool& pool, const Target& target, WorkerProgress& progress,
                   OnOver on_over)
    : loop_(loop),
      pool_(pool),
      target_(target),
      progress_(progress),
      on_over_(std::move(on_over)),
      watch_(loop, [this] { on_deadline(); }) {}

void Exchange::start(const PlannedPrompt& prompt, Record record, const ExchangeRules& rules) {
  record_ = std::move(record);
  sse_ = SseParser();
  body_.clear();
  error_.clear();
  retry_after_.reset();
  retry_after_text_.clear();
  is_event_stream_ = is_unreadable_ = has_done_mark_ = has_usage_per_chunk_ = false;
  tokens_seen_ = usage_tokens_seen_ = chunks_in_read_ = 0;
  current_read_ = never;
  is_over_ = false;
  bump(progress_.in_flight);
  rules_ = rules;
  started_ = dialling_since_ = loop_.now();
  in_flight_ = &pool_.submit(record_.target, bytes_for_target(prompt), *this);
  watch_until(deadline());
}

/// Takes in what has arrived and lies unread. True when that was the end.
bool Exchange::catch_up() {
  in_flight_->catch_up();
  return is_over_;
}

/// The planned bytes name the first endpoint; for another one, their beginning is exchanged.
std::string_view Exchange::bytes_for_target(const PlannedPrompt& prompt) {
  if (record_.target == 0) return prompt.request;
  const std::string& planned_start = target_.endpoints[0].request_start;
  request_ = target_.endpoints[record_.target].request_start;
  request_ += std::string_view(prompt.request).substr(planned_start.size());
  return request_;
}

void Exchange::cancel() {
  if (catch_up()) return;
  in_flight_->cancel();
  finish(Outcome::cancelled, "the run was stopped");
}

/// The nearest instant at which this exchange, as far as it has come, will have taken too long.
Instant Exchange::deadline() const {
  const Timeouts& most = rules_.timeouts;
  Instant end = started_ + most.total;
  if (!happened(record_.sent)) {
    const bool is_limited = most.connect > Duration(0) && in_flight_->is_dialling();
    return is_limited ? std::min(end, dialling_since_ + most.connect) : end;
  }
  const Cancelling* plan = rules_.cancelling;
  if (plan != nullptr && plan->after_tokens == 0) end = std::min(end, record_.sent + plan->delay);
  // A whole answer has no first token before its end.
  const bool waits_for_token =
      record_.chunks.empty() && target_.streams && (is_event_stream_ || !happened(record_.headers));
  const bool is_limited = most.first_token > Duration(0) && waits_for_token;
  return is_limited ? std::min(end, record_.sent + most.first_token) : end;
}

/// A limit that turns out to be over already is no cause to touch the timer: on_deadline looks.
void Exchange::watch_until(Instant deadline) {
  if (!watch_.is_armed() || deadline < watch_.when()) watch_.arm(deadline);
}

bool Exchange::is_cancel_due() const {
  const Cancelling* plan = rules_.cancelling;
  if (plan == nullptr || !happened(record_.sent)) return false;
  return plan->after_tokens > 0 ? tokens_seen_ >= plan->after_tokens
                                : loop_.now() >= record_.sent + plan->delay;
}

void Exchange::on_deadline() {
  if (catch_up()) return;
  if (is_cancel_due()) {
    in_flight_->cancel();
    finish(Outcome::cancelled, std::string(detail_planned));
    return;
  }
  const Instant limit = deadline();
  if (loop_.now() < limit) {
    watch_.arm(limit);
    return;
  }
  const bool is_dialling = in_flight_->is_dialling();
  in_flight_->cancel();
  finish(Outcome::timeout, is_dialling               ? std::string(detail_connecting)
                           : !happened(record_.sent) ? "sending"
                           : record_.chunks.empty()  ? "no first token"
                                                     : "answer not complete");
}

void Exchange::on_sent(const SendTimes& times) {
  record_.dialled = times.dialled;
  record_.connected = times.connected;
  record_.send_started = times.started;
  record_.sent = times.sent;
  bump(progress_.sent);
  if (rules_.timeouts.first_token > Duration(0) || rules_.cancelling != nullptr)
    watch_until(deadline());
}

void Exchange::on_reconnect() {
  ++record_.reconnects;
  if (happened(record_.sent)) drop(progress_.sent);
  record_.sent = never;  // Nobody has received it; from here on it is being connected again.
  dialling_since_ = loop_.now();
  const Duration connect = rules_.timeouts.connect;
  if (connect > Duration(0)) watch_until(dialling_since_ + connect);
}

void Exchange::on_head(const HttpHead& head, const Receipt& receipt) {
  note_read(receipt);
  record_.headers = receipt.arrived;
  record_.http_status = static_cast<std::uint16_t>(head.status);
  is_event_stream_ =
      head.status == 200 && lower(head.field("content-type")).starts_with("text/event-stream");
  const auto coding = head.field("content-encoding");
  const auto location = head.field("location");
  if (!coding.empty() && !equal_ignoring_case(coding, "identity")) {
    error_ = format("a compressed answer ({}), which was not asked for", cut_utf8(coding, 40));
    is_unreadable_ = true;
  } else if (head.status / 100 == 3 && !location.empty()) {
    error_ = format("redirected to {}, which is not followed", cut_utf8(location, 200));
  }
  if (head.status != 200) take_error_head(head);
}

/// When to come again, kept in the server's own words too: a date is not heeded, but said.
void Exchange::take_error_head(const HttpHead& head) {
  const std::string_view field = head.field("retry-after");
  if (field.empty()) return;
  retry_after_ = read_retry_after(field);
  retry_after_text_ = format(" (Retry-After: {})", cut_utf8(field, 40));
}

void Exchange::note_read(const Receipt& receipt) {
  // Through the tap we read late by design; what came together is then what shares an arrival.
  const bool is_tapped = receipt.stamps == Stamps::tap;
  const Instant together = is_tapped ? receipt.arrived : receipt.read;
  if (together == current_read_) return;
  current_read_ = together;
  chunks_in_read_ = 0;
  ++record_.reads;
  record_.stamps = record_.reads == 1 ? receipt.stamps : std::min(record_.stamps, receipt.stamps);
  if (!is_tapped) {
    record_.client_lag = std::max(record_.client_lag, receipt.read - receipt.arrived);
  }
}

void Exchange::on_body(std::string_view bytes, const Receipt& receipt) {
  note_read(receipt);
  if (is_unreadable_) return;
  if (!is_event_stream_) {
    const std::size_t room = record_.http_status == 200 ? answer_bytes_max : error_bytes_max;
    body_ += bytes.substr(0, room - std::min(room, body_.size()));
    return;
  }
  const bool ok = sse_.feed(bytes, [&](std::string_view data) { on_event(data, receipt); });
  if (ok) return;
  if (error_.empty()) error_ = "an event of more than 16 MiB";
  is_unreadable_ = true;  // It may go on for ever; nothing more of it is kept.
  sse_ = SseParser();
}

void Exchange::on_event(std::string_view data, const Receipt& receipt) {
  if (data == "[DONE]") {
    has_done_mark_ = true;
    return;
  }
  target_.protocol->read_event(data, delta_);
  if (delta_.is_malformed) {
    if (error_.empty())
      error_ = format("an event that is not the protocol's: {}", cut_utf8(data, 80));
    return;
  }
  apply(receipt);
}

void Exchange::apply(const Receipt& receipt) {
  if (!delta_.error.empty() && error_.empty()) {
    error_ = format("error in the stream: {}", cut_utf8(delta_.error, 200));
  }
  if (record_.response_id.empty()) record_.response_id = delta_.id;
  if (!delta_.finish_reason.empty()) record_.finish_reason = delta_.finish_reason;
  if (delta_.is_content()) add_chunk(receipt);
  if (delta_.has_usage) take_usage();
  if (delta_.queue_ms) record_.server.queue_ms = delta_.queue_ms;
  if (delta_.prefill_ms) record_.server.prefill_ms = delta_.prefill_ms;
  if (delta_.decode_per_token_ms) record_.server.decode_per_token_ms = delta_.decode_per_token_ms;
  if (delta_.total_ms) record_.server.total_ms = delta_.total_ms;
}

void Exchange::add_chunk(const Receipt& receipt) {
  Chunk chunk;
  chunk.at = receipt.arrived;
  chunk.bytes = static_cast<std::uint32_t>(delta_.text.size() + delta_.reasoning.size());
  chunk.is_reasoning = delta_.text.empty() && !delta_.has_tool_call;
  if (record_.chunks.empty()) {
    // Usage in the very first chunk means usage in each (vLLM's continuous_usage_stats). One that
    // comes with a later chunk is the total of the answer (llama.cpp), and says nothing of that
    // chunk.
    has_usage_per_chunk_ = delta_.has_usage && delta_.output_tokens.has_value();
    if (happened(record_.sent)) {  // A server may answer before it has the whole request.
      bump(progress_.ttft_count);
      bump(progress_.ttft_ns_sum, static_cast<std::uint64_t>((chunk.at - record_.sent).count()));
    }
  }
  if (has_usage_per_chunk_ && delta_.output_tokens) {
    chunk.tokens = *delta_.output_tokens - std::min(*delta_.output_tokens, usage_tokens_seen_);
    usage_tokens_seen_ = *delta_.output_tokens;
  }
  record_.chunks.push_back(chunk);
  record_.text += delta_.reasoning;
  record_.text += delta_.text;
  record_.output_characters += count_characters(delta_.text) + count_characters(delta_.reasoning);
  if (rules_.cancelling != nullptr && rules_.cancelling->after_tokens > 0) {
    tokens_seen_ += std::max(1u, chunk.tokens);
    // In a turn of its own: the parsers above us are not done with these bytes.
    if (is_cancel_due()) watch_.arm(loop_.now());
  }
  if (++chunks_in_read_ >= 2) {
    if (chunks_in_read_ == 2) ++record_.shared_reads;
    // Several chunks read late under one stamp: only the last one's time is right, and it is our
    // doing. Read in time, they came together.
    if (receipt.stamps != Stamps::tap && receipt.read - receipt.arrived > late_read) {
      ++record_.late_chunks;
      if (record_.chunks.size() == 2) record_.is_first_late = true;
    }
  }
  bump(progress_.chunks);
}

void Exchange::take_usage() {
  Usage& usage = record_.usage;
  if (delta_.input_tokens) usage.input_tokens = delta_.input_tokens;
  if (delta_.output_tokens) usage.output_tokens = delta_.output_tokens;
  if (delta_.reasoning_tokens) usage.reasoning_tokens = delta_.reasoning_tokens;
  if (delta_.cached_tokens) usage.cached_tokens = delta_.cached_tokens;
}

void Exchange::on_end(const Receipt& receipt) {
  note_read(receipt);
  record_.done = receipt.arrived;
  if (is_event_stream_ && !is_unreadable_)
    sse_.finish([&](std::string_view data) { on_event(data, receipt); });
  judge_answer();
}

/// The answer is complete as HTTP; is it one as the protocol's?
void Exchange::judge_answer() {
  if (record_.http_status != 200) {
    finish(Outcome::http_status, (error_.empty() ? error_text(body_) : error_) + retry_after_text_);
    return;
  }
  if (!is_event_stream_) read_whole_answer();
  if (!error_.empty()) {
    finish(Outcome::malformed, error_);
  } else if (record_.finish_reason == "abort" || record_.finish_reason == "error") {
    finish(Outcome::malformed, format("the server ended it with '{}'", record_.finish_reason));
  } else if (is_event_stream_ && record_.finish_reason.empty() && !has_done_mark_) {
    finish(Outcome::truncated, "the stream ended without a finish reason");
  } else {
    finish(Outcome::ok, is_event_stream_ && !has_done_mark_ ? "no [DONE] mark" : "");
  }
}

void Exchange::read_whole_answer() {
  record_.streamed = false;
  if (is_unreadable_) return;
  target_.protocol->read_answer(body_, delta_);
  if (delta_.is_malformed || (!delta_.has_choices && delta_.error.empty())) {
    error_ = format("an answer that is not the protocol's: {}", cut_utf8(trim(body_), 80));
    return;
  }
  if (!delta_.error.empty()) error_ = cut_utf8(delta_.error, 200);
  record_.response_id = delta_.id;
  record_.finish_reason = delta_.finish_reason;
  record_.text = delta_.reasoning + delta_.text;
  record_.output_characters = count_characters(record_.text);
  if (delta_.has_usage) take_usage();
  record_.server = {delta_.queue_ms, delta_.prefill_ms, delta_.decode_per_token_ms,
                    delta_.total_ms};
}

void Exchange::on_failure(const CloseReason& reason, bool is_malformed, const Receipt& receipt) {
  record_.done = happened(receipt.arrived) ? std::max(receipt.arrived, record_.headers) : never;
  if (is_malformed) {
    finish(Outcome::malformed, reason.detail);
  } else if (reason.kind == CloseReason::Kind::refused) {
    finish(Outcome::refused, reason.detail);
  } else if (reason.kind == CloseReason::Kind::end && happened(record_.headers)) {
    finish(Outcome::truncated, "the connection closed in the middle of the answer");
  } else {
    finish(Outcome::reset, reason.detail.empty() ? "connection closed" : reason.detail);
  }
}

void Exchange::finish(Outcome outcome, std::string detail) {
  watch_.cancel();
  // Given up by us: it was in flight until now.
  if (!happened(record_.done) && happened(record_.sent)) record_.done = loop_.clock();
  record_.outcome = outcome;
  record_.detail = std::move(detail);
  // The text was kept for the one use of counting its tokens, which the server has now done.
  if (record_.usage.output_tokens) record_.text.clear();
  drop(progress_.in_flight);
  bump(is_failure(record_)             ? progress_.failed
       : outcome == Outcome::cancelled ? progress_.cancelled
                                       : progress_.completed);
  count_ended(progress_, record_);
  is_over_ = true;
  on_over_(*this);
}

}  // namespace tacho
