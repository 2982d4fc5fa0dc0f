"""What real and broken servers put on the wire, and what is made of it: outcome, tokens, times.

The lower bounds on times hold on a slow machine too, for the server itself pauses so long: only a
client that is kept off the processor for as long would read both sides of a pause at once.
"""

import json

from harness import bench, environment, equal, test, true
from scripted import (CLOSE, DONE, HANG, RESET, Scripted, chunk, counts, event, head, in_pieces,
                      stream,
                      usage_event, whole)

PAUSE_S = 0.25
ROLE = event("", role="assistant")
PLAIN = [ROLE, event("one"), event(" two"), event(" three", finish="length"), usage_event(7, 3),
         DONE]


def ask(answer, *arguments, code=0, **options):
    """One request to a server that gives this answer: its record and its row of requests.csv."""
    with Scripted(answer, **options) as server:
        done = bench("--concurrency", "1", "--num-prompts", "1", "--no-ready-check",
                     "--output-tokens",
                     "5", *arguments, url=server.url).expect(code)
    return done.run.journal[0], done.run.rows("requests.csv")[0]


def check_plain(record, row, tokens=3, chunks=3):
    """The three-word answer, however it was cut."""
    equal("outcome", (record["outcome"], record.get("detail", "")), ("ok", ""))
    equal("tokens", (int(row["input_tokens"]), int(row["output_tokens"])), (7, tokens))
    equal("content chunks", (len(record["chunk_gaps"]), record["chunk_bytes"]), (chunks, [3, 4, 6]))
    equal("finish reason", record["finish_reason"], "length")


def fails(answer, outcome, detail="", *arguments, status=None):
    """The one request fails like this; so the exit code is 1."""
    record, row = ask(answer, *arguments, code=1)
    equal("outcome", record["outcome"], outcome)
    true(f"detail is {record.get('detail')!r}", detail in record.get("detail", ""))
    equal("outcome in requests.csv", row["outcome"], outcome)
    if status is not None:
        equal("status", record["http_status"], status)
    return record


@test
def first_token_is_the_first_text():
    """A role, a null and empty contents come before the first token and are none."""
    quiet = [ROLE, event(delta={"content": None}), event(""), event("", finish=None)]
    record, row = ask(stream(*quiet, PAUSE_S, *PLAIN[1:]))
    check_plain(record, row)
    true("the pause is in TTFT", float(row["ttft_ms"]) >= 1000 * PAUSE_S)
    headers_ms = (record["headers"] - record["sent"]) / 1e6
    true("and not in the time to the head",
         float(row["ttft_ms"]) - headers_ms >= 1000 * PAUSE_S - 5)


@test
def last_token_is_the_last_text():
    """Neither usage nor [DONE] nor an empty finish chunk is the last token."""
    record, row = ask(stream(*PLAIN[:3], event(" three"), PAUSE_S, event(finish="length"),
                             usage_event(7, 3), PAUSE_S, DONE))
    check_plain(record, row)
    true("done is after the pauses", (record["done"] - record["sent"]) / 1e6 >= 2000 * PAUSE_S)
    last = sum(record["chunk_gaps"])
    true("the last token is before them", (record["done"] - last) / 1e6 >= 2000 * PAUSE_S - 5)
    true("and e2e ends with it", abs(float(row["e2e_ms"]) - (last - record["sent"]) / 1e6) < 0.01)


