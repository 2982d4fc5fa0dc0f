// Who is in a step: the rules one by one, with steps that take no time.
#include "sim/scheduler.h"

#include <doctest/doctest.h>

#include <list>

namespace tacho {
namespace {

/// Plans and finishes steps, and says who was in each.
struct Steps {
  explicit Steps(const EngineOptions& options) : scheduler(options) {}
  Sequence& submit(Sequence sequence) {
    all.push_back(std::move(sequence));
    scheduler.submit(all.back(), instant_from_ns(0));
    return all.back();
  }
  /// The tokens that each sequence gets in the next step, in the order of submission: "3 1 -".
  std::string next() {
    const StepWork* work = scheduler.plan(instant_from_ns(0));
    if (work == nullptr) return "idle";
    std::string line;
    for (const Sequence& sequence : all) {
      std::string one = "-";
      for (const Share& share : scheduler.batch()) {
        if (share.sequence == &sequence) one = std::to_string(share.tokens);
      }
      line += (line.empty() ? "" : " ") + one;
    }
    scheduler.finish([](Sequence&) {});
    return line;
  }
  std::list<Sequence> all;
  Scheduler scheduler;
};

EngineOptions small_cache(std::uint32_t blocks) {
  EngineOptions options;
  options.num_gpu_blocks = blocks;
  return options;
}

TEST_CASE("the blocks can be given instead of the tokens that they hold") {
  EngineOptions options;
  options.kv_tokens = 100;
  CHECK(options.blocks() == 6);
  options.num_gpu_blocks = 4;
  CHECK(options.blocks() == 4);
  const Scheduler scheduler(options);
  CHECK(scheduler.fits({60, 5}));
  CHECK_FALSE(scheduler.fits({60, 6}));
}

TEST_CASE("decodes come first, prompts fill the budget beside them") {
  EngineOptions options = small_cache(100);
  options.max_num_batched_tokens = 20;
  Steps steps(options);
  steps.submit({10, 3});
  CHECK(steps.next() == "10");
  steps.submit({25, 2});
  CHECK(steps.next() == "1 19");
  CHECK(steps.next() == "1 6");
  CHECK(steps.next() == "- 1");
  CHECK(steps.next() == "idle");
}

TEST_CASE("a long prompt takes no more of a step than its threshold") {
  EngineOptions options = small_cache(100);
  options.max_num_batched_tokens = 64;
  options.long_prefill_token_threshold = 16;
  Steps steps(options);
  steps.submit({40, 1});
  steps.submit({40, 1});
  CHECK(steps.next() == "16 16");
  CHECK(steps.next() == "16 16");
  CHECK(steps.next() == "8 8");
}

TEST_CASE("without chunks a prompt waits until a step has room for all of it") {
  EngineOptions options = small_cache(100);
  options.max_num_batched_tokens = 40;
  options.chunked_prefill = false;
  Steps steps(options);
  CHECK_FALSE(steps.scheduler.fits({41, 1}));
  steps.submit({30, 2});
  steps.submit({20, 1});
  steps.submit({5, 1});  // It would fit, but nobody overtakes.
  CHECK(steps.next() == "30 - -");
  CHECK(steps.next() == "1 20 5");
}

TEST_CASE("when the cache is full the last one is thrown out, and computes all it had again") {
  Steps steps(small_cache(4));
  Sequence& first = steps.submit({30, 20});
  Sequence& second = steps.submit({30, 20});
  CHECK(steps.next() == "30 30");
  CHECK(steps.next() == "1 1");
  CHECK(steps.next() == "1 1");
  CHECK(steps.next() == "1 -");  // The first enters a third block.
  CHECK(first.preemptions == 0);
  CHECK(second.preemptions == 1);
  CHECK(second.emitted == 3);
  CHECK(second.computed == 0);
  CHECK(steps.scheduler.counts().preemptions == 1);
  for (std::uint32_t i = first.emitted; i < 20; ++i) CHECK(steps.next() == "1 -");
  CHECK(steps.next() == "- 33");  // Its prompt and the three tokens that had been emitted.
  CHECK(second.emitted == 4);
  while (steps.next() != "idle") {
  }
  CHECK(second.emitted == 20);
  CHECK(steps.scheduler.kv().free() == 4);
}

TEST_CASE("by priority the urgent go first, and the least urgent are thrown out") {
  EngineOptions options = small_cache(4);
  options.by_priority = true;
  options.max_num_seqs = 2;
  Steps steps(options);
  Sequence late{.input_tokens = 30, .output_tokens = 20, .priority = 5};
  Sequence urgent = late, normal = late;
  urgent.priority = -1;
  normal.priority = 0;
  Sequence& a = steps.submit(late);
  CHECK(steps.next() == "30");
  Sequence& b = steps.submit(normal);
  Sequence& c = steps.submit(urgent);
  CHECK(steps.next() == "1 - 30");
  CHECK(steps.next() == "1 - 1");
  // The first needs a block, is the least urgent, and goes itself; the normal one takes its place.
  CHECK(steps.next() == "- 30 1");
  CHECK(a.preemptions == 1);
  CHECK(steps.next() == "- - 1");  // Until the urgent one needs a block.
  CHECK(b.preemptions == 1);
  while (c.emitted < 20) steps.next();
  CHECK(steps.next() == "- 31 -");
  CHECK(a.emitted == 3);
}

TEST_CASE("nobody is taken in a step in which somebody was thrown out") {
  Steps steps(small_cache(4));
  steps.submit({30, 20});
  steps.submit({30, 20});
  steps.next();
  steps.submit({1, 1});
  CHECK(steps.next() == "1 1 -");  // There is no block for it.
  CHECK(steps.next() == "1 1 -");
  CHECK(steps.next() == "1 - -");  // Now there is one.
}

TEST_CASE("a prefix that is in the cache is not computed again, but for the last token") {
  Steps steps(small_cache(100));
  const std::vector<std::uint64_t> hashes{1, 2, 3, 4};
  Sequence one{.input_tokens = 64, .output_tokens = 1, .block_hashes = hashes};
  Sequence half = one, other = one;
  half.input_tokens = 40;
  half.block_hashes = std::span(hashes).first(2);
  const std::vector<std::uint64_t> others{1, 20, 30, 40};
  other.block_hashes = others;
  CHECK(steps.submit(one).cached_tokens == 0);
  CHECK(steps.next() == "64");
  const Sequence& again = steps.submit(one);
  CHECK(steps.next() == "- 16");
  CHECK(again.cached_tokens == 48);
  steps.submit(half);
  CHECK(steps.next() == "- - 8");
  steps.submit(other);
  CHECK(steps.next() == "- - - 48");
  CHECK(steps.scheduler.counts().prefix_queries == 64 + 64 + 40 + 64);
  CHECK(steps.scheduler.counts().prefix_hits == 48 + 32 + 16);
}

TEST_CASE("two prompts of one step share what they have in common") {
  Steps steps(small_cache(100));
  const std::vector<std::uint64_t> hashes{1, 2};
  const Sequence one{.input_tokens = 40, .output_tokens = 1, .block_hashes = hashes};
  steps.submit(one);
  steps.submit(one);
  CHECK(steps.next() == "40 8");
}

TEST_CASE("an answer's blocks are found too, when its hashes are known") {
  Steps steps(small_cache(100));
  const std::vector<std::uint64_t> hashes{1, 2, 3};
  steps.submit({.input_tokens = 20, .output_tokens = 30, .block_hashes = hashes});
  while (steps.next() != "idle") {
  }
  steps.submit({.input_tokens = 60, .output_tokens = 1, .block_hashes = hashes});
  CHECK(steps.next() == "- 12");
}

TEST_CASE("prefill first: whole prompts alone, the decodes stand still meanwhile") {
  EngineOptions options = small_cache(100);
  options.policy = BatchPolicy::prefill_first;
  options.max_num_batched_tokens = 50;
  Steps steps(options);
  steps.submit({10, 4});
  CHECK(steps.next() == "10");
  CHECK(steps.next() == "1");
  steps.submit({30, 2});
  steps.submit({30, 2});
  CHECK(steps.next() == "- 30 -");
  CHECK(steps.next() == "- - 30");
  CHECK(steps.next() == "1 1 1");
}

TEST_CASE("SGLang: prompts in chunks before decodes, the longest cached prefix first") {
  EngineOptions options = small_cache(100);
  options.policy = BatchPolicy::sglang;
  options.max_num_batched_tokens = 32;
  Steps steps(options);
  const std::vector<std::uint64_t> hashes{1, 2, 3, 4};
  const std::vector<std::uint64_t> others{9, 8, 7, 6};
  const Sequence known{.input_tokens = 64, .output_tokens = 2, .block_hashes = hashes};
  Sequence unknown = known;
  unknown.block_hashes = others;
  steps.submit(known);
  CHECK(steps.next() == "32");
  CHECK(steps.next() == "32");
  steps.submit(unknown);
  steps.submit(known);
  CHECK(steps.next() == "- 16 16");  // The known one is taken first; the other has what is left.
  CHECK(steps.next() == "- 32 -");
  CHECK(steps.next() == "- 16 -");
  CHECK(steps.next() == "1 1 1");
}

TEST_CASE("SGLang keeps room for the answers of those who run") {
  EngineOptions options = small_cache(10);
  options.policy = BatchPolicy::sglang;
  Steps steps(options);
  steps.submit({50, 100});
  steps.submit({20, 10});  // 96 tokens are free, of which 70 are kept for the first one's answer.
  CHECK(steps.next() == "50 -");
  options.policy = BatchPolicy::vllm;
  Steps vllm(options);
  vllm.submit({50, 100});
  vllm.submit({20, 10});
  CHECK(vllm.next() == "50 20");
}

}  // namespace
}  // namespace tacho
