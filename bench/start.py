#!/usr/bin/env python3
"""What it costs to begin, and to hold many streams. Printed, never judged.

    bench/start.py        (after ./run; the binary is build/release/tacho or $TACHO_BINARY)

Three figures, each beside something on the same machine: how long `tacho --help` takes (beside the
start of /bin/true and of Python), how long after the start of `tacho bench` its first request is
sent when 1,000 prompts are planned (the first time, which counts their tokens, and again), and how
much memory a run with 1,000 streams takes at its peak.
"""
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TACHO = os.environ.get("TACHO_BINARY", str(ROOT / "build/release/tacho"))
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def start_ms(*command):
    """The median of 21 runs of a whole process."""
    times = []
    for _ in range(21):
        before = time.perf_counter_ns()
        subprocess.run(command, check=True, **QUIET)
        times.append((time.perf_counter_ns() - before) / 1e6)
    return statistics.median(times)


class Sim:
    """A running engine."""

    def __init__(self):
        self.process = subprocess.Popen(
            [TACHO, "sim", "--port", "0", "--max-num-seqs", "1000"],
            stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().split()[-1]

    def __enter__(self):
        return self.url

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def first_request_ms(url, dataset, folder):
    """From the start of the process to its first request, by the journal's own clock."""
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    subprocess.run([TACHO, "bench", "--url", url, "--dataset", dataset, "--num-prompts", "1000",
                    "--output-tokens", "1", "--request-rate", "inf", "--out", folder],
                   check=True, **QUIET)
    with open(pathlib.Path(folder) / "requests.jsonl", encoding="utf-8") as journal:
        sent = [json.loads(line).get("sent") for line in journal]
    return (min(s for s in sent if s) - before) / 1e6


def peak_mb(url, folder):
    """Peak memory of a run with 1,000 streams of 200 tokens."""
    process = subprocess.Popen([TACHO, "bench", "--url", url, "--concurrency", "1000", "--epochs",
                                "1", "--input-tokens", "64", "--output-tokens", "200", "--out",
                                folder], **QUIET)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss / 1024


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    plain, python = start_ms("/bin/true"), start_ms("python3", "-c", "pass")
    print(f"tacho --help      {start_ms(TACHO, '--help'):7.1f} ms   beside /bin/true {plain:.1f}, "
          f"python3 -c pass {python:.1f} ms")
    folder = pathlib.Path(tempfile.mkdtemp())
    try:
        dataset = folder / "prompts.json"
        subprocess.run([TACHO, "dataset", "generate", "--dataset", dataset, "--max-input", "400",
                        "--avg-input", "150", "--std-input", "100", "--max-output", "300",
                        "--avg-output", "200", "--std-output", "60"], check=True, **QUIET)
        with Sim() as url:
            runs = [first_request_ms(url, dataset, folder / f"run-{i}") for i in range(6)]
            print(f"first request     {runs[0]:7.1f} ms   counting 1,000 prompts' tokens; "
                  f"{statistics.median(runs[1:]):.1f} ms with the counts kept")
            peak = peak_mb(url, folder / "many")
            print(f"1,000 streams     {peak:7.1f} MB   peak of the process")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
