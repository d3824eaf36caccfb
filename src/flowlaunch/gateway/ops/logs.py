"""The log: one JSON object a line, or a line for a person; with what it belongs to, without secrets and inputs.

A record may carry `extra=` of the names in FIELDS, and nothing else of it is written. Of an exception that is not
flowlaunch's own, its type and places are written and its text is not: a library's message may repeat a value.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TextIO

import msgspec

from flowlaunch._core.redact import HIDDEN, redact_text
from flowlaunch.errors import FlowlaunchError
from flowlaunch.gateway.ops.correlation import current
from flowlaunch.gateway.ops.repeats import ACCESS, Repeats

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from flowlaunch.gateway.ops.options import OpsOptions

__all__ = ["ACCESS", "FIELDS", "JsonLines", "PlainLines", "configure", "line_of"]

FIELDS: Final = (
    "launch_id", "batch_id", "route", "execution_id", "correlation_id", "key_id", "operation", "method", "path",
    "status", "duration_ms", "size_bytes", "client", "hook", "callback_id", "removed", "file", "url",
)  # fmt: skip
"""Names of `extra` that are written, where a record has them."""
LONGEST: Final = 4_000
"""Characters of one message; the rest is cut."""
MOST_FRAMES: Final = 30
OWN: Final = "flowlaunch"
_KEYS: Final = re.compile(r"\b(flk_[0-9a-f]{12}_|whsec_|Signature=|v1,)[A-Za-z0-9+/=_-]{8,}")


class Lines(logging.StreamHandler[TextIO]):
    """Writes records; of those that anybody can cause no more than `repeats` takes."""

    def __init__(self, stream: TextIO, repeats: Repeats) -> None:
        super().__init__(stream)
        self._repeats = repeats

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, after what is to be told of those that were not written."""
        self.tell()
        if self._repeats.takes(record):
            super().emit(record)

    def tell(self, *, is_over: bool = False) -> None:
        """Write how many records were not written; `is_over`: of the present interval, too."""
        for summary in self._repeats.told(is_over=is_over):
            super().emit(summary)


def configure(
    options: OpsOptions, stream: TextIO | None = None, *, repeats: Repeats | None = None
) -> Callable[[], None]:
    """Send every logger of the process to `stream` (standard error); return how to end that.

    The level is that of flowlaunch's own loggers; of other libraries, warnings and worse are written.
    """
    root = logging.getLogger()
    handler = Lines(stream or sys.stderr, repeats or Repeats())
    handler.setFormatter(JsonLines() if options.log_format == "json" else PlainLines())
    own = logging.getLogger(OWN)
    before, levels = root.handlers[:], (root.level, own.level)
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    own.setLevel(options.log_level)

    def undo() -> None:
        with handler.lock or nullcontext():
            handler.tell(is_over=True)
        handler.flush()
        root.handlers[:] = before
        root.setLevel(levels[0])
        own.setLevel(levels[1])

    return undo


def safe_text(record: logging.LogRecord) -> str:
    """Return a record's message without secrets, cut to a bound.

    Of other libraries' records only the first line is kept: asyncio and uvicorn put what failed into the others.
    """
    text = record.getMessage()
    if record.name == ACCESS:  # made of our own words alone
        return text
    if not record.name.startswith(OWN):
        text = text.partition("\n")[0]
    text = _blotted(text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} … ({len(text):,} characters)"


def _blotted(text: str) -> str:
    return _KEYS.sub(rf"\g<1>{HIDDEN}", redact_text(text))


def error_of(error: BaseException, at: TracebackType | None) -> dict[str, Any]:
    """Return what is written of an exception."""
    frames = traceback.extract_tb(at)[-MOST_FRAMES:]
    told: dict[str, Any] = {"type": type(error).__name__}
    if isinstance(error, FlowlaunchError):
        told |= {"code": error.code, "message": _blotted(error.message)[:LONGEST]}
    told["at"] = [f"{frame.filename.rpartition('/site-packages/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    return told


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return what a record belongs to."""
    request = current()
    named = {} if request is None else {"request_id": request.request_id}
    if request is not None and request.traceparent:
        named["trace_id"] = request.traceparent[3:35]
    own = vars(record)
    named.update((name, own[name]) for name in FIELDS if own.get(name) not in {None, ""})
    if "path" in named:
        named["path"] = _KEYS.sub(rf"\g<1>{HIDDEN}", named["path"])
    return named


def line_of(text: str) -> str:
    """Return what is said to a person as a line of JSON, whole: it may be the key that a sandbox is tried with."""
    return msgspec.json.encode(_told(datetime.now(UTC), "info", OWN) | {"message": text}).decode()


def _told(at: datetime, level: str, name: str) -> dict[str, Any]:
    written = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"at": written, "level": level, "logger": name}


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        told = _told(datetime.fromtimestamp(record.created, UTC), record.levelname.lower(), record.name)
        told |= {"message": safe_text(record), **fields_of(record)}
        if record.exc_info is not None and record.exc_info[1] is not None:
            told["error"] = error_of(record.exc_info[1], record.exc_info[2])
        return msgspec.json.encode(told, enc_hook=str).decode()


class PlainLines(logging.Formatter):
    """One line for a person; an exception adds a line for each place."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        at = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        named = " ".join(f"{name}={value}" for name, value in fields_of(record).items())
        line = f"{at} {record.levelname:<7} {_one_line(safe_text(record))}{f' [{_one_line(named)}]' if named else ''}"
        if record.exc_info is not None and record.exc_info[1] is not None:
            error = error_of(record.exc_info[1], record.exc_info[2])
            line += "".join(
                f"\n    {place}" for place in (error["type"], error.get("message", ""), *error["at"]) if place
            )
        return line


def _one_line(text: str) -> str:
    """Spell out control characters, so that nothing that was sent can pass for a line of its own."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)
