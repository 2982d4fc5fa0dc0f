#include "net/http1.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/text.h"

namespace tacho {
namespace {

// Far above what servers send; a peer that goes on is broken or hostile.
constexpr std::size_t head_bytes_max = 256 * 1024;

}  // namespace

std::string_view HttpHead::field(std::string_view name) const {
  for (const auto& [key, value] : fields) {
    if (equal_ignoring_case(key, name)) return value;
  }
  return {};
}

bool HttpHead::has_token(std::string_view name, std::string_view token) const {
  for (const auto part : split(field(name), ',')) {
    if (equal_ignoring_case(trim(part), token)) return true;
  }
  return false;
}

bool HttpHead::keeps_alive() const {
  if (has_token("connection", "close")) return false;
  return minor_version >= 1 || has_token("connection", "keep-alive");
}

std::size_t HttpParser::feed(std::string_view bytes, HttpSink& sink) {
  const std::size_t all = bytes.size();
  is_done_ = false;
  while (!bytes.empty() && !is_done_ && error_.empty()) {
    if (state_ == State::fixed_body || state_ == State::chunk_data ||
        state_ == State::until_close) {
      take_body(bytes, sink);
      continue;
    }
    std::string_view line;
    if (!take_line(bytes, line)) break;
    on_line(line, sink);
    line_.clear();
  }
  return error_.empty() ? all - bytes.size() : 0;
}

bool HttpParser::finish(HttpSink& sink) {
  if (state_ != State::until_close) return false;
  end_message(sink);
  return true;
}

bool HttpParser::take_line(std::string_view& bytes, std::string_view& line) {
  const auto end = bytes.find('\n');
  const auto piece = bytes.substr(0, end);
  line_bytes_ += piece.size() + (end == std::string_view::npos ? 0 : 1);
  if (line_bytes_ > head_bytes_max) return fail("a head of more than 256 KiB");
  if (end == std::string_view::npos) {
    line_ += piece;
    bytes = {};
    return false;
  }
  bytes.remove_prefix(end + 1);
  if (line_.empty()) {
    line = piece;
  } else {
    line_ += piece;
    line = line_;
  }
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return true;
}

bool HttpParser::on_line(std::string_view line, HttpSink& sink) {
  switch (state_) {
    case State::head:
      return on_head_line(line, sink);
    case State::chunk_size:
      return on_chunk_size(line);
    case State::chunk_end:
      if (!line.empty()) return fail("a chunk is longer than its size says");
      state_ = State::chunk_size;
      return true;
    default:  // A trailer: its fields are of no use to us.
      if (line.empty()) end_message(sink);
      return true;
  }
}

bool HttpParser::on_head_line(std::string_view line, HttpSink& sink) {
  if (!has_start_line_) {
    if (line.empty()) return true;  // RFC 9112, 2.2: an empty line before a start line is skipped.
    has_start_line_ = true;
    return read_start_line(line);
  }
  if (line.empty()) return finish_head(sink);
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return fail("a header line without a name");
  head_.fields.emplace_back(line.substr(0, colon), trim(line.substr(colon + 1)));
  return true;
}

bool HttpParser::read_start_line(std::string_view line) {
  const auto read_version = [&](std::string_view version) {
    if (version.size() != 8 || !version.starts_with("HTTP/1.")) return false;
    head_.minor_version = version[7] - '0';
    return version[7] >= '0' && version[7] <= '9';
  };
  if (kind_ == Kind::response) {
    if (line.size() < 12 || !read_version(line.substr(0, 8)) || line[8] != ' ') {
      return fail("not an HTTP/1.1 response");
    }
    const auto status = parse_integer(line.substr(9, 3));
    if (!status || *status < 100) return fail("a status line without a status");
    head_.status = static_cast<int>(*status);
    return true;
  }
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last || !read_version(line.substr(last + 1))) {
    return fail("not an HTTP/1.1 request");
  }
  head_.method = line.substr(0, first);
  head_.target = line.substr(first + 1, last - first - 1);
  return true;
}

bool HttpParser::finish_head(HttpSink& sink) {
  has_start_line_ = false;
  line_bytes_ = 0;
  HttpHead head = std::exchange(head_, HttpHead());
  if (kind_ == Kind::response && head.status < 200) {
    if (head.status == 101) return fail("an unasked-for change of protocol");
    return true;  // 100 Continue and its like: the real head follows.
  }
  if (!choose_framing(head)) return false;
  const bool is_bodyless = state_ == State::fixed_body && body_left_ == 0;
  sink.on_head(std::move(head));
  if (is_bodyless) end_message(sink);
  return true;
}

/// RFC 9112, 6.3.
bool HttpParser::choose_framing(const HttpHead& head) {
  state_ = State::fixed_body;
  body_left_ = 0;
  if (kind_ == Kind::response && (head.status == 204 || head.status == 304)) return true;
  if (head.has_token("transfer-encoding", "chunked")) {
    state_ = State::chunk_size;
    return true;
  }
  const auto length = head.field("content-length");
  if (!length.empty()) {
    for (const auto& [name, value] : head.fields) {
      if (equal_ignoring_case(name, "content-length") && value != length) {
        return fail("two lengths that differ");
      }
    }
    const auto bytes = parse_integer(length);
    if (!bytes || *bytes < 0) return fail("a content-length that is no number");
    body_left_ = static_cast<std::uint64_t>(*bytes);
    return true;
  }
  if (kind_ == Kind::response) state_ = State::until_close;
  return true;
}

bool HttpParser::on_chunk_size(std::string_view line) {
  line_bytes_ = 0;
  const auto digits = trim(line.substr(0, line.find(';')));  // What follows is an extension.
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size, 16);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) {
    return fail("a chunk size that is no number");
  }
  body_left_ = size;
  state_ = size == 0 ? State::trailer : State::chunk_data;
  return true;
}

void HttpParser::take_body(std::string_view& bytes, HttpSink& sink) {
  const bool is_limited = state_ != State::until_close;
  const auto piece = is_limited ? bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(
                                                      body_left_, bytes.size())))
                                : bytes;
  bytes.remove_prefix(piece.size());
  const bool is_last = is_limited && body_left_ == piece.size();
  if (is_limited) body_left_ -= piece.size();
  const bool ends_message = is_last && state_ == State::fixed_body;
  if (is_last && state_ == State::chunk_data) state_ = State::chunk_end;
  sink.on_body(piece);
  if (ends_message) end_message(sink);
}

void HttpParser::end_message(HttpSink& sink) {
  state_ = State::head;
  line_bytes_ = 0;
  is_done_ = true;
  sink.on_message_end();
}

bool HttpParser::fail(std::string what) {
  error_ = std::move(what);
  return false;
}

std::string_view status_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Unknown";
  }
}

}  // namespace tacho
