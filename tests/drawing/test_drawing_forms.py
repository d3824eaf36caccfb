"""The forms of a drawing: SVG, HTML, Mermaid and DOT, plain and with counts or a run on them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from drawing_world import SMALL, large, shared_flows, small

from flowlaunch.architect.drawing import (
    dot_of,
    html_of,
    mermaid_of,
    overlay_of_coverage,
    overlay_of_trace,
    svg_of,
)
from flowlaunch.architect.load import load_flow
from flowlaunch.errors import FlowSyntaxError

FLOWS = {"small": small, "large": large, **shared_flows()}
SVG = "{http://www.w3.org/2000/svg}"
NASTY = "</text><script>alert(1)</script> \" ' & ]]> --> `x` |y| \\n {{z}}"


@pytest.fixture(params=list(FLOWS), scope="module")
def flow(request):
    return FLOWS[request.param]()


def nasty():
    """Give a flow whose every name and text tries to break out."""
    quoted = "'" + NASTY.replace("'", "''") + "'"
    text = SMALL.replace("name: Find order\n", f"name: {quoted}\n").replace("lit: timeout", f"lit: {quoted}")
    text = text.replace("name: Main", f"name: {quoted}").replace("name: Order follow-up", f"name: {quoted}")
    return load_flow(text.replace("{{z}}", "(z)"), name="nasty.yaml")


def coverage(flow, hits=1):
    """Give a coverage document in which every action ran, and every filled path."""
    detail = [{"number": a.ref.number, "count": hits, "paths": dict.fromkeys(a.paths, hits)} for a in flow.actions()]
    return {"coverage": {"flows": [{"flow": flow.name, "actions": detail}]}}


def step(flow, number, path=None, changes=(), error=""):
    ref = next(action.ref for action in flow.actions() if action.ref.number == number)
    entry = {"action": ref.as_json(), "path": path, "inputs": {}, "changes": [dict(change) for change in changes]}
    return entry | ({"error": error} if error else {})


def test_svg_is_well_formed_and_told_to_screen_readers(flow):
    """The SVG is XML with a title and a description, and knows its size."""
    root = ET.fromstring(svg_of(flow))  # noqa: S314 - our own text
    assert root.tag == f"{SVG}svg"
    assert root.find(f"{SVG}title").text.strip() == flow.name.strip()
    assert "action" in root.find(f"{SVG}desc").text
    assert float(root.get("width")) > 300
    assert root.get("aria-labelledby") == "flow-title flow-desc"


def test_a_drawing_needs_nothing_but_itself(flow):
    """Neither SVG nor HTML holds a script, an event handler or an address of another file."""
    for text in (svg_of(flow), html_of(flow)):
        assert "<script" not in text.lower()
        assert not re.search(r"<[^>]+\son\w+=", text)
        assert not re.search(r"(src|href)=\"(?!#)", text)
        assert "url(" not in text
        assert "@import" not in text
        assert "prefers-color-scheme:dark" in text


def test_full_texts_are_at_hand():
    """What a card has no room for is in its tooltip, and in words on the page."""
    flow = large()
    long = 'Append(Flow.customerName, " and a long text that does not fit")'
    titles = [one.text for one in ET.fromstring(svg_of(flow)).iter(f"{SVG}title")]  # noqa: S314 - our own text
    assert any(long in (title or "") for title in titles)
    assert long.replace('"', "&quot;") in html_of(flow)


def test_texts_of_a_flow_stay_texts():
    """Names and expressions full of mark-up are shown as they are and change nothing."""
    flow = nasty()
    root = ET.fromstring(svg_of(flow))  # noqa: S314 - our own text
    assert not list(root.iter(f"{SVG}script"))
    assert "<script" not in html_of(flow)
    mermaid, dot = mermaid_of(flow), dot_of(flow)
    assert "<script" not in mermaid
    assert all(line.count('"') % 2 == 0 for line in mermaid.splitlines()[3:])
    assert all(len(re.findall(r'(?<!\\)(?:\\\\)*"', line)) % 2 == 0 for line in dot.splitlines())


def test_control_characters_do_not_spoil_the_xml():
    """Characters that XML cannot hold are replaced."""
    flow = load_flow(SMALL.replace("name: Main", 'name: "a\\u0001b\\ufffe"'), name="x.yaml")
    ET.fromstring(svg_of(flow))  # noqa: S314 - our own text


class _Tags(HTMLParser):
    """Checks that tags close in the order in which they opened."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):  # noqa: ARG002 - the base class names it
        if tag not in {"meta", "br"} and not (tag in {"rect", "circle", "path", "polygon"} and self.is_closed()):
            self.open.append(tag)

    def is_closed(self):
        return self.get_starttag_text().endswith("/>")

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_html_is_balanced(flow):
    """Every tag of the page is closed where it should be."""
    tags = _Tags()
    tags.feed(html_of(flow))
    assert tags.open == []


