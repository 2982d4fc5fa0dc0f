#!/usr/bin/env python3
"""10,000 streams of 10 tokens/s from one core of the built-in engine. Printed, never judged.

    bench/streams.py [STREAMS [SECONDS]] [--no-steer] [--real-time]      (default: 10000 30)

A hundred replicas of a hundred sequences each take a step every 100 ms, one after the other. The
engine has a core to itself, and so has the client, which is `tacho bench`. Printed are, for the
time in which all streams run: how late the first token of a step was handed to the kernel by the
step's own time (median, p90, p99, p99.9, longest), apart from it how long the writes of the step's
other tokens took, the share of its core that the engine used, and its memory for each stream.

Over loopback a sender's core does the receiver's half of TCP too, four tenths of what a token costs
here. Where this may have a network of its own (root, unshare), that half is steered to the client's
core, as if a wire lay between the two; --no-steer leaves it where it is. --real-time lets the
engine go before whatever else wants its core, for a machine that is not idle.
"""
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
TACHO = os.environ.get("TACHO_BINARY", str(ROOT / "build/release/tacho"))
REPLICAS = 100
# The host of this engine takes 98 ms for a step, and the GPU of a small model some 2.
ENGINE = {"id": "steady", "step_ms": 98.0, "sequence_us": 0, "prefill_step_ms": 0, "request_ms": 0}


def get(url, method="GET"):
    request = urllib.request.Request(url, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=60) as reply:
        return reply.read().decode()


def series(url, name):
    """The sum of one family of /metrics."""
    return sum(float(line.rsplit(" ", 1)[1]) for line in get(f"{url}/metrics").splitlines()
               if line.startswith(name + "{"))


def memory_kb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def processor_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def steer(core):
    """Begins anew in a network of its own whose packets are received on that core."""
    prepare = ("mount -t sysfs none /sys && ip link set lo up && "
               f"echo {1 << core:x} > /sys/class/net/lo/queues/rx-0/rps_cpus")
    unshare = ["unshare", "-n", "-m", "sh", "-c"]
    tried = subprocess.run([*unshare, prepare], stderr=subprocess.DEVNULL, check=False)
    if tried.returncode == 0:
        again = [sys.executable, *sys.argv, "--no-steer"]
        os.environ["STEERED"] = "1"
        os.execvp("unshare", [*unshare, prepare + ' && exec "$@"', "sh", *again])


def start_engine(folder, core, streams):
    profile = folder / "steady.json"
    profile.write_text(json.dumps(ENGINE), encoding="utf-8")
    engine = subprocess.Popen(
        ["taskset", "-c", str(core), TACHO, "sim", "--port", "0", "--gpu", "h200", "--model",
         "qwen2.5-0.5b", "--engine", profile, "--replicas", str(REPLICAS), "--max-num-seqs",
         str(-(-streams // REPLICAS)), "--stagger", "100ms", "--no-prefix-caching", "--kv-tokens",
         "1000000", "--truth-max", "1"], stdout=subprocess.PIPE, text=True)
    return engine, engine.stdout.readline().split()[-1]


def start_client(folder, core, url, streams, seconds):
    tokens = str(10 * (seconds + 60))
    return subprocess.Popen(
        ["taskset", "-c", str(core), TACHO, "bench", "--url", url, "--concurrency", str(streams),
         "--num-prompts", str(streams), "--input-tokens", "16", "--output-tokens", tokens,
         "--out", folder / "run"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True)


def await_streams(url, client, streams):
    deadline = time.monotonic() + 120
    while series(url, "vllm:num_requests_running") < streams:
        if client.poll() is not None:
            raise SystemExit(f"the client ended early: {client.stderr.read()}")
        if time.monotonic() > deadline:
            raise SystemExit("the engine cannot keep up: is the machine busy?")
        time.sleep(0.5)
    time.sleep(3)  # Until the last of them decodes.


def figures(title, spread):
    values = "   ".join(f"{name} {spread[name]:.3f}" for name in ("p50", "p90", "p99", "p99.9",
                                                                  "max"))
    print(f"{title:<30}{values} ms")


def main():
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    streams, seconds = (numbers + [10000, 30][len(numbers):])[:2]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    cores = sorted(os.sched_getaffinity(0))
    if "--no-steer" not in sys.argv:
        steer(cores[0])
    folder = pathlib.Path(tempfile.mkdtemp())
    engine, url = start_engine(folder, cores[-1], streams)
    client = None
    try:
        before_kb = memory_kb(engine.pid)
        client = start_client(folder, cores[0], url, streams, seconds)
        await_streams(url, client, streams)
        if "--real-time" in sys.argv:
            subprocess.run(["chrt", "-f", "-p", "5", str(engine.pid)], check=True)
        memory = (memory_kb(engine.pid) - before_kb) / streams
        get(f"{url}/sim/reset", "POST")
        began, used = time.monotonic(), processor_s(engine.pid)
        time.sleep(seconds)
        steps = json.loads(get(f"{url}/sim/truth/steps"))
        share = (processor_s(engine.pid) - used) / (time.monotonic() - began)
        tokens = steps["tokens_a_step"]["p50"] * steps["steps"] / seconds
        print(f"{streams} streams, {REPLICAS} replicas, {steps['steps']} steps in {seconds} s, "
              f"about {tokens:,.0f} tokens/s; load average {os.getloadavg()[0]:.1f}")
        figures("first write of a step, late", steps["first_write_late_ms"])
        figures("the others after it", steps["write_spread_ms"])
        where = "client's" if "STEERED" in os.environ else "engine's"
        print(f"the engine's core {100 * share:.0f} % busy, packets received on the {where}; "
              f"{memory:.2f} KB a stream")
    finally:
        for process in (client, engine):
            if process is not None:
                process.terminate()
                process.wait()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
