"""What the expressions of the boards must give: scripted values, and where nothing is scripted (the
machine itself, a bench, a canary) what the exporters' own pages showed meanwhile."""

import math
import os
import re
import threading
import time

from harness import get
from scripted_engine import BOARD, COUNT_PER_S, HISTOGRAMS
from test_devices import MIB

# The window of rates on a board.
SPAN_S = 60
# How old a page may be that Prometheus has seen last, and how often one is read here.
RECENT_S = 5
READ_EVERY_S = 0.5
# Rates of the machine come in bursts; at the ends of a window one may be in or out.
BURSTS = 0.2


def near(value, wanted, tolerance=0.05):
    return math.isclose(value, wanted, rel_tol=tolerance, abs_tol=1e-9)


def series_of(page):
    """{(name, labels): value} of a page, labels as a sorted tuple."""
    series = {}
    for name, labels, value in re.findall(r"^(\w+)(?:\{(.*)\})? (\S+)$", page, re.M):
        pairs = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels)
        series[name, tuple(sorted(pairs))] = float(value)
    return series


class Pages:
    """What the exporters showed over the last minute and a half."""

    def __init__(self, urls):
        self.pages = []
        self.urls = urls
        self.is_over = threading.Event()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while not self.is_over.wait(READ_EVERY_S):
            series = {}
            try:
                for url in self.urls:
                    series.update(series_of(get(url)[1]))
            except OSError:
                continue
            self.pages = [page for page in self.pages[-1000:]
                          if time.monotonic() - page[0] < 1.5 * SPAN_S] + [
                              (time.monotonic(), series)]

    def recent(self):
        return [page for at, page in list(self.pages) if time.monotonic() - at < RECENT_S]

    def ends(self):
        """The newest page and the one of a window before, and the seconds between them."""
        pages = list(self.pages)
        end, last = pages[-1]
        begin, first = min(pages, key=lambda page: abs(end - SPAN_S - page[0]))
        return first, last, end - begin


def grouped(page, name, by, where, how=sum):
    """{values of the labels in `by`: aggregate} of a metric's series on a page."""
    groups = {}
    for (metric, labels), value in page.items():
        labels = dict(labels)
        if metric == name and all(labels.get(key) == text for key, text in where.items()):
            groups.setdefault(tuple(labels.get(key, "") for key in by), []).append(value)
    return {group: how(values) for group, values in groups.items()}


def growth(pages, name, by=(), **where):
    """The same of how much a counter grew within the window, a second."""
    first, last, seconds = pages.ends()
    before, after = grouped(first, name, by, where), grouped(last, name, by, where)
    return {group: (after[group] - before.get(group, 0)) / seconds for group in after}


class Is:
    """A value, or one for each value of a label; `others` is that of groups not named."""

    def __init__(self, wanted, by=None, others=None):
        self.wanted, self.by, self.others = wanted, by, others

    def why_not(self, samples, _):
        for labels, value in samples:
            wanted = self.wanted
            if self.by:
                wanted = wanted.get(labels[self.by], self.others)
            if wanted is None or not near(value, wanted):
                return f"{labels} is {value}, not {wanted}"
        seen = {labels.get(self.by) for labels, _ in samples}
        missing = set(self.wanted) - seen if self.by else set() if samples else {"a value"}
        return f"{missing} is not there" if missing else None


class Shown:
    """A gauge, as a page of the last seconds showed it."""

    def __init__(self, name, by=(), how=sum, turned=lambda value: value, **where):
        self.name, self.by, self.how, self.turned, self.where = name, by, how, turned, where

    def why_not(self, samples, pages):
        shown = {}
        for page in pages.recent():
            groups = grouped(page, self.name, self.by, self.where, self.how)
            for group, value in groups.items():
                shown.setdefault(group, []).append(self.turned(value))
        given = {tuple(labels.get(key, "") for key in self.by): value for labels, value in samples}
        if set(given) != set(shown) or not given:
            return f"groups {sorted(given)}, not {sorted(shown)}"
        for group, value in given.items():
            low, high = min(shown[group]), max(shown[group])
            if not (low <= value <= high or near(value, low) or near(value, high)):
                return f"{group} is {value}, not within {low} and {high}"
        return None


class Grows:
    """A rate, as two pages a window apart give it."""

    def __init__(self, name, by=(), tolerance=BURSTS, **where):
        self.name, self.by, self.tolerance, self.where = name, by, tolerance, where

    def why_not(self, samples, pages):
        wanted = growth(pages, self.name, self.by, **self.where)
        given = {tuple(labels.get(key, "") for key in self.by): value for labels, value in samples}
        if set(given) != set(wanted) or not given:
            return f"groups {sorted(given)}, not {sorted(wanted)}"
        for group, value in given.items():
            # Less than a page of memory a second is nothing.
            if not near(value, wanted[group], self.tolerance) and abs(
                    value - wanted[group]) > (4096 if "bytes" in self.name else 0):
                return f"{group} is {value}, not {wanted[group]}"
        return None


