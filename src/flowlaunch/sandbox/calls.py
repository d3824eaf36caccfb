"""One request on its way through the sandbox, and the operations it may be for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qs

from flowlaunch.sandbox.answers import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch.sandbox.answers import Answer
    from flowlaunch.sandbox.oauth import Token
    from flowlaunch.sandbox.service import Service

    Handler: TypeAlias = Callable[[Service, "Call"], Answer]

__all__ = ["Call", "Operation"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing the emulated API does.

    Attributes:
        name: stable name, used by faults and the journal.
        path: template with `{names}`.
        permissions: any of these is needed, in some division at least; `every`: all of them.
        signed: needs a bearer token (and counts against its rate).
        writes: needs the scope without `:readonly` when the token is a user's.
        reads_body: wait for the request body.

    """

    name: str
    method: str
    path: str
    handler: Handler
    permissions: tuple[str, ...] = ()
    signed: bool = True
    every: bool = False
    writes: bool = False
    reads_body: bool = False
    json_body: bool = True


class Call:
    """One request: what was sent, and what was found out about it so far."""

    __slots__ = (
        "authorization",
        "body",
        "content_type",
        "correlation_id",
        "execution_id",
        "headers",
        "host",
        "method",
        "notes",
        "now",
        "operation",
        "params",
        "path",
        "query_string",
        "scheme",
        "token",
    )

    def __init__(self, scope: dict[str, Any], operation: Operation, params: dict[str, str], now: float) -> None:
        self.operation = operation
        self.params = params
        self.now = now
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query_string: bytes = scope["query_string"]
        self.headers: list[tuple[bytes, bytes]] = scope["headers"]
        self.scheme: str = scope["scheme"]
        self.body = b""
        self.authorization = b""
        self.content_type = b""
        self.host = b""
        self.token: Token | None = None
        self.correlation_id = ""
        self.execution_id = ""
        self.notes: tuple[str, ...] = ()
        for name, value in self.headers:
            if name == b"authorization":
                self.authorization = value
            elif name == b"content-type":
                self.content_type = value
            elif name == b"host":
                self.host = value

    def note(self, text: str) -> None:
        """Tell the journal."""
        self.notes = (*self.notes, text)

    def query(self) -> dict[str, list[str]]:
        """Parse the query string; names keep their case."""
        try:
            return parse_qs(self.query_string.decode("ascii"), keep_blank_values=True, max_num_fields=1_000)
        except ValueError as error:
            raise Refusal(400, "bad.request", f"The query string cannot be read: {error}") from error

    def holder(self) -> Token:
        """Give the token of a signed operation."""
        if self.token is None:
            raise Refusal(
                401, "authentication.required", "No authentication bearer token specified in authorization header."
            )
        return self.token
