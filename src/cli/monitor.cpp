// `tacho monitor`: devices, the host and engines, live: on a terminal, as JSON, for Prometheus.
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

#include "base/text.h"
#include "cli/canary_probe.h"
#include "cli/commands.h"
#include "cli/monitor_alerts.h"
#include "cli/monitor_serve.h"
#include "cli/plan_checks.h"
#include "monitor/live_situation.h"
#include "monitor/probes.h"
#include "monitor/sampler.h"
#include "monitor/snapshot_json.h"
#include "ui/live.h"
#include "ui/once.h"

namespace tacho {
namespace {

/// Options of `tacho monitor`, as typed.
struct MonitorFlags {
  WatchOptions watch;
  double interval = 1.0;
  bool is_once = false, is_json = false;
  bool has_no_devices = false, has_no_host = false, has_no_activity = false;
  CanaryFlags canary;
  ServeFlags serve;
  AlertFlags alerts;
  std::string mode = "auto";
  std::vector<std::string> goodput;
  std::vector<std::uint32_t> utilization_bounds, memory_bounds;
  bool is_readonly = false, is_ascii = false, is_light = false, has_no_colours = false;
};

void screen_flags(FlagTable& t, MonitorFlags& f) {
  t.group("Screen");
  t.text({"--mode", "-m", "--monitor"}, "auto|full|compact", f.mode,
         "Lines for each device: as many as fit, two, or one. [default: auto]");
  t.toggle({"--readonly"}, f.is_readonly, "Offer no signals to processes.");
  t.toggle({"--ascii", "-U", "--no-unicode"}, f.is_ascii,
           "Draw with ASCII characters only; also for --once.");
  t.toggle({"--light"}, f.is_light, "Colours for a light background.");
  t.toggle({"--no-color"}, f.has_no_colours, "No colours; so does NO_COLOR in the environment.");
  t.texts({"--goodput"}, "ttft:MS tpot:MS", f.goodput,
          "Within what a request is well served, for the engines' column Good. [default: ttft:450 "
          "tpot:40, MLPerf's for an interactive service]");
  t.integers({"--util-bounds", "--gpu-util-thresh"}, "PERCENT PERCENT", f.utilization_bounds,
             "From where a device's load is moderate, and heavy. [default: 10 75]");
  t.integers({"--memory-bounds", "--mem-util-thresh"}, "PERCENT PERCENT", f.memory_bounds,
             "The same of its memory. [default: 10 80]");
}

FlagTable monitor_flags(MonitorFlags& f) {
  FlagTable t;
  t.group("What to watch");
  t.gather({"--engine", "--url", "-u"}, "URL,URL,…", f.watch.engines,
           "Inference engines: vLLM, SGLang, TGI, Triton, TensorRT-LLM, LMDeploy, MindIE, "
           "llama.cpp, Dynamo or tacho sim; with or without /metrics.");
  t.gather({"--connect"}, "HOST:PORT,…", f.watch.remotes,
           "Watch what another machine's tacho monitor --listen sees, instead of this machine.");
  t.text({"--cacert"}, "FILE", f.watch.remote_ca_file,
         "Trust the certificates of this CA (PEM) in --connect https://HOST:PORT.");
  t.toggle({"--no-devices"}, f.has_no_devices, "Leave out GPUs and NPUs.");
  t.gather({"--exporter"}, "URL,URL,…", f.watch.exporters,
           "Pages of dcgm-exporter or npu-exporter, whose devices are shown too.");
  t.gather({"--file-sd", "--http-sd"}, "FILE|URL,…", f.watch.lists,
           "Lists of engines, exporters and other tacho monitors, in the format of Prometheus' "
           "file_sd and http_sd; read again while we watch.");
  t.gather({"--prometheus"}, "URL,URL,…", f.watch.prometheuses,
           "Engines and devices that this Prometheus scrapes already, as often as it does.");
  t.text({"--prometheus-match"}, "LABELS", f.watch.prometheus_match,
         "Of these, only targets with such labels: job=\"vllm\".");
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
  add_canary_flags(t, f.canary);
  add_serve_flags(t, f.serve);
  add_alert_flags(t, f.alerts);
  screen_flags(t, f);
  return t;
}

volatile sig_atomic_t is_interrupted = 0;

void on_interrupt(int) { is_interrupted = 1; }

/// Columns of the terminal that is written to; 100 for a file or a pipe.
int output_width() {
  winsize size{};
  const bool is_terminal =
      ::isatty(STDOUT_FILENO) && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
  return is_terminal && size.ws_col > 0 ? size.ws_col : 100;
}

std::string reading_json(const Snapshot& snapshot, const AlertDesk& desk) {
  Json json = snapshot_json(snapshot);
  json["alerts"] = alerts_json(desk.alerts, snapshot.at);
  return dump_json(json) + "\n";
}

/// Within what a request is well served, as typed; what is not typed stays.
Status read_goodput(const std::vector<std::string>& typed, ServiceBounds& bounds) {
  for (const std::string& text : typed) {
    const auto slo = parse_slo(text);
    if (!slo) return slo.error();
    if (slo->metric != "ttft_ms" && slo->metric != "tpot_ms")
      return input_error(
          format("--goodput {}: of an engine's page only ttft and tpot are known", text));
    (slo->metric == "ttft_ms" ? bounds.ttft_s : bounds.tpot_s) = slo->limit / 1e3;
  }
  return Nothing{};
}

/// Prints one reading; with --check the exit code says if an alert fires. A reading alone is no
/// ground for an alert that is to last a while, so nothing is judged unless that is asked for.
int print_once(Sampler& sampler, const MonitorFlags& flags, AlertDesk& desk) {
  // Shares and rates need two readings.
  History history;
  for (int i = 0; i < 2; ++i) {
    sampler.wait_for_round(std::chrono::seconds(10));
    history.add(sampler.latest());
  }
  const Snapshot snapshot = sampler.latest();
  if (flags.alerts.is_check) desk.look(snapshot, true);
  ServiceBounds service;
  if (auto status = read_goodput(flags.goodput, service); !status) return fail(status.error());
  const std::string alerts = alerts_text(desk.alerts, snapshot.at);
  const std::string text =
      flags.is_json ? reading_json(snapshot, desk)
                    : once_text(snapshot, history, output_width(), flags.is_ascii, service) +
                          (alerts.empty() ? "" : "\n") + alerts;
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0) return 4;
  return desk.alerts.firing() > 0 ? 1 : 0;
}

/// Prints a reading a line until interrupted.
int print_lines(Sampler& sampler, AlertDesk& desk) {
  sampler.wait_for_round(std::chrono::seconds(10));
  do {
    sampler.wait_for_round(std::chrono::seconds(10));
    const Snapshot snapshot = sampler.latest();
    desk.look(snapshot);
    const std::string text = reading_json(snapshot, desk);
    if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0) return 4;
  } while (is_interrupted == 0);
  return 130;
}

