"""`flow graph` and `flow lint` as a flow author types them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest
from drawing_world import SMALL, small

from flowlaunch.cli.app import run

SLOTTED = SMALL.replace("name: Order follow-up", 'name: "{{title}}"')


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "flow.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return path


def test_a_drawing_takes_its_form_from_the_files_ending(file, tmp_path, capsys):
    """The ending of --output chooses the form, and standard output stays empty."""
    beginnings = {".svg": "<svg", ".html": "<!doctype html>", ".dot": "digraph", ".mmd": "---"}
    for ending, beginning in beginnings.items():
        target = tmp_path / f"picture{ending}"
        assert run(["flow", "graph", str(file), "--output", str(target)]) == 0
        assert target.read_text("utf-8").startswith(beginning)
    assert capsys.readouterr().out == ""


def test_a_drawing_goes_to_standard_output(file, capsys):
    """Without --output the drawing itself is all that is printed."""
    assert run(["flow", "graph", str(file), "--format", "svg"]) == 0
    ET.fromstring(capsys.readouterr().out)  # noqa: S314 - our own text


def test_slots_are_filled_or_keep_their_name(tmp_path, capsys):
    """A slot without a value is drawn by its name and told of; with --set it has its value."""
    path = tmp_path / "flow.yaml"
    path.write_text(SLOTTED, encoding="utf-8")
    assert run(["flow", "graph", str(path)]) == 0
    shown = capsys.readouterr()
    assert 'title: "title"' in shown.out
    assert "title" in shown.err
    assert run(["flow", "graph", str(path), "--set", "title=Orders"]) == 0
    assert 'title: "Orders"' in capsys.readouterr().out


def test_coverage_and_a_run_can_be_laid_on(file, tmp_path, capsys):
    """--coverage and --run read the JSON of the other commands; both at once are refused."""
    flow = small()
    detail = [{"number": action.ref.number, "count": 1, "paths": {}} for action in flow.actions()]
    covered = tmp_path / "coverage.json"
    covered.write_text(json.dumps({"coverage": {"flows": [{"flow": flow.name, "actions": detail}]}}), encoding="utf-8")
    entry = {"action": next(flow.actions()).ref.as_json(), "path": "success", "changes": []}
    trace = tmp_path / "trace.json"
    trace.write_text(json.dumps({"trace": {"entries": [entry]}}), encoding="utf-8")
    assert run(["flow", "graph", str(file), "--format", "svg", "--coverage", str(covered)]) == 0
    assert "14 of 14 actions" in capsys.readouterr().out
    assert run(["flow", "graph", str(file), "--format", "svg", "--run", str(trace)]) == 0
    assert "One run: 1 steps" in capsys.readouterr().out
    assert run(["flow", "graph", str(file), "--run", str(trace), "--coverage", str(covered)]) == 2


def test_a_broken_flow_is_not_drawn(tmp_path, capsys):
    """A flow with a mistake gives the mistake's place and no drawing."""
    path = tmp_path / "flow.yaml"
    path.write_text(SMALL.replace("Flow.index > 1", "Flow.indx > 1"), encoding="utf-8")
    assert run(["flow", "graph", str(path)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Flow.indx" in shown.err


def test_coverage_and_a_run_come_from_the_other_commands(tmp_path, capsys):
    """What `flow cover` and `flow run` write as JSON is what `flow graph` reads."""
    flow = tmp_path / "flow.yaml"
    flow.write_text(SMALL, encoding="utf-8")
    stubs = tmp_path / "stubs.yaml"
    stubs.write_text("data_actions:\n  - {action: Find order, outputs: {status: done}}\n", encoding="utf-8")
    cases = tmp_path / "flow.test.yaml"
    text = "flow: flow.yaml\nstubs:\n  data_actions: [{action: Find order, outputs: {status: done}}]\n"
    cases.write_text(f"{text}cases: [{{name: Done, expect: {{status: COMPLETED}}}}]\n", encoding="utf-8")
    assert run(["flow", "cover", str(cases), "-o", "json"]) == 0
    coverage = tmp_path / "coverage.json"
    coverage.write_text(capsys.readouterr().out, encoding="utf-8")
    assert run(["flow", "graph", str(flow), "--format", "svg", "--coverage", str(coverage)]) == 0
    assert "Coverage: 4 of 14 actions" in capsys.readouterr().out
    assert run(["flow", "run", str(flow), "--stubs", str(stubs), "--trace", "-o", "json"]) == 0
    trace = tmp_path / "trace.json"
    trace.write_text(capsys.readouterr().out, encoding="utf-8")
    assert run(["flow", "graph", str(flow), "--format", "svg", "--run", str(trace)]) == 0
    drawn = capsys.readouterr().out
    assert "One run: 4 steps" in drawn
    assert "Flow.status = &quot;done&quot;" in drawn
    target = tmp_path / "cover.html"
    assert run(["flow", "cover", str(cases), "--drawing", str(target)]) == 0
    assert "Coverage: 4 of 14 actions" in target.read_text("utf-8")
