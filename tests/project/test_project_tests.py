"""The tests themselves: each states a claim."""

import ast
import os
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FILES = sorted(TESTS.rglob("test_*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(TESTS).as_posix())
def test_every_test_states_its_claim(path):
    """Each test function has a docstring that says in a sentence what holds."""
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_")
    ]

    silent = [node.name for node in functions if not (ast.get_docstring(node) or "").strip()]

    assert functions
    assert silent == []


def test_no_two_test_files_share_a_name():
    """Test files have names of their own, so that each is collected whatever else is."""
    names = [path.name for path in FILES]

    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("turn", ["first", "second"])
def test_every_test_starts_with_an_empty_home(turn):
    """A profile or token that one test writes into its home is not there for the next test, in any order."""
    home = Path(os.environ["HOME"])

    assert not list(home.rglob("*"))

    (home / "left-behind").write_text(turn, "utf-8")