/// Two percentages, the first not above the second; nothing typed leaves the bounds as they are.
Status read_bounds(const std::vector<std::uint32_t>& typed, const char* name, LoadBounds& bounds) {
  if (typed.empty()) return Nothing{};
  if (typed.size() != 2 || typed[0] > typed[1] || typed[1] > 100) {
    return input_error(format("{} takes two percentages, the lower one first", name));
  }
  bounds = {typed[0] / 100.0, typed[1] / 100.0};
  return Nothing{};
}

/// What the rules of a bench find in the last half minute.
std::vector<Notice> findings_of(const Snapshot& snapshot, const History& history) {
  std::vector<Notice> notices;
  for (const Finding& finding : live_findings(history, snapshot, std::chrono::seconds(30))) {
    notices.push_back({finding.is_cause ? Role::heavy : Role::moderate, finding_line(finding)});
  }
  return notices;
}

/// The alerts that fire, as lines beside the findings.
std::vector<Notice> notices_of(const Alerts& alerts) {
  std::vector<Notice> notices;
  for (const Alert& alert : alerts.all()) {
    if (alert.state != AlertState::firing || !alert.inhibited_by.empty()) continue;
    const bool is_critical = label(alert.labels, "severity") == "critical";
    const auto summary = label(alert.annotations, "summary");
    notices.push_back(
        {is_critical ? Role::heavy : Role::moderate, format("{}: {}", alert.name, summary)});
  }
  return notices;
}

