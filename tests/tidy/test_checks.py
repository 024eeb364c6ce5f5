"""Every check finds the fault that was made for it, and nothing in what is right."""

import subprocess

import checks
import pytest
from c_source import code_of, functions, includes
from tree import Tree

HEADER = "#ifndef X_H\n#define X_H\n\nint noun_get(void);\n\n#endif\n"
CODE = '#include "support/noun.h"\n\n#include <stdio.h>\n\nint noun_get(void)\n{\n\treturn 1;\n}\n'
TEST = '#include "support/noun.h"\n\nint main(void)\n{\n\treturn noun_get() - 1;\n}\n'
GOOD = {"daemon/support/noun.h": HEADER, "daemon/support/noun.c": CODE,
        "tests/unit/test_noun.c": TEST, "README.md": "# noun\n"}


@pytest.fixture
def house(tmp_path):
    """Makes a small house, with what is given added or replaced; None takes a file out."""
    def make(changes):
        for path, text in {**GOOD, **changes}.items():
            if text is not None:
                (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / path).write_bytes(text if isinstance(text, bytes) else text.encode())
        return Tree(tmp_path)
    return make


def body(lines):
    return "int noun_get(void)\n{\n" + "\tnoun_get();\n" * (lines - 4) + "\treturn 1;\n}\n"


def nested(depth):
    opened = "".join("\t" * (i + 1) + "if (x) {\n" for i in range(depth))
    closed = "".join("\t" * (i + 1) + "}\n" for i in reversed(range(depth)))
    return f"int noun_get(void)\n{{\n{opened}{closed}\treturn 1;\n}}\n"


def including(*lines):
    return "".join(f"#include {line}\n" for line in lines)


FAULTS = [
    ("layers", {"daemon/support/noun.c": including('"decide/alert.h"')}, "support/noun.c: line 1"),
    ("layers", {"daemon/support/noun.c": including("<event2/event.h>")}, "<event2/event.h>"),
    ("layers", {"daemon/support/noun.c": including('"noun.h"')}, '"noun.h"'),
    ("layers", {"daemon/decide/noun.c": including('"support/log.h"')}, '"support/log.h"'),
    ("layers", {"daemon/decide/noun.c": including("<time.h>")}, "<time.h>"),
    ("layers", {"daemon/decide/noun.c": including("<geos_c.h>")}, "<geos_c.h>"),
    ("layers", {"daemon/wire/noun.c": including('"decide/alert.h"')}, '"decide/alert.h"'),
    ("layers", {"daemon/accept/noun.c": including('"push/view.h"')}, '"push/view.h"'),
    ("layers", {"daemon/accept/noun.c": including('"keep/record.h"')}, '"keep/record.h"'),
    ("layers", {"daemon/accept/noun.c": including('"decide/triage.h"')}, '"decide/triage.h"'),
    ("layers", {"daemon/keep/noun.c": including('"wire/link.h"')}, '"wire/link.h"'),
    ("layers", {"daemon/tool/noun.c": including('"run/loop.h"')}, '"run/loop.h"'),
    ("layers", {"daemon/attic/noun.c": including("<stdio.h>")}, "<stdio.h>"),
    ("include_order", {"daemon/support/noun.c": including("<stdio.h>", '"support/noun.h"')},
     "before its own header"),
    ("include_order", {"daemon/support/noun.c": including('"support/noun.h"', '"support/a.h"',
                                                          "<stdio.h>")}, "<...> after"),
    ("lengths", {"daemon/support/noun.c": "int a;\n" * 601}, "601 lines, 600 at most"),
    ("lengths", {"daemon/support/noun.h": "int a;\n" * 201}, "201 lines, 200 at most"),
    ("lengths", {"daemon/support/noun.c": body(71)}, "noun.c:noun_get: 71 lines, 70 at most"),
    ("lengths", {"tests/unit/test_noun.c": body(71)}, "test_noun.c:noun_get: 71 lines"),
    ("lengths", {"daemon/support/noun.c": nested(4)}, "noun.c:noun_get: 4 blocks deep, 3 at most"),
    ("lengths", {"daemon/support/noun.c": "\tint " + "a" * 88 + ";\n"}, "line 1 has 101 columns"),
    ("tested", {"tests/unit/test_noun.c": None}, "noun.c: has no test"),
    ("tested", {"tests/unit/test_noun.c": TEST.replace("noun.h", "other.h")}, "noun.c: has no test"),
    ("tested", {"daemon/wire/noun.c": CODE, "daemon/wire/noun.h": HEADER}, "wire/noun.c: has no test"),
    ("tested", {"daemon/tool/noun.c": CODE}, "tool/noun.c: has no test"),
    ("banned", {"daemon/support/noun.c": "\tstrcpy(a, b);\n"}, "line 1 has 'strcpy('"),
    ("banned", {"daemon/support/noun.h": "\tx = atoi (a);\n"}, "'atoi ('"),
    ("banned", {"daemon/support/noun.h": "extern int x;\n"}, "'extern'"),
    ("banned", {"daemon/support/noun.h": "typedef struct noun noun;\n"}, "'typedef struct'"),
    ("banned", {"daemon/support/noun.c": "#ifdef NOUN_TEST\n"}, "'#ifdef NOUN_TEST'"),
    ("banned", {"tests/unit/test_noun.c": '#include "../noun.c"\n'}, "compiled once"),
    ("banned", {"daemon/support/noun.c": "\tassert(x);\n"}, "'assert('"),
    ("banned", {"daemon/support/noun.c": "\tusleep(5);\n"}, "'usleep('"),
    ("banned", {"daemon/support/noun.c": "\tsystem(s);\n"}, "'system('"),
    ("banned", {"tests/system/test_noun.py": "time.sleep(1)\n"}, "'time.sleep('"),
    ("banned", {"README.md": "see /" + "home/me/notes\n"}, "a place on one machine"),
    ("banned", {"sql/0001_noun.sql": "-- TO" + "DO later\n"}, "do it, or file it"),
    ("banned", {"README.md": "look into ../" + "shared\n"}, "users have no such folder"),
    ("whitespace", {"README.md": "a \n"}, "README.md: line 1 ends with a blank"),
    ("whitespace", {"README.md": "a"}, "one end of line"),
    ("whitespace", {"README.md": "a\n\n"}, "one end of line"),
    ("whitespace", {"README.md": "a\r\n"}, "carriage returns"),
    ("whitespace", {"daemon/support/noun.c": "{\n        return 1;\n}\n"}, "noun.c: line 2 is indented"),
    ("whitespace", {"daemon/support/noun.c": "{\n  \treturn 1;\n}\n"}, "noun.c: line 2 is indented"),
    ("whitespace", {"daemon/support/noun.c": "{\n\t    x();\n}\n"}, "noun.c: line 2 is indented"),
    ("whitespace", {"tests/noun.py": "if x:\n\ty()\n"}, "noun.py: line 2 is indented"),
    ("nothing_built", {"daemon/support/noun.o": b"\x7fELF\0"}, "noun.o: is a product"),
    ("nothing_built", {"conf/demo.key": "secret\n"}, "demo.key: is a product"),
]


