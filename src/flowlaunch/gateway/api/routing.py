"""From operations to routes: who asks, what was sent, what is answered; the same for every operation."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import inspect
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from flowlaunch.gateway.access import Caller, require
from flowlaunch.gateway.api.operation import Answer, Call, Operation
from flowlaunch.gateway.api.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from starlette.requests import Request

    from flowlaunch.gateway.state import GatewayState

__all__ = ["ANYBODY", "api_routes", "http_problem", "read_body"]

JSON: Final = "application/json"
DRAINED_BYTES: Final = 4_000_000
DRAINED_S: Final = 1.0
ANYBODY: Final = Caller("", "anybody", frozenset())
"""Who asks for what needs no key."""
_HEADERS: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}

Endpoint = "Callable[[Request], Awaitable[Response]]"


def api_routes(operations: Iterable[Operation], state: GatewayState) -> list[Route]:
    """Return one route for each path, with its methods."""
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in operations:
        by_path.setdefault(operation.path, {})[operation.method] = operation
    return [Route(path, _endpoint(methods, state), methods=[*methods]) for path, methods in by_path.items()]


def _endpoint(methods: Mapping[str, Operation], state: GatewayState) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        operation = methods.get(request.method) or methods["GET"]  # HEAD is answered as GET
        return _response(await operation.handler(await _call(operation, request, state)))

    return endpoint


async def _call(operation: Operation, request: Request, state: GatewayState) -> Call:
    """Return the request decoded; Problem when it is not one that the operation takes."""
    caller = ANYBODY
    request.state.operation = operation.name
    if operation.scope is not None:
        caller = request.state.caller = await state.gatekeeper.authenticate(request.headers)
        require(caller, operation.scope)
    query = _query(operation, request) if operation.query is not None else None
    body = await _body(operation, request, state) if operation.body is not None else None
    return Call(state, caller, request.path_params, query, body, request)


def _query(operation: Operation, request: Request) -> Any:
    assert operation.query is not None  # noqa: S101 - asked for only then
    kinds = _KINDS.get(operation.name)
    if kinds is None:
        kinds = _KINDS[operation.name] = _kinds(operation.query)
    given: dict[str, Any] = {}
    for name, text in request.query_params.multi_items():
        kind = kinds.get(name)
        if kind is inspect.VarTupleType:
            given.setdefault(name, []).extend(text.split(","))
            continue
        is_number = kind is inspect.DateTimeType and text.replace(".", "", 1).lstrip("+-").isdecimal()
        wrong = {
            "is given twice": name in given,
            "is null: leave it out": text == "null",
            "is no instant": is_number,
            "has a NUL character": "\0" in text,
        }
        if why := next((told for told, holds in wrong.items() if holds), ""):
            raise Problem(400, "query-malformed", "The query cannot be used", f"{name} {why}.")
        given[name] = text
    try:
        return msgspec.convert(given, operation.query, strict=False)
    except msgspec.ValidationError as error:
        raise Problem(400, "query-malformed", "The query cannot be used", _plain(error)) from error


_KINDS: Final[dict[str, dict[str, type[inspect.Type]]]] = {}
"""Operation -> what `_kinds` says of its query, found out once."""


def _kinds(struct: type[Any]) -> dict[str, type[inspect.Type]]:
    """Return the kind of each field, of those that take several values or an instant."""
    kinds: dict[str, type[inspect.Type]] = {}
    for field in msgspec.structs.fields(struct):
        rule = inspect.type_info(field.type)
        while isinstance(rule, inspect.Metadata):
            rule = rule.type
        parts = rule.types if isinstance(rule, inspect.UnionType) else (rule,)
        told = [type(one) for one in parts if isinstance(one, inspect.VarTupleType | inspect.DateTimeType)]
        if told:
            kinds[field.name] = told[0]
    return kinds


async def _body(operation: Operation, request: Request, state: GatewayState) -> Any:
    raw = await read_body(request, state.options.max_body_bytes)
    if not raw and operation.is_body_optional:
        return None
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise Problem(
            415, "media-type", "The body has another media type", f"Send the body as {JSON}, not {kind or 'nothing'}."
        )
    try:
        return msgspec.json.decode(raw, type=operation.body)
    except msgspec.ValidationError as error:
        raise Problem(422, "body-invalid", "The body does not fit", _plain(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, "body-malformed", "The body is no JSON", str(error) or "It is nested too deeply.") from error


async def read_body(request: Request, most_bytes: int) -> bytes:
    """Return the body; Problem 413 when it is longer than `most_bytes`.

    A body that is only somewhat too long is read and dropped, as long as it comes at once: a client that still sends
    when the connection closes does not get to see the answer.
    """
    told = request.headers.get("content-length", "0")
    told_bytes = int(told) if told.isdecimal() else 0
    if told_bytes <= most_bytes + DRAINED_BYTES:
        parts, size_bytes = [], 0
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAINED_S if told_bytes > most_bytes else None) as patience:
                async for part in request.stream():
                    size_bytes += len(part)
                    if size_bytes <= most_bytes:
                        parts.append(part)
                    elif size_bytes > most_bytes + DRAINED_BYTES:
                        break
                    elif patience.when() is None:
                        patience.reschedule(asyncio.get_running_loop().time() + DRAINED_S)
        if max(size_bytes, told_bytes) <= most_bytes:
            return b"".join(parts)
    raise Problem(
        413, "body-too-large", "The body is too large", f"The body may have {most_bytes:,} bytes.",
        headers={"connection": "close"}, max_bytes=most_bytes,
    )  # fmt: skip


def _plain(error: msgspec.ValidationError) -> str:
    """Return msgspec's text with the place as a name: `input.x`, not `$.input.x`."""
    return str(error).replace("`$.", "`").replace(" - at `$`", "")


def _response(answer: Answer) -> Response:
    headers = {**_HEADERS, **answer.headers}
    if answer.stream is not None:
        return StreamingResponse(answer.stream, answer.status, headers=headers, media_type=answer.media_type)
    if answer.body is None:
        return Response(None, answer.status, headers=headers)
    body = answer.body if isinstance(answer.body, bytes) else msgspec.json.encode(answer.body)
    return Response(body, answer.status, headers=headers, media_type=answer.media_type)


TITLES: Final = {404: ("not-found", "There is nothing here"), 405: ("method", "The method is not taken here")}


def http_problem(request: Request, error: Exception) -> Response:
    """Answer what the router refuses as a problem, too; an exception handler of Starlette."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    slug, title = TITLES.get(status, ("refused", "The request was refused"))
    detail = f"{request.method} {request.url.path}: {title.lower()}."
    return Problem(status, slug, title, detail, headers=headers).response()
