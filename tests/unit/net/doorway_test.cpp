// Connections that meet a mishap before they are served, and a port that refuses them.
#include "net/doorway.h"

#include <doctest/doctest.h>

#include "base/text.h"
#include "net/epoll_loop.h"
#include "net/http_server.h"
#include "net/world_loop.h"

using namespace std::chrono_literals;

namespace tacho {
namespace {

/// Answers each request with its own body.
struct Mirror final : RequestHandler {
  void on_request(ServerRequest& request) override {
    received = request.received();
    request.reply(200, "text/plain", request.body());
  }
  void on_abandoned(ServerRequest&) override {}
  Instant received = never;
};

constexpr std::string_view request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
constexpr std::string_view answer =
    "HTTP/1.1 200 OK\r\nserver: tacho\r\ncontent-type: text/plain\r\ncontent-length: "
    "5\r\n\r\nhello";

/// Sends a request as soon as it can, and hangs up where it is told to.
struct Caller final : StreamHandler {
  Caller(Loop& owner, const Address& address, Duration patience = Duration::max())
      : loop(owner), leave(owner, [this] { stream.reset(); }) {
    stream = loop.connect(address, *this);
    if (patience != Duration::max()) leave.arm(loop.now() + patience);
  }
  void on_connected() override { stream->write(request); }
  void on_bytes(std::string_view bytes, const Receipt& receipt) override {
    heard += bytes;
    heard_at = receipt.arrived;
  }
  void on_closed(const CloseReason& reason) override {
    closed = reason.kind;
    stream.reset();
  }
  Loop& loop;
  Timer leave;
  StreamPtr stream;
  std::string heard;
  Instant heard_at = never;
  std::optional<CloseReason::Kind> closed;
};

struct Met {
  std::string heard;
  std::optional<CloseReason::Kind> closed;
  Duration heard_after{0}, received_after{0};
};

Met meet(const ConnectionMishap& mishap, Duration patience = Duration::max()) {
  WorldOptions calm;
  calm.delay_min = calm.delay_max = 1ms;
  WorldLoop loop(calm);
  const Instant start = loop.now();
  Mirror mirror;
  HttpServerOptions options;
  options.mishap = [&] { return mishap; };
  HttpServer server(loop, mirror, options);
  const Address address = *resolve("127.0.0.1", 80);
  REQUIRE(server.listen(address).ok());
  Caller caller(loop, address, patience);
  loop.run();
  CHECK_FALSE(loop.has_hung());
  const auto after = [&](Instant at) { return happened(at) ? at - start : Duration(0); };
  return {caller.heard, caller.closed, after(caller.heard_at), after(mirror.received)};
}

TEST_CASE("a connection without a mishap is served as ever") {
  const Met met = meet({});
  CHECK(met.heard == answer);
  CHECK_FALSE(met.closed.has_value());
}

TEST_CASE("a connection that waits is served whole afterwards, and its request counts from then") {
  const Met met = meet({.wait = 500ms});
  CHECK(met.heard == answer);
  CHECK(met.received_after >= 500ms);
  CHECK(met.heard_after > met.received_after);
  CHECK(met.heard_after < 600ms);
}

TEST_CASE("a client that hangs up meanwhile leaves nothing behind") {
  const Met met = meet({.wait = 500ms}, 100ms);
  CHECK(met.heard.empty());
  CHECK(met.received_after == 0ms);
}

TEST_CASE("a connection ends after exactly so many bytes, with an end or a reset") {
  using End = ConnectionMishap::End;
  for (const std::size_t bytes : {0u, 1u, 40u, 70u}) {
    CAPTURE(bytes);
    const Met ended = meet({.end = End::close, .after_bytes = bytes});
    CHECK(ended.heard == answer.substr(0, bytes));
    CHECK(ended.closed == CloseReason::Kind::end);
    const Met broken = meet({.end = End::reset, .after_bytes = bytes});
    CHECK(answer.starts_with(broken.heard));  // A reset may overtake bytes.
    CHECK(broken.heard.size() <= bytes);
    CHECK(broken.closed == CloseReason::Kind::reset);
  }
  const Met whole = meet({.end = End::close, .after_bytes = 5000});
  CHECK(whole.heard == answer);
  CHECK_FALSE(whole.closed.has_value());
}

/// Who connects while the port is open, shut and open again.
template <class AnyLoop>
std::string through_the_door(AnyLoop& loop, const Address& address) {
  Mirror mirror;
  HttpServer server(loop, mirror, {});
  CHECK(server.refuse(true).ok());  // Before it listens there is nothing to shut.
  REQUIRE(server.listen(address).ok());
  Address place = *resolve("127.0.0.1", server.port());
  std::string said;
  for (const bool is_shut : {false, true, true, false}) {
    CHECK(server.refuse(is_shut).ok());
    CHECK(server.port() == place.port());
    Caller caller(loop, place);
    Timer look(loop, [&] {
      if (caller.heard.size() < answer.size() && !caller.closed) return look.arm(loop.now() + 1ms);
      loop.stop();
    });
    look.arm(loop.now());
    loop.run();
    said += caller.heard == answer                        ? "served "
            : caller.closed == CloseReason::Kind::refused ? "refused "
                                                          : "lost ";
  }
  return said;
}

TEST_CASE("a port that is shut refuses, and serves again when it is opened") {
  WorldLoop world{WorldOptions{}};
  CHECK(through_the_door(world, *resolve("127.0.0.1", 80)) == "served refused refused served ");
  auto loop = EpollLoop::create();
  REQUIRE(loop.ok());
  CHECK(through_the_door(**loop, *resolve("127.0.0.1", 0)) == "served refused refused served ");
}

}  // namespace
}  // namespace tacho
