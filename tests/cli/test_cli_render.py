"""Output: formats, queries, and what must not reach a terminal or a spreadsheet."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given, strategies as st

from flowlaunch.batch.results.csv_cells import cell_for_csv
from flowlaunch.cli.render import emit
from flowlaunch.cli.terminal import printable

ROWS = [{"id": "1", "name": "a", "inner": {"x": 1}}, {"id": "2", "name": "=cmd", "inner": {}}]


def test_each_format_carries_every_row(capsys):
    """table, json, jsonl and csv show the same rows, json and jsonl with every field."""
    emit(ROWS, "json")
    assert json.loads(capsys.readouterr().out) == ROWS
    emit(iter(ROWS), "jsonl")
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == ROWS
    emit(ROWS, "csv")
    found = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["name"] for row in found] == ["a", "'=cmd"]
    assert found[0]["inner"] == '{"x":1}'
    emit(ROWS, "table", columns={"id": "id", "inner.x": "x"})
    assert capsys.readouterr().out == "ID  X\n1   1\n2\n"


def test_a_record_is_a_list_of_names_and_values(capsys):
    """One record is shown line by line, inner records with their path, empty values left out."""
    emit({"id": "1", "none": None, "flow": {"id": "f"}, "many": ["a", "b"]}, "table")
    assert capsys.readouterr().out == "id       1\nflow.id  f\nmany     a, b\n"


def test_a_query_picks_and_the_format_stays(capsys):
    """--query selects with JMESPath; scalars come out bare in a table and as JSON in json."""
    emit(ROWS, "table", query="[].name")
    assert capsys.readouterr().out == "a\n=cmd\n"
    emit(ROWS, "json", query="[?id=='2'].name | [0]")
    assert capsys.readouterr().out == '"=cmd"\n'


def test_a_wrong_query_is_a_usage_error(at_sandbox):
    """A query that is no JMESPath ends with 2 and points at it."""
    ended = at_sandbox("flows", "list", "--query", "[[")
    assert ended.code == 2
    assert "JMESPath" in ended.err


def test_an_empty_list_is_an_empty_output(capsys):
    """No rows print nothing in table, csv and jsonl, and [] in json."""
    for output, wanted in (("table", ""), ("csv", ""), ("jsonl", ""), ("json", "[]\n")):
        emit([], output)
        assert capsys.readouterr().out == wanted


@pytest.mark.parametrize("text", ["+4930123456", "-3.5", "+1", "-7", "2026-01-01", "", "a=b", "0"])
def test_numbers_and_phone_numbers_stay_as_they_are(text):
    """E.164 numbers and negative numbers are not escaped for spreadsheets."""
    assert cell_for_csv(text) == text


@given(st.text(min_size=1))
def test_no_cell_begins_with_a_formula(text):
    """Whatever a cell holds, a spreadsheet finds no formula in it."""
    cell = cell_for_csv(text)
    is_number = cell.lstrip("+-").replace(".", "", 1).replace(",", "", 1).isdecimal()
    assert not cell.startswith(("=", "@", "\t", "\r"))
    assert not cell.startswith(("+", "-")) or is_number


@given(st.text())
def test_no_text_can_steer_the_terminal(text):
    """Escape sequences in names and messages are spelled out and never sent."""
    shown = printable(text)
    assert all(c.isprintable() or c in "\n\t" for c in shown)


def test_flow_names_with_escape_sequences_are_harmless(at_sandbox, sandbox):
    """A flow whose name holds an escape sequence is listed with the sequence spelled out."""
    sandbox.upload_flow(
        'workflow:\n  name: "bad\\e[31m"\n  startUpRef: ./states/state[s]\n  states:\n    - state:\n'
        "        name: s\n        refId: s\n        actions:\n          - endWorkflow:\n              name: e\n"
    )
    ended = at_sandbox("flows", "list")
    assert ended.code == 0
    assert "\x1b" not in ended.out
    assert "bad\\x1b[31m" in ended.out


def test_a_long_listing_streams(at_sandbox, sandbox):
    """jsonl prints one flow a line, and a reader that leaves early does no harm."""
    ended = at_sandbox("flows", "list", "-o", "jsonl")
    lines = [json.loads(line) for line in ended.out.splitlines()]
    assert {"Order follow-up", "Refund check"} <= {line["name"] for line in lines}
