"""`tacho sim` over TLS, and what goes wrong with its connections before there is a request."""

import http.client
import json
import socket
import ssl

from certificates import combined, locked, self_made
from harness import (LIMIT_S, Sim, bench, bench_in_background, equal, get, lines_of, tacho, test,
                     true, wait_for)
from test_sim import check_against_truth
from wire import Wire, connect

FEW = ("--concurrency", "2", "--num-prompts", "6", "--input-tokens", "20", "--output-tokens", "8")


def load(sim, *more):
    """Requests one after the other, none of them sent to try."""
    return bench("--no-ready-check", "--request-timeout", "60s", "--concurrency", "1",
                 "--num-prompts", "2", "--input-tokens", "20", "--output-tokens", "8", *more,
                 url=sim.url)


def outcomes(done):
    return done.run.cells[0]["outcomes"]


@test
def the_engine_over_tls():
    """bench over https: counts are the engine's, and no time is before the engine's own."""
    cert, key = self_made()
    for names in (("--tls-cert", "--tls-key"), ("--ssl-certfile", "--ssl-keyfile")):
        with Sim(names[0], cert, names[1], key) as sim:
            true(f"it says https: {sim.url}", sim.url.startswith("https://127.0.0.1:"))
            done = bench("--cacert", cert, *FEW, url=sim.url).expect(0)
            equal("outcomes", outcomes(done), {"ok": 6})
            check_against_truth(sim, done.run)
            truths = sim.truths()
            for record in done.run.measured:
                truth = truths[record["response_id"]]
                true("a request comes after it was sent", truth["received_ns"] >= record["sent"])
                at = 0
                for gap, written in zip(record["chunk_gaps"], truth["written_ns"], strict=True):
                    at += gap
                    true("a token comes after it was written", at >= written)
            equal("insecure", outcomes(bench("--insecure", *FEW, url=sim.url).expect(0)),
                  {"ok": 6})
            bench(*FEW, url=sim.url).expect_one_line(4, "TLS failed.*--cacert")
            equal("it goes on", get(f"{sim.url}/health")[0], 200)


@test
def certificates_that_are_none():
    """What is wrong with the files is said before anything is served."""
    cert, key = self_made()
    other, _ = self_made("another")
    with Sim("--tls-cert", combined(cert, key)) as sim:
        equal("both in one file", get(f"{sim.url}/health")[0], 200)
    for words, said in (
            (("--tls-cert", "/nowhere.pem"), "certificate.*/nowhere.pem"),
            (("--tls-cert", other), "key.*cert.pem.*--tls-key"),
            (("--tls-cert", other, "--tls-key", key), "not that of the certificate"),
            (("--tls-cert", cert, "--tls-key", locked(key, "sesame")), "needs a password.*openssl"),
            (("--tls-key", key), "--tls-key needs --tls-cert")):
        tacho("sim", "--port", "0", *words).expect_one_line(2, said)


def first_words():
    """What a client says first in a TLS handshake."""
    context = ssl._create_unverified_context()
    to_server = ssl.MemoryBIO()
    session = context.wrap_bio(ssl.MemoryBIO(), to_server)
    try:
        session.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return to_server.read()


def what_comes(connection, words):
    """All bytes that come back for these, and how the connection ends."""
    heard = b""
    try:
        connection.sendall(words)
        while data := connection.recv(1 << 16):
            heard += data
    except ConnectionResetError:
        return heard, "reset"
    return heard, "end"


# The rule; how many bytes come and how it ends; what bench counts over plain HTTP, and over TLS.
ENDS = [
    ("accept_close", 0, "end", "reset", "reset"),
    ("accept_reset", 0, "reset", "reset", "reset"),
    ("accept_close:40", 40, "end", "reset", "reset"),
    ("accept_close:600", 600, "end", "truncated", "reset"),
]


class rules_of:
    """Rules for a while, set and lifted over one connection that was there before them."""

    def __init__(self, sim, *rules):
        place = sim.url.partition("://")[2]
        self.line = (http.client.HTTPSConnection(place, context=ssl._create_unverified_context())
                     if sim.url.startswith("https") else http.client.HTTPConnection(place))
        self.ask("GET")
        self.rules = rules

    def ask(self, method, *rules, path="/sim/faults"):
        body = json.dumps({"faults": list(rules)}) if method == "POST" else None
        self.line.request(method, path, body)
        reply = self.line.getresponse()
        text = reply.read().decode()
        equal(f"status of {rules}: {text}", reply.status, 200)
        return json.loads(text)

    def __enter__(self):
        self.ask("POST", *self.rules)
        return self

    def __exit__(self, *_):
        self.ask("POST")
        self.line.close()


