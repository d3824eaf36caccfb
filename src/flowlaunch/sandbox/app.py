"""The ASGI application: one lean pipeline for the emulated API, Starlette for the control plane."""

from __future__ import annotations

import asyncio
import logging
from time import monotonic
from typing import TYPE_CHECKING, Any

from flowlaunch.sandbox.answers import Answer, Refusal, missing_permissions
from flowlaunch.sandbox.bodies import ClientLeft, read_body
from flowlaunch.sandbox.calls import Call, Operation
from flowlaunch.sandbox.journal import Note
from flowlaunch.sandbox.limits import too_many_requests
from flowlaunch.sandbox.mishaps import Mishaps
from flowlaunch.sandbox.operations import Table, operations_of
from flowlaunch.sandbox.page import asks_for_page

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from flowlaunch.sandbox.guards import Hosts
    from flowlaunch.sandbox.permissions import Rights
    from flowlaunch.sandbox.service import Service

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Scope = MutableMapping[str, Any]
    AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

__all__ = ["SandboxApp"]

IDLE_WORK_S = 0.004
BUSY_WORK_S = 0.0005
WORK_EVERY_S = 0.005
LONGEST_SLEEP_S = 1.0
JSON_MEDIA = frozenset({b"application/json", b""})
STANDING_HEADERS = (
    (b"cache-control", b"no-cache, no-store, must-revalidate"),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
)
logger = logging.getLogger("flowlaunch.sandbox")


