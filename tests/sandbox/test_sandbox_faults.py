"""Faults: what each does to a request, its connection and the record of launches."""

import contextlib
import json
import socket
import sys
import threading
import time
from urllib.parse import urlsplit

import pytest
import requests
from sandbox_api import EXECUTIONS, launch_bytes, raw

from flowlaunch.errors import SandboxError
from flowlaunch.sandbox import (
    ConnectionsRefused,
    Delay,
    DripBody,
    DropAfterProcessing,
    DropBeforeReading,
    Hang,
    HtmlBadGateway,
    NotFoundAfterLaunch,
    ResetMidBody,
    Sandbox,
    Status,
    Status504AfterProcessing,
    TokenRefused,
    TokenRevoked,
    TruncatedJson,
)
from flowlaunch.sandbox.faults import FAULTS, Faults, fault_from_json, fault_to_json
from flowlaunch.sandbox.mishaps import PLAYERS

LAUNCH = "executions.launch"


def bearer(api):
    return api.session.headers["Authorization"].removeprefix("Bearer ")


@pytest.mark.parametrize(
    ("fault", "launched"), [(DropBeforeReading(), 0), (DropAfterProcessing(), 1), (ResetMidBody(), 1)], ids=repr
)
def test_lost_connections_launch_as_often_as_they_say(sandbox, api, fault, launched):
    """A dropped or reset connection reaches the client as an error; only "done, reply lost" faults launch."""
    sandbox.faults.next(LAUNCH, fault)
    with pytest.raises(requests.exceptions.RequestException):
        api.launch()
    assert len(sandbox.launches()) == launched
    entry = sandbox.journal(LAUNCH)[0]
    assert (entry.status, entry.fault) == (None, type(fault).__name__)
    assert api.launch().status_code == 200
    assert len(sandbox.launches()) == launched + 1


def test_a_drop_sends_not_a_single_byte(sandbox, api):
    """Seen from a bare socket, a drop is the end of the stream without any byte, before or after processing."""
    request = launch_bytes(sandbox.url, bearer(api))
    sandbox.faults.script(LAUNCH, [1, 2], DropAfterProcessing())
    assert raw(sandbox.url, request) == b""
    assert raw(sandbox.url, request) == b""
    sandbox.faults.next(LAUNCH, DropBeforeReading())
    assert raw(sandbox.url, request) in {b"", b"<reset>"}
    assert raw(sandbox.url, request).startswith(b"HTTP/1.1 200")


def test_a_reset_cuts_the_body_after_its_head(sandbox, api):
    """Seen from a bare socket, the head and half of the body arrive, then the connection is reset."""
    sandbox.faults.next(LAUNCH, ResetMidBody())
    received = raw(sandbox.url, launch_bytes(sandbox.url, bearer(api)))
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert received.endswith(b"<reset>")
    head, _, body = received.removesuffix(b"<reset>").partition(b"\r\n\r\n")
    length = int(dict(line.split(b": ") for line in head.split(b"\r\n")[1:])[b"content-length"])
    assert len(body) == length // 2


def test_a_drop_before_reading_never_looks_at_the_body(sandbox, api):
    """The connection ends although only the head of the request has been sent."""
    request = launch_bytes(sandbox.url, bearer(api))
    head = request[: request.index(b"\r\n\r\n") + 4]
    sandbox.faults.next(LAUNCH, DropBeforeReading())
    assert raw(sandbox.url, head) in {b"", b"<reset>"}


@pytest.mark.parametrize("processed", [False, True])
def test_a_hanging_request_ends_with_the_sandbox(connect, processed):
    """A hang keeps the client waiting, and stopping the sandbox ends it at once."""
    ends = []
    with Sandbox() as sandbox:
        api, held = connect(sandbox), connect(sandbox)
        sandbox.faults.next(LAUNCH, Hang(processed=processed))
        waiting = threading.Thread(target=lambda: ends.append(raised(held.launch)))
        waiting.start()
        until(lambda: sandbox.journal(LAUNCH))
        assert len(sandbox.launches()) == processed
        sandbox.faults.next(LAUNCH, Hang(0.01, processed=processed))
        with pytest.raises(requests.exceptions.ConnectionError):
            api.launch()
        assert waiting.is_alive()
        started = time.monotonic()
    waiting.join(60)
    assert time.monotonic() - started < 60
    assert ends == [requests.exceptions.ConnectionError]


