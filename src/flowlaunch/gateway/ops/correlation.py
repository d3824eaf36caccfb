"""What a log record and a trace belong to: the request that is being answered, known to everything it calls."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Correlation", "current", "new_request_id", "request_id_of", "traceparent_of", "valid_traceparent"]

REQUEST_ID: Final = "x-request-id"
_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
LENGTH: Final = 55
"""Of the parts of a traceparent that every version has."""


@dataclass(slots=True)
class Correlation:
    """One request while it is being answered.

    Work that a request began and that outlives it keeps this in its context; `is_over` tells that it does not
    belong to the request any more.
    """

    request_id: str
    traceparent: str = ""
    is_over: bool = False


_current: ContextVar[Correlation | None] = ContextVar("flowlaunch_request", default=None)


def current() -> Correlation | None:
    """Return the request that this code runs for; None beside any."""
    found = _current.get()
    return None if found is None or found.is_over else found


def enter(correlation: Correlation) -> None:
    """Have what runs from here on belong to a request, until it is over."""
    _current.set(correlation)


def new_request_id() -> str:
    """Make an id for a request that brings none."""
    return secrets.token_hex(8)


def request_id_of(text: str) -> str:
    """Return the caller's own id for a request where it is usable, else a new one."""
    return text if _ID.fullmatch(text) else new_request_id()


def valid_traceparent(text: str) -> str:
    """Return what a header `traceparent` says in the form of version 00, "" when it says nothing usable.

    Source: https://www.w3.org/TR/trace-context/#traceparent-header; parts that later versions add are passed over.
    """
    found = text.strip().lower()
    if not _TRACEPARENT.fullmatch(found) or (found.startswith("00") and len(found) != LENGTH):
        return ""
    return "00" + found[2:LENGTH]


def traceparent_of(headers: Mapping[str, str]) -> str:
    """Return the trace that a launch belongs to: the span of this request while traces are made, else the caller's."""
    here = current()
    return (
        here.traceparent if here is not None and here.traceparent else valid_traceparent(headers.get("traceparent", ""))
    )
