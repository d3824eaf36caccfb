"""What a launch sends, and what it makes of the answer."""

import json

import pytest
from driving import FLOW_ID, Hand, api, guide, response

from flowlaunch._core.launching import Order, check_plan, inputs_plan, launch_plan, preview_plan, shared_plan
from flowlaunch._core.steps import Warn
from flowlaunch.errors import (
    DecodeError,
    FlowLookupError,
    LaunchInDoubtError,
    PermissionDeniedError,
    PreflightError,
    SettingsError,
)
from flowlaunch.models import Flow, FlowVersion

SCHEMA = {
    "type": "object",
    "properties": {"Flow.customerName": {"type": "string"}, "Flow.count": {"type": "integer"}},
    "required": ["Flow.customerName"],
}
FLOW = Flow(id=FLOW_ID, name="Order", type="WORKFLOW", published_version=FlowVersion(id="3.0"), input_schema=SCHEMA)
LAUNCHED = response(200, b'{"id": "e-1", "name": "n", "flowVersion": {"id": "3.0"}}', inin_correlation_id="c-1")
GOOD = {"customerName": "Ada"}


def launch(hand, order, mode="strict", an_api=None, timeout_s=30.0):
    """Launch `order` by `hand`."""
    return hand.run(launch_plan(an_api or api(), order, mode, timeout_s))


def sent_body(hand):
    """Return the JSON of the one request."""
    (request,) = hand.sent
    return json.loads(request.call.body)


def test_a_launch_sends_the_official_fields():
    """flowId, inputData with prefixed keys, flowVersion and name go out; nothing else does (official)."""
    hand = Hand([LAUNCHED])

    launched = launch(hand, Order(FLOW, {"customerName": "Ada", "Flow.count": 2}, "3.0", "label", "key-1"))

    assert hand.sent[0].call.url == "http://localhost:1/api/v2/flows/executions"
    assert sent_body(hand) == {
        "flowId": FLOW_ID,
        "inputData": {"Flow.customerName": "Ada", "Flow.count": 2},
        "flowVersion": "3.0",
        "name": "label",
    }
    assert (launched.id, launched.flow_id, launched.key, launched.correlation_id) == ("e-1", FLOW_ID, "key-1", "c-1")
    assert launched.flow_version.id == "3.0"


def test_what_is_not_given_is_not_sent():
    """Without version and name only flow and input data go out: the platform then takes the published version."""
    hand = Hand([LAUNCHED])

    launch(hand, Order(FLOW, GOOD))

    assert set(sent_body(hand)) == {"flowId", "inputData"}


@pytest.mark.parametrize(("sends", "wanted"), [(True, "key-1"), (False, None)])
def test_the_key_goes_out_as_a_header_unless_switched_off(sends, wanted):
    """The caller's key is an Idempotency-Key header, as the platform's own convention has it elsewhere (guess here)."""
    hand = Hand([LAUNCHED])

    launch(hand, Order(FLOW, GOOD, key="key-1"), an_api=api(sends_idempotency_key=sends))

    assert hand.sent[0].headers.get("idempotency-key") == wanted


@pytest.mark.parametrize(
    ("key", "wanted"),
    [
        ("row 17/b:c", "row%2017/b:c"),
        ("a\r\nx-evil: 1", "a%0D%0Ax-evil:%201"),
        ("Zoë", "Zo%C3%AB"),
        ("100%", "100%25"),
        ("\ud800", "?"),
    ],
)
def test_any_key_is_a_safe_header(key, wanted):
    """A key may be any text: what a header cannot hold is percent-encoded, so that no key can add a header."""
    hand = Hand([LAUNCHED])

    launch(hand, Order(FLOW, GOOD, key=key))

    assert hand.sent[0].headers["idempotency-key"] == wanted


def test_wrong_input_data_stops_a_strict_launch_with_all_problems():
    """In strict mode nothing is sent, and the error lists every problem with its cure."""
    hand = Hand([])

    with pytest.raises(PreflightError) as caught:
        launch(hand, Order(FLOW, {"custName": "Ada", "count": "two"}))

    assert hand.sent == []
    assert {problem.kind for problem in caught.value.problems} == {"unknown-key", "missing-input", "wrong-type"} or {
        problem.kind for problem in caught.value.problems
    } == {"unknown-key", "wrong-type"}
    assert "nothing was sent" in caught.value.message
    assert caught.value.message.count("\n  - ") == len(caught.value.problems)