def raised(call):
    """Return the kind of error that a call ends with."""
    with pytest.raises(requests.exceptions.RequestException) as caught:
        call()
    return caught.type


def until(holds):
    """Wait for what the sandbox does in its own thread."""
    ends_s = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < ends_s
        threading.Event().wait(0.005)


def test_a_delay_answers_later(sandbox, api):
    """A delayed answer is the usual one, only later."""
    sandbox.faults.next(LAUNCH, Delay(0.2))
    started = time.monotonic()
    assert api.launch().status_code == 200
    assert time.monotonic() - started >= 0.2


def test_a_body_can_drip(sandbox, api):
    """A dripping body is the usual one, byte by byte: a limit on each read never ends it."""
    sandbox.faults.next(LAUNCH, DripBody(3.5))
    started = time.monotonic()
    answer = api.call("POST", EXECUTIONS, json={"flowId": "f0000000-0000-4000-8000-000000000001"}, timeout=3.0)
    assert answer.json()["id"] == sandbox.launches()[0].execution_id
    assert time.monotonic() - started >= 3.5


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells that a connection was tried")
def test_refusals_can_wait_for_the_first_connection(sandbox, api):
    """With `once_tried` the first connection is refused however late it comes, and the next ones get through soon."""
    sandbox.faults.next(LAUNCH, ConnectionsRefused(0.1, once_tried=True))
    assert api.launch().status_code == 200
    threading.Event().wait(0.3)  # longer than the refusals last
    assert sandbox.faults.refusals() == 0

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", urlsplit(sandbox.url).port), timeout=60)
    assert sandbox.faults.refusals() == 1
    began = time.monotonic()
    while time.monotonic() - began < 60:
        with contextlib.suppress(requests.exceptions.ConnectionError):
            assert api.launch().status_code == 200
            return
    pytest.fail("it went on refusing")


def test_connections_can_be_refused_for_a_while(sandbox, api):
    """The answer comes, its connection ends, new ones are refused until the time is over, at the same address."""
    began, refused, tries = time.monotonic(), 0, 0
    while not refused:  # at the first try, unless the machine stalls as long as the refusals last
        tries += 1
        sandbox.faults.next(LAUNCH, ConnectionsRefused(0.3))
        answer = api.launch()
        assert (answer.status_code, answer.headers["Connection"]) == (200, "close")
        later, refused = first_that_gets_through(api, began)
        assert later.status_code == 200
    assert len(sandbox.launches()) == 2 * tries


def first_that_gets_through(api, began):
    """Launch until a connection is not refused; return the answer and the number of refusals."""
    refused = 0
    while True:
        try:
            return api.launch(), refused
        except requests.exceptions.ConnectionError:
            refused += 1
            assert time.monotonic() - began < 60
            threading.Event().wait(0.02)


@pytest.mark.parametrize("code", [400, 401, 403, 404, 409, 410, 413, 415, 418, 429, 500, 502, 503, 504])
def test_any_status_can_be_answered_instead(sandbox, api, code):
    """A status fault answers the official error body and does nothing."""
    sandbox.faults.next(LAUNCH, Status(code))
    answer = api.launch()
    assert (answer.status_code, answer.json()["status"]) == (code, code)
    assert answer.json()["contextId"] == answer.headers["ININ-Correlation-Id"]
    assert "Retry-After" not in answer.headers
    assert sandbox.launches() == []


def test_retry_after_can_be_hours(sandbox, api):
    """A status fault can ask for hours of patience."""
    sandbox.faults.next(LAUNCH, Status(429, retry_after_s=7_200))
    answer = api.launch()
    assert answer.headers["Retry-After"] == "7200"
    assert "[7200] seconds" in answer.json()["message"]
    assert answer.json()["limit"]["namespace"] == "platform.api"


