"""Launching and reading executions."""

from datetime import datetime, timedelta

import pytest
from sandbox_api import EXECUTIONS, FLOWS, ORDER


def test_a_launch_answers_200_with_id_version_and_self_uri(sandbox, api):
    """A launch answers 200 at once with the execution's id, the published version and where to read it."""
    answer = api.launch(name='with "quotes"')
    body = answer.json()
    assert answer.status_code == 200
    assert body["name"] == 'with "quotes"'
    assert body["selfUri"] == f"{EXECUTIONS}/{body['id']}"
    assert body["flowVersion"]["id"] == "1.0"
    assert "name" not in api.launch().json()


def test_a_run_without_waits_is_completed_with_its_outputs(sandbox, api):
    """Order follow-up completes at once and returns what its logic decided."""
    run = api.run()
    assert run["status"] == "COMPLETED"
    assert run["completionReason"] == "Followed up"
    assert run["outputData"] == {
        "Flow.message": "Hello Jane Doe, we will call you about order ORD-1 within 2 hours.",
        "Flow.team": "priority-orders",
        "Flow.followUpHours": 2,
    }
    assert run["dateLaunched"] <= run["dateCompleted"]


@pytest.mark.parametrize(("priority", "hours"), [("high", 2), ("low", 48), ("normal", 24), (None, 24)])
def test_the_input_data_decides_the_run(sandbox, api, priority, hours):
    """Different input data take different paths; null is NOT_SET."""
    assert api.run(inputs={**ORDER, "Flow.priority": priority})["outputData"]["Flow.followUpHours"] == hours


def test_a_failed_run_tells_why_in_the_platforms_words(sandbox, api):
    """NOT_SET where it is not allowed fails the run with the platform's own code, and no output data."""
    run = api.run("refund", {})
    error = run["flowErrorInfo"]
    assert (run["status"], run["completionReason"]) == ("FAILED", "Failure")
    assert error["code"] == "error.workflow.expression.unexpectedNull"
    assert error["messageParams"]["expression"] == "Length(Flow.reason) >= 10"
    assert "{expression}" in error["messageWithParams"]
    assert (error["details"], error["errors"]) == ([], [])
    assert "outputData" not in run


def test_a_waiting_run_is_running_until_the_clock_comes_to_it(open_sandbox, connect):
    """A run with waits stays RUNNING and completes when its last wait is due, at exactly that time."""
    sandbox = open_sandbox(clock="frozen")
    api = connect(sandbox)
    launched = api.launch("reminder", {"Flow.orderId": "O", "Flow.waitSeconds": 100}).json()
    assert api.get(launched["selfUri"]).json()["status"] == "RUNNING"
    sandbox.advance(299)
    assert api.get(launched["selfUri"]).json()["status"] == "RUNNING"
    sandbox.advance(30)
    run = api.get(launched["selfUri"]).json()
    assert (run["status"], run["outputData"]) == ("COMPLETED", {"Flow.remindersSent": 3})
    assert run["dateCompleted"][:19] == _later(run["dateLaunched"], 300)


def _later(text, seconds):
    return (datetime.fromisoformat(text) + timedelta(seconds=seconds)).isoformat()[:19]


def test_the_virtual_clock_skips_waits(open_sandbox, connect):
    """With the virtual clock a run that waits completes at once, and its own time has passed."""
    api = connect(open_sandbox(clock="virtual"))
    run = api.run("reminder", {"Flow.orderId": "O", "Flow.waitSeconds": 3600})
    assert run["status"] == "COMPLETED"
    assert run["dateCompleted"][:19] == _later(run["dateLaunched"], 3 * 3600)


def test_waits_end_by_themselves_in_real_time(open_sandbox, connect):
    """In real time nobody needs to read an execution for its wait to end."""
    sandbox = open_sandbox()
    api = connect(sandbox)
    launched = api.launch("reminder", {"Flow.waitSeconds": 0}).json()
    assert api.get(launched["selfUri"]).json()["status"] == "COMPLETED"
    sandbox.advance(0)
    assert sandbox.launches()[0].status == "COMPLETED"


@pytest.mark.parametrize(
    ("customer", "expected"),
    [
        ("C-1", {"Flow.tier": "gold", "Flow.problem": None}),
        ("C-404", {"Flow.tier": None, "Flow.problem": "The CRM has no such customer."}),
        ("C-SLOW", {"Flow.tier": None, "Flow.problem": "The CRM did not answer in time."}),
        ("C-2", {"Flow.tier": "silver", "Flow.problem": None}),
    ],
)
def test_data_actions_answer_from_the_worlds_stubs(open_sandbox, connect, customer, expected):
    """A stub gives outputs, a failure, a timeout or a late answer, chosen by the inputs."""
    sandbox = open_sandbox(clock="virtual")
    assert connect(sandbox).run("loyalty", {"Flow.customerId": customer})["outputData"] == expected


