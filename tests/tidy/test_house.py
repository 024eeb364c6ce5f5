"""The fences of the house, tried on the house itself."""

import pathlib

import checks
import pytest
from tree import Tree

SOURCE = pathlib.Path(__file__).resolve().parents[2]
TREE = Tree(SOURCE)
LIBRARY = SOURCE / "build" / "tests" / "libtocsin_decide.a"


CHECKS = ["layers", "include_order", "lengths", "tested", "banned", "whitespace", "nothing_built"]


def expect_none(check, faults):
    faults = checks.allowed(check, faults)
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)


@pytest.mark.parametrize("check", CHECKS)
def test(check):
    expect_none(check, getattr(checks, check)(TREE))


def test_purity():
    expect_none("purity", checks.purity(checks.undefined_symbols(LIBRARY)))


def test_allowances_name_a_check():
    for _, line in checks.lines_of(checks.HERE / "allowances.txt"):
        assert line.split()[0] in [*CHECKS, "purity"], line
