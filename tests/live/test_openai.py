"""The official Python client against `tacho sim`: what it can read, other clients can."""

import pathlib
import subprocess

import environments
import harness
from harness import Sim, equal, test

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
