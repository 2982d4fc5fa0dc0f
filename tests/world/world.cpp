#include "world.h"

#include <netinet/in.h>

#include <cstdlib>

#include "base/text.h"
#include "net/fetch.h"
#include "protocol/protocol.h"
#include "record/journal.h"

namespace tacho {
namespace {

constexpr std::uint16_t engine_port = 8000;
constexpr Duration head_start = std::chrono::milliseconds(5);

std::string prompt_of_words(std::uint32_t words, std::size_t which) {
  std::string text = format("prompt-{}", which);
  for (std::uint32_t i = 1; i < words; ++i) text += format(" w{}", i);
  return text;
}

/// One run: the parts in the order in which they must die.
class Play {
 public:
  explicit Play(const Scenario& scenario)
      : scenario_(scenario),
        loop_(scenario.net),
        server_(loop_, scenario.sim, count_words),
        protocol_(std::move(*make_protocol("chat"))),
        progress_(scenario.workers),
        stop_(scenario.plan.error_limits, scenario.workers),
        look_(loop_, [this] { look_for_precision(); }) {
    TACHO_ASSERT(server_.listen(world_address(engine_port)).ok());
    target_.protocol = protocol_.get();
    target_.streams = scenario.streams;
    target_.endpoints = {{{}, world_address(engine_port)}};
    for (const Interruption& interruption : scenario.interruptions) {
      interruptions_.push_back(std::make_unique<Timer>(
          loop_, [this, level = interruption.level] { stop_level_ = static_cast<int>(level); }));
      interruptions_.back()->arm(loop_.now() + interruption.after);
    }
    const Dial dial = [this](StreamHandler& h) {
      return loop_.connect(target_.endpoints[0].address, h);
    };
    for (std::uint32_t k = 0; k < scenario.workers; ++k) {
      workers_.push_back(std::make_unique<Worker>(
          loop_, std::vector<Dial>{dial}, scenario_.plan, target_, Slice{k, scenario.workers},
          stop_level_, progress_[k], [this](const Record& record) { return keep(record); }));
    }
  }

  Played run() {
    for (auto& worker : workers_) worker->obey(stop_);
    for (const Precision& wish : scenario_.until)
      watches_.push_back(std::make_unique<PrecisionWatch>(wish, scenario_.workers));
    if (!scenario_.plan.warmup.empty() && stop_level_ == 0) run_stage(Stage::warmup);
    played_.measure_start = loop_.now() + head_start;
    if (stop_level_ == 0) run_stage(Stage::measure);
    loop_.run();  // What the server still has to do: hear of connections that were given up.
    played_.has_hung = played_.has_hung || loop_.has_hung();
    const Engine& engine = server_.engine();
    played_.is_engine_empty =
        engine.running() == 0 && engine.waiting() == 0 && engine.kv_used() == 0;
    for (const Truth& truth : server_.truths().all()) played_.truths.push_back(truth);
    for (std::uint32_t k = 0; k < scenario_.workers; ++k) {
      played_.completed.push_back(progress_[k].completed);
      played_.failed.push_back(progress_[k].failed);
      played_.cancelled.push_back(progress_[k].cancelled);
      played_.retried.push_back(progress_[k].retried);
      played_.in_flight.push_back(progress_[k].in_flight);
      played_.connections += workers_[k]->connections_dialled();
      played_.held_objects += workers_[k]->held_objects();
    }
    played_.stopped_by = stop_.reason();
    if (!watches_.empty()) played_.precision = watches_[0]->text();
    return std::move(played_);
  }

 private:
  void run_stage(Stage stage) {
    const Instant start = loop_.now() + head_start;
    if (stage == Stage::measure && !watches_.empty()) look_.arm(start + std::chrono::seconds(1));
    for (auto& worker : workers_) worker->begin(stage, start);
    // Each worker stops the loop when it is done; here they share one.
    for (std::uint32_t k = 0; k < scenario_.workers; ++k) {
      loop_.run();
      played_.has_hung = played_.has_hung || loop_.has_hung();
    }
    look_.cancel();
  }

  void look_for_precision() {
    bool all = true;
    for (auto& watch : watches_) all = watch->check() && all;
    if (all) stop_.stop(StopReason::precision);
    look_.arm(loop_.now() + std::chrono::seconds(1));
  }

  bool keep(const Record& record) {
    for (auto& watch : watches_) watch->add(record.worker, record);
    append_journal_line(played_.journal, record);
    (record.stage == Stage::warmup ? played_.warmup : played_.measured).push_back(record);
    return true;
  }

