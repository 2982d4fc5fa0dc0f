// A machine with eight GPUs, processes and an engine, and its last minutes, for tests of the
// screen. Every value follows from its index and the second: frames can be compared as text.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "base/text.h"
#include "ui/view.h"

namespace tacho {

inline constexpr int world_seconds = 300;

inline Instant world_time(int second) {
  return instant_from_ns((1'000'000 + static_cast<std::int64_t>(second)) * 1'000'000'000);
}

inline double wave(int second, double period, double from, double to) {
  return from + (to - from) * 0.5 * (1.0 + std::sin(2.0 * 3.14159265 * second / period));
}

inline Subject world_device(int index, int second) {
  Subject gpu;
  gpu.kind = SubjectKind::device;
  gpu.id = format("nvidia:{}", index);
  gpu.labels = {{"vendor", "nvidia"},
                {"device", format("{}", index)},
                {"model", "NVIDIA H100 80GB HBM3"},
                {"uuid", format("GPU-{:08}", index)}};
  gpu.at = world_time(second);
  const double load =
      wave(second + 7 * index, 60.0 + 10.0 * index, 0.05 * index, 0.6 + 0.05 * index);
  gpu.add(quantity::device_up, 1.0);
  gpu.add(quantity::device_utilization, load);
  gpu.add(quantity::device_sm_active, 0.8 * load);
  gpu.add(quantity::device_dram_active, 0.6 * load);
  gpu.add(quantity::device_memory_total, 80.0 * (1 << 30));
  gpu.add(quantity::device_memory_used, (10.0 + 9.0 * index) * (1 << 30));
  gpu.add(quantity::device_temperature, 34.0 + 6 * index, {{"sensor", "core"}});
  gpu.add(quantity::device_power, 100.0 + 75.0 * index);
  gpu.add(quantity::device_power_limit, 700.0);
  gpu.add(quantity::device_clock, 1.98e9 - 1e7 * index, {{"domain", "sm"}});
  gpu.add(quantity::device_performance_state, 0.0);
  gpu.miss(quantity::device_fan, "not supported");
  gpu.add(quantity::device_pcie_receive, 1.2e9);
  gpu.add(quantity::device_pcie_transmit, 3.4e8);
  gpu.add(quantity::device_throttled, index == 6 ? 1.0 : 0.0, {{"reason", "sw_thermal"}});
  return gpu;
}

inline Subject world_process(int index, int second) {
  Subject process;
  process.kind = SubjectKind::process;
  process.id = format("nvidia:{} {}", index, 4000 + 11 * index);
  process.labels = {{"pid", format("{}", 4000 + 11 * index)},
                    {"user", index % 3 == 2 ? "guest" : "alice"},
                    {"command", format("python3 -m vllm.entrypoints.openai.api_server --model "
                                       "meta-llama/Llama-3.1-70B-Instruct --rank {}",
                                       index)},
                    {"type", "compute"},
                    {"device", format("{}", index)}};
  process.at = world_time(second);
  process.add(quantity::process_device_memory, (9.5 + 9.0 * index) * (1 << 30));
  process.add(quantity::process_device_utilization, 0.1 * index);
  process.miss(quantity::process_device_memory_busy, "not supported");
  process.add(quantity::process_cpu, 1.0 + 0.25 * index);
  process.add(quantity::process_memory, (2.0 + index) * (1 << 30));
  process.add(quantity::process_start_time, 1.7e9 - 3600.0 * (index + 1));
  return process;
}

inline Subject world_host(int second) {
  Subject host;
  host.id = "node-1";
  host.labels = {{"host", "node-1"}};
  host.at = world_time(second);
  host.add(quantity::host_cpu, wave(second, 90.0, 0.1, 0.7));
  host.add(quantity::host_cores, 64.0);
  host.add(quantity::host_load, 12.5);
  host.add(quantity::host_memory_total, 512.0 * (1 << 30));
  host.add(quantity::host_memory_available, (400.0 - 0.5 * second) * (1 << 30));
  host.add(quantity::host_swap_total, 8.0 * (1 << 30));
  host.add(quantity::host_swap_free, 8.0 * (1 << 30));
  host.add(quantity::host_network_receive, 150e6 * second, {{"interface", "eth0"}});
  host.add(quantity::host_network_transmit, 40e6 * second, {{"interface", "eth0"}});
  host.add(quantity::host_network_speed, 1.25e9, {{"interface", "eth0"}});
  host.add(quantity::host_disk_read, 1e6 * second, {{"disk", "sda"}});
  host.add(quantity::host_disk_written, 5e6 * second, {{"disk", "sda"}});
  host.add(quantity::host_boot_time, 1.7e9 - 200000.0);
  return host;
}

inline HistogramReading world_histogram(const Quantity& quantity, double scale, int second) {
  const double n = 10.0 * second;
  return {&quantity,
          {},
          {0.5 * scale, scale, 2.0 * scale, 10.0 * scale},
          {0.2 * n, 0.7 * n, 0.98 * n, n},
          n,
          n * scale};
}

inline Subject world_engine(int second) {
  Subject engine;
  engine.kind = SubjectKind::engine;
  engine.id = "http://localhost:8000";
  engine.labels = {{"engine", "vllm"},
                   {"instance", "http://localhost:8000"},
                   {"model", "meta-llama/Llama-3.1-70B-Instruct"}};
  engine.at = world_time(second);
  engine.add(quantity::engine_up, 1.0);
  engine.add(quantity::engine_running, std::round(wave(second, 120.0, 8.0, 64.0)));
  engine.add(quantity::engine_waiting, std::round(wave(second, 50.0, 0.0, 12.0)));
  engine.add(quantity::engine_kv_usage, wave(second, 120.0, 0.3, 0.95));
  engine.add(quantity::engine_preemptions, std::floor(second / 20.0));
  engine.add(quantity::engine_prompt_tokens, 8000.0 * second);
  engine.add(quantity::engine_generation_tokens, 1500.0 * second);
  engine.add(quantity::engine_prefix_queries, 8000.0 * second);
  engine.add(quantity::engine_prefix_hits, 3000.0 * second);
  engine.add(quantity::engine_failed, 0.0);
  engine.add(quantity::engine_restarts, 1.0);
  engine.histograms.push_back(world_histogram(quantity::engine_ttft, 0.2, second));
  engine.histograms.push_back(world_histogram(quantity::engine_tpot, 0.025, second));
  return engine;
}

/// What was read in that second.
inline Snapshot world_snapshot(int second, int devices = 8, bool has_engine = true) {
  Snapshot snapshot;
  snapshot.at = world_time(second);
  snapshot.wall_ns = 1'700'000'000'000'000'000;
  snapshot.subjects.push_back(world_host(second));
  for (int i = 0; i < devices; ++i) snapshot.subjects.push_back(world_device(i, second));
  for (int i = 0; i < devices; ++i) snapshot.subjects.push_back(world_process(i, second));
  if (has_engine) snapshot.subjects.push_back(world_engine(second));
  return snapshot;
}

/// A snapshot and its past.
struct World {
  Snapshot snapshot;
  History history;

  explicit World(int devices = 8, bool has_engine = true) {
    for (int second = 0; second <= world_seconds; ++second) {
      snapshot = world_snapshot(second, devices, has_engine);
      history.add(snapshot);
    }
  }
  ScreenInput input() const { return {snapshot, history, {}, "node-1", "12:34:56", "alice"}; }
};

}  // namespace tacho