class SandboxApp:
    """Serves one `Service`.

    Order of checks for an API request: host, fault, body size, media type, token, rate, permission, content.
    """

    def __init__(self, service: Service, hosts: Hosts, front: AsgiApp) -> None:
        self.service = service
        self.hosts = hosts
        self.stopping = asyncio.Event()
        self._table = Table(operations_of(service.options.contract))
        self._front = front
        self._mishaps = Mishaps(service, self.stopping)
        self._requests = 0
        self._seen = 0
        self._work_due: asyncio.TimerHandle | None = None
        self._work_at = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        if path.startswith("/sandbox") or (path == "/" and asks_for_page(scope)):
            await self._front(scope, receive, send)
            return
        self._requests += 1
        service = self.service
        operation, params = self._table.find(scope["method"], path)
        call = Call(scope, operation, params, service.clock.now())  # type: ignore[arg-type]  # a scope is a dict
        call.correlation_id = service.correlations.next_id()
        fault = service.faults.due(operation.name)
        try:
            if fault is not None:
                await self._mishaps.play(fault, self, call, scope, receive, send)
                return
            if operation.reads_body:
                call.body = await read_body(receive, call)
            answer = self.answer(call)
        except Refusal as refusal:
            answer = refusal.answer(call.correlation_id)
        except ClientLeft:
            call.note("the client left before its request was read; nothing was done")
            self.record(call, 0, b"")
            return
        self.record(call, answer.status, answer.body)
        await self.send(call, answer, send)

    def answer(self, call: Call) -> Answer:
        """Carry one request out; every refusal becomes the official error body."""
        operation = call.operation
        try:
            if call.host not in self.hosts.accepted:
                self.hosts.check(call.host)
            if operation.reads_body and operation.json_body:
                _check_media(call)
            if operation.signed:
                self._admit(call, operation)
            return operation.handler(self.service, call)
        except Refusal as refusal:
            return refusal.answer(call.correlation_id)
        except Exception:
            logger.exception("the sandbox failed at %s %s", call.method, call.path)
            text = f"The sandbox itself failed at {call.method} {call.path}; its log has the traceback."
            return Refusal(500, "sandbox.failed", text).answer(call.correlation_id)

    def _admit(self, call: Call, operation: Operation) -> None:
        token = self.service.tokens.authenticate(call.authorization, call.now)
        call.token = token
        if token.budget is not None:
            retry_after_s = token.budget.spend(call.now)
            if retry_after_s:
                raise too_many_requests(retry_after_s, token.limit_key, token.budget.per_minute)
        if operation.permissions:
            _check_permissions(token.rights, operation)
            if token.scopes is not None:
                _check_scope(token.scopes, operation)

    def record(self, call: Call, status: int, body: bytes, fault: str = "") -> None:
        """Write the request and its answer (status 0: none was sent) to the journal."""
        journal = self.service.journal
        token = call.token
        journal.add(
            Note(
                call.operation.name, call.method, call.path, call.query_string, status, call.now, monotonic(),
                call.headers, call.body, body, call.correlation_id,
                "" if token is None else token.client.id, call.execution_id, fault, call.notes,
            )
        )  # fmt: skip

    def headers(self, call: Call, answer: Answer) -> list[tuple[bytes, bytes]]:
        """Build the headers of an answer."""
        headers = [
            (b"date", self.service.clock.http_date(call.now)),
            (b"inin-correlation-id", call.correlation_id.encode("ascii")),
            (b"content-length", str(len(answer.body)).encode("ascii")),
            *STANDING_HEADERS,
            *answer.headers,
        ]
        if answer.content_type:
            headers.append((b"content-type", answer.content_type))
        if self.service.options.rate_headers and call.operation.signed:
            headers.extend(_rate_headers(call))
        return headers

    async def send(self, call: Call, answer: Answer, send: Send) -> None:
        """Send an answer."""
        await send({"type": "http.response.start", "status": answer.status, "headers": self.headers(call, answer)})
        await send({"type": "http.response.body", "body": answer.body})

    # -- work between requests ------------------------------------------------------------------------------

    def schedule_work(self) -> None:
        """Make sure that queued and waiting runs go on; called in the serving thread."""
        if self._work_due is None and not self.stopping.is_set():
            self._sleep(WORK_EVERY_S)
        elif self._work_due is not None:
            soon = asyncio.get_running_loop().time() + WORK_EVERY_S
            if self._work_at > soon + WORK_EVERY_S:
                self._sleep(WORK_EVERY_S)

    def _sleep(self, seconds: float) -> None:
        if self._work_due is not None:
            self._work_due.cancel()
        loop = asyncio.get_running_loop()
        self._work_at = loop.time() + seconds
        self._work_due = loop.call_at(self._work_at, self._work)

    def _work(self) -> None:
        """Do a slice of work: a large one when no requests came since the last, a small one under load."""
        self._work_due = None
        runs, clock = self.service.runs, self.service.clock
        budget_s = IDLE_WORK_S if self._requests == self._seen else BUSY_WORK_S
        self._seen = self._requests
        if runs.pump(clock.now(), budget_s):
            self._sleep(WORK_EVERY_S)
            return
        due = runs.next_due()
        if due is not None and clock.mode != "frozen":
            self._sleep(min(LONGEST_SLEEP_S, max(0.001, due - clock.now())))

    def stop(self) -> None:
        """End hanging requests and stop working."""
        self.stopping.set()
        if self._work_due is not None:
            self._work_due.cancel()
            self._work_due = None


def _check_media(call: Call) -> None:
    media = call.content_type
    if media not in JSON_MEDIA and media.partition(b";")[0].strip().lower() not in JSON_MEDIA:
        text = f"Content-Type must be application/json, not {media.decode('latin-1')}."
        raise Refusal(415, "unsupported.media.type", text)


def _check_permissions(rights: Rights, operation: Operation) -> None:
    held = [permission in rights for permission in operation.permissions]
    if operation.every and not all(held):
        raise missing_permissions(operation.permissions, every=True)
    if not any(held):
        raise missing_permissions(operation.permissions)


def _check_scope(scopes: frozenset[str], operation: Operation) -> None:
    """Check a user's token: reading takes `architect:readonly` or `architect`, changing takes `architect`."""
    if "architect" in scopes or ("architect:readonly" in scopes and not operation.writes):
        return
    text = "The token's scopes do not allow this operation: it needs the scope architect"
    raise Refusal(403, "not.authorized", text + ("." if operation.writes else " or architect:readonly."))


def _rate_headers(call: Call) -> list[tuple[bytes, bytes]]:
    budget = call.token.budget if call.token is not None else None
    if budget is None:
        return []
    figures = {b"count": budget.spent, b"allowed": budget.per_minute, b"reset": budget.resets_in_s(call.now)}
    return [(b"inin-ratelimit-" + name, str(value).encode("ascii")) for name, value in figures.items()]
