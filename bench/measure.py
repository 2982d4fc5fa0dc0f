"""What bench/peers measures with: the scripted server, a client run to its end with its CPU and
memory, and the comparison of what was recorded with what was true.

Server and client each have a core of their own. Both are put before other work of the machine where
that is allowed (a session's scheduling group, Linux's autogroup), or its builds would be measured.
"""
import ctypes
import dataclasses
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("TACHO_BUILD", ROOT / "build/release"))
TACHO = os.environ.get("TACHO_BINARY", str(BUILD / "tacho"))
SERVER_CORE, CLIENT_CORE = 0, 1
PR_SET_CHILD_SUBREAPER = 36


def prepare():
    """Orphans of a client become our children, so that their CPU is counted; all descriptors."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def on_core(core):
    """For preexec_fn: a session of its own, on one core, before the machine's other work."""
    def enter():
        os.setsid()
        os.sched_setaffinity(0, {core})
        try:
            os.setpriority(os.PRIO_PROCESS, 0, -19)
            pathlib.Path("/proc/self/autogroup").write_text("-19", encoding="ascii")
        except OSError:
            pass  # Not root, or no autogroup: then the machine had better be idle.
    return enter


class Server:
    """The scripted server, running."""

    def __init__(self, ttft_ms, gap_ms):
        command = [str(BUILD / "tacho_bench_server"), "--ttft-ms", str(ttft_ms), "--gap-ms",
                   str(gap_ms)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True,
                                        preexec_fn=on_core(SERVER_CORE))
        self.url = self.process.stdout.readline().split()[-1]
        self.port = self.url.rsplit(":", 1)[-1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def _ask(self, path, data=None):
        with urllib.request.urlopen(self.url + path, data=data, timeout=60) as answer:
            return answer.read()

    def stats(self):
        return json.loads(self._ask("/stats"))

    def truth(self):
        """One object a request, in the order of their arrival; see bench/server.cpp."""
        return [json.loads(line) for line in self._ask("/truth").splitlines()]

    def reset(self):
        """Forgets what was, once no answer is under way any more."""
        for _ in range(200):
            if self.stats()["streaming"] == 0:
                break
            time.sleep(0.05)
        self._ask("/reset", b"")


@dataclasses.dataclass
class Usage:
    """What a client's processes took, all of them together."""
    code: int
    wall_s: float
    cpu_s: float
    rss_mb: float
    out: str
    err: str


def _descendants(root):
    """The process ids below root and itself."""
    parents = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                text = pathlib.Path(entry.path, "stat").read_text(encoding="utf-8")
                parents[int(entry.name)] = int(text.rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError, ValueError):
                continue  # It ended just now.
    found = {root}
    while True:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        if not more:
            return found
        found |= more


def _resident_mb(pids):
    pages = 0
    for pid in pids:
        try:
            statm = pathlib.Path(f"/proc/{pid}/statm").read_text(encoding="ascii")
            pages += int(statm.split()[1])
        except (OSError, IndexError, ValueError):
            continue
    return pages * resource.getpagesize() / 1e6


class _Memory(threading.Thread):
    """The peak of the sum of the resident sets, looked at a few times a second."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak, self.over = pid, 0.0, threading.Event()

    def run(self):
        while not self.over.wait(0.4):
            self.peak = max(self.peak, _resident_mb(_descendants(self.pid)))


def _end_leftovers(group, keep):
    """Kills what the client left behind and waits for it, so that its CPU is counted too."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass
    for pid in _descendants(os.getpid()) - {os.getpid()} - keep:
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            continue  # A grandchild: its parent, killed too, has waited or hands it to us.


def run(command, timeout, keep, env=None, cwd=None, core=CLIENT_CORE):
    """Runs a client to its end. `keep`: process ids that are not the client's."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               errors="replace", env={**os.environ, **(env or {})}, cwd=cwd,
                               preexec_fn=on_core(core))
    memory = _Memory(process.pid)
    memory.start()
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        err += f"\nkilled after {timeout} s"
    wall = time.monotonic() - start
    memory.over.set()
    memory.join()
    _end_leftovers(process.pid, keep)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Usage(process.returncode, wall, cpu, memory.peak, out, err)


class Hog:
    """Busy loops on the client's core, each with the same rights as the client."""

    def __init__(self, count):
        self.processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"],
                                           preexec_fn=on_core(CLIENT_CORE)) for _ in range(count)]

    def __enter__(self):
        return {process.pid for process in self.processes}

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()


def quantile(values, share):
    """Linear interpolation between order statistics; none of no values."""
    if not values:
        return None
    values = sorted(values)
    place = share * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


def spread(values):
    """Mean, p50, p99 and maximum."""
    if not values:
        return None
    return {"mean": sum(values) / len(values), "p50": quantile(values, 0.5),
            "p99": quantile(values, 0.99), "max": max(values), "n": len(values)}


def _instants(differences):
    now, instants = 0, []
    for difference in differences:
        now += difference
        instants.append(now)
    return instants


def true_figures(truth):
    """What a perfect client would have reported, in ms: time to first token and gaps."""
    ttft = [(one["before"][0] - one["received"]) / 1e6 for one in truth]
    gaps = [gap / 1e6 for one in truth for gap in one["before"][1:]]
    return {"ttft_ms": spread(ttft), "gap_ms": spread(gaps)}


def _outside(value, low, high):
    """How far a value is from an interval within which the truth lies: 0 inside."""
    return max(low - value, value - high, 0)


def record_errors(records, truth):
    """tacho's records against the truth of the same response, in µs. The truth of an instant is an
    interval, the clock before and after a send(): inside it no error can be known."""
    by_id = {one["id"]: one for one in truth}
    errors = {"ttft": [], "first_token": [], "gap": [], "width": [], "way_there": []}
    matched = 0
    for record in records:
        one = by_id.get(record.get("response_id"))
        gaps = record.get("chunk_gaps", [])
        if one is None or len(gaps) != len(one["before"]):
            continue
        matched += 1
        before = _instants(one["before"])
        after = [b + w for b, w in zip(before, one["width"])]
        ttft = gaps[0] - record["sent"]
        received = one["received"]
        errors["ttft"].append(_outside(ttft, before[0] - received, after[0] - received) / 1e3)
        errors["first_token"].append(_outside(gaps[0], before[0], after[0]) / 1e3)
        errors["way_there"].append((received - record["sent"]) / 1e3)
        errors["width"] += [w / 1e3 for w in one["width"]]
        for i in range(1, len(gaps)):
            low, high = before[i] - after[i - 1], after[i] - before[i - 1]
            errors["gap"].append(_outside(gaps[i], low, high) / 1e3)
    return {"matched": matched, **{name: spread(values) for name, values in errors.items()}}


def journal(folder):
    """The lines of a run's requests.jsonl that count."""
    with open(pathlib.Path(folder) / "requests.jsonl", encoding="utf-8") as lines:
        return [record for record in map(json.loads, lines) if "warmup" not in record]
