"""The ways to a server: TLS with client certificates, in both versions; UNIX sockets, IPv6, several
URLs, several source addresses; and what each way says when it does not lead there."""

import collections
import contextlib
import json
import re
import socket
import ssl
import subprocess

from certificates import combined, locked, self_made, server_context
from harness import (BINARY, Sim, Skip, bench, end, environment, equal, new_folder, start, test,
                     true)
from scripted import DONE, Scripted, event, stream, usage_event

ANSWER = stream(event("", role="assistant"), event("one"), event(" two", finish="stop"),
                usage_event(7, 2), DONE)
FEW = ("--concurrency", "2", "--num-prompts", "4", "--input-tokens", "16", "--output-tokens", "2")
TLS_12, TLS_13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


def good(done, requests=4):
    """All requests ended well."""
    done.expect(0)
    equal("outcomes", done.run.cells[0]["outcomes"], {"ok": requests})
    return done


@test
def a_client_certificate():
    """A server that asks for one: with it all is well, in TLS 1.2 and 1.3; without it, one line."""
    cert, key = self_made()
    mine, my_key = self_made("a client")
    other, other_key = self_made("another client")
    for version in (TLS_12, TLS_13):
        context = server_context(cert, key, clients=mine, newest=version, oldest=version)
        with Scripted(ANSWER, tls=context) as server:
            trusting = ("--cacert", cert, *FEW)
            good(bench("--cert", mine, "--key", my_key, *trusting, url=server.url))
            good(bench("--cert", combined(mine, my_key), *trusting, url=server.url))
            bench(*trusting, url=server.url).expect_one_line(4, "TLS failed.*--cert FILE")
            done = bench("--cert", other, "--key", other_key, *trusting, url=server.url)
            done.expect_one_line(4, "TLS failed.*does not accept the certificate in.*cert.pem")


@test
def a_key_with_a_password():
    """From the environment; without it or with a wrong one, a line says so, and nobody is asked."""
    cert, key = self_made()
    mine, my_key = self_made("a client", "ec")
    with Scripted(ANSWER, tls=server_context(cert, key, clients=mine)) as server:
        words = ("--cacert", cert, "--cert", mine, "--key", locked(my_key, "open sesame"), *FEW)
        env = environment(GOOD="open sesame", BAD="close sesame")
        good(bench("--key-pass-env", "GOOD", *words, url=server.url, env=env))
        done = bench("--key-pass-env", "BAD", *words, url=server.url, env=env)
        done.expect_one_line(2, "--key-pass-env does not open.*locked-key.pem")
        done = bench("--key-pass-env", "UNSET", *words, url=server.url, env=env)
        done.expect_one_line(2, "UNSET is not set")
        bench(*words, url=server.url).expect_one_line(2, "needs a password.*--key-pass-env")


@test
def a_client_certificate_that_is_none():
    """Files that cannot be read or do not belong together: exit code 2, and which file it is."""
    cert, key = self_made()
    _, ec_key = self_made("a client", "ec")
    _, other_key = self_made("another client")
    url = "https://127.0.0.1:1"
    for words, said in (
            (("--cert", "/nowhere.pem"), "certificate.*/nowhere.pem"),
            (("--cert", key), "certificate.*key.pem"),
            (("--cert", cert), "key.*cert.pem.*--key"),
            (("--cert", cert, "--key", "/nowhere.pem"), "key.*/nowhere.pem"),
            (("--cert", cert, "--key", cert), "key.*cert.pem"),
            (("--cert", cert, "--key", other_key), "not that of the certificate"),
            (("--cert", cert, "--key", ec_key), "not that of the certificate"),
            (("--key", key), "--cert"),
            (("--tls-min", "1.1"), "--tls-min is 1.2 or 1.3"),
            (("--tls-min", "1.3", "--tls-max", "1.2"), "--tls-min is above")):
        bench(*words, *FEW, url=url).expect_one_line(2, said)


@test
def versions_of_tls():
    """--tls-min and --tls-max choose; where the server speaks none of them, a line says so."""
    cert, key = self_made()
    for version, ours, others in ((TLS_12, "1.2", "1.3"), (TLS_13, "1.3", "1.2")):
        context = server_context(cert, key, newest=version, oldest=version)
        with Scripted(ANSWER, tls=context) as server:
            trusting = ("--cacert", cert, *FEW)
            good(bench(*trusting, url=server.url))
            good(bench("--tls-min", ours, "--tls-max", ours, *trusting, url=server.url))
            done = bench("--tls-min", others, "--tls-max", others, *trusting, url=server.url)
            done.expect_one_line(4, "TLS failed.*--tls-min")


@contextlib.contextmanager
def sim_at_socket(path):
    """`tacho sim` on a UNIX socket."""
    process = start([BINARY, "sim", "--gpu", "h200", "--model", "qwen2.5-0.5b", "--unix-socket",
                     path], stdout=subprocess.PIPE)
    try:
        true("it says where it serves", str(path) in process.stdout.readline().decode())
        yield
    finally:
        end(process)


