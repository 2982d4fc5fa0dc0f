#!/usr/bin/env python3
"""The style guide as a test: what a reviewer would otherwise have to say again and again.

  tidy.py                 checks the tree; lines "PASS rule", "FAIL rule: why", "SKIP rule: why"
  tidy.py --self-test     proves that each rule can fail
  tidy.py --graph         prints the include graph between the floors
  tidy.py --write-graph   puts it into ARCHITECTURE.md
"""

import json
import os
import re
import subprocess
import sys

import floors
import rules
import selftest
from tree import read_tree

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def metric_names(value):
    """The keys in what `tacho metrics --json` prints: a list of objects."""
    return [item["key"] for item in value]


def check_metrics(tree):
    """Every metric of the binary is documented. Returns (problems, why it was skipped)."""
    binary = os.environ.get("TACHO_BINARY", os.path.join(ROOT, "build/release/tacho"))
    command = [binary, "metrics", "--json"]
    try:
        listing = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=True
        )
        names = metric_names(json.loads(listing.stdout))
    except OSError:
        return [], "there is no binary to ask"
    except subprocess.CalledProcessError:
        return [], "the binary does not offer 'metrics --json'"
    except (ValueError, KeyError, TypeError, subprocess.TimeoutExpired) as error:
        return [f"metrics: 'metrics --json' gave no list of keys: {error!r}"], None
    page = tree.files.get("docs/metrics.md", "")
    missing = [name for name in names if not re.search(rf"`{re.escape(name)}`", page)]
    return [f"docs/metrics.md:1: does not explain `{name}`" for name in missing], None


def report(name, problems):
    """Prints one rule's verdict, every place first. True when there is no problem."""
    if not problems:
        print(f"PASS {name}")
        return True
    for problem in problems:
        print(f"  {problem}")
    places = "1 place" if len(problems) == 1 else f"{len(problems)} places"
    print(f"FAIL {name}: {places}, the first is {problems[0]}")
    return False


def check(tree):
    """Every rule on the real tree."""
    verdicts = [report(name, list(rule(tree))) for name, rule in rules.RULES.items()]
    problems, skipped = check_metrics(tree)
    if skipped:
        print(f"SKIP metrics: {skipped}")
    else:
        verdicts.append(report("metrics", problems))
    return all(verdicts)


def main(arguments):
    sys.stdout.reconfigure(encoding="utf-8")
    if arguments == ["--self-test"]:
        return 0 if selftest.run() else 1
    tree = read_tree(ROOT)
    if arguments == ["--graph"]:
        print(floors.picture(tree), end="")
        return 0
    if arguments == ["--write-graph"]:
        text = floors.with_picture(tree)
        with open(os.path.join(ROOT, floors.PAGE), "w", encoding="utf-8") as file:
            file.write(text)
        return 0
    if arguments:
        print(__doc__, end="")
        return 2
    return 0 if check(tree) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
