"""The official Python SDK, unchanged, against the sandbox: what it reads, and what it sends when a reply is lost.

It runs in processes of its own: importing it takes seconds and 200 MB, starts threads and mutes a logger.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest
from witness_clients import ORDER, ORDER_FLOW, report_of, run_program

from flowlaunch import LaunchInDoubtError
from flowlaunch.sandbox import DropAfterProcessing, Hang, Sandbox, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowlaunch.sandbox import JournalEntry, Launch

LAUNCH = "executions.launch"
INPUTS = ["Flow.customerName", "Flow.orderId", "Flow.priority", "Flow.timestamp"]
OUTPUTS = ["Flow.followUpHours", "Flow.message", "Flow.team"]
SDK_TRIES = 11


def need_sdk() -> None:
    if find_spec("PureCloudPlatformClientV2") is None:
        pytest.fail("the official SDK is not installed: `make test` installs it (group sdk)", pytrace=False)


@dataclass
class Tour:
    """What the SDK reported, and what the sandbox saw."""

    report: dict[str, Any]
    journal: list[JournalEntry]
    launches: list[Launch]


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tour]:
    need_sdk()
    with Sandbox(rate_per_minute=None) as sandbox:
        done = run_program("sdk_tour.py", sandbox.url, home=tmp_path_factory.mktemp("sdk-home"))
        yield Tour(report_of(done), sandbox.journal(), sandbox.launches())


@pytest.fixture(scope="module")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tour]:
    """Four launches by the SDK: plain, reply lost, told to wait by a 503, and a 503 that says nothing."""
    need_sdk()
    with Sandbox(rate_per_minute=None) as sandbox:
        lost, busy = range(2, 2 + SDK_TRIES), range(2 + SDK_TRIES, 2 + 2 * SDK_TRIES)
        sandbox.faults.script(LAUNCH, lost, DropAfterProcessing())
        sandbox.faults.script(LAUNCH, busy, Status(503, retry_after_s=0))
        sandbox.faults.script(LAUNCH, busy[-1] + 1, Status(503))
        home = tmp_path_factory.mktemp("sdk-home")
        done = run_program("sdk_launches.py", sandbox.url, "plain", "lost", "busy", "silent", home=home)
        yield Tour(report_of(done), sandbox.journal(), sandbox.launches())


def test_sdk_signs_in_as_a_client_and_as_a_person(tour: Tour) -> None:
    """The SDK signs in with client credentials and with PKCE, and the token tells whose it is."""
    assert tour.report["me"] == {"organization": "Sandbox Ltd", "client": "demo"}
    assert tour.report["pkce"] == "CODE"
    shown = {entry.request_headers.get("authorization") for entry in tour.journal if entry.operation == "token"}
    assert shown == {"Basic ***", None}


def test_sdk_pages_through_every_flow(tour: Tour) -> None:
    """Page by page the SDK sees every flow once, in order, and the paging addresses fit."""
    pages = tour.report["pages"]
    assert len(pages["names"]) == pages["total"] > 6
    assert pages["names"] == sorted(pages["names"], key=str.casefold)
    assert pages["names"].count("Callback request") == 2
    assert "Old returns" not in pages["names"]
    assert pages["page_count"] == len(pages["uris"]) == -(-pages["total"] // 3)
    selves, nexts = [uri[0] for uri in pages["uris"]], [uri[1] for uri in pages["uris"]]
    assert nexts[-1] is None
    assert all(f"pageNumber={number}" in uri for number, uri in enumerate(nexts[:-1], 2))
    assert all(uri.startswith("/api/v2/flows?") for uri in selves)


def test_sdk_reads_a_flow_with_its_schemas(tour: Tour) -> None:
    """A flow comes with its division, its published version and both schemas."""
    assert tour.report["flow"] == {
        "name": "Order follow-up",
        "type": "WORKFLOW",
        "division": "Home",
        "published": "1.0",
        "inputs": INPUTS,
        "required": ["Flow.customerName", "Flow.orderId"],
        "outputs": OUTPUTS,
    }
    assert tour.report["filtered"] == [[ORDER_FLOW, INPUTS]]
    assert tour.report["looked_up"] == ["Order follow-up"]


def test_sdk_reads_versions_and_division_views(tour: Tour) -> None:
    """Versions, the latest configuration and the division views read as the SDK's models want them."""
    assert tour.report["versions"] == ["1.0"]
    assert tour.report["version"] == {"id": "1.0", "inputs": INPUTS}
    assert tour.report["configuration"] == "Order follow-up"
    assert sorted(tour.report["views"]) == [["Callback request", "Home", "1.0"], ["Callback request", "Support", "1.0"]]


def test_sdk_reads_limits(tour: Tour) -> None:
    """The limits of the platform API name the budget of a token."""
    assert "client.credentials.token.rate.per.minute" in tour.report["limits"]


def test_sdk_launches_and_reads_the_run_to_its_end(tour: Tour) -> None:
    """A launch answers with its id, name and version; the execution ends with the flow's outputs."""
    run = tour.report["run"]
    assert run["launched"]["id"] == run["id"]
    assert run["launched"]["uri"] == f"/api/v2/flows/executions/{run['id']}"
    assert (run["launched"]["name"], run["name"], run["launched"]["version"]) == ("By the SDK", "By the SDK", "1.0")
    assert (run["status"], run["reason"], run["failure"]) == ("COMPLETED", "Followed up", None)
    assert sorted(run["outputs"]) == OUTPUTS
    assert "Jane Doe" in run["outputs"]["Flow.message"]
    assert run["took_no_negative_time"] is True
    first = next(launch for launch in tour.launches if launch.name == "By the SDK")
    assert (first.execution_id, first.inputs["Flow.orderId"]) == (run["id"], "ORD-1")


