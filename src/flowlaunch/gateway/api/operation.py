"""One operation of the API as data: what it takes, what it answers, who may call it, and what carries it out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from starlette.requests import Request

    from flowlaunch.gateway.access import Caller
    from flowlaunch.gateway.state import GatewayState

__all__ = ["Answer", "Call", "Operation"]


@dataclass(slots=True)
class Call:
    """One request to an operation, with everything it may use decoded.

    Attributes:
        state: the gateway.
        caller: who asks; its scope has been checked.
        path: parameters of the path by name.
        query: a struct of the operation's `query`, or None.
        body: a struct of the operation's `body`, or None.
        request: the request itself, for what is streamed.

    """

    state: GatewayState
    caller: Caller
    path: Mapping[str, str]
    query: Any
    body: Any
    request: Request

    @property
    def headers(self) -> Mapping[str, str]:
        """The request's headers, by lower-case name."""
        return self.request.headers


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: `body` is encoded as JSON, or sent as it comes when it is streamed; None is no body."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: AsyncIterator[bytes] | None = None
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path.

    Attributes:
        name: the operationId.
        path: template such as `/v1/launches/{launch_id}`.
        scope: what the caller's key must allow, `launch|read`: either; None: no key is asked for.
        handler: what carries it out.
        summary: one line; `description` says more, in Markdown.
        query: struct of the query's parameters; their documentation is its fields' `msgspec.Meta`.
        headers: header -> what it means.
        body: struct of the JSON body; `body_media_types` names other bodies, which the handler reads itself.
        is_body_optional: whether the body may be left out; the handler gets None then.
        answers: status -> struct of the body, or None for no body.
        stream_media_types: of a streamed answer 200.
        problems: statuses of problems beside those that every operation may answer.

    """

    name: str
    method: str
    path: str
    scope: str | None
    handler: Callable[[Call], Awaitable[Answer]]
    summary: str
    tag: str
    description: str = ""
    query: type[Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: type[Any] | None = None
    is_body_optional: bool = False
    body_media_types: tuple[str, ...] = ()
    answers: Mapping[int, Any] = field(default_factory=dict)
    stream_media_types: tuple[str, ...] = ()
    problems: tuple[int, ...] = ()
