"""Many engines behind one port: replicas, adapters, several tokens in a step, prefill elsewhere."""

import json
import re

from harness import Sim, bench, equal, get, test, true

SMALL = ("--concurrency", "4", "--num-prompts", "24", "--input-tokens", "40", "--output-tokens",
         "10")


def answered_by(truths):
    """The lengths of the answers of each replica."""
    lengths = {}
    for truth in truths.values():
        lengths.setdefault(truth["replica"], []).append(truth["output_tokens"])
    return lengths


@test
def a_round_robin_and_its_series():
    """Each replica gets its share, and has series of its own under vLLM's label."""
    with Sim("--replicas", "3") as sim:
        bench(*SMALL, url=sim.url).expect(0)
        lengths = answered_by(sim.truths())
        equal("replicas", sorted(lengths), [0, 1, 2])
        shares = [len(answers) for answers in lengths.values()]
        true("equal shares", max(shares) - min(shares) <= 1)
        page = get(f"{sim.url}/metrics")[1]
        tokens = dict(re.findall(r'vllm:generation_tokens_total{engine="(\d)",.*} (\d+)', page))
        equal("tokens", {int(k): int(v) for k, v in tokens.items()},
              {replica: sum(answers) for replica, answers in lengths.items()})
        equal("one family", page.count("# TYPE vllm:generation_tokens_total counter"), 1)
        states = json.loads(get(f"{sim.url}/sim/truth/replicas")[1])
        equal("states", [r["state"] for r in states["replicas"]], ["serving"] * 3)
        steps = json.loads(get(f"{sim.url}/sim/truth/steps")[1])
        true("steps were written", steps["steps"] > 0 and steps["first_write_late_ms"]["p50"] >= 0)


@test
def several_tokens_in_a_step():
    """Bursts and accepted drafts go out in one event, and no token is lost."""
    for flags, most in ((("--multi-step", "4"), 4),
                        (("--speculative", "3", "--acceptance", "0.8"), 4)):
        with Sim(*flags) as sim:
            body = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 41,
                    "ignore_eos": True, "stream": True, "stream_options": {"include_usage": True}}
            text = get(f"{sim.url}/v1/chat/completions", body=body)[1]
            events = [json.loads(line[6:]) for line in text.splitlines()
                      if line.startswith("data: {")]
            words = [event["choices"][0]["delta"].get("content", "").split()
                     for event in events if event["choices"]]
            sizes = [len(word) for word in words if word]
            equal("tokens", sum(sizes), 41)
            equal("the usage", events[-1]["usage"]["completion_tokens"], 41)
            true(f"events of several tokens: {sizes}", 1 < max(sizes) <= most)
            equal("the first comes alone", sizes[0], 1)


@test
def adapters():
    """They are on the list, answer under their names, and share no prefix with each other."""
    with Sim("--lora", "french:8,legal", "--max-loras", "2") as sim:
        cards = json.loads(get(f"{sim.url}/v1/models")[1])["data"]
        equal("models", [card["id"] for card in cards], ["qwen2.5-0.5b", "french", "legal"])
        equal("parents", [card["parent"] for card in cards], [None] + ["qwen2.5-0.5b"] * 2)
        cached = []
        for model in ("french", "french", "legal", "qwen2.5-0.5b"):
            status, text = get(f"{sim.url}/v1/completions", body={
                "model": model, "prompt": "all of it again " * 50, "max_tokens": 2})
            equal("status", status, 200)
            answer = json.loads(text)
            equal("model", answer["model"], model)
            cached.append(answer["usage"].get("prompt_tokens_details", {}).get("cached_tokens", 0))
        true(f"cached {cached}", cached[1] > 0 and cached[0] == cached[2] == cached[3] == 0)
        equal("unknown", get(f"{sim.url}/v1/completions", body={
            "model": "german", "prompt": "Hi"})[0], 404)


@test
def prefill_elsewhere():
    """The first token is one replica's, the others another's, a transfer later."""
    with Sim("--disaggregate", "1:1", "--link-setup", "50ms") as sim:
        bench("--concurrency", "1", "--num-prompts", "3", "--input-tokens", "100",
              "--output-tokens", "6", url=sim.url).expect(0)
        truths = [truth for truth in sim.truths().values() if truth["output_tokens"] == 6]
        equal("requests", len(truths), 3)
        for truth in truths:
            equal("where", (truth["prefill_replica"], truth["replica"]), (0, 1))
            planned = truth["planned_ns"]
            true("the first gap has the transfer", planned[1] - planned[0] > 50_000_000)
            true("the others do not", planned[2] - planned[1] < 50_000_000)


@test
def one_more_when_they_wait():
    """A queue brings a second replica; when and why is in the truth, and it answers too."""
    with Sim("--autoscale", "1:2", "--start-time", "200ms", "--scale-window", "1s", "--router",
             "least-loaded", "--max-num-seqs", "1", "--gpu", "h100", "--model",
             "llama-3-8b") as sim:
        bench("--concurrency", "12", "--num-prompts", "36", "--input-tokens", "40",
              "--output-tokens", "40", url=sim.url).expect(0)
        known = json.loads(get(f"{sim.url}/sim/truth/replicas")[1])
        first = known["scalings"][0]
        equal("one more", (first["change"], first["replica"]), (1, 1))
        true("because of those who wait", first["triggered"]["waiting_per_replica"] > 1)
        equal("it takes its time", first["ready_ns"] - first["decided"]["at_ns"], 200_000_000)
        true("in this order", first["triggered"]["at_ns"] <= first["decided"]["at_ns"]
             < first["ready_ns"] <= first["first_request_ns"] < first["first_token_ns"])
        true("it answers", 1 in answered_by(sim.truths()))
