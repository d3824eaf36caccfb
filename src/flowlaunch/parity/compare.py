"""Two sides of the same questions, and where they differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flowlaunch.parity.shapes import Shape

__all__ = ["Difference", "Row", "compared"]

ABSENT = "absent"
FORBIDDEN = 403


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which the answers differ."""

    what: str
    org: str
    sandbox: str


@dataclass(frozen=True, slots=True)
class Row:
    """One question with both answers; None where it was not asked."""

    probe: str
    settles: str
    org: Shape | None
    sandbox: Shape | None
    differences: tuple[Difference, ...]

    @property
    def is_refused(self) -> bool:
        """Whether the org alone refused it with 403: that tells about the client's permissions, not about the API."""
        if self.org is None or self.sandbox is None:
            return False
        return self.org.status == FORBIDDEN != self.sandbox.status


def compared(org: Shape, sandbox: Shape) -> tuple[Difference, ...]:
    """Give every difference: status, code, message, headers, then fields."""
    return tuple(_differences(org, sandbox))


def _differences(org: Shape, sandbox: Shape) -> Iterator[Difference]:
    for what, left, right in (
        ("status", _status(org), _status(sandbox)),
        ("code", org.code, sandbox.code),
        ("message", org.message, sandbox.message),
    ):
        if left != right:
            yield Difference(what, left or ABSENT, right or ABSENT)
    if _class(org) == _class(sandbox):  # else everything differs, and nothing of it says more
        yield from _of_names("header ", org.headers, sandbox.headers)
        yield from _of_names("", org.fields, sandbox.fields)


def _class(shape: Shape) -> int:
    return (shape.status or 0) // 100


def _status(shape: Shape) -> str:
    return str(shape.status) if shape.status is not None else f"no answer ({shape.lost})"


def _of_names(prefix: str, org: Mapping[str, str], sandbox: Mapping[str, str]) -> Iterator[Difference]:
    absent: set[str] = set()
    for name in sorted({**org, **sandbox}):
        left, right = org.get(name), sandbox.get(name)
        is_inside = any(name.startswith((f"{outer}.", f"{outer}[")) for outer in absent)
        if left == right or is_inside:
            continue
        if left is None or right is None:
            absent.add(name)  # what is inside of something absent need not be told
        yield Difference(f"{prefix}`{name}`", left or ABSENT, right or ABSENT)
