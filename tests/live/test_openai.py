"""The official Python client against `tacho sim`: what it can read, other clients can."""

import json
import pathlib
import subprocess

import environments
import harness
from harness import Sim, equal, heavy_test, test, true
from test_faults import MATRIX, TOKENS

CALLS = ["models", "chat", "chat stream with usage", "chat stream without usage",
         "chat of several parts",
         "completion", "completion stream", "embeddings (float)",
         "embeddings (the default encoding)",
         "errors"]


@test
def the_official_client():
    """Every call of the official client goes as it should."""
    python = environments.ensure("venv-openai", ["openai"], limit_s=180)
    check = pathlib.Path(__file__).with_name("openai_check.py")
    with Sim("--api-key", "sk-test", "--served-model-name", "m1") as sim:
        done = subprocess.run([python, check, f"{sim.url}/v1", "m1"], env=harness.environment(),
                              capture_output=True, text=True, timeout=harness.LIMIT_S)
    equal(f"exit code: {done.stderr[-1500:]}", done.returncode, 0)
    equal("calls", done.stdout.splitlines(), CALLS)


# What the client raises; for whatever is not here it reads the whole answer. "Error": one or
# another, which differs between its versions.
CLIENT_ERRORS = {
    "http_400": "BadRequestError", "http_401": "AuthenticationError", "http_404": "NotFoundError",
    "http_413": "APIStatusError", "http_422": "UnprocessableEntityError",
    "http_429": "RateLimitError", "http_500": "InternalServerError",
    "http_502": "InternalServerError", "http_503": "InternalServerError",
    "deadline:1": "InternalServerError",
    "no_answer": "APITimeoutError", "rst_mid": "Error", "fin_mid": "Error", "half_close": "Error",
    "error_in_stream": "APIError", "malformed": "Error", "truncated_utf8": "Error", "nul": "Error"}
CLIENT_REASONS = {"abort_reason": "abort", "content_filter": "content_filter",
                  "tool_calls": "tool_calls"}
CLIENT_WORDS = {"empty_text": 0, "tool_calls": 0, "reasoning": TOKENS // 2}


@heavy_test
def faults_as_the_official_client_sees_them():
    """OpenAI's client raises what it should for each broken answer, reads each odd one whole."""
    python = environments.ensure("venv-openai", ["openai"], limit_s=180)
    check = pathlib.Path(__file__).with_name("openai_faults.py")
    # The client takes minutes over a line of 20 MiB.
    names = [name for name, _, _ in MATRIX if name != "huge_event:20480"]
    with Sim("--served-model-name", "m1") as sim:
        done = subprocess.run([python, check, f"{sim.url}/v1", "m1", *names],
                              env=harness.environment(), capture_output=True, text=True,
                              timeout=harness.LIMIT_S)
    said = {one["fault"]: one for one in map(json.loads, done.stdout.splitlines())}
    equal(f"faults: {done.stderr[-800:]}", list(said), names)
    for name, one in said.items():
        kind = name.partition(":")[0]
        wanted = CLIENT_ERRORS.get(name, CLIENT_ERRORS.get(kind, ""))
        if wanted == "Error":
            true(f"{name}: {one}", one["error"].endswith("Error"))
        else:
            equal(name, one["error"], wanted)
        if not wanted:
            equal(f"{name}: the reason", one["reason"], CLIENT_REASONS.get(kind, "length"))
            equal(f"{name}: words", len(one["text"].split()), CLIENT_WORDS.get(kind, TOKENS))
