"""What every live test stands on: the binary under test, the built-in engine as a server, a run of
`tacho bench` and what it left behind, and the end of every process that was started."""

import atexit
import contextlib
import csv
import io
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.path.abspath(os.environ.get("TACHO_BINARY", ROOT / "build/release/tacho"))
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache", "tacho")
IS_FULL = os.environ.get("TACHO_FULL") == "1"

# A sanitizer needs time and memory of its own.
IS_SANITIZED = os.path.exists(BINARY) and bool(
    re.search(rb"__[at]san_init", pathlib.Path(BINARY).read_bytes()))
# Ends a hang, no more: nothing here is judged by how long it takes.
LIMIT_S = 900 if IS_SANITIZED else 120

TESTS = []
HEAVY = []
_processes = []
_folder = None


class Skip(Exception):
    """Raised by a test that cannot run here; the text says why."""


def test(function):
    """Registers a test. Its name is the function's; its documentation says what holds."""
    TESTS.append(function)
    return function


def heavy_test(function):
    """Registers a test that only a full run, or one that names it, performs."""
    HEAVY.append(function)
    return function


def folder():
    """The folder of this whole run: home, caches and everything that tests write."""
    global _folder
    if _folder is None:
        _folder = pathlib.Path(tempfile.mkdtemp(prefix="tacho-live-"))
        atexit.register(shutil.rmtree, _folder, ignore_errors=True)
    return _folder


def new_folder(name):
    return pathlib.Path(tempfile.mkdtemp(prefix=f"{name}-", dir=folder()))


def environment(**more):
    """A small environment of our own: no proxy or setting of the user's reaches the binary."""
    kept = {name: os.environ[name] for name in os.environ
            if name == "PATH" or name.startswith(("ASAN_", "TSAN_", "UBSAN_", "LSAN_"))}
    kept["TSAN_OPTIONS"] = ":".join(filter(None, [kept.get("TSAN_OPTIONS"),
                                                  f"suppressions={ROOT / 'tests/tsan.supp'}"]))
    return {**kept, "HOME": str(folder()), "XDG_CACHE_HOME": str(folder() / "cache"),
            "LC_ALL": "C.UTF-8", **more}


def start(command, **options):
    """Starts a process that is ended, at the latest, when the runner ends."""
    options = {"stdin": subprocess.DEVNULL, "env": environment(), "cwd": folder(), **options}
    process = subprocess.Popen([str(word) for word in command], **options)
    _processes.append(process)
    return process


def end(process):
    """Ends a process: politely, then for sure."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe:
            pipe.close()
    if process in _processes:
        _processes.remove(process)


@atexit.register
def end_all():
    for process in list(_processes):
        end(process)


def wait_for(what, condition, limit_s=LIMIT_S):
    """Polls until the condition gives something true, and returns that."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.005)
    raise AssertionError(f"waited {limit_s} s for {what}")


