"""The floors of the house: the table in ARCHITECTURE.md, the real includes, and their picture."""

import re

import cpp_text

PAGE = "ARCHITECTURE.md"
_ROW = re.compile(r"^\|\s*`src/(\w+)/`\s*\|.*\|([^|]*)\|\s*$", re.M)
_BLOCK = re.compile(r"(<!-- floors -->\n)(.*?)(<!-- /floors -->)", re.S)
GROUND = ("base", "stats")  # Every floor may stand on these.


def table(tree):
    """floor -> the floors that it may include, or None where that is any."""
    rows = _ROW.findall(tree.files.get(PAGE, ""))
    known = {name for name, _ in rows}
    allowed = {}
    for name, words in rows:
        names = set(re.findall(r"\w+", words))
        below = {"base"} if name == "stats" else set() if name == "base" else set(GROUND)
        allowed[name] = None if "all" in names else (names & known) | below | {name}
    return allowed


def graph(tree):
    """floor -> set of the floors it includes."""
    edges = {}
    for path in tree.cpp("src/"):
        parts = path.split("/")
        if len(parts) < 3:
            continue
        edges.setdefault(parts[1], set())
        for _, kind, name in cpp_text.includes(tree.files[path]):
            if kind == '"' and "/" in name and name.split("/")[0] != parts[1]:
                edges[parts[1]].add(name.split("/")[0])
    return edges


def check_floors(tree):
    """Each include goes where the table allows it."""
    allowed = table(tree)
    if not allowed:
        yield f"{PAGE}:1: there is no table of floors with rows | `src/load/` | ... | net record |"
        return
    for floor in graph(tree):
        if floor not in allowed:
            yield f"src/{floor}:1: the table in {PAGE} has no row for this floor"
    for path in tree.cpp("src/"):
        floor = path.split("/")[1]
        if allowed.get(floor) is None:
            continue
        for line, kind, name in cpp_text.includes(tree.files[path]):
            target = name.split("/")[0]
            if kind == '"' and target not in allowed[floor]:
                yield f'{path}:{line}: {floor} may not include "{name}"'


def picture(tree):
    """The include graph as a Mermaid block, floors in the order of the table."""
    edges = graph(tree)
    order = {name: i for i, name in enumerate(table(tree))}

    def rank(name):
        return order.get(name, len(order)), name

    lines = ["```mermaid", "graph TD"]
    for floor in sorted(edges, key=rank):
        below = sorted(edges[floor] - {"base"}, key=rank)
        if below:
            lines.append(f"  {floor} --> {' & '.join(below)}")
    lines += ["```", ""]
    return "\n".join(lines)


def check_picture(tree):
    """The picture in ARCHITECTURE.md is the real graph."""
    block = _BLOCK.search(tree.files.get(PAGE, ""))
    if not block:
        yield f"{PAGE}:1: there is no block between <!-- floors --> and <!-- /floors -->"
    elif block.group(2) != picture(tree):
        line = tree.files[PAGE].count("\n", 0, block.start()) + 1
        yield f"{PAGE}:{line}: not the real include graph; tidy.py --write-graph mends it"


def with_picture(tree):
    """The text of ARCHITECTURE.md with the real graph in its block."""
    graph_text = picture(tree)
    return _BLOCK.sub(lambda match: match[1] + graph_text + match[3], tree.files[PAGE])