@test
def a_unix_socket():
    """The same measurement without TCP; the times are then our reads', and the run says so."""
    path = new_folder("unix") / "engine.sock"
    with sim_at_socket(path):
        done = good(bench("--unix-socket", path, *FEW))
        equal("tokens", [r["usage_output"] for r in done.run.journal], [2] * 4)
        true("no stamp is the kernel's", all(r["stamps"] == "read" for r in done.run.journal))
        equal("the manifest says how", done.run.manifest["config"]["unix_socket"], str(path))
        good(bench("--unix-socket", path, *FEW, url="http://any.name.at.all/v1"))
    true("the file went with the server", not path.exists())
    bench("--unix-socket", path, *FEW).expect_one_line(4, f"cannot connect to {path}.*No such file")
    bench("--unix-socket", "x" * 200, *FEW).expect_one_line(2, "at most 107 bytes")
    bench("--unix-socket", path, "--url", "http://a,http://b", *FEW).expect_one_line(2, "one --url")


def ipv6_or_skip():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        raise Skip("this machine has no IPv6") from None


@test
def ipv6_literals():
    """http://[::1]:PORT from the command line to the Host header."""
    ipv6_or_skip()
    with Sim("--host", "::1") as sim:
        true("the engine says so", re.fullmatch(r"http://\[::1\]:\d+", sim.url))
        done = good(bench(*FEW, url=sim.url))
        equal("the manifest's URL", done.run.manifest["url"], sim.url)
        good(bench("--source-addresses", "::1", *FEW, url=sim.url))
        done = bench("--source-addresses", "127.0.0.1", *FEW, url=sim.url)
        done.expect_one_line(2, "one is IPv4, the other IPv6")
    bench(*FEW, url="http://::1:80").expect_one_line(2, "brackets")


def hosts_of(server):
    """The Host header of each POST."""
    return [re.search(rb"(?im)^host: *(\S+)", top)[1].decode() for top, _ in server.requests]


@test
def several_urls():
    """They take turns by the number of the request; each gets its own Host, path and bytes."""
    words = ("--concurrency", "3", "--num-prompts", "10", "--no-ready-check", "--input-tokens",
             "16", "--output-tokens", "2")
    with Scripted(ANSWER) as one, Scripted(ANSWER) as two:
        done = good(bench("--url", one.url, "--url", f"{two.url}/v1", *words), 10)
        for record in done.run.journal:
            equal("whose turn it was", record.get("target", 0), record["id"] % 2)
        for server in (one, two):
            equal("requests", len(server.requests), 5)
            equal("hosts", set(hosts_of(server)), {server.url.removeprefix("http://")})
        all_bodies = [json.dumps(body) for server in (one, two) for body in server.bodies]
        equal("no body came twice", len(set(all_bodies)), 10)
        equal("the manifest lists them", done.run.manifest["config"]["urls"], [one.url, two.url])
        done = good(bench("--url", f"{one.url},{two.url}", *words), 10)
        equal("by commas too", len(two.requests), 10)
        equal("one URL has no targets",
              {r.get("target") for r in good(bench(*words, url=one.url), 10).run.journal}, {None})


@test
def several_urls_of_which_one_is_wrong():
    """Found before any load, by name: one that is not there, one with another model."""
    with Scripted(ANSWER) as one, Scripted(ANSWER, models=("other",)) as two:
        done = bench("--url", one.url, "--url", two.url, *FEW)
        done.expect_one_line(2, f"{re.escape(two.url)} does not serve.*'tiny'.*other")
    done = bench("--url", "http://127.0.0.1:1", "--url", "http://127.0.0.1:2", *FEW)
    done.expect_one_line(4, "127.0.0.1:1")


@test
def several_source_addresses():
    """Connections come from them in turn."""
    came_from = collections.Counter()

    class Server(Scripted):
        def _serve(self, plain, number):
            came_from[plain.getpeername()[0]] += 1
            super()._serve(plain, number)

    words = ("--concurrency", "8", "--num-prompts", "8", "--no-ready-check", "--input-tokens", "16",
             "--output-tokens", "2", "--threads", "2")
    # Each answer waits, so that no connection is used twice.
    with Server([*ANSWER[:1], 0.2, *ANSWER[1:]]) as server:
        good(bench("--source-addresses", "127.0.0.8/29", *words, url=server.url), 8)
    asking = came_from.pop("127.0.0.9") - 2
    true(f"the rest took turns: {asking} and {came_from}", asking >= 1 and
         set(came_from) == {f"127.0.0.{i}" for i in range(10, 15)} and max(came_from.values()) <= 2)
    url = "http://127.0.0.1:1"
    bench("--source-addresses", "192.0.2.7", *FEW, url=url).expect_one_line(2, "192.0.2.7 is no")
    bench("--source-addresses", "lo", *FEW, url=url).expect_one_line(2, "not 'lo'")