  const Scenario& scenario_;
  WorldLoop loop_;
  SimServer server_;
  std::unique_ptr<Protocol> protocol_;
  Target target_;
  std::atomic<int> stop_level_{0};
  std::vector<WorkerProgress> progress_;
  CellStop stop_;
  std::vector<std::unique_ptr<PrecisionWatch>> watches_;
  Timer look_;
  std::vector<std::unique_ptr<Timer>> interruptions_;
  std::vector<std::unique_ptr<Worker>> workers_;
  Played played_;
};

/// Draws with one stream; each world has its own.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(Seed{seed}, "scenario") {}
  std::uint32_t between(std::uint32_t least, std::uint32_t most) {
    return least + static_cast<std::uint32_t>(random_.below(most - least + 1));
  }
  bool chance(double probability) { return random_.uniform() < probability; }
  Duration up_to(Duration most) {
    return Duration(random_.below(static_cast<std::uint64_t>(most.count()) + 1));
  }

 private:
  Random random_;
};

void draw_network(WorldOptions& net, Dice& dice) {
  using namespace std::chrono_literals;
  net.delay_min = dice.up_to(200us);
  net.delay_max = net.delay_min + (dice.chance(0.2) ? dice.up_to(50ms) : dice.up_to(500us));
  net.read_lag_max = dice.chance(0.2) ? dice.up_to(30ms) : dice.up_to(50us);
  net.cut_probability = dice.chance(0.3) ? 0.0 : 0.1 * dice.between(1, 9);
  if (dice.chance(0.1)) net.segment_bytes_max = dice.between(1, 40);
  if (dice.chance(0.3)) net.reset_probability = 1e-3 * dice.between(1, 20);
  if (dice.chance(0.2)) net.refuse_probability = 0.02 * dice.between(1, 10);
  if (dice.chance(0.2)) net.unstamped_probability = 0.1 * dice.between(1, 10);
  if (dice.chance(0.2)) net.room = dice.between(100, 3000);
  if (dice.chance(0.5)) net.clock_tick = dice.up_to(300ns);
  if (dice.chance(0.2)) {
    net.stall_probability = 0.02;
    net.stall_max = dice.up_to(20ms);
  }
}

void draw_engine(SimOptions& sim, Dice& dice) {
  using namespace std::chrono_literals;
  sim.engine.max_num_seqs = dice.chance(0.3) ? dice.between(1, 3) : 256;
  sim.engine.max_num_batched_tokens = dice.chance(0.3) ? dice.between(4, 64) : 8192;
  if (dice.chance(0.3)) sim.engine.kv_tokens = dice.between(120, 400);
  if (dice.chance(0.3)) sim.tokens_per_chunk = dice.between(2, 5);
  const UsageStyle styles[] = {UsageStyle::own_chunk, UsageStyle::own_chunk,
                               UsageStyle::with_finish, UsageStyle::every_chunk, UsageStyle::none};
  sim.usage = styles[dice.between(0, 4)];
  if (dice.chance(0.3)) sim.http.requests_per_connection_max = dice.between(1, 5);
  if (dice.chance(0.3)) sim.http.idle_timeout = 1ms + dice.up_to(200ms);
  if (dice.chance(0.5)) return;
  for (const char* name : {"http_500", "http_429", "rst_mid", "fin_mid", "no_done",
                           "error_in_stream", "malformed", "no_answer"}) {
    if (dice.chance(0.4)) sim.faults.push_back({*parse_fault(name), 0.01 * dice.between(1, 10)});
  }
}

void draw_load(Scenario& scenario, Dice& dice) {
  using namespace std::chrono_literals;
  CellPlan& plan = scenario.plan;
  scenario.workers = dice.chance(0.5) ? 1 : dice.between(2, 5);
  scenario.streams = !dice.chance(0.15);
  plan.cell = dice.between(0, 7);
  plan.is_closed_loop = dice.chance(0.5);
  plan.concurrency = plan.is_closed_loop || dice.chance(0.5) ? dice.between(1, 12) : 0;
  plan.timeouts.total = dice.chance(0.3) ? 20ms + dice.up_to(400ms) : 100s;
  if (dice.chance(0.2)) plan.duration = 1ms + dice.up_to(600ms);
  plan.repeats = plan.is_closed_loop && plan.duration > Duration(0) && dice.chance(0.5);
  const std::uint32_t warmup = dice.chance(0.5) ? 0 : dice.between(1, 6);
  std::vector<PromptSize> sizes(warmup + dice.between(1, 40));
  for (PromptSize& size : sizes) size = {dice.between(1, 80), dice.between(1, 24)};
  add_prompts(scenario, sizes);
  std::vector<Duration> due(sizes.size() - warmup, Duration(0));
  const Duration gap_max = dice.chance(0.2) ? 0ms : dice.up_to(40ms);
  for (std::size_t i = 1; i < due.size(); ++i) due[i] = due[i - 1] + dice.up_to(gap_max);
  add_requests(scenario, warmup, due);
  if (plan.is_closed_loop && dice.chance(0.3)) {
    for (std::uint32_t i = 0; i < plan.concurrency; ++i) {
      plan.slot_starts.push_back(dice.up_to(100ms));
    }
    plan.has_users = true;
    for (PlannedRequest& request : plan.measure) request.think = dice.up_to(30ms);
  }
  if (!dice.chance(0.15)) return;
  scenario.interruptions.push_back({dice.up_to(500ms), StopLevel::drain});
  if (dice.chance(0.6)) {
    scenario.interruptions.push_back(
        {scenario.interruptions[0].after + dice.up_to(200ms), StopLevel::now});
  }
}

void draw_rules(CellPlan& plan, Dice& dice) {
  using namespace std::chrono_literals;
  if (dice.chance(0.2)) plan.timeouts.connect = 1us + dice.up_to(2ms);
  if (dice.chance(0.2)) plan.timeouts.first_token = 1ms + dice.up_to(200ms);
  if (dice.chance(0.2)) {
    plan.cancelling.share = 0.1 * dice.between(1, 10);
    plan.cancelling.seed = Seed{dice.between(0, 1000)};
    if (dice.chance(0.5)) plan.cancelling.after_tokens = dice.between(1, 10);
    plan.cancelling.delay = dice.up_to(100ms);
  }
  if (dice.chance(0.3)) {
    plan.retrying.retries = dice.between(1, 4);
    plan.retrying.wait = dice.up_to(50ms);
  }
  if (dice.chance(0.15)) plan.error_limits.errors_max = dice.between(1, 5);
  if (dice.chance(0.1)) plan.error_limits.rate_max = 0.1 * dice.between(1, 5);
}

}  // namespace

