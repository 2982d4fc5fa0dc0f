"""What `tacho sim` refuses, and how: the status and the error object of each refusal, by curl."""

import json
import shutil
import subprocess

import harness
from harness import Sim, bench, equal, get, test, true, wait_for
from test_faults import Wire


def curl(url, *arguments, data=None):
    """Status, headers and body as curl sees them, and its exit code."""
    words = ["curl", "-s", "-i", "--max-time", "60", *arguments, url]
    done = subprocess.run(words, capture_output=True, input=data, env=harness.environment())
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    while head.startswith(b"HTTP/1.1 100"):
        head, _, body = body.partition(b"\r\n\r\n")
    return done.returncode, head.decode().lower(), body


@test
def refusals_as_curl_sees_them():
    """Each refusal has its status and an error object of OpenAI's shape."""
    if not shutil.which("curl"):
        raise harness.Skip("there is no curl")
    with Sim("--max-model-len", "64", "--max-body-mb", "1", "--api-key", "k") as sim:
        chat, plain = "/v1/chat/completions", "/v1/completions"
        user = [{"role": "user", "content": "hi"}]
        cases = [
            (404, "/v1/nothing", {}), (404, chat, {"model": "other", "messages": user}),
            (400, chat, b"{"), (400, chat, b"[]"), (400, chat, {}), (400, chat, {"messages": []}),
            (400, chat, {"messages": [{"role": "robot", "content": "hi"}]}),
            (400, chat, {"messages": [{"content": "hi"}]}),
            (400, chat, {"messages": [{"role": "user"}]}),
            (400, chat, {"messages": user, "max_tokens": 0}),
            (400, chat, {"messages": user, "max_tokens": "many"}),
            (400, chat, {"messages": user, "max_tokens": 65}),
            (400, plain, {"prompt": "word " * 80}), (400, plain, {"max_tokens": 1}),
            (400, plain, {"prompt": "a", "temperature": -1}),
            (400, plain, {"prompt": "a", "stream": "yes"}),
            (400, "/v1/embeddings", {}), (400, "/tokenize", {}), (400, "/detokenize", {}),
            (400, "/detokenize", {"tokens": [16000]}),
            (413, plain, {"prompt": "x" * 2_000_000})]
        for status_wanted, path, body in cases:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            _, head, answer = curl(sim.url + path, "-H", "Authorization: Bearer k", "-d", "@-",
                                   data=data)
            check_refusal(f"{path} {data[:60]!r}", head, answer, status_wanted)
        code, head, answer = curl(sim.url + chat, "-X", "DELETE", "-H", "Authorization: Bearer k")
        check_refusal("DELETE", head, answer, 405)
        true("which method", "allow: post" in head)
        code, head, answer = curl(sim.url + "/v1/models")
        check_refusal("no key", head, answer, 401)
        equal("curl's exit code of a reset",
              curl(sim.url + plain, "-H", "Authorization: Bearer k", "-H",
                   "X-Tacho-Fault: rst_mid", "-d",
                   '{"prompt":"a","max_tokens":9,"stream":true,"ignore_eos":true}')[0], 56)
        equal("of a close",
              curl(sim.url + plain, "-H", "Authorization: Bearer k", "-H",
                   "X-Tacho-Fault: fin_mid", "-d",
                   '{"prompt":"a","max_tokens":9,"stream":true,"ignore_eos":true}')[0], 18)


def check_refusal(what, head, answer, status_wanted):
    equal(what, int(head.split()[1]), status_wanted)
    error = json.loads(answer)["error"]
    true(f"{what}: {error}", error["message"] and error["type"].endswith("Error"))
    equal(what, (error["code"], "param" in error), (status_wanted, True))


@test
def a_server_that_is_full_or_not_ready():
    """Too many connections, too long a queue, not started yet: each is refused in its own way."""
    with Sim("--max-connections", "2") as sim:
        held = [Wire(sim, "no_done") for _ in range(2)]
        third = Wire(sim, "no_done")
        equal("the third connection", (third.raw, third.end), (b"", "reset"))
        held[0].connection.close()
        wait_for("a place", lambda: Wire(sim, "no_done").end == "complete")
    with Sim("--max-queue", "1", "--max-num-seqs", "1") as sim:
        done = bench("--no-ready-check", "--concurrency", "6", "--num-prompts", "24",
                     "--input-tokens", "8", "--output-tokens", "30", url=sim.url).expect(0)
        equal("outcomes", set(done.run.cells[0]["outcomes"]), {"ok", "http_status 429"})
    with Sim("--startup-time", "1h") as sim:
        equal("health", get(f"{sim.url}/health")[0], 503)
        code, text = get(f"{sim.url}/v1/models")
        equal("models", (code, json.loads(text)["error"]["code"]), (503, 503))
        equal("metrics", get(f"{sim.url}/metrics")[0], 200)
