"""Rules of single requests and of a whole run, against servers that do not do what they should:
what is given up, when, and how it is counted."""

import contextlib
import socket

from harness import bench, equal, test, true
from scripted import DONE, HANG, Scripted, event, stream, usage_event

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
