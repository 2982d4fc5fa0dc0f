"""A real engine, llama.cpp behind its OpenAI-compatible server, with a tiny model of random
weights. It streams, it sends no usage in streams, and it answers one request at a time: what a
newcomer's own server may well do.
"""

import functools
import json
import pathlib
import subprocess

import harness
from harness import ROOT, Skip, bench, equal, free_port, test, true, wait_for

# The installation may take so long where it is no part of what was asked for.
QUICK_INSTALL_S = 60
COUNT = """
import json, sys, tokenizers
tokenizer = tokenizers.Tokenizer.from_file(sys.argv[1])
encoded = tokenizer.encode_batch(json.load(sys.stdin), add_special_tokens=False)
print(json.dumps([len(text.ids) for text in encoded]))
"""


@functools.cache
def engine_or_reason():
    """Where setup_engine.sh keeps the engine, and why it cannot be had: one of the two is empty."""
    script = str(ROOT / "scripts/setup_engine.sh")
    command = [script] if harness.IS_FULL else [script, "--limit", str(QUICK_INSTALL_S)]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        hint = "" if harness.IS_FULL else "; scripts/setup_engine.sh without a limit may do it"
        return None, f"no real engine: {done.stderr.strip().splitlines()[-1]}{hint}"
    return pathlib.Path(done.stdout.strip()), None


class Engine:
    """The running engine."""

    def __init__(self):
        self.folder, reason = engine_or_reason()
        if reason:
            raise Skip(reason)
        self.tokenizer = self.folder / "tokenizer.json"
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.log = harness.new_folder("engine") / "log"
        with open(self.log, "wb") as log:
            self.process = harness.start(
                [self.folder / "bin/python", "-m", "llama_cpp.server", "--model",
                 self.folder / "tiny.gguf",
                 "--host", "127.0.0.1", "--port", port, "--model_alias", "tiny", "--n_ctx", "2048",
                 "--n_threads", "1", "--n_threads_batch", "1", "--verbose", "False",
                 # Or it would break off an answer when the next request comes.
                 "--interrupt_requests", "False"], stdout=log, stderr=log)

    def __enter__(self):
        wait_for("the engine", self.is_ready)
        return self

    def __exit__(self, *_):
        harness.end(self.process)

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the engine ended: {self.log.read_text()[-800:]}")
        try:
            return harness.get(f"{self.url}/v1/models")[0] == 200
        except OSError:
            return False

    def count(self, texts):
        """Tokens of each text, by the tokenizer's own library."""
        done = subprocess.run([self.folder / "bin/python", "-c", COUNT, self.tokenizer],
                              input=json.dumps(texts), capture_output=True, text=True, check=True)
        return json.loads(done.stdout)


@test
def a_real_engine():
    """Chat and completions, streamed and whole, over a small grid: counts that are right."""
    with Engine() as engine:
        for kind in ("chat", "completions"):
            check_streams(engine, kind)
            check_whole_answers(engine, kind)


def check_streams(engine, kind):
    done = bench("--endpoint-type", kind, "--tokenizer", engine.tokenizer, "--concurrency", "1,2",
                 "--input-tokens", "24,60", "--output-tokens", "8,16", "--epochs", "2",
                 url=engine.url).expect(0)
    equal(f"{kind}: outcomes", [cell["outcomes"] for cell in done.run.cells],
          [{"ok": 2}, {"ok": 4}, {"ok": 2}, {"ok": 4}])
    true("the table says whose counts", "our tokenizer (the server sent no usage)" in done.out)
    records = done.run.journal
    true("no usage came", not any("usage_output" in record for record in records))
    rows = {int(row["id"]): row for row in done.run.rows("requests.csv")}
    counted = engine.count([record.get("text", "") for record in records])
    for record, tokens in zip(records, counted):
        row = rows[record["id"]]
        equal("output tokens", (int(row["output_tokens"]), row["output_token_source"]),
              (tokens, "tokenizer"))
        equal("input tokens", int(row["input_tokens"]), record["input_planned"])
        true("at most the limit, by the engine", tokens <= 2 * record["output_planned"])
        true("a first token", float(row["ttft_ms"]) > 0)
    true("several chunks in an answer", max(len(record["chunk_gaps"]) for record in records) > 2)


def check_whole_answers(engine, kind):
    done = bench("--endpoint-type", kind, "--no-stream", "--tokenizer", engine.tokenizer,
                 "--concurrency", "2",
                 "--num-prompts", "4", "--input-tokens", "40", "--output-tokens", "8",
                 url=engine.url).expect(0)
    equal(f"{kind}: outcomes", done.run.cells[0]["outcomes"], {"ok": 4})
    equal("counts are the server's", done.run.cells[0]["token_source"]["output"], "usage")
    rows = {int(row["id"]): row for row in done.run.rows("requests.csv")}
    for record in done.run.journal:
        # It goes a token or two over the limit to finish a character.
        equal("output tokens", int(rows[record["id"]]["output_tokens"]), record["usage_output"])
        # The chat template adds some tokens of its own, a plain prompt gets none or one.
        more = record["usage_input"] - record["input_planned"]
        true(f"{kind}: {more} tokens more than planned", 0 <= more <= (16 if kind == "chat" else 1))


@test
def a_real_engine_by_rate():
    """An open loop on an engine that answers one request at a time: the queue is in the figures."""
    with Engine() as engine:
        done = bench("--tokenizer", engine.tokenizer, "--request-rate", "20,inf", "--num-prompts",
                     "10",
                     "--input-tokens", "30", "--output-tokens", "12", url=engine.url).expect(0)
        equal("outcomes", [cell["outcomes"] for cell in done.run.cells], [{"ok": 10}] * 2)
        done = bench("--endpoint-type", "embeddings", "--num-prompts", "2", url=engine.url)
        true(f"embeddings, which it does not serve, are refused: {done}", done.code in (1, 2, 4))
