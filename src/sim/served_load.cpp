#include "sim/served_load.h"

#include "base/text.h"
#include "sim/virtual_engine.h"

namespace tacho {

Result<std::vector<ServedRequest>> replay(const ModelledServer& server, const ServedLoad& load,
                                          bool has_way) {
  if (auto fits = check_fit(server.gpu, server.model, server.serving); !fits) return fits.error();
  const StepTime time(server.gpu, server.model, server.serving);
  EngineOptions engine = server.engine;
  engine.kv_tokens = time.kv_tokens();
  engine.prefix_caching = false;  // What was found in the cache is known.
  const Scheduler scheduler(engine);
  const bool is_loop = load.concurrency < load.requests.size();
  std::vector<VirtualRequest> requests;
  for (const ServedRequest& one : load.requests) {
    const double after_s = is_loop ? 0.0 : one.sent_s - load.requests.front().sent_s;
    requests.emplace_back(instant_from_ns(0) + from_s(after_s), one.input, one.output);
    requests.back().loaded = one.cached;
    if (!scheduler.fits(requests.back()))
      return input_error(format("{}: a request of {} + {} tokens does not fit into the cache of {}",
                                load.label, one.input, one.output, time.kv_tokens()));
  }
  VirtualOptions options;
  if (is_loop) options.concurrency = load.concurrency;
  options.plans_ahead = server.serving.engine.plans_ahead;
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
