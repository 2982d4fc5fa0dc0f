#include "sim/served_load.h"

#include <algorithm>

#include "base/text.h"
#include "sim/virtual_engine.h"

namespace tacho {

namespace {

/// How long after an answer the next request of a closed loop was sent: who comes some microseconds
/// after another one may have to wait for the next step, so these gaps are kept.
std::vector<Duration> gaps_of(const ServedLoad& load) {
  std::vector<double> ends;
  for (const ServedRequest& one : load.requests) ends.push_back(one.last_s);
  std::sort(ends.begin(), ends.end());
  std::vector<Duration> gaps;
  for (std::size_t i = load.concurrency; i < load.requests.size(); ++i)
    gaps.push_back(from_s(std::max(0.0, load.requests[i].sent_s - ends[i - load.concurrency])));
  return gaps;
}

/// Nobody sends them until they are due.
constexpr Instant not_yet = instant_from_ns(std::int64_t{1} << 62);

std::vector<VirtualRequest> requests_of(const ServedLoad& load) {
  std::vector<VirtualRequest> requests;
  for (std::size_t i = 0; i < load.requests.size(); ++i) {
    const ServedRequest& one = load.requests[i];
    const double after_s = one.sent_s - load.requests.front().sent_s;
    const Instant at = i < load.concurrency ? instant_from_ns(0) + from_s(after_s) : not_yet;
    requests.emplace_back(at, one.input, one.output);
    requests.back().loaded = one.cached;
  }
  return requests;
}

}  // namespace

Result<std::vector<ServedRequest>> replay(const ModelledServer& server, const ServedLoad& load,
                                          bool has_way) {
  if (auto fits = check_fit(server.gpu, server.model, server.serving); !fits) return fits.error();
  const StepTime time(server.gpu, server.model, server.serving);
  EngineOptions engine = server.engine;
  if (engine.blocks() == 0) engine.kv_tokens = time.kv_tokens();
  engine.prefix_caching = false;  // What was found in the cache is known.
  const Scheduler scheduler(engine);
  std::vector<VirtualRequest> requests = requests_of(load);
  for (const VirtualRequest& one : requests) {
    if (scheduler.fits(one)) continue;
    return input_error(format("{}: a request of {} + {} tokens does not fit into the cache of {}",
                              load.label, one.input_tokens, one.output_tokens,
                              std::uint64_t{engine.blocks()} * engine.block_size));
  }
  VirtualOptions options;
  options.plans_ahead = server.serving.engine.plans_ahead;
  if (load.concurrency < requests.size()) {
    options.on_last_token = [&, gaps = gaps_of(load), done = std::size_t{0}](Instant now) mutable {
      if (done == gaps.size()) return;
      const std::size_t next = load.concurrency + done;
      const Instant earliest = done > 0 ? requests[next - 1].arrival : instant_from_ns(0);
      requests[next].arrival = std::max(earliest, now + gaps[done++]);
    };
  }
  if (has_way) {
    options.handover = [&](const Sequence& sequence) {
      return time.request_overhead(sequence.input_tokens);
    };
  }
  run_virtual([&](const StepWork& work) { return time.of(work); }, engine, requests, options);
  std::vector<ServedRequest> answered = load.requests;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    answered[i].sent_s = to_s(requests[i].sent - instant_from_ns(0));
    answered[i].first_s = to_s(requests[i].first_token - instant_from_ns(0));
    answered[i].last_s = to_s(requests[i].last_token - instant_from_ns(0));
  }
  return answered;
}

}  // namespace tacho
