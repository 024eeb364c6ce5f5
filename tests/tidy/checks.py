"""The fences of the house. A check takes a tree and answers what is wrong, one text a fault, each
beginning with the file (and, for a function, ":name") that an allowance can name."""

import pathlib
import re
import subprocess
from fnmatch import fnmatchcase

from c_source import code_of, functions, includes
from tree import lines_of

HERE = pathlib.Path(__file__).resolve().parent

C_LINES_MAX = 600
HEADER_LINES_MAX = 200
FUNCTION_LINES_MAX = 70
NESTING_MAX = 3
COLUMNS_MAX = 100
COLUMNS_TABLE_MAX = 130  # a row of a table, or a header's declaration with its remark
TAB = 8


# Who may include whom

class Layers:
    """tests/tidy/layers.txt."""

    def __init__(self, path=HERE / "layers.txt"):
        self.groups, self.rules = {}, []
        target = None
        for _, line in lines_of(path):
            words = line.split()
            if not line[0].isspace():
                name, words = words[0], words[1:]
                target = []
                if name.startswith("$"):
                    self.groups[name] = target
                else:
                    self.rules.append((name, target))
            target += [w for word in words for w in (self.groups[word] if word[0] == "$" else [word])]

    @staticmethod
    def _matches(word, include):
        return include.startswith(word) if word.endswith("/") else include == word

    def allow(self, path, include):
        """path: "room/file.c"; include: "<x.h>" or "room/x.h" """
        room, stem = path.split("/", 1)[0], path.rsplit(".", 1)[0]
        words = [w for who, allowed in self.rules for w in allowed
                 if who == room or ("/" in who and fnmatchcase(stem, who))]
        # "<event2/>" stands for every header of that folder.
        words = [w[:-1] if w.endswith("/>") else w for w in words]
        refused = any(self._matches(w[1:], include) for w in words if w[0] == "!")
        return not refused and any(self._matches(w, include) for w in words if w[0] != "!")


def layers(tree, rules=None):
    """Each include of the daemon is allowed by the layers."""
    rules = rules or Layers()
    for path in tree.files("daemon/*.c", "daemon/*.h"):
        inner = path.removeprefix("daemon/")
        for line, include in includes(tree.text(path)):
            if not rules.allow(inner, include.strip('"')):
                yield f"{path}: line {line} includes {include}, which its room may not"


def include_order(tree):
    """Its own header first, then libc and libraries, then ours."""
    for path in tree.files("daemon/*.c"):
        found = [include for _, include in includes(tree.text(path))]
        own = f'"{path.removeprefix("daemon/")[:-1]}h"'
        if own in found:
            if found[0] != own:
                yield f"{path}: includes {found[0]} before its own header"
            found.remove(own)
        kinds = [include[0] for include in found]
        if kinds != sorted(kinds, key='<"'.index):
            yield f"{path}: includes one of <...> after one of \"...\""


# Lengths

def lengths(tree):
    """Files, functions, nesting and lines stay within what one can take in."""
    for path in tree.files("daemon/*.c", "daemon/*.h", "tests/*.c", "tests/*.h"):
        text = tree.text(path)
        header = fnmatchcase(path, "daemon/*.h")
        most = HEADER_LINES_MAX if header else C_LINES_MAX
        total = text.count("\n")
        if total > most:
            yield f"{path}: {total} lines, {most} at most"
        for f in functions(text):
            if f.last - f.first + 1 > FUNCTION_LINES_MAX:
                yield f"{path}:{f.name}: {f.last - f.first + 1} lines, {FUNCTION_LINES_MAX} at most"
            if f.depth > NESTING_MAX:
                yield f"{path}:{f.name}: {f.depth} blocks deep, {NESTING_MAX} at most"
        for number, line in enumerate(text.splitlines(), 1):
            columns = len(line.expandtabs(TAB))
            row = header or line.lstrip().startswith(("{", "[", '"'))
            wide = COLUMNS_TABLE_MAX if row else COLUMNS_MAX
            if columns > wide:
                yield f"{path}: line {number} has {columns} columns, {wide} at most"


# The purity of decide

def undefined_symbols(library):
    """What a static library calls and does not hold itself."""
    def names(option):
        out = subprocess.run(["nm", option, "--format=posix", library], check=True,
                             stdout=subprocess.PIPE, text=True).stdout
        return {line.split()[0] for line in out.splitlines() if len(line.split()) >= 2}
    return names("--undefined-only") - names("--defined-only")


def purity(symbols, path=HERE / "pure.txt"):
    """What decide calls is on the short list."""
    patterns = [word for _, line in lines_of(path) for word in line.split()]
    for symbol in sorted(symbols):
        if not any(fnmatchcase(symbol, pattern) for pattern in patterns):
            yield f"daemon/decide:{symbol}: is called, and is not on the list of pure.txt"


