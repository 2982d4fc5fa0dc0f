// However the network cuts the bytes, however late they are read, and however many workers share a
// plan: the same tokens, the same texts, the same requests.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "world.h"

using namespace std::chrono_literals;

namespace tacho {
namespace {

struct Said {
  std::string text;
  std::string finish_reason;
  std::size_t chunks = 0;
  std::uint32_t characters = 0;
  Outcome outcome = Outcome::ok;
  bool operator==(const Said&) const = default;
};

/// What was answered to each prompt.
std::map<std::uint32_t, Said> answers(const Played& played) {
  std::map<std::uint32_t, Said> said;
  for (const Record& r : played.measured) {
    said[r.prompt] = {r.text, r.finish_reason, r.chunks.size(), r.output_characters, r.outcome};
  }
  return said;
}

Scenario scenario_of(std::uint32_t prompts, bool streams) {
  Scenario scenario = calm_scenario();
  scenario.streams = streams;
  scenario.sim.usage = UsageStyle::none;  // Then the record keeps the text.
  scenario.plan.concurrency = 3;
  for (std::uint32_t i = 0; i < prompts; ++i) add_prompts(scenario, {{5 + i, 1 + i % 17}});
  add_requests(scenario, 0);
  return scenario;
}

TEST_CASE("any split of the byte stream gives the same tokens and text (I4)") {
  for (const bool streams : {true, false}) {
    CAPTURE(streams);
    const Scenario whole = scenario_of(30, streams);
    const auto expected = answers(play(whole));
    REQUIRE(expected.size() == 30);
    for (const std::size_t segment : {1, 2, 3, 7, 64, 1000}) {
      CAPTURE(segment);
      Scenario cut = whole;
      cut.net.segment_bytes_max = segment;
      cut.net.delay_max = 50us;
      CHECK(answers(play(cut)) == expected);
    }
    for (const std::uint64_t seed : seeds(60)) {
      CAPTURE(seed);
      Scenario cut = whole;
      cut.net.seed = Seed{seed};
      cut.net.cut_probability = 0.9;
      cut.net.delay_max = 5ms;
      cut.net.read_lag_max = 20ms;
      cut.net.room = seed % 3 == 0 ? 200 : 0;
      CHECK(answers(play(cut)) == expected);
    }
  }
}

TEST_CASE("the workers of any count together send exactly the schedule, once each (I8)") {
  Scenario scenario = calm_scenario();
  scenario.plan.is_closed_loop = false;
  scenario.plan.concurrency = 0;
  add_prompts(scenario, std::vector<PromptSize>(37, {10, 3}));
  std::vector<Duration> due;
  for (int i = 0; i < 37; ++i) due.push_back(i * 700us);
  add_requests(scenario, 0, due);
  for (const std::uint32_t workers : {1u, 2u, 3u, 8u, 40u}) {
    CAPTURE(workers);
    scenario.workers = workers;
    const Played played = play(scenario);
    std::set<std::uint64_t> ids;
    for (const Record& record : played.measured) {
      ids.insert(record.id);
      CHECK(record.worker == record.id % workers);
      CHECK(record.sent == played.measure_start + due[record.id]);
    }
    CHECK(ids.size() == 37);
    CHECK(played.measured.size() == 37);
  }
}

TEST_CASE("with fewer slots than workers nothing is left unsent, and the slots are not exceeded") {
  for (const bool is_closed : {true, false}) {
    CAPTURE(is_closed);
    Scenario scenario = calm_scenario();
    scenario.plan.is_closed_loop = is_closed;
    scenario.plan.concurrency = 2;
    scenario.workers = 5;
    add_prompts(scenario, std::vector<PromptSize>(23, {10, 3}));
    add_requests(scenario, 3);
    const Played played = play(scenario);
    CHECK(played.warmup.size() == 3);
    CHECK(played.measured.size() == 20);
    CHECK(played.connections <= 4);  // Two for the warm-up's workers, which are the same ones.
    for (const Record& record : played.measured) CHECK(record.worker < 2);
  }
}

}  // namespace
}  // namespace tacho
