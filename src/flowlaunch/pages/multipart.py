"""A posted form with a file behind its fields: the fields are read, the file is handed on as it comes.

Nothing of the file is kept here, in memory or on a disk: who may send it is known before its first byte is taken.
Source: https://www.rfc-editor.org/rfc/rfc7578; browsers send fields in the order of the page, so the file stands last.
"""

from __future__ import annotations

import re
from email.message import Message
from typing import TYPE_CHECKING, Final

from flowlaunch.pages.answers import Form, PageError, PostedFile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

__all__ = ["MULTIPART", "read_file_form"]

MULTIPART: Final = "multipart/form-data"
MAX_FIELDS: Final = 30
MAX_HEAD_BYTES: Final = 4_000
MAX_VALUE_BYTES: Final = 64_000
_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,./:=?-]{1,70}")


async def read_file_form(request: Request) -> Form:
    """Read a posted form up to its file, which is `Form.file`; None when no file was chosen.

    Raises:
        PageError: 415 it is no such form; 400 it cannot be read; 413 its fields are too large.

    """
    boundary = _boundary_of(request.headers.get("content-type", ""))
    parts = _Parts(request.stream(), boundary)
    fields: dict[str, str] = {}
    while (head := await parts.next_head()) is not None:
        name, file_name = _named(head)
        if file_name is not None:
            return Form(fields, PostedFile(file_name, parts.content()) if file_name else None)
        if len(fields) >= MAX_FIELDS:
            raise PageError(413, "This form is too large", f"At most {MAX_FIELDS} fields are taken.")
        fields[name] = await parts.value()
    return Form(fields)


class _Parts:
    """The parts of a body, one after the other; each is read to its end before the next."""

    def __init__(self, stream: AsyncIterator[bytes], boundary: bytes) -> None:
        self._stream, self._end = stream, b"\r\n--" + boundary
        self._held = bytearray(b"\r\n")  # so that the first boundary is found as all others are
        self._is_inside = True

    async def next_head(self) -> bytes | None:
        """Pass over what is before the next part and return its headers; None behind the last part."""
        if self._is_inside:
            async for _piece in self.content():
                pass
        while len(self._held) < 2:
            await self._more()
        if self._held.startswith(b"--"):
            return None
        while (at := self._held.find(b"\r\n\r\n")) < 0:
            if len(self._held) > MAX_HEAD_BYTES:
                raise _unreadable("The head of a field is too long.")
            await self._more()
        head = bytes(self._held[:at])
        self._is_inside = True
        del self._held[: at + 2]  # the blank line's end stays: an empty part's boundary begins with it
        return head

    async def value(self) -> str:
        """Return a part that is text."""
        raw = bytearray()
        async for piece in self.content():
            raw += piece
            if len(raw) > MAX_VALUE_BYTES:
                raise PageError(413, "This form is too large", f"A field may have {MAX_VALUE_BYTES:,} bytes.")
        return raw.decode("utf-8", "replace")

    async def content(self) -> AsyncIterator[bytes]:
        """Yield what is left of this part."""
        skipped = 2  # the line end before the content, or before the first boundary
        while (at := self._held.find(self._end)) < 0:
            sure = len(self._held) - len(self._end) + 1
            if sure > skipped:
                yield bytes(self._held[skipped:sure])
                del self._held[:sure]
                skipped = 0
            await self._more()
        if at > skipped:
            yield bytes(self._held[skipped:at])
        del self._held[: at + len(self._end)]
        self._is_inside = False

    async def _more(self) -> None:
        async for piece in self._stream:
            if piece:
                self._held += piece
                return
        raise _unreadable("It ends in the middle.")


def _boundary_of(content_type: str) -> bytes:
    head = Message()
    head["content-type"] = content_type
    boundary = head.get_param("boundary")
    if head.get_content_type() != MULTIPART or not isinstance(boundary, str) or not _BOUNDARY.fullmatch(boundary):
        raise PageError(415, "Only forms are taken here", f"The request is {content_type[:100] or 'of no type'}.")
    return boundary.encode("ascii")


def _named(head: bytes) -> tuple[str, str | None]:
    """Return the name of a part, and the file's name where it is a file; "" where none was chosen."""
    for line in head.decode("utf-8", "replace").split("\r\n"):
        title, _, value = line.partition(":")
        if title.strip().lower() == "content-disposition":
            found = dict(re.findall(r'(\w+)="([^"]*)"', value))
            if "name" in found:
                return found["name"], found.get("filename")
    raise _unreadable("A field has no name.")


def _unreadable(why: str) -> PageError:
    return PageError(400, "This form cannot be read", why)
