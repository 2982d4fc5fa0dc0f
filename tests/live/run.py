#!/usr/bin/env python3
"""Drives the real binary over real sockets.

    tests/live/run.py [NAME...]

A NAME is that of a test or of a file of tests (wire, outputs ...). Prints "PASS name",
"FAIL name: why" or "SKIP name: why" for each test and exits with 1 if any failed. TACHO_BINARY
names the binary, TACHO_FULL=1 turns on the heavy tests, TACHO_JOBS sets how many run at a time.
"""
import concurrent.futures
import importlib
import os
import pathlib
import sys
import traceback

import harness

FOLDER = pathlib.Path(__file__).resolve().parent


def run_one(function):
    """The verdict on one test, as the line that is printed."""
    name = function.__name__
    try:
        function()
    except harness.Skip as reason:
        return f"SKIP {name}: {reason}"
    except AssertionError as error:
        last = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in last if frame.filename.endswith(f"{function.__module__}.py")]
        return f"FAIL {name}: {error} ({function.__module__}.py:{own[-1].lineno})"
    except Exception:
        return f"FAIL {name}: {traceback.format_exc()}"
    return f"PASS {name}"


def chosen(names):
    """The tests to be run: all, or those of the names; None when a name is none."""
    for path in sorted(FOLDER.glob("test_*.py")):
        importlib.import_module(path.stem)
    tests = harness.TESTS + harness.HEAVY
    if not names and harness.IS_FULL:
        return tests
    if not names:
        print(f"SKIP heavy: {len(harness.HEAVY)} heavy tests; TACHO_FULL=1 runs them")
        return harness.TESTS
    known = {name for test in tests for name in (test.__name__, test.__module__[5:])}
    unknown = sorted(set(names) - known)
    if unknown:
        print(f"FAIL live: no test named {', '.join(unknown)}")
        return None
    return [test for test in tests if test.__name__ in names or test.__module__[5:] in names]


def main():
    harness.end_on_signals()
    if not os.access(harness.BINARY, os.X_OK):
        print(f"FAIL live: there is no binary at {harness.BINARY}")
        return 1
    tests = chosen(sys.argv[1:])
    if tests is None:
        return 1
    failed = 0
    jobs = int(os.environ.get("TACHO_JOBS", "3"))
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for verdict in pool.map(run_one, tests):
            failed += verdict.startswith("FAIL")
            print(verdict, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
