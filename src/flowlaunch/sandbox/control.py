"""The control plane under `/sandbox/`: JSON only, for tests and tools, never for the emulated API's clients."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from flowlaunch.errors import FlowError, FlowlaunchError, SandboxError
from flowlaunch.sandbox.answers import BAD_JSON, Refusal
from flowlaunch.sandbox.clock import iso
from flowlaunch.sandbox.faults import fault_from_json
from flowlaunch.sandbox.needs import missing_needs
from flowlaunch.sandbox.routes.histories import history_json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from flowlaunch.sandbox.guards import Hosts
    from flowlaunch.sandbox.service import Service

    Body = dict[str, Any]
    Action = Callable[[Service, Request, Body], Any]

__all__ = ["control_app", "world_summary"]

JSON_MEDIA = "application/json"
SAFE = frozenset({"GET", "HEAD"})
MAX_BODY_BYTES = 16_000_000
_encode = msgspec.json.Encoder().encode


class _Wrong(Exception):  # noqa: N818 - an answer on its way out
    def __init__(self, status: int, code: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.document = {"code": code, "message": message} | ({"hint": hint} if hint else {})


def _reply(document: Any, status: int = 200) -> Response:
    return Response(_encode(document), status, media_type=JSON_MEDIA, headers={"cache-control": "no-store"})


def control_app(service: Service, hosts: Hosts) -> Starlette:
    """Build the control plane of a service."""

    def route(path: str, method: str, action: Action) -> Route:
        async def endpoint(request: Request) -> Response:
            try:
                await _guard(request, hosts)
                body = {} if method in SAFE else await _body(request)
                return _reply(action(service, request, body))
            except _Wrong as wrong:
                return _reply(wrong.document, wrong.status)
            except (FlowError, SandboxError) as error:
                return _reply(_error(error), 400)

        return Route(path, endpoint, methods=[method])

    async def missing(request: Request, error: Exception) -> Response:
        status = getattr(error, "status_code", 404)
        known = sorted({f"{method} {path}" for path, method, _ in ACTIONS})
        text = f"{request.method} {request.url.path} is no part of the control plane"
        return _reply({"code": "sandbox.not.found", "message": text, "known": known}, status)

    handlers: dict[Any, Callable[[Request, Exception], Awaitable[Response]]] = {404: missing, 405: missing}
    return Starlette(routes=[route(*each) for each in ACTIONS], exception_handlers=handlers)


def _error(error: FlowlaunchError) -> dict[str, Any]:
    message = str(error).removesuffix(f"\n  hint: {error.hint}")  # not .message: a flow's error shows its place too
    return {"code": error.code, "message": message} | ({"hint": error.hint} if error.hint else {})


async def _guard(request: Request, hosts: Hosts) -> None:
    """Refuse other hosts' names, and writes that a page of another origin sends."""
    host = request.headers.get("host", "").encode("latin-1")
    try:
        hosts.check(host)
    except Refusal as refusal:
        raise _Wrong(refusal.status, refusal.code, refusal.message) from refusal
    if request.method in SAFE:
        return
    origin = request.headers.get("origin")
    if origin is not None and not hosts.accepts_origin(origin, host):
        raise _Wrong(403, "sandbox.origin.refused", f"a page of {origin} may not change the sandbox")
    site = request.headers.get("sec-fetch-site", "none")
    if site not in {"none", "same-origin"}:
        raise _Wrong(403, "sandbox.origin.refused", f"a {site} page may not change the sandbox")


