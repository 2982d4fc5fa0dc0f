"""Alerts: what is exported is sound to promtool, what fires is told to a webhook, and the exit code
says it."""

import http.server
import json
import os
import shutil
import subprocess
import threading

from harness import (BINARY, Sim, Skip, end, equal, free_port, new_folder, start, tacho, test,
                     true, wait_for)


def promtool(*arguments):
    """promtool's exit code and text; skips where it is not installed."""
    if not shutil.which("promtool"):
        raise Skip("there is no promtool here")
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=900, check=False)
    return done.returncode, done.stdout + done.stderr


class Receiver:
    """A webhook that keeps what it is told."""

    def __init__(self):
        told = self.told = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                told.append(json.loads(body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/alerts"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def first(self, status, name):
        """The first alert of that name and status, once it has been told."""
        def look():
            for message in list(self.told):
                for alert in message["alerts"]:
                    if alert["status"] == status and alert["labels"]["alertname"] == name:
                        return alert
            return None
        return wait_for(f"{name} to be told as {status}", look)


DOWN = """
groups:
  - name: own
    rules:
      - alert: Down
        expr: tacho_engine_up == 0
        labels: {severity: critical}
        annotations:
          summary: "{{ $labels.instance }} is down"
"""


@test
def exported_rules_are_sound_and_prometheus_judges_them_as_tacho_does():
    """`promtool test rules` expects what tacho itself finds in the same series."""
    path = new_folder("rules")
    tacho("export", "rules", "--to", path / "rules.yaml", "--tests", path / "test.yaml").expect(0)
    code, text = promtool("check", "rules", path / "rules.yaml")
    equal(f"promtool check rules: {text}", code, 0)
    code, text = promtool("test", "rules", path / "test.yaml")
    equal(f"promtool test rules: {text[-1500:]}", code, 0)
    tests = (path / "test.yaml").read_text()
    rules = (path / "rules.yaml").read_text()
    for line in rules.splitlines():
        if "- alert: " in line:
            name = line.split(": ")[1]
            true(f"{name} has a case that fires", f"{name} fires: " in tests)
            true(f"{name} has a near miss", f"{name} does not fire: " in tests)


@test
def a_webhook_is_told_when_an_alert_fires_and_when_it_is_resolved():
    """The engine goes and comes back on its port; whoever listens hears both."""
    path = new_folder("webhook")
    (path / "rules.yaml").write_text(DOWN)
    with Receiver() as receiver:
        sim = Sim()
        port = sim.url.rsplit(":", 1)[1]
        monitor = start([BINARY, "monitor", "--no-host", "--no-devices", "--engine", sim.url,
                         "--interval", "200ms", "--listen", f"127.0.0.1:{free_port()}", "--rules",
                         path / "rules.yaml", "--webhook", receiver.url],
                        stderr=subprocess.DEVNULL)
        end(sim.process)
        firing = receiver.first("firing", "Down")
        equal("labels", firing["labels"],
              {"alertname": "Down", "instance": sim.url, "severity": "critical"})
        equal("summary", firing["annotations"]["summary"], f"{sim.url} is down")
        with Sim("--port", port):
            resolved = receiver.first("resolved", "Down")
        equal("the same alert", resolved["fingerprint"], firing["fingerprint"])
        end(monitor)


@test
def one_reading_says_by_its_exit_code_whether_an_alert_fires():
    """Exit code 1 when one fires, 0 when none does; in JSON with the alerts."""
    path = new_folder("once")
    (path / "rules.yaml").write_text(DOWN)
    with Sim() as sim:
        common = ["monitor", "--once", "--check", "--json", "--no-host", "--no-devices",
                  "--engine", sim.url]
        well = tacho(*common, "--rules", path / "rules.yaml").expect(0)
        equal("alerts", json.loads(well.out)["alerts"], [])
        end(sim.process)
        ill = tacho(*common, "--rules", path / "rules.yaml").expect(1)
        equal("alerts", [a["alert"] for a in json.loads(ill.out)["alerts"]], ["Down"])
        tacho(*common, "--no-alerts").expect(0)


@test
def rules_that_cannot_be_judged_are_named():
    """A note for each, and an error where none is left."""
    path = new_folder("odd")
    odd = path / "odd.yaml"
    odd.write_text(DOWN + "      - alert: Odd\n        expr: topk(1, tacho_engine_up)\n")
    with Sim() as sim:
        common = ["monitor", "--once", "--check", "--no-host", "--no-devices", "--engine",
                  sim.url]
        tacho(*common, "--rules", odd).expect(0, err="Odd is not judged: column 1: 'topk'")
        odd.write_text("groups: [{name: g, rules: [{alert: A, expr: node_load1 > 1}]}]\n")
        tacho(*common, "--rules", odd).expect_one_line(2, "'node_load1' is no metric of tacho's")
    os.unlink(odd)
