"""The canary: one small request now and then, whose times are those that the server says it had."""

import json

from harness import (Sim, bench_in_background, end, equal, get, lines_of, tacho, test, true,
                     wait_for)
from test_devices import Monitor

FEW = ["--no-devices", "--no-host"]


def canary_of(snapshot):
    """{metric: reading} of the canary in a snapshot, or {}."""
    for subject in snapshot["subjects"]:
        if subject["kind"] == "canary":
            return {reading["metric"]: reading for reading in subject["readings"]}
    return {}


def watched(monitor, condition):
    """The canary's readings once they are as wanted."""
    def look():
        readings = canary_of(json.loads(get(f"{monitor.url}/snapshot")[1]))
        return readings if readings and condition(readings) else None
    return wait_for("the canary", look)


@test
def a_canary_measures_what_the_server_did():
    """TTFT and time per token of one request, beside the engine's own record of it."""
    with Sim("--model", "llama-3-8b", "--gpu", "h800") as sim:
        done = tacho("monitor", "--once", "--json", *FEW, "--canary", sim.url + "/v1",
                     "--canary-tokens", 6, "--no-alerts").expect(0)
        readings = canary_of(json.loads(done.out))
        truths = list(sim.truths().values())
    equal("requests", len(truths), 1)
    equal("success", readings["tacho_canary_success"]["value"], 1)
    written = truths[0]["written_ns"]
    equal("tokens asked for", len(written), 6)
    # What the engine wrote came to the client later, and on the loopback not much later.
    ttft = readings["tacho_canary_ttft_seconds"]["value"]
    true(f"first token: {ttft}", ttft > 0)
    tpot = readings["tacho_canary_tpot_seconds"]["value"]
    taken = truths[0]["taken_ns"]
    least = (written[-1] - taken[0]) / 5e9
    most = (taken[-1] - written[0]) / 5e9
    true(f"time per token {tpot} is between {least} and {most}",
         least - 1e-3 <= tpot <= most + 1e-3)
    true("the whole is more than its part", readings["tacho_canary_e2e_seconds"]["value"]
         >= readings["tacho_canary_ttft_seconds"]["value"])


@test
def a_canary_has_a_line_below_the_engines():
    """With an engine's row and without: times, and its share of the load."""
    with Sim() as sim:
        for more in ((), ("--engine", sim.url)):
            done = tacho("monitor", "--once", *FEW, "--canary", sim.url, *more).expect(0)
            line = next(row for row in done.out.splitlines() if row.startswith(" canary "))
            for word in (sim.url.removeprefix("http://"), "TTFT", "TPOT", "whole"):
                true(f"{word} in {line}", word in line)


@test
def a_canary_says_what_share_of_the_load_it_is():
    """Alone it is all of it; beside a bench it is little."""
    with Sim() as sim, Monitor(*FEW, "--canary", sim.url, "--every", "1s", "--interval",
                               "100ms") as monitor:
        def share(readings):
            return readings["tacho_canary_load_ratio"].get("value")
        alone = watched(monitor, lambda r: share(r) is not None)
        equal("alone", share(alone), 1.0)
        with bench_in_background("--request-rate", "50", "--duration", "120", "--output-tokens",
                                 "16", url=sim.url) as (_, run):
            wait_for("the bench", lambda: lines_of(run) > 5)
            watched(monitor, lambda r: (share(r) or 1.0) < 0.5)


@test
def a_canary_that_dies_says_why():
    """The server goes: no success, no times, and the reason in their place."""
    with Sim() as sim, Monitor(*FEW, "--canary", sim.url, "--every", "1s", "--interval",
                               "100ms") as monitor:
        watched(monitor, lambda r: r["tacho_canary_success"]["value"] == 1)
        end(sim.process)
        dead = watched(monitor, lambda r: r["tacho_canary_success"]["value"] == 0)
    true("a failure was counted", dead["tacho_canary_failures_total"]["value"] >= 1)
    equal("no time", dead["tacho_canary_ttft_seconds"]["value"], None)
    done = tacho("monitor", "--once", *FEW, "--canary", sim.url).expect(0)
    true(f"its line says why: {done.out}", "canary " in done.out and "cannot connect" in done.out)
    true(f"{dead['tacho_canary_ttft_seconds']}",
         "cannot connect" in dead["tacho_canary_ttft_seconds"]["missing"])


@test
def a_canary_without_sense_is_refused():
    """Too often, no URL, no key."""
    common = ["monitor", "--once", *FEW]
    tacho(*common, "--canary", "ftp://x").expect_one_line(2, "ftp")
    tacho(*common, "--canary", "127.0.0.1:1", "--every", "100ms").expect_one_line(2, "1s is the")
    tacho(*common, "--canary", "127.0.0.1:1", "--canary-key-env", "NOT_THERE").expect_one_line(
        2, "NOT_THERE")