@test
def usage_in_four_places():
    """Counts in a chunk of their own, with the finish, with the last text, in each, nowhere."""
    usage = (7, 3)
    check_plain(*ask(stream(*PLAIN[:3], event(" three"), event(finish="length", usage=usage),
                            DONE)))
    check_plain(*ask(stream(*PLAIN[:3], event(" three", finish="length", usage=usage), DONE)))
    every = [event("", role="assistant", usage=(7, 0)), event("one", usage=(7, 1)),
             event(" two", usage=(7, 2)), event(" three", finish="length", usage=usage), DONE]
    record, row = ask(stream(*every))
    check_plain(record, row)
    true("tokens per chunk", record.get("chunk_tokens") in (None, [1, 1, 1]))
    null = event("one").replace("\n\n", "")[:-1] + ',"usage":null}\n\n'
    check_plain(*ask(stream(ROLE, null, *PLAIN[2:])))
    record, row = ask(stream(*PLAIN[:4], DONE))
    equal("no usage", row["output_token_source"], "tokenizer")
    equal("by the tokenizer", int(row["output_tokens"]), 3)
    equal("the text is kept for it", record["text"], "one two three")


@test
def chunks_that_are_not_tokens():
    """Continuous usage says how many tokens each chunk holds; the rest spreads them evenly."""
    steps = [event("", role="assistant", usage=(7, 0)), event("a b c d", usage=(7, 4)),
             PAUSE_S, event(" e f", usage=(7, 6), finish="length"), usage_event(7, 6), DONE]
    record, row = ask(stream(*steps))
    equal("tokens", int(row["output_tokens"]), 6)
    true("tokens per chunk", record.get("chunk_tokens") in (None, [4, 2]))
    true("two tokens share the gap", float(row["tpot_ms"]) >= 1000 * PAUSE_S / 2)
    total = [event("a b c d"), event(" e f", finish="length", usage=(7, 6)), DONE]
    record, row = ask(stream(*total))
    equal("tokens", int(row["output_tokens"]), 6)


@test
def ends_without_a_done_mark():
    """A finish reason is an end too; a stream with neither was cut."""
    record, _ = ask(stream(*PLAIN[:-1]))
    equal("outcome", record["outcome"], "ok")
    true("it is said", "[DONE]" in record["detail"])
    record, _ = ask(stream(ROLE, event("one"), event(" two"), DONE))
    equal("outcome", record["outcome"], "ok")
    fails(stream(ROLE, event("one"), event(" two")), "truncated", "finish reason")
    fails(stream(), "truncated")
    record, _ = ask(stream(*PLAIN[:-1], DONE.strip()))
    equal("[DONE] without an empty line", (record["outcome"], record.get("detail")), ("ok", None))


@test
def the_standard_of_event_streams():
    """CRLF and CR, comments, other fields, no space after the colon, a mark of byte order."""
    text = "".join(PLAIN)
    for name, changed in {
        "CRLF": text.replace("\n", "\r\n"),
        "CR": text.replace("\n", "\r"),
        "comments": text.replace("data:", ": ping\n\n: pong\ndata:"),
        "fields": text.replace("data:", "event: message\nid: 5\nretry: 10\ndata:"),
        "no space": text.replace("data: ", "data:"),
        "byte order mark": "\ufeff" + text,
        "empty lines": text.replace("data:", "\n\n\ndata:"),
        "two lines": text.replace(', "choices"', ',\ndata: "choices"'),
    }.items():
        record, row = ask(stream(changed))
        equal(name, record["outcome"], "ok")
        check_plain(record, row)


@test
def any_cut_of_the_bytes():
    """One byte at a time, odd pieces, all at once: the same answer."""
    for size in (1, 7, 100, 100_000):
        record, row = ask(in_pieces(stream(*PLAIN), size))
        check_plain(record, row)
    record, row = ask([b"".join(stream(*PLAIN))])
    check_plain(record, row)
    equal("chunks that came in one read", record["shared_reads"], 1)


