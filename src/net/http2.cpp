#include "net/http2.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "base/assert.h"
#include "base/text.h"

namespace tacho {
namespace {

// As in http1.cpp: far above what servers send.
constexpr std::size_t head_bytes_max = 256 * 1024;
// Everything that comes in is read at once, so the windows need only never hold a server back.
constexpr std::uint32_t stream_window = 16u << 20;
constexpr std::int32_t connection_window = 1 << 30;

std::string_view view(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

/// Fields that belong to an HTTP/1.1 connection and not to its requests (RFC 9113, 8.2.2).
bool is_of_connection(std::string_view name) {
  constexpr std::array<std::string_view, 5> names{"connection", "keep-alive", "proxy-connection",
                                                  "transfer-encoding", "upgrade"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// A request's head as HTTP/2 wants it: four fields of its own first, then the others in lower
/// case.
class RequestFields {
 public:
  RequestFields(std::string_view head, bool is_tls) {
    const auto line_end = std::min(head.find("\r\n"), head.size());
    const std::string_view start = head.substr(0, line_end);
    const auto first = start.find(' ');
    const auto last = start.rfind(' ');
    TACHO_ASSERT(first != std::string_view::npos && last > first);
    add(":method", start.substr(0, first));
    add(":scheme", is_tls ? "https" : "http");
    add(":path", start.substr(first + 1, last - first - 1));
    head.remove_prefix(std::min(line_end + 2, head.size()));
    while (!head.empty()) {
      const auto end = std::min(head.find("\r\n"), head.size());
      add_line(head.substr(0, end));
      head.remove_prefix(std::min(end + 2, head.size()));
    }
  }

  /// In nghttp2's form, pointing into this object.
  std::vector<nghttp2_nv> for_nghttp2() const {
    std::vector<nghttp2_nv> list;
    for (const auto& [name, value] : fields_) {
      list.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
    }
    // Fields that begin with a colon come before all others (RFC 9113, 8.3).
    std::stable_partition(list.begin(), list.end(),
                          [](const nghttp2_nv& field) { return field.name[0] == ':'; });
    return list;
  }

 private:
  static std::uint8_t* bytes(const std::string& text) {
    // nghttp2 takes no const here and copies what it is given.
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  }
  void add(std::string_view name, std::string_view value) { fields_.emplace_back(name, value); }
  void add_line(std::string_view line) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return;
    const std::string name = lower(line.substr(0, colon));
    const std::string_view value = trim(line.substr(colon + 1));
    if (is_of_connection(name)) return;
    add(name == "host" ? ":authority" : name, value);
  }

  std::vector<std::pair<std::string, std::string>> fields_;
};

}  // namespace

/// nghttp2's callbacks; each finds its session in the user data.
struct Http2Callbacks {
  static Http2Session& self(void* user) { return *static_cast<Http2Session*>(user); }

  static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    auto* stream = self(user).find(frame->hd.stream_id);
    if (stream != nullptr && !stream->has_head) stream->head = HttpHead();
    return 0;
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                       std::uint8_t, void* user) {
    auto* stream = self(user).find(frame->hd.stream_id);
    if (stream == nullptr || stream->has_head) return 0;  // A trailer is of no use to us.
    stream->head_bytes += name_size + value_size;
    if (stream->head_bytes > head_bytes_max) {
      self(user).fail(*stream, {Http2Failure::Kind::malformed, "a head of more than 256 KiB"});
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // Resets the stream.
    }
    self(user).add_field(*stream, view(name, name_size), view(value, value_size));
    return 0;
  }

  static int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    Http2Session& me = self(user);
    if (frame->hd.type == NGHTTP2_SETTINGS && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) {
      me.sink_.on_streams_max(
          nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS));
    } else if (frame->hd.type == NGHTTP2_GOAWAY) {
      for (auto& [id, stream] : me.streams_) {
        stream->is_ended_by_peer |= id > frame->goaway.last_stream_id;
      }
      me.has_farewell_ = true;
      me.sink_.on_going_away();
    }
    auto* stream = me.find(frame->hd.stream_id);
    if (stream == nullptr) return 0;
    if (frame->hd.type == NGHTTP2_RST_STREAM) stream->is_ended_by_peer = true;
    const bool is_head = frame->hd.type == NGHTTP2_HEADERS && !stream->has_head;
    // 103 Early Hints and its like: the real head follows.
    if (is_head && stream->head.status >= 200) {
      stream->has_head = true;
      if (stream->sink != nullptr) stream->sink->on_head(std::move(stream->head));
    }
    const bool may_end = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (may_end && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
      me.end_answer(frame->hd.stream_id, *stream);
    }
    return 0;
  }

  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                     std::size_t size, void* user) {
    auto* stream = self(user).find(id);
    if (stream != nullptr && stream->sink != nullptr) stream->sink->on_body(view(data, size));
    return 0;
  }

  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) {
    Http2Session& me = self(user);
    auto* stream = me.find(id);
    if (stream == nullptr) return 0;
    const std::string name = nghttp2_http2_strerror(code);
    if (code == NGHTTP2_REFUSED_STREAM && stream->is_ended_by_peer) {
      me.fail(*stream, {Http2Failure::Kind::unprocessed, "the server refused the stream"});
    } else if (stream->is_ended_by_peer) {
      me.fail(*stream,
              {Http2Failure::Kind::reset, format("the server reset the stream ({})", name)});
    } else {
      const std::string& words = me.last_words_.empty() ? name : me.last_words_;
      me.fail(*stream, {Http2Failure::Kind::malformed, format("not HTTP/2: {}", words)});
    }
    me.streams_.erase(id);
    return 0;
  }

  static int on_sent_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    const bool has_end = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (!has_end || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    auto* stream = self(user).find(frame->hd.stream_id);
    if (stream == nullptr) return 0;
    stream->is_serialized = true;
    if (stream->sink != nullptr) stream->sink->on_serialized();
    return 0;
  }

  static int on_unsent_frame(nghttp2_session*, const nghttp2_frame* frame, int, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    auto* stream = self(user).find(frame->hd.stream_id);
    if (stream == nullptr) return 0;
    self(user).fail(*stream, {Http2Failure::Kind::unprocessed, "the connection is going away"});
    self(user).streams_.erase(frame->hd.stream_id);
    return 0;
  }

  static int on_complaint(nghttp2_session*, int, const char* words, std::size_t size, void* user) {
    self(user).last_words_ = std::string(words, size);
    return 0;
  }

  static ssize_t read_body(nghttp2_session*, std::int32_t id, std::uint8_t* buffer,
                           std::size_t room, std::uint32_t* flags, nghttp2_data_source*,
                           void* user) {
    auto* stream = self(user).find(id);
    // Given up: nothing of the request may be touched, and the reset is on its way.
    if (stream == nullptr || stream->sink == nullptr) return NGHTTP2_ERR_DEFERRED;
    const std::size_t size = std::min(room, stream->body.size());
    std::memcpy(buffer, stream->body.data(), size);
    stream->body.remove_prefix(size);
    if (stream->body.empty()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(size);
  }

  static nghttp2_session_callbacks* table() {
    nghttp2_session_callbacks* table = nullptr;
    TACHO_ASSERT(nghttp2_session_callbacks_new(&table) == 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(table, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(table, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(table, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(table, on_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(table, on_sent_frame);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(table, on_unsent_frame);
    nghttp2_session_callbacks_set_error_callback2(table, on_complaint);
    return table;
  }
};

Http2Session::Http2Session(Http2SessionSink& sink, bool is_tls) : sink_(sink), is_tls_(is_tls) {
  nghttp2_session_callbacks* callbacks = Http2Callbacks::table();
  TACHO_ASSERT(nghttp2_session_client_new(&session_, callbacks, this) == 0);
  nghttp2_session_callbacks_del(callbacks);
  const std::array<nghttp2_settings_entry, 2> settings{
      {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}, {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, stream_window}}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, connection_window);
}

Http2Session::~Http2Session() { nghttp2_session_del(session_); }

Http2Session::OpenStream* Http2Session::find(std::int32_t stream) {
  const auto found = streams_.find(stream);
  return found != streams_.end() ? found->second.get() : nullptr;
}

std::int32_t Http2Session::submit(std::string_view request, Http2StreamSink& sink) {
  const auto head_end = request.find("\r\n\r\n");
  TACHO_ASSERT(head_end != std::string_view::npos);
  const RequestFields fields(request.substr(0, head_end), is_tls_);
  const std::vector<nghttp2_nv> list = fields.for_nghttp2();
  auto stream = std::make_unique<OpenStream>();
  stream->sink = &sink;
  stream->body = request.substr(head_end + 4);
  nghttp2_data_provider body{};
  body.read_callback = Http2Callbacks::read_body;
  const std::int32_t id = nghttp2_submit_request(session_, nullptr, list.data(), list.size(),
                                                 stream->body.empty() ? nullptr : &body, nullptr);
  if (id <= 0) return 0;
  streams_[id] = std::move(stream);
  return id;
}

void Http2Session::cancel(std::int32_t id) {
  auto* stream = find(id);
  if (stream == nullptr) return;
  stream->sink = nullptr;
  stream->body = {};
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
}

void Http2Session::add_field(OpenStream& stream, std::string_view name, std::string_view value) {
  if (name == ":status") {
    stream.head.status = static_cast<int>(parse_integer(value).value_or(0));
  } else {
    stream.head.fields.emplace_back(name, value);
  }
}

void Http2Session::end_answer(std::int32_t id, OpenStream& stream) {
  Http2StreamSink* sink = std::exchange(stream.sink, nullptr);
  // It answered before it had the whole request, and wants no more of that.
  if (!stream.is_serialized) {
    stream.body = {};
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR);
  }
  if (sink != nullptr) sink->on_end();
}

void Http2Session::fail(OpenStream& stream, Http2Failure failure) {
  stream.body = {};
  Http2StreamSink* sink = std::exchange(stream.sink, nullptr);
  if (sink != nullptr) sink->on_failure(failure);
}

void Http2Session::feed(std::string_view bytes) {
  const auto used = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (used < 0) error_ = nghttp2_strerror(static_cast<int>(used));
}

bool Http2Session::is_fine() {
  if (error_.empty() && !has_farewell_ && nghttp2_session_want_read(session_) == 0) {
    error_ = last_words_.empty() ? "frames that break the protocol" : last_words_;
  }
  return error_.empty();
}

std::string_view Http2Session::output() {
  output_.clear();
  for (;;) {
    const std::uint8_t* bytes = nullptr;
    const auto size = nghttp2_session_mem_send(session_, &bytes);
    if (size <= 0) break;
    output_ += view(bytes, static_cast<std::size_t>(size));
  }
  return output_;
}

}  // namespace tacho
