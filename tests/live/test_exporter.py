"""The exporter: who may read it, over what, in whose names; and a bench that exports itself."""

import base64
import json
import os
import re
import ssl
import subprocess
import urllib.request

import certificates
import environments
from board_values import DEVICE, series_of
from harness import (BINARY, IS_SANITIZED, LIMIT_S, Sim, Skip, bench_in_background, end, equal,
                     free_port, get, heavy_test, new_folder, start, tacho, test, true,
                     wait_for)
from test_alerts import promtool
from test_devices import STAND_INS, Monitor, StandIn, eight_gpus

FEW = ["--no-devices", "--no-host"]


def checked_by_promtool(page):
    """promtool finds nothing wrong with a page."""
    path = new_folder("page") / "metrics"
    path.write_text(page)
    promtool("--version")  # Skips where there is none.
    with open(path, "rb") as file:
        done = subprocess.run(["promtool", "check", "metrics"], stdin=file, capture_output=True,
                              text=True, timeout=LIMIT_S, check=False)
    equal("promtool's words", (done.returncode, done.stdout + done.stderr), (0, ""))


@test
def only_those_read_who_know_the_password():
    """Basic auth on every page but /health."""
    secret = new_folder("secret") / "password"
    secret.write_text("open sesame\n")
    with Monitor(*FEW, "--basic-auth", f"ann:{secret}") as monitor:
        def status(path, words=None):
            headers = {} if words is None else {
                "Authorization": "Basic " + base64.b64encode(words.encode()).decode()}
            return get(f"{monitor.url}{path}", headers)[0]
        for path in ("/metrics", "/snapshot", "/alerts"):
            equal(f"{path} without", status(path), 401)
            equal(f"{path} with another password", status(path, "ann:open sesam"), 401)
            equal(f"{path} of another user", status(path, "bob:open sesame"), 401)
            equal(f"{path} with it", status(path, "ann:open sesame"), 200)
        equal("/health", status("/health"), 200)
        there = ["monitor", "--connect", monitor.url.removeprefix("http://"), "--once", "--json"]
        tacho(*there).expect(0, out="asks for a user and a password: --basic-auth USER:FILE")
        seen = json.loads(tacho(*there, "--basic-auth", f"ann:{secret}").expect(0).out)
        true("it is let in", not any("trouble" in subject for subject in seen["subjects"]))


@test
def pages_are_served_over_tls():
    """With a certificate, https and nothing else; one who speaks plain HTTP is hung up on."""
    cert, key = certificates.self_made()
    where = f"127.0.0.1:{free_port()}"
    process = start([BINARY, "monitor", *FEW, "--listen", where, "--tls-cert", cert, "--tls-key",
                     key], stderr=subprocess.PIPE)
    line = process.stderr.readline().decode()
    true(f"it says https: {line!r}", f"https://{where}/metrics" in line)
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=str(cert))))
    for _ in range(3):
        with opener.open(f"https://{where}/metrics", timeout=LIMIT_S) as reply:
            true("the page", b"tacho_monitor_cpu_seconds_total" in reply.read())
    try:
        get(f"http://{where}/metrics")
        raise AssertionError("plain HTTP was answered")
    except OSError:
        pass
    with opener.open(f"https://{where}/health", timeout=LIMIT_S) as reply:
        equal("it goes on", reply.read(), b"ok\n")
    there = ["monitor", "--connect", f"https://{where}", "--once", "--json"]
    tacho(*there).expect(0, out="name its CA with --cacert FILE")
    seen = json.loads(tacho(*there, "--cacert", cert).expect(0).out)
    true("it is trusted", not any("trouble" in subject for subject in seen["subjects"]))
    end(process)


@test
def openmetrics_is_served_where_it_is_asked_for():
    """Families without _total, bounds with a point, and the mark of the end behind the aliases."""
    with Sim() as sim, Monitor("--no-devices", "--engine", sim.url, "--compat",
                               "nvitop") as monitor:
        wait_for("engine and host", lambda: "tacho_engine_up" in monitor.page() and
                 "host_cpu_percent_Percentage{" in monitor.page())
        page = get(f"{monitor.url}/metrics", {"Accept": "application/openmetrics-text"})[1]
    true("the end", page.endswith("# EOF\n") and page.count("# EOF") == 1)
    true("aliases", "host_cpu_percent_Percentage{" in page)
    true("a counter's family", "# TYPE tacho_monitor_cpu_seconds counter" in page)
    bounds = set(re.findall(r'tacho_engine_ttft_seconds_bucket{.*le="([^"]+)"', page))
    true(f"bounds {bounds}", {"1.0", "0.5", "+Inf"} <= bounds and "1" not in bounds)


