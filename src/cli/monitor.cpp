// `tacho monitor`: devices, the host and engines, live: on a terminal, as JSON, for Prometheus.
#include <signal.h>

#include <cstdio>
#include <thread>

#include "base/text.h"
#include "cli/commands.h"
#include "monitor/exporter.h"
#include "monitor/probes.h"
#include "monitor/report_once.h"
#include "monitor/sampler.h"
#include "monitor/snapshot_json.h"
#include "net/epoll_loop.h"
#include "net/fetch.h"

namespace tacho {
namespace {

/// Options of `tacho monitor`, as typed.
struct MonitorFlags {
  WatchOptions watch;
  double interval = 1.0;
  std::string listen;
  bool is_once = false, is_json = false;
  bool has_no_devices = false, has_no_host = false, has_no_activity = false;
};

FlagTable monitor_flags(MonitorFlags& f) {
  FlagTable t;
  t.group("What to watch");
  t.gather({"--engine", "--url", "-u"}, "URL,URL,…", f.watch.engines,
           "Inference engines: vLLM, SGLang, TGI, Triton, TensorRT-LLM, LMDeploy, MindIE, "
           "llama.cpp, Dynamo or tacho sim; with or without /metrics.");
  t.toggle({"--no-devices"}, f.has_no_devices, "Leave out GPUs and NPUs.");
  t.gather({"--exporter"}, "URL,URL,…", f.watch.exporters,
           "Pages of dcgm-exporter or npu-exporter, whose devices are shown too.");
  t.toggle({"--no-activity"}, f.has_no_activity,
           "Leave out what the units of a GPU do (GPM); another reader of the same counters, such "
           "as DCGM, is disturbed by it.");
  t.text({"--nvml-library"}, "PATH", f.watch.nvml_library,
         "NVIDIA's libnvidia-ml.so.1, where the system does not find it. "
         "[env: TACHO_NVML_LIBRARY]");
  t.text({"--dcmi-library"}, "PATH", f.watch.dcmi_library,
         "Huawei's libdcmi.so for Ascend NPUs, likewise; without it npu-smi is run. "
         "[env: TACHO_DCMI_LIBRARY]");
  t.text({"--rocm-library"}, "PATH", f.watch.rocm_library,
         "AMD's librocm_smi64.so.1, likewise; without it /sys is read. "
         "[env: TACHO_ROCM_LIBRARY]");
  t.toggle({"--no-host"}, f.has_no_host, "Leave out this machine.");
  t.duration({"--interval"}, f.interval, "Time between two readings. [default: 1s]");
  t.group("Output");
  t.toggle({"--once", "-1"}, f.is_once, "Print one reading and end.");
  t.toggle({"--json"}, f.is_json, "The reading in JSON; without --once, a line for each.");
  t.text({"--listen"}, "HOST:PORT", f.listen,
         "Serve /metrics for Prometheus and /snapshot in JSON, without a screen.");
  return t;
}

volatile sig_atomic_t is_interrupted = 0;

void on_interrupt(int) { is_interrupted = 1; }

/// Prints a reading a line until interrupted, or once.
int print_readings(Sampler& sampler, const MonitorFlags& flags) {
  // Shares and rates need two readings.
  sampler.wait_for_round(std::chrono::seconds(10));
  do {
    sampler.wait_for_round(std::chrono::seconds(10));
    const Snapshot snapshot = sampler.latest();
    const std::string text =
        flags.is_json ? dump_json(snapshot_json(snapshot)) + "\n" : reading_text(snapshot);
    if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0) return 4;
  } while (!flags.is_once && is_interrupted == 0);
  return is_interrupted != 0 ? 130 : 0;
}

int serve(Sampler& sampler, const std::string& where) {
  const auto url = parse_url(where);
  if (!url) return fail(url.error());
  auto loop = EpollLoop::create();
  if (!loop) return fail(loop.error());
  const auto address = find_server(*url, "");
  if (!address) return fail(address.error());
  Exporter exporter(sampler);
  HttpServer server(**loop, exporter, {});
  if (auto status = server.listen(*address); !status) return fail(status.error());
  std::fprintf(stderr, "tacho monitor: serving http://%s:%d/metrics\n", url->host.c_str(),
               server.port());
  Timer check(**loop, [&] {
    if (is_interrupted != 0) return (*loop)->stop();
    check.arm((*loop)->now() + std::chrono::milliseconds(200));
  });
  check.arm((*loop)->now());
  (*loop)->run();
  return 0;
}

int run_monitor(const std::vector<std::string>& arguments) {
  MonitorFlags flags;
  const auto rest = monitor_flags(flags).parse(arguments);
  if (!rest) return fail(rest.error());
  if (!rest->empty()) {
    return fail(
        input_error(format("tacho monitor takes no '{}'; an engine is named with --engine "
                           "URL",
                           rest->front())));
  }
  if (flags.interval < 0.05) {
    return fail(input_error("--interval is too short; 50ms is the least"));
  }
  flags.watch.watches_devices = !flags.has_no_devices;
  flags.watch.reads_activity = !flags.has_no_activity;
  flags.watch.watches_host = !flags.has_no_host;
  auto probes = make_probes(flags.watch);
  if (!probes) return fail(probes.error());
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  Sampler sampler(std::move(*probes), from_s(flags.is_once ? 0.2 : flags.interval));
  return flags.listen.empty() ? print_readings(sampler, flags) : serve(sampler, flags.listen);
}

}  // namespace

Command monitor_command() {
  return {"monitor",
          "shows GPUs, host and engines live, and exports them",
          "[OPTIONS]",
          "tacho monitor --engine http://host:8000\n"
          "tacho monitor --once --json\n"
          "tacho monitor --engine http://host:8000 --listen 127.0.0.1:9860",
          [] {
            static MonitorFlags flags;
            return monitor_flags(flags);
          },
          run_monitor};
}

}  // namespace tacho