def test_one_problem_is_not_called_problems():
    """The message counts in good English."""
    with pytest.raises(PreflightError) as caught:
        launch(Hand([]), Order(FLOW, {}))

    assert "has 1 problem\n" in caught.value.message


def test_warn_mode_sends_and_tells_no_values():
    """In warn mode the launch goes out; the log gets each problem, never what the caller gave as a value."""
    hand = Hand([LAUNCHED])

    launch(hand, Order(FLOW, {"customerName": ["4711-secret"], "count": "blue-moon", "other": "red"}), "warn")

    told = " ".join(step.message for step in hand.of(Warn))
    assert len(hand.of(Warn)) == 3
    assert all(name in told for name in ("Flow.customerName", "Flow.count", "other"))
    assert not any(value in told for value in ("4711-secret", "blue-moon", "red"))


@pytest.mark.parametrize("mode", ["strict", "warn", "off"])
@pytest.mark.parametrize("given", [[1], {"x": float("nan")}, {"x": {1, 2}}, "text", {"x": b"y"}])
def test_what_json_cannot_hold_is_never_sent(mode, given):
    """In every mode input data that is no JSON object ends in PreflightError before anything is sent."""
    hand = Hand([])

    with pytest.raises(PreflightError):
        launch(hand, Order(FLOW, given), mode)

    assert hand.sent == []


@pytest.mark.parametrize("mode", ["warn", "strict"])
def test_a_body_over_the_limit_is_a_problem(mode):
    """512,000 bytes pass, one more is a problem; warn sends it all the same."""
    room = 512_000 - len(json.dumps({"flowId": FLOW_ID, "inputData": {"Flow.customerName": ""}}, separators=(",", ":")))
    hand = Hand([LAUNCHED])
    launch(hand, Order(FLOW, {"customerName": "x" * room}))
    assert len(hand.sent[0].call.body) == 512_000

    hand = Hand([LAUNCHED])
    order = Order(FLOW, {"customerName": "x" * (room + 1)})
    if mode == "strict":
        with pytest.raises(PreflightError) as caught:
            launch(hand, order)
        assert [problem.kind for problem in caught.value.problems] == ["too-large"]
    else:
        assert launch(hand, order, mode).id == "e-1"


def test_off_mode_needs_no_read():
    """With preflight off and an id the launch is the only request, and keys go out as given."""
    hand = Hand([LAUNCHED])

    launch(hand, Order(FLOW_ID, {"anything": 1}), "off")

    assert sent_body(hand)["inputData"] == {"anything": 1}


def test_off_mode_resolves_a_name_all_the_same():
    """A name is no id, so it is looked up even with preflight off."""
    flows = json.dumps({"entities": [{"id": FLOW_ID, "name": "Order"}], "pageCount": 1}).encode()
    hand = Hand([response(200, flows), LAUNCHED])

    assert launch(hand, Order("Order", {"a": 1}), "off").flow_id == FLOW_ID
    assert len(hand.sent) == 2


def test_an_unknown_preflight_mode_is_refused_before_anything_is_sent():
    """A misspelt mode is an error and not a third way of launching."""
    hand = Hand([LAUNCHED])

    with pytest.raises(SettingsError) as caught:
        launch(hand, Order(FLOW, {"wrong": 1}), "Strict")

    assert hand.sent == []
    assert "strict, warn, off" in caught.value.hint


def test_a_flow_of_another_type_is_launched_with_a_warning():
    """Only workflows are known to be launchable; another type is tried, with a warning."""
    hand = Hand([LAUNCHED])
    bot = Flow(id=FLOW_ID, name="B", type="BOT", published_version=FlowVersion(id="1"), input_schema={})

    launch(hand, Order(bot))

    assert "bot" in hand.of(Warn)[0].message


