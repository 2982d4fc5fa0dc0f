"""`tacho bench` against `tacho sim`: every endpoint, the engine's truth, chunks, usage, faults."""

import socket
import urllib.error
import urllib.request

from harness import Sim, bench, equal, get, test, true, wait_for
from scripted import DONE, Scripted, event, stream, usage_event

SMALL = ("--concurrency", "2", "--num-prompts", "6", "--input-tokens", "40", "--output-tokens",
         "12")


def check_against_truth(sim, run):
    """Each record's counts and chunks are those of the engine, found by the answer's id."""
    truths = sim.truths()
    rows = {int(row["id"]): row for row in run.rows("requests.csv")}
    for record in run.measured:
        row = rows[record["id"]]
        truth = truths[record["response_id"]]
        equal("input tokens", int(row["input_tokens"]), truth["input_tokens"])
        equal("output tokens", int(row["output_tokens"]), truth["output_tokens"])
        equal("input tokens, planned", record["input_planned"], truth["input_tokens"])
        if not record.get("not_streamed"):
            equal("chunks", len(record["chunk_gaps"]), len(truth["written_ns"]))
            true("each was taken after it was written, if at once",
                 all(taken is None or taken >= written for taken, written
                     in zip(truth["taken_ns"], truth["written_ns"], strict=True)))


@test
def chat_and_completions():
    """Both endpoints, as streams and as whole answers: lengths as asked, counts as the engine's."""
    with Sim() as sim:
        for kind in ("chat", "completions"):
            for arguments in ((), ("--no-stream",)):
                done = bench("--endpoint-type", kind, *arguments, *SMALL, url=sim.url).expect(0)
                check_against_truth(sim, done.run)
                equal("lengths", [r["usage_output"] for r in done.run.journal], [12] * 6)
                streamed = [not r.get("not_streamed") for r in done.run.journal]
                equal("streamed", streamed, [not arguments] * 6)
                equal("TTFT is there", done.run.cells[0]["ttft_ms"] is not None, not arguments)
                true("the table says whose counts", "the server's usage" in done.out)


@test
def embeddings():
    """Batches of texts; no tokens come out, and none are made up."""
    with Sim() as sim:
        done = bench("--endpoint-type", "embeddings", "--batch-size", "3", "--concurrency", "2",
                     "--num-prompts", "6", url=sim.url).expect(0)
        equal("completed", done.run.cells[0]["completed"], 6)
        equal("output tokens", done.run.cells[0]["output_token_throughput_per_s"], 0.0)
        true("time", done.run.cells[0]["e2e_ms"]["min"] > 0)
        for record in done.run.journal:
            equal("input tokens", record["usage_input"], record["input_planned"])


@test
def answers_that_end_by_themselves():
    """Without ignore_eos answers have their own lengths, and each is counted as it was."""
    with Sim() as sim:
        done = bench("--concurrency", "8", "--num-prompts", "24", "--output-tokens", "200",
                     url=sim.url).expect(0)
        check_against_truth(sim, done.run)
        lengths = {record["usage_output"] for record in done.run.journal}
        true("several lengths, none over the limit", len(lengths) > 1 and max(lengths) <= 200)
        reasons = {record["finish_reason"] for record in done.run.journal}
        equal("finish reasons", reasons, {"stop", "length"})


@test
def usage_shapes():
    """Wherever the counts go, they are right; with none the tokenizer counts, and it is said."""
    for how in ("own-chunk", "with-finish", "every-chunk", "none"):
        for kind in ("chat", "completions"):
            with Sim("--usage", how) as sim:
                done = bench("--endpoint-type", kind, *SMALL, url=sim.url).expect(0)
                check_against_truth(sim, done.run)
                source = "tokenizer" if how == "none" else "usage"
                equal("source", done.run.cells[0]["token_source"]["output"], source)
                true("the table says so", ("our tokenizer (the server sent no usage)" in done.out)
                     == (how == "none"))


@test
def chunks_of_eight_tokens():
    """Eight tokens in a chunk: the gap is spread over them, and the raw gap is kept beside it."""
    with Sim("--tokens-per-chunk", "8") as sim:
        done = bench("--concurrency", "2", "--num-prompts", "6", "--input-tokens", "40",
                     "--output-tokens", "64", url=sim.url).expect(0)
        check_against_truth(sim, done.run)
    cell = done.run.cells[0]
    equal("tokens", cell["output_tokens"]["mean"], 64.0)
    equal("chunks", {len(record["chunk_gaps"]) for record in done.run.journal}, {8})
    equal("gaps between chunks", cell["chunk_gap_ms"]["n"], 6 * 7)
    # The server does not say which chunk holds how many: the bytes of each are the best guess.
    true("gaps between tokens", abs(cell["itl_ms"]["n"] - 6 * 56) <= 6)
    ratio = cell["chunk_gap_ms"]["mean"] / cell["itl_ms"]["mean"]
    true(f"a chunk's gap is {ratio} of a token's", abs(ratio - 8) < 0.5)
    equal("chunks of several tokens", cell["instrument"]["multi_token_chunk_share"], 1.0)
    with Sim("--tokens-per-chunk", "5", "--usage", "every-chunk") as sim:
        done = bench("--concurrency", "1", "--num-prompts", "1", "--input-tokens", "40",
                     "--output-tokens", "12", url=sim.url).expect(0)
        check_against_truth(sim, done.run)
        equal("tokens per chunk", done.run.journal[0]["chunk_tokens"], [5, 5, 2])


