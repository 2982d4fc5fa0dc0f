// The flags of many engines behind one port: replicas, router, scaling, prefill apart from decode,
// and what a step may have beside the model: drafts, bursts, adapters.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/flags.h"
#include "sim/server.h"

namespace tacho {

/// The options, as typed.
struct ClusterFlags {
  std::uint32_t replicas = 1;
  std::string router = "round-robin", autoscale, disaggregate;
  double start_s = 40.0, scale_window_s = 10.0, scale_waiting = 1.0, scale_kv = 0.9;
  double scale_idle_s = 60.0, stagger_s = 0.0;
  double link_gb_s = 50.0, link_setup_s = 0.001;
  std::uint32_t multi_step = 1, speculative = 0, max_loras = 1;
  double acceptance = 0.7;
  std::string draft_model;
  std::vector<std::string> adapters;
  bool has_request_overhead = true;
};

/// Adds their rows to a table.
void add_cluster_flags(FlagTable& table, ClusterFlags& flags);

/// Puts what they ask for into the options, whose GPU, model and serving are set; the error says
/// what is wrong with which flag.
Status read_cluster(const ClusterFlags& flags, SimOptions& options);

}  // namespace tacho
