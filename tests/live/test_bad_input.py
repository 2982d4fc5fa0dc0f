"""Bad input: whatever a server sends, each request ends with one counted outcome; nothing crashes,
hangs, or spoils the requests after it. What of it is tested where ("unit" is tests/unit, "fuzz"
tests/fuzz, "world" tests/world; the rest are functions of the live tests):

  chunks cut at any byte         any_cut_of_the_bytes; unit load/exchange, net/http1; fuzz exchange
  several events in a read       any_cut_of_the_bytes; unit load/exchange
  CRLF, CR, comments, no space   the_standard_of_event_streams; fuzz sse (against the standard)
  characters cut in two          characters_cut_in_two, half_a_character_is_no_crash
  half a surrogate pair          half_a_character_is_no_crash; unit protocol/openai_json
  error objects in a 200 stream  errors_inside_a_good_status, each_fault_alone
  no [DONE]                      ends_without_a_done_mark, each_fault_alone
  usage with empty choices       usage_in_four_places; unit protocol/openai_json
  100-continue, early hints      framings_of_http; unit net/http1
  chunk extensions, trailers     framings_of_http; unit net/http1; fuzz http_response
  bodies until the close         framings_of_http; unit net/http1; fuzz http_response
  HTTP/1.0                       framings_of_http; unit net/http1
  3xx                            redirects_are_not_followed; unit load/exchange
  gzip, which nobody asked for   compressed_answers; unit load/exchange
  429 with Retry-After           refusals_with_a_time_to_wait, statuses, each_fault_alone
  resets                         connections_that_break, each_fault_alone; world (every seed)
  half-close                     a_server_that_closes_its_half
  no answer                      connections_that_break, each_fault_alone
  lines of 100 MB                a_line_of_100_megabytes, bytes_that_are_no_http (256 KiB of head)
  bytes that are no HTTP         bytes_that_are_no_http; fuzz http_response
  JSON of every wrong shape      hostile_answers_to_the_questions; fuzz openai_event
  a good answer after a bad one  a_bad_answer_spoils_no_other
"""

import gzip
import subprocess

import harness
from harness import BINARY, IS_SANITIZED, Sim, bench, equal, new_folder, test, true, wait_for
from scripted import (CLOSE, DONE, HANG, RESET, SHUT, Scripted, chunk, event, head, stream,
                      usage_event, whole)
from test_ends import PeakMemory
from test_wire import PLAIN, ROLE, ask, check_plain, fails

CHUNKED = head("200 OK", "text/event-stream", "Transfer-Encoding: chunked")


@test
def redirects_are_not_followed():
    """A redirect is an outcome that says where it leads; nobody goes there."""
    with Scripted(stream(*PLAIN)) as other:
        for status in ("301 Moved Permanently", "302 Found", "307 Temporary Redirect",
                       "308 Permanent Redirect"):
            answer = whole(status, "gone", "text/plain", f"Location: {other.url}/v1/x")
            record = fails(answer, "http_status", f"redirected to {other.url}/v1/x",
                           status=int(status[:3]))
            true("it says that it went no further", "not followed" in record["detail"])
        equal("requests there", len(other.requests), 0)
    fails(whole("304 Not Modified", "", "text/plain"), "http_status", status=304)
    fails(whole("300 Multiple Choices", "choose", "text/plain"), "http_status", "choose",
          status=300)


@test
def compressed_answers():
    """We ask for none; one that comes all the same is malformed, and the record says why."""
    packed = gzip.compress("".join(PLAIN).encode())
    for coding in ("gzip", "br", "Deflate"):
        answer = whole("200 OK", packed, "text/event-stream", f"Content-Encoding: {coding}")
        fails(answer, "malformed", f"a compressed answer ({coding})")
    fails([head("200 OK", "text/event-stream", "Content-Encoding: gzip",
                "Transfer-Encoding: chunked"), chunk(packed[:9]), chunk(packed[9:]),
           b"0\r\n\r\n"], "malformed", "a compressed answer (gzip)")
    fails(whole("200 OK", gzip.compress(b"{}"), "application/json", "Content-Encoding: gzip"),
          "malformed", "a compressed answer (gzip)", "--no-stream")
    fails(whole("500 Oh", packed, "text/html", "Content-Encoding: gzip"), "http_status",
          "a compressed answer (gzip)", status=500)
    check_plain(*ask(whole("200 OK", "".join(PLAIN), "text/event-stream",
                           "Content-Encoding: identity")))
    with Scripted(stream(*PLAIN)) as server:
        bench("--num-prompts", "1", "--no-ready-check", url=server.url).expect(0)
    true("none was asked for", b"accept-encoding" not in server.requests[0][0].lower())


