"""Proof that every rule can fail: a tiny bad sample and a good one for each. A rule that cannot
fail is worse than no rule, because people rely on it."""

import floors
import rules
from tree import Tree

FLOORS = """
| folder | what lives there | may include |
| --- | --- | --- |
| `src/cli/` | commands | all |
| `src/load/` | workers | net record |
| `src/net/` | sockets | |
| `src/record/` | records | |
| `src/stats/` | figures | |
| `src/base/` | ground | std, fmt |

<!-- floors -->
<!-- /floors -->
"""


def long_function(lines):
    return "int f() {\n" + "  g();\n" * (lines - 2) + "}\n"


def header(text):
    return {"src/net/a.h": "// Why.\n#pragma once\nnamespace tacho {\n" + text + "}\n"}


def with_picture(files):
    """The files with the right picture in their ARCHITECTURE.md."""
    tree = Tree(files)
    return {**files, floors.PAGE: floors.with_picture(tree)}


LAYERED = {floors.PAGE: FLOORS, "src/load/a.cpp": '#include "net/b.h"\n#include "base/c.h"\n'}
AN_INCLUDE = '#include "net/a.h"\n'

# rule -> (trees that it must refuse, trees that it must accept)
SAMPLES = {
    "floors": (
        [
            {},
            {floors.PAGE: FLOORS, "src/net/a.cpp": '#include "load/b.h"\n'},
            {floors.PAGE: FLOORS, "src/base/a.cpp": '#include "stats/b.h"\n'},
            {floors.PAGE: FLOORS, "src/stats/a.cpp": '#include "net/b.h"\n'},
            {floors.PAGE: FLOORS, "src/attic/a.cpp": "\n"},
        ],
        [
            LAYERED,
            {floors.PAGE: FLOORS, "src/cli/a.cpp": '#include "load/b.h"\n'},
            {floors.PAGE: FLOORS, "src/net/a.cpp": '// #include "load/b.h"\n#include "net/c.h"\n'},
        ],
    ),
    "picture": ([{}, LAYERED], [with_picture(LAYERED)]),
    "columns": (
        [{"src/a.cpp": "x" * 101}, {"run": "#" * 101}],
        [{"src/a.cpp": "é" * 100}, {"a.py": "# https://" + "x" * 100}, {"data/a.txt": "x" * 300}],
    ),
    "file size": ([{"src/a.cpp": "\n" * 501}], [{"src/a.cpp": "\n" * 500}, {"a.md": "\n" * 900}]),
    "function size": (
        [
            {"src/a.cpp": long_function(71)},
            {"src/a.cpp": "class A {\n public:\n" + long_function(71) + "};\n"},
            {"src/a.cpp": "A::A() : a_{1}, b_(2) " + long_function(72).removeprefix("int f() ")},
            {"src/a.cpp": 'TEST_CASE("{") ' + long_function(72).removeprefix("int f() ")},
            {"a.py": "def f():\n" + "    g()\n" * 70},
        ],
        [
            {"src/a.cpp": long_function(70)},
            {"src/a.cpp": "EMBED(page)\n\nnamespace {\n" + long_function(60) + "\n" * 20 + "}\n"},
            {"src/a.cpp": "namespace a {\n" + long_function(60) + long_function(60) + "}\n"},
            {"src/a.cpp": "const int table[] = {\n" + "  1,\n" * 90 + "};\n"},
            {"src/a.cpp": 'void f() { g(R"({)", \'{\', 1\'000); }\n' + "int a;\n" * 90},
        ],
    ),
    "banned names": (
        [
            {"src/a.cpp": "auto t = std::chrono::system_clock::now();"},
            {"src/a.cpp": "std::shared_ptr<int> p;"},
            {"src/a.cpp": "std::random_device d;"},
            {"src/a.cpp": "#include <random>"},
            {"src/a.cpp": "#include <iostream>"},
            {"tests/unit/a.cpp": "std::this_thread::sleep_for(1s);"},
            {"src/net/a.cpp": "std::mutex m;"},
            {"src/net/a.cpp": "std::lock_guard guard(m);"},
            {"src/a.h": "using namespace std;"},
            {"src/a.cpp": "double latency_ms;"},
            {"src/a.cpp": "class HttpBackend;"},
            {"src/a.cpp": "// TO" "DO: later"},
            {"scripts/a.sh": "# FIX" "ME"},
        ],
        [
            {"src/a.cpp": 'option("--latency"); // The backend\'s latency.'},
            {"src/a.cpp": "bool return_latency = false;"},
            {"src/cli/a.cpp": "std::mutex m;"},
            {"src/a.cpp": "using namespace std::chrono_literals;"},
            {"docs/a.md": "TO" "DO"},
        ],
    ),
    "third-party headers": (
        [{"src/a.cpp": "#include <fmt/core.h>\n", "src/b.cpp": "#include <fmt/core.h>\n"}],
        [
            {"src/a.cpp": "#include <fmt/core.h>\n", "src/b.cpp": "#include <fmt/format.h>\n"},
            {"src/a.cpp": "#include <sys/epoll.h>\n", "src/b.cpp": "#include <sys/epoll.h>\n"},
            {"src/a.cpp": "#include <vector>\n", "src/b.cpp": "#include <vector>\n"},
            {"tests/a.cpp": "#include <fmt/core.h>\n", "tests/b.cpp": "#include <fmt/core.h>\n"},
        ],
    ),
    "comments": (
        [
            header("int f(int a);\n"),
            header("struct A {\n  int a;\n};\n"),
            header("// No third slash.\nint f();\n"),
            header("/// A.\nclass A {\n public:\n  A();\n\n  int size() const;\n};\n"),
            header("/// A.\nclass A {\n public:\n  virtual void f() = 0;\n};\n"),
            header("template <class T>\nint f(T a);\n"),
            header("enum class A { a, b };\n"),
        ],
        [
            header("/// F.\nint f(int a);\nint f(double a);\n\nstruct A;\n"),
            header("/// A.\nclass A {\n public:\n  A();\n  ~A();\n\n private:\n  int f();\n};\n"),
            header("/// A.\nclass A {\n public:\n  int size() const { return 1; }\n};\n"),
            header("/// A.\nstruct A {\n  int b = f(1);\n  int c();  ///< C.\n};\n"),
            header("inline constexpr int a = f(1);\nusing F = int (*)(int);\n"),
            header("/// F.\ntemplate <class T>\nint f(T a = {});\n"),
            header("namespace detail {\nint f();\n}\n"),
            {"src/a.cpp": "int f();\n"},
        ],
    ),
    "openings": (
        [{"src/net/a.h": "#pragma once\n"}, {"a.py": "import os\n"}],
        [{"src/net/a.h": "// Why.\n#pragma once\n"}, {"a.py": '#!/usr/bin/python3\n"""Why."""\n'}],
    ),
    "unused headers": (
        [{"src/net/a.h": ""}, {"src/net/a.h": "", "src/net/a.cpp": AN_INCLUDE}],
        [{"src/net/a.h": "", "src/load/b.cpp": AN_INCLUDE}],
    ),
    "type names": (
        [{"src/net/a.h": "struct A {\n};\n", "src/load/b.h": "class A final : B {\n};\n"}],
        [
            {"src/net/a.h": "struct A {\n};\n", "src/load/b.h": "struct A;\nstruct AB {\n};\n"},
            {"src/net/a.h": "struct A {\n};\n", "src/load/b.cpp": "struct A {\n};\n"},
        ],
    ),
    "places": (
        [
            {"a.md": "see /wo" "rk/main"},
            {"a.md": "see ../sha" "red/design.md"},
            {"a.md": "https://registry.np" "mjs.org/x"},
            {"web/package-lock.json": '"resolved": "https://example.org/a.tgz"'},
            {"Cargo.lock": 'source = "registry+https://example.org/index"'},
        ],
        [
            {"a.md": "net/wo" "rk/a and the registry"},
            {"Cargo.lock": 'source = "registry+https://github.com/rust-lang/crates.io-index"'},
        ],
    ),
}


def run():
    """Prints a line for each rule; True when all of them can fail and can pass."""
    good = True
    for name, rule in rules.RULES.items():
        refused, accepted = SAMPLES.get(name, ([], []))
        missed = [files for files in refused if not list(rule(Tree(files)))]
        alarms = [(files, list(rule(Tree(files)))) for files in accepted]
        alarms = [pair for pair in alarms if pair[1]]
        if not refused or not accepted:
            print(f"FAIL {name}: the rule has no samples")
        elif missed:
            print(f"FAIL {name}: accepts {missed[0]}")
        elif alarms:
            print(f"FAIL {name}: refuses {alarms[0][0]} with {alarms[0][1][0]}")
        else:
            print(f"PASS {name}: refuses {len(refused)} samples, accepts {len(accepted)}")
            continue
        good = False
    return good
