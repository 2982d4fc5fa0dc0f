// What goes wrong on purpose: the faults of sim/fault.h, committed on the answers of one request.
#include <algorithm>
#include <ctime>

#include "base/text.h"
#include "sim/answer.h"
#include "sim/server.h"
#include "sim/server_parts.h"

namespace tacho {
namespace {

using Kind = Fault::Kind;

constexpr std::string_view injected = "a fault that was asked for";
constexpr Duration between_parts = std::chrono::milliseconds(1);

/// A time as HTTP writes dates (RFC 9110, 5.6.7).
std::string http_date(std::int64_t unix_s) {
  const std::time_t at = unix_s;
  std::tm parts{};
  ::gmtime_r(&at, &parts);
  char text[64];
  const std::size_t length = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text, length};
}

void reply_status(ServerRequest& request, const Fault& fault) {
  if (fault.style == Fault::HeaderStyle::html) {
    const std::string page = format(
        "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n"
        "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
        fault.status);
    return request.reply(fault.status, "text/html", page);
  }
  std::string head;
  const bool says_when =
      (fault.status == 429 || fault.status == 503) && fault.style != Fault::HeaderStyle::bare;
  if (says_when && fault.style == Fault::HeaderStyle::date) {
    head = format("retry-after: {}\r\n", http_date(wall_clock_ns() / 1'000'000'000 + 1));
  } else if (says_when) {
    head = format("retry-after: {}\r\n", fault.argument);
  }
  if (fault.style != Fault::HeaderStyle::flat)
    return reply_error(request, fault.status, injected, "InjectedError", head);
  const Json flat{{"object", "error"},
                  {"message", injected},
                  {"type", "InjectedError"},
                  {"param", nullptr},
                  {"code", fault.status}};
  request.reply(fault.status, json_type, dump_json(flat), head);
}

/// The token at which something in the middle happens.
std::uint32_t middle_of(const LiveRequest& live) {
  const std::uint32_t half = std::max(1u, live.output_tokens / 2);
  switch (live.fault.kind) {
    case Kind::reset_mid:
    case Kind::close_mid:
    case Kind::half_close:
    case Kind::error_in_stream:
    case Kind::malformed:
    case Kind::truncated_utf8:
    case Kind::nul:
      return live.fault.argument > 0 ? static_cast<std::uint32_t>(live.fault.argument) : half;
    default:
      return half;
  }
}

/// The event that such a fault puts between two others; empty: none.
std::string odd_event(const Fault& fault) {
  switch (fault.kind) {
    case Kind::malformed:
      return "data: {\"id\":\"chatcmpl-\",\"choi\n\n";
    case Kind::truncated_utf8:
      return "data: {\"id\":\"\xe4\xbd\n\n";
    case Kind::nul:
      return std::string("data: {\"id\":\"\0\"}\n\n", 18);
    case Kind::huge_event:
      return format("data: {{\"choices\":[],\"padding\":\"{}\"}}\n\n",
                    std::string(static_cast<std::size_t>(fault.argument) * 1024, 'x'));
    default:
      return "";
  }
}

/// The bytes as HTTP chunks of at most so many.
std::string in_chunks(std::string_view bytes, std::size_t size) {
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += size)
    out += framed_piece(bytes.substr(at, size));
  return out;
}

/// A piece of the answer in the framing that its fault has.
std::string framed(const Fault& fault, const std::string& piece) {
  switch (fault.kind) {
    case Kind::chunks:
      return in_chunks(piece, static_cast<std::size_t>(fault.argument));
    case Kind::chunk_extensions:
      return format("{:x};tacho=\"1;2\"\r\n{}\r\n", piece.size(), piece);
    case Kind::until_close:
      return piece;
    default:
      return framed_piece(piece);
  }
}

}  // namespace

Result<Fault> SimServer::fault_of(const ServerRequest& request) {
  const auto asked = request.head().field("x-tacho-fault");
  const std::uint64_t number = drawn_++;
  if (!asked.empty()) {
    auto fault = parse_fault(asked);
    if (!fault || scope_of(fault->kind) == Fault::Scope::request) return fault;
    return input_error(
        format("fault '{}' strikes before there is a request, so a request cannot ask for it; give "
               "it to --fault or POST /sim/faults",
               name_of(*fault)));
  }
  return draw_fault(request_faults_, options_.seed.value, number, request.received() - epoch_);
}

bool SimServer::commit_early_fault(ServerRequest& request, const Fault& fault) {
  const bool is_race = fault.kind == Kind::keepalive_race && request.number() > 1;
  if (fault.kind != Kind::no_answer && fault.kind != Kind::http_status && !is_race) return false;
  ++committed_[name_of(fault)];
  if (fault.kind == Kind::http_status) reply_status(request, fault);
  if (is_race) request.break_off(false);
  return true;
}

void SimServer::prepare_mishap(LiveRequest& live) {
  if (live.fault.kind == Kind::none || live.fault.kind == Kind::keepalive_race) return;
  live.truth.fault = name_of(live.fault);
  ++committed_[live.truth.fault];
  live.mishap = std::make_unique<Mishap>(loop_, [this, &live] { write_held(live); });
  if (live.fault.kind == Kind::wrong_model) live.model += "-other";
  if (live.fault.kind == Kind::fingerprint) live.fingerprint = "fp_first";
  const auto wait = std::chrono::milliseconds(live.fault.argument);
  if (live.fault.kind == Kind::slow_headers) {
    live.mishap->has_no_head = live.streams;
    live.mishap->timer.arm(live.truth.received + wait);
  } else if (live.fault.kind == Kind::slow_first_byte) {
    live.mishap->timer.arm(live.truth.received + wait);
  } else if (live.fault.kind == Kind::deadline) {
    live.mishap->has_no_head = live.streams;
    live.mishap->timer.arm(live.truth.received + wait);
  }
}

/// The end of a request of which nothing was ready in time.
void SimServer::give_up(LiveRequest& live) {
  ServerRequest& http = *live.http;
  abort(live);
  ++metrics_of(live).finished_abort;
  reply_error(http, 504, format("nothing was ready after {} ms", live.fault.argument),
              "GatewayTimeoutError");
}

void SimServer::write_held(LiveRequest& live) {
  Mishap& mishap = *live.mishap;
  if (live.fault.kind == Kind::deadline) {
    const bool is_whole = !mishap.held.empty() && mishap.held.back().index == live.output_tokens;
    if (live.streams ? mishap.held.empty() : !is_whole) return give_up(live);
  }
  if (mishap.has_no_head) {
    mishap.has_no_head = false;
    begin_answer(live);
  }
  if (live.fault.kind == Kind::split && !mishap.unsent.empty() && send_part(live)) return;
  while (!mishap.timer.is_armed() && !mishap.held.empty()) {
    const auto [index, planned] = mishap.held.front();
    if (live.fault.kind == Kind::stall_mid && index == middle_of(live) && !mishap.has_stalled) {
      mishap.has_stalled = true;
      mishap.timer.arm(loop_.now() + std::chrono::milliseconds(live.fault.argument));
      return;
    }
    mishap.held.pop_front();
    if (write_token(live, index, planned)) return;
  }
}

/// Faults in the middle of a streamed answer. True when the request is over with it.
bool SimServer::commit_late_fault(LiveRequest& live, std::uint32_t index) {
  if (!live.streams || index != std::min(middle_of(live), live.output_tokens)) return false;
  ServerRequest& http = *live.http;
  switch (live.fault.kind) {
    case Kind::reset_mid:
    case Kind::close_mid:
    case Kind::half_close: {
      const Kind kind = live.fault.kind;
      abort(live);
      ++metrics_of(live).finished_abort;
      if (kind == Kind::half_close) {
        http.half_close();
      } else {
        http.break_off(kind == Kind::reset_mid);
      }
      return true;
    }
    case Kind::error_in_stream:
      abort(live);
      ++metrics_of(live).finished_error;
      http.end_stream("data: " + error_body(injected, "InjectedError", 500) +
                      "\n\ndata: [DONE]\n\n");
      return true;
    default:
      if (const std::string event = odd_event(live.fault); !event.empty()) http.send_piece(event);
      return false;
  }
}

bool SimServer::send_oddly(LiveRequest& live, std::string piece, Instant planned, bool is_last) {
  Mishap& mishap = *live.mishap;
  piece = restyled(piece, live.fault, !live.has_begun);
  if (live.fault.kind == Kind::gzip) piece = mishap.gzip.add(piece, is_last);
  const auto size = static_cast<std::size_t>(std::max<std::int64_t>(1, live.fault.argument));
  mishap.planned.push_back(planned);
  mishap.ends = is_last;
  mishap.unsent += framed(live.fault, piece);
  if (live.fault.kind == Kind::coalesce && mishap.planned.size() < size && !is_last) return false;
  return send_part(live);
}

/// Sends the bytes that wait, or the next part of them. True when the request is over with it.
bool SimServer::send_part(LiveRequest& live) {
  Mishap& mishap = *live.mishap;
  const std::size_t size = live.fault.kind == Kind::split
                               ? static_cast<std::size_t>(live.fault.argument)
                               : mishap.unsent.size();
  live.http->send_framed(std::string_view(mishap.unsent).substr(0, size));
  mishap.unsent.erase(0, size);
  if (!mishap.unsent.empty()) {
    mishap.timer.arm(loop_.now() + between_parts);
    return false;
  }
  for (const Instant planned : mishap.planned)
    note_hand_over(live, live.http->handed_over(), planned);
  mishap.planned.clear();
  if (!mishap.ends) return false;
  const std::string_view trailers =
      live.fault.kind == Kind::trailers ? "x-tacho-trailer: 1\r\n" : "";
  end_answer(live, never, [&](ServerRequest& http) { http.end_stream("", trailers); });
  return true;
}

void SimServer::serve_faults(ServerRequest& request) {
  if (request.head().method == "POST") {
    auto body = parse_json(request.body(), "the request");
    if (!body || !body->is_object() || !body->contains("faults") || !(*body)["faults"].is_array()) {
      return reply_error(request, 400, R"(write {"faults": ["rst_mid=0.01", ...]})",
                         "BadRequestError");
    }
    std::vector<FaultRule> rules;
    for (const Json& text : (*body)["faults"]) {
      auto rule = parse_fault_rule(text.is_string() ? text.get_ref<const std::string&>() : "");
      if (!rule) return reply_error(request, 400, rule.error().message, "BadRequestError");
      rules.push_back(std::move(*rule));
    }
    set_faults(std::move(rules));
    mind_door();
  }
  Json answer{{"faults", Json::array()}, {"committed", Json::object()}, {"names", fault_names()}};
  for (const FaultRule& rule : faults_) answer["faults"].push_back(rule.text);
  for (const auto& [name, count] : committed_) answer["committed"][name] = count;
  request.reply(200, json_type, dump_json(answer, 1));
}

}  // namespace tacho
