"""Playing a fault: what each kind does to a request and its connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from flowlaunch.sandbox import faults
from flowlaunch.sandbox.answers import Answer, Refusal
from flowlaunch.sandbox.bodies import read_body
from flowlaunch.sandbox.connections import SCOPE_KEY, Connection
from flowlaunch.sandbox.oauth import OAuthRefusal
from flowlaunch.sandbox.routes.tokens import refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from flowlaunch.sandbox.app import Receive, SandboxApp, Scope, Send
    from flowlaunch.sandbox.calls import Call
    from flowlaunch.sandbox.service import Service

__all__ = ["Mishaps"]

HTML = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>"
    b"\r\n</body>\r\n</html>\r\n"
)
STATUS_CODES: dict[int, tuple[str, str]] = {
    400: ("bad.request", "The request could not be understood."),
    401: ("bad.credentials", "Invalid login credentials."),
    403: ("not.authorized", "You are not authorized to perform the requested action."),
    404: ("not.found", "The requested resource was not found."),
    405: ("architect.workflow.invalid.operation", "The operation is not valid."),
    409: ("architect.operation.already.in.progress", "An operation is already in progress."),
    410: ("architect.flow.deleted", "The flow has been deleted."),
    413: ("request.entity.too.large", "The request is too large."),
    415: ("unsupported.media.type", "The media type is not supported."),
    429: ("too.many.requests.retry.after", "Rate limit exceeded the maximum. Retry the request in [{wait}] seconds"),
    500: ("internal.server.error", "The server encountered an unexpected condition."),
    503: ("service.unavailable", "The service is unavailable."),
    504: ("request.timeout", "The request timed out."),
}


class Mishaps:
    """Plays faults; one method for each kind."""

    def __init__(self, service: Service, stopping: asyncio.Event) -> None:
        self._service = service
        self._stopping = stopping

    async def play(
        self, fault: faults.Fault, app: SandboxApp, call: Call, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Play one fault on one request, and journal what was sent."""
        act = _Act(self._service, self._stopping, app, call, Connection(scope[SCOPE_KEY]), receive, send)
        await PLAYERS[type(fault)](act, fault)


class _Act:
    """One fault being played on one request."""

    def __init__(
        self, service: Service, stopping: asyncio.Event, app: SandboxApp, call: Call, connection: Connection,
        receive: Receive, send: Send,
    ) -> None:  # fmt: skip
        self.service = service
        self.stopping = stopping
        self.app = app
        self.call = call
        self.connection = connection
        self.receive = receive
        self.send = send

    async def read(self) -> Refusal | None:
        """Read the body; gives the refusal when it is too large."""
        try:
            if self.call.operation.reads_body:
                self.call.body = await read_body(self.receive, self.call)
        except Refusal as refusal:
            return refusal
        return None

    async def process(self) -> Answer:
        """Carry the request out as if nothing were wrong."""
        refusal = await self.read()
        return refusal.answer(self.call.correlation_id) if refusal else self.app.answer(self.call)

    async def gone(self) -> None:
        """Wait until the server has seen the connection's end, so that it expects no answer."""
        while (await self.receive())["type"] != "http.disconnect":
            continue

    def record(self, status: int, body: bytes, fault: faults.Fault) -> None:
        self.app.record(self.call, status, body, type(fault).__name__)

    async def reply(self, answer: Answer, fault: faults.Fault) -> None:
        self.record(answer.status, answer.body, fault)
        await self.app.send(self.call, answer, self.send)

    async def sleep(self, seconds: float) -> None:
        """Let real time pass, but not beyond the sandbox's own end."""
        try:
            await asyncio.wait_for(self.stopping.wait(), seconds)
        except TimeoutError:
            return


async def _drop_before(act: _Act, fault: faults.DropBeforeReading) -> None:
    act.record(0, b"", fault)
    act.connection.drop()
    await act.gone()


async def _drop_after(act: _Act, fault: faults.DropAfterProcessing) -> None:
    answer = await act.process()
    act.call.note(f"the answer {answer.status} was lost")
    act.record(0, answer.body, fault)
    act.connection.drop()
    await act.gone()


async def _reset_mid_body(act: _Act, fault: faults.ResetMidBody) -> None:
    answer = await act.process()
    act.call.note(f"the answer {answer.status} was cut in its body")
    act.record(0, answer.body, fault)
    await act.connection.send_half(answer, act.app.headers(act.call, answer))
    await act.gone()


async def _hang(act: _Act, fault: faults.Hang) -> None:
    if fault.processed:
        await act.process()
    else:
        await act.read()
    act.record(0, b"", fault)
    await act.sleep(fault.seconds)
    act.connection.drop()
    await act.gone()


