"""Bad input and bad surroundings: each a clear error of its own class, and nothing launched."""

from __future__ import annotations

import datetime as dt
import math
import socket
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from witness_clients import ORDER, ORDER_FLOW, SECRET, UNKNOWN_FLOW, AnyClient, shown

import flowlaunch
from flowlaunch import credentials
from flowlaunch._core.steps import Moment
from flowlaunch.errors import (
    AuthenticationError,
    DecodeError,
    FlowlaunchError,
    FlowLookupError,
    NotSentError,
    PreflightError,
    SettingsError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flowlaunch.sandbox import Sandbox

KINDS = pytest.mark.parametrize("kind", ["sync", "async"])
NAMED = ("Flow.customerName", "Flow.orderId")


@dataclass(frozen=True)
class Case:
    """A launch that must fail: what is given, the error's class, code, words of its text, and kinds of problems."""

    flow: Any = ORDER_FLOW
    data: Any = field(default_factory=lambda: dict(ORDER))
    error: type[FlowlaunchError] = PreflightError
    code: str = "input-rejected"
    says: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)


CASES = {
    "unknown flow id": Case(UNKNOWN_FLOW, error=FlowLookupError, code="flow-unknown", says=("region", "flows list")),
    "unknown flow name": Case(
        "Order folow-up", error=FlowLookupError, code="flow-unknown", says=("Did you mean 'Order follow-up'?",)
    ),
    "no flow": Case("  ", error=FlowLookupError, code="flow-lookup", says=("exact name",)),
    "ambiguous name": Case(
        "Callback request", {"Flow.phoneNumber": "1"}, FlowLookupError, "flow-ambiguous",
        ("2 flows", "Home", "Support", "Give the id"),
    ),
    "unpublished flow": Case(
        "Returns intake", {"Flow.orderId": "1"}, FlowLookupError, "flow-not-published", ("Publish it",)
    ),
    "deleted flow": Case("Old returns", {}, FlowLookupError, "flow-unknown", ("Old returns",)),
    "unknown version": Case(
        options={"version": "9.0"}, error=FlowLookupError, code="flow-version-unknown", says=("9.0", "version out")
    ),
    "wrong key": Case(
        data={**ORDER, "Flow.colour": "red"}, says=("Flow.colour is no input", "Flow.customerName"),
        problems=("unknown-key",),
    ),
    "wrong case": Case(
        data={"Flow.CustomerName": "J", "Flow.orderId": "1"}, says=("did you mean Flow.customerName?",),
        problems=("unknown-key",),
    ),
    "underscores": Case(
        data={"customer_name": "J", "order_id": "1"},
        says=("did you mean Flow.customerName?", "did you mean Flow.orderId?"), problems=("unknown-key", "unknown-key"),
    ),
    "other prefix": Case(
        data={"Common.customerName": "J", "Flow.orderId": "1"}, says=("did you mean Flow.customerName?",),
        problems=("unknown-key",),
    ),
    "nested under the prefix": Case(
        data={"Flow": {"customerName": "J", "orderId": "1"}}, says=("flat keys",),
        problems=("unknown-key", "missing-input", "missing-input"),
    ),
    "missing input": Case(
        data={"Flow.orderId": "1"}, says=('Flow.customerName="text"',), problems=("missing-input",)
    ),
    "wrong type": Case(
        data={**ORDER, "Flow.orderId": 4711}, says=("takes string, not the integer 4711", "'4711'"),
        problems=("wrong-type",),
    ),
    "several at once": Case(
        data={"Flow.orderId": 4711, "Flow.colour": "red"}, says=("3 problems",),
        problems=("unknown-key", "missing-input", "wrong-type"),
    ),
    "a list": Case(data=["Jane"], says=("list, not an object", "mapping"), problems=("not-an-object",)),
    "a text": Case(data='{"Flow.orderId": "1"}', says=("str, not an object",), problems=("not-an-object",)),
    "a number": Case(data=7, says=("int, not an object",), problems=("not-an-object",)),
    "too large": Case(
        data={**ORDER, "Flow.priority": "x" * 512_000}, says=("512,000", "pass an id"), problems=("too-large",)
    ),
    "NaN": Case(data={**ORDER, "Flow.priority": math.nan}, says=("Flow.priority",), problems=("not-json",)),
    "infinity": Case(data={**ORDER, "Flow.priority": -math.inf}, says=("Flow.priority",), problems=("not-json",)),
    "an object of ours": Case(data={**ORDER, "Flow.priority": object()}, says=("object",), problems=("not-json",)),
}  # fmt: skip


@pytest.fixture
def sandbox(open_sandbox: Callable[..., Sandbox]) -> Sandbox:
    return open_sandbox()


def refused(client: AnyClient, sandbox: Sandbox | None, error: type[FlowlaunchError], *args: Any, **given: Any) -> Any:
    """Launch, expect exactly this error with a hint and without secrets, and no launch in the journal."""
    with pytest.raises(FlowlaunchError) as caught:
        client.call("launch", *(args or (ORDER_FLOW, ORDER)), **given)
    assert type(caught.value) is error, shown(caught.value)
    assert caught.value.hint
    assert SECRET not in shown(caught.value)
    if sandbox is not None:
        assert sandbox.launches() == []
        assert sandbox.journal("executions.launch") == []
    return caught.value


