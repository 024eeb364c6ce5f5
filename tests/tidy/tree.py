"""The files that belong to the repository, and the data files of the checks."""

import os
import pathlib
import subprocess
from fnmatch import fnmatchcase


class Tree:
    """A checkout, or a plain folder: its files and their text."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self._files = None

    def files(self, *patterns):
        """Their paths from the root, sorted; a pattern's "*" also stands for "/"."""
        if self._files is None:
            self._files = sorted(self._from_git() if (self.root / ".git").exists() else self._walk())
        return [f for f in self._files
                if not patterns or any(fnmatchcase(f, pattern) for pattern in patterns)]

    def text(self, path):
        """The text of a file; None when it is none."""
        data = (self.root / path).read_bytes()
        try:
            return None if b"\0" in data else data.decode("utf-8")
        except UnicodeDecodeError:
            return None

    def _from_git(self):
        # A checkout may belong to another user than the one who tests it.
        names = subprocess.run(
            ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others",
             "--exclude-standard"], cwd=self.root, check=True, stdout=subprocess.PIPE).stdout
        names = {name for name in names.decode().split("\0") if name}
        return {name for name in names if (self.root / name).is_file()}

    def _walk(self):
        for folder, folders, names in os.walk(self.root):
            here = pathlib.Path(folder).relative_to(self.root)
            if here == pathlib.Path("."):
                folders[:] = [name for name in folders if name not in (".git", "build")]
            yield from (str(here / name) for name in names)


def lines_of(path):
    """(number, text) of a data file's lines, without comments and empty lines."""
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.strip() and not line.startswith("#"):
                yield number, line.rstrip("\n")
