"""Slots of templates are filled before the text is parsed."""

from __future__ import annotations

import pytest
from flow_world import flow_text

from flowlaunch.architect.load import load_flow
from flowlaunch.architect.source import Source
from flowlaunch.architect.templates import fill_slots, slot_names
from flowlaunch.errors import FlowNameError, FlowSyntaxError

TEXT = flow_text(
    """
    # a comment may name {{anything}}
    - endWorkflow:
        name: {{title}}
        exitReason:
          lit: "${reason}"
    """
)


def test_both_kinds_of_slots_are_filled():
    """`{{name}}` and `${name}` take the values given."""
    flow = load_flow(TEXT, name="t.yaml", slots={"title": "Stop", "reason": "bored"})
    assert next(flow.actions()).name == "Stop"


def test_slot_without_a_value_is_an_error_with_its_line():
    """A slot without a value is refused, naming the slot, the file and the line."""
    with pytest.raises(FlowNameError) as caught:
        load_flow(TEXT, name="t.yaml", slots={"tittle": "Stop", "reason": "x"})
    assert "{{title}}" in caught.value.message
    assert caught.value.span.place.startswith("t.yaml:16:")
    assert caught.value.hint == "Did you mean `tittle`?"


def test_slots_can_be_listed_first():
    """The slots of a text are listed in order, each once, without those in comments."""
    assert slot_names(TEXT) == ("title", "reason")


def test_doubled_dollar_keeps_the_text():
    """`$${` stands for a literal `${`, as in Terraform."""
    assert fill_slots(Source("t", "a: $${b}"), {}).text == "a: ${b}"


def test_line_breaks_in_values_are_refused():
    """A slot value with a line break is refused, since it could change the structure of the flow."""
    with pytest.raises(FlowSyntaxError, match="title"):
        load_flow(TEXT, name="t.yaml", slots={"title": "a\n- b", "reason": "x"})


def test_positions_count_in_the_filled_text():
    """Errors after a filled slot still point at their line."""
    broken = TEXT.replace("exitReason", "exitRaison")
    with pytest.raises(FlowNameError) as caught:
        load_flow(broken, name="t.yaml", slots={"title": "x" * 50, "reason": "y"})
    assert caught.value.span.line == 17