@test
def characters_cut_in_two():
    """Characters of several bytes, cut across segments and chunks, are counted as characters."""
    words = ["你好", "，世界", "😀", " é"]
    events = [ROLE, *map(event, words), event(finish="stop"), DONE]
    data = "".join(events).encode()
    at = data.index("世".encode()) + 1
    cut = [head("200 OK", "text/event-stream", "Transfer-Encoding: chunked"), chunk(data[:at]),
           0.01,
           chunk(data[at:]), b"0\r\n\r\n"]
    for steps in (stream(*events), cut, in_pieces(stream(*events), 1)):
        record, _ = ask(steps)
        equal("text", record["text"], "".join(words))
        equal("characters", record["characters"], 8)
        equal("bytes", record["chunk_bytes"], [len(word.encode()) for word in words])
    escaped = json.dumps("😀\u0000\"\\\n")
    record, _ = ask(stream(ROLE, event("X").replace('"X"', escaped), event(finish="stop"), DONE))
    equal("escapes", record["text"], "😀\u0000\"\\\n")


@test
def half_a_character_is_no_crash():
    """A lone surrogate and bytes that are no UTF-8 end in a record, not a crash."""
    lone = event("X").replace('"X"', '"\\ud83d"')
    record, _ = ask(stream(ROLE, event("one"), lone, event(" two", finish="stop"), DONE))
    equal("outcome", record["outcome"], "ok")
    equal("all three are content", len(record["chunk_gaps"]), 3)
    equal("the half has a mark", record["text"], "one\ufffd two")
    bad = chunk(event("X").encode().replace(b"X", b"\xff\xfe"))
    steps = stream(ROLE, event("one"), event(" two", finish="stop"), DONE)
    with Scripted([*steps[:2], bad, *steps[2:]]) as server:
        done = bench("--concurrency", "1", "--num-prompts", "2", "--no-ready-check", "--json",
                     url=server.url)
    true("a verdict", done.code in (0, 1))
    json.loads(done.out)
    equal("records", len(done.run.journal), 2)


@test
def framings_of_http():
    """Chunk extensions, trailers, HTTP/1.0 until the close, 100, hints, odd letter cases."""
    sse = "".join(PLAIN)
    chunked = head("200 OK", "text/event-stream", "transfer-encoding:  Chunked")
    extended = [chunked, *[chunk(e, ";name=value; q=\"1\"") for e in PLAIN], b"0;last\r\n",
                b"X-T: 1\r\n\r\n"]
    old = [head("200 OK", "text/event-stream").replace(b"1.1", b"1.0"), sse.encode(), CLOSE]
    until_close = [head("200 OK", "text/event-stream"), *[e.encode() for e in PLAIN], CLOSE]
    first = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    bare = [b"".join(stream(*PLAIN)).replace(b"\r\n", b"\n")]
    cased = [step.replace(b"text/event-stream", b"Text/Event-Stream") for step in stream(*PLAIN)]
    for name, steps in {"extensions and trailers": extended, "HTTP/1.0": old,
                        "until close": until_close,
                        "100 and 103": [first, *stream(*PLAIN)], "a length": whole(
                            "200 OK", sse, "text/event-stream"),
                        "letter case of the type": cased, "bare line feeds": bare}.items():
        record, row = ask(steps)
        equal(name, (record["outcome"], record.get("detail")), ("ok", None))
        check_plain(record, row)


@test
def reasoning_and_tool_calls():
    """Reasoning ends the wait for the first token but not for the first output token."""
    for key in ("reasoning_content", "reasoning"):
        thought = event(delta={key: "hm"})
        record, row = ask(stream(ROLE, thought, PAUSE_S, event("one"), event(finish="stop"),
                                 usage_event(7, 2), DONE))
        true("TTFO is after the thought",
             float(row["ttfo_ms"]) - float(row["ttft_ms"]) >= 1000 * PAUSE_S - 5)
        equal("reasoning chunks", record["chunk_reasoning"], [1, 0])
    call = event(delta={"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "{"}}]})
    record, row = ask(stream(ROLE, call, call, event(finish="tool_calls"), usage_event(7, 2), DONE))
    equal("a tool call is content", len(record["chunk_gaps"]), 2)
    true("and has a first token", row["ttft_ms"])


@test
def whole_answers():
    """Without a stream: counts from usage, times from the end of the answer, no TTFT made up."""
    body = {"id": "x",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "one two"},
                                    "finish_reason": "stop"}], "usage": counts(7, 2)}
    record, row = ask([PAUSE_S, *whole("200 OK", json.dumps(body))], "--no-stream")
    equal("outcome", record["outcome"], "ok")
    equal("tokens", (int(row["input_tokens"]), int(row["output_tokens"])), (7, 2))
    true("e2e", float(row["e2e_ms"]) >= 1000 * PAUSE_S)
    equal("no first token", (row["ttft_ms"], row["tpot_ms"]), ("", ""))
    record, row = ask(whole("200 OK", json.dumps(body)))
    equal("a server that does not stream", (record["outcome"], record["not_streamed"]),
          ("ok", True))
    for broken in ("", "{}", "[]", "null", '{"choices": 5}', '{"choices": [', "<html>hello</html>"):
        fails(whole("200 OK", broken), "malformed", "", "--no-stream")


