"""`tacho plan` is a claim: what it says of its first choice is what `tacho bench` measures on
`tacho sim`, by the two command lines that it prints."""

import json
import shlex

from harness import Sim, bench, equal, new_folder, tacho, test, true

NEAR = 0.10


def plan_of(*arguments):
    """A plan as JSON; the text form must print the same two command lines."""
    return json.loads(tacho("plan", "--quiet", "--json", *arguments).expect(0).out)


def check_live(plan, **options):
    """Serves and measures the first choice as the plan says; means and medians agree."""
    check = plan["check"]
    sim_words = shlex.split(check["sim"])[2:]
    sim_words = sim_words[:sim_words.index("--port")]
    bench_words = shlex.split(check["bench"])[2:]
    equal("where bench goes", bench_words[:2], ["--url", "http://127.0.0.1:8123"])
    with Sim(*sim_words) as sim:
        done = bench(*bench_words[2:], url=sim.url, **options).expect(0)
    cell = done.run.cells[0]
    equal("requests", cell["completed"], check["requests"])
    far = []
    for metric in ("ttft_ms", "tpot_ms", "e2e_ms"):
        for which in ("mean", "p50"):
            measured, planned = cell[metric][which], check[metric][which]
            if abs(measured / planned - 1) > NEAR:
                far.append(f"{metric} {which}: measured {measured:.4g}, planned {planned:.4g}")
    measured, planned = cell["request_throughput_per_s"], check["requests_per_s"]
    if abs(measured / planned - 1) > NEAR:
        far.append(f"requests/s: measured {measured:.4g}, planned {planned:.4g}")
    equal("farther than 10 %", far, [])


@test
def plan_of_a_large_model_is_what_is_measured():
    """Llama 3 70B, 5 requests/s of 1k/256: the first choice, one replica's share of the load."""
    words = ("--model", "llama-3-70b", "--request-rate", "5", "--input-tokens", "1000",
             "--output-tokens", "256", "--slo", "p99 ttft < 1s", "--slo", "p99 tpot < 50",
             "--check-requests", "20")
    plan = plan_of(*words)
    true("many configurations", len(plan["choices"]) >= 200)
    costs = [choice["usd_per_hour"] for choice in plan["choices"] if choice["state"] == "holds"]
    equal("the cheapest first", costs, sorted(costs))
    text = tacho("plan", "--quiet", *words).expect(0).out
    for command in (plan["check"]["sim"], plan["check"]["bench"]):
        true(f"the table prints '{command}'", f"  {command}\n" in text)
    check_live(plan)


@test
def plan_of_varying_lengths_is_what_is_measured():
    """Where lengths vary, the plan writes one replica's requests as a trace, and bench sends it."""
    folder = new_folder("plan")
    plan = plan_of("--model", "llama-3-8b", "--gpu", "l40s", "--precision", "bf16", "--tp", "1",
                   "--request-rate", "8", "--input-tokens", "900,1800,2700",
                   "--output-tokens", "30,20,10", "--slo", "p99 e2e < 4s",
                   "--check-requests", "40", "--share-out", folder / "share.jsonl")
    lines = (folder / "share.jsonl").read_text(encoding="utf-8").splitlines()
    equal("requests in the trace", len(lines), 40)
    check_live(plan)


@test
def plan_of_users_is_what_is_measured():
    """Users who think: the plan's command has their number, their pause and how they come."""
    plan = plan_of("--model", "llama-3-8b", "--gpu", "l40s", "--precision", "bf16", "--tp", "1",
                   "--users", "12", "--think", "1s", "--input-tokens", "2000", "--output-tokens",
                   "20", "--slo", "p99 e2e < 4s", "--check-requests", "48")
    check_live(plan)
