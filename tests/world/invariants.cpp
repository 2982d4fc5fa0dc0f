#include "invariants.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"

namespace tacho {
namespace {

/// How many workers have a share of the requests: not more than there are slots.
std::uint32_t dealt_workers(const Scenario& scenario, Stage stage) {
  const CellPlan& plan = scenario.plan;
  const bool is_closed = stage == Stage::warmup || plan.is_closed_loop;
  const std::uint32_t slots = is_closed && plan.concurrency == 0 ? 8 : plan.concurrency;
  return slots == 0 ? scenario.workers : std::min(scenario.workers, slots);
}

std::string broken_ids(const Scenario& scenario, const std::vector<PlannedRequest>& planned,
                       const std::vector<Record>& records, std::string_view stage) {
  std::set<std::uint64_t> ids;
  for (const Record& record : records) {
    if (record.attempt > 0 && record.id != record.retry_of + record.attempt * retry_id_step)
      return format("{} try {} does not have its own id", stage, record.id);
    if (record.attempt == 0 && !ids.insert(record.id).second)
      return format("{} request {} ended twice", stage, record.id);
  }
  const std::uint64_t round = scenario.plan.measure.size();
  for (const std::uint64_t id : ids) {
    const std::uint64_t first = planned.empty() ? 0 : planned.front().id;
    const std::uint64_t in_list = scenario.plan.repeats ? first + (id - first) % round : id;
    const bool is_planned =
        std::any_of(planned.begin(), planned.end(),
                    [&](const PlannedRequest& request) { return request.id == in_list; });
    if (!is_planned) return format("{} request {} was never planned", stage, id);
  }
  const bool is_whole = stage == "warm-up" ? scenario.interruptions.empty() : !scenario.is_cut();
  if (!is_whole || ids.size() == planned.size()) return "";
  return format("{} of {} {} requests vanished", planned.size() - ids.size(), planned.size(),
                stage);
}

/// The tries of one request: one after the other, each but the last with a reason to try again.
std::string broken_tries(const Scenario& scenario, std::vector<const Record*> tries) {
  const Retrying& retrying = scenario.plan.retrying;
  std::sort(tries.begin(), tries.end(), [](auto* a, auto* b) { return a->attempt < b->attempt; });
  for (std::size_t i = 0; i < tries.size(); ++i) {
    const Record& record = *tries[i];
    if (record.attempt != i) return format("try {} is missing or was made twice", i);
    if (record.due != tries[0]->due) return "a further try has a due time of its own";
    const bool is_last = i + 1 == tries.size();
    const bool may_go_on = retrying.tries_again(record) && record.stage == Stage::measure;
    if (!is_last && !may_go_on) return format("try {} needed no other", i);
    if (is_last && may_go_on && !scenario.is_cut()) return format("no try followed try {}", i);
    if (i == 0) continue;
    if (happened(tries[i - 1]->done) && record.try_due < tries[i - 1]->done)
      return format("try {} was due before try {} had ended", i, i - 1);
  }
  return "";
}

std::string broken_retries(const Scenario& scenario, const std::vector<Record>& records) {
  std::map<std::uint64_t, std::vector<const Record*>> tries;
  for (const Record& record : records) tries[request_id(record)].push_back(&record);
  for (const auto& [id, of_request] : tries) {
    if (auto broken = broken_tries(scenario, of_request); !broken.empty())
      return format("request {}: {}", id, broken);
  }
  return "";
}

/// Names a step backwards between two instants that have both happened.
class Order {
 public:
  void then(std::string_view name, Instant at) {
    if (!happened(at)) return;
    if (happened(last_) && at < last_ && broken_.empty()) {
      broken_ = format("{} is {} ns before {}", name, (last_ - at).count(), last_name_);
    }
    last_ = at;
    last_name_ = name;
  }
  const std::string& broken() const { return broken_; }

