"""Devices as `tacho monitor` shows them: a stand-in for the driver's library answers from a script,
and every value of the script comes out in the JSON and on the page for Prometheus."""

import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import threading

import environments
from harness import (BINARY, IS_SANITIZED, LIMIT_S, Skip, end, environment, equal, free_port, get,
                     new_folder, start, tacho, test, true, wait_for)

STAND_INS = pathlib.Path(BINARY).parent / "tests/stand_in"
MIB = 1024.0 * 1024.0

# key of the script, metric, labels beyond the device's, factor from the driver's unit to ours
NVML_VALUES = [
    ("utilization", "tacho_device_utilization_ratio", {}, 0.01),
    ("memory_utilization", "tacho_device_memory_busy_ratio", {}, 0.01),
    ("encoder", "tacho_device_encoder_utilization_ratio", {}, 0.01),
    ("decoder", "tacho_device_decoder_utilization_ratio", {}, 0.01),
    ("memory_total_mib", "tacho_device_memory_total_bytes", {}, MIB),
    ("memory_used_mib", "tacho_device_memory_used_bytes", {}, MIB),
    ("memory_reserved_mib", "tacho_device_memory_reserved_bytes", {}, MIB),
    ("bar1_total_mib", "tacho_device_bar1_total_bytes", {}, MIB),
    ("bar1_used_mib", "tacho_device_bar1_used_bytes", {}, MIB),
    ("temperature", "tacho_device_temperature_celsius", {"sensor": "core"}, 1),
    ("field_82", "tacho_device_temperature_celsius", {"sensor": "memory"}, 1),
    ("temperature_limit_1", "tacho_device_temperature_limit_celsius", {"sensor": "core"}, 1),
    ("temperature_limit_2", "tacho_device_temperature_limit_celsius", {"sensor": "memory"}, 1),
    ("fan", "tacho_device_fan_ratio", {}, 0.01),
    ("power_mw", "tacho_device_power_watts", {}, 1e-3),
    ("power_limit_mw", "tacho_device_power_limit_watts", {}, 1e-3),
    ("energy_mj", "tacho_device_energy_joules_total", {}, 1e-3),
    ("clock_sm", "tacho_device_clock_hertz", {"domain": "sm"}, 1e6),
    ("clock_memory", "tacho_device_clock_hertz", {"domain": "memory"}, 1e6),
    ("clock_graphics", "tacho_device_clock_hertz", {"domain": "graphics"}, 1e6),
    ("clock_video", "tacho_device_clock_hertz", {"domain": "video"}, 1e6),
    ("clock_max_sm", "tacho_device_clock_max_hertz", {"domain": "sm"}, 1e6),
    ("clock_max_memory", "tacho_device_clock_max_hertz", {"domain": "memory"}, 1e6),
    ("clock_max_graphics", "tacho_device_clock_max_hertz", {"domain": "graphics"}, 1e6),
    ("clock_max_video", "tacho_device_clock_max_hertz", {"domain": "video"}, 1e6),
    ("performance_state", "tacho_device_performance_state", {}, 1),
    ("violation_0", "tacho_device_throttled_seconds_total", {"reason": "power_cap"}, 1e-9),
    ("violation_1", "tacho_device_throttled_seconds_total", {"reason": "thermal"}, 1e-9),
    ("violation_2", "tacho_device_throttled_seconds_total", {"reason": "sync_boost"}, 1e-9),
    ("violation_3", "tacho_device_throttled_seconds_total", {"reason": "board_limit"}, 1e-9),
    ("violation_5", "tacho_device_throttled_seconds_total", {"reason": "reliability"}, 1e-9),
    ("pcie_generation", "tacho_device_pcie_generation", {}, 1),
    ("pcie_generation_max", "tacho_device_pcie_generation_max", {}, 1),
    ("pcie_width", "tacho_device_pcie_width", {}, 1),
    ("pcie_width_max", "tacho_device_pcie_width_max", {}, 1),
    ("pcie_replays", "tacho_device_pcie_replays_total", {}, 1),
    ("field_138", "tacho_device_link_transmit_bytes_total", {}, 4 * 1024),
    ("field_139", "tacho_device_link_receive_bytes_total", {}, 4 * 1024),
    ("ecc_corrected", "tacho_device_ecc_errors_total", {"type": "corrected"}, 1),
    ("ecc_uncorrected", "tacho_device_ecc_errors_total", {"type": "uncorrected"}, 1),
    ("remapped_corrected", "tacho_device_remapped_rows", {"type": "corrected"}, 1),
    ("remapped_uncorrected", "tacho_device_remapped_rows", {"type": "uncorrected"}, 1),
    ("gpm_2", "tacho_device_sm_active_ratio", {}, 0.01),
    ("gpm_3", "tacho_device_sm_occupancy_ratio", {}, 0.01),
    ("gpm_5", "tacho_device_tensor_active_ratio", {}, 0.01),
    ("gpm_10", "tacho_device_dram_active_ratio", {}, 0.01),
    ("gpm_20", "tacho_device_pcie_transmit_bytes_per_second", {}, MIB),
    ("gpm_21", "tacho_device_pcie_receive_bytes_per_second", {}, MIB),
    ("gpm_61", "tacho_device_link_transmit_bytes_per_second", {}, MIB),
    ("gpm_60", "tacho_device_link_receive_bytes_per_second", {}, MIB),
]
# The same of calls that answer several things at once, or yes and no.
MORE_LINES = ["all field_91 4", "all links_down 1", "all throttle 0x28", "all remap_pending 1",
              "all remap_failed 0", "all compute_major 9", "all compute_minor 0"]
