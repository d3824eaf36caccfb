"""What goes out and what comes back, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowlaunch.contracts import Operation

LossKind = Literal["dns", "connect", "tls", "certificate", "proxy", "timeout", "reset", "truncated"]


class Call(Struct, frozen=True, gc=False):
    """One API call before it is signed: where it goes and what it carries.

    `subject` names what the call is about in messages (a flow's name, an execution's id). The body may hold a
    client's secret or personal input data, so it is never printed.
    """

    operation: Operation
    url: str
    body: bytes | None = None
    headers: Mapping[str, str] = {}
    subject: str = ""

    def __repr__(self) -> str:
        return f"Call({self.operation.name!r}, url={self.url!r}, subject={self.subject!r})"


class Request(Struct, frozen=True, gc=False):
    """One HTTP request, ready to send. Its headers hold the token, so it is never printed."""

    call: Call
    headers: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Request({self.call!r})"

    @property
    def method(self) -> str:
        """HTTP method."""
        return self.call.operation.method


class Response(Struct, frozen=True, gc=False):
    """One HTTP answer, read to its end. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Response(status={self.status}, headers={self.headers!r})"

    @property
    def correlation_id(self) -> str:
        """What Genesys support asks for (`""` when the answer has none)."""
        return self.headers.get("inin-correlation-id", "")


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer came.

    `request_left` is true as soon as the service may have acted on the request: when its last byte may have been
    handed to the network. `reason` is for people and holds no secret.
    """

    request_left: bool
    kind: LossKind
    reason: str

    @property
    def is_lasting(self) -> bool:
        """Whether repeating cannot help: a certificate is refused the second time too."""
        return self.kind == "certificate"


Reply: TypeAlias = Response | Lost
