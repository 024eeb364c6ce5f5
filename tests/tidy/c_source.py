"""Reads C well enough to measure it: without comments and texts, its functions, its includes."""

import re
from typing import NamedTuple

_COMMENT_OR_TEXT = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]+(<[^>\n]+>|\"[^\"\n]+\")", re.MULTILINE)
_ATTRIBUTE = re.compile(r"__attribute__\s*\(\(.*?\)\)", re.DOTALL)
_OPENS_BLOCK = re.compile(r"(\)|\belse|\bdo)\s*\Z")


class Function(NamedTuple):
    name: str
    first: int  # its first and last line, from 1
    last: int
    depth: int  # the most blocks within each other; a body of statements alone has none


def _blank(match):
    """What was matched as spaces, so that lines and columns stay where they are."""
    return re.sub(r"[^\n]", " ", match.group())


def code_of(text):
    """The text without comments and without what stands in quotes."""
    def replace(match):
        word = match.group()
        return f'"{" " * (len(word) - 2)}"' if word[0] == '"' else _blank(match)
    return _COMMENT_OR_TEXT.sub(replace, text)


def includes(text):
    """(line, "<x.h>" or '"room/x.h"'), in order."""
    code = _COMMENT_OR_TEXT.sub(lambda m: m.group() if m.group()[0] == '"' else _blank(m), text)
    return [(code.count("\n", 0, m.start()) + 1, m.group(1)) for m in _INCLUDE.finditer(code)]


def _name_of(head):
    """The name of the function that a head declares; None when it declares none."""
    head = _ATTRIBUTE.sub(" ", head)
    match = re.search(r"(\w+)\s*\(", head)
    if not match or "=" in head[:match.start()] or not head.rstrip().endswith(")"):
        return None
    return match.group(1)


def functions(text):
    """Every function with a body. Compound literals and initialisers are no blocks."""
    code = _DIRECTIVE.sub(_blank, code_of(text))
    found, stack = [], []
    head_start, deepest = 0, 0
    name, begin = None, 0
    for match in re.finditer(r"[{};]", code):
        at, mark = match.start(), match.group()
        if mark == "{":
            if not stack:
                head = code[head_start:at]
                name, deepest = _name_of(head), 0
                begin = head_start + len(head) - len(head.lstrip())
            before = code[max(0, at - 40):at]
            opens = bool(_OPENS_BLOCK.search(before)) and code[at - 1] != ")"
            stack.append(opens)
            deepest = max(deepest, sum(stack[1:]))
        elif mark == "}" and stack:
            stack.pop()
            if not stack:
                if name:
                    found.append(Function(name, code.count("\n", 0, begin) + 1,
                                          code.count("\n", 0, at) + 1, deepest))
                head_start = match.end()
        elif mark == ";" and not stack:
            head_start = match.end()
    return found
