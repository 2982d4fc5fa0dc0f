// The server's side of HTTP: requests however they come in, answers in order, connections kept and
// closed as agreed.
#include "net/http_server.h"

#include <doctest/doctest.h>

#include <functional>

#include "base/text.h"
#include "net/world_loop.h"

using namespace std::chrono_literals;

namespace tacho {
namespace {

/// Answers with what it was asked; "/slow" waits, "/stream" streams, "/reset" and "/close" break
/// off in the middle.
struct Echo final : RequestHandler {
  explicit Echo(WorldLoop& world)
      : loop(world), slow(world, [this] { waiting->reply(200, "text/plain", "slow"); }) {}
  void on_request(ServerRequest& request) override {
    const std::string target = request.head().target;
    log += format("{} {} '{}'\n", request.head().method, target, request.body());
    received.push_back(request.received());
    if (target == "/slow") {
      waiting = &request;
      slow.arm(loop.now() + 10ms);
    } else if (target == "/never") {
      waiting = &request;
    } else if (target == "/stream") {
      request.begin_stream("text/event-stream");
      request.send_piece("one ");
      request.send_piece("two ");
      request.end_stream("three");
    } else if (target == "/bare") {
      request.begin_stream("text/plain", BodyFraming::until_close);
      request.send_piece("all ");
      request.end_stream("of it");
    } else if (target == "/trailers") {
      request.begin_stream("text/plain");
      request.end_stream("", format("x-number: {}\r\n", request.number()));
    } else if (target == "/half") {
      request.begin_stream("text/plain");
      request.send_piece("half");
      request.half_close();
    } else if (target == "/reset" || target == "/close") {
      request.begin_stream("text/plain");
      request.send_piece("half");
      request.break_off(target == "/reset");
    } else {
      request.reply(200, "text/plain", request.body(), "x-a: b\r\n");
    }
  }
  void on_abandoned(ServerRequest& request) override {
    log += format("abandoned {}\n", request.head().target);
    slow.cancel();
  }
  WorldLoop& loop;
  Timer slow;
  ServerRequest* waiting = nullptr;
  std::string log;
  std::vector<Instant> received;
};

/// Writes bytes at given times and notes all that comes back.
struct RawClient final : StreamHandler {
  RawClient(WorldLoop& world, const Address& address,
            std::vector<std::pair<Duration, std::string>> bytes)
      : loop(world), writes(std::move(bytes)), next(world, [this] { write_next(); }) {
    stream = loop.connect(address, *this);
  }
  void on_connected() override { next.arm(loop.now() + writes.at(0).first); }
  void write_next() {
    const std::string& bytes = writes[step++].second;
    if (bytes == "drop") return stream.reset();
    stream->write(bytes);
    if (step < writes.size()) next.arm(loop.now() + writes[step].first);
  }
  void on_bytes(std::string_view bytes, const Receipt&) override { heard += bytes; }
  void on_closed(const CloseReason& reason) override {
    closed = reason.kind == CloseReason::Kind::end ? "end" : "reset";
    closed_at = loop.now();
  }
  WorldLoop& loop;
  std::vector<std::pair<Duration, std::string>> writes;
  std::size_t step = 0;
  StreamPtr stream;
  Timer next;
  std::string heard;
  std::string closed = "open";
  Instant closed_at = never;
};

struct Conversation {
  std::string heard, log, closed;
  Duration closed_after{0};
  std::vector<Instant> received;
};

Conversation talk(std::vector<std::pair<Duration, std::string>> bytes,
                  HttpServerOptions options = {}, WorldOptions world = {}) {
  world.delay_min = world.delay_max = 1ms;
  WorldLoop loop(world);
  const Instant start = loop.now();
  Echo echo(loop);
  HttpServer server(loop, echo, options);
  const Address address = *resolve("127.0.0.1", 80);
  REQUIRE(server.listen(address).ok());
  RawClient client(loop, address, std::move(bytes));
  loop.run();
  const bool has_closed = happened(client.closed_at);
  const Duration closed_after = has_closed ? client.closed_at - start : Duration(0);
  return {client.heard, echo.log, client.closed, closed_after, echo.received};
}

std::string post(std::string_view target, std::string_view body) {
  return format("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}", target, body.size(),
                body);
}

std::string reply_of(std::string_view body) {
  return format(
      "HTTP/1.1 200 OK\r\nserver: tacho\r\ncontent-type: text/plain\r\nx-a: b\r\ncontent-length: "
      "{}\r\n\r\n{}",
      body.size(), body);
}

TEST_CASE("a request is answered, and the connection kept") {
  const Conversation c = talk({{0ms, post("/a", "hello")}});
  CHECK(c.log == "POST /a 'hello'\n");
  CHECK(c.heard == reply_of("hello"));
  CHECK(c.closed == "open");
}

TEST_CASE(
    "requests that come in a row, in one piece or in any pieces, are answered in their order") {
  const std::string three = post("/slow", "1") + post("/stream", "") + post("/c", "3");
  const std::string expected =
      "HTTP/1.1 200 OK\r\nserver: tacho\r\ncontent-type: text/plain\r\ncontent-length: "
      "4\r\n\r\nslow"
      "HTTP/1.1 200 OK\r\nserver: tacho\r\ncontent-type: text/event-stream\r\ncache-control: "
      "no-cache\r\n"
      "transfer-encoding: chunked\r\n\r\n4\r\none \r\n4\r\ntwo \r\n5\r\nthree\r\n0\r\n\r\n" +
      reply_of("3");
  for (std::size_t cut = 1; cut < three.size(); ++cut) {
    CAPTURE(cut);
    const Conversation c = talk({{0ms, three.substr(0, cut)}, {3ms, three.substr(cut)}});
    CHECK(c.heard == expected);
    CHECK(c.log == "POST /slow '1'\nPOST /stream ''\nPOST /c '3'\n");
  }
  CHECK(talk({{0ms, three}}).heard == expected);
}

TEST_CASE("a request is received when its last byte has arrived") {
  const std::string request = post("/a", "hello");
  const Conversation c = talk({{0ms, request.substr(0, 20)}, {7ms, request.substr(20)}});
  REQUIRE(c.received.size() == 1);
  // Connected after 1 ms, the rest written after 7 ms more, and 1 ms on its way.
  CHECK(c.received[0] == instant_from_ns(1'000'000'000) + 9ms);
}

TEST_CASE("a client that asks to close, and HTTP/1.0, end the connection after the answer") {
  for (const std::string request :
       {"GET /a HTTP/1.1\r\nConnection: close\r\n\r\n", "GET /a HTTP/1.0\r\n\r\n"}) {
    const Conversation c = talk({{0ms, request}});
    CHECK(c.heard.find("connection: close\r\n") != std::string::npos);
    CHECK(c.heard.ends_with("content-length: 0\r\n\r\n"));
    CHECK(c.closed == "end");
  }
  CHECK(talk({{0ms, "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"}}).closed == "open");
}

TEST_CASE("a connection ends after so many answers, or after so much idleness") {
  const Conversation limited =
      talk({{0ms, post("/a", "1") + post("/a", "2")}}, {.requests_per_connection_max = 2});
  CHECK(limited.closed == "end");
  CHECK(limited.log == "POST /a '1'\nPOST /a '2'\n");
  const Conversation idle =
      talk({{0ms, post("/a", "1")}, {30ms, post("/a", "2")}}, {.idle_timeout = 50ms});
  CHECK(idle.closed == "end");
  // 1 ms to connect, 30 ms later the second request, 1 ms on its way, 50 ms of idleness, and 1 ms
  // back.
  CHECK(idle.closed_after >= 83ms);
  CHECK(idle.closed_after < 84ms);
}

TEST_CASE("idleness does not cut off an answer that the client is slow to take") {
  WorldOptions slow;
  slow.room = 100;
  const std::string body(20'000, 'x');
  const Conversation c = talk({{0ms, post("/a", body)}}, {.idle_timeout = 5ms}, slow);
  CHECK(c.heard == reply_of(body));
  CHECK(c.closed == "end");
}

TEST_CASE("an answer that says close is whole even when the client is slow to take it") {
  WorldOptions slow;
  slow.room = 100;
  const std::string body(20'000, 'x');
  const Conversation c = talk({{0ms, post("/a", body)}}, {.requests_per_connection_max = 1}, slow);
  CHECK(c.heard.ends_with("\r\n\r\n" + body));
  CHECK(c.closed == "end");
}

TEST_CASE("100 Continue is said to those who wait for it") {
  const Conversation c =
      talk({{0ms, "POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"},
            {5ms, "ok"}});
  CHECK(c.heard == "HTTP/1.1 100 Continue\r\n\r\n" + reply_of("ok"));
}

TEST_CASE("what is no HTTP is answered with 400 and the reason") {
  const Conversation c = talk({{0ms, "hello\r\n"}});
  CHECK(c.heard.starts_with("HTTP/1.1 400 Bad Request\r\n"));
  CHECK(c.heard.ends_with("\r\n\r\nnot an HTTP/1.1 request"));
  CHECK(c.closed == "end");
  CHECK(c.log == "");
}

TEST_CASE("an answer can be broken off, by a reset or by an end") {
  const Conversation closed = talk({{0ms, post("/close", "")}});
  CHECK(closed.heard.ends_with("4\r\nhalf\r\n"));
  CHECK(closed.closed == "end");
  CHECK(talk({{0ms, post("/reset", "")}}).closed == "reset");
}

TEST_CASE(
    "a client that goes away before its answer is reported once, also with another request "
    "behind") {
  CHECK(talk({{0ms, post("/never", "")}, {5ms, "drop"}}).log ==
        "POST /never ''\nabandoned /never\n");
  CHECK(talk({{0ms, post("/slow", "")}, {5ms, "drop"}}).log == "POST /slow ''\nabandoned /slow\n");
  CHECK(talk({{0ms, post("/never", "") + post("/a", "")}, {5ms, "drop"}}).log ==
        "POST /never ''\nabandoned /never\n");
  CHECK(talk({{0ms, post("/a", "")}, {5ms, "drop"}}).log == "POST /a ''\n");
}

TEST_CASE("a port that is taken cannot be listened on") {
  WorldLoop loop({});
  Echo echo(loop);
  HttpServer first(loop, echo, {}), second(loop, echo, {});
  const Address address = *resolve("127.0.0.1", 80);
  REQUIRE(first.listen(address).ok());
  CHECK(first.port() == 80);
  CHECK_FALSE(second.listen(address).ok());
}

TEST_CASE(
    "twenty thousand requests at once are answered one after the other, not inside each other") {
  constexpr int count = 20'000;
  std::string requests;
  for (int i = 0; i < count; ++i) requests += "GET /a HTTP/1.1\r\n\r\n";
  const Conversation c = talk({{0ms, post("/slow", "") + requests}});
  CHECK(split(c.log, '\n').size() == count + 2);
  CHECK(c.heard.ends_with(reply_of("") + reply_of("")));
  CHECK(c.closed == "open");
}

TEST_CASE("a request that came early is no idle connection") {
  HttpServerOptions options;
  options.idle_timeout = 5ms;
  const Conversation c = talk({{0ms, post("/a", "x") + post("/slow", "")}}, options);
  CHECK(c.heard.ends_with("slow"));
  CHECK(c.closed == "end");
}

TEST_CASE("after its last answer a connection reads nothing more") {
  const Conversation c =
      talk({{0ms, "GET /a HTTP/1.1\r\nConnection: close\r\n\r\n" + post("/b", "")}});
  CHECK(c.log == "GET /a ''\n");
  CHECK(c.closed == "end");
}

TEST_CASE("a client that sends without end and waits for no answer is given up") {
  std::vector<std::pair<Duration, std::string>> bytes{{0ms, post("/never", "")}};
  for (int i = 0; i < 70; ++i) bytes.emplace_back(0ms, std::string(1u << 20, 'x'));
  const Conversation c = talk(std::move(bytes));
  CHECK(c.log == "POST /never ''\nabandoned /never\n");
  CHECK(c.closed == "reset");
}

TEST_CASE("a body may end with the connection, or with trailers, or stay half closed") {
  const Conversation bare = talk({{0ms, post("/bare", "")}});
  CHECK(bare.heard.ends_with("connection: close\r\ncache-control: no-cache\r\n\r\nall of it"));
  CHECK(bare.closed == "end");
  const Conversation trailers = talk({{0ms, post("/a", "x") + post("/trailers", "")}});
  CHECK(trailers.heard.ends_with("\r\n\r\n0\r\nx-number: 2\r\n\r\n"));
  CHECK(trailers.closed == "open");
  const Conversation half = talk({{0ms, post("/half", "")}, {5ms, "more"}});
  CHECK(half.heard.ends_with("4\r\nhalf\r\n"));
  CHECK(half.closed == "end");
}

TEST_CASE("a request that is too large is refused at its head, and its rest is thrown away") {
  HttpServerOptions options;
  options.body_bytes_max = 10;
  options.error_type = "application/json";
  options.error_body = [](int status, std::string_view why) {
    return format("{} {}", status, why);
  };
  const std::string head = "POST /a HTTP/1.1\r\nContent-Length: 11\r\n\r\n";
  for (const char* rest : {"", "hello", "hello world"}) {
    const Conversation c = talk({{0ms, head}, {1ms, rest}}, options);
    CHECK(c.heard.starts_with("HTTP/1.1 413 "));
    CHECK(c.heard.ends_with("\r\n\r\n413 a request may have 10 bytes at most"));
    CHECK(c.closed == "end");
    CHECK(c.log == "");
  }
  const Conversation chunked =
      talk({{0ms, "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n"}},
           options);
  CHECK(chunked.heard.starts_with("HTTP/1.1 413 "));
  CHECK(talk({{0ms, "POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n"}},
             options)
            .heard.starts_with("HTTP/1.1 413 "));
  CHECK(talk({{0ms, post("/a", "0123456789")}}, options).log == "POST /a '0123456789'\n");
}

TEST_CASE("connections beyond the bound are reset, and a place that gets free is taken again") {
  WorldOptions calm;
  calm.delay_min = calm.delay_max = 1ms;
  WorldLoop loop(calm);
  Echo echo(loop);
  HttpServer server(loop, echo, {.connections_max = 1});
  const Address address = *resolve("127.0.0.1", 80);
  REQUIRE(server.listen(address).ok());
  RawClient first(loop, address, {{5ms, post("/a", "1")}, {5ms, "drop"}});
  RawClient second(loop, address, {{5ms, post("/b", "2")}});
  loop.run();
  CHECK(echo.log == "POST /a '1'\n");
  CHECK(second.closed == "reset");
  RawClient third(loop, address, {{0ms, post("/c", "3")}});
  loop.run();
  CHECK(third.heard == reply_of("3"));
}

}  // namespace
}  // namespace tacho
