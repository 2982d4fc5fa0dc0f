#include "load/run_cell.h"

#include <algorithm>
#include <thread>

#include "base/assert.h"
#include "base/cores.h"
#include "base/text.h"
#include "net/epoll_loop.h"
#include "record/journal.h"

namespace tacho {
namespace {

using namespace std::chrono_literals;

/// Time for all threads to have started before the first request is due.
constexpr Duration head_start = 5ms;
/// How often it is looked whether a cell is known well enough.
constexpr Duration look_period = 1s;

/// One worker with everything that is its own.
struct Lane {
  std::unique_ptr<EpollLoop> loop;
  std::unique_ptr<AppendFile> journal;
  std::unique_ptr<Worker> worker;
  std::vector<std::unique_ptr<PrecisionWatch>>* watches = nullptr;
  std::size_t index = 0;
  std::size_t next_source = 0;  ///< Counts through the target's source addresses.
  std::string line;
  std::string failure;
  std::string tap_refusal;
  Duration cpu{0};  ///< Of the latest stage.

  bool keep(const Record& record) {
    for (auto& watch : *watches) watch->add(index, record);
    line.clear();
    append_journal_line(line, record);
    const Status status = journal->append(line);
    if (!status && failure.empty()) failure = status.error().message;
    return status.ok();
  }
};

/// The end of a plain HTTP/1.1 answer calls us; in other answers nothing that the tap could see
/// does, so that they are looked at more often.
constexpr Duration tap_hold_plain = 200ms;
constexpr Duration tap_hold_other = 5ms;

bool has_tls(const Target& target) {
  return std::any_of(target.endpoints.begin(), target.endpoints.end(),
                     [](const Endpoint& endpoint) { return endpoint.tls != nullptr; });
}

/// Why a target is better read with the sockets' own stamps, or nothing.
std::string_view reason_against_tap(const Target& target) {
  if (!target.streams) return "answers are not streamed";
  if (target.http == HttpVersion::http2) return "with HTTP/2 it is used only when asked for";
  if (has_tls(target)) return "with TLS it is used only when asked for";
  if (target.endpoints[0].address.storage.ss_family == AF_UNIX)
    return "a UNIX socket has no segments";
  return {};
}

/// Switches the tap on where it is wanted and possible. The error is for a tap that was demanded.
Status choose_stamps(Lane& lane, const Target& target, StampChoice choice) {
  if (choice == StampChoice::socket) return Nothing{};
  if (choice == StampChoice::automatic) lane.tap_refusal = reason_against_tap(target);
  if (!lane.tap_refusal.empty()) return Nothing{};
  const bool is_plain = !has_tls(target) && target.http == HttpVersion::http1;
  const Status status = lane.loop->use_tap(is_plain ? tap_hold_plain : tap_hold_other);
  if (status.ok()) return Nothing{};
  if (choice == StampChoice::tap) return status;
  lane.tap_refusal = status.error().message;
  return Nothing{};
}

/// How this worker connects to each endpoint; source addresses are dealt like requests.
std::vector<Dial> dials_of(Lane& lane, const Target& target, Slice slice) {
  const auto next_source = [&lane, &target, slice]() -> const Address* {
    if (target.sources.empty()) return nullptr;
    const std::size_t which = lane.next_source % target.sources.size();
    lane.next_source += slice.count;
    return &target.sources[which];
  };
  std::vector<Dial> dials;
  for (const Endpoint& endpoint : target.endpoints) {
    const Dial plain = [&lane, &endpoint, next_source](StreamHandler& h) {
      return lane.loop->connect(endpoint.address, h, next_source());
    };
    const Dial secure = [&lane, &endpoint, plain](StreamHandler& h) {
      return endpoint.tls->connect(*lane.loop, plain, h);
    };
    dials.push_back(endpoint.tls != nullptr ? secure : plain);
  }
  return dials;
}

Result<std::unique_ptr<Lane>> make_lane(const CellPlan& plan, const Target& target, Slice slice,
                                        const RunControls& controls) {
  auto lane = std::make_unique<Lane>();
  auto loop = EpollLoop::create();
  if (!loop) return loop.error();
  lane->loop = std::move(*loop);
  if (auto status = choose_stamps(*lane, target, controls.stamps); !status) return status.error();
  auto journal = AppendFile::open(controls.journal);
  if (!journal) return journal.error();
  lane->journal = std::make_unique<AppendFile>(std::move(*journal));
  lane->next_source = slice.index;
  lane->worker =
      std::make_unique<Worker>(*lane->loop, dials_of(*lane, target, slice), plan, target, slice,
                               *controls.stop_level, (*controls.progress)[slice.index],
                               [lane = lane.get()](const Record& r) { return lane->keep(r); });
  return lane;
}

/// What ends a cell early; lives as long as its lanes.
struct Ending {
  CellStop stop;
  std::vector<std::unique_ptr<PrecisionWatch>> watches;
  std::unique_ptr<EpollLoop> loop;  ///< Of the thread that looks at them, where there are any.