@test
def errors_inside_a_good_status():
    """An error object in a 200 stream, in a 200 answer, and a finish reason that is an error."""
    text = json.dumps({"error": {"message": "out of memory", "type": "x", "code": 500}})
    fails(stream(ROLE, event("one"), f"data: {text}\n\n", DONE), "malformed", "out of memory")
    fails(stream('data: {"error": "overloaded"}\n\n'), "malformed", "overloaded")
    fails(whole("200 OK", text), "malformed", "out of memory")
    fails(stream(ROLE, event("one"), event(finish="abort"), DONE), "malformed", "abort")
    fails(stream(ROLE, event("one"), "data: {not json}\n\n", *PLAIN[2:]), "malformed")
    fails(stream(ROLE, event("one"), 'data: {"choices": [{"del\n\n', *PLAIN[2:]), "malformed")
    fails(stream(ROLE, "data: 42\n\n", *PLAIN[1:]), "malformed")


@test
def statuses():
    """A status other than 200 is an outcome, with the words; a redirect is not followed."""
    for status, body, said in (
            ("429 Too Many Requests", '{"error": {"message": "slow down"}}', "slow down"),
            ("500 Internal Server Error", "<html>\n<h1>oh no</h1>", ""),
            ("503 Service Unavailable", "", ""), ("422 Unprocessable", '{"detail": "bad field"}',
                                                  "bad field"),
            ("400 Bad Request", '{"object": "error", "message": "too long", "code": 400}',
             "too long")):
        fails(whole(status, body, "application/json", "Retry-After: 1"), "http_status", said,
              status=int(status[:3]))
    fails(whole("307 Temporary Redirect", "", "text/plain", "Location: http://127.0.0.1:1/v1/x"),
          "http_status", status=307)
    fails([b"HTTP/1.1 204 No Content\r\n\r\n"], "http_status", status=204)
    fails([b"HTTP/1.1 500\r\nContent-Length: 0\r\n\r\n"], "http_status", status=500)


@test
def connections_that_break():
    """A reset and a clean end in the middle, before the head, inside it."""
    steps = stream(*PLAIN)
    record = fails([*steps[:3], 0.02, RESET], "reset")
    equal("what had come is kept", len(record["chunk_gaps"]), 1)
    fails([*steps[:3], CLOSE], "truncated")
    fails([RESET], "reset")
    fails([CLOSE], "reset")
    fails([b"HTTP/1.1 200 OK\r\nContent-", CLOSE], "reset")
    fails([head("200 OK", "text/event-stream", "Content-Length: 5000"), PLAIN[1].encode(), CLOSE],
          "truncated")
    fails([*steps[:3], HANG], "timeout", "", "--request-timeout", "300ms")
    fails([HANG], "timeout", "no first token", "--request-timeout", "300ms")


