"""Answers become models: leniently where fields are missing, and with the JSON path where the shape is wrong."""

import json
from datetime import UTC, datetime

import pytest
from driving import Hand, api, guide, response
from hypothesis import given, strategies as st

from flowlaunch._core import reading
from flowlaunch.errors import DecodeError, FlowlaunchError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def read(plan, body, **headers):
    """Run a reading plan that is answered with `body`."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Hand([response(200, content, **headers)]).run(plan)


def status(body, an_api=None, **headers):
    """Read an execution."""
    return read(reading.status_plan(an_api or api(), "e-1", 30.0), body, **headers)


def test_an_execution_is_read_whole():
    """Every official field of an execution has its place in the model (official, SDK 269.0.0)."""
    one = status(
        {
            "id": "e-1",
            "name": "label",
            "flowVersion": {"id": "3.0", "name": "3.0"},
            "dateLaunched": "2026-11-21T08:00:00.123Z",
            "status": "FAILED",
            "dateCompleted": "2026-11-21T09:00:00+01:00",
            "completionReason": "Failure",
            "flowErrorInfo": {
                "message": "m",
                "code": "error.workflow.expression.unexpectedNull",
                "messageParams": {"expression": "Flow.userEmail", "pos": 0},
            },
            "outputData": {"Flow.result": 1},
            "conversation": {"id": "c-1"},
        },
        inin_correlation_id="corr",
    )

    assert one.launched_at == datetime(2026, 11, 21, 8, 0, 0, 123000, tzinfo=UTC)
    assert one.completed_at == datetime(2026, 11, 21, 8, tzinfo=UTC)
    assert (one.status, one.completion_reason, one.flow_version.id, one.name) == ("FAILED", "Failure", "3.0", "label")
    assert one.error.params == {"expression": "Flow.userEmail", "pos": "0"}
    assert (one.output_data, one.conversation_id, one.correlation_id) == ({"Flow.result": 1}, "c-1", "corr")


@pytest.mark.parametrize("text", ["RUNNING", "running", "SUSPENDED_IN_SPACE", ""])
def test_a_status_is_kept_as_it_came(text):
    """An unknown status is kept verbatim, in whatever case."""
    assert status({"status": text}).status == text


def test_missing_fields_are_empty():
    """Only the status must be there; the id is the one asked for."""
    one = status({"status": "RUNNING"})

    assert one.id == "e-1"
    assert (one.output_data, one.error, one.launched_at, one.flow_version, one.conversation_id) == (
        {},
        None,
        None,
        None,
        "",
    )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-11-21T08:00:00Z", datetime(2026, 11, 21, 8, tzinfo=UTC)),
        ("2026-11-21T08:00:00", datetime(2026, 11, 21, 8, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_an_instant_is_utc_or_nothing(text, wanted):
    """An instant without an offset is UTC; one that cannot be read is left out."""
    assert status({"status": "RUNNING", "dateLaunched": text}).launched_at == wanted


def test_unknown_fields_are_passed_by():
    """A newer service may send more."""
    assert status({"status": "RUNNING", "newField": [1], "flowErrorInfo": {"new": 1}}).error.message == ""


def test_the_guide_contract_names_its_fields_otherwise():
    """Under the guide contract executionId, flowId and data are read."""
    one = status({"executionId": "x-1", "flowId": "f-1", "status": "COMPLETED", "data": {"a": 1}}, guide())

    assert (one.id, one.flow_id, one.output_data) == ("x-1", "f-1", {"a": 1})


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"[]", "expected"),
        (b"", "Input data was truncated"),
        (b"<html>hotel</html>", "hotel"),
        (b"{}", "`status`"),
        (b'{"status": null}', "`$.status`"),
        (b'{"status": 5}', "`$.status`"),
        (b'{"status": "R", "outputData": []}', "`$.outputData`"),
        (b'{"status": "R", "flowVersion": {"id": 3}}', "`$.flowVersion.id`"),
        (b'{"status": "R", "flowErrorInfo": "x"}', "`$.flowErrorInfo`"),
        (b'{"status": "R", "dateLaunched": 5}', "`$.dateLaunched`"),
        (b'{"status": "R", "outputData": {"a": ' + b"[" * 50_000, "recursion"),
        (b'{"status": "\xff"}', "utf-8"),
    ],
    ids=range(12),
)
def test_a_wrong_shape_is_told_by_its_json_path(body, path):
    """An answer of another shape says where it differs and shows what was found."""
    with pytest.raises(DecodeError) as caught:
        status(body, inin_correlation_id="corr")

    assert path.lower() in caught.value.message.lower()
    assert caught.value.message.startswith("could not read execution e-1: the answer has not the promised shape")
    assert caught.value.details == {"correlation_id": "corr", "status": 200}


def test_who_am_i_reads_what_is_there():
    """Organization, client, grant, scopes and divisions of a token are told, and the whole answer is kept."""
    whole = {
        "organization": {"id": "o-1", "name": "Org"},
        "OAuthClient": {
            "id": "c-1",
            "name": "Client",
            "authorizedGrantType": "CLIENT-CREDENTIALS",
            "roleDivisions": [{"divisionId": "d-1"}, {"divisionId": "d-1"}, {"divisionId": "d-2"}, {}, "odd"],
        },
        "authorizedScope": ["architect"],
    }

    me = read(reading.whoami_plan(api(), 30.0), whole)

    assert (me.organization_id, me.organization_name, me.client_id, me.client_name) == ("o-1", "Org", "c-1", "Client")
    assert (me.grant_type, me.scopes, me.divisions) == ("CLIENT-CREDENTIALS", ("architect",), ("d-1", "d-2"))
    assert me.raw == whole


def test_limits_are_read_with_their_namespace():
    """Each limit has key, value and namespace; what is odd is passed by."""
    body = {"entities": [{"key": "k", "value": 300, "description": "d"}, {"namespace": "n2", "value": "x"}, 5]}

    limits = read(reading.limits_plan(api(), None, 30.0), body)

    assert [(one.namespace, one.key, one.value) for one in limits] == [
        ("platform.api", "k", 300),
        ("n2", "", None),
        ("platform.api", "", None),
    ]


def test_a_namespace_is_asked_for_by_name():
    """A namespace stands in the path, quoted."""
    hand = Hand([response(200, b"{}")])

    assert hand.run(reading.limits_plan(api(), "a/b", 30.0)) == ()
    assert hand.sent[0].call.url.endswith("/limits/namespaces/a%2Fb")


PLANS = {
    "status": lambda: reading.status_plan(api(), "e-1", 30.0),
    "whoami": lambda: reading.whoami_plan(api(), 30.0),
    "limits": lambda: reading.limits_plan(api(), None, 30.0),
}
FIELDS = """status outputData entities organization OAuthClient roleDivisions authorizedScope id flowVersion
flowErrorInfo messageParams conversation name key value dateLaunched"""
NAMES = st.sampled_from(FIELDS.split())
SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just("text"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=10,
)


@pytest.mark.parametrize("name", PLANS)
@given(
    body=st.one_of(
        SHAPES.map(lambda value: json.dumps(value).encode()), JSON.map(lambda v: json.dumps(v).encode()), st.binary()
    )
)
def test_no_answer_crashes_a_read(name, body):
    """Whatever a service answers, a read gives a model or an error of ours."""
    try:
        read(PLANS[name](), body)
    except FlowlaunchError as error:
        assert isinstance(error, DecodeError)  # noqa: PT017 - a model is right, too