def test_a_data_action_without_a_stub_fails_the_run_by_name(open_sandbox, connect):
    """A data action that the world does not stub is never made up: the run fails and names it."""
    sandbox = open_sandbox(world={"data_actions": []})
    run = connect(sandbox).run("loyalty", {"Flow.customerId": "C-1"})
    assert run["status"] == "FAILED"
    assert run["flowErrorInfo"]["code"] == "sandbox.data.action.not.stubbed"
    assert "'Get Loyalty Tier' of 'Demo CRM'" in run["flowErrorInfo"]["message"]


def test_unknown_input_keys_are_dropped_silently_and_journalled(sandbox, api):
    """As on the platform a wrong key is no error: it is dropped, and only the journal says so."""
    run = api.run(inputs={**ORDER, "customerName": "x", "Flow.CustomerName": "y"})
    assert run["status"] == "COMPLETED"
    assert "Jane Doe" in run["outputData"]["Flow.message"]
    note = sandbox.journal("executions.launch")[0].note
    assert note == "dropped input data key 'customerName'; dropped input data key 'Flow.CustomerName'"


def test_unknown_body_fields_are_dropped_silently_and_journalled(sandbox, api):
    """The guides' body field `data` is dropped as the platform drops it, and the journal says so."""
    answer = api.launch(data={"customerName": "x"}, executionContext={})
    assert answer.status_code == 200
    assert "dropped body field 'data'" in sandbox.journal("executions.launch")[0].note


def test_strict_inputs_refuse_unknown_keys(open_sandbox, connect):
    """`strict_inputs` turns the silent drop into a 400 that names the key, and nothing is launched."""
    sandbox = open_sandbox(strict_inputs=True)
    answer = connect(sandbox).launch(inputs={"customerName": "x"})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad.request")
    assert "'customerName'" in answer.json()["message"]
    assert sandbox.launches() == []


def test_bare_keys_can_be_completed(open_sandbox, connect):
    """`bare_keys` takes customerName for Flow.customerName."""
    run = connect(open_sandbox(bare_keys=True)).run(inputs={"customerName": "Ann", "orderId": "7"})
    assert run["outputData"]["Flow.message"].startswith("Hello Ann,")


def test_a_wrong_type_fails_the_run_or_is_refused(open_sandbox, connect):
    """A value of the wrong type fails the run by default; `type_mismatch` switches to a 400 at launch."""
    lenient, strict = open_sandbox(), open_sandbox(type_mismatch="refuse")
    run = connect(lenient).run(inputs={"Flow.customerName": 3})
    assert run["status"] == "FAILED"
    assert "Flow.customerName" in run["flowErrorInfo"]["message"]
    refused = connect(strict).launch(inputs={"Flow.customerName": 3})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid.value")
    assert strict.launches() == []


def test_nothing_deduplicates_launches(sandbox, api):
    """Two equal launches with the same name and idempotency key are two executions."""
    body = {"flowId": FLOWS["order"], "inputData": ORDER, "name": "same"}
    ids = {api.call("POST", EXECUTIONS, json=body, headers={"Idempotency-Key": "k"}).json()["id"] for _ in range(2)}
    assert len(ids) == 2
    assert {launch.execution_id for launch in sandbox.launches()} == ids
    assert [launch.inputs for launch in sandbox.launches()] == [ORDER, ORDER]


@pytest.mark.parametrize("version", [None, "", "1", "1.0", 1], ids=repr)
def test_a_version_can_be_chosen(sandbox, api, version):
    """flowVersion null or empty is the published version; 1 and 1.0 are the same."""
    assert api.launch(flowVersion=version).json()["flowVersion"]["id"] == "1.0"


@pytest.mark.parametrize(
    ("flow", "more", "status", "code"),
    [
        ("f0000000-0000-4000-8000-00000000ffff", {}, 404, "architect.flow.not.found"),
        ("no-uuid", {}, 404, "architect.flow.not.found"),
        ("draft", {}, 404, "architect.flow.version.missing"),
        ("order", {"flowVersion": "9.0"}, 404, "architect.flow.version.missing"),
        ("deleted", {}, 410, "architect.flow.deleted"),
        ("ivr", {}, 400, "bad.request"),
        ("", {}, 400, "bad.request"),
        ("order", {"inputData": []}, 400, "bad.request"),
        ("order", {"inputData": "text"}, 400, "bad.request"),
        ("order", {"name": 5}, 400, "bad.request"),
        ("order", {"flowVersion": {}}, 400, "bad.request"),
    ],
)
def test_refused_launches_have_official_codes_and_launch_nothing(sandbox, api, flow, more, status, code):
    """What cannot be launched is refused with an official status and code."""
    answer = api.launch(flow, **more) if "inputData" not in more else api.launch(flow, more["inputData"])
    body = answer.json()
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    assert body["contextId"] == answer.headers["ININ-Correlation-Id"]
    assert (body["details"], body["errors"]) == ([], [])
    assert sandbox.launches() == []


def test_a_draft_can_be_launched_by_its_version(sandbox, api):
    """A flow that was never published runs when its saved version is named."""
    assert api.launch("draft", {}, flowVersion="1.0").status_code == 200


