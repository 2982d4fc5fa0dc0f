"""Rules of single requests and of a whole run, against servers that do not do what they should:
what is given up, when, and how it is counted."""

import contextlib
import socket

from harness import bench, equal, test, true
from scripted import DONE, HANG, RESET, Scripted, event, stream, usage_event, whole

PLAIN = stream(event("", role="assistant"), event("one"), event(" two", finish="length"),
               usage_event(7, 2), DONE)
FEW = ("--concurrency", "2", "--num-prompts", "4", "--output-tokens", "5")


def outcomes(done):
    """How the requests of the only cell ended."""
    return done.run.cells[0]["outcomes"]


@contextlib.contextmanager
def a_port_that_never_accepts():
    """A listener whose queue is full: connections to it are neither made nor refused."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        fillers = []
        while True:
            filler = socket.socket()
            filler.settimeout(0.2)
            fillers.append(filler)
            try:
                filler.connect(listener.getsockname())
            except TimeoutError:
                break
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        for filler in fillers:
            filler.close()


@test
def a_server_that_never_accepts():
    """--connect-timeout bounds the look before the run: one line, exit code 4."""
    with a_port_that_never_accepts() as url:
        done = bench("--connect-timeout", "300ms", *FEW, url=url)
        done.expect_one_line(4, r"cannot connect to \S+ within 0.300 s")


@test
def a_server_that_never_answers():
    """--first-token-timeout gives a silent stream up; with the first token it has done its work."""
    with Scripted([HANG]) as server:
        done = bench("--no-ready-check", "--first-token-timeout", "200ms", *FEW, url=server.url)
        done.expect(1)
        equal("outcomes", outcomes(done), {"timeout": 4})
        for record in done.run.measured:
            equal("detail", record["detail"], "no first token")
            true("it waited so long", record["done"] - record["sent"] >= 200e6)
    slow_end = [*PLAIN[:3], 0.5, *PLAIN[3:]]
    with Scripted(slow_end) as server:
        done = bench("--no-ready-check", "--first-token-timeout", "400ms", *FEW, url=server.url)
        done.expect(0)
        equal("outcomes", outcomes(done), {"ok": 4})


@test
def the_trial_request_heeds_the_limits():
    """It is given up like any other request; the line says that there was no answer."""
    for limit in ("--request-timeout", "--first-token-timeout"):
        with Scripted([HANG]) as server:
            done = bench(limit, "300ms", *FEW, url=server.url)
            done.expect_one_line(4, r"did not answer POST \S+ within 0.300 s")
            equal("requests", len(server.requests), 1)


@test
def tries_again_when_told_to():
    """429 with Retry-After, then a reset, then an answer: three records, one request that is ok."""
    busy = whole("429 Too Many Requests", '{"error":{"message":"slow down"}}', "application/json",
                 "Retry-After: 0.2", "Connection: close")
    script = [busy, [RESET], PLAIN]
    with Scripted(lambda count, *_: script[count % 3]) as server:
        done = bench("--no-ready-check", "--retries", "3", "--concurrency", "1", "--num-prompts",
                     "2", "--output-tokens", "5", url=server.url)
        done.expect(0, out="tried again: 4 times")
        equal("requests at the server", len(server.requests), 6)
    cell = done.run.cells[0]
    equal("final outcomes", cell["outcomes"], {"ok": 2})
    equal("of the tries before", cell["retried_outcomes"], {"http_status 429": 2, "reset": 2})
    equal("tries", (cell["tries"], cell["offered"], cell["error_rate"]), (6, 2, 0))
    records = done.run.measured
    equal("records", len(records), 6)
    for first in (record for record in records if "attempt" not in record):
        tries = sorted((record for record in records if record.get("retry_of") == first["id"]),
                       key=lambda record: record["attempt"])
        true("the server's words are kept", "slow down (Retry-After: 0.2)" in first["detail"])
        equal("attempts", [record["attempt"] for record in tries], [1, 2])
        equal("one due time", {record["due"] for record in tries}, {first["due"]})
        true("the wait is kept", tries[0]["sent"] - first["done"] >= 200e6)
    rows = done.run.rows("requests.csv")
    equal("rows", sorted(row["attempt"] for row in rows), ["0", "0", "1", "1", "2", "2"])
    ok_rows = [row for row in rows if row["outcome"] == "ok"]
    true("from due shows the wait", all(float(row["ttft_from_due_ms"]) >= 200 for row in ok_rows))


@test
def no_hidden_retries():
    """Without --retries each failure is final."""
    busy = whole("503 Service Unavailable", "{}", "application/json", "Retry-After: 0")
    with Scripted(busy) as server:
        done = bench("--no-ready-check", *FEW, url=server.url).expect(1)
        equal("requests at the server", len(server.requests), 4)
    equal("outcomes", outcomes(done), {"http_status 503": 4})


@test
def a_share_is_cancelled_by_plan():
    """Those who leave count neither as ok nor as failed; the same seed chooses the same ones."""
    slow = [*PLAIN[:3], 0.3, *PLAIN[3:]]
    many = ("--no-ready-check", "--concurrency", "8", "--num-prompts", "24", "--output-tokens", "5",
            "--cancel-rate", "50%", "--seed", "3")
    chosen = []
    for threads in ("1", "2"):
        with Scripted(slow) as server:
            done = bench(*many, "--cancel-after-tokens", "1", "--threads", threads, url=server.url)
            done.expect(0, out="cancelled by plan")
        cell = done.run.cells[0]
        left = [record for record in done.run.measured if record["outcome"] == "cancelled"]
        equal("details", {record["detail"] for record in left}, {"planned"})
        equal("tokens seen", {len(record["chunk_gaps"]) for record in left}, {1})
        equal("outcomes", outcomes(done), {"ok": 24 - len(left), "cancelled by plan": len(left)})
        equal("neither failed nor ok", (cell["failed"], cell["error_rate"]), (0, 0))
        true(f"about a half of 24: {len(left)}", 3 <= len(left) <= 21)
        chosen.append({record["id"] for record in left})
    equal("with one and two threads", chosen[0], chosen[1])
