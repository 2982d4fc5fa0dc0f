// Continuous batching, step by step: who is in a step, how long it takes, and who waits.
#include "sim/engine.h"

#include <doctest/doctest.h>

#include <functional>
#include <list>

#include "net/world_loop.h"

namespace tacho {
namespace {

/// Tokens as they come out, and what the test does then.
struct Listener final : EngineListener {
  void on_token(Sequence& sequence, Instant planned) override {
    tokens.emplace_back(&sequence, planned);
    then(sequence);
  }
  std::vector<Instant> of(const Sequence& sequence) const {
    std::vector<Instant> times;
    for (const auto& [which, at] : tokens) {
      if (which == &sequence) times.push_back(at);
    }
    return times;
  }
  std::vector<std::pair<Sequence*, Instant>> tokens;
  std::function<void(Sequence&)> then = [](Sequence&) {};
};

StepTime step_time() { return StepTime(*find_gpu("h800"), *find_model("llama-3-8b"), 1); }

/// An engine in a quiet world.
struct Bench {
  explicit Bench(EngineOptions options = {})
      : engine(loop, step_time(), with_cache(options), listener), start(loop.now()) {}
  static EngineOptions with_cache(EngineOptions options) {
    if (options.kv_tokens == 0) options.kv_tokens = 1'000'000;
    return options;
  }
  Sequence& submit(std::uint32_t input, std::uint32_t output) {
    sequences.push_back({input, output});
    engine.submit(sequences.back());
    return sequences.back();
  }
  /// The duration of a step of that work.
  static Duration step(std::uint32_t decodes, std::uint32_t prefill, std::uint64_t context,
                       std::uint32_t before = 0, bool ends_prompt = true) {
    StepWork work;
    work.add_decodes(decodes, context);
    if (prefill > 0) work.add_chunk(prefill, before, ends_prompt);
    return step_time().of(work);
  }
  WorldLoop loop{{}};
  Listener listener;
  Engine engine;
  std::list<Sequence> sequences;
  Instant start;
};

TEST_CASE(
    "one sequence: a step for its prompt, which yields the first token, then one step a token") {
  Bench bench;
  const Sequence& s = bench.submit(100, 3);
  CHECK(bench.engine.running() == 1);
  CHECK(bench.engine.kv_used() == 7 * 16);  // Blocks of 16 for what is computed, not for more.
  bench.loop.run();
  Instant at = bench.start + Bench::step(0, 100, 0);
  std::vector<Instant> expected{at};
  expected.push_back(at += Bench::step(1, 0, 101));
  expected.push_back(at += Bench::step(1, 0, 102));
  CHECK(bench.listener.of(s) == expected);
  CHECK(s.scheduled == bench.start);
  CHECK(bench.engine.steps() == 3);
  CHECK(bench.engine.running() == 0);
  CHECK(bench.engine.kv_used() == 0);
}

TEST_CASE("who comes while a step runs joins the next one, prompts beside decodes") {
  Bench bench;
  const Sequence& first = bench.submit(50, 3);
  const Sequence& second = bench.submit(70, 2);
  CHECK(bench.engine.waiting() == 1);
  bench.loop.run();
  Instant at = bench.start + Bench::step(0, 50, 0);
  CHECK(bench.listener.of(first).at(0) == at);
  CHECK(second.scheduled == at);
  at += Bench::step(1, 70, 51);
  CHECK(bench.listener.of(first).at(1) == at);
  CHECK(bench.listener.of(second).at(0) == at);
  at += Bench::step(2, 0, 52 + 71);
  CHECK(bench.listener.of(first).at(2) == at);
  CHECK(bench.listener.of(second).at(1) == at);
  CHECK(bench.engine.steps() == 3);
}

TEST_CASE("a prompt longer than the budget is read in chunks, and yields its token at the last") {
  Bench bench({.max_num_batched_tokens = 40});
  const Sequence& s = bench.submit(100, 1);
  bench.loop.run();
  CHECK(bench.engine.steps() == 3);
  CHECK(bench.listener.of(s) ==
        std::vector<Instant>{bench.start + Bench::step(0, 40, 0, 0, false) +
                             Bench::step(0, 40, 0, 40, false) + Bench::step(0, 20, 0, 80)});
}

TEST_CASE("the budget goes to those who run first; the others wait their turn") {
  Bench bench({.max_num_batched_tokens = 10});
  const Sequence& first = bench.submit(4, 2);
  const Sequence& second = bench.submit(12, 1);
  bench.loop.run();
  Instant at = bench.start + Bench::step(0, 4, 0);
  at +=
      Bench::step(1, 9, 5, 0, false);  // One token for the first, nine of the prompt of the second.
  CHECK(bench.listener.of(first).at(1) == at);
  at += Bench::step(0, 3, 0, 9);
  CHECK(bench.listener.of(second).at(0) == at);
}

TEST_CASE("no more sequences run at a time than are allowed, and they are taken in order") {
  Bench bench({.max_num_seqs = 2});
  std::vector<const Sequence*> all;
  for (int i = 0; i < 5; ++i) all.push_back(&bench.submit(10, 2));
  std::size_t most = 0;
  bench.listener.then = [&](Sequence&) { most = std::max(most, bench.engine.running()); };
  bench.loop.run();
  CHECK(most <= 2);
  for (std::size_t i = 1; i < all.size(); ++i) CHECK(all[i]->scheduled >= all[i - 1]->scheduled);
  CHECK(bench.listener.tokens.size() == 10);
}

TEST_CASE("a sequence waits until the cache has room for its prompt, and nobody overtakes it") {
  Bench bench({.kv_tokens = 96});
  const Sequence& first = bench.submit(50, 10);
  const Sequence& large = bench.submit(80, 5);
  const Sequence& small = bench.submit(5, 5);
  CHECK(bench.engine.fits({92, 5}));  // The last token is never computed.
  CHECK_FALSE(bench.engine.fits({93, 5}));
  bench.loop.run();
  CHECK(large.scheduled >= bench.listener.of(first).back());
  CHECK(small.scheduled >= large.scheduled);
  CHECK(bench.engine.kv_used() == 0);
}

TEST_CASE(
    "an aborted sequence yields nothing more, frees its place, and does not disturb the step") {
  Bench bench({.max_num_seqs = 2});
  Sequence& first = bench.submit(10, 50);
  const Sequence& second = bench.submit(10, 3);
  Sequence& waiting = bench.submit(10, 3);
  Timer aborts(bench.loop, [&] {
    bench.engine.abort(first);
    bench.engine.abort(waiting);
    bench.engine.abort(waiting);
  });
  aborts.arm(bench.start + Bench::step(0, 10, 0) +
             Duration(1));  // In the middle of the second step.
  bench.loop.run();
  CHECK(bench.listener.of(first).size() == 1);
  CHECK(bench.listener.of(second).size() == 3);
  CHECK(bench.listener.of(waiting).empty());
  CHECK(bench.engine.kv_used() == 0);
  CHECK(bench.engine.running() == 0);
  CHECK(bench.engine.waiting() == 0);
}

TEST_CASE("a sequence can be aborted by its own token, and by another's") {
  Bench bench;
  Sequence& first = bench.submit(10, 20);
  Sequence& second = bench.submit(10, 20);
  bench.listener.then = [&](Sequence& s) {
    if (&s == &first && s.emitted == 5) bench.engine.abort(s);
    if (&s == &first && s.emitted == 3) bench.engine.abort(second);
  };
  bench.loop.run();
  CHECK(bench.listener.of(first).size() == 5);
  CHECK(bench.listener.of(second).size() <= 2);
  CHECK(bench.engine.kv_used() == 0);
}

TEST_CASE(
    "a sequence that is submitted by another's last token runs in the next step, which is one "
    "step") {
  Bench bench;
  Sequence* next = nullptr;
  const Sequence& first = bench.submit(10, 1);
  bench.listener.then = [&](Sequence& s) {
    if (&s == &first) next = &bench.submit(20, 1);
  };
  bench.loop.run();
  REQUIRE(next != nullptr);
  CHECK(bench.engine.steps() == 2);
  CHECK(bench.listener.of(*next) ==
        std::vector<Instant>{bench.start + Bench::step(0, 10, 0) + Bench::step(0, 20, 0)});
}

TEST_CASE(
    "a late thread does not slow the engine down: steps follow each other by their own time") {
  WorldOptions options;
  options.stall_probability = 0.5;
  options.stall_max = std::chrono::milliseconds(3);
  WorldLoop loop(options);
  Listener listener;
  Engine engine(loop, step_time(), {.kv_tokens = 1000}, listener);
  Sequence s{10, 50};
  const Instant start = loop.now();
  engine.submit(s);
  loop.run();
  Instant at = start + Bench::step(0, 10, 0);
  for (std::uint32_t i = 1; i < 50; ++i) at += Bench::step(1, 0, 10 + i);
  CHECK(listener.of(s).back() == at);
}

}  // namespace
}  // namespace tacho
