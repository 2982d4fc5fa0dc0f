"""The fault matrix: each fault of `tacho sim`, as it is on the wire (read with a plain socket),
and as what `tacho bench` counts it.

The table in docs/sim.md has the same rows; a test here compares the two.
"""

import json
import re
import zlib

import harness
from harness import Sim, bench, equal, get, test, true, wait_for
from wire import ASK, TOKENS, Wire

def whole(wire, clean):
    """A complete answer of all its tokens."""
    equal("its end", wire.end, "complete")
    equal("the text", wire.text, clean.text)
    equal("tokens", wire.usage[-1]["completion_tokens"], TOKENS)
    true("[DONE]", re.search(rb"data: ?\[DONE\]\s*$", wire.body))


def status(number, **more):
    def check(wire, _):
        equal("status", wire.status, number)
        for name, value in more.items():
            name = name.replace("_", "-")
            found = re.search(rf"^{name}: ([^\r]*)", wire.head, re.M)
            true(f"{name} in {wire.head!r}", bool(found) == (value is not None))
            true(f"{name}: {found}", value is None or re.fullmatch(value, found.group(1)))
        if more.get("content_type") != "text/html":
            error = json.loads(wire.body)
            error = error.get("error", error)
            equal("the code", error["code"], number)
            true("the message", error["message"])
    return check


