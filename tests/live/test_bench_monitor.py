"""`tacho bench --monitor`: the server's side on the bench's clock, and what it says."""
import json

from harness import Sim, bench, equal, test, true


def findings(done):
    """The ids that were found, by cell."""
    return [[finding["id"] for finding in cell["findings"]] for cell in done.run.cells]


@test
def a_small_kv_cache_is_named_with_its_evidence():
    """Two cells: the lighter one is healthy, the other one fills the cache."""
    with Sim("--num-gpu-blocks", "120") as sim:
        done = bench("--concurrency", "1,24", "--input-tokens", "128", "--output-tokens", "32",
                     "--num-prompts", "48", "--monitor", "--monitor-interval", "100ms",
                     url=sim.url).expect(0)
    # On a machine that is busy otherwise the generator may be late, and says so in any cell.
    found = [[name for name in cell if name != "client_bound"] for cell in findings(done)]
    equal("findings", found, [[], ["kv_bound"]])
    true("the table says it", "→ c=24 128→32: the KV cache bounds the batch" in done.out)
    evidence = next(finding["evidence"] for finding in done.run.cells[1]["findings"]
                    if finding["id"] == "kv_bound")
    true("evidence", any(item["what"] == "KV cache up to" for item in evidence))
    engine = next(values for key, values in done.run.cells[1]["monitored"].items()
                  if key.startswith("engine "))
    true("the cache was full", engine["tacho_engine_kv_usage_ratio"]["max"] > 0.9)
    # Counters are read at the ends of each cell: what the engine counted is what was sent.
    lines = [json.loads(line) for line in done.run.text("readings.jsonl").splitlines()]
    counted = [line["values"]["tacho_engine_ttft_seconds_count"] for line in lines
               if line["kind"] == "engine" and "tacho_engine_ttft_seconds_count" in line["values"]]
    true(f"first tokens by the engine: {counted[-1] - counted[0]}", counted[-1] - counted[0] >= 96)
    ats = [line["at"] for line in lines if line["kind"] == "engine"]
    equal("in the order of time", ats, sorted(ats))


@test
def a_page_that_cannot_be_read_is_said_and_the_run_goes_on():
    """Nothing listens where the metrics are said to be."""
    with Sim() as sim:
        done = bench("--concurrency", "2", "--num-prompts", "4", "--input-tokens", "32",
                     "--output-tokens", "8", "--server-metrics", "http://127.0.0.1:1",
                     url=sim.url).expect(0)
    true("the table says it", "not read: engine http://127.0.0.1:1" in done.out)
    equal("completed", done.run.cells[0]["completed"], 4)
