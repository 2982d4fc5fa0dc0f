// A whole benchmark in one thread and virtual time: workers, exchanges and connections on one side,
// the engine behind its HTTP face on the other, and a seeded network between them. Every test of
// this folder plays one of these.
#pragma once

#include <string>
#include <vector>

#include "load/precision.h"
#include "load/worker.h"
#include "net/world_loop.h"
#include "sim/server.h"

namespace tacho {

/// When the user interrupts, and how hard.
struct Interruption {
  Duration after{0};  ///< From the start of the world.
  StopLevel level = StopLevel::none;
};

/// Everything that one world is made of.
struct Scenario {
  WorldOptions net;
  SimOptions sim;
  CellPlan plan;  ///< Its prompts come from add_prompts().
  std::uint32_t workers = 1;
  bool streams = true;
  std::vector<Precision> until;  ///< Looked at every second.
  std::vector<Interruption> interruptions;

  /// True when something may keep planned requests from being sent.
  bool is_cut() const {
    return !interruptions.empty() || !until.empty() || plan.error_limits.errors_max > 0 ||
           plan.error_limits.rate_max > 0.0 || plan.duration > Duration(0) || plan.repeats;
  }
};

/// What came of it.
struct Played {
  std::vector<Record> warmup;
  std::vector<Record> measured;  ///< In the order in which they ended.
  std::string journal;           ///< Lines of both, in that order.
  std::vector<Truth> truths;
  std::vector<std::uint64_t> completed;  ///< By worker, as the display saw it.
  std::vector<std::uint64_t> failed;
  std::vector<std::uint64_t> cancelled;
  std::vector<std::uint64_t> retried;
  std::vector<std::uint64_t> in_flight;
  std::size_t connections = 0;
  std::size_t held_objects = 0;  ///< By the workers, at the end.
  StopReason stopped_by = StopReason::count;
  std::string precision;  ///< What is known of the first wish.
  Instant measure_start = never;
  bool has_hung = false;
  bool is_engine_empty = false;  ///< Nothing runs, waits or holds cache when all is over.

  /// The truth of that request, or null.
  const Truth* truth_of(const Record& record) const;
  /// The measured record of that id, or null.
  const Record* record_of(std::uint64_t id) const;
};

/// One prompt: how many tokens go in and how many are asked for.
struct PromptSize {
  std::uint32_t input = 1;
  std::uint32_t output = 1;
};

/// 127.0.0.1 with that port.
Address world_address(std::uint16_t port);

/// A scenario of the default engine in a network without delays, cuts or lag; one closed-loop
/// stream.
Scenario calm_scenario();

/// Counts tokens as the worlds do: words.
std::size_t count_words(std::string_view text);

/// Appends prompts of these sizes to the plan, each with a text of its own, as requests in the
/// scenario's dialect.
void add_prompts(Scenario& scenario, const std::vector<PromptSize>& sizes);

/// Plans one measured request for each prompt from the `warmup`-th on, due at these offsets (none:
/// all at 0); the first `warmup` prompts are warm-up.
void add_requests(Scenario& scenario, std::size_t warmup, const std::vector<Duration>& due = {});

/// A world drawn from the seed: any network, engine, load and fault.
Scenario draw_scenario(std::uint64_t seed);

/// Plays it to its end.
Played play(const Scenario& scenario);

/// The seeds to try: as many as the test asks for (TACHO_WORLD_SEEDS: so many instead), or the only
/// one in TACHO_WORLD_SEED.
std::vector<std::uint64_t> seeds(std::size_t count);

}  // namespace tacho
