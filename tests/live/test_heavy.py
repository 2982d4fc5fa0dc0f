"""What takes longer than a default run may: with TACHO_FULL=1 only."""

import json
import random
import resource
import subprocess

import harness
from harness import (BINARY, Sim, Skip, bench, equal, heavy_test, lines_of, new_folder, scaled,
                     tacho, true, wait_for)

# Ends a hang, no more.
LIMIT_S = max(600, harness.LIMIT_S)


@heavy_test
def heavy_seed_grid():
    """The Ascend suite's own static test, for real: ten cells, every answer as long as asked."""
    with Sim() as sim:
        done = bench("--backend", "openai", "--epochs", scaled(5, 5), "--num-scheduler-steps", "8",
                     "--parallel-num", "1", "4", "8", "16", "32", "--prompt-tokens", "1024", "2048",
                     "--output-tokens", "128", "256", url=sim.url, limit_s=LIMIT_S).expect(0)
    equal("cells", len(done.run.cells), 10)
    for cell in done.run.cells:
        equal(cell["label"], cell["outcomes"], {"ok": cell["planned"]})
        asked = float(cell["label"].rsplit("→", 1)[1])
        equal("output tokens", (cell["output_tokens"]["min"], cell["output_tokens"]["max"]),
              (asked, asked))


@heavy_test
def heavy_kills():
    """Killed at a random moment, forty times: the report shows exactly what had finished."""
    draw = random.Random(1)
    with Sim() as sim:
        for _ in range(scaled(40, 5)):
            path = new_folder("kill") / "run"
            process = harness.start(
                [BINARY, "bench", "--url", sim.url, "--quiet", "--out", path, "--threads", "2",
                 "--concurrency", "32", "--duration", "60s", "--input-tokens", "16",
                 "--output-tokens", "8"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            run, wanted = harness.Run(path), draw.randrange(1, scaled(1500, 5))
            wait_for(f"{wanted} records", lambda run=run, wanted=wanted: lines_of(run) >= wanted)
            process.kill()
            process.wait()
            finished = len(run.measured)
            shown = json.loads(tacho("report", path, "--json").expect(0).out)
            equal("records", shown["summary"]["completed"], finished)


@heavy_test
def heavy_many_streams():
    """Eight thousand streams at a time, all answered."""
    streams = scaled(8000, 8)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < streams + 1000:
        raise Skip(f"at most {hard} files may be open here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, streams + 1000), hard))
    with Sim("--max-num-seqs", streams, "--max-num-batched-tokens", "100000") as sim:
        done = bench("--concurrency", streams, "--num-prompts", 2 * streams, "--input-tokens", "16",
                     "--output-tokens", "8", url=sim.url, limit_s=LIMIT_S).expect(0)
    equal("outcomes", done.run.cells[0]["outcomes"], {"ok": 2 * streams})


@heavy_test
def heavy_long_mix_of_faults():
    """Twenty thousand requests under every fault at once: each is accounted for, none hangs."""
    requests = scaled(20000, 2)
    names = ["http_429", "http_500", "rst_mid", "fin_mid", "no_done", "error_in_stream",
             "malformed"]
    faults = [word for name in names for word in ("--fault", f"{name}=0.05")]
    with Sim("--fault", "no_answer=0.001", *faults, "--keep-alive-max", "50") as sim:
        done = bench("--no-ready-check", "--concurrency", "64", "--num-prompts", requests,
                     "--threads",
                     "2", "--request-timeout", "2s", "--input-tokens", "16", "--output-tokens", "8",
                     url=sim.url, limit_s=LIMIT_S).expect(0)
    cell = done.run.cells[0]
    equal("all", sum(cell["outcomes"].values()), requests)
    true(f"{cell['outcomes']}", {"ok", "reset", "truncated", "malformed", "timeout",
                                 "http_status 429",
                                 "http_status 500"} == set(cell["outcomes"]))
