"""What try-nightingale.sh asks of a Nightingale that runs: import the rules and the boards, wait
until an alert fires, read a board back. Arguments: its address, a Prometheus', the folder."""

import json
import pathlib
import sys
import time
import urllib.request

LIMIT_S = 300


class Nightingale:
    """Its web interface, as the user root."""

    def __init__(self, url):
        self.url = url
        self.token = None

    def call(self, path, body=None):
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/n9e/{path}", data=data, headers=headers)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as reply:
            answer = json.loads(reply.read())
        error = answer.get("err") or answer.get("error")
        if error:
            raise RuntimeError(f"{path}: {error}")
        return answer.get("dat", answer.get("data"))

    def log_in(self):
        words = {"username": "root", "password": "root.2020"}
        self.token = self.call("auth/login", words)["access_token"]


def wait_for(what, condition):
    """What the condition gives, once it gives something."""
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        try:
            value = condition()
        except OSError:
            value = None
        if value:
            return value
        time.sleep(1)
    raise RuntimeError(f"waited {LIMIT_S} s for {what}")


def import_rules(server, folder):
    rules = json.loads((folder / "alert-rules.json").read_text())
    answer = server.call("busi-group/1/alert-rules/import", rules)
    refused = {name: why for name, why in answer.items() if why}
    if refused:
        raise RuntimeError(f"rules that were refused: {refused}")
    kept = {rule["name"]: rule for rule in server.call("busi-group/1/alert-rules")}
    for rule in rules:
        own = rule["rule_config"]["queries"][0]["prom_ql"]
        given = kept[rule["name"]]["rule_config"]["queries"][0]["prom_ql"]
        if own != given:
            raise RuntimeError(f"{rule['name']} came back as {given}")
    print(f"{len(rules)} rules imported and read back")


def import_boards(server, folder):
    for path in sorted(folder.glob("tacho-*.json")):
        board = json.loads(path.read_text())
        made = server.call("busi-group/1/boards", {
            "name": board["name"], "ident": board["ident"], "tags": board["tags"],
            "configs": json.dumps(board["configs"])})
        back = server.call(f"board/{made['id']}")
        if json.loads(back["configs"]) != board["configs"]:
            raise RuntimeError(f"{path.name} came back otherwise")
        panels = len(board["configs"]["panels"])
        print(f"board '{board['name']}' with {panels} panels imported and read back")


def main(url, prometheus, folder):
    server = Nightingale(url)
    wait_for("Nightingale to let us in", lambda: server.log_in() or server.token)
    server.call("datasource/upsert", {
        "name": "prometheus", "plugin_type": "prometheus", "category": "timeseries",
        "cluster_name": "default", "plugin_id": 1, "status": "enabled", "is_default": True,
        "settings": {}, "auth": {"basic_auth": False}, "http": {"url": prometheus,
                                                               "timeout": 10000}})
    import_rules(server, folder)
    import_boards(server, folder)

    def event():
        events = server.call("alert-cur-events/list?limit=100")["list"]
        return next((e for e in events if e["rule_name"] == "TachoQueueLong"), None)
    fired = wait_for("TachoQueueLong to fire", event)
    print(f"{fired['rule_name']} fires with value {fired['trigger_value']}, "
          f"severity {fired['severity']}, {fired['tags']}")


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]))
    except (RuntimeError, OSError, KeyError) as problem:
        sys.exit(f"nightingale: {problem!r}")
