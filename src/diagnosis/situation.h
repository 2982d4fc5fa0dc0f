// What is known of a stretch of time, from all sides: the client, the engine, its devices, the
// host. Filled from a run's records and readings, or live; what is not known stays empty, and a
// rule that needs it then says so instead of guessing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tacho {

using Known = std::optional<double>;

/// What a client measures; empty where nobody puts load on from here.
struct ClientSide {
  /// Why the client's own figures cannot be trusted, in the verdict's words.
  std::vector<std::string> own_faults;
  Known late_ms;           ///< How late requests were sent, 99th percentile.
  Known ttft_ms, tpot_ms;  ///< Means of ok requests.
  Known connect_ms;        ///< Median time of setting up a connection: a way there and back.
  Known in_flight;         ///< Mean.
  Known offered_per_s, done_per_s;  ///< Of an open loop.
  bool queue_grows = false;         ///< Requests under way increase all the time.
  /// Share of the prompt tokens that stood at the same place in an earlier prompt of the run.
  Known repeated_prompt_share;
  Known idle_share;  ///< Of the streams that were to be in flight.
};

/// What engines say, all replicas together.
struct EngineSide {
  Known running, running_max, waiting, waiting_growth_per_s;
  Known kv_usage, kv_usage_max;
  Known preemptions_per_request;
  Known prefix_hit_share;
  Known ttft_ms, queue_ms, tpot_ms;  ///< Means by difference over the stretch.
  Known requests;                    ///< That those means stand on.
  Known restarts;
  Known imbalance;  ///< The busiest replica's running requests against the mean of all.
  Known failed_scrape_share;
};

/// What devices say: the mean over devices, unless said otherwise.
struct DeviceSide {
  Known utilization, sm_active, dram_active;
  Known clock_share;      ///< Lowest of them: clock against its maximum while the device is busy.
  Known throttled_share;  ///< Share of the stretch in which a fault throttled the worst of them.
  std::string throttle_reasons;  ///< Of the worst of them ...
  std::string throttled_device;  ///< ... and which that is: "nvidia:3".
  Known faults;                  ///< New fault events.
  Known links_down;
  Known memory_used_share;
  Known temperature_max;
};

/// True for the reasons of throttling that are a fault; a power cap and idle clocks are a device's
/// everyday life.
bool is_fault_throttling(std::string_view reason);

/// What the machine of the client says.
struct HostSide {
  Known cpu;                      ///< Share of all cores.
  Known throttled_share;          ///< Control group held back.
  Known network_share;            ///< Of the busiest link.
  Known retransmits_per_request;  ///< TCP segments sent again.
};

/// The same engine under the lightest load of the run, to compare with.
struct Baseline {
  Known ttft_ms, tpot_ms, prefix_hit_share, network_ms;
};

/// One stretch.
struct Situation {
  std::string where;  ///< "c=32 128→64", or "the last 30 s".
  double seconds = 0.0;
  ClientSide client;
  EngineSide engine;
  DeviceSide device;
  HostSide host;
  Baseline baseline;
};

}  // namespace tacho
