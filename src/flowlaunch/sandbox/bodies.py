"""Reading request bodies, up to the platform's limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowlaunch.sandbox.answers import Refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from flowlaunch.sandbox.calls import Call

__all__ = ["MAX_BODY_BYTES", "read_body"]

MAX_BODY_BYTES = 512_000


async def read_body(receive: Callable[[], Awaitable[MutableMapping[str, Any]]], call: Call) -> bytes:
    """Read a request body of at most 512,000 bytes."""
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body", False):
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            break
    if len(body) > MAX_BODY_BYTES:
        call.body = body[:1_000]
        call.note(f"body of more than {MAX_BODY_BYTES:,} bytes; the journal keeps the first 1,000")
        text = f"The request body is larger than {MAX_BODY_BYTES} bytes."
        raise Refusal(413, "request.entity.too.large", text, close=True)
    return body