@test
def series_of_a_process_end_with_it():
    """A process that is gone is on no page any more."""
    script, _ = eight_gpus()
    stand_in = StandIn(script + f"process 3 {os.getpid()} compute 100 40 20\n")
    with Monitor("--interval", "100ms", *stand_in.flags, env=stand_in.environment) as monitor:
        wait_for("the process", lambda: "tacho_process_device_memory_bytes{" in monitor.page())
        stand_in.put(script)
        wait_for("its end", lambda: "tacho_process_" not in monitor.page())


@test
def a_bench_exports_itself_while_it_runs():
    """Progress, outcomes and times of the cell that runs, in a form that promtool likes."""
    where = f"127.0.0.1:{free_port()}"
    with Sim() as sim, bench_in_background(
            "--request-rate", "50", "--duration", "120", "--output-tokens", "4",
            "--listen-metrics", where, url=sim.url) as (process, run):
        def page():
            try:
                return get(f"http://{where}/metrics")[1]
            except OSError:
                return ""

        def ok(series):
            return sum(value for (name, labels), value in series.items()
                       if name == "tacho_bench_requests_total" and ("outcome", "ok") in labels)
        text = wait_for("ten requests", lambda: (lambda p: p if ok(series_of(p)) >= 10 else "")(
            page()))
        checked_by_promtool(text)
        values = {name: value for (name, labels), value in series_of(text).items()
                  if not any(key == "le" for key, _ in labels)}
        true("progress", 0 < values["tacho_bench_progress_ratio"] < 1)
        true("tokens", values["tacho_bench_output_tokens_total"] >= 40)
        equal("each has a time", values["tacho_bench_e2e_seconds_count"],
              values["tacho_bench_ttft_seconds_count"])
        true("times", 0 < values["tacho_bench_ttft_seconds_sum"]
             <= values["tacho_bench_e2e_seconds_sum"])
        true("the run goes on", process.poll() is None and run.path.exists())


@heavy_test
def aliases_are_what_nvitop_exporter_says():
    """The real nvitop-exporter on the same library: names, labels and values of GPUs are equal."""
    if IS_SANITIZED:
        raise Skip("a Python without the sanitizer cannot load the stand-in")
    python = environments.ensure("venv-nvitop-exporter", ["nvitop-exporter"], limit_s=180)
    stand_in = StandIn(DEVICE + f"process 0 {os.getpid()} compute 512 40 20\n")
    port = free_port()
    theirs = start([python.with_name("nvitop-exporter"), "--bind-address", "127.0.0.1", "--port",
                    port, "--hostname", "box"], stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL,
                   env={**stand_in.environment, "LD_LIBRARY_PATH": str(STAND_INS)})

    def their_page():
        try:
            page = get(f"http://127.0.0.1:{port}/metrics")[1]
            return page if "process_gpu_memory_MiB{" in page else ""
        except OSError:
            return ""
    wanted = series_of(wait_for("nvitop-exporter", their_page))
    end(theirs)
    with Monitor("--interval", "200ms", "--compat", "nvitop", *stand_in.flags,
                 env=stand_in.environment) as monitor:
        page = wait_for("the aliases", lambda: (lambda p: p if "process_gpu_memory_MiB{" in p
                                                else "")(monitor.page()))
    ours = series_of(page)
    compared = 0
    for (name, labels), value in ours.items():
        if not name.startswith(("gpu_", "process_gpu_")):
            continue
        labels = tuple(("hostname", "box") if key == "hostname" else (key, text)
                       for key, text in labels)
        true(f"nvitop-exporter has {name} {labels}", (name, labels) in wanted)
        other = wanted[name, labels]
        true(f"{name} {labels}: {value}, nvitop-exporter has {other}",
             "nvlink" in name or "pcie" in name or abs(value - other) <= 0.06 * max(1, abs(other)))
        compared += 1
    true(f"{compared} values", compared >= 14)