def test_a_status_can_have_a_body_of_its_own(sandbox, api):
    """A status fault can send any text, even an empty one."""
    sandbox.faults.next(LAUNCH, Status(503, body=""))
    assert api.launch().content == b""
    sandbox.faults.next(LAUNCH, Status(500, body='{"odd": true}'))
    assert api.launch().json() == {"odd": True}


def test_a_gateways_html_page_can_stand_in(sandbox, api):
    """HtmlBadGateway answers 502 with HTML and does nothing."""
    sandbox.faults.next(LAUNCH, HtmlBadGateway())
    answer = api.launch()
    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "text/html")
    assert "502 Bad Gateway" in answer.text
    assert sandbox.launches() == []


def test_json_can_stop_in_the_middle(sandbox, api):
    """TruncatedJson launches and answers JSON that cannot be parsed."""
    sandbox.faults.next(LAUNCH, TruncatedJson())
    answer = api.launch()
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.content)
    assert len(sandbox.launches()) == 1


def test_a_504_can_follow_a_launch(sandbox, api):
    """Status504AfterProcessing answers 504 although the flow was launched."""
    sandbox.faults.next(LAUNCH, Status504AfterProcessing())
    answer = api.launch()
    assert (answer.status_code, answer.json()["code"]) == (504, "request.timeout")
    assert len(sandbox.launches()) == 1


def test_a_token_can_be_revoked_midway(sandbox, api, connect):
    """TokenRevoked refuses the bearer now and from then on; other tokens live."""
    other = connect(sandbox)
    sandbox.faults.next(LAUNCH, TokenRevoked())
    assert [api.launch().status_code for _ in range(2)] == [401, 401]
    assert other.launch().status_code == 200
    assert len(sandbox.launches()) == 1


@pytest.mark.parametrize(("reason", "error"), [("invalid_client", "invalid_client"), ("rate_limit", "invalid_request")])
def test_the_token_endpoint_can_refuse(sandbox, connect, reason, error):
    """TokenRefused plays the token endpoint's two kinds of 400."""
    sandbox.faults.script("token", 1, TokenRefused(reason))
    api = connect(sandbox, None)
    answer = api.token()
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert api.token().status_code == 200


def test_an_execution_can_be_late_to_appear(open_sandbox, connect):
    """After NotFoundAfterLaunch the first reads are 404, by count or by time, then it is there."""
    sandbox = open_sandbox(clock="frozen")
    api = connect(sandbox)
    sandbox.faults.next(LAUNCH, NotFoundAfterLaunch(polls=2))
    uri = api.launch().json()["selfUri"]
    assert [api.get(uri).status_code for _ in range(3)] == [404, 404, 200]
    sandbox.faults.next(LAUNCH, NotFoundAfterLaunch(seconds=5, polls=0))
    uri = api.launch().json()["selfUri"]
    assert [api.get(uri).status_code for _ in range(3)] == [404, 404, 404]
    sandbox.advance(5)
    assert api.get(uri).status_code == 200


@pytest.mark.parametrize("operation", ["token", "flows.list", "executions.get", "tokens.me"])
def test_faults_hit_other_operations_too(sandbox, api, operation):
    """A fault is bound to its operation: the others go on."""
    calls = {
        "token": lambda: api.token().status_code,
        "flows.list": lambda: api.get("/api/v2/flows").status_code,
        "executions.get": lambda: api.get(f"{EXECUTIONS}/nothing").status_code,
        "tokens.me": lambda: api.get("/api/v2/tokens/me").status_code,
    }
    sandbox.faults.next(operation, Status(503))
    assert calls.pop(operation)() == 503
    assert 503 not in {call() for call in calls.values()}


def test_call_numbers_address_single_calls(sandbox, api):
    """A scripted fault hits exactly its call numbers, counted from 1; None hits every call until cleared."""
    sandbox.faults.script("flows.list", [2, 4], Status(503))
    assert [api.get("/api/v2/flows").status_code for _ in range(5)] == [200, 503, 200, 503, 200]
    assert sandbox.faults.calls("flows.list") == 5
    sandbox.faults.script("flows.list", None, Status(500))
    assert {api.get("/api/v2/flows").status_code for _ in range(3)} == {500}
    sandbox.faults.clear()
    assert api.get("/api/v2/flows").status_code == 200
    assert sandbox.faults.calls("flows.list") == 1


