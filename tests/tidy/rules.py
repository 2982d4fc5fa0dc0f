"""The style guide as code. A rule takes a Tree and yields "path:line: what is wrong"."""

import ast
import re

import cpp_text
import floors

SOURCE = (".cpp", ".h", ".py", ".sh", ".ts", ".mjs", ".js", ".cmake", "CMakeLists.txt")
SCRIPTS = ("run", "test", ".ci/run")
MAX_COLUMNS = 100
MAX_FUNCTION_LINES = 70
MAX_FILE_LINES = 500


def sources(tree):
    """The files that people write as code, in any language."""
    return tree.paths(*SOURCE) + [path for path in SCRIPTS if path in tree.files]


def check_columns(tree):
    """No line is wider than 100 columns, unless an address in it cannot be broken."""
    for path in sources(tree):
        for number, line in enumerate(tree.lines(path), 1):
            if len(line) > MAX_COLUMNS and "://" not in line:
                yield f"{path}:{number}: {len(line)} columns, more than {MAX_COLUMNS}"


def check_file_size(tree):
    """No source file is longer than 500 lines."""
    for path in sources(tree):
        count = tree.files[path].count("\n")
        if count > MAX_FILE_LINES:
            yield f"{path}:{count}: {count} lines, more than {MAX_FILE_LINES}"


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno


def check_function_size(tree):
    """No function is longer than 70 lines."""
    places = []
    for path in tree.cpp():
        functions = [item for item in tree.items(path) if item.kind == "function"]
        places += [(path, item.line, item.last_line) for item in functions]
    for path in tree.paths(".py"):
        places += [(path, *span) for span in python_functions(tree.files[path])]
    for path, first, last in places:
        count = last - first + 1
        if count > MAX_FUNCTION_LINES:
            yield f"{path}:{first}: a function of {count} lines, more than {MAX_FUNCTION_LINES}"


LOCK_FREE = ("src/load/", "src/protocol/", "src/net/")
# (what is looked for in code, where, why not)
BANNED = (
    (r"\b(?:system|high_resolution)_clock\b", "", "time is the loop's, see base/time.h"),
    (r"\b(?:make_)?shared_(?:ptr|from_this)\b", "", "own values or unique_ptr"),
    (r"\brandom_device\b|\bs?rand\s*\(", "", "random numbers come from base/random.h"),
    (r"\bsleep_(?:for|until)\b|\bu?sleep\s*\(|\bnanosleep\s*\(", "", "wait with the loop"),
    (r"\bstd::(?:\w+_)?mutex\b", LOCK_FREE, "no locks"),
    (r"\bstd::(?:lock_guard|scoped_lock|unique_lock)\b", LOCK_FREE, "no locks"),
    (r"#\s*include\s*<(?:random|iostream)>", "", "base/random.h; fmt and stdio"),
)
# `return_latency` is a request's own field on the wire, and code that reads it may say so.
_NAME = re.compile(r"\b(?!\w*return_latency)\w*(?:latency|backend)\w*\b", re.I)
_UNDONE = re.compile(r"\b(?:TO" r"DO|FIX" r"ME)\b")


def check_banned(tree):
    """Names that the style guide rules out."""
    for path in tree.cpp():
        for number, line in enumerate(tree.code(path).split("\n"), 1):
            for pattern, where, why in BANNED:
                found = re.search(pattern, line) if path.startswith(where) else None
                if found:
                    yield f"{path}:{number}: '{found.group()}': {why}"
            if path.endswith(".h") and re.search(r"\busing\s+namespace\b", line):
                yield f"{path}:{number}: 'using namespace' in a header"
            if found := _NAME.search(line):
                yield f"{path}:{number}: '{found.group()}': say which time or which part it is"
    for path in sources(tree):
        for number, line in enumerate(tree.lines(path), 1):
            if _UNDONE.search(line):
                yield f"{path}:{number}: unfinished work does not merge"


_SYSTEM_FOLDERS = ("sys/", "linux/", "netinet/", "arpa/", "net/", "asm/")
_SYSTEM = set(
    "aio alloca arm_neon assert byteswap cpuid cxxabi dirent dlfcn elf emmintrin endian errno "
    "execinfo fcntl features float fnmatch getopt glob grp ifaddrs immintrin inttypes langinfo "
    "libgen limits locale malloc math memory netdb poll pthread pty pwd sched semaphore setjmp "
    "signal spawn stdarg stddef stdint stdio stdlib string strings syscall syslog termios time "
    "uchar ucontext unistd utime wchar wordexp x86intrin".split()
)


def is_third_party(name):
    """True for headers of neither the language, the C library nor the kernel."""
    if name.startswith(_SYSTEM_FOLDERS):
        return False
    if "/" not in name and "." not in name:
        return False
    return name.removesuffix(".h") not in _SYSTEM


def check_third_party(tree):
    """One file of ours is the door to each header of a library."""
    users = {}
    for path in tree.cpp("src/"):
        for line, kind, name in cpp_text.includes(tree.files[path]):
            if kind == "<" and is_third_party(name):
                users.setdefault(name, []).append(f"{path}:{line}")
    for name, places in users.items():
        for place in places[1:]:
            yield f"{place}: <{name}> is included by {places[0].rsplit(':', 1)[0]} already"


