// The tap on this machine's own kernel: every byte arrives, once, in order, with the kernel's time.
// Where the kernel or a missing privilege does not let us, the cases say so and check the refusal.
#include "net/tap.h"

#include <doctest/doctest.h>
#include <netinet/in.h>

#include <string>
#include <vector>

#include "net/epoll_loop.h"

using namespace std::chrono_literals;

namespace tacho {
namespace {

/// A server that sends each piece by itself, and stops the loop's clock on every send.
struct Sender final : StreamHandler, AcceptHandler {
  explicit Sender(Loop& loop, std::vector<std::string> to_send, Duration between)
      : pieces(std::move(to_send)), gap(between), clock(loop), next(loop, [this] { send_one(); }) {}

  StreamHandler& on_accept(StreamPtr accepted) override {
    stream = std::move(accepted);
    next.arm(clock.now());
    return *this;
  }
  void send_one() {
    if (sent == pieces.size()) {
      stream.reset();
      return;
    }
    before.push_back(clock.clock());
    stream->write(pieces[sent++]);
    after.push_back(clock.clock());
    next.arm(clock.now() + gap);
  }
  void on_connected() override {}
  void on_bytes(std::string_view, const Receipt&) override {}
  void on_closed(const CloseReason&) override {}

  std::vector<std::string> pieces;
  Duration gap;
  std::vector<Instant> before, after;
  std::size_t sent = 0;
  Loop& clock;
  Timer next;
  StreamPtr stream;
};

struct Receiver final : StreamHandler {
  explicit Receiver(EpollLoop& own) : loop(own) {}
  void on_connected() override {}
  void on_bytes(std::string_view bytes, const Receipt& receipt) override {
    got += bytes;
    receipts.push_back(receipt);
    has_enough = got.size() >= enough;
    if (has_enough) loop.stop();
  }
  void on_closed(const CloseReason& reason) override {
    closed = reason.kind;
    loop.stop();
  }
  EpollLoop& loop;
  std::string got;
  std::vector<Receipt> receipts;
  std::size_t enough = SIZE_MAX;  ///< Stops the loop at so many bytes.
  bool has_enough = false;
  CloseReason::Kind closed = CloseReason::Kind::reset;
};

Address loopback(std::uint16_t port) {
  Address address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  v4->sin_family = AF_INET;
  v4->sin_port = htons(port);
  v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.length = sizeof *v4;
  return address;
}

/// True when this machine has a tap; says why not.
bool has_tap(EpollLoop& loop, Duration hold) {
  const Status status = loop.use_tap(hold);
  if (status.ok()) return true;
  MESSAGE("no tap on this machine: " << status.error().message);
  CHECK(status.error().message.find("tap") != std::string::npos);
  return false;
}

TEST_CASE("through the tap each piece has the time at which the kernel received it") {
  auto loop = EpollLoop::create();
  REQUIRE(loop.ok());
  EpollLoop& l = **loop;
  if (!has_tap(l, 40ms)) return;
  std::vector<std::string> pieces;
  for (int i = 0; i < 40; ++i) pieces.push_back(std::string(static_cast<std::size_t>(i) + 1, 'a'));
  Sender sender(l, pieces, 1ms);
  auto listener = l.listen(loopback(0), sender);
  REQUIRE(listener.ok());
  Receiver receiver(l);
  StreamPtr stream = l.connect(loopback((*listener)->port()), receiver);
  l.run();

  std::string all;
  for (const auto& piece : pieces) all += piece;
  CHECK(receiver.got == all);
  CHECK(receiver.closed == CloseReason::Kind::end);
  REQUIRE(l.tap_counts().tapped == 1);
  CHECK(l.tap_counts().lost == 0);
  // Each piece was a segment of its own, and its time lies between the clocks around its sending.
  REQUIRE(receiver.receipts.size() == pieces.size());
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    CAPTURE(i);
    CHECK(receiver.receipts[i].stamps == Stamps::tap);
    CHECK(receiver.receipts[i].arrived >= sender.before[i]);
    CHECK(receiver.receipts[i].arrived <= sender.after[i]);
    CHECK(receiver.receipts[i].arrived <= receiver.receipts[i].read);
  }
  stream.reset();
}

TEST_CASE("the tap calls for the end of a chunked answer and lets the rest lie") {
  auto loop = EpollLoop::create();
  REQUIRE(loop.ok());
  EpollLoop& l = **loop;
  // Nothing is read for an hour, unless the tap calls.
  if (!has_tap(l, 1h)) return;
  Sender sender(l, {"HTTP/1.1 200 OK\r\n\r\n", "5\r\nhello\r\n", "3\r\nyou\r\n0\r\n\r\n"}, 1ms);
  auto listener = l.listen(loopback(0), sender);
  REQUIRE(listener.ok());
  Receiver receiver(l);
  StreamPtr stream = l.connect(loopback((*listener)->port()), receiver);
  l.run();
  CHECK(receiver.got == "HTTP/1.1 200 OK\r\n\r\n5\r\nhello\r\n3\r\nyou\r\n0\r\n\r\n");
  // One read for the whole answer: all pieces were read at one instant.
  REQUIRE(receiver.receipts.size() == 3);
  CHECK(receiver.receipts[0].read == receiver.receipts[2].read);
  CHECK(receiver.receipts[0].arrived < receiver.receipts[2].arrived);
  stream.reset();
}

TEST_CASE("the tap calls for an answer that is an error") {
  auto loop = EpollLoop::create();
  REQUIRE(loop.ok());
  EpollLoop& l = **loop;
  if (!has_tap(l, 1h)) return;
  Sender sender(l, {"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"}, 10s);
  auto listener = l.listen(loopback(0), sender);
  REQUIRE(listener.ok());
  Receiver receiver(l);
  receiver.enough = 1;
  StreamPtr stream = l.connect(loopback((*listener)->port()), receiver);
  l.run();
  REQUIRE(receiver.receipts.size() == 1);
  // Read before the end of the connection, which calls too and comes ten seconds later.
  CHECK(receiver.has_enough);
  stream.reset();
}

}  // namespace
}  // namespace tacho