def test_chance_is_repeated_by_its_seed():
    """The same seed gives the same faults, another seed others, and the share fits the probability."""

    def play(seed):
        faults = Faults([LAUNCH], seed)
        faults.chance(LAUNCH, DropAfterProcessing(), 0.25)
        return [faults.due(LAUNCH) is not None for _ in range(1_000)]

    assert play(1) == play(1)
    assert play(1) != play(2)
    assert 180 < sum(play(3)) < 320


@pytest.mark.parametrize(
    ("operation", "number", "fault"),
    [
        ("executions.start", 1, Status(500)),
        (LAUNCH, 0, Status(500)),
        (LAUNCH, 1, "boom"),
        (LAUNCH, 1, TokenRefused()),
        ("flows.list", 1, NotFoundAfterLaunch()),
        ("token", 1, TokenRevoked()),
        ("token", 1, TokenRefused("mood")),
    ],
    ids=repr,
)
def test_scripts_that_cannot_be_played_are_refused(sandbox, operation, number, fault):
    """A script for an unknown operation, call or fault is refused when it is written."""
    with pytest.raises(SandboxError):
        sandbox.faults.script(operation, number, fault)


def test_every_kind_of_fault_can_be_played_and_written_as_json():
    """The tables of faults and players are complete, and each fault survives JSON."""
    assert set(PLAYERS) == set(FAULTS.values())
    for kind in FAULTS.values():
        assert fault_from_json(fault_to_json(kind())) == kind()
    assert fault_from_json("Hang") == Hang()


@pytest.mark.parametrize(
    "kind", ["drop_after_processing", "drop-after-processing", "dropAfterProcessing", "DROPAFTERPROCESSING"]
)
def test_kinds_of_faults_may_be_spelled_as_scripts_spell_names(sandbox, api, kind):
    """Case, hyphens and underscores in a fault's kind do not matter, over HTTP and in Python."""
    assert fault_from_json(kind) == DropAfterProcessing()
    answer = api.control("POST", "faults", {"operation": LAUNCH, "next": 1, "fault": {"kind": kind}})
    assert answer.json()["script"][0]["fault"] == {"kind": "DropAfterProcessing"}


@pytest.mark.parametrize("kind", ["Nonsense", 5, None, ["Hang"], {}])
def test_an_unknown_kind_is_refused_with_the_known_ones_said_once(sandbox, api, kind):
    """The control plane's refusal names the kinds in its hint and leaves them out of its message."""
    answer = api.control("POST", "faults", {"operation": LAUNCH, "next": 1, "fault": {"kind": kind}})
    assert answer.status_code == 400
    assert "HtmlBadGateway" in answer.json()["hint"]
    assert "HtmlBadGateway" not in answer.json()["message"]


@pytest.mark.parametrize(
    "document", [None, {}, {"kind": "Boom"}, {"kind": "Status", "colour": 1}, {"kind": "Status", "code": "x"}], ids=str
)
def test_faults_in_json_are_checked(document):
    """An unknown kind or field, or a value of the wrong type, is refused by name."""
    with pytest.raises(SandboxError):
        fault_from_json(document)


@pytest.mark.parametrize(
    "fault",
    [kind() for kind in FAULTS.values() if kind is not ConnectionsRefused],  # there is no next request for a while
    ids=lambda fault: type(fault).__name__,
)
def test_the_sandbox_survives_every_fault(sandbox, api, fault, caplog):
    """After any fault the next request is served as ever, and nothing was logged as an error."""
    operation = "token" if isinstance(fault, TokenRefused) else LAUNCH
    sandbox.faults.next(operation, fault)
    try:
        if operation == "token":
            api.token()
        else:
            api.call("POST", EXECUTIONS, json={"flowId": "f0000000-0000-4000-8000-000000000001"}, timeout=1.5)
    except requests.exceptions.RequestException:
        pass
    assert api.sign_in().launch().status_code == 200
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
