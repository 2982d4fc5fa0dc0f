"""A real Prometheus scrapes what tacho exports and answers every expression of every board and
rule; a real Alertmanager is told of an alert that fires and is over."""

import json
import math
import os
import re
import shutil
import subprocess
import time
import urllib.parse

from harness import (BINARY, Sim, Skip, end, equal, free_port, get, heavy_test, new_folder, start,
                     tacho, test, true, wait_for)
from scripted_engine import BOARD, ScriptedEngine
from test_alerts import Receiver, promtool
from test_devices import Monitor, StandIn

# Long enough that readings a moment older than they seem do not matter.
SPAN = "60s"
PATIENCE_S = 60
# Steady values of one GPU, and what the board of devices makes of them.
DEVICE = """devices 1
driver 570.124.06
cuda 12080
all name NVIDIA H100 80GB HBM3
all uuid GPU-0
all utilization 92
all memory_utilization 55
all memory_total_mib 80000
all memory_reserved_mib 500
all memory_used_mib 60000
all temperature 58
all temperature_limit_1 87
all power_mw 480000
all power_limit_mw 700000
all energy_mj 1000+480000/s
all clock_sm 1980
all clock_max_sm 1980
all throttle 0x0
all fan 40
all pcie_width 16
all pcie_width_max 16
all field_91 18
all links_down 0
all field_138 1000+20000/s
all field_139 1000+20000/s
all ecc_corrected 0
all ecc_uncorrected 0
all gpm_2 71
all gpm_3 24
all gpm_5 33
all gpm_10 62
all gpm_20 110
all gpm_21 320
"""
# What a virtual machine or one without control groups does not have.
MACHINE = {"tacho_host_network_speed_bytes_per_second",
           "tacho_host_cgroup_throttled_seconds_total"}
DEVICE_BOARD = {
    ("Devices up", "up"): 1,
    ("Power", "power"): 480,
    ("Hottest", "hottest"): 58,
    ("Memory in use", "memory"): 0.75,
    ("Slowed down", "slowed down"): 0,
    ("Utilisation", "{{device}} {{mig}}"): 0.92,
    ("SM activity", "{{device}} {{mig}}"): 0.71,
    ("Memory bandwidth in use", "{{device}} {{mig}}"): 0.62,
    ("Matrix units", "{{device}} {{mig}}"): 0.33,
    ("Power", "{{device}}"): 480,
    ("Power", "limit"): 700,
    ("Clock of the cores", "{{device}}"): 1.98e9,
    ("Energy", "all devices"): 480,
    ("Fans", "{{device}}"): 0.4,
    ("Links between devices", "{{device}} sent"): 18 * 20000 * 1024,
    ("Links that are up", "{{device}}"): 18,
}


