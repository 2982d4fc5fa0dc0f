"""Bad input and a world that is not as it should be: one line says what; exit code 2 or 4."""

import json
import re
import shutil
import socket
import ssl
import subprocess

from harness import (Sim, Skip, bench, environment, equal, free_port, new_folder, test, true)
from scripted import CLOSE, DONE, Scripted, event, stream, usage_event, whole
import harness

ANSWER = stream(event("", role="assistant"), event("one"), event(" two", finish="stop"),
                usage_event(7, 2), DONE)
FEW = ("--concurrency", "2", "--num-prompts", "4", "--input-tokens", "16", "--output-tokens", "2")


@test
def a_server_that_is_not_there():
    """Nothing listens, or the name is not known: exit code 4."""
    port = free_port()
    bench(*FEW, url=f"http://127.0.0.1:{port}").expect_one_line(4,
                                                                f"cannot connect.*{port}.*refused")
    bench(*FEW, url="http://no.such.host.invalid:80").expect_one_line(4, "no.such.host.invalid")
    done = bench(*FEW, url=f"https://127.0.0.1:{port}")
    done.expect_one_line(4, f"cannot connect.*{port}.*refused")
    true("nothing was left behind", not done.run.path.exists())


@test
def a_wrong_path():
    """A path that the server does not have is what was typed: exit code 2."""
    with Sim() as sim:
        done = bench("--endpoint", "/v1/nothing", *FEW, url=sim.url)
        done.expect_one_line(2, "/v1/nothing.*404.*--url")
        bench("--model", "M", *FEW, url=f"{sim.url}/wrong").expect_one_line(2,
                                                                            "/wrong/v1/chat.*404")
        bench(*FEW, url=f"{sim.url}/wrong").expect_one_line(2, "--model")
        bench(*FEW, url=f"{sim.url}/v1").expect(0)
        bench(*FEW, url=f"{sim.url}/v1/completions").expect(0)


@test
def a_wrong_model():
    """The server's own list is shown."""
    with Sim("--served-model-name", "the-right-one") as sim:
        bench("--model", "wrong", *FEW, url=sim.url).expect_one_line(2, "'wrong'.*the-right-one")
        bench("--served-model-name", "the-right-one", "--model", "/a/path", *FEW,
              url=sim.url).expect(0)
    with Scripted(ANSWER, models=("a/b", "c d")) as server:
        bench(*FEW, url=server.url).expect_one_line(2, "several models.*a/b, c d")
        bench("--model", "a/b", *FEW, url=server.url).expect(0)


@test
def lists_of_models_that_are_none():
    """A server without a list, or with a strange one, can still be measured with --model."""
    for answer in (whole("404 Not Found", "{}"), whole("200 OK", "[]"), whole("200 OK", "hello"),
                   whole("200 OK", '{"data": [5, {"id": null}, {}]}'),
                   whole("200 OK", '{"data": {}}'),
                   whole("500 Internal Server Error", "")):
        with Scripted(ANSWER, models_answer=answer) as server:
            bench("--model", "M", *FEW, url=server.url).expect(0)
            bench(*FEW, url=server.url).expect_one_line(2, "--model")
    with Scripted(ANSWER, models_answer=[b"rubbish\r\n\r\n", CLOSE]) as server:
        bench(*FEW, url=server.url).expect_one_line(4, "127.0.0.1")


@test
def a_missing_key():
    """401 without the key: exit code 4 and how to give it; with it, all is well."""
    with Sim("--api-key", "sk-secret") as sim:
        bench(*FEW, url=sim.url).expect_one_line(4, "401.*--api-key-env")
        key = environment(MY_KEY="sk-secret", BAD_KEY="sk-wrong", EMPTY="")
        bench("--api-key-env", "MY_KEY", *FEW, url=sim.url, env=key).expect(0)
        bench("--header", "Authorization: Bearer sk-secret", *FEW, url=sim.url).expect(0)
        done = bench("--api-key-env", "BAD_KEY", *FEW, url=sim.url, env=key).expect_one_line(4,
                                                                                             "401")
        true("the key is not shown", "sk-wrong" not in done.err)
        done = bench("--api-key-env", "EMPTY", *FEW, url=sim.url, env=key)
        done.expect_one_line(2, "EMPTY is not set")
        bench("--header", "A: b\r\nX: y", *FEW, url=sim.url).expect(2, "--header")