@test
def refusals_with_a_time_to_wait():
    """429 and 503 with Retry-After are counted, each request once, and are not sent again."""
    with Scripted(whole("429 Too Many Requests", '{"error": {"message": "slow down"}}',
                        "application/json", "Retry-After: 1")) as server:
        done = bench("--concurrency", "2", "--num-prompts", "6", "--no-ready-check",
                     url=server.url).expect(1)
        equal("outcomes", done.run.cells[0]["outcomes"], {"http_status 429": 6})
        equal("requests", len(server.requests), 6)


@test
def a_server_that_closes_its_half():
    """It says that it has said all, and goes on listening: the end is where it is, not later."""
    steps = stream(*PLAIN)
    fails([SHUT], "reset")
    fails([CHUNKED, SHUT], "truncated", "in the middle")
    fails([*steps[:3], SHUT], "truncated", "in the middle")
    fails([*steps[:-1], SHUT], "truncated", "in the middle")
    record, row = ask([*steps, SHUT])
    check_plain(record, row)
    record, row = ask([head("200 OK", "text/event-stream"), *[e.encode() for e in PLAIN], SHUT])
    check_plain(record, row)


@test
def a_line_of_100_megabytes():
    """An event that does not end is malformed; the rest of it is read, but not kept."""
    piece = b"x" * (1 << 20)
    endless = [head("200 OK", "text/event-stream"), b"data: ", *[piece] * 100, b"\n\n", CLOSE]
    with Scripted(endless) as server:
        path = new_folder("endless") / "run"
        process = harness.start(
            [BINARY, "bench", "--url", server.url, "--quiet", "--out", path, "--concurrency", "1",
             "--num-prompts", "1", "--no-ready-check"], stdout=subprocess.DEVNULL)
        try:
            peak_kb = wait_for("the end of the run", PeakMemory(process))
        finally:
            harness.end(process)
    record = harness.Run(path).journal[0]
    equal("outcome", (record["outcome"], record["detail"]),
          ("malformed", "an event of more than 16 MiB"))
    # A string of 16 MiB that grows holds twice that for a moment.
    true(f"{peak_kb / 1024:.0f} MB", IS_SANITIZED or peak_kb < 96 * 1024)


@test
def a_bad_answer_spoils_no_other():
    """One connection, one bad answer in the middle: the requests before and after it are whole."""
    steps = stream(*PLAIN)
    error = 'data: {"error": {"message": "oom"}}\n\n'
    for name, bad, outcome in (
            ("a reset", [*steps[:3], RESET], "reset"),
            ("an end", [*steps[:3], CLOSE], "truncated"),
            ("half an end", [*steps[:3], SHUT], "truncated"),
            ("an error", stream(ROLE, error), "malformed"),
            ("half an event", stream(ROLE, 'data: {"choices": [{"del\n\n', DONE), "malformed"),
            ("an event without its end", stream(ROLE, event("x")[:-1]), "truncated"),
            ("half a pair", stream(event("X").replace('"X"', '"\\ud83d"'), *PLAIN[3:]), "ok"),
            ("a chunk that is too long", [CHUNKED, b"1\r\nxyz\r\n"], "malformed"),
            ("another length", whole("200 OK", "{}", "text/x", "Content-Length: 9"), "malformed"),
            ("a status", whole("503 No", "later", "text/plain", "Retry-After: 1"), "http_status"),
            ("no content", [b"HTTP/1.1 204 No Content\r\n\r\n"], "http_status"),
            ("silence", [HANG], "timeout")):
        def answer(count, _connection, _on_connection, bad=bad):
            return bad if count == 1 else steps
        with Scripted(answer) as server:
            done = bench("--concurrency", "1", "--num-prompts", "3", "--no-ready-check",
                         "--request-timeout", "2s" if outcome == "timeout" else "60s",
                         url=server.url).expect(0)
        equal(name, [record["outcome"] for record in done.run.journal], ["ok", outcome, "ok"])
        equal(f"{name}: requests", len(server.requests), 3)


@test
def every_fault_of_the_engine_by_header():
    """X-Tacho-Fault asks the engine for each of its faults: one outcome a request, none lost."""
    with Sim() as sim:
        for fault, outcome in (("rst_mid", "reset"), ("fin_mid", "truncated"), ("no_done", "ok"),
                               ("error_in_stream", "malformed"), ("malformed", "malformed"),
                               ("http_400", "http_status 400"), ("http_429", "http_status 429"),
                               ("http_599", "http_status 599"), ("no_answer", "timeout")):
            timeout = "500ms" if fault == "no_answer" else "60s"
            done = bench("--concurrency", "3", "--num-prompts", "6", "--no-ready-check",
                         "--header", f"X-Tacho-Fault: {fault}", "--request-timeout", timeout,
                         "--input-tokens", "16", "--output-tokens", "8", url=sim.url)
            done.expect(0 if outcome == "ok" else 1)
            equal(fault, done.run.cells[0]["outcomes"], {outcome: 6})
        wait_for("the engine to be empty", lambda: sim.metric("vllm:num_requests_running") == 0)