class Prometheus:
    """A real one, on the files that `tacho export dashboards` writes, all times made short."""

    def __init__(self, folder, targets, alertmanager):
        if not shutil.which("prometheus"):
            raise Skip("there is no prometheus here")
        config = (folder / "prometheus/prometheus.yml").read_text()
        for typed, real in (("127.0.0.1:9860", targets[0]), ("127.0.0.1:9861", targets[1]),
                            ("127.0.0.1:9093", alertmanager), ("scrape_interval: 5s",
                            "scrape_interval: 500ms"), ("evaluation_interval: 15s",
                            "evaluation_interval: 1s")):
            true(f"{typed} is in the configuration", typed in config)
            config = config.replace(typed, real)
        (folder / "prometheus/prometheus.yml").write_text(config)
        rules = folder / "prometheus/tacho-rules.yaml"
        text = re.sub(r"\bfor: \d+[smh]", "for: 1s", rules.read_text())
        text = re.sub(r" *keep_firing_for: .*\n", "", text).replace("interval: 15s", "interval: 1s")
        rules.write_text(text)
        self.url = f"http://127.0.0.1:{free_port()}"
        self.log = open(folder / "prometheus.log", "wb")
        self.process = start(
            ["prometheus", f"--config.file={folder}/prometheus/prometheus.yml",
             f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address={self.url.removeprefix('http://')}"],
            stdout=self.log, stderr=self.log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end(self.process)
        self.log.close()

    def api(self, path, **query):
        try:
            answer = json.loads(get(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}")[1])
        except (OSError, ValueError):
            time.sleep(0.05)
            return None
        return answer["data"] if answer["status"] == "success" else None

    def ask(self, expression):
        """The values of an expression; None when Prometheus refuses it."""
        data = self.api("query", query=expression)
        if data is None:
            return None
        if data["resultType"] == "scalar":
            return [float(data["result"][1])]
        return [float(sample["value"][1]) for sample in data["result"]]


def filled(expression, instance=".*"):
    """An expression of a board with its variables chosen."""
    expression = expression.replace("$__rate_interval", SPAN).replace("$instance", instance)
    return re.sub(r"\$(model|device|host)\b", ".*", expression)


def targets_of(board):
    """(panel, legend, expression) of a board for Grafana."""
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["legendFormat"], target["expr"]


def check_values(prometheus, board, wanted, instance):
    """The expressions of a board whose values are scripted give them, within what a window that
    does not begin with a reading allows."""
    left = dict(wanted)
    for title, legend, expression in targets_of(board):
        if (title, legend) not in left:
            continue
        value = left.pop((title, legend))
        def is_right():
            got.append(prometheus.ask(filled(expression, instance)))
            return got[-1] and all(math.isclose(one, value, rel_tol=0.05, abs_tol=1e-9)
                                   for one in got[-1])

        # A busy machine may leave a reading out.
        got = []
        try:
            wait_for("the value", is_right, PATIENCE_S)
        except AssertionError:
            raise AssertionError(f"{title}/{legend} is {got[-1]}, not {value}") from None
    equal("panels without their expression", left, {})


def check_answers(prometheus, board):
    for title, legend, expression in targets_of(board):
        def has_value():
            return any(not math.isnan(one) for one in prometheus.ask(filled(expression)) or [])

        wait_for(f"{board['title']}: {title}/{legend}: {filled(expression)}", has_value, PATIENCE_S)


def alerts_of(prometheus, states=("firing",)):
    """The names of Prometheus' alerts in these states, with the engine where one is meant."""
    data = prometheus.api("alerts") or {"alerts": []}
    return {(alert["labels"]["alertname"], engine_of(alert["labels"]))
            for alert in data["alerts"] if alert["state"] in states}


def own_alerts(monitor, states):
    """The same of tacho's own judge."""
    return {(alert["alert"], engine_of(alert["labels"]))
            for alert in json.loads(get(f"{monitor.url}/alerts")[1]) if alert["state"] in states}


def engine_of(labels):
    """Prometheus names the exporter where a series names no engine."""
    instance = labels.get("instance", "")
    return instance if instance.startswith("http") else ""


@test
def what_is_exported_is_sound_to_the_programs_that_read_it():
    """promtool and amtool on the files of `tacho export dashboards`; JSON is JSON."""
    folder = new_folder("boards")
    done = tacho("export", "dashboards", "--to", folder).expect(0)
    for line in done.out.splitlines():
        path = line.removeprefix("wrote ")
        true(f"{path} is there", os.path.getsize(path) > 100)
        if path.endswith(".json"):
            with open(path, encoding="utf-8") as file:
                json.load(file)
    code, text = promtool("check", "config", folder / "prometheus/prometheus.yml")
    equal(f"promtool check config: {text}", code, 0)
    if not shutil.which("amtool"):
        raise Skip("there is no amtool here")
    done = subprocess.run(["amtool", "check-config", folder / "alertmanager/alertmanager.yml"],
                          capture_output=True, text=True, check=False)
    equal(f"amtool check-config: {done.stdout}{done.stderr}", done.returncode, 0)


@heavy_test
def a_real_prometheus_answers_every_expression():
    """A scripted engine, the built-in one, a stand-in GPU, a canary and a bench: every expression
    of every board has a value, and the scripted ones theirs; rules are judged as tacho judges
    them; an Alertmanager's receiver hears of an alert and of its end."""
    folder = new_folder("prometheus")
    tacho("export", "dashboards", "--to", folder).expect(0)
    boards = {path.stem: json.loads(path.read_text())
              for path in (folder / "grafana/dashboards").glob("*.json")}
    stand_in = StandIn(DEVICE + f"process 0 {os.getpid()} compute 512 40 20\n")
    with Receiver() as receiver, ScriptedEngine() as engine, Sim() as sim:
        alertmanager = start_alertmanager(folder, receiver.url)
        live = f"127.0.0.1:{free_port()}"
        monitor = Monitor("--engine", f"{engine.url},{sim.url}", "--canary", sim.url, "--every",
                          "1s", "--interval", "250ms", *stand_in.flags, env=stand_in.environment)
        with monitor, Prometheus(folder, [monitor.url.removeprefix("http://"), live],
                                 alertmanager) as prometheus:
            bench = start([BINARY, "bench", "--url", sim.url, "--request-rate", "20",
                           "--duration", "600", "--quiet", "--output-tokens", "8",
                           "--listen-metrics", live, "--out", folder / "run"],
                          stdout=subprocess.DEVNULL)
            try:
                observe(prometheus, boards, engine, receiver, monitor)
            finally:
                end(bench)


def observe(prometheus, boards, engine, receiver, monitor):
    """What the test above is for, while everything runs."""
    wait_for("a window's worth of readings", lambda: (prometheus.ask(
        f"tacho_engine_up{{instance='{engine.url}'}} offset {SPAN}") or [0])[0] == 1)
    wait_for("the bench's figures", lambda: (prometheus.ask(
        f"sum(rate(tacho_bench_requests_total[{SPAN}]))") or [0])[0] > 1)
    check_values(prometheus, boards["tacho-engines"], BOARD, re.escape(engine.url).replace(
        "\\", "\\\\"))
    check_values(prometheus, boards["tacho-devices"], DEVICE_BOARD, ".*")
    for board in boards.values():
        check_answers(prometheus, board)
    rules = [rule for group in prometheus.api("rules")["groups"] for rule in group["rules"]]
    true(f"{len(rules)} rules are loaded", len(rules) > 30)
    for rule in rules:
        equal(f"{rule['name']}: {rule.get('lastError')}", rule["health"], "ok")
        for metric in set(re.findall(r"\btacho_\w+", rule["query"])) - MACHINE:
            true(f"{rule['name']}: Prometheus has {metric}", prometheus.ask(f"count({metric})"))
    queue = ("TachoQueueLong", engine.url)
    wait_for("the queue's alert in Prometheus", lambda: queue in alerts_of(prometheus))
    # In tacho the times of `for` are not made short; what is begun is the same.
    begun = ("pending", "firing")
    wait_for("tacho and Prometheus to find the same",
             lambda: own_alerts(monitor, begun) == alerts_of(prometheus, begun))
    true("the queue is among it", queue in own_alerts(monitor, begun))
    fires = receiver.first("firing", "TachoQueueLong")
    equal("the engine with the queue", fires["labels"]["instance"], engine.url)
    engine.waiting = 3
    over = receiver.first("resolved", "TachoQueueLong")
    equal("the same alert", over["fingerprint"], fires["fingerprint"])


def start_alertmanager(folder, receiver):
    """A real Alertmanager on the exported file, told at once, and whom to tell; its address."""
    binary = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if not binary:
        raise Skip("there is no alertmanager here")
    path = folder / "alertmanager/alertmanager.yml"
    text = path.read_text()
    for typed, real in (("    # webhook_configs:\n    #   - url: http://127.0.0.1:8080/alerts\n"
                         "    #     send_resolved: true\n",
                         f"    webhook_configs:\n      - url: {receiver}\n"
                         "        send_resolved: true\n"),
                        ("group_wait: 10s", "group_wait: 0s"),
                        ("group_interval: 1m", "group_interval: 1s")):
        true(f"{typed!r} is in the configuration", typed in text)
        text = text.replace(typed, real)
    path.write_text(text)
    where = f"127.0.0.1:{free_port()}"
    log = open(folder / "alertmanager.log", "wb")
    start([binary, f"--config.file={path}", f"--storage.path={folder}/alertmanager-data",
           f"--web.listen-address={where}", "--cluster.listen-address="], stdout=log, stderr=log)
    return where