@pytest.mark.parametrize("body", [b"{", b"[]", b"", b'{"flowId": NaN}', b'{"flowId": "x", "inputData": {"a": NaN}}'])
def test_a_body_that_is_not_a_json_object_is_refused(sandbox, api, body):
    """Bad JSON, NaN and other documents are 400 bad.request."""
    answer = api.call("POST", EXECUTIONS, data=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad.request")


DEEP = b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"


@pytest.mark.parametrize("inputs", [b'{"a": "\xff"}', DEEP, b'{"a": 1e}'], ids=["utf8", "deep", "number"])
def test_input_data_that_cannot_be_read_is_refused_at_once(sandbox, api, inputs):
    """Input data with broken text, numbers or endless nesting is 400 and never becomes a run."""
    body = f'{{"flowId": "{FLOWS["order"]}", "inputData": '.encode() + inputs + b"}"
    answer = api.call("POST", EXECUTIONS, data=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad.request")
    assert sandbox.launches() == []
    assert api.run()["status"] == "COMPLETED"


def test_another_media_type_is_refused(sandbox, api):
    """A form instead of JSON is 415 unsupported.media.type; a charset is fine."""
    answer = api.call("POST", EXECUTIONS, data={"flowId": "x"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported.media.type")
    headers = {"Content-Type": "application/json; charset=utf-8"}
    body = f'{{"flowId": "{FLOWS["order"]}"}}'
    assert api.call("POST", EXECUTIONS, data=body, headers=headers).status_code == 200


def test_a_body_over_512000_bytes_is_refused(sandbox, api):
    """A body of 512,000 bytes passes, one more byte is 413 request.entity.too.large."""
    shell = f'{{"flowId": "{FLOWS["order"]}", "inputData": {{"Flow.orderId": ""}}}}'
    headers = {"Content-Type": "application/json"}

    def sized(size):
        body = shell.replace('""', '"' + "x" * (size - len(shell)) + '"')
        assert len(body) == size
        return api.call("POST", EXECUTIONS, data=body, headers=headers)

    assert sized(512_000).status_code == 200
    answer = sized(512_001)
    assert (answer.status_code, answer.json()["code"]) == (413, "request.entity.too.large")
    assert len(sandbox.launches()) == 1


def test_an_unknown_execution_is_404(sandbox, api):
    """Reading an execution that does not exist is 404 not.found."""
    answer = api.get(f"{EXECUTIONS}/f0000000-0000-4000-8000-00000000ffff")
    assert (answer.status_code, answer.json()["code"]) == (404, "not.found")


def test_an_execution_cannot_be_read_for_ever(open_sandbox, connect):
    """After its retention an execution is 404, though its launch stays on record."""
    sandbox = open_sandbox(clock="frozen", retention_s=1_000, token_life_s=9_000)
    api = connect(sandbox)
    uri = api.launch().json()["selfUri"]
    sandbox.advance(1_000)
    assert api.get(uri).status_code == 200
    sandbox.advance(1)
    assert api.get(uri).status_code == 404
    assert len(sandbox.launches()) == 1


@pytest.mark.parametrize(("method", "path"), [("GET", EXECUTIONS), ("PUT", EXECUTIONS), ("DELETE", f"{EXECUTIONS}/x")])
def test_verbs_that_the_platform_does_not_have_are_405(sandbox, api, method, path):
    """There is no list, no update and no cancel of executions."""
    assert api.call(method, path).status_code == 405


@pytest.mark.parametrize(("method", "path"), [("GET", "/oauth/token"), ("GET", "/oauth/logout"), ("POST", "/oauth/x")])
def test_what_is_not_emulated_of_the_login_host_says_so_by_name(api, method, path):
    """The login host's other paths and methods are named as not emulated, and not called foreign."""
    answer = api.call(method, path)
    assert (answer.status_code, answer.json()["code"]) == (501, "sandbox.not.emulated")
    assert f"{method} {path} is not emulated" in answer.json()["message"]


def test_what_is_not_emulated_says_so_by_name(sandbox, api):
    """An endpoint of the platform that the sandbox lacks answers 501 and names itself, also in the journal."""
    answer = api.get("/api/v2/users/me")
    assert (answer.status_code, answer.json()["code"]) == (501, "sandbox.not.emulated")
    assert "GET /api/v2/users/me is not emulated" in answer.json()["message"]
    assert "not emulated" in sandbox.journal("unknown")[0].note


def test_thousands_of_launches_lose_nothing(sandbox, api):
    """2,000 launches give 2,000 different executions in order, and every one of them ends."""
    ids = [api.launch(inputs={**ORDER, "Flow.orderId": str(number)}).json()["id"] for number in range(2_000)]
    sandbox.advance(0)
    launches = sandbox.launches()
    assert [launch.execution_id for launch in launches] == ids
    assert [launch.inputs["Flow.orderId"] for launch in launches] == [str(number) for number in range(2_000)]
    assert {launch.status for launch in launches} == {"COMPLETED"}


def test_the_trace_shows_each_action(sandbox, api):
    """The trace of a run lists its actions with the paths they took."""
    run = api.run()
    entries = sandbox.trace(run["id"])["entries"]
    assert [entry["action"]["name"] for entry in entries] == [
        "How urgent is it", "Urgent follow-up", "Write the message", "Done",
    ]  # fmt: skip