_MEMBER_EXEMPT = re.compile(r"\boperator\b|=\s*(?:default|delete|0)$|\boverride\b|^friend\b|~")
_EXEMPT = re.compile(
    r"^(?:using|typedef|static_assert|extern\s+template|[A-Z_]+\s*\(|template\s*<\s*>)"
)


def needs_comment(item):
    """True for types and functions that a header offers to its users."""
    text = re.sub(r"^template\s*<[^;{]*?>\s*(?=\w|\[)", "", item.text)
    if not item.is_public() or _EXEMPT.match(item.text) or _EXEMPT.match(text):
        return False
    owner = item.owner()
    if item.kind == "type":
        return not (owner and text.startswith("enum"))
    before, bracket, _ = text.partition("(")
    if not bracket or "=" in before.replace("operator=", ""):
        return False
    if owner is None:
        return "operator" not in text
    # A member with its body in the header shows what it does; the others need words.
    is_constructor = re.search(rf"\b{re.escape(owner.name)}\s*$", before) is not None
    pure = re.search(r"=\s*0$", text)
    exempt = _MEMBER_EXEMPT.search(text) is not None and not pure
    return item.kind == "declaration" and not is_constructor and not exempt


def has_comment(lines, item):
    """True when a /// stands above, beside, or above the group of lines that it belongs to."""
    if any("///<" in line for line in lines[item.line - 1 : item.last_line]):
        return True
    above = lines[item.line - 2].strip() if item.line > 1 else ""
    if above.startswith("///"):
        return True
    opens_scope = above.endswith(("{", ":")) or above.startswith(("//", "#"))
    return bool(above) and not opens_scope  # The line above belongs to the same group.


def check_comments(tree):
    """Each public declaration says what it is in a /// line."""
    for path in tree.paths(".h", under="src/"):
        lines = tree.lines(path)
        for item in tree.items(path):
            if needs_comment(item) and not has_comment(lines, item):
                what = " ".join(item.text.split())[:60]
                yield f"{path}:{item.line}: no /// above '{what}'"


def check_openings(tree):
    """Each header and each Python file opens with why it exists."""
    for path in tree.paths(".h", under="src/"):
        if not tree.files[path].startswith("//"):
            yield f"{path}:1: the file does not open with why it exists"
    for path in tree.paths(".py"):
        if not re.match(r'(#![^\n]*\n)?("""|#)', tree.files[path]):
            yield f"{path}:1: the file does not open with why it exists"


def check_used_headers(tree):
    """Each header is included by a file other than its own .cpp."""
    users = {}
    for path in tree.cpp():
        for _, kind, name in cpp_text.includes(tree.files[path]):
            if kind == '"':
                users.setdefault("src/" + name, set()).add(path)
    for path in tree.paths(".h", under="src/"):
        if not users.get(path, set()) - {path.removesuffix(".h") + ".cpp"}:
            yield f"{path}:1: no one includes this header"


# Written in halves, so that this file does not break its own rule.
_PLACES = re.compile(
    r"registry\.np" r"mjs|registry\.yarn" r"pkg|py" r"pi\.org|pythonho" r"sted\.org"
    r"|deb\.deb" r"ian\.org|archive\.ubu" r"ntu\.com|index\.crates\." r"io|static\.crates\." r"io"
    r"|proxy\.gol" r"ang\.org|repo1?\.mav" r"en|(?<![\w.])/wo" r"rk/|\.\./sha" r"red\b"
)
_STANDARD_INDEX = "https://github.com/rust-lang/crates.io-index"


def check_places(tree):
    """No file names a package registry or a folder of the machine it was written on."""
    for path, text in tree.files.items():
        is_lock = path.endswith(("package-lock.json", "Cargo.lock"))
        for number, line in enumerate(text.split("\n"), 1):
            line = line.replace(_STANDARD_INDEX, "")
            if found := _PLACES.search(line):
                yield f"{path}:{number}: names '{found.group()}'"
            elif is_lock and re.search(r'"resolved"|^source = ".*://', line) and "://" in line:
                yield f"{path}:{number}: a lock file that names the host its packages came from"


_TYPE = re.compile(r"^(?:struct|class|enum class|union) (\w+)[^;{(]*\{", re.M)


def check_type_names(tree):
    """No two headers define a type of one name: the linker would take either for both."""
    seen = {}
    for path in sorted(tree.paths(".h", under="src/")):
        code = cpp_text.without_comments_and_strings(tree.files[path])
        for found in _TYPE.finditer(code):
            place = f"{path}:{code.count(chr(10), 0, found.start()) + 1}"
            if found[1] in seen:
                yield f"{place}: '{found[1]}' is defined in {seen[found[1]]} too"
            seen.setdefault(found[1], place)


RULES = {
    "floors": floors.check_floors,
    "picture": floors.check_picture,
    "columns": check_columns,
    "file size": check_file_size,
    "function size": check_function_size,
    "banned names": check_banned,
    "third-party headers": check_third_party,
    "comments": check_comments,
    "openings": check_openings,
    "unused headers": check_used_headers,
    "places": check_places,
    "type names": check_type_names,
}