MORE_VALUES = [
    ("tacho_device_up", {}, 1), ("tacho_device_links", {}, 4),
    ("tacho_device_links_active", {}, 3),
    ("tacho_device_throttled", {"reason": "hardware_slowdown"}, 1),
    ("tacho_device_throttled", {"reason": "thermal"}, 1),
    ("tacho_device_throttled", {"reason": "power_cap"}, 0),
    ("tacho_device_memory_repair", {"state": "pending"}, 1),
    ("tacho_device_memory_repair", {"state": "failed"}, 0),
    ("tacho_device_faults_total", {"code": "none"}, 0),
]


def eight_gpus():
    """A script in which each value of each GPU differs, and what it says in our names:
    {(device, metric, labels): value}."""
    lines = ["devices 8", "driver 570.124.06", "cuda 12080", "all name NVIDIA H100 80GB HBM3"]
    lines += MORE_LINES
    wanted = {}
    for device in range(8):
        lines.append(f"{device} uuid GPU-{device}")
        for number, (key, metric, labels, factor) in enumerate(NVML_VALUES):
            value = 1 + (number * 8 + device) % 97
            lines.append(f"{device} {key} {value}")
            wanted[str(device), metric, tuple(labels.items())] = value * factor
        for metric, labels, value in MORE_VALUES:
            wanted[str(device), metric, tuple(labels.items())] = value
    return "\n".join(lines) + "\n", wanted


class StandIn:
    """A script, and the flags and environment with which tacho reads from it."""

    def __init__(self, text, library="libnvidia-ml.so.1"):
        path = STAND_INS / library
        if not path.exists():
            raise Skip(f"{path} has not been built")
        self.folder = new_folder("stand-in")
        self.put(text)
        self.flags = ["--nvml-library", path]
        self.environment = environment(TACHO_STAND_IN=str(self.folder / "script"))

    def put(self, text):
        (self.folder / "next").write_text(text, encoding="utf-8")
        os.replace(self.folder / "next", self.folder / "script")


class Monitor:
    """`tacho monitor --listen` on a free port."""

    def __init__(self, *arguments, env=None):
        where = f"127.0.0.1:{free_port()}"
        self.process = start([BINARY, "monitor", "--listen", where, *arguments],
                             stderr=subprocess.PIPE, env=env or environment())
        line = self.process.stderr.readline().decode()
        found = re.search(r"http://\S+(?=/metrics)", line)
        true(f"tacho monitor did not start: {line!r}", found)
        self.url = found.group()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end(self.process)

    def page(self):
        return get(f"{self.url}/metrics")[1]

    def series(self):
        """{(name, labels): value}, labels as a sorted tuple."""
        series = {}
        for name, labels, value in re.findall(r"^(\w+)(?:\{(.*)\})? (\S+)$", self.page(), re.M):
            pairs = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels)
            series[name, tuple(sorted(pairs))] = float(value)
        return series


def close(a, b):
    return abs(a - b) <= 1e-9 * max(abs(a), abs(b))


def check_json_values(subjects, wanted):
    """Every wanted value is in the JSON, once."""
    found = {}
    for subject in subjects:
        if subject["kind"] != "device" or "mig" in subject["labels"]:
            continue
        for reading in subject["readings"]:
            labels = tuple(reading.get("labels", {}).items())
            key = subject["labels"]["device"], reading["metric"], labels
            true(f"{key} is there twice", key not in found)
            found[key] = reading["value"]
    for key, value in wanted.items():
        true(f"{key} is {found.get(key)}, not {value}",
             found.get(key) is not None and close(found[key], value))