def free_port():
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def scaled(count, divisor):
    """The count, or a part of it where a sanitizer makes each ten times as expensive."""
    return max(1, count // divisor) if IS_SANITIZED else count


def get(url, headers=None, body=None):
    """Status and text of one request; an error status is no exception."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={
        "Content-Type": "application/json", **(headers or {})})
    # Whether a certificate is checked is a matter of the binary; here only the answer counts.
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=ssl._create_unverified_context()))
    try:
        with opener.open(request, timeout=LIMIT_S) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


class Sim:
    """A running `tacho sim` on a free port. The default model has the shortest steps."""

    def __init__(self, *arguments):
        words = [str(word) for word in arguments]
        if "--model" not in words:
            words += ["--gpu", "h200", "--model", "qwen2.5-0.5b"]
        self.process = start([BINARY, "sim", "--port", "0", *words], stdout=subprocess.PIPE)
        line = self.process.stdout.readline().decode()
        found = re.search(r"https?://\S+", line)
        if not found:
            end(self.process)
            raise AssertionError(f"tacho sim did not start: {line!r}")
        self.url = found.group()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end(self.process)

    def truths(self):
        """What the engine did, by the id of the answer."""
        lines = get(f"{self.url}/sim/truth")[1].splitlines()
        return {truth["id"]: truth for truth in map(json.loads, lines)}

    def metric(self, name):
        """The value of one series of its /metrics page, without regard to labels."""
        found = re.findall(rf"^{re.escape(name)}(?:{{[^}}]*}})? (\S+)$",
                           get(f"{self.url}/metrics")[1], re.M)
        return sum(float(value) for value in found)


class Run:
    """A run directory."""

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def text(self, name):
        return (self.path / name).read_text(encoding="utf-8")

    @property
    def journal(self):
        """The records as they were written; a last line cut off by a kill is left out."""
        lines = self.text("requests.jsonl").split("\n")[:-1]
        return [json.loads(line) for line in lines]

    @property
    def measured(self):
        return [record for record in self.journal if not record.get("warmup")]

    @property
    def manifest(self):
        return json.loads(self.text("run.json"))

    @property
    def cells(self):
        return self.manifest["summary"]["cells"]

    def rows(self, name):
        text = self.text(name).removeprefix("\ufeff")
        return list(csv.DictReader(io.StringIO(text)))


class Done:
    """How a command ended, what it printed, and the run directory it may have left."""

    def __init__(self, command, code, out, err, path=None):
        self.command, self.code, self.out, self.err = command, code, out, err
        self.run = Run(path) if path else None

    def __str__(self):
        words = " ".join(map(str, self.command[1:]))
        said = f"\n    out: {self.out[-600:]}\n    err: {self.err[-900:]}"
        return f"'tacho {words}' gave {self.code}{said}"

    def expect(self, code=0, err=None, out=None):
        """Fails unless it ended so; `err` and `out` are regular expressions to be found there."""
        if self.code != code:
            raise AssertionError(f"wanted exit code {code}: {self}")
        for text, wanted in ((self.err, err), (self.out, out)):
            if wanted and not re.search(wanted, text):
                raise AssertionError(f"no match for {wanted!r}: {self}")
        return self

    def expect_one_line(self, code, err):
        """A refusal: this exit code, one line on standard error, nothing on standard output."""
        self.expect(code, err)
        lines = [line for line in self.err.splitlines() if not line.startswith("note: ")]
        if len(lines) != 1 or not lines[0].startswith("tacho: ") or self.out:
            raise AssertionError(f"wanted one line: {self}")
        return self


def tacho(*arguments, limit_s=LIMIT_S, run_path=None, **options):
    """Runs the binary to its end."""
    command = [BINARY, *map(str, arguments)]
    process = start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    try:
        out, err = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        done = Done(command, "a hang", out.decode("utf-8", "replace"),
                    err.decode("utf-8", "replace"))
        raise AssertionError(f"did not end within {limit_s} s: {done}") from None
    finally:
        end(process)
    return Done(command, process.returncode, out.decode("utf-8", "replace"),
                err.decode("utf-8", "replace"), run_path)


def bench(*arguments, url=None, name="run", **options):
    """`tacho bench` into a run directory of its own."""
    path = new_folder(name) / "run"
    target = ["--url", url] if url else []
    return tacho("bench", *target, "--quiet", "--out", path, *arguments, run_path=path, **options)


@contextlib.contextmanager
def bench_in_background(*arguments, url=None, name="run", **options):
    """`tacho bench` while the test does something to it: yields the process and its Run."""
    path = new_folder(name) / "run"
    target = ["--url", url] if url else []
    process = start([BINARY, "bench", *target, "--quiet", "--out", path, *arguments],
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    try:
        yield process, Run(path)
    finally:
        end(process)


def lines_of(run):
    """How many records the journal holds so far."""
    journal = run.path / "requests.jsonl"
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def equal(what, given, wanted):
    if given != wanted:
        raise AssertionError(f"{what}: {repr(given)[:500]}, not {repr(wanted)[:500]}")


def true(what, condition):
    if not condition:
        raise AssertionError(what)


def end_on_signals():
    """Being told to stop is no reason to leave processes behind."""
    def leave(number, _):
        raise SystemExit(128 + number)
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGHUP, leave)