@test
def a_trial_that_fails():
    """The trial is refused: what was typed is 2, a server in trouble is 4, with its words."""
    for status, code in (("400 Bad Request", 2), ("422 Unprocessable", 2),
                         ("307 Temporary Redirect", 2),
                         ("403 Forbidden", 4), ("429 Too Many Requests", 4), ("500 Internal", 4)):
        with Scripted(whole(status, '{"error": {"message": "words of the server"}}')) as server:
            bench(*FEW, url=server.url).expect_one_line(code, f"{status[:3]}.*words of the server")
    with Scripted([CLOSE]) as server:
        bench(*FEW, url=server.url).expect_one_line(4, "gave no answer.*closed")


@test
def a_server_that_goes_away():
    """The server dies in the middle: what failed is counted, nothing hangs, the exit code is 0."""
    def answer(count, _connection, _on_connection):
        if count >= 20:
            server._listener.close()
            return [CLOSE]
        return ANSWER
    with Scripted(answer) as server:
        done = bench("--concurrency", "2", "--num-prompts", "60", "--no-ready-check",
                     "--output-tokens",
                     "2", url=server.url).expect(0)
    cell = done.run.cells[0]
    equal("all are accounted for", cell["completed"] + cell["failed"], 60)
    true(f"the kinds are {cell['outcomes']}", {"ok", "refused"} <= set(cell["outcomes"]) <=
         {"ok", "refused", "reset"})


def certificate(subject="DNS:localhost,IP:127.0.0.1"):
    """A self-made certificate and its key, as files."""
    if not shutil.which("openssl"):
        raise Skip("there is no openssl program to make a certificate with")
    folder = new_folder("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj",
                    "/CN=tacho test", "-addext", f"subjectAltName={subject}", "-keyout",
                    folder / "key.pem",
                    "-out", folder / "cert.pem"], check=True, capture_output=True,
                   stdin=subprocess.DEVNULL)
    return folder / "cert.pem", folder / "key.pem"