class Mean:
    """The mean of what a histogram took in within the window."""

    def __init__(self, name):
        self.name = name

    def why_not(self, samples, pages):
        wanted = growth(pages, f"{self.name}_sum")[()] / growth(pages, f"{self.name}_count")[()]
        value = samples[0][1]
        return None if near(value, wanted, BURSTS) else f"{value}, not {wanted}"


class Quantile:
    """A quantile of it, in the bucket in which the pages have it."""

    def __init__(self, name, share):
        self.name, self.share = name, share

    def why_not(self, samples, pages):
        below = sorted((math.inf if le == "+Inf" else float(le), rate) for (le,), rate in growth(
            pages, f"{self.name}_bucket", by=("le",)).items())
        total = below[-1][1]
        # A few requests at the ends of the window may lie elsewhere.
        slack = 0.1 * total * min(self.share, 1 - self.share)

        def bucket_of(rank):
            return next(i for i, (_, rate) in enumerate(below) if rate >= min(rank, total))

        lowest = bucket_of(self.share * total - slack)
        low = below[lowest - 1][0] if lowest else 0
        high = below[bucket_of(self.share * total + slack)][0]
        value = samples[0][1]
        return None if low <= value <= high else f"{value}, not within {low} and {high}"


class Count:
    """As many as Prometheus itself lists as firing."""

    def __init__(self, listed):
        self.listed = listed

    def why_not(self, samples, _):
        wanted = self.listed()
        return None if samples[0][1] == wanted else f"{samples[0][1]}, not {wanted}"


# Steady values of one GPU.
DEVICE = """devices 1
driver 570.124.06
cuda 12080
all name NVIDIA H100 80GB HBM3
all uuid GPU-0
all utilization 92
all memory_utilization 55
all memory_total_mib 80000
all memory_reserved_mib 500
all memory_used_mib 60000
all temperature 58
all temperature_limit_1 87
all power_mw 480000
all power_limit_mw 700000
all energy_mj 1000+480000/s
all clock_sm 1980
all clock_max_sm 2100
all throttle 0x4
all fan 40
all pcie_width 16
all pcie_width_max 16
all field_91 18
all links_down 0
all field_138 1000+20000/s
all field_139 1000+30000/s
all ecc_corrected 5+2/s
all ecc_uncorrected 0
all gpm_2 71
all gpm_3 24
all gpm_5 33
all gpm_10 62
all gpm_20 110
all gpm_21 320
"""
# Until its first fault a device has a series of none.
FAULT = "event 0 79 0\n"
PROCESS = f"process 0 {os.getpid()} compute 512 40 20\n"

FAULTS_BOARD = {
    ("Faults of the last hour", "faults"): Is(1),
    ("Faults and memory errors", "{{device}} fault {{code}}"): Is({"79": 1, "none": 0}, "code"),
}
DEVICE_BOARD = {
    ("Devices up", "up"): Is(1),
    ("Power", "power"): Is(480),
    ("Hottest", "hottest"): Is(58),
    ("Memory in use", "memory"): Is(0.75),
    # A limit of power is no fault.
    ("Slowed down", "slowed down"): Is(0),
    ("Utilisation", "{{device}} {{mig}}"): Is(0.92),
    ("SM activity", "{{device}} {{mig}}"): Is(0.71),
    ("Memory bandwidth in use", "{{device}} {{mig}}"): Is(0.62),
    ("Matrix units", "{{device}} {{mig}}"): Is(0.33),
    ("Memory in use", "{{device}} {{mig}}"): Is(60000 * MIB),
    ("Power", "{{device}}"): Is(480),
    ("Power", "limit"): Is(700),
    ("Temperature", "{{device}} {{sensor}}"): Is({"core": 58}, "sensor"),
    ("Clock of the cores", "{{device}}"): Is(1.98e9),
    ("Clock of the cores", "highest"): Is(2.1e9),
    ("Clocks held down", "{{reason}}"): Is({"power_cap": 1, "thermal": 0}, "reason", others=0),
    ("Energy", "all devices"): Is(480),
    ("Fans", "{{device}}"): Is(0.4),
    ("PCIe", "{{device}} from"): Is(110 * MIB),
    ("PCIe", "{{device}} to"): Is(320 * MIB),
    ("Links between devices", "{{device}} sent"): Is(18 * 20000 * 1024),
    ("Links between devices", "{{device}} received"): Is(18 * 30000 * 1024),
    ("Links that are up", "{{device}}"): Is(18),
    ("Faults and memory errors", "{{device}} ECC {{type}}"): Is(
        {"corrected": 2 * SPAN_S, "uncorrected": 0}, "type"),
    ("Device memory by process", "{{pid}} {{user}} {{command}}"): Is(
        {str(os.getpid()): 512 * MIB}, "pid"),
    ("Device memory by process", "{{device}} {{pid}} {{command}}"): Is(
        {str(os.getpid()): 512 * MIB}, "pid"),
    ("Processors", "{{host}}"): Shown("tacho_host_cpu_utilization_ratio", ("host",)),
    ("Network", "{{interface}} received"): Grows(
        "tacho_host_network_receive_bytes_total", ("interface",)),
    ("Network", "{{interface}} sent"): Grows(
        "tacho_host_network_transmit_bytes_total", ("interface",)),
    ("Disks", "{{disk}} read"): Grows("tacho_host_disk_read_bytes_total", ("disk",)),
    ("Disks", "{{disk}} written"): Grows("tacho_host_disk_written_bytes_total", ("disk",)),
    ("Probes that read", "{{probe}}"): Shown("tacho_monitor_probe_up", ("probe",), min),
    ("Age of readings", "{{probe}}"): Shown("tacho_monitor_probe_age_seconds", ("probe",), max),
    ("Processor time of the monitor", "cores"): Grows("tacho_monitor_cpu_seconds_total"),
}