def test_a_flow_without_a_schema_is_read_first():
    """A Flow from a listing without schemas is read by its id before input data is checked."""
    bare = Flow(id=FLOW_ID, name="Order", published_version=FlowVersion(id="3.0"))
    read = {"id": FLOW_ID, "name": "Order", "publishedVersion": {"id": "3.0"}, "inputSchema": SCHEMA}
    hand = Hand([response(200, json.dumps(read).encode()), LAUNCHED])

    launch(hand, Order(bare, GOOD))

    assert [request.method for request in hand.sent] == ["GET", "POST"]


def test_a_flow_whose_schema_is_not_told_takes_any_json():
    """When the service tells no input schema, only JSON itself is checked."""
    read = {"id": FLOW_ID, "name": "Order", "publishedVersion": {"id": "3.0"}}
    hand = Hand([response(200, json.dumps(read).encode()), LAUNCHED])

    assert launch(hand, Order(FLOW_ID, {"anything": 1})).id == "e-1"


@pytest.mark.parametrize("flow", [None, 7])
def test_a_flow_that_is_neither_text_nor_flow_is_a_lookup_error(flow):
    """Giving None, as a missing setting does, is a clear error before anything is sent."""
    for mode in ("strict", "off"):
        with pytest.raises(FlowLookupError):
            launch(Hand([]), Order(flow), mode)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"id": null}', b'{"id": ""}', b'{"id": 5}'])
def test_an_accepted_launch_without_an_id_is_in_doubt(body):
    """A 2xx whose body names no execution is in doubt since the instant at which the launch was sent."""
    hand = Hand([response(200, body, inin_correlation_id="c-2")], now_s=100.0, send_s=12.0)

    with pytest.raises(LaunchInDoubtError) as caught:
        launch(hand, Order(FLOW, GOOD, key="k"))

    error = caught.value
    assert error.started_at.timestamp() == 1_800_000_100.0
    assert (error.flow_id, error.key, error.status, error.correlation_id) == (FLOW_ID, "k", 200, "c-2")
    assert isinstance(error.__cause__, DecodeError)


def test_a_denied_launch_names_the_permission():
    """A 403 names what the role lacks."""
    with pytest.raises(PermissionDeniedError) as caught:
        launch(Hand([response(403)]), Order(FLOW, GOOD))

    assert "architect:flow:launch" in caught.value.hint


def test_check_says_what_would_be_sent_and_sends_nothing():
    """A check reports keys as they would be sent, their problems and the size."""
    hand = Hand([])

    report = hand.run(check_plan(api(), Order(FLOW, {"customerName": "Ada", "cout": 1}), 30.0))

    assert hand.sent == []
    assert not report.is_ok
    assert report.problems[0].cure == "did you mean Flow.count?"
    assert report.input_data == {"Flow.customerName": "Ada", "cout": 1}
    assert report.size_bytes > 80


def test_inputs_lists_names_types_and_what_is_required():
    """The inputs of a flow come in the schema's order, spelled as launches spell them."""
    inputs = Hand([]).run(inputs_plan(api(), FLOW, None, 30.0))

    assert [(one.name, one.type, one.required) for one in inputs] == [
        ("Flow.customerName", "string", True),
        ("Flow.count", "integer", False),
    ]
    assert (inputs.flow_name, inputs.version.id, inputs.is_open) == ("Order", "3.0", False)


@pytest.mark.parametrize("mode", ["strict", "warn"])
def test_a_preview_is_the_request_with_its_token_hidden(mode):
    """A preview shows method, URL, headers and body exactly, but for the token, and tells problems."""
    hand = Hand([])

    preview = hand.run(preview_plan(api(), Order(FLOW, {"cout": 1}, key="k 1"), mode, 30.0))

    assert (preview.method, preview.url) == ("POST", "http://localhost:1/api/v2/flows/executions")
    assert preview.headers["authorization"] == "[redacted]"
    assert preview.headers["idempotency-key"] == "k%201"
    assert json.loads(preview.body) == {"flowId": FLOW_ID, "inputData": {"cout": 1}}
    assert {problem.kind for problem in preview.problems} >= {"unknown-key"}
    assert hand.sent == []


