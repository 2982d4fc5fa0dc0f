"""Virtual environments of real programs, made once and kept in the user's cache."""

import fcntl
import os
import subprocess
import sys

import harness

LOG_LINES = 3


def ensure(name, packages, limit_s, python=sys.executable):
    """The Python of a virtual environment that holds the packages; Skip when it cannot be made."""
    folder = harness.CACHE / name
    ready = folder / "tacho-ready"
    wanted = "\n".join(packages) + "\n"
    harness.CACHE.mkdir(parents=True, exist_ok=True)
    with open(harness.CACHE / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # Two test runs at a time make it once.
        if not (ready.exists() and ready.read_text() == wanted):
            install(folder, packages, limit_s, python)
            ready.write_text(wanted)
    return folder / "bin" / "python"


def install(folder, packages, limit_s, python):
    commands = [[python, "-m", "venv", "--clear", folder],
                [folder / "bin/python", "-m", "pip", "install", "--quiet",
                 "--disable-pip-version-check",
                 "--no-input", *packages]]
    for command in commands:
        words = [str(word) for word in command]
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=limit_s,
                                  stdin=subprocess.DEVNULL, env=dict(os.environ))
        except subprocess.TimeoutExpired:
            raise harness.Skip(f"'{' '.join(words)}' took more than {limit_s} s") from None
        if done.returncode != 0:
            last = " / ".join((done.stderr or done.stdout).strip().splitlines()[-LOG_LINES:])
            raise harness.Skip(f"'{' '.join(words)}' failed: {last}")
