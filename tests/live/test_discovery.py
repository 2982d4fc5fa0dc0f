"""`tacho monitor` finds what to watch by itself: in lists that change while it watches, and in a
Prometheus that scrapes it already."""

import http.server
import json
import shutil
import subprocess
import threading

from harness import (Sim, Skip, end, equal, free_port, get, new_folder, start, tacho, test, true,
                     wait_for)
from scripted_engine import GAUGES, ScriptedEngine
from test_devices import Monitor

FEW = ["--no-devices", "--no-host", "--no-alerts"]


def engines_of(monitor):
    """{id: subject} of the engines that the monitor sees now."""
    subjects = json.loads(get(f"{monitor.url}/snapshot")[1])["subjects"]
    return {one["id"]: one for one in subjects if one["kind"] == "engine"}


def value(subject, metric):
    for reading in subject["readings"]:
        if reading["metric"] == metric:
            return reading["value"]
    return None


def listed(*groups):
    return json.dumps([{"targets": [url.removeprefix("http://") for url in urls], "labels": labels}
                       for urls, labels in groups])


@test
def a_list_in_a_file_may_change_while_it_is_watched():
    """Targets come and go; a list that breaks is told of, and what it named stays."""
    path = new_folder("sd") / "targets.json"
    with Sim() as one, Sim() as two:
        path.write_text(listed(([one.url], {"job": "first"})))
        with Monitor(*FEW, "--file-sd", path) as monitor:
            seen = wait_for("the first engine", lambda: engines_of(monitor))
            equal("engines", list(seen), [one.url])
            equal("its label", seen[one.url]["labels"].get("job"), "first")
            equal("up", value(seen[one.url], "tacho_engine_up"), 1)
            path.write_text(listed(([one.url, two.url], {"job": "both"})))
            wait_for("the second engine", lambda: set(engines_of(monitor)) == {one.url, two.url})
            equal("the label of now", engines_of(monitor)[one.url]["labels"]["job"], "both")
            path.write_text("[")
            seen = wait_for("what is wrong with the list", lambda: (
                lambda now: now if str(path) in now else None)(engines_of(monitor)))
            true("it says where", "targets.json" in seen[str(path)]["trouble"])
            equal("nothing is lost", set(seen) - {str(path)}, {one.url, two.url})
            path.write_text(listed(([two.url], {})))
            wait_for("the first one gone", lambda: set(engines_of(monitor)) == {two.url})


class ListServer:
    """Answers each request with a list of targets."""

    def __init__(self, text):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/targets"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


@test
def a_target_is_what_its_page_says():
    """A list over HTTP: an engine, another tacho monitor, and one that is not there."""
    with Sim() as sim, Monitor("--no-devices", "--no-alerts") as other:
        gone = f"http://127.0.0.1:{free_port()}"
        with ListServer(listed(([sim.url, other.url, gone], {}))) as server:
            done = tacho("monitor", "--once", "--json", *FEW, "--http-sd", server.url).expect(0)
    subjects = json.loads(done.out)["subjects"]
    kinds = sorted((one["kind"], bool(one.get("trouble"))) for one in subjects
                   if one["kind"] in ("engine", "host"))
    equal("kinds and troubles", kinds, [("engine", False), ("engine", True), ("host", False)])
    for words, code, said in ((("--file-sd", "/no/such/list.json"), 2, "/no/such/list.json"),
                              (("--http-sd", gone), 4, gone.removeprefix("http://"))):
        tacho("monitor", "--once", *FEW, *words).expect_one_line(code, said)


@test
def what_a_prometheus_scrapes_is_watched_through_it():
    """An engine's figures come as its own page has them, and its end is noticed."""
    if not shutil.which("prometheus"):
        raise Skip("there is no prometheus here")
    folder, port = new_folder("federate"), free_port()
    with ScriptedEngine() as engine, Sim() as sim:
        names = {job: url.removeprefix("http://")
                 for job, url in (("scripted", engine.url), ("sim", sim.url))}
        (folder / "prometheus.yml").write_text("global: {scrape_interval: 1s}\nscrape_configs:\n" +
            "".join(f"- job_name: {job}\n  static_configs: [{{targets: ['{name}']}}]\n"
                    for job, name in names.items()))
        prometheus = start(
            ["prometheus", f"--config.file={folder}/prometheus.yml",
             f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        source = f"http://127.0.0.1:{port}"
        with Monitor(*FEW, "--prometheus", source) as monitor:
            seen = wait_for("both engines", lambda: (
                lambda now: now if set(names.values()) <= set(now) else None)(engines_of(monitor)))
            scripted = seen[names["scripted"]]
            for name, ours in (("num_requests_running", "tacho_engine_requests_running"),
                               ("num_requests_waiting", "tacho_engine_requests_waiting"),
                               ("kv_cache_usage_perc", "tacho_engine_kv_usage_ratio")):
                equal(ours, value(scripted, ours), GAUGES[name])
            equal("a histogram", "tacho_engine_ttft_seconds" in json.dumps(scripted), True)
            sim.__exit__()
            wait_for("the end of the engine", lambda: "no samples of it any more" in
                     engines_of(monitor)[names["sim"]].get("trouble", ""))
        few = json.loads(tacho("monitor", "--once", "--json", *FEW, "--prometheus", source,
                               "--prometheus-match", 'job="scripted"').expect(0).out)
        equal("of one job", [one["id"] for one in few["subjects"] if one["kind"] == "engine"],
              [names["scripted"]])
        end(prometheus)
        done = tacho("monitor", "--once", *FEW, "--prometheus", source).expect(0)
        true("a Prometheus that is gone is said", "refused" in done.out)