@test
def connections_closed_after_so_many():
    """A server that closes each connection after ten answers, and says so: nothing fails."""
    with Sim("--keep-alive-max", "10") as sim:
        done = bench("--concurrency", "4", "--num-prompts", "120", "--input-tokens", "16",
                     "--output-tokens", "2", url=sim.url).expect(0)
    cell = done.run.cells[0]
    equal("outcomes", cell["outcomes"], {"ok": 120})
    true("connections", cell["instrument"]["connections"] >= 12)


@test
def connections_closed_when_idle():
    """A server that closes idle connections soon: a request after a pause needs a new one."""
    with Sim("--keep-alive-timeout", "20ms") as sim:
        done = bench("--request-rate", "12", "--num-prompts", "25", "--input-tokens", "16",
                     "--output-tokens", "2", "--burstiness", "100", url=sim.url).expect(0)
    equal("outcomes", done.run.cells[0]["outcomes"], {"ok": 25})
    true("new connections", done.run.cells[0]["instrument"]["connections"] >= 20)


FAULTS = {
    "http_429": ("http_status 429", "http_status"), "http_500": ("http_status 500", "http_status"),
    "rst_mid": ("reset", "reset"), "fin_mid": ("truncated", "truncated"),
    "error_in_stream": ("malformed", "malformed"), "malformed": ("malformed", "malformed"),
    "no_answer": ("timeout", "timeout"), "no_done": ("ok", "ok")}


@test
def each_fault_alone():
    """Every request meets the fault: it is counted by its kind; exit 1 says that all failed."""
    for name, (label, outcome) in FAULTS.items():
        with Sim("--fault", f"{name}=1") as sim:
            done = bench("--no-ready-check", "--request-timeout", "1s", *SMALL, url=sim.url)
            done.expect(0 if outcome == "ok" else 1)
            equal(name, done.run.cells[0]["outcomes"], {label: 6})
            true(f"{name} in the table", outcome == "ok" or f"6 × {label}" in done.out)


@test
def faults_among_good_answers():
    """Some requests fail: the run goes on to its end, each failure has its kind, exit 0."""
    names = ["http_500", "rst_mid", "fin_mid", "error_in_stream", "malformed"]
    faults = [word for name in names for word in ("--fault", f"{name}=0.12")]
    with Sim(*faults, "--seed", "5") as sim:
        done = bench("--no-ready-check", "--concurrency", "8", "--num-prompts", "100",
                     "--input-tokens",
                     "16", "--output-tokens", "8", url=sim.url).expect(0)
    cell = done.run.cells[0]
    equal("all are accounted for", cell["completed"] + cell["failed"], 100)
    equal("each kind", set(cell["outcomes"]),
          {"ok", "http_status 500", "reset", "truncated", "malformed"})
    equal("error rate", round(cell["error_rate"], 9), round(cell["failed"] / 100, 9))
    equal("only good answers have a TTFT", cell["ttft_ms"]["n"], cell["completed"])


@test
def no_stream_faults():
    """Faults that need no stream strike whole answers too."""
    with Sim("--fault", "http_503=0.3", "--seed", "2") as sim:
        done = bench("--no-ready-check", "--no-stream", "--concurrency", "4", "--num-prompts", "40",
                     "--output-tokens", "4", url=sim.url).expect(0)
    equal("kinds", set(done.run.cells[0]["outcomes"]), {"ok", "http_status 503"})


@test
def a_fault_by_header():
    """One request asks for its fault with a header; the others of the server stay whole."""
    with Sim() as sim:
        bench("--header", "X-Tacho-Fault: fin_mid", "--no-ready-check", *SMALL,
              url=sim.url).expect(1)
        bench(*SMALL, url=sim.url).expect(0)
        wait_for("the engine to be empty", lambda: sim.metric("vllm:num_requests_running") == 0)