Result<LiveOptions> screen_options(const MonitorFlags& flags) {
  LiveOptions options;
  options.interval = from_s(flags.interval);
  options.terminal.is_ascii = flags.is_ascii;
  options.terminal.is_light = flags.is_light;
  const char* no_color = ::getenv("NO_COLOR");
  options.terminal.has_colours =
      !flags.has_no_colours && (no_color == nullptr || *no_color == '\0');
  options.view.is_readonly = flags.is_readonly;
  options.is_remote = !flags.watch.remotes.empty();
  options.source = join(flags.watch.remotes, ", ");
  if (flags.mode == "full") {
    options.view.detail = Detail::full;
  } else if (flags.mode == "compact") {
    options.view.detail = Detail::compact;
  } else if (flags.mode != "auto") {
    return input_error(format("--mode is auto, full or compact, not '{}'", flags.mode));
  }
  auto status = read_bounds(flags.utilization_bounds, "--util-bounds", options.view.utilization);
  if (status) status = read_bounds(flags.memory_bounds, "--memory-bounds", options.view.memory);
  if (status) status = read_goodput(flags.goodput, options.view.service);
  if (!status) return status.error();
  return options;
}

int run_screen(std::vector<ProbePtr> probes, const MonitorFlags& flags, AlertDesk& desk) {
  auto options = screen_options(flags);
  if (!options) return fail(options.error());
  options->notices = [&](const Snapshot& snapshot, const History& history) {
    desk.look(snapshot);
    std::vector<Notice> notices = notices_of(desk.alerts);
    for (Notice& finding : findings_of(snapshot, history)) notices.push_back(std::move(finding));
    return notices;
  };
  if (auto status = require_terminal(); !status) return fail(status.error());
  Sampler sampler(std::move(probes), options->interval);
  const auto code = run_live(sampler, *options);
  return code ? *code : fail(code.error());
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
  const bool is_local = flags.watch.remotes.empty();
  flags.watch.watches_devices = is_local && !flags.has_no_devices;
  flags.watch.watches_host = is_local && !flags.has_no_host;
  flags.watch.reads_activity = !flags.has_no_activity;
  auto authorization = authorization_of(flags.serve);
  if (!authorization) return fail(authorization.error());
  flags.watch.remote_authorization = std::move(*authorization);
  flags.watch.period = from_s(flags.interval);
  auto probes = make_probes(flags.watch);
  if (!probes) return fail(probes.error());
  if (!flags.canary.url.empty()) {
    auto canary = make_canary_probe(flags.canary);
    if (!canary) return fail(canary.error());
    probes->push_back(std::move(*canary));
  }
  const bool has_screen = !is_asked_to_serve(flags.serve) && !flags.is_once && !flags.is_json;
  if (auto status = check_serve_flags(flags.serve); !status) return fail(status.error());
  auto desk = make_alert_desk(flags.alerts);
  if (!desk) return fail(desk.error());
  for (const std::string& note : (*desk)->notes) {
    std::fprintf(stderr, "note: %s\n", note.c_str());
  }
  if (has_screen) return run_screen(std::move(*probes), flags, **desk);
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  Sampler sampler(std::move(*probes), from_s(flags.is_once ? 0.2 : flags.interval));
  if (is_asked_to_serve(flags.serve)) {
    return serve_monitor(sampler, flags.serve, **desk, is_interrupted);
  }
  return flags.is_once ? print_once(sampler, flags, **desk) : print_lines(sampler, **desk);
}

}  // namespace

Command monitor_command() {
  return {"monitor",
          "shows GPUs, host and engines live, and exports them",
          "[OPTIONS]",
          "  tacho monitor --engine http://host:8000\n"
          "  tacho monitor --once\n"
          "  tacho monitor --engine http://host:8000 --listen 127.0.0.1:9860\n"
          "  tacho monitor --connect gpu-node-1:9860\n",
          [] {
            static MonitorFlags flags;
            return monitor_flags(flags);
          },
          run_monitor};
}

}  // namespace tacho
