"""How a run may end before its time, and what it costs: interrupts, kills, a full disk, memory."""

import contextlib
import json
import os
import pathlib
import re
import resource
import signal
import subprocess

import harness
from harness import (BINARY, Sim, Skip, bench, bench_in_background, environment, equal, lines_of,
                     new_folder, tacho, test, true, wait_for)

# Enough for minutes, so that the test decides when it ends.
LONG = ("--concurrency", "8", "--num-prompts", "100000", "--input-tokens", "16", "--output-tokens",
        "8",
        "--dataset-name", "random")
QUICK = ("--concurrency", "8", "--duration", "120s", "--input-tokens", "16", "--output-tokens", "8")


def check_cut_run(run, code, wanted_code):
    """A run that was cut: what had finished is in every file, and it says that it was cut."""
    equal("exit code", code, wanted_code)
    equal("status", run.manifest["status"], "interrupted")
    cell = run.cells[0]
    records = run.measured
    equal("records in the journal and in the CSV", len(records), len(run.rows("requests.csv")))
    equal("completed", cell["completed"], sum(r["outcome"] == "ok" for r in records))
    true("some had finished", cell["completed"] >= 20)
    true("the table says so", "cut short: it was interrupted" in run.text("table.txt"))


@test
def interrupted_once():
    """SIGINT: nothing new is sent, what is under way may finish, a report is written, exit 130."""
    for number in (signal.SIGINT, signal.SIGTERM):
        with Sim() as sim, bench_in_background(*QUICK, url=sim.url) as (process, run):
            wait_for("some records", lambda: lines_of(run) >= 40)
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
        true(f"the table is printed: {err.decode()}", b"cut short" in out)
        check_cut_run(run, process.returncode, 130)
        equal("what was under way has finished", run.cells[0]["outcomes"].keys(), {"ok"})


@test
def interrupted_twice():
    """The second SIGINT waits for no answer; what was under way is cancelled, not lost."""
    with Sim("--gpu", "rtx4090", "--model", "llama-3-8b") as sim:
        fast = ("--concurrency", "4", "--num-prompts", "30", "--input-tokens", "16",
                "--output-tokens", "1")
        bench(*fast, url=sim.url).expect(0)
        slow = ("--concurrency", "4", "--num-prompts", "40", "--input-tokens", "16",
                "--output-tokens", "2000",
                "--grace", "100s")
        with bench_in_background(*slow, url=sim.url) as (process, run):
            wait_for("the engine to be busy", lambda: sim.metric("vllm:num_requests_running") == 4)
            process.send_signal(signal.SIGINT)
            true("it waits for the answers", not ends_within(process, 0.3))
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=60)
        equal("exit code", process.returncode, 130)
        equal("outcomes", run.cells[0]["outcomes"], {"cancelled": 4})
        wait_for("the engine to be empty", lambda: sim.metric("vllm:num_requests_running") == 0)


def ends_within(process, seconds):
    try:
        process.wait(seconds)
        return True
    except subprocess.TimeoutExpired:
        return False


@test
def interrupted_with_a_short_grace():
    """After the grace period, answers under way are given up by themselves."""
    with Sim("--gpu", "rtx4090", "--model", "llama-3-8b") as sim:
        slow = ("--concurrency", "4", "--num-prompts", "40", "--input-tokens", "16",
                "--output-tokens", "2000",
                "--grace", "200ms")
        with bench_in_background(*slow, url=sim.url) as (process, run):
            wait_for("the engine to be busy", lambda: sim.metric("vllm:num_requests_running") == 4)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
        equal("exit code", process.returncode, 130)
        equal("outcomes", run.cells[0]["outcomes"], {"cancelled": 4})


@test
def interrupted_between_cells():
    """A grid that is cut: the cells that did not begin say so."""
    with Sim() as sim:
        grid = ("--concurrency", "1,2,4", "--duration", "60s", "--input-tokens", "16",
                "--output-tokens", "4")
        with bench_in_background(*grid, url=sim.url) as (process, run):
            wait_for("some records", lambda: lines_of(run) >= 30)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
    check_cut_run(run, process.returncode, 130)
    reasons = [cell["verdict"]["reasons"] for cell in run.cells]
    equal("the others", reasons[1:], [["did not begin"]] * 2)