@pytest.mark.parametrize("check, changes, fault", FAULTS)
def test_fault_is_found(house, check, changes, fault):
    found = list(getattr(checks, check)(house(changes)))
    assert any(fault in one for one in found), found


@pytest.mark.parametrize("check", sorted({check for check, _, _ in FAULTS}))
def test_what_is_right_passes(house, check):
    right = {
        "daemon/decide/zone_index.c": including("<math.h>", "<geos_c.h>", '"support/table.h"'),
        "tests/unit/test_zone_index.c": including('"decide/zone_index.h"'),
        "daemon/support/long.c": body(70) + nested(3),
        "tests/unit/test_long.c": including('"support/long.h"') + "\tstrcpy(a, b);\n",
        "daemon/tool/noun.c": "int verb_noun(void)\n{\n\treturn 0;\n}\n",
        "tests/unit/test_noun_verb.c": including('"tool/verb.h"'),
        "daemon/support/noun.c": CODE + "/* strcpy( and TEST in a remark */\nint f(int a,\n      int b);\n"
                                       "{\n\tfor (;;\n\t     x++)\n\t\tf(a,\n\t\t  b);\n\tx = y ? z{ 1 }\n\t      : z{ 2 };\n}\n",
        "tests/fuzz/corpus/noun/1": b"\r\n \0",
    }
    assert list(getattr(checks, check)(house(right))) == []


def test_a_repository_counts_what_git_counts(tmp_path):
    tree = tmp_path / "house"
    subprocess.run(["git", "init", "-q", tree], check=True)
    (tree / ".gitignore").write_text("build/\n")
    (tree / "build").mkdir()
    (tree / "build" / "product.c").write_text("")
    (tree / "new.c").write_text("")
    assert Tree(tree).files() == [".gitignore", "new.c"]


def test_purity(tmp_path):
    source = tmp_path / "noun.c"
    source.write_text("#include <time.h>\n#include <string.h>\n"
                      "long noun(const char *s) { return (long)strlen(s) + time(0); }\n")
    subprocess.run(["gcc", "-O0", "-fno-builtin", "-c", source, "-o", tmp_path / "noun.o"], check=True)
    subprocess.run(["ar", "rc", tmp_path / "libnoun.a", tmp_path / "noun.o"], check=True)
    symbols = checks.undefined_symbols(tmp_path / "libnoun.a")
    assert symbols == {"strlen", "time"}
    assert [fault.split(": ")[0] for fault in checks.purity(symbols)] == ["daemon/decide:time"]


@pytest.mark.parametrize("symbol", ["clock_mono", "clock_wall", "id_new", "log_write", "getrandom", "write",
                                    "printf", "fopen", "time", "rand", "getenv", "GEOSPreparedContains"])
def test_purity_refuses(symbol):
    assert list(checks.purity({symbol}))


def test_allowances(tmp_path):
    file = tmp_path / "allowances.txt"
    file.write_text("# why\n\nlengths  a.c:f  it is a table\nlengths  b.c  gone by now\nlayers  c.c  other\n")
    left = checks.allowed("lengths", ["a.c:f: 80 lines", "a.c:g: 80 lines"], file)
    assert left == ["a.c:g: 80 lines", "tests/tidy/allowances.txt: nothing needs the allowance of b.c"]


def test_c_is_read():
    text = r"""
#include "a/b.h" /* #include "no.h" */
// #include <no.h>
static const char *s = "} { \" //";
struct x { int a; };
enum { A, B };
#define M(x) \
    do { if (x) { } } while (0)
__attribute__((format(printf, 1, 2))) static int
two(const char *f, ...)
{
    struct x y = (struct x){ 1 };
    int z[] = { 1, 2 };
    g((struct x[]){ { 1 } });
    if (a) {
        for (;;) {
        }
    } else {
        do {
            x = '{';
        } while (1);
    }
    return 0;
}
static inline int one(void) { return 1; }
"""
    assert includes(text) == [(2, '"a/b.h"')]
    assert [tuple(f) for f in functions(text)] == [("two", 9, 24, 2), ("one", 25, 25, 0)]
    assert "no.h" not in code_of(text)
    assert code_of(text).count("\n") == text.count("\n")