async def _delay(act: _Act, fault: faults.Delay) -> None:
    answer = await act.process()
    act.record(answer.status, answer.body, fault)
    await act.sleep(fault.seconds)
    await act.app.send(act.call, answer, act.send)


async def _drip(act: _Act, fault: faults.DripBody) -> None:
    answer = await act.process()
    act.record(answer.status, answer.body, fault)
    headers = act.app.headers(act.call, answer)
    await act.send({"type": "http.response.start", "status": answer.status, "headers": headers})
    for place in range(len(answer.body)):
        await act.sleep(fault.seconds / len(answer.body))
        if act.stopping.is_set() or act.connection.is_closing:
            act.connection.drop()
            await act.gone()
            return
        piece = {"type": "http.response.body", "body": answer.body[place : place + 1], "more_body": True}
        await act.send(piece)
    await act.send({"type": "http.response.body", "body": b""})


async def _refuse_connections(act: _Act, fault: faults.ConnectionsRefused) -> None:
    answer = await act.process()
    act.service.on_refuse(fault.seconds, fault.once_tried)
    await act.reply(msgspec.structs.replace(answer, headers=(*answer.headers, (b"connection", b"close"))), fault)


async def _status(act: _Act, fault: faults.Status) -> None:
    await act.read()
    wait = fault.retry_after_s
    headers = () if wait is None else ((b"retry-after", str(wait).encode("ascii")),)
    if fault.body is not None:
        looks_json = fault.body.lstrip()[:1] in {"{", "["}
        media = b"application/json" if looks_json else b"text/plain; charset=utf-8"
        await act.reply(Answer(fault.code, fault.body.encode("utf-8"), headers, media), fault)
        return
    code, text = STATUS_CODES.get(fault.code, ("internal.server.error" if fault.code >= 500 else "bad.request", ""))
    limit = {"key": "token.rate.per.minute", "namespace": "platform.api", "value": 300} if fault.code == 429 else None
    refusal = Refusal(
        fault.code,
        fault.server_code or code,
        (text or f"HTTP {fault.code}").replace("{wait}", str(wait or 0)),
        limit=limit,
        headers=headers,
    )
    await act.reply(refusal.answer(act.call.correlation_id), fault)


async def _html(act: _Act, fault: faults.HtmlBadGateway) -> None:
    await act.read()
    await act.reply(Answer(502, HTML, (), b"text/html"), fault)


async def _truncated(act: _Act, fault: faults.TruncatedJson) -> None:
    answer = await act.process()
    half = msgspec.structs.replace(answer, body=answer.body[: len(answer.body) // 2])
    await act.reply(half, fault)


async def _revoke(act: _Act, fault: faults.TokenRevoked) -> None:
    try:
        act.service.revoke(act.service.tokens.authenticate(act.call.authorization, act.call.now))
    except Refusal:
        act.call.note("there was no live token to revoke")
    await act.reply(await act.process(), fault)


async def _refuse_token(act: _Act, fault: faults.TokenRefused) -> None:
    await act.read()
    if fault.reason == "rate_limit":
        refusal = OAuthRefusal("invalid_request", "rate limit exceeded; retry in 60 seconds")
    else:
        refusal = OAuthRefusal("invalid_client", "authentication failed", 401 if act.service.is_guide else 400)
    await act.reply(refused(refusal), fault)


async def _hide(act: _Act, fault: faults.NotFoundAfterLaunch) -> None:
    answer = await act.process()
    execution = act.service.runs.executions.get(act.call.execution_id)
    if execution is not None:
        execution.hidden_polls = fault.polls
        execution.hidden_until = act.call.now + fault.seconds
    await act.reply(answer, fault)


async def _timeout_after(act: _Act, fault: faults.Status504AfterProcessing) -> None:
    done = await act.process()
    act.call.note(f"the answer {done.status} was replaced by 504")
    code, text = STATUS_CODES[504]
    await act.reply(Refusal(504, code, text).answer(act.call.correlation_id), fault)


PLAYERS: dict[type[Any], Callable[[_Act, Any], Awaitable[None]]] = {
    faults.DropBeforeReading: _drop_before,
    faults.DropAfterProcessing: _drop_after,
    faults.ResetMidBody: _reset_mid_body,
    faults.Hang: _hang,
    faults.Delay: _delay,
    faults.DripBody: _drip,
    faults.ConnectionsRefused: _refuse_connections,
    faults.Status: _status,
    faults.HtmlBadGateway: _html,
    faults.TruncatedJson: _truncated,
    faults.TokenRevoked: _revoke,
    faults.TokenRefused: _refuse_token,
    faults.NotFoundAfterLaunch: _hide,
    faults.Status504AfterProcessing: _timeout_after,
}
