// The session against nghttp2's own server side, byte by byte and in whole reads.
#include "net/http2.h"

#include <doctest/doctest.h>
#include <nghttp2/nghttp2.h>

#include <map>
#include <vector>

#include "base/text.h"

namespace tacho {
namespace {

/// A server that notes what it hears, and says what the test tells it to.
struct Peer {
  Peer() {
    nghttp2_session_callbacks* table = nullptr;
    nghttp2_session_callbacks_new(&table);
    nghttp2_session_callbacks_set_on_header_callback(
        table, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                  std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                  std::uint8_t, void* user) {
          auto& line = static_cast<Peer*>(user)->heard[frame->hd.stream_id];
          line.append(reinterpret_cast<const char*>(name), name_size) += '=';
          line.append(reinterpret_cast<const char*>(value), value_size) += ' ';
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        table, [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                  std::size_t size, void* user) {
          static_cast<Peer*>(user)->heard[id].append(reinterpret_cast<const char*>(data), size);
          return 0;
        });
    nghttp2_session_server_new(&session, table, this);
    nghttp2_session_callbacks_del(table);
  }
  ~Peer() { nghttp2_session_del(session); }

  void settle(std::uint32_t streams_max) {
    const nghttp2_settings_entry entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, streams_max};
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, &entry, 1);
  }
  void feed(std::string_view bytes) {
    CHECK(nghttp2_session_mem_recv(session, reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                   bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  std::string output() {
    std::string all;
    const std::uint8_t* bytes = nullptr;
    for (ssize_t size = 0; (size = nghttp2_session_mem_send(session, &bytes)) > 0;) {
      all.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    }
    return all;
  }
  void head(std::int32_t stream, std::string_view status, bool is_last) {
    std::string name = ":status", text(status);
    const nghttp2_nv field{reinterpret_cast<std::uint8_t*>(name.data()),
                           reinterpret_cast<std::uint8_t*>(text.data()), name.size(), text.size(),
                           NGHTTP2_NV_FLAG_NONE};
    nghttp2_submit_headers(session, is_last ? NGHTTP2_FLAG_END_STREAM : NGHTTP2_FLAG_NONE, stream,
                           nullptr, &field, 1, nullptr);
  }
  void body(std::int32_t stream, std::string text) {
    bodies[stream] = std::move(text);
    nghttp2_data_provider data{};
    data.source.ptr = &bodies[stream];
    data.read_callback = [](nghttp2_session*, std::int32_t, std::uint8_t* buffer, std::size_t,
                            std::uint32_t* flags, nghttp2_data_source* source, void*) -> ssize_t {
      const auto& left = *static_cast<std::string*>(source->ptr);
      std::copy(left.begin(), left.end(), buffer);
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      return static_cast<ssize_t>(left.size());
    };
    nghttp2_submit_data(session, NGHTTP2_FLAG_END_STREAM, stream, &data);
  }

  nghttp2_session* session = nullptr;
  std::map<std::int32_t, std::string> heard;
  std::map<std::int32_t, std::string> bodies;
};

struct Answer final : Http2StreamSink {
  void on_serialized() override { said += "sent "; }
  void on_head(HttpHead&& head) override { said += format("{} ", head.status); }
  void on_body(std::string_view bytes) override { body += bytes; }
  void on_end() override { said += "end"; }
  void on_failure(const Http2Failure& failure) override {
    const char* kinds[] = {"reset", "unprocessed", "malformed"};
    said += format("{}: {}", kinds[static_cast<int>(failure.kind)], failure.detail);
  }
  std::string said, body;
};

struct Talk final : Http2SessionSink {
  void on_streams_max(std::size_t streams) override { streams_max = streams; }
  void on_going_away() override { is_going_away = true; }

  /// Lets each hear what the other has to say, in pieces of this size, until both are silent.
  void exchange(std::size_t piece = SIZE_MAX) {
    for (bool is_busy = true; is_busy;) {
      const std::string ours(session.output());
      if (!ours.empty()) peer.feed(ours);
      const std::string theirs = peer.output();
      for (std::size_t at = 0; at < theirs.size(); at += std::min(piece, theirs.size() - at)) {
        session.feed(std::string_view(theirs).substr(at, piece));
        is_fine = session.is_fine() && is_fine;
      }
      is_busy = !ours.empty() || !theirs.empty();
    }
  }

  Peer peer;
  Http2Session session{*this, true};
  std::size_t streams_max = 0;
  bool is_going_away = false;
  bool is_fine = true;
};

const std::string post =
    "POST /v1/x HTTP/1.1\r\nHost: h:8\r\nConnection: keep-alive\r\nX-A: b c\r\nContent-Length: "
    "4\r\n"
    "\r\nbody";

TEST_CASE("a request in HTTP/1.1's words arrives as HTTP/2's, and its answer comes back") {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, SIZE_MAX}) {
    Talk talk;
    talk.peer.settle(17);
    talk.exchange(piece);
    CHECK(talk.streams_max == 17);
    Answer answer;
    const std::int32_t stream = talk.session.submit(post, answer);
    talk.exchange(piece);
    CHECK(talk.peer.heard[stream] ==
          ":method=POST :scheme=https :path=/v1/x :authority=h:8 x-a=b c content-length=4 body");
    talk.peer.head(stream, "103", false);  // An interim answer is none.
    talk.peer.head(stream, "200", false);
    talk.peer.body(stream, "data: 1\n\n");
    talk.exchange(piece);
    CHECK(answer.said == "sent 200 end");
    CHECK(answer.body == "data: 1\n\n");
    CHECK(talk.is_fine);
  }
}

TEST_CASE("a reset, a refusal and a farewell are told apart") {
  Talk talk;
  talk.peer.settle(9);
  Answer reset, refused, late;
  const std::int32_t first = talk.session.submit(post, reset);
  const std::int32_t second = talk.session.submit(post, refused);
  const std::int32_t third = talk.session.submit(post, late);
  talk.exchange();
  nghttp2_submit_rst_stream(talk.peer.session, 0, first, NGHTTP2_INTERNAL_ERROR);
  nghttp2_submit_rst_stream(talk.peer.session, 0, second, NGHTTP2_REFUSED_STREAM);
  talk.exchange();
  CHECK(reset.said == "sent reset: the server reset the stream (INTERNAL_ERROR)");
  CHECK(refused.said == "sent unprocessed: the server refused the stream");
  nghttp2_submit_goaway(talk.peer.session, 0, second, NGHTTP2_NO_ERROR, nullptr, 0);
  talk.exchange();
  CHECK(talk.is_going_away);
  CHECK(late.said == "sent unprocessed: the server refused the stream");
  CHECK(third > second);
}

TEST_CASE("what was given up says nothing more") {
  Talk talk;
  talk.peer.settle(9);
  Answer answer;
  const std::int32_t stream = talk.session.submit(post, answer);
  talk.exchange();
  talk.peer.head(stream, "200", false);
  const std::string under_way = talk.peer.output();
  talk.session.cancel(stream);
  talk.session.feed(under_way);
  CHECK(talk.session.is_fine());
  talk.exchange();
  CHECK(answer.said == "sent ");
}

TEST_CASE("bytes that are no frames end the session with a reason") {
  Talk talk;
  talk.session.feed("HTTP/1.1 400 Bad Request\r\n\r\n and more of that");
  talk.session.output();
  CHECK_FALSE(talk.session.is_fine());
  CHECK_FALSE(talk.session.error().empty());
}

}  // namespace
}  // namespace tacho