class MemoryInUse:
    """Two gauges of one page."""

    def why_not(self, samples, pages):
        shown = []
        for page in pages.recent():
            total = grouped(page, "tacho_host_memory_total_bytes", (), {})[()]
            left = grouped(page, "tacho_host_memory_available_bytes", (), {})[()]
            shown.append(1 - left / total)
        value = samples[0][1]
        is_right = shown and (min(shown) <= value <= max(shown) or near(value, shown[-1]))
        return None if is_right else f"{value}, not {shown}"


DEVICE_BOARD["Memory in use", "{{host}}"] = MemoryInUse()

# A bench of a constant rate: 20 requests a second with 8 tokens each, for ten minutes.
BENCH = ("--request-rate", "20", "--arrivals", "constant", "--duration", "600",
         "--output-tokens", "8")
BENCH_BOARD = {
    ("Done", "done"): Shown("tacho_bench_progress_ratio", how=max),
    ("In flight", "in flight"): Shown("tacho_bench_requests_in_flight"),
    ("Requests that ended well", "ok"): Is(20),
    ("Output tokens", "tokens"): Is(160),
    ("Output tokens", "client"): Is(160),
    ("Success", "ok"): Is(1),
    ("Requests of the cell", "planned"): Is(12000),
    ("Load", "in flight, cell {{cell}}"): Shown("tacho_bench_requests_in_flight", ("cell",)),
    ("How requests end", "{{outcome}}"): Is({"ok": 20}, "outcome", others=0),
    ("Batch and queue", "running"): Shown("tacho_engine_requests_running"),
    ("Batch and queue", "waiting"): Shown("tacho_engine_requests_waiting"),
    ("KV cache", "{{instance}}"): Shown(
        "tacho_engine_kv_usage_ratio", ("instance",), lambda v: sum(v) / len(v)),
    ("Time to first token, mean", "engine"): Mean("tacho_engine_ttft_seconds"),
    ("Time to first token, mean", "client"): Mean("tacho_bench_ttft_seconds"),
}
for title, name, shares in (("Time to first token", "ttft", (0.5, 0.9, 0.99)),
                            ("Time per output token", "tpot", (0.5, 0.99)),
                            ("Whole requests", "e2e", (0.5, 0.99))):
    for share in shares:
        BENCH_BOARD[title, f"p{share * 100:.0f}"] = Quantile(f"tacho_bench_{name}_seconds", share)


def engine_board(url, listed):
    """The scripted engine's; the canary's are the built-in one's and stand in CANARY_BOARD."""
    bounds, below, _ = HISTOGRAMS["time_to_first_token_seconds"]
    buckets = {str(float(bound)): count * SPAN_S for bound, count in zip(bounds, below)}
    buckets["+Inf"] = COUNT_PER_S * SPAN_S
    return {
        **{key: Is(value) for key, value in BOARD.items()},
        ("Engines up", "up"): Is(1),
        ("Alerts firing", "firing"): Count(listed),
        ("Time to first token, all of it", "{{le}}"): Is(buckets, "le"),
        ("Reading its metrics takes", "{{instance}}"): Shown(
            "tacho_engine_scrape_seconds", ("instance",), max, instance=url),
    }


CANARY_BOARD = {
    ("Time to first token, as a client sees it", "{{instance}}"): Shown(
        "tacho_canary_ttft_seconds", ("instance",), max),
    ("Time per output token", "{{instance}}"): Shown(
        "tacho_canary_tpot_seconds", ("instance",), max),
    ("Succeeds", "{{instance}}"): Is(1),
    ("Its share of the load", "{{instance}}"): Shown(
        "tacho_canary_load_ratio", ("instance",), max),
}