def tls_context(cert, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


@test
def https_with_a_self_made_certificate():
    """Untrusted is refused with the way out; --cacert and --insecure are ways out."""
    cert, key = certificate()
    with Scripted(ANSWER, tls=tls_context(cert, key)) as server:
        bench(*FEW, url=server.url).expect_one_line(4, "TLS failed.*--cacert.*--insecure")
        for trusted in (("--cacert", cert), ("--insecure",)):
            done = bench(*trusted, *FEW, url=server.url).expect(0)
            equal("outcomes", done.run.cells[0]["outcomes"], {"ok": 4})
            equal("tokens", [r["usage_output"] for r in done.run.journal], [2] * 4)
        bench("--cacert", cert, *FEW, url=server.url.replace("127.0.0.1", "localhost")).expect(0)
        bench("--cacert", "/nowhere.pem", *FEW, url=server.url).expect_one_line(2, "/nowhere.pem")
        bench("--cacert", key, *FEW, url=server.url).expect_one_line(2, re.escape(str(key)))


@test
def https_with_the_wrong_name():
    """A trusted certificate of another host is not this host's."""
    cert, key = certificate("DNS:other.example")
    with Scripted(ANSWER, tls=tls_context(cert, key)) as server:
        bench("--cacert", cert, *FEW, url=server.url).expect_one_line(4,
                                                                      "TLS failed.*(mismatch|IP)")
        bench("--insecure", *FEW, url=server.url).expect(0)


@test
def the_wrong_scheme():
    """https to a plain server and http to a TLS server: each says which one to use."""
    with Scripted(ANSWER) as server:
        plain = server.url.replace("http:", "https:")
        bench(*FEW, url=plain).expect_one_line(4, "plain HTTP.*http://")
    with Sim() as sim:
        bench(*FEW, url=sim.url.replace("http:", "https:")).expect_one_line(4,
                                                                            "plain HTTP.*http://")
    cert, key = certificate()
    with Scripted(ANSWER, tls=tls_context(cert, key)) as server:
        bench(*FEW, url=server.url.replace("https:", "http:")).expect_one_line(4, "https://")


@test
def http_to_the_tls_server_of_openssl():
    """The same against OpenSSL's own server, which answers plain HTTP with an alert."""
    cert, key = certificate()
    port = free_port()
    server = harness.start(["openssl", "s_server", "-www", "-accept", f"127.0.0.1:{port}", "-cert",
                            cert,
                            "-key", key], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        harness.wait_for("the port", lambda: listens(port))
        bench(*FEW, url=f"http://127.0.0.1:{port}").expect_one_line(4, "TLS.*https://")
        bench(*FEW, url=f"https://127.0.0.1:{port}").expect_one_line(4, "--cacert")
    finally:
        harness.end(server)


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@test
def output_that_cannot_be_written():
    """A folder that cannot be made, a CSV that cannot be written: exit code 4 and its name."""
    with Sim() as sim:
        for words in (("--out", "/proc/nothing/run"), ("--out", "/dev/null/run")):
            done = harness.tacho("bench", "--url", sim.url, "--quiet", *FEW, *words)
            done.expect_one_line(4, words[1])
        done = bench("--benchmark-csv", "/proc/x.csv", *FEW, url=sim.url).expect(4, "/proc/x.csv")
        true("the run is there all the same", done.run.manifest["status"] == "finished")
        harness.tacho("sim", "--port", sim.url.rsplit(":", 1)[1]).expect_one_line(4, "in use")


@test
def one_line_for_names_that_are_no_files():
    """--tokenizer with a name reaches for no network: one note says what counts instead."""
    with Sim() as sim:
        done = harness.tacho("bench", "--url", sim.url, "--tokenizer", "gpt2", *FEW, "--out",
                             new_folder("note") / "run").expect(0)
        equal("notes", len(re.findall("^note: .*gpt2.*tokenizer.json", done.err, re.M)), 1)
        true("and the table has it", "note: tokenizer 'gpt2'" in done.out)
        folder = new_folder("tokenizer")
        (folder / "tokenizer.json").write_text("{}")
        bench("--tokenizer", folder, *FEW, url=sim.url).expect_one_line(2, "tokenizer")
        done = bench("--tokenizer", folder / "tokenizer.json", *FEW, url=sim.url)
        done.expect_one_line(2, "tokenizer")


@test
def a_broken_run_directory():
    """`tacho report` of what is no run, or of one whose files were damaged."""
    folder = new_folder("broken")
    harness.tacho("report", folder).expect_one_line(2, re.escape(str(folder)))
    with Sim() as sim:
        done = bench(*FEW, url=sim.url).expect(0)
    path = done.run.path
    manifest = done.run.text("run.json")
    journal = path / "requests.jsonl"
    text = journal.read_text()
    journal.write_text(text + '{"id": 99, "cell": 0, "outc')
    harness.tacho("report", path).expect(0, out="cut off by a kill")
    journal.write_text(text.replace('"outcome":"ok"', '"outcome":"strange"',
                                    1) + "not json\n[]\n{}\n")
    harness.tacho("report", path).expect(0)
    journal.unlink()
    true("a verdict without a journal", harness.tacho("report", path).code in (0, 2))
    journal.write_text(text)
    for broken in ("", "{", "[]", "{}", '{"schema": 99}', manifest[:200],
                   manifest.replace('"cells"', '"x"'),
                   manifest.replace('"id": 0', '"id": 7')):
        (path / "run.json").write_text(broken)
        harness.tacho("report", path).expect_one_line(2, "run.json")
    for key, value in (("requests", "many"), ("concurrency", -1), ("label", 5),
                       ("length_label", []),
                       ("input_tokens", "x"), ("ignore_eos", 3), ("request_rate", "fast")):
        changed = json.loads(manifest)
        changed["cells"][0][key] = value
        (path / "run.json").write_text(json.dumps(changed))
        true(f"a strange {key} is no crash", harness.tacho("report", path).code in (0, 2))
    for key in json.loads(manifest):
        changed = json.loads(manifest)
        changed[key] = "nonsense"
        (path / "run.json").write_text(json.dumps(changed))
        done = harness.tacho("report", path)
        true(f"nonsense for {key} is no crash: {done}", done.code in (0, 2))


@test
def a_tokenizer_that_has_gone():
    """A report counts with the run's own tokenizer from any folder, and says when it cannot."""
    folder = new_folder("tokenizer")
    shutil.copy(harness.ROOT / "data/tokenizer.json", folder / "tokenizer.json")
    with Sim("--usage", "none") as sim:
        done = bench("--tokenizer", "tokenizer.json", *FEW, url=sim.url, cwd=folder).expect(0)
    rows = done.run.rows("requests.csv")
    harness.tacho("report", done.run.path).expect(0)
    equal("counts, from another folder", done.run.rows("requests.csv"), rows)
    (folder / "tokenizer.json").unlink()
    for _ in range(2):
        table = harness.tacho("report", done.run.path).expect(0).out
        equal("it is said once", table.count("tokenizer.json' is not on this disk"), 1)