@test
def interrupted_with_its_own_engine():
    """Ctrl-C in a terminal goes to the whole group; the engine still answers what is under way."""
    path = new_folder("sim") / "run"
    words = [BINARY, "bench", "--sim", "h200/qwen2.5-0.5b", "--quiet", "--out", path, *QUICK]
    process = harness.start(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            start_new_session=True)
    run = harness.Run(path)
    try:
        wait_for("some records", lambda: lines_of(run) >= 40)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
    finally:
        harness.end(process)
    check_cut_run(run, process.returncode, 130)
    equal("what was under way has finished", run.cells[0]["outcomes"].keys(), {"ok"})


def children(pid):
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found


@test
def killed_in_the_middle():
    """After kill -9, `tacho report` shows all that had finished; the engine's child is gone."""
    path = new_folder("killed") / "run"
    words = [BINARY, "bench", "--sim", "h200/qwen2.5-0.5b", "--quiet", "--out", path, "--threads",
             "2", *QUICK]
    process = harness.start(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    run = harness.Run(path)
    try:
        wait_for("some records", lambda: lines_of(run) >= 60)
        engines = children(process.pid)
        equal("engines", len(engines), 1)
    finally:
        process.kill()
        process.wait()
    finished = run.measured
    report = json.loads(tacho("report", path, "--json").expect(0).out)
    equal("all that had finished", report["summary"]["completed"], len(finished))
    equal("and in the CSV", len(run.rows("requests.csv")), len(finished))
    table = tacho("report", path).expect(0).out
    true("it says that it never finished", "it never finished" in table)
    wait_for("the engine to be gone", lambda: not pathlib.Path(f"/proc/{engines[0]}").exists()
             or "zombie" in pathlib.Path(f"/proc/{engines[0]}/status").read_text(), 30)


@contextlib.contextmanager
def small_disk(kilobytes):
    """A file system of that size, where root may mount one."""
    folder = new_folder("disk")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        raise Skip("mounting a small file system needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)


@test
def a_full_disk():
    """The disk is full in the middle: one line, exit code 4, and what was written can be read."""
    with small_disk(128) as folder, Sim() as sim:
        path = folder / "run"
        done = tacho("bench", "--url", sim.url, "--quiet", "--out", path, *QUICK, run_path=path)
        done.expect(4, "No space left")
        equal("lines on standard error", len(done.err.splitlines()), 1)
        lines = done.run.text("requests.jsonl").split("\n")
        for line in lines[:-1]:
            json.loads(line)
        true("many records survive", len(lines) > 50)
        equal("the manifest is whole", done.run.manifest["status"] in ("running", "interrupted"),
              True)
        shown = json.loads(tacho("report", path, "--no-write", "--json").expect(0).out)
        equal("the report counts them", shown["summary"]["completed"], len(lines) - 1)
    with small_disk(4) as folder:
        tacho("dataset", "generate", "--dataset", folder / "x.json", "--max-input", "200",
              "--avg-input",
              "100", "--max-output", "20", "--avg-output", "10", "--num-requests",
              "100").expect(4, "No space left")
        equal("no half-written file", list(folder.iterdir()), [])


@test
def a_thousand_streams_in_little_memory():
    """1,000 streams at a time need under 64 MB in all."""
    streams = 1000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < streams + 100:
        raise Skip(f"at most {hard} files may be open here")
    wanted = streams + 100 if hard == resource.RLIM_INFINITY else min(hard, streams + 1000)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    if harness.IS_SANITIZED:
        raise Skip("sanitizers need memory of their own")
    with Sim("--max-num-seqs", "1000") as sim:
        path = new_folder("memory") / "run"
        words = [BINARY, "bench", "--url", sim.url, "--quiet", "--out", path, "--concurrency",
                 streams,
                 "--num-prompts", streams, "--input-tokens", "32", "--output-tokens", "128"]
        process = harness.start(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            peak_kb = wait_for("the end of the run", PeakMemory(process))
            err = process.stderr.read().decode()
        finally:
            harness.end(process)
    run = harness.Run(path)
    equal(f"exit code ({err})", process.returncode, 0)
    equal("outcomes", run.cells[0]["outcomes"], {"ok": streams})
    true("all at a time", run.cells[0]["concurrency_mean"] > 0.5 * streams)
    print(f"     peak memory of {streams} streams: {peak_kb / 1024:.1f} MB", flush=True)
    true(f"{peak_kb / 1024:.1f} MB", peak_kb < 64 * 1024)


class PeakMemory:
    """Reads a process's peak of resident memory until it ends; then gives it, in kB."""

    def __init__(self, process):
        self.process, self.peak = process, 0

    def __call__(self):
        with contextlib.suppress(OSError, ProcessLookupError):
            status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
            found = re.search(r"VmHWM:\s+(\d+)", status)
            self.peak = int(found.group(1)) if found else self.peak
        return self.peak if self.process.poll() is not None else None


@test
def descriptors_that_run_out():
    """More streams than files may be open: the reason is named, and nothing hangs."""
    with Sim() as sim:
        line = (f'ulimit -n 40; exec "$TACHO" bench --url {sim.url} --quiet --out "$OUT" '
                '--concurrency 100 '
                '--num-prompts 200 --input-tokens 16 --output-tokens 4')
        path = new_folder("descriptors") / "run"
        done = subprocess.run(["sh", "-c", line], env=environment(TACHO=BINARY, OUT=str(path)),
                              capture_output=True, timeout=120, text=True)
        true(f"{done.returncode}: {done.stderr}", done.returncode in (0, 1, 4))
        text = done.stdout + done.stderr
        true(f"the reason is named: {text[-900:]}", "oo many open files" in text)


@test
def closed_standard_streams():
    """Started without standard streams, as some service managers do."""
    for closed in ("<&-", "<&- 2>&-", "<&- >&- 2>&-", ">&-"):
        path = new_folder("closed") / "run"
        line = ('exec "$TACHO" bench --sim h200/qwen2.5-0.5b --out "$OUT" --concurrency 2 '
                f'--num-prompts 4 --input-tokens 16 --output-tokens 4 {closed}')
        done = subprocess.run(["sh", "-c", line], env=environment(TACHO=BINARY, OUT=str(path)),
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=120,
                              text=True)
        equal(f"with {closed}: {done.stderr}", done.returncode, 0)
        equal("completed", harness.Run(path).cells[0]["completed"], 4)
        for file in path.iterdir():
            true(f"no stray text in {file.name}", b"c=2 16" not in file.read_bytes()[:6])
        json.loads(harness.Run(path).text("run.json"))


@test
def nobody_reads_the_table():
    """A reader that leaves early (`tacho bench | head`) does not cost the run its files."""
    with Sim() as sim:
        path = new_folder("pipe") / "run"
        line = (f'"$TACHO" bench --url {sim.url} --quiet --out "$OUT" --concurrency 2 '
                '--num-prompts 4 '
                '--input-tokens 16 --output-tokens 4 | true')
        subprocess.run(["sh", "-c", line], env=environment(TACHO=BINARY, OUT=str(path)),
                       timeout=120,
                       capture_output=True, check=False)
    equal("status", harness.Run(path).manifest["status"], "finished")
    true("all files", {"report.html", "summary.csv",
                       "requests.csv"} <= {p.name for p in path.iterdir()})


@test
def a_sim_told_to_stop():
    """`tacho sim` ends at once and cleanly on SIGTERM and SIGINT, also with answers under way."""
    for number in (signal.SIGTERM, signal.SIGINT):
        with Sim("--gpu", "rtx4090", "--model", "llama-3-8b") as sim:
            slow = ("--concurrency", "4", "--num-prompts", "4", "--input-tokens", "16",
                    "--output-tokens", "2000")
            with bench_in_background(*slow, url=sim.url) as (process, run):
                wait_for("the engine to be busy",
                         lambda: sim.metric("vllm:num_requests_running") == 4)
                sim.process.send_signal(number)
                equal("exit code of the sim", sim.process.wait(30), 0)
                process.communicate(timeout=60)
            equal("exit code of the bench", process.returncode, 1)
            true(f"{run.cells[0]['outcomes']}", set(run.cells[0]["outcomes"]) <= {"truncated",
                                                                                  "reset",
                                                                                  "refused"})