 private:
  Instant last_ = never;
  std::string last_name_;
  std::string broken_;
};

std::string broken_order(const Record& record) {
  Order order;
  order.then("dialled", record.dialled);
  order.then("connected", record.connected);
  order.then("send_started", record.send_started);
  order.then("sent", record.sent);
  order.then("headers", record.headers);
  for (const Chunk& chunk : record.chunks) order.then("a chunk", chunk.at);
  order.then("done", record.done);
  if (!order.broken().empty()) return order.broken();
  for (const Instant at : {record.sent, record.headers, record.done}) {
    if (happened(at) && at < record.due) return "something happened before it was due";
  }
  if (!happened(record.due)) return "it was never due";
  if (record.client_lag < Duration(0)) return "it was read before it arrived";
  if (!record.chunks.empty() && !happened(record.headers)) return "a chunk without a head";
  if (record.outcome == Outcome::ok && !(happened(record.sent) && happened(record.done))) {
    return "ok without having been sent and done";
  }
  return "";
}

std::uint32_t chunk_count(const Scenario& scenario, std::uint32_t tokens) {
  const std::uint32_t each = scenario.sim.tokens_per_chunk;
  return (tokens + each - 1) / each;
}

std::string broken_token_counts(const Scenario& s, const Record& r, const Truth& truth) {
  if (truth.input_tokens != r.input_tokens_planned ||
      truth.output_tokens != r.output_tokens_planned) {
    return "the engine saw another request than was planned";
  }
  if (r.streamed && r.chunks.size() != chunk_count(s, truth.output_tokens)) {
    return format("{} chunks for {} tokens", r.chunks.size(), truth.output_tokens);
  }
  const bool has_usage = !r.streamed || s.sim.usage != UsageStyle::none;
  if (r.usage.output_tokens.has_value() != has_usage) return "usage is there or not, but wrongly";
  if (has_usage && (r.usage.output_tokens != truth.output_tokens ||
                    r.usage.input_tokens != truth.input_tokens)) {
    return "usage is not the truth";
  }
  if (!has_usage && count_words(r.text) != truth.output_tokens + 1) return "the text lost words";
  std::uint32_t tokens = 0;
  for (const Chunk& chunk : r.chunks) tokens += chunk.tokens;
  if (r.streamed && s.sim.usage == UsageStyle::every_chunk && tokens != truth.output_tokens) {
    return format("chunks say {} tokens of {}", tokens, truth.output_tokens);
  }
  return "";
}

/// How much later than at the earliest the network and the clock may show something to have
/// happened.
Duration slack_of(const WorldOptions& net) {
  // A turn looks at the clock a few times for each request it handles.
  return net.read_lag_max + net.stall_max + 500 * net.clock_tick;
}

std::string broken_times(const Scenario& s, const Record& r, const Truth& truth) {
  const WorldOptions& net = s.net;
  const Duration most = net.delay_max + slack_of(net);
  const Duration there = truth.received - r.sent;
  if (there < net.delay_min || there > most) {
    return format("the request took {} ns to the server", there.count());
  }
  for (std::size_t i = 0; i < r.chunks.size(); ++i) {
    const Duration back = r.chunks[i].at - truth.written[i];
    if (back < net.delay_min || back > most) {
      return format("chunk {} took {} ns from the server", i, back.count());
    }
    const Duration late = truth.written[i] - truth.planned[i];
    if (late < Duration(0) || late > slack_of(net)) {
      return format("chunk {} was written {} ns after its time", i, late.count());
    }
  }
  return "";
}

std::string about(const Record& record, const std::string& broken) {
  return broken.empty() ? "" : format("request {}: {}", record.id, broken);
}

Outcome outcome_of(const Fault& fault, bool streams) {
  switch (fault.kind) {
    case Fault::Kind::http_status:
      return Outcome::http_status;
    case Fault::Kind::no_answer:
      return Outcome::timeout;
    case Fault::Kind::none:
    case Fault::Kind::no_done:
      return Outcome::ok;
    case Fault::Kind::reset_mid:
      return streams ? Outcome::reset : Outcome::ok;
    case Fault::Kind::close_mid:
      return streams ? Outcome::truncated : Outcome::ok;
    case Fault::Kind::error_in_stream:
    case Fault::Kind::malformed:
      return streams ? Outcome::malformed : Outcome::ok;
    default:
      break;  // No world draws one of the others.
  }
  return Outcome::ok;
}

}  // namespace

std::string broken_conservation(const Scenario& scenario, const Played& played) {
  if (played.has_hung) return "the world did not come to an end";
  const CellPlan& plan = scenario.plan;
  if (auto broken = broken_ids(scenario, plan.warmup, played.warmup, "warm-up"); !broken.empty())
    return broken;
  if (auto broken = broken_ids(scenario, plan.measure, played.measured, "measured");
      !broken.empty())
    return broken;
  for (const auto* records : {&played.warmup, &played.measured}) {
    if (auto broken = broken_retries(scenario, *records); !broken.empty()) return broken;
  }
  std::uint64_t shown = 0;
  for (std::size_t k = 0; k < scenario.workers; ++k) {
    shown += played.completed[k] + played.failed[k] + played.cancelled[k] + played.retried[k];
    if (played.in_flight[k] != 0) return format("worker {} still has requests in flight", k);
  }
  if (shown != played.warmup.size() + played.measured.size())
    return "the display counted otherwise";
  return played.is_engine_empty ? "" : "the engine kept a request that is over";
}

std::string broken_causality(const Scenario&, const Played& played) {
  for (const auto* records : {&played.warmup, &played.measured}) {
    for (const Record& record : *records) {
      if (auto broken = broken_order(record); !broken.empty()) return about(record, broken);
    }
  }
  return "";
}

std::string broken_tokens(const Scenario& scenario, const Played& played) {
  for (const Record& record : played.measured) {
    if (record.outcome != Outcome::ok) continue;
    const Truth* truth = played.truth_of(record);
    if (truth == nullptr) return about(record, "ok, but the engine knows nothing of it");
    if (auto b = broken_token_counts(scenario, record, *truth); !b.empty()) return about(record, b);
  }
  return "";
}

std::string broken_measurement(const Scenario& scenario, const Played& played) {
  // A writer that waits for room, and a request that was sent twice, are late for reasons that no
  // record holds.
  if (scenario.net.room > 0) return "";
  for (const Record& record : played.measured) {
    if (record.outcome != Outcome::ok || !record.streamed) continue;
    const Truth* truth = played.truth_of(record);
    if (truth == nullptr || truth->written.size() != record.chunks.size()) continue;
    if (auto b = broken_times(scenario, record, *truth); !b.empty()) return about(record, b);
  }
  return "";
}

std::string broken_schedule(const Scenario& scenario, const Played& played) {
  std::map<std::uint64_t, Duration> due;
  for (const PlannedRequest& request : scenario.plan.measure) due[request.id] = request.due;
  for (const Record& record : played.measured) {
    if (scenario.plan.is_closed_loop) {
      if (record.due < played.measure_start) return about(record, "was due before the start");
    } else if (record.due != played.measure_start + due[request_id(record)]) {
      return about(record, "has another due time than the plan");
    }
    if (own_send_lag(record) < Duration(0)) return about(record, "was sent before it was due");
  }
  return "";
}

std::string broken_slices(const Scenario& scenario, const Played& played) {
  for (const auto* records : {&played.warmup, &played.measured}) {
    if (records->empty()) continue;
    const bool is_warmup = records == &played.warmup;
    const auto& planned = is_warmup ? scenario.plan.warmup : scenario.plan.measure;
    const auto workers = dealt_workers(scenario, records->front().stage);
    std::vector<std::vector<std::uint64_t>> sent(scenario.workers);
    for (const Record& record : *records) {
      const std::uint64_t position = (request_id(record) - planned.front().id) % planned.size();
      if (position % workers != record.worker) return about(record, "was sent by another worker");
      if (record.attempt > 0) continue;
      sent[record.worker].push_back(record.id - planned.front().id);
    }
    for (std::uint32_t k = 0; k < workers && !scenario.plan.repeats; ++k) {
      std::sort(sent[k].begin(), sent[k].end());
      for (std::size_t i = 0; i < sent[k].size(); ++i) {
        if (sent[k][i] != k + i * workers) return format("worker {} skipped a request", k);
      }
    }
  }
  return "";
}

std::string broken_outcomes(const Scenario& scenario, const Played& played) {
  const WorldOptions& net = scenario.net;
  const bool is_net_sound = net.reset_probability == 0.0 && net.refuse_probability == 0.0;
  const Timeouts& timeouts = scenario.plan.timeouts;
  const bool may_time_out = timeouts.total < std::chrono::seconds(100) ||
                            timeouts.connect > Duration(0) || timeouts.first_token > Duration(0);
  const bool may_be_cancelled = !scenario.interruptions.empty();
  for (const Record& record : played.measured) {
    if (record.outcome == Outcome::refused && net.refuse_probability == 0.0)
      return about(record, "was refused");
    const bool is_chosen = scenario.plan.cancelling.chooses(request_id(record));
    if (is_planned_cancel(record) && !is_chosen) return about(record, "left without a plan");
    if (record.outcome == Outcome::cancelled && !may_be_cancelled && !is_chosen)
      return about(record, "was cancelled");
    if (record.outcome == Outcome::timeout || record.outcome == Outcome::cancelled) continue;
    if (!is_net_sound || record.response_id.empty()) continue;
    // The engine numbers its requests from 1, in the id that it gives them.
    const auto number =
        std::stoull(record.response_id.substr(record.response_id.find('-') + 1), nullptr, 16);
    const Fault fault = draw_fault(scenario.sim.faults, scenario.sim.seed.value, number - 1);
    const Outcome expected = outcome_of(fault, scenario.streams);
    if (record.outcome != expected && !may_time_out) {
      return about(record, format("{} instead of {}: {}", outcome_name(record.outcome),
                                  outcome_name(expected), record.detail));
    }
  }
  return "";
}

}  // namespace tacho
