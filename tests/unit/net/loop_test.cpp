// What every Loop promises, held against both of them: the one on real sockets and the one of the
// virtual world. Nothing here waits for a time to pass; the real one runs over loopback until all
// has happened.
#include "net/loop.h"

#include <doctest/doctest.h>

#include <functional>

#include "net/epoll_loop.h"
#include "net/world_loop.h"

using namespace std::chrono_literals;

namespace tacho {
namespace {

/// Runs the test on each kind of loop.
void on_each_loop(const std::function<void(Loop&)>& test) {
  {
    INFO("on sockets");
    auto loop = EpollLoop::create();
    REQUIRE(loop.ok());
    test(**loop);
  }
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("in the virtual world, seed ", seed);
    WorldOptions options;
    options.seed = Seed{seed};
    options.cut_probability = 0.1 * static_cast<double>(seed % 10);
    options.room = seed % 3 == 0 ? 1000 : 0;
    WorldLoop loop(options);
    test(loop);
    CHECK_FALSE(loop.has_hung());
  }
}

/// One end of a connection that notes what happens to it, and does what the test says then.
struct End final : StreamHandler {
  StreamPtr stream;
  std::string events;
  std::string heard;
  std::size_t flushes = 0;
  Receipt last;
  bool went_back = false;
  std::function<void()> then_connected = [] {};
  std::function<void()> then_bytes = [] {};
  std::function<void()> then_closed = [] {};