def test_sdk_reads_why_a_run_failed(tour: Tour) -> None:
    """A run that meets NOT_SET ends FAILED with the platform's code, readable through the SDK's models."""
    run = tour.report["failed_run"]
    assert (run["status"], run["reason"], run["outputs"]) == ("FAILED", "Failure", None)
    assert run["failure"]["code"] == "error.workflow.expression.unexpectedNull"


def test_sdk_may_send_unknown_keys(tour: Tour) -> None:
    """An unknown input key is accepted, dropped and noted, as on the platform."""
    assert tour.report["dropped_keys"] == "COMPLETED"
    notes = [entry.note for entry in tour.journal if "customer_name" in entry.note]
    assert notes == ["dropped input data key 'customer_name'"]


@pytest.mark.parametrize(
    ("case", "status", "code"),
    [
        ("unknown_flow", 404, "architect.flow.not.found"),
        ("unknown_launch", 404, "architect.flow.not.found"),
        ("unknown_execution", 404, "not.found"),
        ("forbidden_launch", 403, "missing.any.permissions"),
        ("signed_out", 401, "bad.credentials"),
        ("bad_token", 401, "bad.credentials"),
    ],
)
def test_sdk_sees_official_error_bodies(tour: Tour, case: str, status: int, code: str) -> None:
    """A refusal reaches the SDK as ApiException with the whole official body and its correlation id."""
    seen = tour.report[case]
    body = seen["body"]
    assert (seen["status"], body["status"], body["code"]) == (status, status, code)
    assert body["contextId"] == seen["correlation_id"] != ""
    assert (body["details"], body["errors"]) == ([], [])
    if case == "forbidden_launch":
        assert body["messageParams"] == {"permissions": "architect:flow:launch"}


def test_sdk_sees_the_oauth_refusal(tour: Tour) -> None:
    """A wrong secret is 400 `invalid_client` with the three fields that official clients read."""
    refused = tour.report["bad_secret"]
    assert refused["status"] == 400
    assert refused["body"] == {
        "error": "invalid_client",
        "description": "authentication failed",
        "error_description": "authentication failed",
    }


def test_refused_launches_launch_nothing(tour: Tour) -> None:
    """Of the SDK's launches only the three accepted ones are in the sandbox's list."""
    assert len(tour.launches) == 3
    assert len({launch.execution_id for launch in tour.launches}) == 3


def test_sdk_finds_the_sandbox_by_its_gateway_setting(launched: Tour) -> None:
    """`set_gateway` sends both the sign-in and the launch to the sandbox."""
    assert [entry.operation for entry in launched.journal[:2]] == ["token", LAUNCH]
    assert launched.report["plain"] == launched.launches[0].execution_id


def test_sdk_launches_eleven_times_when_the_reply_is_lost(launched: Tour) -> None:
    """With "done, reply lost" one call of the SDK launches the flow eleven times."""
    launches = [launch for launch in launched.launches if launch.name == "lost"]
    assert len(launches) == SDK_TRIES
    assert launched.report["lost"] == "urllib3.exceptions.MaxRetryError"


def test_sdk_sends_a_launch_again_when_a_503_says_when(launched: Tour) -> None:
    """A 503 with Retry-After makes the SDK send one launch eleven times; without it, once."""
    sent = [entry for entry in launched.journal if entry.operation == LAUNCH and entry.fault == "Status"]
    assert len([entry for entry in sent if '"busy"' in entry.request_body]) == SDK_TRIES
    assert len([entry for entry in sent if '"silent"' in entry.request_body]) == 1
    assert launched.report["silent"] == "PureCloudPlatformClientV2.rest.ApiException"


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_flowlaunch_launches_once_when_the_reply_is_lost(open_sandbox, connect, kind: str) -> None:
    """With the same fault flowlaunch sends one launch, and says that it may be running."""
    sandbox = open_sandbox()
    sandbox.faults.script(LAUNCH, None, DropAfterProcessing())
    client = connect(kind, sandbox.url)
    with pytest.raises(LaunchInDoubtError) as caught:
        client.call("launch", "Order follow-up", ORDER, name="lost", key="order-1")
    assert len(sandbox.launches()) == 1
    assert len(sandbox.journal(LAUNCH)) == 1
    assert (caught.value.flow_id, caught.value.key, caught.value.status) == (ORDER_FLOW, "order-1", None)
    assert caught.value.code == "launch-in-doubt"


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_flowlaunch_does_not_hang_where_the_sdk_does(open_sandbox, connect, kind: str) -> None:
    """A silent server ends a launch of ours at its deadline, in doubt, after one request."""
    sandbox = open_sandbox()
    sandbox.faults.script(LAUNCH, None, Hang(processed=True))
    client = connect(kind, sandbox.url, preflight="off")
    client.call("whoami")
    with pytest.raises(LaunchInDoubtError):
        client.call("launch", ORDER_FLOW, ORDER, timeout_s=1.5)
    ends_s = time.monotonic() + 60
    while not sandbox.journal(LAUNCH):  # it left, so the sandbox will come to it
        assert time.monotonic() < ends_s
    assert len(sandbox.launches()) == len(sandbox.journal(LAUNCH)) == 1