const Truth* Played::truth_of(const Record& record) const {
  for (const Truth& truth : truths) {
    if (truth.id == record.response_id) return &truth;
  }
  return nullptr;
}

const Record* Played::record_of(std::uint64_t id) const {
  for (const Record& record : measured) {
    if (record.id == id) return &record;
  }
  return nullptr;
}

Address world_address(std::uint16_t port) {
  Address address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  v4->sin_family = AF_INET;
  v4->sin_port = htons(port);
  v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.length = sizeof *v4;
  address.text = format("127.0.0.1:{}", port);
  return address;
}

Scenario calm_scenario() {
  Scenario scenario;
  scenario.net.delay_min = scenario.net.delay_max = scenario.net.read_lag_max = Duration(0);
  scenario.net.cut_probability = 0.0;
  scenario.sim.gpu = *find_gpu("h800");
  scenario.sim.model = *find_model("llama-3-8b");
  return scenario;
}

std::size_t count_words(std::string_view text) {
  std::size_t words = text.empty() ? 0 : 1;
  for (const char c : text) words += c == ' ' ? 1 : 0;
  return words;
}

void add_prompts(Scenario& scenario, const std::vector<PromptSize>& sizes) {
  const auto protocol = std::move(*make_protocol("chat"));
  const Url url{false, "127.0.0.1", engine_port, ""};
  for (const PromptSize& size : sizes) {
    Ask ask;
    ask.model = std::string(scenario.sim.model.id);
    ask.messages = {{"user", prompt_of_words(size.input, scenario.plan.prompts.size())}};
    ask.max_tokens = size.output;
    ask.ignores_eos = true;
    ask.streams = scenario.streams;
    const std::string body = protocol->body(ask);
    scenario.plan.prompts.push_back(
        {http_request_text("POST", url, std::string(protocol->path()), {}, body), size.input,
         size.output});
  }
}

void add_requests(Scenario& scenario, std::size_t warmup, const std::vector<Duration>& due) {
  CellPlan& plan = scenario.plan;
  for (std::size_t i = 0; i < plan.prompts.size(); ++i) {
    const auto prompt = static_cast<std::uint32_t>(i);
    if (i < warmup) {
      plan.warmup.push_back({i, prompt, Duration(0)});
    } else {
      plan.measure.push_back({i, prompt, due.empty() ? Duration(0) : due[i - warmup]});
    }
  }
}

Scenario draw_scenario(std::uint64_t seed) {
  Dice dice(seed);
  Scenario scenario = calm_scenario();
  scenario.net.seed = Seed{seed};
  scenario.sim.seed = Seed{seed};
  draw_network(scenario.net, dice);
  draw_engine(scenario.sim, dice);
  draw_load(scenario, dice);
  draw_rules(scenario.plan, dice);
  return scenario;
}

Played play(const Scenario& scenario) { return Play(scenario).run(); }

std::vector<std::uint64_t> seeds(std::size_t count) {
  if (const char* only = std::getenv("TACHO_WORLD_SEED")) return {std::strtoull(only, nullptr, 10)};
  if (const char* many = std::getenv("TACHO_WORLD_SEEDS")) count = std::strtoull(many, nullptr, 10);
  std::vector<std::uint64_t> all(count);
  for (std::size_t i = 0; i < count; ++i) all[i] = i + 1;
  return all;
}

}  // namespace tacho