async def _body(request: Request) -> dict[str, Any]:
    raw = b""
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_BODY_BYTES:
            raise _Wrong(413, "sandbox.too.large", f"the body is larger than {MAX_BODY_BYTES:,} bytes")
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if raw and media != JSON_MEDIA:
        raise _Wrong(415, "sandbox.media.type", f"the control plane takes {JSON_MEDIA}, not {media or 'nothing'}")
    if not raw:
        return {}
    try:
        document = msgspec.json.decode(raw)
    except BAD_JSON as error:
        raise _Wrong(400, "sandbox.body", f"the body is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise _Wrong(400, "sandbox.body", "the body must be a JSON object")
    return document


def _take(body: Body, name: str, kind: type | tuple[type, ...], default: Any = ...) -> Any:
    if name not in body:
        if default is ...:
            raise _Wrong(400, "sandbox.body", f"the body lacks `{name}`")
        return default
    value = body[name]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise _Wrong(400, "sandbox.body", f"`{name}` has the wrong type: {value!r}")
    return value


# -- actions ------------------------------------------------------------------------------------------------------


def _world(service: Service, request: Request, body: Body) -> Any:
    del request, body
    return world_summary(service)


def world_summary(service: Service) -> dict[str, Any]:
    """Describe the world: names and ids, no secrets."""
    service.refresh_flows()
    world = service.world
    return {
        "contract": service.options.contract,
        "organization": asdict(world.organization),
        "divisions": [asdict(division) for division in world.divisions.values()],
        "clients": [
            {"id": c.id, "name": c.name, "grants": list(c.grants), "permissions": sorted(c.rights)}
            for c in world.clients.values()
        ],
        "users": [{"id": user.id, "name": user.name, "email": user.email} for user in world.users.values()],
        "flows": [
            {
                "id": flow.id, "name": flow.name, "type": flow.type, "division": flow.division.name,
                "origin": flow.origin, "version": flow.current.number if flow.current else None,
                "deleted": flow.is_deleted, "problem": flow.problem,
                "missing": missing_needs(world, flow),
            }
            for flow in world.flows.values()
        ],
        "folderProblems": dict(service.folder.problems) if service.folder else {},
        "dataActions": [{"category": stub.category, "action": stub.action} for stub in world.stubs],
        "tables": sorted(world.things.tables),
        "outbox": world.things.outbox,
        "events": world.things.events,
        "executions": len(service.runs.executions),
    }  # fmt: skip


def _reset(service: Service, request: Request, body: Body) -> Any:
    del request, body
    service.reset()
    return {"reset": True}


def _snapshot(service: Service, request: Request, body: Body) -> Any:
    del request, body
    return {"id": service.snapshot()}


def _restore(service: Service, request: Request, body: Body) -> Any:
    del body
    service.restore(request.path_params["id"])
    return {"restored": request.path_params["id"]}


def _show_clock(service: Service, request: Request, body: Body) -> Any:
    del request, body
    clock = service.clock
    return {"mode": clock.mode, "now": iso(clock.now()), "skipsWaits": clock.skips_waits}


def _set_clock(service: Service, request: Request, body: Body) -> Any:
    mode = _take(body, "mode", str, None)
    if mode is not None:
        service.set_clock(mode)
    seconds = _take(body, "advance_s", (int, float), None)
    if seconds is not None:
        service.advance(float(seconds))
    return _show_clock(service, request, body)


def _show_faults(service: Service, request: Request, body: Body) -> Any:
    del request, body
    return service.faults.as_json()


def _add_fault(service: Service, request: Request, body: Body) -> Any:
    """Take {"operation", "call": number | [numbers] | null, "fault"} or {"operation", "probability", "fault"}."""
    operation = _take(body, "operation", str)
    fault = fault_from_json(body.get("fault"))
    if "probability" in body:
        service.faults.chance(operation, fault, _take(body, "probability", (int, float)))
    elif "next" in body:
        service.faults.next(operation, fault, _take(body, "next", int))
    else:
        call = body.get("call")
        if call is not None and not isinstance(call, int):
            call = [_take({"call": each}, "call", int) for each in _take(body, "call", list)]
        service.faults.script(operation, call, fault)
    return _show_faults(service, request, body)


def _clear_faults(service: Service, request: Request, body: Body) -> Any:
    service.faults.clear()
    return _show_faults(service, request, body)


NUMBER_FILTERS = ("status", "since", "limit")
TEXT_FILTERS = ("operation", "method", "fault", "client_id", "execution_id", "correlation_id")


def _journal(service: Service, request: Request, body: Body) -> Any:
    del body
    filters: dict[str, Any] = {}
    for name, text in request.query_params.items():
        if name in TEXT_FILTERS:
            filters[name] = text
        elif name in NUMBER_FILTERS and text.isdecimal():
            filters[name] = int(text)
        else:
            known = ", ".join((*TEXT_FILTERS, *NUMBER_FILTERS))
            raise _Wrong(400, "sandbox.query", f"the journal has no filter {name}={text}", f"Known: {known}.")
    return {"count": service.journal.count, "entries": [asdict(entry) for entry in service.journal.read(**filters)]}


def _clear_journal(service: Service, request: Request, body: Body) -> Any:
    del request, body
    service.journal.clear()
    return {"count": 0}


def _launches(service: Service, request: Request, body: Body) -> Any:
    del request, body
    return {"launches": [asdict(launch) for launch in service.launches()]}


def _upload(service: Service, request: Request, body: Body) -> Any:
    """Take {"text", "name"?, "division"?}."""
    del request
    name = _take(body, "name", str, "upload.yaml")
    record = service.upload_flow(_take(body, "text", str), name, _take(body, "division", str, None))
    version = record.current
    return {"id": record.id, "name": record.name, "version": version.number if version else None}


def _trace(service: Service, request: Request, body: Body) -> Any:
    del body
    execution = service.execution(request.path_params["id"])
    if execution is None:
        raise _Wrong(404, "sandbox.not.found", f"there is no execution {request.path_params['id']}")
    trace = service.runs.trace(execution)
    document = trace.as_json() if trace is not None else {"entries": [], "leftOut": 0}
    return {"id": execution.id, "status": execution.status, **document}


def _history(service: Service, request: Request, body: Body) -> Any:
    del body
    run = service.execution(request.path_params["id"])
    if run is None or run.status == "RUNNING" or service.runs.trace(run) is None:
        raise _Wrong(404, "sandbox.not.found", f"there is no history of {request.path_params['id']}")
    return history_json(service, run)


def _revoke(service: Service, request: Request, body: Body) -> Any:
    del request, body
    return {"revoked": service.revoke_tokens()}


ACTIONS: tuple[tuple[str, str, Action], ...] = (
    ("/sandbox/world", "GET", _world),
    ("/sandbox/reset", "POST", _reset),
    ("/sandbox/snapshots", "POST", _snapshot),
    ("/sandbox/snapshots/{id}/restore", "POST", _restore),
    ("/sandbox/clock", "GET", _show_clock),
    ("/sandbox/clock", "POST", _set_clock),
    ("/sandbox/faults", "GET", _show_faults),
    ("/sandbox/faults", "POST", _add_fault),
    ("/sandbox/faults", "DELETE", _clear_faults),
    ("/sandbox/journal", "GET", _journal),
    ("/sandbox/journal", "DELETE", _clear_journal),
    ("/sandbox/launches", "GET", _launches),
    ("/sandbox/flows", "POST", _upload),
    ("/sandbox/executions/{id}/trace", "GET", _trace),
    ("/sandbox/executions/{id}/history", "GET", _history),
    ("/sandbox/tokens/revoke", "POST", _revoke),
)
