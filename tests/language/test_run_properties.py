"""Whatever the world answers, a run ends in COMPLETED or FAILED, and its trace is JSON."""

from __future__ import annotations

import json
from typing import Any

from flow_world import SHARED, World, load_shared
from hypothesis import HealthCheck, given, settings, strategies as st

from flowlaunch.architect import effects as fx
from flowlaunch.errors import FlowTypeError

NAMES = sorted(path.name for path in (SHARED / "flows").glob("*.yaml")) or ["absent.yaml"]
WORDS = st.text(max_size=6) | st.sampled_from(["+13178723000", "7", "CREATE", "Critical", "disconnected", "PT1H"])
LEAVES = st.none() | st.booleans() | st.integers(-(10**16), 10**16) | st.floats(allow_nan=False) | WORDS
KEYS = st.sampled_from(["id", "name", "state", "items", "employees", "priority", "body", "webhooksInvocation", "a.b"])
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4))
ROWS = st.dictionaries(KEYS, JSON, max_size=4)
PROBLEMS = st.sampled_from([fx.Failed("kind", "message"), fx.Failed()])


def answers(data: st.DataObject) -> dict[str, Any]:
    """Answer every kind of effect with something of the right class and any content."""
    rows = {
        "CallDataAction": st.one_of(
            st.builds(fx.DataActionSuccess, JSON),
            st.builds(fx.DataActionFailure, ROWS),
            st.just(fx.DataActionTimeout()),
        ),
        "Wait": st.none() | PROBLEMS,
        "TableLookup": st.builds(fx.Found, ROWS) | st.just(fx.NotFound()) | PROBLEMS,
        "ReadConversation": st.builds(fx.Found, ROWS) | st.just(fx.NotFound()) | PROBLEMS,
        "WriteConversation": st.just(fx.Done()) | PROBLEMS,
        "Lookup": st.builds(fx.Found, JSON) | st.just(fx.NotFound()) | PROBLEMS,
        "Notify": st.just(fx.Done()) | PROBLEMS,
        "Perform": st.just(fx.Done()) | PROBLEMS | st.builds(fx.Taken, WORDS, ROWS),
    }
    return {kind: (lambda _, choice=choice: data.draw(choice)) for kind, choice in rows.items()}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.sampled_from(NAMES), st.data())
def test_any_answers_end_the_run(name: str, data: st.DataObject):
    """Public flows with any inputs that fit and any answers complete or fail, and leave a trace that is JSON."""
    flow = load_shared(name)
    fitting = {"str": WORDS | st.none(), "jsn": JSON}
    inputs = {
        item.name: data.draw(fitting.get(item.type.name, JSON)) for item in flow.inputs if data.draw(st.booleans())
    }
    try:
        result = World(answers(data)).run(flow, inputs)
    except FlowTypeError as error:
        assert "input Flow." in error.message or "input Common." in error.message  # noqa: PT017 - either outcome is fine
        return
    assert result.status in {"COMPLETED", "FAILED"}
    assert (result.error is None) == (result.status == "COMPLETED")
    assert json.dumps(result.trace.as_json())
    assert json.dumps(result.outputs)
