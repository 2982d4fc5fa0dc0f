"""Just enough understanding of C++ text for the rules: what is code and what is a comment or a
string, where functions begin and end, and which declarations a header makes public. It is no
parser; it relies on the format that clang-format gives our code."""

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""//[^\n]*
      | /\*.*?\*/
      | (?:u8|[uUL])?R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"
      | (?:u8|[uUL])?"(?:\\.|[^"\\\n])*"
      | \.?\d(?:[eEpP][+-]|'?[\w.])*
      | [A-Za-z_]\w*
      | (?:u8|[uUL])?'(?:\\.|[^'\\\n])+'
    """,
    re.S | re.X,
)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", re.M)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
_ACCESS = re.compile(r"\s*(public|protected|private)\s*:(?!:)")
# A macro on a line of its own, without a semicolon.
_MACRO_LINE = re.compile(r"\s*[A-Z][A-Z0-9_]+\([^(){};]*\)[ \t]*\n")
_TYPE = re.compile(r"(?:template\s*<[^{]*>\s*)?(?:typedef\s+)?(?:class|struct|union)\b")
_CLASS_NAME = re.compile(
    r"\b(?:class|struct|union)\s+(?:\[\[.*?\]\]\s*)?(?:alignas\(.*?\)\s*)?(\w+)"
)


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def without_comments_and_strings(text):
    """The text with comments and the insides of literals blanked; lines stay where they were."""

    def replace(match):
        token = match.group()
        if token[0] == "/":
            return _blank(token)
        if token[0].isdigit() or token[0] == "." or re.fullmatch(r"\w+", token):
            return token
        return token[0] + _blank(token[1:-1]) + token[-1]

    return _TOKEN.sub(replace, text)


def without_directives(code):
    """The code with preprocessor lines turned into blanks."""
    return _DIRECTIVE.sub(lambda match: _blank(match.group()), code)


def includes(text):
    """Yields (line, '<' or '"', name) of every include."""
    for match in _INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start(1)) + 1, match.group(1), match.group(2)


@dataclass
class Scope:
    """A namespace or class that is open."""

    kind: str
    name: str = ""
    access: str = "public"


@dataclass
class Item:
    """A declaration or definition outside of functions."""

    kind: str  # function, type or declaration
    line: int
    last_line: int
    text: str  # up to the body or the semicolon
    scopes: list = field(default_factory=list)

    def is_public(self):
        """Visible to those who include the header."""
        hidden = ("detail", "internal", "")
        return all(
            scope.access == "public" and not (scope.kind == "namespace" and scope.name in hidden)
            for scope in self.scopes
        )

    def owner(self):
        """The class that it is a member of, or nothing."""
        return self.scopes[-1] if self.scopes and self.scopes[-1].kind == "class" else None


class _Scanner:
    """One walk over the braces, brackets and semicolons of blanked code."""

    def __init__(self, code):
        self.code = code
        self.scopes = []
        self.start = 0
        self.items = []

    def line(self, at):
        return self.code.count("\n", 0, at) + 1

    def skip(self, at):
        """The index of the brace that closes the one at `at`."""
        depth = 0
        for match in re.compile(r"[{}]").finditer(self.code, at):
            depth += 1 if match.group() == "{" else -1
            if depth == 0:
                return match.start()
        return len(self.code) - 1

    def header(self, end):
        """The text since the last statement, and where it begins; access labels are taken in."""
        while True:
            if label := _ACCESS.match(self.code, self.start, end):
                if self.scopes:
                    self.scopes[-1].access = label.group(1)
                self.start = label.end()
            elif macro := _MACRO_LINE.match(self.code, self.start, end):
                self.start = macro.end()
            else:
                break
        text = self.code[self.start : end]
        begin = self.start + len(text) - len(text.lstrip())
        return text.strip(), begin

    def add(self, kind, begin, last, text):
        scopes = [Scope(scope.kind, scope.name, scope.access) for scope in self.scopes]
        self.items.append(Item(kind, self.line(begin), self.line(last), text, scopes))

    def open(self, at):
        """A brace opens at `at`: yields where the walk goes on."""
        text, begin = self.header(at)
        if re.search(r"[\w>\]]$", self.code[:at][-1:]) or text.endswith(("=", ",")):
            return self.skip(at) + 1  # An initialiser: our format puts no space before its brace.
        if re.match(r"(inline\s+)?namespace\b", text) or re.match(r'extern\s*"\s*"$', text):
            self.scopes.append(Scope("namespace", self.namespace_name(text)))
        elif _TYPE.match(text) and "(" not in re.sub(r"\[\[.*?\]\]|alignas\(.*?\)", "", text):
            self.add("type", begin, at, text)
            name = _CLASS_NAME.search(text)
            access = "private" if re.search(r"\bclass\b", text.split("<")[-1]) else "public"
            self.scopes.append(Scope("class", name.group(1) if name else "", access))
        elif text.startswith("enum") or "(" not in text:
            end = self.skip(at)
            if text.startswith("enum"):
                self.add("type", begin, end, text)
            return end + 1
        else:
            end = self.skip(at)
            self.add("function", begin, end, text)
            self.start = end + 1
            return end + 1
        self.start = at + 1
        return at + 1

    @staticmethod
    def namespace_name(text):
        words = re.sub(r"^inline\s+", "", text).split()
        if words[0] == "extern":
            return "extern"
        return words[1] if len(words) > 1 else ""

    def scan(self):
        at = 0
        parentheses = 0
        mark = re.compile(r"[(){};]")
        while match := mark.search(self.code, at):
            at = match.end()
            character = match.group()
            if character in "()":
                parentheses += 1 if character == "(" else -1
            elif character == "{":
                at = self.skip(match.start()) + 1 if parentheses > 0 else self.open(match.start())
            elif character == "}":
                if self.scopes:
                    self.scopes.pop()
                self.start = at
            elif parentheses == 0:
                text, begin = self.header(match.start())
                if text:
                    self.add("declaration", begin, match.start(), text)
                self.start = at
        return self.items


def items(code):
    """The items of blanked code, see Item."""
    return _Scanner(without_directives(code)).scan()