@test
def bytes_that_are_no_http():
    """Garbage, TLS, other protocols, impossible sizes: malformed, never a crash or a hang."""
    start = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    chunked = start + b"Transfer-Encoding: chunked\r\n\r\n"
    for garbage in (b"\x00\xff\x17garbage\r\n\r\n", b"\x15\x03\x01\x00\x02\x02\x50",
                    b"SSH-2.0-x\r\n",
                    b"HTTP/2 200\r\n\r\n", b"HTTP/1.1 abc OK\r\n\r\n", b"HTTP/1.1 99 Low\r\n\r\n",
                    chunked + b"zz\r\nx\r\n", chunked + b"-1\r\nx\r\n", chunked + b"\r\n\r\n",
                    chunked + b"fffffffffffffffff\r\nx\r\n", chunked + b"1\r\nxyz\r\n",
                    start + b"Content-Length: -5\r\n\r\n", start + b"Content-Length: 1e3\r\n\r\n",
                    start + b"no colon here\r\n\r\n", start + b": no name\r\n\r\n",
                    start + b"X: " + b"y" * 400_000,
                    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"):
        fails([garbage, CLOSE], "malformed")


@test
def an_event_without_an_end():
    """A server that never ends its event is given up, not stored."""
    endless = b"data: " + b"x" * (1 << 20)
    steps = [head("200 OK", "text/event-stream"), endless, *[b"y" * (1 << 20)] * 20, CLOSE]
    fails(steps, "malformed", "16 MiB")


@test
def bytes_after_an_answer():
    """What nobody asked for is not taken for the next answer."""
    def answer(count, _connection, _on_connection):
        late = b"HTTP/1.1 500 Late\r\n\r\n" if count == 0 else b""
        return [b"".join(stream(*PLAIN)) + late]
    with Scripted(answer) as server:
        done = bench("--concurrency", "1", "--num-prompts", "3", "--no-ready-check",
                     "--output-tokens",
                     "5", url=server.url).expect(0)
    equal("outcomes", [record["outcome"] for record in done.run.journal], ["ok"] * 3)


@test
def the_request_itself():
    """What is sent: path, host, headers, the body's fields; and no secret in the files."""
    with Scripted(stream(*PLAIN)) as server:
        done = bench("--concurrency", "1", "--num-prompts", "2", "--header", "X-Team: infra",
                     "--api-key-env", "KEY_OF_TEST", "--extra-body", '{"top_k": 5}',
                     "--temperature",
                     "0.5", "--input-tokens", "20", "--output-tokens", "9", url=server.url,
                     env=environment(KEY_OF_TEST="sk-secret")).expect(0)
    top, _ = server.requests[-1]
    lines = top.decode().split("\r\n")
    equal("request line", lines[0], "POST /v1/chat/completions HTTP/1.1")
    for line in ("X-Team: infra", "Authorization: Bearer sk-secret", f"Host: {server.url[7:]}"):
        true(f"'{line}' in {lines}", line in lines)
    body = server.bodies[-1]
    equal("fields", (body["top_k"], body["temperature"], body["max_tokens"], body["ignore_eos"],
                     body["stream"], body["stream_options"]),
          (5, 0.5, 9, True, True, {"include_usage": True}))
    equal("requests: one trial and two of the cell", len(server.requests), 3)
    for path in done.run.path.iterdir():
        true(f"no key in {path.name}", b"sk-secret" not in path.read_bytes())


@test
def reconnects_are_counted():
    """A kept-alive connection found closed is no failure: the request goes out again."""
    def closes_after_one(_count, _connection, on_connection):
        return [CLOSE] if on_connection > 0 else stream(*PLAIN)
    def resets_after_one(_count, _connection, on_connection):
        return [RESET] if on_connection > 0 else stream(*PLAIN)
    for answer in (closes_after_one, resets_after_one):
        with Scripted(answer) as server:
            done = bench("--concurrency", "1", "--num-prompts", "5", "--no-ready-check",
                         "--output-tokens", "5", url=server.url).expect(0)
        equal("outcomes", [r["outcome"] for r in done.run.journal], ["ok"] * 5)
        equal("reconnects", [r.get("reconnects", 0) for r in done.run.journal], [0, 1, 1, 1, 1])
        equal("in the summary", done.run.cells[0]["instrument"]["reconnects"], 4)
        true("in the table", "4 kept-alive connections" in done.out)
    said = [step.replace(b"Type:",
                         b"X: y\r\nConnection: close\r\nContent-Type:") if i == 0 else step
            for i, step in enumerate(stream(*PLAIN))]
    with Scripted([*said, CLOSE]) as server:
        done = bench("--concurrency", "1", "--num-prompts", "5", "--no-ready-check",
                     "--output-tokens", "5", url=server.url).expect(0)
    equal("a close that was announced is no reconnect",
          done.run.cells[0]["instrument"]["reconnects"], 0)


@test
def the_same_seed_sends_the_same():
    """Two runs with one seed send the same bodies in the same order; another seed sends others."""
    def bodies(seed, *arguments):
        with Scripted(stream(*PLAIN)) as server:
            bench("--concurrency", "1", "--seed", seed, "--no-ready-check", *arguments,
                  url=server.url).expect(0)
        return server.bodies
    for arguments in (["--num-prompts", "8"],
                      ["--num-prompts", "6", "--input-tokens", "50,90", "--output-tokens", "5,7"],
                      ["--warmup", "3", "--num-prompts", "4", "--dataset-name", "random",
                       "--random-input-len", "40"]):
        first, second, other = bodies(3, *arguments), bodies(3, *arguments), bodies(4, *arguments)
        equal("bodies", first, second)
        true("another seed, other bodies", first != other)
        texts = [body["messages"][0]["content"] for body in first]
        equal("no prompt twice", len(set(texts)), len(texts))


@test
def hostile_answers_to_the_questions():
    """What the server says of itself is not trusted: deep nests and strange types are no crash."""
    deep = "[" * 200_000 + "]" * 200_000
    for listing in (deep, f'{{"data": {deep}}}', '{"data": [{"id": "tiny", "x": 1e999}]}',
                    '{"data": "\ud83d"}',
                    '{"data": [{"id": ["tiny"]}]}', f'{{"data": [{{"id": "tiny"}}], "x": {deep}}}'):
        answer = whole("200 OK", listing.encode("utf-8", "surrogatepass"))
        with Scripted(stream(*PLAIN), models_answer=answer) as server:
            done = bench("--model", "tiny", "--concurrency", "1", "--num-prompts", "1",
                         url=server.url)
        true(f"{listing[:40]} gave {done}", done.code in (0, 2, 4))
    for event_data in (f'{{"choices": {deep}}}', f'{{"x": {deep}, "choices": []}}', deep,
                       '{"choices": [5]}',
                       '{"choices": [{"delta": []}]}', '{"choices": [{"delta": {"content": 5}}]}',
                       '{"choices": [{"delta": {"content": ["x"]}}]}',
                       '{"usage": {"completion_tokens": -1}}',
                       '{"choices": [], "usage": {"completion_tokens": 1e999}}',
                       '{"choices": [], "usage": {"completion_tokens": 99999999999999999999}}'):
        with Scripted(stream(PLAIN[0], f"data: {event_data}\n\n", *PLAIN[1:])) as server:
            done = bench("--concurrency", "1", "--num-prompts", "1", "--no-ready-check",
                         url=server.url)
        true(f"{event_data[:60]} gave {done}", done.code in (0, 1))
        equal("records", len(done.run.journal), 1)


@test
def counts_that_cannot_be():
    """A server that claims four billion tokens does not bring the report down."""
    for claimed in (4_294_967_295, 10_000_000, 0):
        events = [*PLAIN[:4], usage_event(7, claimed), DONE]
        record, row = ask(stream(*events))
        equal("as claimed", int(row["output_tokens"]), claimed)
