// Tokens by the clock: when each comes, and that nothing delays what comes after it.
#include "sim/metronome.h"

#include <doctest/doctest.h>

#include <vector>

#include "net/world_loop.h"

namespace tacho {
namespace {

using namespace std::chrono_literals;

/// What came, in its order.
struct Heard final : EngineListener {
  struct Token {
    const Sequence* sequence;
    Duration planned;
    Duration now;
  };
  explicit Heard(Loop& of) : loop(of), start(of.now()) {}
  void on_token(Sequence& sequence, Instant planned) override {
    tokens.push_back({&sequence, planned - start, loop.now() - start});
    if (after_token) after_token(sequence);
  }
  std::vector<Duration> planned_of(const Sequence& sequence) const {
    std::vector<Duration> all;
    for (const Token& token : tokens) {
      if (token.sequence == &sequence) all.push_back(token.planned);
    }
    return all;
  }
  Loop& loop;
  Instant start;
  std::vector<Token> tokens;
  std::function<void(Sequence&)> after_token;
};

TEST_CASE("a first token after its time, then one after each gap, for each stream by itself") {
  WorldLoop loop({});
  Heard heard(loop);
  Metronome metronome(loop, {20ms, 5ms}, heard);
  Sequence a{1, 3}, b{1, 2}, c{1, 1};
  metronome.submit(a, heard.start);
  metronome.submit(b, heard.start + 1ms);
  metronome.submit(c, heard.start + 2ms);
  CHECK(metronome.running() == 3);
  loop.run();
  CHECK(heard.planned_of(a) == std::vector<Duration>{20ms, 25ms, 30ms});
  CHECK(heard.planned_of(b) == std::vector<Duration>{21ms, 26ms});
  CHECK(heard.planned_of(c) == std::vector<Duration>{22ms});
  CHECK(metronome.running() == 0);
  for (std::size_t i = 0; i < heard.tokens.size(); ++i) {
    CHECK(heard.tokens[i].now >= heard.tokens[i].planned);
    if (i > 0) CHECK(heard.tokens[i].planned >= heard.tokens[i - 1].planned);
  }
}

TEST_CASE("a first token that is sooner than a gap overtakes the later tokens of others") {
  WorldLoop loop({});
  Heard heard(loop);
  Metronome metronome(loop, {1ms, 10ms}, heard);
  Sequence a{1, 2}, b{1, 1};
  metronome.submit(a, heard.start);
  Timer later(loop, [&] { metronome.submit(b, loop.now()); });
  later.arm(heard.start + 4ms);
  loop.run();
  REQUIRE(heard.tokens.size() == 3);
  CHECK(heard.tokens[1].sequence == &b);
  CHECK(heard.tokens[2].planned == 11ms);
}

TEST_CASE("a stream that was heard of late keeps its schedule, and is brought up to it at once") {
  WorldLoop loop({});
  Heard heard(loop);
  Metronome metronome(loop, {1ms, 1ms}, heard);
  Sequence a{1, 8};
  Timer later(loop, [&] { metronome.submit(a, heard.start); });
  later.arm(heard.start + 5ms);
  loop.run();
  CHECK(heard.planned_of(a) == std::vector<Duration>{1ms, 2ms, 3ms, 4ms, 5ms, 6ms, 7ms, 8ms});
  CHECK(heard.tokens[0].now >= 5ms);
}

TEST_CASE("an aborted stream gives no more tokens, wherever it was; the others go on") {
  WorldLoop loop({});
  Heard heard(loop);
  Metronome metronome(loop, {10ms, 10ms}, heard);
  Sequence waiting{1, 5}, going{1, 5}, other{1, 3}, itself{1, 5};
  for (Sequence* s : {&waiting, &going, &other, &itself}) metronome.submit(*s, heard.start);
  metronome.abort(waiting);
  CHECK(metronome.running() == 3);
  heard.after_token = [&](Sequence& sequence) {
    if (&sequence == &itself) metronome.abort(itself);
    if (&sequence == &other && other.emitted == 2) metronome.abort(going);
  };
  loop.run();
  CHECK(heard.planned_of(waiting).empty());
  CHECK(heard.planned_of(itself).size() == 1);
  CHECK(heard.planned_of(going).size() == 2);
  CHECK(heard.planned_of(other).size() == 3);
  CHECK(metronome.running() == 0);
  metronome.abort(other);  // Nothing of it is left: no harm.
  CHECK(metronome.running() == 0);
}

}  // namespace
}  // namespace tacho
