"""HTTP/2 against a server that is not ours: nghttpx in front of the built-in engine, without TLS
and with it; and against hand-written frames for what no decent server does."""

import contextlib
import shutil
import socket
import struct
import subprocess
import threading

from certificates import self_made
from harness import Sim, Skip, bench, end, equal, free_port, start, test, true, wait_for

SHAPE = ("--input-tokens", "16", "--output-tokens", "8")
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY = 0, 1, 3, 4, 7
END_STREAM = 1
OK = b"\x88"  # :status 200, from the static table of HPACK.


@contextlib.contextmanager
def proxied(sim, *words, tls=None):
    """nghttpx, which speaks HTTP/2 to us and HTTP/1.1 to the engine: its URL."""
    if not shutil.which("nghttpx"):
        raise Skip("there is no nghttpx (Debian: nghttp2-proxy)")
    port, (host, engine) = free_port(), sim.url.removeprefix("http://").split(":")
    front = f"--frontend=127.0.0.1,{port}" + ("" if tls else ";no-tls")
    files = [str(tls[1]), str(tls[0])] if tls else []
    process = start(["nghttpx", "--conf=/dev/null", "--no-ocsp", front,
                     f"--backend={host},{engine}", "--workers=1", *words, *files],
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def listens():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0
    try:
        wait_for("nghttpx", listens)
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    finally:
        end(process)


def check_run(done, requests, connections=None):
    """All well, every chunk stamped by the kernel."""
    done.expect(0)
    equal("outcomes", done.run.cells[0]["outcomes"], {"ok": requests})
    for record in done.run.journal:
        equal("tokens", record["usage_output"], 8)
        equal("stamps", record.get("stamps", "socket"), "socket")
        true("causality", record["sent"] <= record["headers"] <= record["done"])
        true("a chunk each", len(record["chunk_gaps"]) == 8)
    if connections:
        equal("connections", done.run.manifest["instrument"]["0"]["connections"], connections)


@test
def http2_without_tls():
    """By prior knowledge: all streams on one connection."""
    with Sim() as sim, proxied(sim) as url:
        done = bench("--http", "2", "--concurrency", "20", "--num-prompts", "60", "--threads", "1",
                     *SHAPE, url=url)
        check_run(done, 60, connections=1)
        equal("the manifest says so", done.run.manifest["config"]["http"], "2")


@test
def http2_over_tls():
    """Where the server picks it; --http 1.1, the default, is as before."""
    cert, key = self_made()
    with Sim() as sim, proxied(sim, tls=(cert, key)) as url:
        words = ("--cacert", cert, "--concurrency", "8", "--num-prompts", "24", "--threads", "1",
                 *SHAPE)
        for version in ("auto", "2"):
            check_run(bench("--http", version, *words, url=url), 24, connections=1)
        done = bench(*words, url=url)
        check_run(done, 24)
        true("no HTTP/2", "http" not in done.run.manifest["config"])
    with Sim() as sim, proxied(sim, "--npn-list=http/1.1", tls=(cert, key)) as url:
        done = bench("--http", "auto", *words, url=url)
        check_run(done, 24)
        true("no HTTP/2", "http" not in done.run.manifest["config"])
        bench("--http", "2", *words, url=url).expect_one_line(
            4, "does not offer HTTP/2.*--http 1.1")


@test
def http2_over_several_connections():
    """A server that takes four requests at a time on a connection gets more connections."""
    with Sim() as sim, proxied(sim, "--frontend-http2-max-concurrent-streams=4") as url:
        done = bench("--http", "2", "--concurrency", "10", "--num-prompts", "40", "--threads", "1",
                     *SHAPE, url=url)
        check_run(done, 40)
        count = done.run.manifest["instrument"]["0"]["connections"]
        true(f"{count} connections for 10 streams", 3 <= count <= 4)


@test
def http2_to_a_server_without_it():
    """One line says what to do."""
    with Sim() as sim:
        bench("--http", "2", *SHAPE, url=sim.url).expect_one_line(4, "HTTP/1.1 only.*--http 1.1")
        bench("--http", "3", *SHAPE, url=sim.url).expect_one_line(2, "1.1, 2 or auto, not '3'")


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(
        ">I", stream) + payload


class Frames:
    """Accepts, sends SETTINGS, and answers each POST with the frames that `answer` gives for its
    stream; None ends the connection."""

    def __init__(self, answer):
        self._answer = answer
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, connection.makefile("rb") as reader:
            try:
                connection.sendall(frame(SETTINGS, 0, 0))
                equal("preface", reader.read(len(PREFACE)), PREFACE)
                while head := reader.read(9):
                    size, kind = int.from_bytes(head[:3], "big"), head[3]
                    stream = int.from_bytes(head[5:], "big")
                    reader.read(size)
                    if kind == HEADERS and head[4] & END_STREAM:  # A GET: 404.
                        connection.sendall(frame(HEADERS, 5, stream, b"\x8d"))
                    elif kind == HEADERS:
                        reply = self._answer(stream)
                        if reply is None:
                            return
                        connection.sendall(reply)
            except OSError:
                pass  # The client went away.


@test
def http2_endings():
    """Resets, refusals, farewells, broken frames, a lost connection: an outcome each, no hang."""
    cases = (
        (lambda s: frame(RST_STREAM, 0, s, struct.pack(">I", 2)), "reset", "INTERNAL_ERROR"),
        (lambda s: frame(RST_STREAM, 0, s, struct.pack(">I", 7)), "reset", "refused the stream"),
        (lambda s: frame(GOAWAY, 0, 0, struct.pack(">II", 0, 0)), "reset", "refused the stream"),
        (lambda s: frame(HEADERS, 4, s, OK) + frame(RST_STREAM, 0, s, struct.pack(">I", 8)),
         "reset", "CANCEL"),
        (lambda s: frame(DATA, 1, s, b"no head"), "malformed", ""),
        (lambda s: frame(HEADERS, 4, s, b"\xff\xff\xff\xff\xff\xff"), "malformed", ""),
        (lambda s: b"HTTP/1.1 400 Bad Request\r\n\r\n" * 3, "malformed", ""),
        (lambda s: None, "reset", "onnection"))  # Closed, or reset where bytes were unread.
    for answer, outcome, detail in cases:
        with Frames(answer) as server:
            done = bench("--http", "2", "--model", "M", "--no-ready-check", "--concurrency", "2",
                         "--num-prompts", "6", *SHAPE, url=server.url).expect(1)
        equal("records", len(done.run.journal), 6)
        for record in done.run.journal:
            equal("outcome", (record["outcome"], detail in record["detail"]), (outcome, True))