@test
def requests_that_are_too_long():
    """A prompt that the server has no room for is an http_status 400 with the server's words."""
    with Sim("--max-model-len", "128") as sim:
        done = bench("--concurrency", "1", "--num-prompts", "2", "--input-tokens", "120",
                     "--output-tokens", "64", url=sim.url).expect(1)
        equal("outcomes", done.run.cells[0]["outcomes"], {"http_status 400": 2})
        true("why", "maximum context length is 128" in done.out)


@test
def an_abandoned_request_frees_the_engine():
    """Requests that we give up are given up by the engine too."""
    with Sim("--gpu", "rtx4090", "--model", "llama-3-8b") as sim:
        done = bench("--concurrency", "4", "--num-prompts", "4", "--input-tokens", "16",
                     "--output-tokens", "4000", "--request-timeout", "300ms", url=sim.url).expect(1)
        equal("outcomes", done.run.cells[0]["outcomes"], {"timeout": 4})
        wait_for("the engine to be empty", lambda: sim.metric("vllm:num_requests_running") == 0)


@test
def the_engine_in_a_child():
    """--sim starts the engine for the length of the run and compares with its truth."""
    done = bench("--sim", "h200/qwen2.5-0.5b", *SMALL).expect(0)
    truth = done.run.cells[0]["truth"]
    equal("requests compared", truth["requests"], 6)
    equal("gaps compared", truth["gap_error_ms"]["n"], 6 * 11)
    equal("times known", truth["width_ms"]["n"], 6 * 12)
    equal("requests that arrived after they were sent", truth["sent_after_arrival"], 0)
    true("the table says it", "truth: |measured - true|" in done.out)
    done = bench("--sim", "h200/qwen2.5-0.5b", "--num-scheduler-steps", "4", *SMALL).expect(0)
    equal("chunks", {len(r["chunk_gaps"]) for r in done.run.journal}, {3})


@test
def more_threads_than_streams():
    """However many threads there are, every request is sent once."""
    with Sim() as sim:
        for threads, concurrency in ((4, 2), (3, 3), (5, 1)):
            done = bench("--threads", threads, "--concurrency", concurrency, "--num-prompts", "11",
                         "--warmup", "3", "--input-tokens", "16", "--output-tokens", "3",
                         url=sim.url).expect(0)
            equal("measured", len(done.run.measured), 11)
            equal("each once", len({r["id"] for r in done.run.journal}), 14)
            most = max(in_flight(done.run.measured))
            true(f"{most} in flight, at most {concurrency}", most <= concurrency)
        done = bench("--threads", "4", "--request-rate", "inf", "--max-concurrency", "2",
                     "--num-prompts", "11", "--input-tokens", "16", "--output-tokens", "3",
                     url=sim.url).expect(0)
        equal("with a rate and a cap", done.run.cells[0]["completed"], 11)
        true("the cap holds", max(in_flight(done.run.measured)) <= 2)


def in_flight(records):
    """How many requests were under way after each start and end; an end comes first."""
    changes = sorted([(r["sent"], 1) for r in records] + [(r["done"], -1) for r in records])
    now = 0
    for _, change in changes:
        now += change
        yield now


@test
def threads_do_not_change_the_schedule():
    """One thread or two: the same requests are due at the same times."""
    def schedule(threads):
        done = bench("--threads", threads, "--request-rate", "200", "--num-prompts", "40", "--seed",
                     "9",
                     "--input-tokens", "16", "--output-tokens", "2", url=sim.url).expect(0)
        records = sorted(done.run.measured, key=lambda record: record["id"])
        start = min(record["due"] for record in records)
        return [(r["id"], r.get("prompt", 0), r["due"] - start,
                 r["input_planned"]) for r in records]
    with Sim() as sim:
        equal("schedule", schedule(1), schedule(2))


@test
def no_arrival_is_dropped():
    """A rate that the server cannot keep up with: all are sent, late ones are due on time."""
    with Sim("--max-num-seqs", "2") as sim:
        done = bench("--request-rate", "400", "--num-prompts", "60", "--max-concurrency", "3",
                     "--input-tokens", "16", "--output-tokens", "8", url=sim.url).expect(0)
    cell = done.run.cells[0]
    equal("completed", cell["completed"], 60)
    span = max(r["due"] for r in done.run.measured) - min(r["due"] for r in done.run.measured)
    true("due by the plan, not by the answers", span < 1e9)
    true("the wait is in the figures from due",
         cell["ttft_from_due_ms"]["max"] > cell["ttft_ms"]["max"])


@test
def a_duration_ends_a_cell():
    """--duration stops the sending; what was under way still counts, and repeats are said."""
    with Sim() as sim:
        done = bench("--concurrency", "2", "--duration", "1s", "--input-tokens", "16",
                     "--output-tokens", "4", url=sim.url).expect(0)
    cell = done.run.cells[0]
    equal("status", done.run.manifest["status"], "finished")
    true("more than the plan's ten", cell["completed"] > 10)
    equal("ids are all different", len({r["id"] for r in done.run.journal}), len(done.run.journal))