def test_a_preview_with_preflight_off_reads_nothing():
    """With preflight off and an id a preview needs no request at all, and tells what JSON cannot hold."""
    hand = Hand([])

    preview = hand.run(preview_plan(api(), Order(FLOW_ID, {"a": 1}), "off", 30.0))
    assert json.loads(preview.body)["inputData"] == {"a": 1}
    assert preview.problems == ()

    broken = hand.run(preview_plan(api(), Order(FLOW_ID, {"a": float("inf")}), "off", 30.0))
    assert [problem.kind for problem in broken.problems] == ["not-json"]
    assert hand.sent == []


def test_a_preview_of_what_cannot_be_sent_has_an_empty_body():
    """Input data that is no JSON has no body to show."""
    preview = Hand([]).run(preview_plan(api(), Order(FLOW, [1]), "strict", 30.0))

    assert (preview.body, [problem.kind for problem in preview.problems]) == ("{}", ["not-an-object"])


GUIDE_ANSWER = response(201, b'{"executionId": "x-1"}')


def test_the_guide_contract_sends_what_the_guides_show():
    """Under the guide contract the body has `data` and `executionContext`, and the answer's id is `executionId`."""
    hand = Hand([GUIDE_ANSWER])
    flow = Flow(id=FLOW_ID, name="Order", published_version=FlowVersion(id="1"), input_schema=SCHEMA)

    launched = launch(hand, Order(flow, GOOD, name="n", key="k"), an_api=guide())

    assert launched.id == "x-1"
    assert sent_body(hand) == {
        "flowId": FLOW_ID,
        "data": {"customerName": "Ada"},
        "executionContext": {"name": "n", "requestId": "k"},
    }


def test_a_shared_flow_is_executed_under_the_guide_contract():
    """flowType, inputs and metadata go to the path of the guides, with the flow's id in it."""
    hand = Hand([GUIDE_ANSWER])

    launched = hand.run(shared_plan(guide(), FLOW_ID, {"a": 1}, "corr-7", 30.0))

    assert (launched.id, launched.key) == ("x-1", "corr-7")
    assert hand.sent[0].call.url.endswith(f"/api/v2/architect/flows/{FLOW_ID}/execute")
    assert sent_body(hand) == {"flowType": "shared", "inputs": {"a": 1}, "metadata": {"correlationId": "corr-7"}}


def test_a_shared_flow_may_be_a_flow_or_a_name():
    """A Flow, or an exact name, stands for its id; without a correlation id there is no metadata."""
    hand = Hand([GUIDE_ANSWER])
    hand.run(shared_plan(guide(), FLOW, None, None, 30.0))
    assert sent_body(hand) == {"flowType": "shared", "inputs": {}}

    named = json.dumps({"entities": [{"id": FLOW_ID, "name": "Order"}], "pageCount": 1}).encode()
    assert Hand([response(200, named), GUIDE_ANSWER]).run(shared_plan(guide(), "Order", {}, None, 30.0)).id == "x-1"


def test_a_shared_execution_that_json_cannot_hold_is_not_sent():
    """Inputs that are no JSON end in PreflightError."""
    with pytest.raises(PreflightError):
        Hand([]).run(shared_plan(guide(), FLOW_ID, {"a": object()}, None, 30.0))


def test_the_platform_has_no_shared_execution():
    """The published API has no such call, so it is refused before anything is sent."""
    with pytest.raises(SettingsError) as caught:
        Hand([]).run(shared_plan(api(), FLOW_ID, {}, None, 30.0))

    assert caught.value.code == "no-such-operation"


def test_a_shared_execution_without_an_answer_is_in_doubt():
    """A lost answer to a shared execution is in doubt, like any launch."""
    with pytest.raises(LaunchInDoubtError) as caught:
        Hand([response(502)]).run(shared_plan(guide(), FLOW_ID, {}, "corr-7", 30.0))

    assert (caught.value.key, caught.value.status) == ("corr-7", 502)


@pytest.mark.parametrize("timeout_s", [0, -1, float("nan")])
def test_an_api_needs_a_positive_time(timeout_s):
    """A client whose calls have no time is refused when it is made."""
    with pytest.raises(SettingsError):
        api(timeout_s=timeout_s)


def test_an_api_needs_a_known_preflight_mode():
    """A client with an unknown preflight mode is refused when it is made."""
    with pytest.raises(SettingsError):
        api(preflight="sometimes")