@test
def every_value_of_a_driver_is_in_the_json():
    """Eight GPUs, sixty values each: each comes out as scripted, in base units."""
    script, wanted = eight_gpus()
    stand_in = StandIn(script)
    done = tacho("monitor", "--once", "--json", *stand_in.flags, env=stand_in.environment)
    done.expect(0)
    check_json_values(json.loads(done.out)["subjects"], wanted)


@test
def every_value_of_a_driver_is_on_the_page():
    """The same on /metrics, which promtool finds nothing wrong with."""
    script, wanted = eight_gpus()
    script += f"process 3 {os.getpid()} compute 100 40 20\nevent 2 79 1\n"
    stand_in = StandIn(script)
    with Monitor("--interval", "150ms", *stand_in.flags, env=stand_in.environment) as monitor:
        fault = ("tacho_device_faults_total", tuple(sorted(
            {"vendor": "nvidia", "device": "2", "model": "NVIDIA H100 80GB HBM3", "uuid": "GPU-2",
             "code": "79"}.items())))
        wait_for("the fault", lambda: monitor.series().get(fault) == 1)
        series = wait_for("activity", lambda: next(
            (s for s in [monitor.series()] if any("sm_active" in name for name, _ in s)), None))
        for (device, metric, labels), value in wanted.items():
            identity = {"vendor": "nvidia", "device": device, "model": "NVIDIA H100 80GB HBM3",
                        "uuid": f"GPU-{device}"}
            key = metric, tuple(sorted({**identity, **dict(labels)}.items()))
            true(f"{key} is {series.get(key)}, not {value}",
                 key in series and close(series[key], value))
        own = [(name, dict(labels)) for name, labels in series
               if dict(labels).get("pid") == str(os.getpid())]
        equal("the process' metrics", sorted(name for name, _ in own), [
            "tacho_process_busiest_thread_cores", "tacho_process_cpu_cores",
            "tacho_process_device_memory_busy_ratio", "tacho_process_device_memory_bytes",
            "tacho_process_device_utilization_ratio", "tacho_process_memory_bytes",
            "tacho_process_start_time_seconds"])
        page = monitor.page()
    promtool = shutil.which("promtool")
    if promtool is None:
        raise Skip("promtool is not installed, so the page's form was not checked")
    checked = subprocess.run([promtool, "check", "metrics"], input=page.encode(), check=False,
                             capture_output=True)
    equal("promtool's words", (checked.returncode, checked.stdout + checked.stderr), (0, b""))


def as_nvitop_names(subjects):
    """{device: {"metric label": value}}, and processes, of the JSON."""
    devices = {}
    for subject in subjects:
        labels = subject["labels"]
        values = devices.setdefault(labels.get("device"), {})
        readings = {" ".join([r["metric"], *r.get("labels", {}).values()]): r["value"]
                    for r in subject["readings"]}
        if subject["kind"] == "device":
            values.update(readings, model=labels["model"], uuid=labels["uuid"])
        if subject["kind"] == "process":
            pid = labels["pid"]
            values[f"process {pid} memory"] = readings["tacho_process_device_memory_bytes"]
            values[f"process {pid} busy"] = readings["tacho_process_device_utilization_ratio"]
            values[f"process {pid} type"] = labels["type"][0].upper()
    return devices


@test
def nvitop_reads_the_same():
    """nvitop and NVIDIA's own bindings, on the same library: every figure is equal."""
    if IS_SANITIZED:
        raise Skip("a Python without the sanitizer cannot load the stand-in")
    python = environments.ensure("venv-nvitop", ["nvitop", "nvidia-ml-py"], limit_s=180)
    script, _ = eight_gpus()
    script += f"process 3 {os.getpid()} compute 100 40 20\n"
    stand_in = StandIn(script)
    check = pathlib.Path(__file__).with_name("nvitop_check.py")
    done = subprocess.run([python, check], check=False, capture_output=True, timeout=LIMIT_S,
                          env={**stand_in.environment, "LD_LIBRARY_PATH": str(STAND_INS)})
    equal(f"nvitop's exit code: {done.stderr.decode()[-1500:]}", done.returncode, 0)
    theirs = json.loads(done.stdout)["devices"]
    ours = as_nvitop_names(json.loads(tacho(
        "monitor", "--once", "--json", *stand_in.flags, env=stand_in.environment).out)["subjects"])
    figures = 0
    for device, values in theirs.items():
        for name, value in values.items():
            own = ours[device].get(name)
            is_same = own == value or (isinstance(value, (int, float)) and
                                       isinstance(own, (int, float)) and close(own, value))
            true(f"{name} of device {device}: nvitop says {value}, tacho {own}", is_same)
            figures += 1
    true(f"only {figures} figures were compared", figures > 8 * 55)


