#include "load/worker.h"

#include <algorithm>

#include "base/assert.h"

namespace tacho {
namespace {

using namespace std::chrono_literals;

/// How often a worker looks at the stop flag while nothing else happens.
constexpr Duration stop_check_period = 50ms;

/// The k-th of n shares of `total`: they differ by one at most and add up.
std::uint32_t share(std::uint32_t total, Slice slice) {
  return total / slice.count + (slice.index < total % slice.count ? 1 : 0);
}

std::vector<Line> lines_of(std::vector<Dial> dials, const Target& target) {
  TACHO_ASSERT(dials.size() == target.endpoints.size());
  std::vector<Line> lines;
  for (std::size_t i = 0; i < dials.size(); ++i) {
    lines.push_back({std::move(dials[i]), target.http, target.endpoints[i].tls != nullptr});
  }
  return lines;
}

}  // namespace

Worker::Worker(Loop& loop, std::vector<Dial> dials, const CellPlan& plan, const Target& target,
               Slice slice, const std::atomic<int>& stop_level, WorkerProgress& progress,
               OnRecord on_record)
    : loop_(loop),
      plan_(plan),
      target_(target),
      slice_(slice),
      stop_level_(stop_level),
      progress_(progress),
      on_record_(std::move(on_record)),
      pool_(loop, lines_of(std::move(dials), target)),
      release_(loop, [this] { release_due(); }),
      keep_(loop, [this] { keep_records(); }),
      retry_(loop, [this] { send_retries(); }),
      stop_check_(loop, [this] { check_stop(); }),
      duration_end_(loop, [this] {
        const bool has_more = stage_ == Stage::measure && !is_sending_over();
        if (has_more && cell_stop_ != nullptr) cell_stop_->stop(StopReason::duration);
        is_time_up_ = true;
        end_stage_if_done();
      }) {}

void Worker::begin(Stage stage, Instant start) {
  stage_ = stage;
  start_ = start;
  round_ = 0;
  is_over_ = false;
  is_time_up_ = false;
  progress_.is_warming_up.store(stage == Stage::warmup, std::memory_order_relaxed);
  // Warm-up is a closed loop, whatever follows; before an open loop without a cap it has eight
  // streams.
  const std::uint32_t all_slots =
      is_closed_loop() && plan_.concurrency == 0 ? 8 : plan_.concurrency;
  slots_ = share(all_slots, slice_);
  // With fewer slots than workers, the requests are dealt among those that have one; the others
  // have nothing to do.
  stride_ = all_slots > 0 ? std::min(slice_.count, all_slots) : slice_.count;
  next_ = slice_.index < stride_ ? slice_.index : SIZE_MAX;
  const Duration limit = stage == Stage::measure ? plan_.duration : plan_.warmup_duration;
  if (limit > Duration(0)) duration_end_.arm(start + limit);
  if (is_closed_loop()) open_slots();
  stop_check_.arm(start + stop_check_period);
  release_.arm(start);
}

/// This worker's streams: the k-th, k+n-th, … of the cell.
void Worker::open_slots() {
  free_slots_ = {};
  for (std::uint32_t i = 0; i < slots_; ++i) {
    const std::uint32_t number = slice_.index + i * slice_.count;
    const bool is_measured = stage_ == Stage::measure;
    const bool starts_late = is_measured && number < plan_.slot_starts.size();
    free_slots_.push({start_ + (starts_late ? plan_.slot_starts[number] : Duration(0)),
                      is_measured && plan_.has_users ? number + 1 : 0, 0});
  }
}

/// The next request of this worker's slice, or nothing.
const PlannedRequest* Worker::next_request() {
  const auto& list = requests();
  const bool has_any = slice_.index < list.size() && next_ != SIZE_MAX;
  if (has_any && next_ >= list.size() && stage_ == Stage::measure && plan_.repeats) {
    next_ = slice_.index;
    ++round_;
  }
  return next_ < list.size() ? &list[next_] : nullptr;
}

/// True when nothing more is sent, whatever is left.
bool Worker::is_cut() const {
  if (is_time_up_ || is_sending_stopped_) return true;
  const bool is_stopped =
      stage_ == Stage::measure && cell_stop_ != nullptr && cell_stop_->is_stopped();
  return is_stopped || stop_level_.load(std::memory_order_relaxed) > 0;
}

bool Worker::is_sending_over() const {
  if (is_cut()) return true;
  const bool repeats = stage_ == Stage::measure && plan_.repeats && next_ != SIZE_MAX;
  return next_ >= requests().size() && !repeats;
}

void Worker::release_due() {
  if (is_closed_loop()) {
    fill_slots();
    return;
  }
  while (!is_sending_over()) {
    const PlannedRequest* request = next_request();
    if (request == nullptr) break;
    // With a cap, an arrival waits for a slot and keeps its due time: nothing is skipped.
    if (slots_ > 0 && taken_slots() >= slots_) return;
    const Instant due = start_ + request->due;
    if (due > loop_.now()) {
      release_.arm(due);
      return;
    }
    next_ += stride_;
    send_first_try(*request, {due, 0, 0});
  }
  end_stage_if_done();
}

void Worker::fill_slots() {
  while (!is_sending_over() && !free_slots_.empty()) {
    const PlannedRequest* request = next_request();
    if (request == nullptr) break;
    const FreeSlot slot = free_slots_.top();
    if (slot.at > loop_.now()) {
      release_.arm(slot.at);
      return;
    }
    free_slots_.pop();
    next_ += stride_;
    send_first_try(*request, slot);
  }
  end_stage_if_done();
}

/// The stream is free from the moment at which the last byte had arrived, not from when we read it;
/// a user thinks first.
void Worker::free_slot(const Record& record) {
  const Instant done = happened(record.done) ? record.done : loop_.now();
  free_slots_.push({done + request_of(record).think, record.session, record.turn});
}

/// What the plan says of the request that this is a try of.
const PlannedRequest& Worker::request_of(const Record& record) const {
  const auto& list = requests();
  return list[(request_id(record) - list.front().id) % list.size()];
}

Record Worker::new_record(const PlannedRequest& request, const FreeSlot& slot) const {
  const PlannedPrompt& prompt = plan_.prompts[request.prompt];
  Record record;
  record.cell = plan_.cell;
  record.stage = stage_;
  record.worker = slice_.index;
  record.prompt = request.prompt;
  record.due = slot.at;
  record.session = slot.user;
  record.turn = slot.user > 0 ? slot.turns + 1 : 0;
  record.input_tokens_planned = prompt.input_tokens;
  record.output_tokens_planned = prompt.output_tokens;
  return record;
}

void Worker::send_first_try(const PlannedRequest& request, const FreeSlot& slot) {
  Record record = new_record(request, slot);
  record.id = request.id + round_ * plan_.measure.size();
  launch(std::move(record));
}

void Worker::plan_retry(const Exchange& exchange) {
  const Record& record = exchange.record();
  Retry retry;
  retry.at = loop_.now() + plan_.retrying.wait_after(record, exchange.retry_after());
  retry.id = request_id(record);
  retry.attempt = record.attempt + 1;
  retry.slot = {record.due, record.session, record.turn - (record.session > 0 ? 1 : 0)};
  retries_.push(retry);
  // It has not failed yet.
  drop(progress_.failed);
  if (record.stage == Stage::measure) {
    drop(progress_.outcomes[static_cast<std::size_t>(record.outcome)]);
  }
  bump(progress_.retried);
  retry_.arm(retries_.top().at);
}

void Worker::send_retries() {
  while (!retries_.empty() && !is_cut() && retries_.top().at <= loop_.now()) {
    const Retry retry = retries_.top();
    retries_.pop();
    const auto& list = requests();
    Record record = new_record(list[(retry.id - list.front().id) % list.size()], retry.slot);
    record.id = retry.id + retry.attempt * retry_id_step;
    record.attempt = retry.attempt;
    record.retry_of = retry.id;
    record.try_due = retry.at;
    launch(std::move(record));
  }
  if (is_cut()) retries_ = {};  // The tries that failed were their last.
  if (!retries_.empty()) retry_.arm(retries_.top().at);
  end_stage_if_done();
}

void Worker::launch(Record record) {
  if (free_.empty()) {
    exchanges_.push_back(std::make_unique<Exchange>(loop_, pool_, target_, progress_,
                                                    [this](Exchange& e) { on_exchange_over(e); }));
    free_.push_back(exchanges_.back().get());
  }
  Exchange* exchange = free_.back();
  free_.pop_back();
  exchange->place = active_.size();
  active_.push_back(exchange);
  record.target = target_.endpoint_of(record);
  const bool leaves = stage_ == Stage::measure && plan_.cancelling.chooses(request_id(record));
  const PlannedPrompt& prompt = plan_.prompts[record.prompt];
  exchange->start(prompt, std::move(record),
                  {plan_.timeouts, leaves ? &plan_.cancelling : nullptr});
}

void Worker::on_exchange_over(Exchange& exchange) {
  // In constant time: with ten thousand streams a search would be most of the work.
  active_[exchange.place] = active_.back();
  active_[exchange.place]->place = exchange.place;
  active_.pop_back();
  finished_.push_back(&exchange);
  const Record& record = exchange.record();
  const bool goes_on = stage_ == Stage::measure && !is_cut() && plan_.retrying.tries_again(record);
  if (goes_on) {
    plan_retry(exchange);
  } else if (is_closed_loop()) {
    free_slot(record);
  }
  if (!goes_on && stage_ == Stage::measure && cell_stop_ != nullptr) {
    cell_stop_->count(slice_.index, is_failure(record) && record.outcome != Outcome::cancelled);
  }
  // In a turn of its own: a server that refuses at once would otherwise recurse through here.
  const bool is_release_near = release_.is_armed() && release_.when() <= loop_.now();
  if ((is_closed_loop() || slots_ > 0) && !is_release_near) release_.arm(loop_.now());
  // After the releases: when a whole batch ends at once, its next requests must not wait for the
  // disk. (Sixteen records written first made the last of them 2.4 ms late.)
  if (!keep_.is_armed()) keep_.arm(loop_.now());
  end_stage_if_done();
}

void Worker::keep_records() {
  for (Exchange* exchange : finished_) {
    if (!on_record_(exchange->record())) is_sending_stopped_ = true;
    free_.push_back(exchange);
  }
  finished_.clear();
  end_stage_if_done();
}

void Worker::end_stage_if_done() {
  if (is_over_ || !active_.empty() || !finished_.empty() || !is_sending_over()) return;
  if (!retries_.empty() && !is_cut()) return;
  is_over_ = true;
  release_.cancel();
  retry_.cancel();
  retries_ = {};
  stop_check_.cancel();
  duration_end_.cancel();
  loop_.stop();
}

void Worker::check_stop() {
  const int level = stop_level_.load(std::memory_order_relaxed);
  if (level >= static_cast<int>(StopLevel::now)) {
    const std::vector<Exchange*> given_up = active_;
    for (Exchange* exchange : given_up) exchange->cancel();
  }
  end_stage_if_done();
  if (!is_over_) stop_check_.arm(loop_.now() + stop_check_period);
}

}  // namespace tacho
