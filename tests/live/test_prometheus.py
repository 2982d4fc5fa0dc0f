"""A real Prometheus scrapes what tacho exports and answers every expression of every board and
rule; a real Alertmanager is told of an alert that fires and is over."""

import json
import os
import re
import shutil
import subprocess
import time
import urllib.parse

from board_values import (BENCH, BENCH_BOARD, CANARY_BOARD, DEVICE, DEVICE_BOARD, FAULT,
                          FAULTS_BOARD, PROCESS, SPAN_S, Pages, engine_board)
from harness import (BINARY, Sim, Skip, end, equal, free_port, get, heavy_test, new_folder, start,
                     tacho, test, true, wait_for)
from scripted_engine import ScriptedEngine
from test_alerts import Receiver, promtool
from test_devices import Monitor, StandIn
from test_exporter import checked_by_promtool

SPAN = f"{SPAN_S}s"
PATIENCE_S = 90
FEW_S = 15  # After the first that is wrong.
# What a virtual machine or one without control groups does not have.
MACHINE = {"tacho_host_network_speed_bytes_per_second",
           "tacho_host_cgroup_throttled_seconds_total"}

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

    def samples(self, expression):
        """[(labels, value)] of an expression; None when Prometheus refuses it."""
        data = self.api("query", query=expression)
        if data is None:
            return None
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(sample["metric"], float(sample["value"][1])) for sample in data["result"]]

    def ask(self, expression):
        """The values alone."""
        samples = self.samples(expression)
        return samples and [value for _, value in samples]


def filled(expression, instance=".*"):
    """An expression of a board with its variables chosen."""
    expression = expression.replace("$__rate_interval", SPAN).replace("$instance", instance)
    return re.sub(r"\$(model|device|host)\b", ".*", expression)


def targets_of(board):
    """(panel, legend, expression) of a board for Grafana."""
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["legendFormat"], target["expr"]


def check_values(prometheus, board, wanted, pages, instance=".*"):
    """The expressions that are named give what they must, within what a window allows that does
    not begin with a reading; which of the board's they are, and what was wrong."""
    done, wrong = set(), []
    for title, legend, expression in targets_of(board):
        if (title, legend) not in wanted:
            continue
        done.add((title, legend))
        asked = filled(expression, instance)
        why = [None]

        def is_right():
            samples = prometheus.samples(asked)
            why[0] = wanted[title, legend].why_not(samples, pages) if samples else "no answer"
            return why[0] is None

        try:
            # A busy machine may leave a reading out.
            wait_for("the value", is_right, FEW_S if wrong else PATIENCE_S)
        except AssertionError:
            wrong.append(f"{board['title']}: {title}/{legend}: {why[0]}: {asked}")
    equal("panels without their expression", set(wanted) - done, set())
    return done, wrong


def check_boards(prometheus, boards, engine, stand_in, pages):
    """Every expression of every board, each with its value."""
    def firing():
        return sum(alert["state"] == "firing" and alert["labels"]["alertname"].startswith("Tacho")
                   for alert in prometheus.api("alerts")["alerts"])

    only = re.escape(engine.url).replace("\\", "\\\\")
    done, wrong = {name: set() for name in boards}, []
    # Within a minute from here it is a fault of the last minute.
    stand_in.put(DEVICE + FAULT + PROCESS)
    for name, table, instance in (
            ("tacho-devices", FAULTS_BOARD, ".*"),
            ("tacho-engines", engine_board(engine.url, firing), only),
            ("tacho-engines", CANARY_BOARD, ".*"), ("tacho-devices", DEVICE_BOARD, ".*"),
            ("tacho-bench", BENCH_BOARD, ".*")):
        found = check_values(prometheus, boards[name], table, pages, instance)
        done[name] |= found[0]
        wrong += found[1]
    for name, board in boards.items():
        every = {(title, legend) for title, legend, _ in targets_of(board)}
        equal(f"expressions of {name} whose value was not looked at", every - done[name], set())
    true("\n".join(wrong), not wrong)


def check_nightingale(prometheus, folder):
    """Its boards ask what Grafana's do, which have just been answered."""
    for path in (folder / "grafana/dashboards").glob("*.json"):
        theirs = json.loads((folder / "nightingale" / path.name).read_text())["configs"]["panels"]
        asked = [target["expr"] for panel in theirs for target in panel.get("targets", [])]
        equal(path.name, asked, [expression for _, _, expression in targets_of(
            json.loads(path.read_text()))])
        for expression in asked:
            true(f"Prometheus takes {expression}", prometheus.ask(filled(expression)) is not None)


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
    stand_in = StandIn(DEVICE + PROCESS)
    with Receiver() as receiver, ScriptedEngine() as engine, Sim() as sim:
        alertmanager = start_alertmanager(folder, receiver.url)
        live = f"127.0.0.1:{free_port()}"
        monitor = Monitor("--engine", f"{engine.url},{sim.url}", "--canary", sim.url, "--every",
                          "1s", "--interval", "250ms", *stand_in.flags, env=stand_in.environment)
        with monitor, Prometheus(folder, [monitor.url.removeprefix("http://"), live],
                                 alertmanager) as prometheus:
            bench = start([BINARY, "bench", "--url", sim.url, *BENCH, "--quiet",
                           "--listen-metrics", live, "--out", folder / "run"],
                          stdout=subprocess.DEVNULL)
            pages = Pages([f"{monitor.url}/metrics", f"http://{live}/metrics"])
            try:
                wait_for("a window's worth of readings", lambda: (prometheus.ask(
                    f"tacho_engine_up{{instance='{engine.url}'}} offset {SPAN}") or [0])[0] == 1)
                wait_for("the bench's figures", lambda: (prometheus.ask(
                    f"sum(tacho_bench_requests_total offset {SPAN})") or [0])[0] > 1)
                check_boards(prometheus, boards, engine, stand_in, pages)
                check_nightingale(prometheus, folder)
                observe(prometheus, engine, receiver, monitor)
            finally:
                pages.is_over.set()
                end(bench)


def observe(prometheus, engine, receiver, monitor):
    """Rules and alerts, while everything runs."""
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
    checked_by_promtool(monitor.page())
    for job in ("tacho", "tacho-bench"):
        wait_for(f"minutes of {job}", lambda: prometheus.ask(f"up{{job='{job}'}} offset 2m"))
        # Two a second, of which a busy machine may leave out half.
        came, = prometheus.ask(f"sum_over_time(up{{job='{job}'}}[2m])")
        true(f"{came} scrapes of {job} in two minutes", came > 120)
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