@test
def connections_that_end_before_their_time():
    """After so many bytes of the server's, whatever they are: HTTP, or the TLS handshake."""
    cert, key = self_made()
    with Sim() as plain, Sim("--tls-cert", cert, "--tls-key", key) as secret:
        for name, count, end, label, tls_label in ENDS:
            with rules_of(plain, f"{name}=1"):
                wire = Wire(plain, "no_done")
                equal(f"{name}: bytes", (len(wire.raw), wire.end), (count, end))
            with rules_of(secret, f"{name}=1"):
                connection = connect(secret)
                heard, how = what_comes(connection, first_words())
                equal(f"{name}: bytes of the handshake", (len(heard), how), (count, end))
            equal(name, outcomes(struck_by(plain, name)), {label: 1, "ok": 1})
            done = struck_by(secret, name, "--cacert", cert)
            equal(f"{name} over TLS", outcomes(done), {tls_label: 1, "ok": 1})
            equal("why", [record["detail"] for record in done.run.journal if record.get("detail")],
                  ["the connection ended in the TLS handshake"])


def struck_by(sim, name, *words):
    """A run whose first request meets the fault, and none of those that ask beforehand."""
    with rules_of(sim, "accept_delay:1=1") as line:
        load(sim, *words, "--num-prompts", "1").expect(0)
        number = line.ask("GET")["committed"]["accept_delay"]
        line.ask("POST", path="/sim/reset")
        line.ask("POST", f"{name}=@{number}")
        return load(sim, *words).expect(0)


@test
def connections_that_are_taken_late():
    """accept_delay: nothing is read meanwhile; over TLS that is the handshake's time."""
    cert, key = self_made()
    wait_ns = 300_000_000
    with Sim("--fault", "accept_delay:300=1") as sim:
        done = load(sim).expect(0)
        equal("outcomes", outcomes(done), {"ok": 2})
        records = sorted(done.run.journal, key=lambda record: record["sent"])
        first, second = records
        true("the first answer waits", first["headers"] - first["dialled"] >= wait_ns)
        equal("the second one is on the same connection", second["dialled"], first["dialled"])
        truths = sim.truths()
        true("to the server the request comes that late",
             truths[first["response_id"]]["received_ns"] - first["dialled"] >= wait_ns)
        wire = Wire(sim, "no_done", patience_s=LIMIT_S)
        equal("the answer is whole", wire.end, "complete")
    with Sim("--tls-cert", cert, "--tls-key", key, "--fault", "accept_delay:300=/1") as sim:
        first = min(load(sim, "--cacert", cert).expect(0).run.journal, key=lambda r: r["sent"])
        true("the handshake waits", first["connected"] - first["dialled"] >= wait_ns)


@test
def connections_that_are_refused():
    """refuse: nobody listens, the port stays taken, and what is open goes on."""
    with Sim("--fault", "accept_reset=@2") as sim:
        place = sim.url.partition("://")[2].split(":")
        equal("the first one", get(f"{sim.url}/health")[0], 200)
        equal("the second one", Wire(sim, "no_done").end, "reset")
        with rules_of(sim, "refuse@0-3600") as line:
            try:
                connect(sim)
                raise AssertionError("it was taken")
            except ConnectionRefusedError:
                pass
            with socket.socket() as probe:
                try:
                    probe.bind((place[0], int(place[1])))
                    raise AssertionError("the port is free")
                except OSError:
                    pass
            equal("what is open goes on", line.ask("GET")["committed"],
                  {"accept_reset": 1, "refuse": 1})
        equal("open again", get(f"{sim.url}/health")[0], 200)


@test
def refused_in_the_middle_of_a_run():
    """Requests that find nobody listening are counted as refused; those before are not harmed."""
    # Each answer ends its connection, so that each request needs one of its own.
    words = ("--header", "X-Tacho-Fault: until_close", "--concurrency", "1", "--num-prompts",
             "300", "--input-tokens", "20", "--output-tokens", "8")
    with Sim() as sim, bench_in_background(*words, url=sim.url) as (process, run):
        wait_for("some requests", lambda: lines_of(run) >= 5)
        with rules_of(sim, "refuse@0-3600"):
            process.communicate(timeout=LIMIT_S)
        equal("exit code", process.returncode, 0)
        found = run.cells[0]["outcomes"]
        equal("what happened", set(found) - {"reset"}, {"ok", "refused"})
        true(f"{found}: those that waited for the door are reset", found.get("reset", 0) <= 1)
        equal("all of them", sum(found.values()), 300)


@test
def what_a_request_cannot_ask_for():
    """Before there is a request, none can ask: the header is answered with how it is done."""
    with Sim() as sim:
        for name in ("accept_delay:5", "accept_close", "accept_reset:9", "refuse"):
            status, text = get(f"{sim.url}/v1/completions", {"X-Tacho-Fault": name},
                               {"prompt": "a", "max_tokens": 1})
            equal(name, status, 400)
            error = json.loads(text)["error"]
            equal("the field", error["param"], "X-Tacho-Fault")
            true(error["message"], "--fault or POST /sim/faults" in error["message"])
        for rule in ("refuse=1", "refuse=0.5@1-2", "refuse=/3@1-2", "refuse@3", "accept_close:x=1"):
            equal(rule, get(f"{sim.url}/sim/faults", body={"faults": [rule]})[0], 400)