  Ending(const CellPlan& plan, const RunControls& controls)
      : stop(plan.error_limits, controls.threads) {
    for (const Precision& wish : controls.until)
      watches.push_back(std::make_unique<PrecisionWatch>(wish, controls.threads));
  }
  bool is_precise() {
    bool all = !watches.empty();
    for (auto& watch : watches) all = watch->check() && all;
    return all;
  }
};

/// Looks about once a second, on the thread that otherwise only waits, at what the workers have
/// handed over; never for more than a fiftieth of a core's time. Returns when they are done.
void look_for_precision(Ending& ending, EpollLoop& loop, const std::atomic<std::size_t>& running) {
  Instant next = loop.clock() + look_period;
  Timer look(loop, [&] {
    if (running.load(std::memory_order_acquire) == 0) {
      loop.stop();
      return;
    }
    look.arm(loop.clock() + 50ms);
    const Instant begun = loop.clock();
    if (begun < next) return;
    if (ending.is_precise()) ending.stop.stop(StopReason::precision);
    const Instant end = loop.clock();
    next = std::max(begun + look_period, end + 50 * (end - begun));
  });
  look.arm(loop.clock() + 50ms);
  loop.run();
}

std::string stop_detail(const Ending& ending) {
  std::vector<std::string> parts;
  if (ending.stop.reason() == StopReason::errors) parts.push_back(ending.stop.errors_text());
  for (const auto& watch : ending.watches) parts.push_back(watch->text());
  return join(parts, "; ");
}

/// Every lane on a thread of its own, pinned to a core of its own where there are enough.
void run_stage(std::vector<std::unique_ptr<Lane>>& lanes, Ending& ending, Stage stage,
               Instant start) {
  for (auto& lane : lanes) lane->worker->begin(stage, start);
  const std::vector<int> cores = worker_cores(lanes.size());
  std::atomic<std::size_t> running{lanes.size()};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    threads.emplace_back([&lane = *lanes[i], &cores, &running, i] {
      if (!cores.empty()) keep_on_cores({cores[i]});
      const Duration before = thread_cpu_time();
      lane.loop->run();
      lane.cpu = thread_cpu_time() - before;
      running.fetch_sub(1, std::memory_order_release);
    });
  }
  if (stage == Stage::measure && ending.loop != nullptr)
    look_for_precision(ending, *ending.loop, running);
  for (auto& thread : threads) thread.join();
}

}  // namespace

Result<CellOutcome> run_cell(const CellPlan& plan, const Target& target,
                             const RunControls& controls) {
  TACHO_ASSERT(controls.threads >= 1 && controls.progress->size() >= controls.threads);
  Ending ending(plan, controls);
  if (!ending.watches.empty()) {
    auto loop = EpollLoop::create();
    if (!loop) return loop.error();
    ending.loop = std::move(*loop);
  }
  std::vector<std::unique_ptr<Lane>> lanes;
  for (std::uint32_t k = 0; k < controls.threads; ++k) {
    auto lane = make_lane(plan, target, {k, controls.threads}, controls);
    if (!lane) return lane.error();
    (*lane)->index = k;
    (*lane)->watches = &ending.watches;
    (*lane)->worker->obey(ending.stop);
    lanes.push_back(std::move(*lane));
  }
  const auto is_stopped = [&] { return controls.stop_level->load() > 0; };
  if (!plan.warmup.empty() && !is_stopped()) {
    run_stage(lanes, ending, Stage::warmup, monotonic_now() + head_start);
  }
  CellOutcome outcome;
  outcome.measure_start = monotonic_now() + head_start;
  if (!is_stopped()) run_stage(lanes, ending, Stage::measure, outcome.measure_start);
  if (is_stopped()) ending.stop.stop(StopReason::interrupt);
  ending.is_precise();  // Of all that came, for the last word on it.
  outcome.stopped_by = ending.stop.reason();
  outcome.stop_detail = stop_detail(ending);
  for (const auto& lane : lanes) {
    outcome.busy_share = std::max(outcome.busy_share, lane->loop->busy_share());
    outcome.cpu += lane->cpu;
    outcome.clock_steps += lane->loop->clock_steps();
    outcome.connections_dialled += lane->worker->connections_dialled();
    if (outcome.failure.empty()) outcome.failure = lane->failure;
    outcome.tap_refusal = lane->tap_refusal;
    outcome.tap += lane->loop->tap_counts();
  }
  return outcome;
}

}  // namespace tacho
