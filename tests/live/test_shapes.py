"""Load shapes: the schedule that was asked for is the one in the journal; a seed says it all."""

import collections
import json
import math
import re

from harness import Sim, bench, equal, folder, tacho, test, true

TINY = ("--input-tokens", "16", "--output-tokens", "1")


def due_times(run):
    """From the first one on, in ns, by id."""
    records = sorted(run.measured, key=lambda record: record["id"])
    return [record["due"] - records[0]["due"] for record in records]


def variation(values):
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1)) / mean


@test
def burstiness_is_the_variation_of_the_gaps():
    """--burstiness 0.25, 1, 4: gaps of CV 2, 1, 0.5, as --gap-cv says it too."""
    count = 2500
    with Sim("--timing", "fixed") as sim:
        for burstiness, wanted in ((0.25, 2.0), (1, 1.0), (4, 0.5)):
            done = bench("--request-rate", "1500", "--num-prompts", count, *TINY,
                         "--burstiness", burstiness, url=sim.url).expect(0)
            due = due_times(done.run)
            equal("requests", len(due), count)
            measured = variation([b - a for a, b in zip(due, due[1:])])
            # The standard error of a gamma law's CV by the delta method; five of them.
            error = wanted * math.sqrt((1 + wanted ** 2) / (2 * (count - 1)))
            true(f"CV {measured:.3f} for burstiness {burstiness}, wanted {wanted}",
                 abs(measured - wanted) < 5 * error)


@test
def one_seed_one_workload():
    """The same seed: the same due times and digest, with any threads and as --dry-run says."""
    arguments = ("--model", "qwen2.5-0.5b", "--ramp", "20:200:500ms", "--gap-cv", "2", *TINY)

    def workload(*more):
        done = bench(*arguments, *more, url=sim.url).expect(0)
        return due_times(done.run), done.run.manifest["config"]["workload_digest"]
    with Sim() as sim:
        first = workload("--threads", "1")
        equal("with two threads", workload("--threads", "2"), first)
        other = workload("--seed", "1")
        true("another seed, another schedule", other[0] != first[0])
        true("another seed, another digest", other[1] != first[1])
    plan = tacho("bench", "--dry-run", *arguments).expect(0).out
    equal("digest before the run", re.findall(r"cell 0: (\w+)", plan), [first[1]["0"]])


@test
def users_think():
    """Each user's next request is due when the answer is there and the think time is over."""
    with Sim() as sim:
        done = bench("--users", "2,4", "--spawn-rate", "100", "--think-time", "10ms:30ms",
                     "--num-prompts", "24", *TINY, url=sim.url).expect(0)
    equal("labels", [cell["label"] for cell in done.run.cells],
          ["2 users 16→1", "4 users 16→1"])
    for cell, users in ((0, 2), (1, 4)):
        turns = collections.defaultdict(dict)
        for record in done.run.measured:
            if record["cell"] == cell:
                turns[record["session"]][record["turn"]] = record
        equal("users", sorted(turns), list(range(1, users + 1)))
        first = {user: records[1]["due"] for user, records in turns.items()}
        for user, records in turns.items():
            equal("turns", sorted(records), list(range(1, len(records) + 1)))
            equal("comes in its turn", first[user] - first[1], (user - 1) * 10_000_000)
            for turn in range(2, len(records) + 1):
                thought = records[turn]["due"] - records[turn - 1]["done"]
                true(f"thought {thought} ns", 10_000_000 <= thought <= 30_000_000)
        equal("requests", sum(map(len, turns.values())), 24)


@test
def a_trace_keeps_its_times():
    """A trace of lengths and a text: sent at its own times, sped up; lengths as it says."""
    path = folder() / "calls.jsonl"
    entries = [{"timestamp": 5000 + at, "input_length": 20 + at // 100, "output_length": 3}
               for at in (0, 100, 150, 900, 1000)]
    entries.append({"timestamp": 7000, "text_input": "Is it noon yet?", "output_length": 2})
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")
    with Sim() as sim:
        done = bench("--fixed-schedule", "--dataset", path, "--replay-speedup", "4",
                     url=sim.url).expect(0)
    equal("due", due_times(done.run), [at * 250_000 for at in (0, 100, 150, 900, 1000, 2000)])
    records = sorted(done.run.measured, key=lambda record: record["id"])
    equal("input", [r["input_planned"] for r in records[:5]], [20, 21, 21, 29, 30])
    equal("output", [r["usage_output"] for r in records], [3, 3, 3, 3, 3, 2])
    equal("label", done.run.cells[0]["label"], "trace ×4 calls")


@test
def streams_begin_one_by_one():
    """--concurrency-ramp: the k-th of n streams begins at k/n of it, with any number of threads."""
    with Sim() as sim:
        # The engine takes longer for the answers than the ramp does: no stream comes round again.
        done = bench("--concurrency", "4", "--concurrency-ramp", "20ms", "--num-prompts", "4",
                     "--input-tokens", "16", "--output-tokens", "64", "--threads", "2",
                     url=sim.url).expect(0)
    equal("begins", due_times(done.run), [0, 5_000_000, 10_000_000, 15_000_000])


@test
def a_warm_up_by_time():
    """--warmup-duration: requests before the cell, all over before it, none of them counted."""
    with Sim() as sim:
        done = bench("--concurrency", "2", "--warmup-duration", "300ms", "--num-prompts", "6",
                     *TINY, url=sim.url).expect(0)
    warmup = [record for record in done.run.journal if record.get("warmup")]
    true("there is a warm-up", len(warmup) >= 2)
    equal("counted", done.run.cells[0]["completed"], 6)
    true("it is over before", max(r["done"] for r in warmup) <= min(
        r["due"] for r in done.run.measured))
