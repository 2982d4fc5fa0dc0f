#!/usr/bin/env python3
"""Runs the golden cases: command lines with the exit code and the text that they must give.

    tests/golden/run.py [--update] [NAME...]

A case is a text file, NAME.case, read from top to bottom. A line that starts with "| " is text;
every other line is a directive:

    # ...              a comment; the first ones say what the case is there for
    file NAME          writes the text that follows to NAME
    run ARGUMENTS      runs tacho with them, split as a shell would; goes on after a final "\\"
    exit CODE          what the run exits with
    out                what it prints to standard output; nothing at all when left out
    err                what it prints to standard error; likewise
    made NAME          what a file then holds

In expected text {num} stands for a number, {any} for anything within a line, and a line that is
{lines} for any number of lines. Each case runs in an empty folder that is also its home.
--update writes what the binary now gives into the cases; lines with wildcards that still fit stay.
Prints PASS, FAIL or SKIP and the name; exits with 1 if any failed.
"""
import difflib
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent
TEXT = "| "
NUMBER = r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?"
PROGRESS_BAR = re.compile("[━─]{20}")
LIMIT_S = 60


class Block:
    """A directive and the text under it."""

    def __init__(self, word, argument=""):
        self.word, self.argument, self.text = word, argument, []

    def lines(self):
        head = f"{self.word} {self.argument}".rstrip()
        return head.split("\n") + [(TEXT + line).rstrip() if line else "|" for line in self.text]


def read_case(path):
    """The blocks of a case file; comments and empty lines are blocks without a meaning."""
    blocks, lines = [], path.read_text(encoding="utf-8").splitlines()
    while lines:
        line = lines.pop(0)
        if line.startswith("|"):
            if not blocks or blocks[-1].word not in ("file", "out", "err", "made"):
                raise ValueError(f"{path.name}: text under no file, out, err or made: {line}")
            blocks[-1].text.append(line[len(TEXT):])
            continue
        while line.endswith("\\") and lines:
            line += "\n" + lines.pop(0)
        word, _, argument = line.partition(" ")
        if word and word not in ("#", "file", "run", "exit", "out", "err", "made"):
            raise ValueError(f"{path.name}: '{word}' is no directive")
        blocks.append(Block(word, argument))
    return blocks


def pattern(lines):
    """Expected lines as one regular expression over the whole text."""
    parts = []
    for line in lines:
        if line.strip() == "{lines}":
            parts.append(r"(?:[^\n]*\n)*?")
            continue
        escaped = re.escape(line).replace(r"\{num\}", NUMBER).replace(r"\{any\}", r"[^\n]*?")
        parts.append(escaped + r"\n")
    return re.compile("".join(parts))


def as_lines(text):
    """The lines of a text; how far a step has come depends on the machine and is left out."""
    lines = (line.rstrip() for line in text.removesuffix("\n").split("\n"))
    return [line for line in lines if not PROGRESS_BAR.search(line)] if text else []


def fits(expected, actual):
    return pattern(expected).fullmatch("".join(line + "\n" for line in actual)) is not None


def merged(expected, actual):
    """What --update writes: the actual lines, in the words of the old ones where they fit."""
    if fits(expected, actual):
        return expected
    wild = [line for line in expected if re.search(r"\{(num|any)\}", line)]
    return [next((old for old in wild if fits([old], [line])), line) for line in actual]


def difference(what, expected, actual):
    wanted = [line if not any(fits([line], [a]) for a in actual) else
              next(a for a in actual if fits([line], [a])) for line in expected]
    shown = list(difflib.unified_diff(wanted, actual, "expected", "given", lineterm="", n=1))[2:]
    return f"{what} differs:\n" + "\n".join(f"    {line}" for line in shown)


class Case:
    """One case file being run."""

    def __init__(self, path, binary, updates):
        self.path, self.binary, self.updates = path, binary, updates
        self.blocks = read_case(path)
        self.failures = []

    def check(self, what, block, actual):
        expected = block.text if block else []
        if self.updates and block:
            block.text = merged(expected, actual)
        elif not fits(expected, actual):
            self.failures.append(difference(what, expected, actual))

    def run_command(self, block, rest, home):
        """Runs one command and checks the blocks that belong to it."""
        words = shlex.split(block.argument.replace("\\\n", " "))
        environment = {"PATH": os.environ.get("PATH", ""), "HOME": home, "LC_ALL": "C.UTF-8",
                       "XDG_CACHE_HOME": home + "/.cache"}
        done = subprocess.run([self.binary, *words], cwd=home, env=environment, timeout=LIMIT_S,
                              stdin=subprocess.DEVNULL, capture_output=True)
        found = {}
        for following in rest:
            if following.word == "run":
                break
            found.setdefault(following.word, following)
        title = f"'tacho {block.argument[:60].strip()}'"
        code = found.get("exit")
        if self.updates and code:
            code.argument = str(done.returncode)
        elif done.returncode != int(code.argument if code else 0):
            self.failures.append(f"{title} exited with {done.returncode}")
        for word, stream in (("out", done.stdout), ("err", done.stderr)):
            text = stream.decode("utf-8", "replace")
            self.check(f"{title}: {word}", found.get(word), as_lines(text))

    def run(self):
        with tempfile.TemporaryDirectory(prefix="tacho-golden-") as home:
            for at, block in enumerate(self.blocks):
                if block.word == "file":
                    path = pathlib.Path(home, block.argument)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text("".join(f"{line}\n" for line in block.text), encoding="utf-8")
                elif block.word == "run":
                    self.run_command(block, self.blocks[at + 1:], home)
                elif block.word == "made":
                    path = pathlib.Path(home, block.argument)
                    text = path.read_text(encoding="utf-8") if path.exists() else "(no such file)"
                    self.check(f"the file {block.argument}", block, as_lines(text))
        if self.updates:
            lines = [line for block in self.blocks for line in block.lines()]
            self.path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return self.failures


def main():
    names = [word for word in sys.argv[1:] if not word.startswith("-")]
    binary = os.path.abspath(os.environ.get("TACHO_BINARY", ROOT / "build/release/tacho"))
    if not os.access(binary, os.X_OK):
        print(f"FAIL golden: there is no binary at {binary}")
        return 1
    paths = sorted(FOLDER.glob("*.case"))
    unknown = set(names) - {path.stem for path in paths}
    if unknown:
        print(f"FAIL golden: no case named {', '.join(sorted(unknown))}")
        return 1
    failed = 0
    for path in paths:
        if names and path.stem not in names:
            continue
        try:
            failures = Case(path, binary, "--update" in sys.argv).run()
        except (ValueError, OSError, subprocess.TimeoutExpired) as error:
            failures = [str(error)]
        failed += bool(failures)
        verdict = "FAIL" if failures else "PASS"
        print(f"{verdict} {path.stem}{': ' if failures else ''}{'; '.join(failures)}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