@test
def a_driver_that_dies_leaves_its_gpus_down_and_the_host_there():
    """While it serves: the driver goes, and comes back."""
    script, _ = eight_gpus()
    stand_in = StandIn(script)

    def up(monitor):
        return [value for (name, _), value in monitor.series().items()
                if name == "tacho_device_up"]

    with Monitor("--interval", "50ms", *stand_in.flags, env=stand_in.environment) as monitor:
        wait_for("eight GPUs", lambda: up(monitor) == [1.0] * 8)
        stand_in.put(script + "fail * 9\n")
        wait_for("eight GPUs that are down", lambda: up(monitor) == [0.0] * 8)
        true("the host went too", "tacho_host_cores" in monitor.page())
        stand_in.put(script)
        wait_for("eight GPUs that are back", lambda: up(monitor) == [1.0] * 8)
        stand_in.put(script + "fail 5:* 15\n")
        wait_for("one that is lost", lambda: sorted(up(monitor)) == [0.0] + [1.0] * 7)


class Page:
    """A server with one page."""

    def __init__(self, text):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200 if self.path == "/metrics" else 404)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


@test
def an_exporter_is_a_source():
    """dcgm-exporter's page over HTTP; what it does not export says what to do."""
    labels = '{gpu="2",UUID="GPU-2",modelName="NVIDIA H100",Hostname="n1"}'
    with Page(f"DCGM_FI_DEV_POWER_USAGE{labels} 412.5\n") as page:
        done = tacho("monitor", "--once", "--json", "--exporter", f"http://{page.address}")
        subject = next(s for s in json.loads(done.expect(0).out)["subjects"]
                       if s["id"] == f"{page.address}/nvidia:2")
        readings = {r["metric"]: r for r in subject["readings"]}
        equal("power", readings["tacho_device_power_watts"]["value"], 412.5)
        true("no word of the CSV file",
             "CSV" in readings["tacho_device_sm_active_ratio"]["missing"])
    with Page("node_load1 0.5\n") as page:
        done = tacho("monitor", "--once", "--json", "--exporter", f"http://{page.address}")
        true("another page was taken for an exporter's",
             "is no page of dcgm-exporter or npu-exporter" in done.expect(0).out)
    tacho("monitor", "--once", "--exporter", "http://:x").expect_one_line(2, "http")


@test
def npu_smi_is_run_where_the_library_is_not():
    """A program of ours in its place, on PATH."""
    folder = new_folder("npu-smi")
    (folder / "npu-smi").write_text("""#!/bin/sh
cat <<TABLE
| npu-smi 25.2.0   Version: 25.2.0 |
| NPU   Name       | Health        | Power(W)    Temp(C)  Hugepages-Usage(page) |
| Chip  Phy-ID     | Bus-Id        | AICore(%)   Memory-Usage(MB)  HBM-Usage(MB) |
| 0     Ascend910  | OK            | 178.5       36       0    / 0             |
| 0     0          | 0000:9D:00.0  | 12          0    / 0 3416 / 65536         |
TABLE
""")
    (folder / "npu-smi").chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    done = tacho("monitor", "--once", "--json", env=environment(PATH=path))
    subject = next(s for s in json.loads(done.expect(0).out)["subjects"]
                   if s["id"] == "ascend:0")
    readings = {r["metric"]: r.get("value") for r in subject["readings"]}
    equal("power", readings["tacho_device_power_watts"], 178.5)
    equal("memory", readings["tacho_device_memory_used_bytes"], 3416 * MIB)


@test
def a_library_that_cannot_be_loaded_is_refused():
    """One that was named: by the flag, or by the environment."""
    tacho("monitor", "--once", "--nvml-library", "/nowhere/lib.so").expect_one_line(
        2, "cannot load /nowhere/lib.so")
    tacho("monitor", "--once", env=environment(TACHO_NVML_LIBRARY="/no/lib.so")).expect_one_line(
        2, "cannot load /no/lib.so")
