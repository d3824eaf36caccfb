"""Reading request bodies, up to the platform's limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowlaunch.sandbox.answers import Refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from flowlaunch.sandbox.calls import Call

__all__ = ["MAX_BODY_BYTES", "ClientLeft", "read_body"]

MAX_BODY_BYTES = 512_000
MAX_DRAINED_BYTES = 64_000_000
KEPT_OF_LARGE = 1_000


class ClientLeft(Exception):  # noqa: N818 - what happened, not a failure of ours
    """The connection ended before the request was there; it is not carried out."""


async def read_body(receive: Callable[[], Awaitable[MutableMapping[str, Any]]], call: Call) -> bytes:
    """Read a request body of at most 512,000 bytes.

    A larger one is read to its end all the same, so that the client gets to see the refusal.

    Raises:
        Refusal: 413, the body is too large.
        ClientLeft: the connection ended first.

    """
    body, size, more = b"", 0, True
    while more and size <= MAX_DRAINED_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            call.body = body
            raise ClientLeft
        piece: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(piece)
        if size <= MAX_BODY_BYTES:
            body = body + piece if body else piece
    if size <= MAX_BODY_BYTES:
        return body
    call.body = body[:KEPT_OF_LARGE]
    call.note(f"body of more than {MAX_BODY_BYTES:,} bytes; the journal keeps the first {KEPT_OF_LARGE:,} at most")
    text = f"The request body is larger than {MAX_BODY_BYTES} bytes."
    raise Refusal(413, "request.entity.too.large", text, close=more)
