"""Compiled expression trees of public exports, as Genesys' own compiler made them."""

import json
from pathlib import Path

import pytest

from flowlaunch.architect.expressions import compile_expression
from flowlaunch.architect.standalone import MapScope
from flowlaunch.architect.types import type_of_code

ORACLE = Path(__file__).resolve().parents[3] / "shared" / "oracles" / "expression_trees.jsonl"
BUILTIN_SCOPES = ("call.", "email.", "message.", "survey.", "workitem.", "session.", "format.", "prompt")


def read_rows():
    if not ORACLE.is_file():
        pytest.skip("../shared is not beside this checkout")
    return [json.loads(line) for line in ORACLE.read_text(encoding="utf-8").splitlines()]


def references(tree, found):
    (key, node), *_ = tree.items()
    if key in {"ref", "sysref"} and not node["text"].lower().startswith(BUILTIN_SCOPES):
        found[node["text"]] = type_of_code(node["type"])
    for operand in node.get("operands", ()):
        references(operand, found)
    return found


def compile_row(row, text=None):
    scope = MapScope(references(row["ast"], {}))
    return compile_expression(text or row["text"], scope, type_of_code(row["type"]))


def test_trees_and_types_are_those_of_the_official_compiler():
    """Every given expression compiles to the same tree, types and root conversion."""
    rows = read_rows()
    differing = [row["text"] for row in rows if compile_row(row).tree() != row["ast"]]
    assert differing == []
    assert len(rows) >= 240


def test_canonical_text_is_that_of_the_official_compiler():
    """Every given expression prints exactly as Architect prints it."""
    assert [row["text"] for row in read_rows() if compile_row(row).canonical != row["canonical"]] == []


def test_canonical_text_compiles_to_the_same_tree():
    """Printing loses nothing: the canonical text of every given expression has the same tree."""
    rows = read_rows()
    assert [row["text"] for row in rows if compile_row(row, row["canonical"]).tree() != row["ast"]] == []
