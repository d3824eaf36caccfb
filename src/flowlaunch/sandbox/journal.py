"""A bounded record of every request and its answer; secrets are taken out when it is read."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import msgspec

from flowlaunch.sandbox.clock import iso

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Journal", "JournalEntry", "Note", "entry_of"]

SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization", "set-cookie"})
SECRET_FIELDS = frozenset(
    {"client_secret", "code", "code_verifier", "refresh_token", "access_token", "assertion", "password"}
)
_SECRET_JSON = re.compile(
    r'("(?:access_token|refresh_token|client_secret|password|assertion)"\s*:\s*)"(?:[^"\\]|\\.)*"'
)
HIDDEN = "***"
MAX_BYTES = 64_000_000


class Note(msgspec.Struct, gc=False):
    """What is kept of one request while the journal is not being read."""

    operation: str
    method: str
    path: str
    query: bytes
    status: int
    at: float
    monotonic_s: float
    headers: list[tuple[bytes, bytes]]
    body: bytes
    answer: bytes
    correlation_id: str
    client_id: str
    execution_id: str
    fault: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One request and its answer.

    Attributes:
        number: counts requests from 1 since the sandbox started or was reset.
        operation: stable name, e.g. `executions.launch`; `unknown` for a path that is not emulated.
        status: status sent; None when the connection ended without an answer.
        at: the sandbox's time, ISO text; `monotonic_s` is real time, for judging pace.
        request_body, answer: text, with secrets replaced by `***`.
        execution_id: the execution that the request launched or read.
        fault: the fault that was played, or "".
        notes: what the sandbox noticed, e.g. `dropped body field 'data'`.

    """

    number: int
    operation: str
    method: str
    path: str
    query: str
    status: int | None
    at: str
    monotonic_s: float
    request_headers: dict[str, str]
    request_body: str
    answer: str
    correlation_id: str
    client_id: str
    execution_id: str
    fault: str
    notes: tuple[str, ...]

    @property
    def note(self) -> str:
        """Give all notes as one line."""
        return "; ".join(self.notes)


class Journal:
    """The last requests, oldest first: at most `size`, and at most 64 MB of bodies."""

    __slots__ = ("_bytes", "_notes", "_size", "count")

    def __init__(self, size: int) -> None:
        self._notes: deque[Note] = deque()
        self._size = size
        self._bytes = 0
        self.count = 0

    def add(self, note: Note) -> None:
        """Write one request down, and forget the oldest when there are too many."""
        notes = self._notes
        notes.append(note)
        self.count += 1
        self._bytes += len(note.body) + len(note.answer)
        while len(notes) > self._size or self._bytes > MAX_BYTES:
            oldest = notes.popleft()
            self._bytes -= len(oldest.body) + len(oldest.answer)

    def clear(self) -> None:
        """Forget every request and count from 1 again."""
        self._notes.clear()
        self._bytes = 0
        self.count = 0

    def newest(self, before: int | None = None) -> Iterator[tuple[int, Note]]:
        """Give numbers and notes, newest first, from the one before a number on; secrets are still in the notes."""
        number = self.count + 1
        for note in reversed(self._notes):
            number -= 1
            if before is None or number < before:
                yield number, note

    def read(
        self,
        operation: str | None = None,
        *,
        status: int | None = None,
        method: str | None = None,
        fault: str | None = None,
        client_id: str | None = None,
        execution_id: str | None = None,
        correlation_id: str | None = None,
        since: int = 0,
        limit: int | None = None,
    ) -> list[JournalEntry]:
        """Give the entries that match every filter given; `since` skips numbers up to it, `limit` keeps the last."""
        wanted = {
            "operation": operation,
            "status": status,
            "method": method,
            "fault": fault,
            "client_id": client_id,
            "execution_id": execution_id,
            "correlation_id": correlation_id,
        }
        filters = [(name, value) for name, value in wanted.items() if value is not None]
        first = self.count - len(self._notes) + 1
        chosen = [
            (number, note)
            for number, note in enumerate(self._notes, first)
            if number > since and all(getattr(note, name) == value for name, value in filters)
        ]
        return [entry_of(number, note) for number, note in (chosen[-limit:] if limit else chosen)]


def entry_of(number: int, note: Note) -> JournalEntry:
    """Make a note fit for reading: texts for bytes, and secrets taken out."""
    headers = _headers(note.headers)
    return JournalEntry(
        number=number,
        operation=note.operation,
        method=note.method,
        path=note.path,
        query=_form(note.query.decode("latin-1")) if note.query else "",
        status=note.status or None,
        at=iso(note.at),
        monotonic_s=note.monotonic_s,
        request_headers=headers,
        request_body=_text(note.body, headers.get("content-type", "")),
        answer=_SECRET_JSON.sub(rf'\1"{HIDDEN}"', note.answer.decode("utf-8", "replace")),
        correlation_id=note.correlation_id,
        client_id=note.client_id,
        execution_id=note.execution_id,
        fault=note.fault,
        notes=note.notes,
    )


def _headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    shown: dict[str, str] = {}
    for name, value in pairs:
        text = name.decode("latin-1").lower()
        shown[text] = _credentials(value.decode("latin-1")) if text in SECRET_HEADERS else value.decode("latin-1")
    return shown


def _credentials(value: str) -> str:
    scheme, _, rest = value.partition(" ")
    return f"{scheme} {HIDDEN}" if rest else HIDDEN


def _text(body: bytes, content_type: str) -> str:
    text = body.decode("utf-8", "replace")
    if content_type.startswith("application/x-www-form-urlencoded"):
        return _form(text)
    return _SECRET_JSON.sub(rf'\1"{HIDDEN}"', text)


def _form(text: str) -> str:
    pairs: list[tuple[str, Any]] = parse_qsl(text, keep_blank_values=True)
    if not any(name in SECRET_FIELDS for name, _ in pairs):
        return text
    return urlencode([(name, HIDDEN if name in SECRET_FIELDS else value) for name, value in pairs], safe="*")
