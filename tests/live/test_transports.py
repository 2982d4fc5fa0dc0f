"""The ways to a server: TLS with client certificates, in both versions; and what each way says
when it does not lead there."""

import ssl

from certificates import combined, locked, self_made, server_context
from harness import bench, environment, equal, test
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
