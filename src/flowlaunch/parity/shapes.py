"""From an answer to its shape: status, headers and fields with their types; no value that anybody chose."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from flowlaunch.parity.vocabulary import FIELDS, HEADERS, MEDIA, TEXTS, WORDS

__all__ = ["GAP", "Shape", "shape_of", "spoken"]

GAP: Final = "…"
"""Stands for what may not be shown."""
LONGEST_MESSAGE: Final = 400
DEEPEST: Final = 6
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")
_URI: Final = re.compile(r"https?://|/\w")
_PIECE: Final = re.compile(r"[A-Za-z_']+|\d+|.", re.DOTALL)
_MARKS: Final = frozenset(' .,:;()[]{}%/"-')
_GAPS: Final = re.compile(rf"{GAP}([\s.,:\"-]*{GAP})+")
_NUMBER: Final = re.compile(r"\d+(\.\d+)?")
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Shape:
    """What of one answer may be shown.

    Attributes:
        status: HTTP status; None when no answer came.
        lost: why no answer came, as a kind such as `timeout`.
        headers: name -> kind of its value, of those that clients act on.
        code: the error's code, gaps for what is no plain word.
        message: the error's message, likewise, digits as `#`.
        fields: path -> types that were seen there, e.g. `$.entities[].id` -> `uuid`.

    """

    status: int | None
    lost: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    code: str = ""
    message: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """Tell it in a few words."""
        return f"{self.status} {self.code}".strip() if self.status is not None else f"no answer ({self.lost})"


def shape_of(status: int, headers: Mapping[str, str], body: bytes) -> Shape:
    """Take the shape of an answer; header names are lower case."""
    found: dict[str, set[str]] = {}
    document: Any = None
    try:
        document = msgspec.json.decode(body) if body else None
        _walk(document, "$", found, 0)
    except _UNREADABLE:
        found = {"$": {"no JSON"}}
    error: Mapping[str, Any] = document if isinstance(document, Mapping) and status >= 400 else {}
    return Shape(
        status,
        headers=_headers(headers, error),
        code=spoken(error.get("code") or error.get("error")),
        message=spoken(error.get("message") or error.get("error_description")),
        fields={path: " or ".join(sorted(kinds)) for path, kinds in sorted(found.items())} if body else {},
    )


def _walk(value: Any, path: str, found: dict[str, set[str]], depth: int) -> None:
    found.setdefault(path, set()).add(_kind(value))
    if depth >= DEEPEST:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            _walk(inner, f"{path}.{name if name in FIELDS else GAP}", found, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _walk(inner, f"{path}[]", found, depth + 1)


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return _text_kind(value)
    names: dict[type, str] = {type(None): "null", bool: "boolean", int: "integer", float: "number", list: "list"}
    return names.get(type(value), "object")


def _text_kind(text: str) -> str:
    if text in TEXTS:
        return f'"{text}"'
    kinds = ((_UUID, "uuid"), (_INSTANT, "instant"), (_NUMBER, "number as text"))
    whole = next((kind for pattern, kind in kinds if pattern.fullmatch(text)), None)
    return whole or ("uri" if _URI.match(text) else "text" if text else "empty text")


def _headers(headers: Mapping[str, str], error: Mapping[str, Any]) -> dict[str, str]:
    shown = {name: _header_kind(name, headers[name]) for name in HEADERS if name in headers}
    correlation_id = headers.get("inin-correlation-id")
    if correlation_id and error:
        is_same = error.get("contextId") == correlation_id
        shown["inin-correlation-id"] += ", equal to contextId" if is_same else ", not contextId"
    return shown


def _header_kind(name: str, value: str) -> str:
    if name == "content-type":
        media = value.partition(";")[0].strip().lower()
        return media if media in MEDIA else "other"
    return _text_kind(value)


def spoken(text: Any) -> str:
    """Keep the plain words of a text, with `#` for digits and one gap for each run of anything else."""
    if not isinstance(text, str):
        return ""
    shown = "".join(_spoken_piece(piece) for piece in _PIECE.findall(text[:LONGEST_MESSAGE]))
    return _GAPS.sub(GAP, shown)


def _spoken_piece(piece: str) -> str:
    if piece.isdigit():
        return "#"
    return piece if piece in _MARKS or piece in WORDS or piece.lower() in WORDS else GAP