@KINDS
@pytest.mark.parametrize("name", CASES)
def test_bad_launch_is_refused_before_it_is_sent(sandbox, connect, kind: str, name: str) -> None:
    """Each bad launch is refused by its class and code, the text names the cure, and no launch is sent."""
    case = CASES[name]
    error = refused(connect(kind, sandbox.url), sandbox, case.error, case.flow, case.data, **case.options)
    assert error.code == case.code
    for words in case.says:
        assert words in str(error)
    if case.problems:
        assert sorted(problem.kind for problem in error.problems) == sorted(case.problems)
        assert all(problem.message for problem in error.problems)


@KINDS
@pytest.mark.parametrize("name", ["too large", "NaN", "a list", "no flow"])
def test_what_is_no_json_is_refused_without_preflight_too(sandbox, connect, kind: str, name: str) -> None:
    """With preflight off, what cannot be sent at all is refused here, and a body too large by the service."""
    case = CASES[name]
    client = connect(kind, sandbox.url, preflight="off")
    with pytest.raises(FlowlaunchError) as caught:
        client.call("launch", case.flow, case.data)
    assert sandbox.launches() == []
    if name == "too large":
        assert isinstance(caught.value, (PreflightError, flowlaunch.InvalidRequestError))
        assert "pass an id" in str(caught.value)
    else:
        assert type(caught.value) is case.error
        assert sandbox.journal("executions.launch") == []


@KINDS
def test_missing_prefix_is_added(sandbox, connect, kind: str) -> None:
    """Bare keys are sent with their prefix where that is unambiguous, so forgetting it does no harm."""
    connect(kind, sandbox.url).call("launch", ORDER_FLOW, {"customerName": "Jane", "orderId": "1"})
    assert sandbox.launches()[0].inputs == {"Flow.customerName": "Jane", "Flow.orderId": "1"}
    assert sandbox.journal("executions.launch")[0].notes == ()


@KINDS
def test_missing_prefix_without_preflight_is_dropped(sandbox, connect, kind: str) -> None:
    """Without preflight the platform drops bare keys silently and the run misses its inputs: why preflight is on."""
    client = connect(kind, sandbox.url, preflight="off")
    client.call("launch", ORDER_FLOW, {"customerName": "Jane", "orderId": "1"})
    assert "customerName" in sandbox.journal("executions.launch")[0].note


# -- settings and credentials --------------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize(
    ("region", "options", "says"),
    [
        ("us-east-9", {}, "us-east-9"),
        ("", {"client_id": None, "client_secret": None}, "client"),
        ("mars", {}, "region"),
        ("ftp://127.0.0.1", {}, "ftp"),
        ("us-east-1", {"client_id": None, "client_secret": None}, "GENESYSCLOUD_OAUTHCLIENT_ID"),
        ("us-east-1", {"client_secret": None}, "GENESYSCLOUD_OAUTHCLIENT_SECRET"),
        ("us-east-1", {"contract": "soap"}, "platform"),
        ("us-east-1", {"timeout_s": -1}, "timeout"),
    ],
    ids=["bad region", "nothing", "no region", "scheme", "no credentials", "no secret", "contract", "timeout"],
)
def test_bad_settings_end_before_any_request(connect, kind: str, region: str, options: dict[str, Any], says) -> None:
    """A bad region, missing credentials or a wrong setting is told when the client is made."""
    with pytest.raises(SettingsError) as caught:
        connect(kind, region or None, **options)
    assert says in str(caught.value)
    assert caught.value.hint


@KINDS
@pytest.mark.parametrize("options", [{"client_secret": "wrong"}, {"client_id": "nobody"}], ids=["secret", "id"])
def test_wrong_credentials_point_to_the_region(sandbox, connect, kind: str, options: dict[str, str]) -> None:
    """Refused credentials are told with the service's code, and the hint begins with the region."""
    error = refused(connect(kind, sandbox.url, **options), sandbox, AuthenticationError)
    assert (error.code, error.server_code, error.status) == ("authentication", "invalid_client", 400)
    assert "region" in error.hint
    assert len(sandbox.journal("token")) == 1


@KINDS
def test_given_token_that_expired_cannot_be_renewed(open_sandbox, connect, kind: str) -> None:
    """A given access token that expired or is unknown is told as such, with what to do instead."""
    sandbox = open_sandbox(clock="frozen")
    with AnyClient("sync", sandbox.url) as other:
        other.call("whoami")
        token = other.token
    sandbox.advance(86_401)
    for value in (token, "never-was-a-token"):
        client = connect(kind, sandbox.url, credentials=credentials.AccessToken(value))
        error = refused(client, sandbox, AuthenticationError)
        assert "client credentials" in error.hint
        assert value not in shown(error)
    assert len(sandbox.journal("token")) == 1