  void on_connected() override {
    events += "connected ";
    then_connected();
  }
  void on_bytes(std::string_view bytes, const Receipt& receipt) override {
    if (heard.empty()) events += "bytes ";
    went_back = went_back || receipt.read < receipt.arrived || receipt.read < last.read;
    last = receipt;
    heard += bytes;
    then_bytes();
  }
  void on_flushed() override { ++flushes; }
  void on_closed(const CloseReason& reason) override {
    const char* names[] = {"end",       "reset",     "refused", "not_tls",
                           "untrusted", "not_http2", "denied"};
    events += names[static_cast<int>(reason.kind)];
    then_closed();
  }
};

/// A listener whose connections all go to one End.
struct Door final : AcceptHandler {
  explicit Door(Loop& loop) {
    auto address = resolve("127.0.0.1", 0);
    auto opened = loop.listen(*address, *this);
    REQUIRE(opened.ok());
    listener = std::move(*opened);
  }
  StreamHandler& on_accept(StreamPtr stream) override {
    inside.stream = std::move(stream);
    ++accepted;
    then_accepted();
    return inside;
  }
  Address address() const { return *resolve("127.0.0.1", listener->port()); }
  std::unique_ptr<Listener> listener;
  End inside;
  int accepted = 0;
  std::function<void()> then_accepted = [] {};
};

TEST_CASE("bytes go both ways, in order and whole, then the end") {
  on_each_loop([](Loop& loop) {
    Door door(loop);
    End client;
    const std::string large(300'000, 'x');
    client.then_connected = [&] { client.stream->write("hello " + large + "."); };
    door.inside.then_bytes = [&] {
      if (!door.inside.heard.ends_with('.')) return;
      door.inside.stream->write("bye");
      door.inside.stream->shut_down();
    };
    client.then_closed = [&] { loop.stop(); };
    client.stream = loop.connect(door.address(), client);
    CHECK(client.events == "");  // Nothing is reported within connect().
    loop.run();
    CHECK(client.events == "connected bytes end");
    CHECK(client.heard == "bye");
    CHECK(door.inside.heard == "hello " + large + ".");
    CHECK(client.stream->is_flushed());
    CHECK(happened(client.stream->last_write()));
    CHECK_FALSE(client.went_back);
    CHECK_FALSE(door.inside.went_back);
    CHECK(client.last.arrived >= client.stream->last_write());
  });
}

TEST_CASE("a port that nobody listens on refuses") {
  on_each_loop([](Loop& loop) {
    Address nobody;
    {
      Door door(loop);
      nobody = door.address();
    }
    End client;
    client.then_closed = [&] { loop.stop(); };
    client.stream = loop.connect(nobody, client);
    CHECK(client.events == "");
    loop.run();
    CHECK(client.events == "refused");
  });
}

TEST_CASE("an abort is a reset for the peer, and nothing more for oneself") {
  on_each_loop([](Loop& loop) {
    Door door(loop);
    End client;
    client.then_connected = [&] { client.stream->write("x"); };
    door.inside.then_bytes = [&] {
      door.inside.stream->abort();
      door.inside.stream->write("never heard");
    };
    client.then_closed = [&] { loop.stop(); };
    client.stream = loop.connect(door.address(), client);
    loop.run();
    CHECK(client.events == "connected reset");
    CHECK(door.inside.events == "bytes ");
  });
}

TEST_CASE(
    "dropping a stream is a clean end for the peer, and what was written before still comes") {
  on_each_loop([](Loop& loop) {
    Door door(loop);
    End client;
    door.then_accepted = [&] {
      door.inside.stream->write("last words");
      door.inside.stream.reset();
    };
    client.then_closed = [&] { loop.stop(); };
    client.stream = loop.connect(door.address(), client);
    loop.run();
    CHECK(client.events == "connected bytes end");
    CHECK(client.heard == "last words");
  });
}

TEST_CASE("a stream may be dropped within each of its own calls") {
  on_each_loop([](Loop& loop) {
    Door door(loop);
    End first, second, third;
    first.then_connected = [&] { first.stream.reset(); };
    second.then_connected = [&] { second.stream->write("x"); };
    door.inside.then_bytes = [&] { door.inside.stream.reset(); };
    second.then_closed = [&] {
      second.stream.reset();
      Address nobody = *resolve("127.0.0.1", 1);
      third.stream = loop.connect(nobody, third);
    };
    third.then_closed = [&] {
      third.stream.reset();
      loop.stop();
    };
    first.stream = loop.connect(door.address(), first);
    second.stream = loop.connect(door.address(), second);
    loop.run();
    CHECK(first.events == "connected ");
    CHECK(third.events == "refused");
  });
}

TEST_CASE("reading goes on after we have said that no more will come") {
  on_each_loop([](Loop& loop) {
    Door door(loop);
    End client;
    client.then_connected = [&] {
      client.stream->write("question");
      client.stream->shut_down();
    };
    door.then_accepted = [&] { door.inside.stream->write("answer"); };
    client.then_closed = [&] { loop.stop(); };
    client.stream = loop.connect(door.address(), client);
    loop.run();
    CHECK(client.heard == "answer");
    CHECK(door.inside.heard == "question");
    CHECK(client.events == "connected bytes end");
  });
}

TEST_CASE("what the kernel does not take at once is flushed later, and said to be") {
  on_each_loop([](Loop& loop) {
    Door door(loop);
    End client;
    const bool is_real = dynamic_cast<EpollLoop*>(&loop) != nullptr;
    const std::string large(is_real ? 8'000'000 : 100'000, 'x');
    bool was_held_back = false;
    client.then_connected = [&] {
      client.stream->write(large);
      was_held_back = !client.stream->is_flushed();
      client.stream->shut_down();
    };
    door.inside.then_closed = [&] { loop.stop(); };
    client.stream = loop.connect(door.address(), client);
    loop.run();
    CHECK(door.inside.heard.size() == large.size());
    CHECK(client.flushes == (was_held_back ? 1 : 0));
  });
}

TEST_CASE("a port is listened on once, and is free again when its listener is dropped") {
  on_each_loop([](Loop& loop) {
    auto door = std::make_unique<Door>(loop);
    const Address address = door->address();
    const auto second = loop.listen(address, *door);
    REQUIRE_FALSE(second.ok());
    CHECK(second.error().kind == Error::Kind::world);
    CHECK(second.error().message.find(address.text) != std::string::npos);
    Door other(loop);
    door.reset();
    CHECK(loop.listen(address, other).ok());
  });
}

TEST_CASE("timers fire in the order of their times, then of their arming, and never before") {
  on_each_loop([](Loop& loop) {
    std::string order;
    Instant fired = never;
    Timer b(loop, [&] { order += 'b'; });
    Timer a(loop, [&] { order += 'a'; });
    Timer c(loop, [&] { order += 'c', fired = loop.now(); });
    Timer d(loop, [&] { order += 'd'; });
    const Instant start = loop.now();
    c.arm(start + 300us);
    a.arm(start + 100us);
    b.arm(start + 200us);
    d.arm(start + 300us);
    CHECK(c.is_armed());
    CHECK(c.when() == start + 300us);
    loop.run();
    CHECK(order == "abcd");
    CHECK(fired >= start + 300us);
    CHECK_FALSE(c.is_armed());
  });
}

TEST_CASE(
    "a timer can be armed again, cancelled and dropped, also by itself and by another's action") {
  on_each_loop([](Loop& loop) {
    std::string order;
    const Instant start = loop.now();
    Timer again(loop, [&] {
      order += 'x';
      if (order.size() < 3)
        again.arm(start + 1ms);  // Which is over: at once, but not within this call.
    });
    auto dropped = std::make_unique<Timer>(loop, [&] { order += '!'; });
    Timer cancelled(loop, [&] { order += '!'; });
    Timer moved(loop, [&] { order += 'm'; });
    Timer first(loop, [&] {
      cancelled.cancel();
      dropped.reset();
    });
    moved.arm(start);
    moved.arm(start + 2ms);  // The earlier arming is forgotten.
    first.arm(start + 500us);
    cancelled.arm(start + 600us);
    dropped->arm(start + 600us);
    again.arm(start + 1ms);
    cancelled.cancel();
    cancelled.cancel();
    cancelled.arm(start + 600us);
    loop.run();
    CHECK(order == "xxxm");
  });
}

TEST_CASE(
    "many timers, armed, moved and cancelled at random, fire in the order that a sort gives") {
  WorldLoop loop({});
  Random random(Seed{3}, "timers");
  std::vector<std::unique_ptr<Timer>> timers;
  std::vector<std::pair<std::int64_t, std::size_t>> fired;
  for (std::size_t i = 0; i < 2000; ++i) {
    timers.push_back(
        std::make_unique<Timer>(loop, [&, i] { fired.emplace_back(to_ns(loop.now()), i); }));
  }
  for (int move = 0; move < 6000; ++move) {
    Timer& timer = *timers[random.below(timers.size())];
    if (random.below(4) == 0) {
      timer.cancel();
    } else {
      timer.arm(loop.now() + Duration(random.below(500)));
    }
  }
  std::vector<std::pair<std::int64_t, std::size_t>> expected;
  for (std::size_t i = 0; i < timers.size(); ++i) {
    if (timers[i]->is_armed()) expected.emplace_back(to_ns(timers[i]->when()), i);
  }
  REQUIRE(expected.size() > 1000);
  loop.run();
  CHECK(fired.size() == expected.size());
  CHECK(std::is_sorted(fired.begin(), fired.end(),
                       [](auto& a, auto& b) { return a.first < b.first; }));
  std::sort(fired.begin(), fired.end());
  std::sort(expected.begin(), expected.end());
  CHECK(fired == expected);
}

TEST_CASE("a loop with nothing to wait for returns at once, and can run again") {
  on_each_loop([](Loop& loop) {
    loop.run();
    int fired = 0;
    Timer timer(loop, [&] { ++fired; });
    timer.arm(loop.now());
    loop.run();
    timer.arm(loop.now());
    loop.run();
    CHECK(fired == 2);
    CHECK(loop.busy_share() >= 0.0);
    CHECK(loop.busy_share() <= 1.0);
  });
}

TEST_CASE("stop() ends the run after its turn and leaves later timers armed") {
  on_each_loop([](Loop& loop) {
    int late = 0;
    Timer later(loop, [&] { ++late; });
    Timer stopper(loop, [&] {
      loop.stop();
      later.arm(loop.now() + 1us);
    });
    stopper.arm(loop.now());
    loop.run();
    CHECK(late == 0);
    CHECK(later.is_armed());
    loop.run();
    CHECK(late == 1);
  });
}

}  // namespace
}  // namespace tacho