# A test for each file

def tested(tree):
    """Each file of the daemon has a test that bears its name and includes its header (for one
    without a header, such as a verb of the command: any header of its room)."""
    for path in tree.files("daemon/*.c"):
        room, stem = pathlib.PurePath(path).parent.name, pathlib.PurePath(path).stem
        if stem == "main":
            continue
        tests = tree.files(*(f"tests/{folder}/{kind}_{name}.c" for folder, kind in (
            ("unit", "test"), ("table", "test"), ("fuzz", "fuzz"), ("simulation", "test"))
            for name in (stem, f"{stem}_*", f"{room}_{stem}")))
        own = f'"{room}/{stem}.h"' if tree.files(f"{path[:-1]}h") else f'"{room}/'
        if not any(include.startswith(own) for test in tests
                   for _, include in includes(tree.text(test))):
            yield f"{path}: has no test; tests/unit/test_{stem}.c or test_{room}_{stem}.c would be one"


# What must not be written

SCOPES = {
    "code": ("daemon/*.c", "daemon/*.h", "tests/*.c", "tests/*.h"),
    "daemon": ("daemon/*.c", "daemon/*.h"),
    "python": ("*.py",),
    "docs": ("*.md", "conf/*", "systemd/*"),
    "all": ("*",),
}
OWN_DATA = ("tests/tidy/*", "LICENSE")  # they speak of what is banned


def banned(tree, path=HERE / "banned.txt"):
    """Nothing of banned.txt is written."""
    for _, line in lines_of(path):
        scope, expression, why = re.split(r"\s{2,}", line.strip(), maxsplit=2)
        pattern = re.compile(expression, re.MULTILINE)
        for name in tree.files(*SCOPES[scope]):
            text = tree.text(name)
            if text is None or any(fnmatchcase(name, own) for own in OWN_DATA):
                continue
            if scope in ("code", "daemon") and "include" not in expression:
                text = code_of(text)
            for match in pattern.finditer(text):
                number = text.count("\n", 0, match.start()) + 1
                yield f"{name}: line {number} has {match.group().strip()!r}: {why}"


# Whitespace

AS_MADE = ("tests/fuzz/corpus/*", "*.csv", "*.geojson")  # data, as its maker writes it


def c_indents(text):
    """The lines of C whose indentation is not by tabs. Spaces only align what goes on from above."""
    goes_on, parentheses = False, 0
    for number, (line, code) in enumerate(zip(text.split("\n"), code_of(text).split("\n")), 1):
        if code.strip():
            goes_on = goes_on or re.match(r"\s*[:?&|+*/%<>=.]", code)
            if re.match(r"\t* +\t", line) or (re.match(r"\t* {4}", line) and not goes_on):
                yield number
            parentheses += code.count("(") - code.count(")")
            goes_on = parentheses > 0 or not re.search(r"[;{}:]\s*$", code)


def whitespace(tree):
    """Tabs in C, spaces in Python, no trailing blanks, one end of line at the end of the file."""
    for path in tree.files():
        text = tree.text(path)
        if not text or any(fnmatchcase(path, as_made) for as_made in AS_MADE):
            continue
        if "\r" in text:
            yield f"{path}: has carriage returns"
        if not text.endswith("\n") or text.endswith("\n\n"):
            yield f"{path}: does not end with one end of line"
        wrong = c_indents(text) if path.endswith((".c", ".h")) else ()
        if path.endswith(".py"):
            wrong = [n for n, line in enumerate(text.split("\n"), 1) if re.match(r" *\t", line)]
        for number in wrong:
            yield f"{path}: line {number} is indented by the wrong blank"
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip():
                yield f"{path}: line {number} ends with a blank"


# The repository

def nothing_built(tree):
    """Nothing of build/ and no product of a tool is part of the repository."""
    for path in tree.files("build/*", "*.o", "*.a", "*.so", "*.pyc", "*.pb-c.[ch]", "*_pb2.py", "*.log",
                           "*.orig", "*.rej", "*~", "*.key", "core"):
        yield f"{path}: is a product, not a source"


# What is allowed all the same

def allowed(check, faults, path=HERE / "allowances.txt"):
    """Takes out the faults that allowances.txt allows, and adds the allowances that nothing needs."""
    left = list(faults)
    for _, line in lines_of(path):
        name, where, _why = re.split(r"\s{2,}", line.strip(), maxsplit=2)
        if name != check:
            continue
        taken = [fault for fault in left if fault.startswith(f"{where}: ")]
        if not taken:
            left.append(f"tests/tidy/allowances.txt: nothing needs the allowance of {where}")
        left = [fault for fault in left if fault not in taken]
    return left