class SkewedClock:
    """A wall clock that is wrong by days; the monotonic one cannot be."""

    def __init__(self, clock: Any, skew_s: float) -> None:
        self._clock, self._skew_s = clock, skew_s

    def now(self) -> Moment:
        true = self._clock.now()
        return Moment(true.mono_s, true.unix_s + self._skew_s)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._clock, name)


@KINDS
@pytest.mark.parametrize("skew_s", [-3 * 86_400.0, 3 * 86_400.0], ids=["slow", "fast"])
def test_wrong_wall_clock_does_no_harm(sandbox, connect, kind: str, skew_s: float) -> None:
    """A wall clock that is days wrong neither expires tokens nor repeats a launch: only elapsed time counts."""
    client = connect(kind, sandbox.url)
    client.clock = client.client._driver.clock = SkewedClock(client.clock, skew_s)
    for _ in range(3):
        client.call("launch", ORDER_FLOW, ORDER)
    assert (len(sandbox.journal("token")), len(sandbox.launches())) == (1, 3)


# -- the network ---------------------------------------------------------------------------------------------------


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@KINDS
def test_refusing_proxy_is_named(sandbox, connect, kind: str) -> None:
    """A proxy that cannot be reached is told as the proxy's fault, and nothing was sent."""
    client = connect(kind, sandbox.url, proxy=f"http://user:pr0xy-pass@127.0.0.1:{closed_port()}", timeout_s=60)
    error = refused(client, sandbox, NotSentError)
    assert (error.code, error.details["kind"]) == ("not-sent", "proxy")
    assert "proxy" in error.hint
    assert "pr0xy-pass" not in shown(error)


@KINDS
def test_nobody_listening_is_not_sent(connect, kind: str) -> None:
    """A service that is not there is told as not sent: repeating is safe."""
    error = refused(connect(kind, f"http://127.0.0.1:{closed_port()}", timeout_s=60), None, NotSentError)
    assert "nothing was sent" in str(error)


@KINDS
def test_unknown_ca_is_named(open_sandbox, connect, kind: str) -> None:
    """A certificate of an unknown CA is refused and never ignored; giving the CA cures it."""
    sandbox = open_sandbox(tls=True)
    error = refused(connect(kind, sandbox.url, timeout_s=60), sandbox, NotSentError)
    assert error.details["kind"] == "certificate"
    assert "CA" in error.hint
    connect(kind, sandbox.url, ca_file=sandbox.ca_file).call("launch", ORDER_FLOW, ORDER)
    assert len(sandbox.launches()) == 1


@KINDS
def test_unusable_ca_file_is_a_setting(sandbox, connect, kind: str, tmp_path: Path) -> None:
    """A CA file that is missing or holds no certificate is told by its name, and nothing is sent."""
    wrong = tmp_path / "ca.pem"
    wrong.write_text("no certificate", "utf-8")
    for path in (wrong, tmp_path / "absent.pem"):
        with pytest.raises(SettingsError) as caught:
            connect(kind, sandbox.url.replace("http:", "https:"), ca_file=path).call("launch", ORDER_FLOW, ORDER)
        assert path.name in str(caught.value)
        assert caught.value.hint
    assert sandbox.journal() == []


@contextmanager
def serving(body: bytes, content_type: str, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve one body on every path."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            self.send_response(200)
            self.send_header("content-type", content_type)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the standard library's name

        def log_message(self, *_: Any) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """A refused handshake is the point."""

    with Quiet(("127.0.0.1", 0), Page) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"{'https' if context else 'http'}://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join(5)


@KINDS
@pytest.mark.parametrize("when", [-10, 10], ids=["expired", "not yet valid"])
def test_certificate_out_of_its_time_is_named(connect, kind: str, tmp_path: Path, when: int) -> None:
    """A certificate that is not valid now, as when a clock is wrong, is refused as a certificate."""
    authority = trustme.CA()
    middle = dt.datetime.now(dt.UTC) + dt.timedelta(days=when)
    day = dt.timedelta(days=1)
    leaf = authority.issue_cert("127.0.0.1", not_before=middle - day, not_after=middle + day)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with serving(b"{}", "application/json", context) as url:
        error = refused(connect(kind, url, ca_file=tmp_path / "ca.pem", timeout_s=60), None, NotSentError)
    assert error.details["kind"] == "certificate"
    assert "expired" in str(error) if when < 0 else "not yet valid" in str(error)


@KINDS
@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"<html><body>Welcome to the intranet</body></html>", "text/html"), (b"[]", "application/json"), (b"", "")],
    ids=["web page", "other JSON", "nothing"],
)
def test_answer_that_is_no_json_is_told(connect, kind: str, body: bytes, content_type: str) -> None:
    """A host that answers 200 with something else is told as no API, with what was found."""
    with serving(body, content_type) as url:
        error = refused(connect(kind, url, timeout_s=60), None, DecodeError)
    assert error.code == "decode"
    assert "login host" in error.hint
    if b"Welcome" in body:
        assert "Welcome to the intranet" in str(error)
        assert "<" not in str(error)
