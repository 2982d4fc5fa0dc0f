// The virtual world itself: time that jumps, a network that is drawn, and a hang that is noticed.
#include "net/world_loop.h"

#include <doctest/doctest.h>

using namespace std::chrono_literals;

namespace tacho {
namespace {

/// A client that writes once, and a server that notes each read's size and times.
struct Talk final : StreamHandler, AcceptHandler {
  struct Server final : StreamHandler {
    StreamPtr stream;
    std::vector<std::size_t> sizes;
    std::vector<Receipt> receipts;
    std::string closed;
    void on_connected() override {}
    void on_bytes(std::string_view bytes, const Receipt& receipt) override {
      sizes.push_back(bytes.size());
      receipts.push_back(receipt);
    }
    void on_closed(const CloseReason& reason) override {
      closed = reason.kind == CloseReason::Kind::end ? "end" : "reset";
    }
  } server;
  StreamPtr stream;
  std::string text = std::string(1000, 'x');
  std::string closed;
  Instant connected = never;
  WorldLoop& loop;

  explicit Talk(WorldLoop& world) : loop(world) {}
  StreamHandler& on_accept(StreamPtr accepted) override {
    server.stream = std::move(accepted);
    return server;
  }
  void on_connected() override {
    connected = loop.now();
    stream->write(text);
  }
  void on_bytes(std::string_view, const Receipt&) override {}
  void on_closed(const CloseReason& reason) override {
    closed = reason.kind == CloseReason::Kind::refused ? "refused" : reason.detail;
  }

  void run() {
    const Address address = *resolve("127.0.0.1", 9);
    const auto listener = std::move(*loop.listen(address, *this));
    stream = loop.connect(address, *this);
    loop.run();
  }
};

TEST_CASE("the same seed draws the same network, another seed another") {
  const auto reads_of = [](std::uint64_t seed) {
    WorldOptions options;
    options.seed = Seed{seed};
    options.segment_bytes_max = 100;
    options.read_lag_max = 0us;
    WorldLoop loop(options);
    Talk talk(loop);
    talk.run();
    std::vector<std::int64_t> seen;
    for (std::size_t i = 0; i < talk.server.sizes.size(); ++i) {
      seen.push_back(static_cast<std::int64_t>(talk.server.sizes[i]));
      seen.push_back(to_ns(talk.server.receipts[i].arrived));
    }
    return seen;
  };
  CHECK(reads_of(1) == reads_of(1));
  CHECK(reads_of(1) != reads_of(2));
  CHECK(reads_of(1).size() > 2);
}

TEST_CASE("a fixed delay is kept to the nanosecond, and a day passes in no time") {
  WorldOptions options;
  options.delay_min = options.delay_max = 24h / 4;
  options.read_lag_max = 0us;
  options.cut_probability = 0.0;
  WorldLoop loop(options);
  const Instant start = loop.now();
  Talk talk(loop);
  talk.run();
  CHECK(talk.connected == start + 6h);
  REQUIRE(talk.server.receipts.size() == 1);
  CHECK(talk.server.receipts[0].arrived == start + 12h);
  CHECK(talk.server.receipts[0].read == start + 12h);
  CHECK(talk.server.receipts[0].stamps == Stamps::socket);
}

TEST_CASE(
    "segments have their size, arrive within the bounds, and what has arrived is read together") {
  WorldOptions options;
  options.segment_bytes_max = 10;
  options.delay_min = 100us;
  options.delay_max = 200us;
  options.read_lag_max = 50us;
  WorldLoop loop(options);
  Talk talk(loop);
  talk.run();
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < talk.server.sizes.size(); ++i) {
    bytes += talk.server.sizes[i];
    const Receipt& receipt = talk.server.receipts[i];
    CHECK(receipt.arrived - talk.connected >= 100us);
    CHECK(receipt.arrived - talk.connected <= 200us);
    CHECK(receipt.read >= receipt.arrived);
    CHECK(receipt.read - receipt.arrived <= 50us);
  }
  CHECK(bytes == 1000);
  CHECK(talk.server.sizes.size() < 100);
}

TEST_CASE("a network that breaks everything breaks both ends") {
  WorldOptions options;
  options.reset_probability = 1.0;
  WorldLoop loop(options);
  Talk talk(loop);
  talk.run();
  CHECK(talk.closed == "Connection reset by peer");
  CHECK(talk.server.closed == "reset");
  CHECK(talk.server.sizes.empty());
}

TEST_CASE("a world can refuse though someone listens, and read without stamps") {
  WorldOptions options;
  options.refuse_probability = 1.0;
  WorldLoop refusing(options);
  Talk refused(refusing);
  refused.run();
  CHECK(refused.closed == "refused");

  options.refuse_probability = 0.0;
  options.unstamped_probability = 1.0;
  WorldLoop unstamped(options);
  Talk talk(unstamped);
  talk.run();
  REQUIRE_FALSE(talk.server.receipts.empty());
  CHECK(talk.server.receipts[0].stamps == Stamps::read);
  CHECK(talk.server.receipts[0].arrived == talk.server.receipts[0].read);
}

TEST_CASE("each look at the clock takes its time, and a stalled thread is late for its timers") {
  WorldOptions options;
  options.clock_tick = 100ns;
  WorldLoop ticking(options);
  const Instant start = ticking.now();
  CHECK(ticking.clock() == start + 100ns);
  CHECK(ticking.clock() == start + 200ns);
  CHECK(ticking.now() == start);
  Instant fired = never;
  Timer timer(ticking, [&] { fired = ticking.now(); });
  timer.arm(start);
  ticking.run();
  CHECK(fired == start + 200ns);

  options.stall_probability = 1.0;
  options.stall_max = 1ms;
  WorldLoop stalling(options);
  Timer late(stalling, [&] { fired = stalling.now(); });
  late.arm(stalling.now() + 1s);
  const Instant due = late.when();
  stalling.run();
  CHECK(fired > due);
  CHECK(fired <= due + 1ms);
}

TEST_CASE("a world that never comes to rest is stopped and says so") {
  WorldOptions options;
  options.time_max = 1s;
  WorldLoop loop(options);
  int fired = 0;
  Timer timer(loop, [&] {
    ++fired;
    timer.arm(loop.now() + 1ms);
  });
  timer.arm(loop.now());
  loop.run();
  CHECK(loop.has_hung());
  CHECK(fired == 1001);
}

TEST_CASE("a connection that nobody has accepted yet is broken when its listener goes") {
  WorldOptions options;
  options.delay_min = options.delay_max = 1ms;
  WorldLoop loop(options);
  Talk talk(loop);
  const Address address = *resolve("127.0.0.1", 9);
  auto listener = std::move(*loop.listen(address, talk));
  Timer closer(loop, [&] { listener.reset(); });
  closer.arm(loop.now() + 1500us);
  talk.stream = loop.connect(address, talk);
  loop.run();
  CHECK(happened(talk.connected));
  CHECK(talk.closed == "Connection reset by peer");
  CHECK(talk.server.sizes.empty());
}

}  // namespace
}  // namespace tacho
