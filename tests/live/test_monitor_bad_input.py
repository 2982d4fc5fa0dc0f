"""What `tacho monitor` makes of a bad world: each is shown as what it is, the others go on. A
driver that dies is in test_devices.py, a terminal that is none in golden/refused_monitor.case."""

import http.server
import json
import pathlib
import re
import threading

from harness import (IS_SANITIZED, Sim, Skip, end, environment, equal, get, new_folder, tacho, test,
                     true, wait_for)
from scripted_engine import ScriptedEngine
from test_devices import STAND_INS, Monitor

FEW = ["--no-devices", "--no-host"]
MIB = 1 << 20
VLLM = b'vllm:num_requests_running{engine="0",model_name="m"} 3\n'


class Pages:
    """A server with a page below each path, sent as it is; a page may be a function that writes."""

    def __init__(self, pages):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                page = pages[self.path]
                try:
                    if callable(page):
                        page(self.wfile)
                    else:
                        self.wfile.write(page)
                except OSError:
                    pass  # It was not waited for.

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def ok(body):
    return b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body


def endless(file):
    """A page without an end."""
    file.write(ok(VLLM))
    filler = b"".join(b'other_%d{some="label value"} 12345.678\n' % i for i in range(20000))
    while True:
        file.write(filler)


def fifty_megabytes(file):
    file.write(ok(VLLM))
    line = b'other_metric{some="label value that is rather long"} 12345.678\n'
    for _ in range(50):
        file.write(line * (MIB // len(line)))


# What is served, and what is said of it.
RUBBISH = {
    "/empty": (ok(b""), "is no page of metrics"),
    "/html": (ok(b"<html><body>Sign in</body></html>"), "is no page of metrics"),
    "/json": (ok(b'{"running": 3}'), "is no page of metrics"),
    "/binary": (ok(bytes(range(256)) * 4096), "is no page of metrics"),
    "/cut": (b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + VLLM, "broke off the answer"),
    "/half": (ok(b'vllm:num_requests_running{engine="0'), "is no page of metrics"),
    "/words": (ok(b'vllm:num_requests_running{engine="0"} many\n'), "is no page of metrics"),
    "/node": (ok(b"node_load1 0.5\n"), "no engine that tacho knows (it begins with 'node_load1')"),
    "/error": (b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", "answered with status 500"),
    "/not-http": (b"SSH-2.0-OpenSSH\r\n", "not an HTTP/1.1 response"),
    "/nothing": (b"", "gave no answer"),
    "/fifty": (fifty_megabytes, "is longer than 16 MiB"),
    "/endless": (endless, "is longer than 16 MiB"),
}


@test
def rubbish_for_a_page_is_shown_as_what_it_is():
    """Thirteen engines that are none, each with its reason, and one that goes on."""
    with Sim() as sim, Pages({path: page for path, (page, _) in RUBBISH.items()}) as pages:
        done = tacho("monitor", "--once", "--json", *FEW, "--no-alerts", "--engine", ",".join(
            [*(pages.url + path for path in RUBBISH), sim.url])).expect(0)
    subjects = [s for s in json.loads(done.out)["subjects"] if s["kind"] == "engine"]
    equal("engines", len(subjects), len(RUBBISH) + 1)
    # In the order in which they were named.
    for subject, (path, (_, why)) in zip(subjects, RUBBISH.items()):
        reason = subject.get("trouble", "")
        true(f"{path}: {reason}", why in reason and pages.url in reason)
    true(f"the last one goes on: {subjects[-1]}", "trouble" not in subjects[-1])


@test
def a_page_without_an_end_fills_no_memory():
    """It is given up at 16 MiB each time; the engine beside it is read on."""
    with Sim() as sim, Pages({"/metrics": endless}) as pages, Monitor(
            *FEW, "--engine", f"{pages.url},{sim.url}", "--interval", "100ms") as monitor:
        up = f'tacho_engine_up{{engine="vllm",instance="{sim.url}"'
        for _ in range(5):
            scrapes = wait_for("the engine", lambda: up in monitor.page())
        wait_for("the other's reason", lambda: "longer than 16 MiB" in get(
            f"{monitor.url}/snapshot")[1])
        true("it is up", scrapes)
        status = pathlib.Path(f"/proc/{monitor.process.pid}/status").read_text()
        most = int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) / 1024
        if not IS_SANITIZED:
            true(f"{most:.0f} MiB at most", most < 160)


def value_of(page, name, instance):
    labels = rf'{{[^}}]*instance="{re.escape(instance)}"[^}}]*}}'
    found = re.search(rf"^{name}{labels} (\S+)$", page, re.M)
    return found and float(found.group(1))


@test
def an_engine_that_restarts_is_counted():
    """It goes and comes back on its port with counters at zero: down, up, one restart, and its
    counters go on."""
    sim = Sim()
    port = sim.url.rsplit(":", 1)[1]
    with Monitor(*FEW, "--engine", sim.url, "--interval", "100ms") as monitor:
        def value(name):
            return value_of(monitor.page(), f"tacho_engine_{name}", sim.url)
        wait_for("the engine", lambda: value("up") == 1)
        equal("restarts", value("restarts_total"), 0)
        end(sim.process)
        wait_for("its end", lambda: value("up") == 0)
        equal("what it ran is not shown any more", value("requests_running"), None)
        with Sim("--port", port):
            wait_for("its return", lambda: value("up") == 1)
            wait_for("the restart", lambda: value("restarts_total") == 1)


@test
def a_wall_clock_that_jumps_does_no_harm():
    """A day forward, two back: readings go on, nothing becomes old, no alert comes or goes."""
    clock = STAND_INS / "libclock.so"
    if IS_SANITIZED or not clock.exists():
        raise Skip("the stand-in clock is not here, or cannot be preloaded")
    jump = new_folder("clock") / "jump"
    jump.write_text("0\n")
    with ScriptedEngine() as engine, Monitor(
            "--no-devices", "--engine", engine.url, "--interval", "100ms",
            env=environment(LD_PRELOAD=str(clock), TACHO_STAND_IN_CLOCK=str(jump))) as monitor:
        def snapshot():
            return json.loads(get(f"{monitor.url}/snapshot")[1])

        def tokens():
            return value_of(monitor.page(), "tacho_engine_generation_tokens_total", engine.url) or 0

        def alerts():
            return {(a["alert"], a["state"]) for a in json.loads(get(f"{monitor.url}/alerts")[1])
                    if a["alert"] == "TachoQueueLong"}
        wait_for("the queue's alert", lambda: alerts() == {("TachoQueueLong", "pending")})
        before = snapshot()["wall_ns"]
        for seconds in (86400, -86400):
            jump.write_text(f"{seconds}\n")
            wait_for("the jump", lambda: abs(
                snapshot()["wall_ns"] - before - seconds * 10**9) < 3600 * 10**9)
            had = tokens()
            wait_for("readings", lambda: tokens() > had)
            ages = [s["age_s"] for s in snapshot()["subjects"] if "age_s" in s]
            true(f"ages {ages}", ages and all(0 <= age < 60 for age in ages))
            equal("the alert", alerts() & {("TachoQueueLong", "resolved")}, set())
            true("it is still there", alerts())
            true("no negative time on the page", not re.search(
                r"^tacho_\w+_(?:seconds|age_seconds)(?:{.*})? -", monitor.page(), re.M))
