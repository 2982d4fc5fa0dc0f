"""`tacho sim fit`: a server whose constants differ from every profile is measured over the wire,
and the profile that is fitted to it says what it does."""

import json

from harness import Sim, bench, equal, new_folder, tacho, test, true

OTHER = {"gpu": {"base": "h100", "gemm": {"bf16": [0.55, 0.62, 3.7, 3.3]}},
         "engine": {"base": "vllm", "step_ms": 2.0, "request_ms": 25.0}}


@test
def fit_of_a_measured_server():
    """Three loads of a server that is a third slower than its profile: the error that is left is
    small, and the file is a profile."""
    folder = new_folder("fit")
    (folder / "other.json").write_text(json.dumps(OTHER))
    other = str(folder / "other.json")
    with Sim("--gpu", other, "--engine", other, "--model", "llama-3-8b") as sim:
        done = bench("--concurrency", "1,8,24", "--input-tokens", "600", "--output-tokens", "48",
                     "--epochs", "3", url=sim.url).expect(0)
    run, mine = str(done.run.path), str(folder / "mine.json")
    words = ("sim", "fit", run, "--gpu", "h100", "--quiet")
    fit = json.loads(tacho(*words, "--json", "--to", mine).expect(0).out)
    # As shares of the error before: a busy machine serves late, and that is no profile's.
    for metric in ("tpot", "e2e"):
        before, after = (fit[which]["requests"][metric]["median_abs"]
                         for which in ("before", "after"))
        true(f"{metric}: another server, {before:.3f}", before > 0.15)
        true(f"{metric}: fitted, {after:.3f} of {before:.3f}", after < before / 3)
    # Two loads say little of a third one; how little is for the unit tests, which have no noise.
    equal("loads told of as unseen", len(fit["unseen"]["loads"]), 3)
    text = tacho(*words).expect(0).out
    for word in ("h100 gemm.bf16.1", "vllm request_ms", "c=24 600→48", "unseen"):
        true(f"the table has {word}", word in text)
    # The fitted file is the profile now: nothing is left to fit.
    again = json.loads(tacho("sim", "fit", run, "--gpu", mine, "--engine", mine, "--json",
                             "--constants", "request_ms", "--quiet").expect(0).out)
    equal("constants", [one["name"] for one in again["constants"]], ["request_ms"])
    left = again["before"]["requests"]["e2e"]["median_abs"]
    true(f"little is left: {left:.3f}", left < fit["before"]["requests"]["e2e"]["median_abs"] / 3)
    tacho("plan", "--gpu", mine, "--engine", mine, "--model", "llama-3-8b", "--request-rate", "1",
          "--input-tokens", "100", "--output-tokens", "20", "--quiet").expect(0)


@test
def fit_says_what_is_missing():
    with Sim("--served-model-name", "ours") as sim:
        done = bench("--concurrency", "1", "--num-prompts", "2", url=sim.url).expect(0)
    run = str(done.run.path)
    for words, said in (
            ((), "say which runs"),
            (("/nowhere", "--gpu", "h100"), "/nowhere"),
            ((run,), "--gpu h100"),
            ((run, "--gpu", "h999"), "unknown GPU 'h999'"),
            ((run, "--gpu", "h100"), "the run's model is 'ours'; say with --model"),
            ((run, "--gpu", "h100", "--model", "llama-9"), "unknown model 'llama-9'"),
            ((run, "--gpu", "h100", "--model", "llama-3-8b", "--constants", "step"), "step_ms")):
        tacho("sim", "fit", *words).expect_one_line(2, said)