@test
def strict_makes_invalid_an_error():
    """--strict exits with 3 when the run is not valid: here, answers shorter than asked for."""
    short = stream(event("", role="assistant"), event("one", finish="length"), usage_event(7, 1),
                   DONE)
    arguments = ("--concurrency", "1", "--num-prompts", "3", "--input-tokens", "16",
                 "--output-tokens")
    with Scripted(short) as server:
        done = bench(*arguments, "100", url=server.url).expect(0, out="INVALID")
        reasons = done.run.cells[0]["verdict"]["reasons"]
        true(f"{reasons}", any("output length off" in reason for reason in reasons))
        bench("--strict", *arguments, "100", url=server.url).expect(3, out="output length off")


@test
def the_engines_own_face():
    """Health, version, models, metrics, reset, and refusals in OpenAI's shape."""
    with Sim("--served-model-name", "m1") as sim:
        equal("health", get(f"{sim.url}/health")[0], 200)
        true("models", '"m1"' in get(f"{sim.url}/v1/models")[1])
        post = f"{sim.url}/v1/chat/completions"
        ask = {"model": "m1", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 3}
        equal("an answer", get(post, body=ask)[0], 200)
        for wrong, status in (({"model": "other"}, 404), ({"messages": []}, 400),
                              ({"messages": 5}, 400),
                              ({"max_tokens": -1}, 400), ({"max_tokens": 10_000_000}, 400)):
            code, text = get(post, body={**ask, **wrong})
            equal(f"{wrong}", code, status)
            true("OpenAI's error object", '"message"' in text)
        for body in ([], "text", 5, None):
            equal(f"the body {body}", get(post, body=body if body is not None else [])[0], 400)
        equal("a method", get(post)[0], 405)
        equal("a path", get(f"{sim.url}/v1/nothing")[0], 404)
        true("metrics", sim.metric("vllm:generation_tokens_total") >= 3)
        get(f"{sim.url}/sim/reset", body={})
        equal("after a reset", sim.metric("vllm:generation_tokens_total"), 0)
        equal("the server still stands", get(f"{sim.url}/health")[0], 200)


@test
def bodies_that_would_break_the_engine():
    """Deep nests, numbers that are none, bytes that are no text: an answer each time."""
    deep = b"[" * 300_000 + b"]" * 300_000
    bodies = [b'{"max_tokens": 1, "prompt": ' + deep + b"}", deep, b"", b"{", b"\xff\xfe",
              b'{"max_tokens": 1e999, "prompt": "a"}', b'{"max_tokens": 1e300, "prompt": "a"}',
              b'{"max_tokens": 4294967297, "prompt": "a"}',
              b'{"max_tokens": 2, "prompt": "\xff\xfe"}',
              b'{"max_tokens": "x", "stream": "yes", "prompt": 5}',
              b'{"max_tokens": 2, "prompt": [[[]], {"a": 1}]}',
              b'{"max_tokens": 2, "prompt": [{"text": [5]}, {"text": {}}], "stream_options": 5}',
              b'{"model": 5, "max_tokens": 2, "prompt": null}']
    with Sim() as sim:
        for body in bodies:
            for path in ("completions", "chat/completions", "embeddings"):
                code = post_raw(f"{sim.url}/v1/{path}", body)
                true(f"{path} of {body[:60]!r} gave {code}", code in (200, 400, 404))
        post = b"POST /v1/completions HTTP/1.1\r\n"
        for words in (b"GARBAGE\r\n\r\n", b"GET /" + b"a" * 500_000 + b" HTTP/1.1\r\n\r\n",
                      post + b"Content-Length: -1\r\n\r\n",
                      post + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n",
                      post + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"):
            true(f"{words[:60]!r} is refused", send_raw(sim.url, words).startswith(b"HTTP/1.1 400"))
        ask = b"GET /health HTTP/1.1\r\n"
        three = send_raw(sim.url, (ask + b"\r\n") * 2 + ask + b"Connection: close\r\n\r\n")
        equal("answers to three requests at once", three.count(b"HTTP/1.1 200"), 3)
        equal("the server still stands", get(f"{sim.url}/health")[0], 200)


def post_raw(url, body):
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code


def send_raw(url, data):
    """What comes back for these bytes until the server closes."""
    host, port = url.removeprefix("http://").split(":")
    answer = b""
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        try:
            connection.sendall(data)
            while more := connection.recv(65536):
                answer += more
        except ConnectionError:
            pass  # It closed with bytes of ours unread.
    return answer