def test_jumps_lead_to_their_states():
    """The card of a changeState or callTask is a link to the frame of its state or task."""
    root = ET.fromstring(svg_of(small()))  # noqa: S314 - our own text
    ids = {one.get("id") for one in root.iter() if one.get("id")}
    links = [one.get("href") for one in root.iter(f"{SVG}a")]
    assert len(links) == 2
    assert all(link.startswith("#") and link[1:] in ids for link in links)


def test_mermaid_has_a_node_for_each_action_and_only_known_arrows(flow):
    """Mermaid text declares each node once, and every arrow joins two declared nodes."""
    text = mermaid_of(flow)
    nodes = re.findall(r"^    (n\d+)[\[({]", text, re.MULTILINE)
    assert len(nodes) == len(set(nodes))
    assert len(nodes) >= len(list(flow.actions()))
    for start, end in re.findall(r'^  (n\d+) (?:-->|-\.->)(?:\|"[^"]*"\|)? (n\d+)$', text, re.MULTILINE):
        assert {start, end} <= set(nodes)
    assert text.count("subgraph") == len(flow.states) + len(flow.tasks) == text.count("\n  end\n")


def test_dot_has_a_node_for_each_action_and_only_known_arrows(flow):
    """DOT text declares each node once, every arrow joins two declared nodes, and braces are balanced."""
    text = dot_of(flow)
    nodes = re.findall(r"^    (n\d+) \[", text, re.MULTILINE)
    assert len(nodes) == len(set(nodes))
    assert len(nodes) >= len(list(flow.actions()))
    for start, end in re.findall(r"^  (n\d+) -> (n\d+)", text, re.MULTILINE):
        assert {start, end} <= set(nodes)
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", text)
    assert bare.count("{") == bare.count("}")


def test_coverage_lies_on_the_drawing():
    """Counts are on cards and paths, and what never ran is marked."""
    flow = small()
    document = coverage(flow, 3)
    detail = document["coverage"]["flows"][0]["actions"]
    detail[1]["count"] = 0
    overlay = overlay_of_coverage(document, flow)
    svg = svg_of(flow, overlay)
    assert "Coverage: 13 of 14 actions" in svg
    assert svg.count(">3\u00d7<") == 13
    assert svg.count(">0\u00d7<") == 1
    assert "yes \u00b7 3\u00d7" in svg
    assert 'class="card missed"' in svg
    assert "never ran" in mermaid_of(flow, overlay)
    assert "never ran" in dot_of(flow, overlay)


def test_a_run_lies_on_the_drawing():
    """Steps are numbered, values are shown, and what was not on the way is faded."""
    flow = small()
    entries = [
        step(flow, 0, "success", [{"variable": "Flow.status", "value": "late"}]),
        step(flow, 1, "1"),
        step(flow, 2),
        step(flow, 7, "loop", [{"variable": "Flow.index", "value": None}]),
        step(flow, 8, error="the wait is too long"),
    ]
    overlay = overlay_of_trace({"trace": {"entries": entries, "leftOut": 0}}, flow)
    svg = svg_of(flow, overlay)
    assert "One run: 5 steps, failed" in svg
    assert "Flow.status = &quot;late&quot;" in svg
    assert "Flow.index = NOT_SET" in svg
    assert "error: the wait is too long" in svg
    assert 'class="card failed"' in svg
    assert 'class="faded"' in svg
    assert ">#1<" in svg


@pytest.mark.parametrize("document", [None, [], 5, {"a": 1}, {"entries": [1]}, {"flows": [1]}, {"actions": 3}])
def test_files_of_another_kind_are_refused(document):
    """A coverage or trace file that is none is refused with a word on how to write one."""
    flow = small()
    for read in (overlay_of_coverage, overlay_of_trace):
        if read is overlay_of_trace and document == []:
            continue
        with pytest.raises(FlowSyntaxError, match=r"no (coverage|trace)|nothing about") as error:
            read(document, flow)
        assert error.value.hint
