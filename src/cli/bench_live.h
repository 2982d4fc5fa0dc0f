// `tacho bench --listen-metrics`: what a running bench says of itself, for Prometheus.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "load/progress.h"
#include "monitor/snapshot.h"
#include "net/http_server.h"
#include "record/manifest.h"

namespace tacho {

class EpollLoop;

/// What the workers have counted, added up.
struct LiveCounts {
  std::array<std::uint64_t, outcome_count> outcomes{};
  std::array<std::uint64_t, live_bounds_s.size() + 1> ttft{}, tpot{}, e2e{};
  std::uint64_t ttft_ns = 0, tpot_ns = 0, e2e_ns = 0;
  std::uint64_t output_tokens = 0, in_flight = 0;

  /// What has been counted since; `in_flight` stays as it is.
  LiveCounts since(const LiveCounts& before) const;
};

/// Adds the workers' counters up.
LiveCounts add_up(const std::vector<WorkerProgress>& workers);

/// The figures of a cell as readings: `share` is how much of it is done, and NaN is left out.
Subject bench_subject(const LiveCounts& counts, const Cell& cell, const std::string& model,
                      double share);

/// Serves /metrics from a thread of its own until dropped.
class BenchLive final : public RequestHandler {
 public:
  /// Listens; the error is about the address. The workers' counters must outlive it.
  static Result<std::unique_ptr<BenchLive>> start(const std::string& where,
                                                  const std::vector<WorkerProgress>& workers,
                                                  std::string model);
  ~BenchLive() override;
  BenchLive(const BenchLive&) = delete;
  BenchLive& operator=(const BenchLive&) = delete;

  /// A cell begins; it lasts so long, where a time ends it.
  void begin_cell(const Cell& cell, double duration_s);

  void on_request(ServerRequest& request) override;
  void on_abandoned(ServerRequest&) override {}

 private:
  BenchLive(const std::vector<WorkerProgress>& workers, std::string model);
  std::string page(bool is_openmetrics);

  const std::vector<WorkerProgress>& workers_;
  std::string model_;
  std::mutex mutex_;  ///< Of the cell's data.
  bool has_cell_ = false;
  Cell cell_;
  double duration_s_ = 0.0;
  Instant began_ = never;
  LiveCounts before_;
  std::atomic<bool> is_stopping_{false};
  std::unique_ptr<EpollLoop> loop_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<Timer> check_;
  std::thread thread_;
};

}  // namespace tacho
