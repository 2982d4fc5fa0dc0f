// The names of what can be watched: one canonical metric each, in base units, whatever a vendor or
// an engine calls it. The exporter, the screen, the rules and the dashboards all use this list.
#pragma once

#include <span>
#include <string_view>

namespace tacho {

/// How a metric's values behave over time.
enum class QuantityKind {
  gauge,      ///< May go up and down.
  counter,    ///< Only grows, until its source starts anew.
  histogram,  ///< Counts below bounds, each of which only grows.
};

/// One canonical quantity. There is one object of each, below; readings point to it.
struct Quantity {
  std::string_view name;  ///< As Prometheus has it, base units, `_total` for counters.
  QuantityKind kind = QuantityKind::gauge;
  std::string_view help;
};

namespace quantity {

// Devices: GPUs and NPUs. Labels: vendor, device, model, uuid, and mig of a part of one.
inline constexpr Quantity device_up{"tacho_device_up", QuantityKind::gauge,
                                    "1 while the device answers, 0 when it is lost."};
inline constexpr Quantity device_info{
    "tacho_device_info", QuantityKind::gauge,
    "1; its labels say what else is known: driver, bus, versions."};
inline constexpr Quantity device_healthy{"tacho_device_healthy", QuantityKind::gauge,
                                         "1 while the driver calls the device sound."};
inline constexpr Quantity device_utilization{
    "tacho_device_utilization_ratio", QuantityKind::gauge,
    "Share of time in which at least one kernel ran; it says nothing of how many cores were busy."};
inline constexpr Quantity device_memory_busy{
    "tacho_device_memory_busy_ratio", QuantityKind::gauge,
    "Share of time in which device memory was read or written."};
inline constexpr Quantity device_sm_active{
    "tacho_device_sm_active_ratio", QuantityKind::gauge,
    "Share of multiprocessors (or AI cores) with at least one warp (or task), averaged over time."};
inline constexpr Quantity device_sm_occupancy{"tacho_device_sm_occupancy_ratio",
                                              QuantityKind::gauge,
                                              "Resident warps against the most there can be."};
inline constexpr Quantity device_tensor_active{"tacho_device_tensor_active_ratio",
                                               QuantityKind::gauge,
                                               "Share of cycles in which matrix units worked."};
inline constexpr Quantity device_vector_active{"tacho_device_vector_active_ratio",
                                               QuantityKind::gauge,
                                               "Share of time in which vector units worked."};
inline constexpr Quantity device_dram_active{
    "tacho_device_dram_active_ratio", QuantityKind::gauge,
    "Share of the memory bandwidth in use; about 0.8 is the most that is reached in practice."};
inline constexpr Quantity device_memory_total{"tacho_device_memory_total_bytes",
                                              QuantityKind::gauge, "Memory of the device."};
inline constexpr Quantity device_memory_used{
    "tacho_device_memory_used_bytes", QuantityKind::gauge,
    "Memory in use; engines reserve most of it at their start."};
inline constexpr Quantity device_memory_reserved{"tacho_device_memory_reserved_bytes",
                                                 QuantityKind::gauge,
                                                 "Memory that the driver keeps for itself."};
inline constexpr Quantity device_bar1_total{"tacho_device_bar1_total_bytes", QuantityKind::gauge,
                                            "Window through which the host sees the memory."};
inline constexpr Quantity device_bar1_used{"tacho_device_bar1_used_bytes", QuantityKind::gauge,
                                           "Part of that window in use."};
inline constexpr Quantity device_temperature{"tacho_device_temperature_celsius",
                                             QuantityKind::gauge, "Temperature, by sensor."};
inline constexpr Quantity device_temperature_limit{
    "tacho_device_temperature_limit_celsius", QuantityKind::gauge,
    "Temperature at which the device slows itself down."};
inline constexpr Quantity device_power{"tacho_device_power_watts", QuantityKind::gauge,
                                       "Power drawn."};
inline constexpr Quantity device_power_limit{"tacho_device_power_limit_watts", QuantityKind::gauge,
                                             "Power limit in force."};
inline constexpr Quantity device_energy{"tacho_device_energy_joules_total", QuantityKind::counter,
                                        "Energy used since the driver was loaded."};
inline constexpr Quantity device_voltage{"tacho_device_voltage_volts", QuantityKind::gauge,
                                         "Supply voltage of the chip."};
inline constexpr Quantity device_clock{"tacho_device_clock_hertz", QuantityKind::gauge,
                                       "Clock, by domain (sm, memory, video)."};
inline constexpr Quantity device_clock_max{"tacho_device_clock_max_hertz", QuantityKind::gauge,
                                           "Highest clock, by domain."};
inline constexpr Quantity device_throttled{"tacho_device_throttled", QuantityKind::gauge,
                                           "1 while clocks are held down for this reason."};
inline constexpr Quantity device_throttled_time{
    "tacho_device_throttled_seconds_total", QuantityKind::counter,
    "Time for which clocks were held down for this reason, since the driver was loaded."};
inline constexpr Quantity device_fan{"tacho_device_fan_ratio", QuantityKind::gauge,
                                     "Fan speed against its most."};
inline constexpr Quantity device_performance_state{
    "tacho_device_performance_state", QuantityKind::gauge, "Performance state; 0 is the fastest."};
inline constexpr Quantity device_pcie_transmit{"tacho_device_pcie_transmit_bytes_per_second",
                                               QuantityKind::gauge, "From the device over PCIe."};
inline constexpr Quantity device_pcie_receive{"tacho_device_pcie_receive_bytes_per_second",
                                              QuantityKind::gauge, "To the device over PCIe."};
inline constexpr Quantity device_pcie_generation{
    "tacho_device_pcie_generation", QuantityKind::gauge,
    "PCIe generation of the link now; it may sink while the device is idle."};
inline constexpr Quantity device_pcie_generation_max{
    "tacho_device_pcie_generation_max", QuantityKind::gauge,
    "Highest PCIe generation that device and slot allow."};
inline constexpr Quantity device_pcie_width{"tacho_device_pcie_width", QuantityKind::gauge,
                                            "PCIe lanes of the link now."};
inline constexpr Quantity device_pcie_width_max{"tacho_device_pcie_width_max", QuantityKind::gauge,
                                                "Most PCIe lanes that device and slot allow."};
inline constexpr Quantity device_pcie_replays{"tacho_device_pcie_replays_total",
                                              QuantityKind::counter, "PCIe packets sent again."};
inline constexpr Quantity device_link_transmit{
    "tacho_device_link_transmit_bytes_total", QuantityKind::counter,
    "Sent over links between devices (NVLink, HCCS, xGMI)."};
inline constexpr Quantity device_link_receive{"tacho_device_link_receive_bytes_total",
                                              QuantityKind::counter,
                                              "Received over links between devices."};
inline constexpr Quantity device_link_transmit_rate{
    "tacho_device_link_transmit_bytes_per_second", QuantityKind::gauge,
    "Sent over links between devices, as the device itself counts."};
inline constexpr Quantity device_link_receive_rate{
    "tacho_device_link_receive_bytes_per_second", QuantityKind::gauge,
    "Received over links between devices, as the device itself counts."};
inline constexpr Quantity device_links_active{"tacho_device_links_active", QuantityKind::gauge,
                                              "Links between devices that are up."};
inline constexpr Quantity device_links{"tacho_device_links", QuantityKind::gauge,
                                       "Links between devices that there are."};
inline constexpr Quantity device_ecc_errors{"tacho_device_ecc_errors_total", QuantityKind::counter,
                                            "Memory errors, corrected or uncorrected."};
inline constexpr Quantity device_remapped_rows{
    "tacho_device_remapped_rows", QuantityKind::gauge,
    "Memory rows replaced by spare ones, after corrected or uncorrected errors."};
inline constexpr Quantity device_repair{
    "tacho_device_memory_repair", QuantityKind::gauge,
    "1 while a repair of memory is pending (until a reset), or has failed."};
inline constexpr Quantity device_faults{
    "tacho_device_faults_total", QuantityKind::counter,
    "Fault events since tacho began to watch, by code (NVIDIA's Xid, Ascend's error code)."};
inline constexpr Quantity device_fault_time{
    "tacho_device_fault_time_seconds", QuantityKind::gauge,
    "When the latest fault of this code came, seconds since 1970."};
inline constexpr Quantity device_encoder{"tacho_device_encoder_utilization_ratio",
                                         QuantityKind::gauge, "Video encoder busy."};
inline constexpr Quantity device_decoder{"tacho_device_decoder_utilization_ratio",
                                         QuantityKind::gauge, "Video decoder busy."};
inline constexpr Quantity device_processes{"tacho_device_processes", QuantityKind::gauge,
                                           "Processes that use the device."};

// Processes that use a device. Labels: pid, user, command, type, device.
inline constexpr Quantity process_device_memory{
    "tacho_process_device_memory_bytes", QuantityKind::gauge, "Device memory of the process."};
inline constexpr Quantity process_device_utilization{
    "tacho_process_device_utilization_ratio", QuantityKind::gauge,
    "Share of time in which the process' kernels ran."};
inline constexpr Quantity process_device_memory_busy{
    "tacho_process_device_memory_busy_ratio", QuantityKind::gauge,
    "Share of time in which the process used device memory."};
inline constexpr Quantity process_cpu{"tacho_process_cpu_cores", QuantityKind::gauge,
                                      "Processor cores that the process keeps busy."};
inline constexpr Quantity process_busiest_thread{
    "tacho_process_busiest_thread_cores", QuantityKind::gauge,
    "The same of its busiest thread; near 1, one core bounds it."};
inline constexpr Quantity process_memory{"tacho_process_memory_bytes", QuantityKind::gauge,
                                         "Resident memory of the process."};
inline constexpr Quantity process_start_time{"tacho_process_start_time_seconds",
                                             QuantityKind::gauge,
                                             "When the process began, seconds since 1970."};

// The host. Labels: host; core, node, disk, interface where named.
inline constexpr Quantity host_cpu{"tacho_host_cpu_utilization_ratio", QuantityKind::gauge,
                                   "Processor time in use, of all cores."};
inline constexpr Quantity host_core{"tacho_host_core_utilization_ratio", QuantityKind::gauge,
                                    "Processor time in use, by core."};
inline constexpr Quantity host_cores{"tacho_host_cores", QuantityKind::gauge, "Processor cores."};
inline constexpr Quantity host_load{"tacho_host_load", QuantityKind::gauge,
                                    "Load average of one minute."};
inline constexpr Quantity host_memory_total{"tacho_host_memory_total_bytes", QuantityKind::gauge,
                                            "Memory."};
inline constexpr Quantity host_memory_available{"tacho_host_memory_available_bytes",
                                                QuantityKind::gauge,
                                                "Memory that programs can still have."};
inline constexpr Quantity host_swap_total{"tacho_host_swap_total_bytes", QuantityKind::gauge,
                                          "Swap space."};
inline constexpr Quantity host_swap_free{"tacho_host_swap_free_bytes", QuantityKind::gauge,
                                         "Swap space not in use."};
inline constexpr Quantity host_numa_free{"tacho_host_numa_free_bytes", QuantityKind::gauge,
                                         "Free memory, by NUMA node."};
inline constexpr Quantity host_disk_read{"tacho_host_disk_read_bytes_total", QuantityKind::counter,
                                         "Read, by disk."};
inline constexpr Quantity host_disk_written{"tacho_host_disk_written_bytes_total",
                                            QuantityKind::counter, "Written, by disk."};
inline constexpr Quantity host_network_receive{"tacho_host_network_receive_bytes_total",
                                               QuantityKind::counter, "Received, by interface."};
inline constexpr Quantity host_network_transmit{"tacho_host_network_transmit_bytes_total",
                                                QuantityKind::counter, "Sent, by interface."};
inline constexpr Quantity host_network_speed{
    "tacho_host_network_speed_bytes_per_second", QuantityKind::gauge,
    "What the link can carry each way; virtual interfaces say nothing."};
inline constexpr Quantity host_retransmits{"tacho_host_tcp_retransmits_total",
                                           QuantityKind::counter, "TCP segments sent again."};
inline constexpr Quantity host_pressure{
    "tacho_host_pressure_ratio", QuantityKind::gauge,
    "Share of the last 10 s in which some task waited for this resource (cpu, memory, io)."};
inline constexpr Quantity host_cgroup_cpu_limit{"tacho_host_cgroup_cpu_limit_cores",
                                                QuantityKind::gauge,
                                                "Cores that our control group may use."};
inline constexpr Quantity host_cgroup_throttled{
    "tacho_host_cgroup_throttled_seconds_total", QuantityKind::counter,
    "Time in which our control group was held back from the processor."};
inline constexpr Quantity host_cgroup_memory_limit{"tacho_host_cgroup_memory_limit_bytes",
                                                   QuantityKind::gauge,
                                                   "Memory that our control group may use."};
inline constexpr Quantity host_cgroup_memory{"tacho_host_cgroup_memory_used_bytes",
                                             QuantityKind::gauge,
                                             "Memory that our control group uses."};
inline constexpr Quantity host_boot_time{"tacho_host_boot_time_seconds", QuantityKind::gauge,
                                         "When the host started, seconds since 1970."};

// Inference engines. Labels: engine (which program), instance (its address), model, replica.
inline constexpr Quantity engine_up{"tacho_engine_up", QuantityKind::gauge,
                                    "1 when the engine's metrics could be read."};
inline constexpr Quantity engine_scrape{"tacho_engine_scrape_seconds", QuantityKind::gauge,
                                        "How long reading its metrics took."};
inline constexpr Quantity engine_running{"tacho_engine_requests_running", QuantityKind::gauge,
                                         "Requests in the batch."};
inline constexpr Quantity engine_waiting{"tacho_engine_requests_waiting", QuantityKind::gauge,
                                         "Requests in the queue."};
inline constexpr Quantity engine_kv_usage{"tacho_engine_kv_usage_ratio", QuantityKind::gauge,
                                          "Share of the KV cache in use."};
inline constexpr Quantity engine_kv_capacity{"tacho_engine_kv_capacity_tokens", QuantityKind::gauge,
                                             "Tokens that the KV cache holds."};
inline constexpr Quantity engine_preemptions{
    "tacho_engine_preemptions_total", QuantityKind::counter,
    "Running requests that lost their place for want of KV cache."};
inline constexpr Quantity engine_prompt_tokens{"tacho_engine_prompt_tokens_total",
                                               QuantityKind::counter, "Prompt tokens processed."};
inline constexpr Quantity engine_generation_tokens{"tacho_engine_generation_tokens_total",
                                                   QuantityKind::counter, "Tokens generated."};
inline constexpr Quantity engine_succeeded{"tacho_engine_requests_succeeded_total",
                                           QuantityKind::counter, "Requests that ended well."};
inline constexpr Quantity engine_failed{"tacho_engine_requests_failed_total", QuantityKind::counter,
                                        "Requests that ended otherwise."};
inline constexpr Quantity engine_prefix_queries{"tacho_engine_prefix_query_tokens_total",
                                                QuantityKind::counter,
                                                "Prompt tokens looked up in the prefix cache."};
inline constexpr Quantity engine_prefix_hits{"tacho_engine_prefix_hit_tokens_total",
                                             QuantityKind::counter, "Prompt tokens found there."};
inline constexpr Quantity engine_prefix_hit_ratio{"tacho_engine_prefix_hit_ratio",
                                                  QuantityKind::gauge,
                                                  "Share found, where the engine says only that."};
inline constexpr Quantity engine_draft_tokens{
    "tacho_engine_draft_tokens_total", QuantityKind::counter, "Tokens proposed by speculation."};
inline constexpr Quantity engine_draft_accepted{"tacho_engine_draft_accepted_tokens_total",
                                                QuantityKind::counter,
                                                "Proposed tokens that were accepted."};
inline constexpr Quantity engine_start_time{"tacho_engine_start_time_seconds", QuantityKind::gauge,
                                            "When the engine's process began, seconds since 1970."};
inline constexpr Quantity engine_restarts{"tacho_engine_restarts_total", QuantityKind::counter,
                                          "Restarts seen since tacho began to watch."};
inline constexpr Quantity engine_scale_out{
    "tacho_engine_scale_out_seconds", QuantityKind::gauge,
    "Time from the first reading over the trigger to the first request that a new replica served; "
    "still growing while none has."};
inline constexpr Quantity engine_ttft{"tacho_engine_ttft_seconds", QuantityKind::histogram,
                                      "Time to first token, as the engine measures it."};
inline constexpr Quantity engine_itl{"tacho_engine_itl_seconds", QuantityKind::histogram,
                                     "Time between tokens, as the engine measures it."};
inline constexpr Quantity engine_tpot{
    "tacho_engine_tpot_seconds", QuantityKind::histogram,
    "Time per output token of a request, as the engine measures it."};
inline constexpr Quantity engine_e2e{"tacho_engine_e2e_seconds", QuantityKind::histogram,
                                     "Time of whole requests, as the engine measures it."};
inline constexpr Quantity engine_queue{"tacho_engine_queue_seconds", QuantityKind::histogram,
                                       "Time in the queue."};
inline constexpr Quantity engine_prefill{"tacho_engine_prefill_seconds", QuantityKind::histogram,
                                         "Time from the queue's end to the first token."};
inline constexpr Quantity engine_decode{"tacho_engine_decode_seconds", QuantityKind::histogram,
                                        "Time from the first token to the last."};

// The canary. Labels: instance, model.
inline constexpr Quantity canary_success{"tacho_canary_success", QuantityKind::gauge,
                                         "1 when the latest canary request ended well."};
inline constexpr Quantity canary_requests{"tacho_canary_requests_total", QuantityKind::counter,
                                          "Canary requests sent."};
inline constexpr Quantity canary_failures{"tacho_canary_failures_total", QuantityKind::counter,
                                          "Canary requests that did not end well."};
inline constexpr Quantity canary_ttft{
    "tacho_canary_ttft_seconds", QuantityKind::gauge,
    "Time to first token of the latest canary request, as a client sees it."};
inline constexpr Quantity canary_tpot{"tacho_canary_tpot_seconds", QuantityKind::gauge,
                                      "Time per output token of the latest canary request."};
inline constexpr Quantity canary_e2e{"tacho_canary_e2e_seconds", QuantityKind::gauge,
                                     "Time of the latest canary request."};
inline constexpr Quantity canary_share{
    "tacho_canary_load_ratio", QuantityKind::gauge,
    "Canary tokens against all tokens that the engine generated meanwhile."};

// A bench, as it says of itself while it runs. Labels: model, cell, load.
inline constexpr Quantity bench_requests{"tacho_bench_requests_total", QuantityKind::counter,
                                         "Requests of the cell that ended, by outcome."};
inline constexpr Quantity bench_planned{"tacho_bench_requests_planned", QuantityKind::gauge,
                                        "Requests that the cell has; missing where time ends it."};
inline constexpr Quantity bench_in_flight{"tacho_bench_requests_in_flight", QuantityKind::gauge,
                                          "Requests that were sent and have not ended."};
inline constexpr Quantity bench_progress{"tacho_bench_progress_ratio", QuantityKind::gauge,
                                         "How much of the cell is done."};
inline constexpr Quantity bench_output_tokens{"tacho_bench_output_tokens_total",
                                              QuantityKind::counter,
                                              "Output tokens of the requests that ended well."};
inline constexpr Quantity bench_ttft{"tacho_bench_ttft_seconds", QuantityKind::histogram,
                                     "Time to first token, by the client's clock."};
inline constexpr Quantity bench_tpot{"tacho_bench_tpot_seconds", QuantityKind::histogram,
                                     "Time per output token, by the client's clock."};
inline constexpr Quantity bench_e2e{"tacho_bench_e2e_seconds", QuantityKind::histogram,
                                    "Time of whole requests, by the client's clock."};

// tacho itself. Labels: probe.
inline constexpr Quantity monitor_probe_up{"tacho_monitor_probe_up", QuantityKind::gauge,
                                           "1 when the probe could read what it is for."};
inline constexpr Quantity monitor_probe_time{"tacho_monitor_probe_seconds", QuantityKind::gauge,
                                             "How long the latest reading of the probe took."};
inline constexpr Quantity monitor_probe_age{"tacho_monitor_probe_age_seconds", QuantityKind::gauge,
                                            "How old the probe's latest reading is."};
inline constexpr Quantity monitor_cpu{"tacho_monitor_cpu_seconds_total", QuantityKind::counter,
                                      "Processor time of the monitor itself."};

}  // namespace quantity

/// All of them, in the order of pages and documents.
std::span<const Quantity* const> all_quantities();

/// The metric of that name, or null.
const Quantity* find_quantity(std::string_view name);

}  // namespace tacho
