// What is answered: the engine's tokens become pieces of a stream or one whole answer, and the
// truth of when each went out.
#include "base/text.h"
#include "sim/answer.h"
#include "sim/server.h"
#include "sim/server_parts.h"

namespace tacho {

void SimServer::on_token(Sequence& sequence, Instant planned) {
  auto& live = static_cast<LiveRequest&>(sequence);
  const bool is_last = live.emitted == live.output_tokens;
  SimMetrics& metrics = metrics_of(live);
  const bool is_first = live.emitted == 1;
  if (is_first) {
    live.first_planned = planned;
    metrics.first_token(live.truth.received, planned, live.input_tokens, live.cached_tokens);
  }
  metrics.token(planned, is_first ? live.input_tokens : 0);
  // Tokens of one step are one event, as vLLM counts them.
  if (!is_first && planned != live.last_emitted) metrics.gap(planned - live.last_emitted);
  live.last_emitted = planned;
  if (!is_last && send_ready_piece(live, planned)) return;
  if (!live.mishap) {
    write_token(live, live.emitted, planned);
    return;
  }
  live.mishap->held.push_back({live.emitted, planned});
  // A whole answer is in time when its last token is.
  if (live.fault.kind == Fault::Kind::deadline && (live.streams || is_last))
    live.mishap->timer.cancel();
  if (!live.mishap->timer.is_armed()) write_held(live);
}

bool SimServer::write_token(LiveRequest& live, std::uint32_t index, Instant planned) {
  if (live.has_no_output) return finish(live, planned);
  add_word(live, index);
  live.written_tokens = index;
  ++live.pending_tokens;
  if (live.mishap && commit_late_fault(live, index)) return true;
  if (index == live.output_tokens) return finish(live, planned);
  const std::uint32_t together = live.fault.kind == Fault::Kind::multi_token
                                     ? static_cast<std::uint32_t>(live.fault.argument)
                                     : options_.tokens_per_chunk;
  // Tokens that come together go out together.
  if (live.streams && live.pending_tokens >= together && live.following == 0) {
    send_chunk(live, planned);
  } else if (!live.streams) {
    // It waits for the others.
    const Instant now = loop_.clock();
    note_hand_over(live, {now, now}, planned);
  }
  return false;
}

void SimServer::note_hand_over(LiveRequest& live, const HandOver& handed, Instant planned) {
  if (!happened(live.first_written)) live.first_written = handed.before;
  live.last_written = handed.before;
  truths_.note(live.truth, planned, handed.before, handed.after);
}

/// By the clock, all pieces but the first and the last are the same bytes, composed once: what is
/// left is little more than the write. False when this one has to be composed.
bool SimServer::send_ready_piece(LiveRequest& live, Instant planned) {
  if (live.ready_piece.empty()) return false;
  live.http->send_framed(live.ready_piece);
  note_hand_over(live, live.http->handed_over(), planned);
  return true;
}

void SimServer::send_chunk(LiveRequest& live, Instant planned) {
  std::string piece;
  if (!live.has_begun && live.is_chat) append_role_event(piece, live);
  const bool has_usage = options_.usage == UsageStyle::every_chunk;
  if (live.scoring) write_logprobs(live);
  append_event(piece, live, false, has_usage);
  if (live.mishap) {
    send_oddly(live, std::move(piece), planned, false);
  } else {
    live.http->send_piece(piece);
    note_hand_over(live, live.http->handed_over(), planned);
  }
  if (!live.has_begun && metronome_ && !has_usage && options_.tokens_per_chunk == 1 &&
      !live.mishap && !live.scoring) {
    piece.clear();
    append_event(piece, live, false, false);
    live.ready_piece = framed_piece(piece);
  }
  live.has_begun = true;
  live.text.clear();
  live.reasoning.clear();
  live.pending_tokens = 0;
}

void SimServer::write_logprobs(LiveRequest& live) const {
  live.logprobs.clear();
  if (!live.scoring->alternatives) return;
  live.logprobs =
      dump_json(take_logprobs(live, [this](std::uint32_t token) { return text_of(token); }));
}

void SimServer::note_finished(const LiveRequest& live, Instant planned) {
  FinishedRequest r;
  r.received = live.truth.received;
  r.queued = live.queued;
  r.scheduled = live.scheduled;
  r.first_token = live.first_planned;
  r.last_token = planned;
  r.input_tokens = live.input_tokens;
  r.cached_tokens = live.cached_tokens;
  r.output_tokens = live.output_tokens;
  r.output_tokens_max = live.output_tokens_max;
  r.preemptions = live.preemptions;
  r.ended_by_length = live.ends_by_length;
  metrics_of(live).finished(r);
}

bool SimServer::finish(LiveRequest& live, Instant planned) {
  live.truth.queued = live.queued;
  live.truth.scheduled = live.scheduled;
  live.truth.replica = live.replica;
  live.truth.prefill_replica = live.prefill_replica;
  live.truth.input_tokens = live.input_tokens;
  live.truth.output_tokens = live.written_tokens;
  note_finished(live, planned);
  if (live.streams) {
    std::string piece;
    if (!live.has_begun && live.is_chat) append_role_event(piece, live);
    if (live.scoring) write_logprobs(live);
    append_last_events(piece, live);
    if (live.mishap) return send_oddly(live, std::move(piece), planned, true);
    end_answer(live, planned, [&](ServerRequest& http) { http.end_stream(piece); });
    return true;
  }
  if (!happened(live.first_written)) live.first_written = loop_.clock();
  live.last_written = loop_.clock();
  const std::string answer =
      whole_answer(live, [this](std::uint32_t token) { return text_of(token); });
  const bool is_packed = live.fault.kind == Fault::Kind::gzip;
  const std::string body = is_packed ? GzipWriter().add(answer, true) : answer;
  end_answer(live, planned, [&](ServerRequest& http) {
    http.reply(200, json_type, body, is_packed ? gzip_line : "");
  });
  return true;
}

void SimServer::end_answer(LiveRequest& live, Instant planned,
                           const std::function<void(ServerRequest&)>& end) {
  // The request ends with its last piece, and takes `live` with it.
  ServerRequest& http = *live.http;
  Truth truth = std::move(live.truth);
  end(http);
  if (happened(planned)) {
    truths_.note(truth, planned, http.handed_over().before, http.handed_over().after);
  }
  truths_.keep(std::move(truth));
}

void SimServer::append_last_events(std::string& piece, LiveRequest& live) const {
  if (live.fault.kind == Fault::Kind::finish_separate) {
    append_event(piece, live, false, options_.usage == UsageStyle::every_chunk);
    live.text.clear();
    live.logprobs.clear();
  }
  append_event(
      piece, live, true,
      options_.usage == UsageStyle::with_finish || options_.usage == UsageStyle::every_chunk);
  if (options_.usage == UsageStyle::own_chunk && live.includes_usage &&
      live.fault.kind != Fault::Kind::usage_missing) {
    append_usage_event(piece, live);
  }
  if (live.fault.kind != Fault::Kind::no_done) piece += "data: [DONE]\n\n";
}

void SimServer::on_abandoned(ServerRequest& request) {
  auto* live = static_cast<LiveRequest*>(request.attachment.get());
  if (live == nullptr) return;
  abort(*live);
  ++metrics_of(*live).finished_abort;
}

}  // namespace tacho
