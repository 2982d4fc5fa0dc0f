#!/usr/bin/env python3
"""What an exporter costs: processor time for each scrape, and between scrapes.

    bench/exporter.py [--seconds N] [--library DIR]

Each exporter runs alone for N seconds without a scrape and for N seconds with one a second;
processor time is that of the process, user and system (/proc/PID/stat). tacho and nvitop-exporter
read eight GPUs from the stand-in library in DIR (build/release/tests/stand_in); node_exporter reads
the host. What is not installed is named and left out (NVITOP_EXPORTER names that program). The
order is drawn anew in each of three rounds; printed is the median. A stand-in answers at once: what
a driver takes for its answers is in none of the figures.
"""

import argparse
import os
import pathlib
import random
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
TACHO = os.environ.get("TACHO_BINARY", str(ROOT / "build/release/tacho"))
ROUNDS = 3
TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def exporters(port, library):
    """{name: command}; the port is that of this round."""
    where = f"127.0.0.1:{port}"
    all_of = {
        "tacho monitor (8 GPUs, host)":
            [TACHO, "monitor", "--listen", where, "--nvml-library", f"{library}/libnvidia-ml.so.1"],
        "tacho monitor (8 GPUs, host, no alerts)":
            [TACHO, "monitor", "--listen", where, "--no-alerts", "--nvml-library",
             f"{library}/libnvidia-ml.so.1"],
        "tacho monitor (host)": [TACHO, "monitor", "--listen", where, "--no-devices"],
        "nvitop-exporter (8 GPUs, host)":
            [os.environ.get("NVITOP_EXPORTER", "nvitop-exporter"), "--bind-address", "127.0.0.1",
             "--port", str(port), "--hostname", "box"],
        "node_exporter (host)":
            ["prometheus-node-exporter", f"--web.listen-address={where}"],
    }
    return all_of


def cpu_s(pid):
    """Processor time of a process so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def rss_mb(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def scrape(port):
    """The page and how long it took."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    began = time.perf_counter()
    with opener.open(f"http://127.0.0.1:{port}/metrics", timeout=30) as reply:
        page = reply.read()
    return page, time.perf_counter() - began


def wait_until_up(process, port):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return scrape(port)[0]
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("did not answer")


def measure(command, port, seconds, environment):
    """(idle share of a core, ms a scrape, ms to answer, KB, lines, MB)."""
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_up(process, port)
        time.sleep(3)
        before = cpu_s(process.pid)
        time.sleep(seconds)
        idle = cpu_s(process.pid) - before
        before, took, page = cpu_s(process.pid), [], b""
        began = time.monotonic()
        for i in range(seconds):
            page, answer_s = scrape(port)
            took.append(answer_s)
            time.sleep(max(0.0, began + i + 1 - time.monotonic()))
        busy = cpu_s(process.pid) - before
        lines = sum(1 for line in page.splitlines() if not line.startswith(b"#"))
        return (100 * idle / seconds, 1000 * (busy - idle) / seconds,
                1000 * statistics.median(took), len(page) / 1024, lines, rss_mb(process.pid))
    finally:
        process.terminate()
        process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--library", default=str(ROOT / "build/release/tests/stand_in"))
    options = parser.parse_args()
    folder = tempfile.mkdtemp()
    script = pathlib.Path(folder) / "script"
    script.write_text((ROOT / "tests/stand_in/eight_h100.txt").read_text())
    environment = {**os.environ, "TACHO_STAND_IN": str(script), "LD_LIBRARY_PATH": options.library}
    figures = {}
    for _ in range(ROUNDS):
        names = list(exporters(0, options.library))
        random.shuffle(names)
        for name in names:
            port = free_port()
            command = exporters(port, options.library)[name]
            if not shutil.which(command[0]):
                figures.setdefault(name, None)
                continue
            try:
                row = measure(command, port, options.seconds, environment)
            except RuntimeError as error:
                print(f"{name}: {error}")
                continue
            figures.setdefault(name, []).append(row)
    shutil.rmtree(folder)
    print("| exporter | between scrapes, % of a core | a scrape, ms of a core | answer, ms | "
          f"page, KB | series | memory, MB |\n|{' --- |' * 7}")
    for name in exporters(0, ""):
        if not figures.get(name):
            print(f"| {name} | not installed | | | | | |")
            continue
        row = [statistics.median(column) for column in zip(*figures[name])]
        print(f"| {name} | {row[0]:.2f} | {row[1]:.2f} | {row[2]:.1f} | {row[3]:.0f} | "
              f"{row[4]:.0f} | {row[5]:.0f} |")


if __name__ == "__main__":
    main()
