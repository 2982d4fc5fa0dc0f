// The rules. Each looks at one cause and is silent when it does not hold; `diagnose` then drops
// what a more specific finding explains.
#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"
#include "diagnosis/finding.h"

namespace tacho {
namespace {

using Rule = std::optional<Finding> (*)(const Situation&);

std::string percent(double share) { return format("{} %", format_significant(100 * share, 2)); }
std::string ms(double value) { return format("{} ms", format_significant(value, 3)); }
std::string figure(double value) { return format_significant(value, 3); }

bool over(const Known& value, double bound) { return value && *value > bound; }
bool under(const Known& value, double bound) { return value && *value < bound; }

/// Where requests wait at the engine: at least one on average, for a fair part of the time to the
/// first token, and for longer than any newcomer does. Batches change between steps
/// (iteration-level scheduling: Orca, OSDI 2022), so whoever comes waits for the end of the step
/// under way; at high rates of short requests, that alone is several requests at a time.
bool has_queue(const EngineSide& engine) {
  const bool waits = over(engine.waiting, 1.0);
  const bool is_long =
      !engine.queue_ms || !engine.ttft_ms || *engine.queue_ms > 0.3 * *engine.ttft_ms;
  const bool is_more_than_a_step =
      !engine.queue_ms || !engine.tpot_ms || *engine.queue_ms > 2.0 * *engine.tpot_ms;
  return waits && is_long && is_more_than_a_step;
}

std::optional<Finding> client_bound(const Situation& s) {
  if (s.client.own_faults.empty()) return std::nullopt;
  Finding f;
  f.id = "client_bound";
  f.text = "the load generator was late, so its figures are not the server's";
  f.advice = "give it a core of its own, more --threads, or --stamps tap";
  for (const std::string& fault : s.client.own_faults) {
    f.evidence.push_back({"tacho:", fault});
  }
  if (s.host.cpu) f.evidence.push_back({"processors of this machine", percent(*s.host.cpu)});
  return f;
}

std::optional<Finding> engine_restart(const Situation& s) {
  if (!over(s.engine.restarts, 0.0)) return std::nullopt;
  Finding f;
  f.id = "engine_restart";
  f.text = "the engine started anew";
  f.advice = "read its log; out of memory is the usual cause";
  f.evidence = {{"restarts", figure(*s.engine.restarts)}};
  return f;
}

std::optional<Finding> device_fault(const Situation& s) {
  if (!over(s.device.faults, 0.0)) return std::nullopt;
  Finding f;
  f.id = "device_fault";
  f.text = "a device reported faults";
  f.advice = "look the code up in the vendor's catalogue before the next run";
  f.evidence = {{"fault events", figure(*s.device.faults)}};
  return f;
}

std::optional<Finding> throttled(const Situation& s) {
  const bool is_held = over(s.device.throttled_share, 0.1);
  const bool is_slow = under(s.device.clock_share, 0.9) && !under(s.device.utilization, 0.5);
  if (!is_held && !(is_slow && !s.device.throttled_share)) return std::nullopt;
  Finding f;
  f.id = "throttled";
  f.text = "a device held its clock down";
  f.advice = "look at its cooling and its power limit";
  if (s.device.throttled_share) {
    f.evidence.push_back(
        {"throttled",
         format("{} of the time{}{}", percent(*s.device.throttled_share),
                s.device.throttle_reasons.empty() ? "" : " by " + s.device.throttle_reasons,
                s.device.throttled_device.empty() ? "" : " on " + s.device.throttled_device)});
  }
  if (s.device.clock_share) {
    f.evidence.push_back({"clock", percent(*s.device.clock_share) + " of its most"});
  }
  if (s.device.temperature_max) {
    f.evidence.push_back({"temperature up to", figure(*s.device.temperature_max) + " C"});
  }
  return f;
}

std::optional<Finding> kv_bound(const Situation& s) {
  const bool is_full = over(s.engine.kv_usage_max, 0.9);
  const bool preempts = over(s.engine.preemptions_per_request, 0.01);
  if (!is_full || !(preempts || has_queue(s.engine))) return std::nullopt;
  Finding f;
  f.id = "kv_bound";
  f.text = "the KV cache bounds the batch";
  f.advice = "more memory for it, a KV cache of 8 bit, shorter contexts, or a lower max_num_seqs";
  f.evidence = {{"KV cache up to", percent(*s.engine.kv_usage_max)}};
  if (s.engine.preemptions_per_request) {
    f.evidence.push_back({"preemptions a request", figure(*s.engine.preemptions_per_request)});
  } else {
    f.missing.emplace_back("preemptions");
  }
  if (s.engine.waiting) f.evidence.push_back({"waiting", figure(*s.engine.waiting)});
  return f;
}

std::optional<Finding> prefix_cache(const Situation& s) {
  if (!over(s.client.repeated_prompt_share, 0.3)) return std::nullopt;
  if (!s.engine.prefix_hit_share) return std::nullopt;
  if (*s.engine.prefix_hit_share > 0.5 * *s.client.repeated_prompt_share) return std::nullopt;
  Finding f;
  f.id = "prefix_cache";
  f.text = "prompts repeat each other's beginnings, and the prefix cache does not find them";
  f.advice = "switch prefix caching on, give it more memory, or route by prefix";
  f.evidence = {
      {"prompt tokens that had been sent before", percent(*s.client.repeated_prompt_share)},
      {"found by the engine", percent(*s.engine.prefix_hit_share)}};
  return f;
}

std::optional<Finding> queueing(const Situation& s) {
  const bool grows = s.client.queue_grows || over(s.engine.waiting_growth_per_s, 0.2);
  if (!has_queue(s.engine) && !(grows && !s.engine.waiting)) return std::nullopt;
  Finding f;
  f.id = "queueing";
  f.text = grows ? "more requests come than the engine carries: they queue, and the queue grows"
                 : "requests wait for a place in the batch";
  f.advice = "more replicas, a lower rate, or a higher max_num_seqs if memory allows";
  if (s.engine.waiting) f.evidence.push_back({"waiting", figure(*s.engine.waiting)});
  if (s.engine.running) f.evidence.push_back({"running", figure(*s.engine.running)});
  if (s.engine.queue_ms && s.engine.ttft_ms) {
    f.evidence.push_back({"queue", format("{} of {} to the first token", ms(*s.engine.queue_ms),
                                          ms(*s.engine.ttft_ms))});
  }
  if (s.client.offered_per_s && s.client.done_per_s) {
    f.evidence.push_back(
        {"offered and done", format("{} and {} requests/s", figure(*s.client.offered_per_s),
                                    figure(*s.client.done_per_s))});
  }
  return f;
}

/// What lies between the client's time to the first token and the engine's: the network, proxies,
/// the engine's own HTTP side. New connections tell the network's share of it.
Known between_ms(const Situation& s) {
  if (!s.client.ttft_ms || !s.engine.ttft_ms || !over(s.engine.requests, 4.0)) return std::nullopt;
  return std::max(0.0, *s.client.ttft_ms - *s.engine.ttft_ms);
}

std::optional<Finding> network(const Situation& s) {
  const Known between = between_ms(s);
  const bool is_lossy = over(s.host.retransmits_per_request, 0.2);
  const bool is_full = over(s.host.network_share, 0.8);
  const bool is_far = between && *between > 5.0 && *between > 0.15 * *s.engine.ttft_ms;
  if (!is_far && !is_full) return std::nullopt;
  // A way there and back is in the difference once, twice with a new connection; what is much
  // longer than the way is not the way.
  const bool is_way = over(s.client.connect_ms, 0.25 * between.value_or(0.0));
  // Segments sent again are counted for the whole host: they support, and prove nothing alone.
  if (!is_way && !is_full) return std::nullopt;
  Finding f;
  f.id = "network";
  f.text = "the network between client and server takes its part";
  f.advice = "measure from nearer, or look at the path: distance, proxies, a full link, loss";
  if (between) {
    f.evidence.push_back({"TTFT", format("{} at the client, {} at the engine",
                                         ms(*s.client.ttft_ms), ms(*s.engine.ttft_ms))});
  }
  if (s.client.connect_ms) f.evidence.push_back({"a connection takes", ms(*s.client.connect_ms)});
  if (is_full) f.evidence.push_back({"link in use", percent(*s.host.network_share)});
  if (is_lossy)
    f.evidence.push_back(
        {"segments sent again", figure(*s.host.retransmits_per_request) + " a request"});
  return f;
}

std::optional<Finding> front_end(const Situation& s) {
  const Known between = between_ms(s);
  if (!between || *between < 10.0 || *between < 0.3 * *s.engine.ttft_ms) return std::nullopt;
  if (!s.client.connect_ms || over(s.client.connect_ms, 0.25 * *between)) return std::nullopt;
  Finding f;
  f.id = "front_end";
  f.text =
      "time passes between the client and the engine's scheduler that is not the network's way";
  f.advice = "look at proxies, the tokenizer and the engine's HTTP process; more API servers";
  f.evidence = {{"TTFT", format("{} at the client, {} at the engine", ms(*s.client.ttft_ms),
                                ms(*s.engine.ttft_ms))},
                {"a connection takes", ms(*s.client.connect_ms)}};
  return f;
}

std::optional<Finding> imbalance(const Situation& s) {
  if (!over(s.engine.imbalance, 1.5)) return std::nullopt;
  Finding f;
  f.id = "imbalance";
  f.text = "replicas are not loaded alike";
  f.advice = "look at the router's policy, or for a slow replica";
  f.evidence = {{"the busiest against the mean", figure(*s.engine.imbalance)}};
  return f;
}

std::optional<Finding> links(const Situation& s) {
  if (!over(s.device.links_down, 0.0)) return std::nullopt;
  Finding f;
  f.id = "link_down";
  f.text = "links between devices are down";
  f.advice = "reseat or reset; tensor parallelism waits for the slowest link";
  f.evidence = {{"links down", figure(*s.device.links_down)}};
  return f;
}

/// Slower tokens than in the lightest cell by more than a batch explains, with nothing to name.
std::optional<Finding> unknown(const Situation& s) {
  const Known between = between_ms(s);
  const bool is_late = s.client.ttft_ms && s.baseline.ttft_ms &&
                       *s.client.ttft_ms > 3.0 * *s.baseline.ttft_ms + 50.0 &&
                       !over(s.engine.waiting, 0.5);
  const bool is_slow =
      s.client.tpot_ms && s.baseline.tpot_ms && *s.client.tpot_ms > 3.0 * *s.baseline.tpot_ms + 5.0;
  const bool differs =
      s.client.tpot_ms && s.engine.tpot_ms && *s.client.tpot_ms > 1.3 * *s.engine.tpot_ms + 2.0;
  const bool is_away = between && *between > 20.0 && *between > 0.5 * *s.engine.ttft_ms;
  if (!is_late && !is_slow && !differs && !is_away) return std::nullopt;
  Finding f;
  f.id = "unknown";
  f.is_cause = false;
  f.text = "something slows the answers down that these readings cannot name";
  if (s.client.ttft_ms && s.baseline.ttft_ms) {
    f.evidence.push_back({"TTFT", format("{}, {} at the lightest load", ms(*s.client.ttft_ms),
                                         ms(*s.baseline.ttft_ms))});
  }
  if (s.client.tpot_ms && s.baseline.tpot_ms) {
    f.evidence.push_back({"TPOT", format("{}, {} at the lightest load", ms(*s.client.tpot_ms),
                                         ms(*s.baseline.tpot_ms))});
  }
  if (!s.device.utilization) f.missing.emplace_back("devices");
  if (!s.engine.running) f.missing.emplace_back("the engine's metrics");
  f.advice = f.missing.empty() ? "look at the server's own log and profile"
                               : "not read: " + join(f.missing, ", ");
  return f;
}

/// What a late client sends at once makes a queue by itself: that which was due within its delay.
/// An engine that carries the rate has done that work within as long a time again, so nobody waits
/// longer for it; a queue that is longer than the delay is the engine's.
bool is_of_late_client(const Situation& s) {
  return s.client.late_ms && s.engine.queue_ms && *s.engine.queue_ms <= *s.client.late_ms;
}

struct RuleRow {
  Rule rule;
  RuleInfo info;
};

// The most specific first.
constexpr std::array<RuleRow, 11> rules{{
    {client_bound,
     {"client_bound", "tacho itself was late, by its own verdict", "the run's verdict"}},
    {engine_restart, {"engine_restart", "start time changed or counters sank", "Prometheus"}},
    {device_fault, {"device_fault", "new Xid or error codes", "NVIDIA's Xid catalogue"}},
    {throttled,
     {"throttled", "thermal or power throttling over a tenth of the time, or a clock below 0.9",
      "NVML's clock event reasons"}},
    {links, {"link_down", "links between devices inactive", "NVIDIA Health Validation"}},
    {kv_bound,
     {"kv_bound", "KV cache over 0.9 with preemptions or a queue", "vLLM's optimisation guide"}},
    {prefix_cache,
     {"prefix_cache", "the workload repeats prefixes, the engine finds less than half of them",
      "tacho's own knowledge of what it sent"}},
    {queueing,
     {"queueing",
      "requests wait, for a third of the time to the first token or more and over two steps",
      "Little's law; llm-d's saturation signals; Orca, OSDI 2022"}},
    {network,
     {"network", "TTFT at the client over the engine's, as connections are slow, or loss",
      "difference of two histograms' means"}},
    {front_end,
     {"front_end", "the same difference, while connections are fast", "vLLM issues 4806, 11320"}},
    {imbalance, {"imbalance", "a replica carries over 1.5 times the mean", "llm-d's playbook"}},
}};

}  // namespace

std::vector<Finding> diagnose(const Situation& situation) {
  std::vector<Finding> found;
  for (const RuleRow& row : rules) {
    auto finding = row.rule(situation);
    if (!finding) continue;
    finding->where = situation.where;
    finding->source = row.info.source;
    found.push_back(std::move(*finding));
  }
  const auto has = [&](std::string_view id) {
    return std::any_of(found.begin(), found.end(), [&](const Finding& f) { return f.id == id; });
  };
  // A queue that stands because the cache is full is the cache's; a client that is late makes a
  // difference between its times and the engine's by itself, and a queue as short as it is late.
  const bool is_kv = has("kv_bound"), is_client = has("client_bound");
  std::erase_if(found, [&](const Finding& f) {
    return (is_kv && f.id == "queueing") ||
           (is_client && f.id == "queueing" && is_of_late_client(situation)) ||
           (is_client && (f.id == "network" || f.id == "front_end"));
  });
  if (found.empty()) {
    if (auto finding = unknown(situation)) {
      finding->where = situation.where;
      found.push_back(std::move(*finding));
    }
  }
  return found;
}

std::span<const RuleInfo> finding_rules() {
  static const std::vector<RuleInfo> infos = [] {
    std::vector<RuleInfo> list;
    for (const RuleRow& row : rules) list.push_back(row.info);
    return list;
  }();
  return infos;
}

}  // namespace tacho