def broken(how, tokens=TOKENS // 2 - 1):
    def check(wire, clean):
        equal("its end", wire.end, how)
        equal("tokens before it", wire.text.split(), clean.text.split()[:tokens])
        true("no [DONE]", b"[DONE]" not in wire.body)
    return check


def odd(found):
    """A whole answer in which there is also this."""
    def check(wire, clean):
        whole(wire, clean)
        true(f"{found} in the answer", re.search(found, wire.raw, re.S))
    return check


def silent(wire, _):
    equal("what came", (wire.raw, wire.end), (b"", "silence"))


def slow_start(wire, clean):
    whole(wire, clean)
    true("the first byte", wire.reads[0][0] - wire.sent >= 0.08)


def slow_first_event(wire, clean):
    whole(wire, clean)
    true("the head comes alone", wire.reads[0][1].endswith(b"\r\n\r\n"))
    # Counted from the sending: a reader that is late itself sees shorter gaps.
    true("a wait behind it", wire.reads[1][0] - wire.sent >= 0.5)


def stalls(wire, clean):
    whole(wire, clean)
    half = sum(data.count(b'"content":" ') for at, data in wire.reads if at - wire.sent < 0.5)
    true(f"tokens before the silence: {half}", half < TOKENS)
    true("a silence", wire.reads[-1][0] - wire.sent >= 0.5)


def no_done(wire, clean):
    equal("its end", wire.end, "complete")
    equal("the text", wire.text, clean.text)
    true("no [DONE]", b"[DONE]" not in wire.body)


def ends_with(reason):
    def check(wire, _):
        equal("the reasons", wire.reasons, [reason])
        true("[DONE]", b"[DONE]" in wire.body)
    return check


def counts(tokens):
    def check(wire, clean):
        equal("the text", wire.text, clean.text)
        equal("counts", [usage["completion_tokens"] for usage in wire.usage],
              [] if tokens is None else [tokens])
    return check


def error_event(wire, _):
    error = [event["error"] for event in wire.events if "error" in event]
    equal("codes", [one["code"] for one in error], [500])
    equal("status", wire.status, 200)
    true("[DONE]", b"[DONE]" in wire.body)


def other_model(wire, clean):
    whole(wire, clean)
    equal("the model", {event["model"] for event in wire.events},
          {clean.events[0]["model"] + "-other"})


def other_text(wire, clean):
    words, others = clean.text.split(), wire.text.split()
    half = TOKENS // 2 - 1
    equal("the first half", others[:half], words[:half])
    true("another second half", others[half:] != words[half:] and len(others) == len(words))


def no_text(wire, _):
    equal("the text", wire.text, "")
    equal("tokens", wire.usage[0]["completion_tokens"], TOKENS)


def tokens_in_events(number):
    def check(wire, clean):
        equal("the text", wire.text, clean.text)
        sizes = [len(choice["delta"]["content"].split()) for event in wire.events
                 for choice in event["choices"] if choice["delta"]["content"]]
        equal("tokens of each", sizes, [number] * (TOKENS // number))
    return check


def together(wire, clean):
    whole(wire, clean)
    true("several events in a read", any(data.count(b'"content":" ') >= 4
                                         for _, data in wire.reads))


def in_parts(size):
    def check(wire, clean):
        whole(wire, clean)
        # Two parts may be read at once, or the end of one answer with its head: most are alone.
        sizes = [len(data) for _, data in wire.reads]
        true(f"reads of {size} bytes: {sizes[:20]}", sizes.count(size) > len(sizes) / 2)
    return check


def chunk_sizes(size):
    def check(wire, clean):
        whole(wire, clean)
        sizes = {int(found, 16) for found in re.findall(rb"\r\n([0-9a-f]+)\r\n", wire.raw)}
        true(f"chunks of {sorted(sizes)}", max(sizes - {0}) <= size)
    return check


def by_its_end(wire, clean):
    equal("its end", wire.end, "end")
    equal("the text", wire.text, clean.text)
    true("no framing", "transfer-encoding" not in wire.head and "content-length" not in wire.head)


def thoughts(wire, clean):
    parts = [choice["delta"].get("reasoning_content") or "" for event in wire.events
             for choice in event["choices"]]
    equal("all of it", "".join(parts) + wire.text, clean.text)
    equal("half of it", len("".join(parts).split()), TOKENS // 2)


def calls(wire, clean):
    pieces = [call["function"]["arguments"] for event in wire.events
              for choice in event["choices"] for call in choice["delta"].get("tool_calls", ())]
    equal("the arguments", json.loads("".join(pieces))["q"], clean.text)
    equal("the reasons", wire.reasons, ["tool_calls"])
    true("in pieces", len(pieces) == TOKENS)


def finish_apart(wire, clean):
    whole(wire, clean)
    last = [event["choices"][0] for event in wire.events if event["choices"]][-1]
    equal("the last one", (last["delta"]["content"], last["finish_reason"]), ("", "length"))


def first_bytes(data):
    def check(wire, clean):
        true("the start", wire.body.startswith(data))
        equal("the text", wire.text, clean.text)
    return check


def lines_ended(by):
    def check(wire, clean):
        equal("line ends", set(re.findall(rb"[\r\n]+", wire.body)), {by + by})
        equal("all of it", wire.body.replace(by, b"\n").count(b"\n\n"),
              clean.body.count(b"\n\n"))
    return check


def two_lines(wire, clean):
    texts = []
    for event in wire.body.decode().split("\n\n"):
        lines = [line[6:] for line in event.split("\n") if line.startswith("data: {") or
                 line.startswith('data: "')]
        texts += [json.loads("\n".join(lines))] if lines else []
    equal("events", len(texts), len(clean.events))


def packed(wire, clean):
    equal("its end", wire.end, "complete")
    true("it says so", "content-encoding: gzip" in wire.head)
    true("no word can be read", b"data:" not in wire.body)
    decoder = zlib.decompressobj(31)
    whole(wire.with_body(decoder.decompress(wire.body)), clean)
    true("nothing is missing", decoder.eof and not decoder.unused_data)


def two_fingerprints(wire, clean):
    whole(wire, clean)
    found = [event["system_fingerprint"] for event in wire.events]
    equal("names", sorted(set(found)), ["fp_first", "fp_second"])
    equal("one after the other", found, sorted(found))


def too_long(wire, _):
    true("a line of 20 MiB", max(map(len, wire.body.split(b"\n"))) > 20 << 20)


# The fault; what is on the wire; what `tacho bench` counts (the outcome's label).
MATRIX = [
    ("http_400", status(400), "http_status 400"),
    ("http_401", status(401), "http_status 401"),
    ("http_404", status(404), "http_status 404"),
    ("http_413", status(413), "http_status 413"),
    ("http_422", status(422), "http_status 422"),
    ("http_429", status(429, retry_after="1"), "http_status 429"),
    ("http_429:30", status(429, retry_after="30"), "http_status 429"),
    ("http_503:date", status(503, retry_after="..., .* gmt"), "http_status 503"),
    ("http_503:bare", status(503, retry_after=None), "http_status 503"),
    ("http_500:flat", status(500), "http_status 500"),
    ("http_502:html", status(502, content_type="text/html"), "http_status 502"),
    ("no_answer", silent, "timeout"),
    ("slow_headers:80", slow_start, "ok"),
    ("slow_first_byte:500", slow_first_event, "ok"),
    ("stall_mid:500", stalls, "ok"),
    ("rst_mid", broken("reset"), "reset"),
    ("rst_mid:3", broken("reset", 2), "reset"),
    ("fin_mid", broken("end"), "truncated"),
    ("half_close", broken("end"), "truncated"),
    ("error_in_stream", error_event, "malformed"),
    ("malformed", odd(rb'data: \{"id":"chatcmpl-","choi\n'), "malformed"),
    ("truncated_utf8", odd(b'data: {"id":"\xe4\xbd\n'), "malformed"),
    ("nul", odd(rb'data: \{"id":"\x00"\}'), "malformed"),
    ("huge_event:1024", odd(rb"x{1000000}"), "ok"),
    ("huge_event:20480", too_long, "malformed"),
    ("no_done", no_done, "ok"),
    ("abort_reason", ends_with("abort"), "malformed"),
    ("content_filter", ends_with("content_filter"), "ok"),
    ("finish_separate", finish_apart, "ok"),
    ("usage_wrong", counts(TOKENS + 7), "ok"),
    ("usage_missing", counts(None), "ok"),
    ("wrong_model", other_model, "ok"),
    ("corrupt", other_text, "ok"),
    ("empty_text", no_text, "ok"),
    ("reasoning", thoughts, "ok"),
    ("tool_calls", calls, "ok"),
    ("multi_token:3", tokens_in_events(3), "ok"),
    ("coalesce:5", together, "ok"),
    ("split:16", in_parts(16), "ok"),
    ("chunks:7", chunk_sizes(7), "ok"),
    ("chunk_extensions", odd(rb'\r\n[0-9a-f]+;tacho="1;2"\r\n'), "ok"),
    ("trailers", odd(rb"\r\n0\r\nx-tacho-trailer: 1\r\n\r\n$"), "ok"),
    ("until_close", by_its_end, "ok"),
    ("sse_crlf", lines_ended(b"\r\n"), "ok"),
    ("sse_cr", lines_ended(b"\r"), "ok"),
    ("sse_multiline", two_lines, "ok"),
    ("sse_comments", odd(rb": a comment\nevent: message\nid: 7\nretry: 3000\n"), "ok"),
    ("sse_nospace", odd(rb'data:\{"id"'), "ok"),
    ("gzip", packed, "malformed"),
    ("fingerprint", two_fingerprints, "ok"),
    ("deadline:60000", whole, "ok"),
    ("deadline:1", status(504), "http_status 504"),
    ("sse_bom", first_bytes(b"\xef\xbb\xbfdata: "), "ok"),
]


@test
def each_fault_on_the_wire():
    """A socket sees each fault as it is described, and the server answers the next request."""
    with Sim() as sim:
        clean = Wire(sim, "no_done")
        clean = Wire(sim, "chunks:100000")
        equal("a clean answer", (clean.end, len(clean.text.split())), ("complete", TOKENS))
        for name, check, _ in MATRIX:
            wire = Wire(sim, name, patience_s=0.1 if name == "no_answer" else harness.LIMIT_S)
            try:
                check(wire, clean)
            except AssertionError as error:
                raise AssertionError(f"{name}: {error} (...{wire.raw[-300:]!r})") from None
            wire.connection.close()
        wait_for("the engine to be empty", lambda: sim.metric("vllm:num_requests_running") == 0)
        equal("a clean one again", Wire(sim, "chunks:100000").text, clean.text)
        committed = json.loads(get(f"{sim.url}/sim/faults")[1])["committed"]
        equal("how many were committed", sum(committed.values()), len(MATRIX) + 3)


def count_faults(sim, name, *more):
    return bench("--header", f"X-Tacho-Fault: {name}", "--no-ready-check", "--request-timeout",
                 "1s" if name == "no_answer" else "60s", "--concurrency", "1", "--num-prompts",
                 "2", "--input-tokens", "20", "--output-tokens", str(TOKENS), *more, url=sim.url)


@test
def each_fault_as_bench_counts_it():
    """Every request meets the fault: all are counted under the one label, and nothing hangs."""
    with Sim() as sim:
        for name, _, label in MATRIX:
            done = count_faults(sim, name).expect(0 if label == "ok" else 1)
            equal(name, done.run.cells[0]["outcomes"], {label: 2})


@test
def what_bench_says_of_odd_answers():
    """Beside the label, the figures tell what was odd: times, counts, chunks, reconnects."""
    with Sim() as sim:
        def cell(name, *more):
            return count_faults(sim, name, *more).expect(0).run.cells[0]
        for name in ("slow_headers:80", "slow_first_byte:80"):
            true(f"{name} is in TTFT", cell(name)["ttft_ms"]["min"] >= 80)
        stalled = cell("stall_mid:80")
        true("a stall is in the largest gap", stalled["itl_ms"]["max"] >= 79)
        equal("tokens of usage_wrong", cell("usage_wrong")["output_tokens"]["mean"], TOKENS + 7)
        missing = cell("usage_missing")
        equal("counted by us", missing["token_source"]["output"], "tokenizer")
        equal("tokens all the same", missing["output_tokens"]["mean"], TOKENS)
        equal("gaps between chunks of 3", cell("multi_token:3")["chunk_gap_ms"]["n"], 2 * 3)
        true("chunks that share a read",
             cell("coalesce:5")["instrument"]["coalesced_read_share"] > 0)
        run = count_faults(sim, "no_done").expect(0).run
        equal("why", {record["detail"] for record in run.journal}, {"no [DONE] mark"})
        run = count_faults(sim, "reasoning").expect(0).run
        equal("thinking counts as tokens", run.cells[0]["output_tokens"]["mean"], TOKENS)
        run = count_faults(sim, "http_429:30").expect(1).run
        true("when to come again", all("Retry-After: 30" in record["detail"]
                                       for record in run.journal))


@test
def a_connection_that_closes_under_a_request():
    """keepalive_race: the second request of a connection finds it closed, and is sent again."""
    with Sim() as sim:
        first = Wire(sim, "keepalive_race")
        equal("the first one", first.end, "complete")
        second = Wire(sim, "keepalive_race", first.connection)
        equal("the second one", (second.raw, second.end), (b"", "end"))
        done = count_faults(sim, "keepalive_race").expect(0)
        equal("outcomes", done.run.cells[0]["outcomes"], {"ok": 2})
        equal("reconnects", sum(record.get("reconnects", 0) for record in done.run.journal), 1)


@test
def the_same_seed_the_same_faults():
    """A run with faults can be repeated: the same requests meet the same faults."""
    def struck():
        arguments = ("--seed", "4", "--fault", "rst_mid=0.2", "--fault", "http_503=0.2",
                     "--fault", "no_done=/7", "--fault", "http_400=@3")
        with Sim(*arguments) as sim:
            done = bench("--no-ready-check", "--concurrency", "1", "--num-prompts", "40",
                         "--input-tokens", "8", "--output-tokens", "4", url=sim.url).expect(0)
            committed = json.loads(get(f"{sim.url}/sim/faults")[1])["committed"]
        return [record["outcome"] for record in done.run.journal], committed
    first, second = struck(), struck()
    equal("outcomes", first, second)
    equal("kinds", set(first[1]), {"rst_mid", "http_503", "no_done", "http_400"})
    equal("the third one alone", first[1]["http_400"], 1)


@test
def faults_by_the_admin_path():
    """POST /sim/faults sets the rules of a running server; a wrong one changes nothing."""
    with Sim() as sim:
        def ask(*faults):
            return get(f"{sim.url}/sim/faults", body={"faults": list(faults)})
        equal("rules", json.loads(ask("http_503=1@0-3600")[1])["faults"], ["http_503=1@0-3600"])
        def answer():
            return get(f"{sim.url}/v1/chat/completions", body={**ASK, "stream": False})[0]
        equal("an answer", answer(), 503)
        for wrong in ("nothing=1", "rst_mid=2", "rst_mid", "stall_mid:x=1", "no_done:1=1", "", 5,
                      "rst_mid=1@5", "rst_mid=1@9-5"):
            code, text = ask(wrong)
            equal(f"{wrong!r}", (code, "error" in json.loads(text)), (400, True))
        equal("the rule is still there", answer(), 503)
        equal("embeddings too", get(f"{sim.url}/v1/embeddings", body={"input": "a"})[0], 503)
        ask("http_503=1@3600-7200")
        equal("a window that is not open yet", answer(), 200)
        ask()
        equal("none", answer(), 200)
        get(f"{sim.url}/sim/faults", body={"faults": ["http_503=1"]})
        get(f"{sim.url}/sim/reset", body={})
        equal("a reset brings those of the command line back", answer(), 200)


@test
def the_table_in_the_docs():
    """docs/sim.md has a row for each fault of the matrix, with what bench counts."""
    text = (harness.ROOT / "docs/sim.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)[^`]*`.*\| ([^|]+) \|$", text, re.M))
    with Sim() as sim:
        names = json.loads(get(f"{sim.url}/sim/faults")[1])["names"][1:]
    equal("rows for all names", set(names) - set(rows), set())
    for name, _, label in MATRIX:
        kind = re.sub(r"_\d+", "_STATUS", name.partition(":")[0]) if name.startswith(
            "http_") else name.partition(":")[0]
        said = rows[kind]
        true(f"{name}: {label} in '{said}'", label.split()[0] in said)
