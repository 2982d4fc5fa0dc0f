"""The files that the rules look at: path -> text. A rule never reads the disk itself, so that the
self-test can hand it a tree of two lines."""

import os
import subprocess

import cpp_text

CPP = (".cpp", ".h")
# Where there is no git to say what it ignores.
SKIPPED = {".git", "build", "runs", "artifacts", "node_modules", "dist", "target", "__pycache__"}


class Tree:
    """Text files by path, relative to the root of the project."""

    def __init__(self, files):
        self.files = dict(sorted(files.items()))
        self._code = {}
        self._items = {}

    def paths(self, *suffixes, under=""):
        """The paths that end in one of the suffixes."""
        return [path for path in self.files if path.startswith(under) and path.endswith(suffixes)]

    def cpp(self, under=""):
        """The C++ files."""
        return self.paths(*CPP, under=under)

    def lines(self, path):
        return self.files[path].split("\n")

    def code(self, path):
        """A C++ file without comments and the insides of strings."""
        if path not in self._code:
            self._code[path] = cpp_text.without_comments_and_strings(self.files[path])
        return self._code[path]

    def items(self, path):
        """The declarations and functions of a C++ file."""
        if path not in self._items:
            self._items[path] = cpp_text.items(self.code(path))
        return self._items[path]


def _walk(root):
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if name not in SKIPPED]
        for name in files:
            yield os.path.relpath(os.path.join(folder, name), root)


def _paths(root):
    """What git tracks or would track; every file where there is no git."""
    command = ["git", "-C", root, "ls-files", "-z", "-co", "--exclude-standard"]
    try:
        listing = subprocess.run(command, capture_output=True, check=True, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return list(_walk(root))
    return [path for path in listing.stdout.decode().split("\0") if path]


def read_tree(root):
    """Every text file of the project."""
    files = {}
    for path in _paths(root):
        try:
            with open(os.path.join(root, path), encoding="utf-8") as file:
                files[path] = file.read()
        except (OSError, UnicodeDecodeError):
            continue  # Deleted but still tracked, or no text.
    return Tree(files)
