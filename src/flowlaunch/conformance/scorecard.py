"""A client's scorecard: points, and the reason for each that was lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from flowlaunch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Card", "Result", "Ruling", "read_card"]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What one check came to; `lost` says why its points are lost, "" when they are earned."""

    check: str
    points: int
    lost: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What one trial came to.

    Attributes:
        said: the outcomes that the client stated, in order.
        executions: how many were started, by the sandbox's journal.
        requests: how many launch requests arrived.
        took_s: seconds from the first request to the last word; None when no request came.

    """

    trial: str
    rulings: tuple[Ruling, ...]
    said: tuple[str, ...] = ()
    executions: int = 0
    requests: int = 0
    took_s: float | None = None

    @property
    def possible(self) -> int:
        """Points that could be earned."""
        return sum(ruling.points for ruling in self.rulings)

    @property
    def earned(self) -> int:
        """Points that were earned."""
        return sum(ruling.points for ruling in self.rulings if not ruling.lost)


@dataclass(frozen=True, slots=True)
class Card:
    """The scorecard of one client.

    Attributes:
        client: its name, with its version where it told one.
        settings: the settings that it ran with, in its own words.
        command: what was run.
        kit: version of the kit.
        deadline_s: seconds that each launch had.

    """

    client: str
    settings: str
    command: str
    kit: str
    deadline_s: float
    results: tuple[Result, ...]

    @property
    def score(self) -> float:
        """Earned of possible points in percent, rounded down to a tenth: 100 says that nothing was lost."""
        possible = sum(result.possible for result in self.results)
        earned = sum(result.earned for result in self.results)
        return earned * 1_000 // possible / 10 if possible else 0.0

    @property
    def lost(self) -> Iterable[tuple[str, Ruling]]:
        """Each lost point's trial and ruling."""
        return ((result.trial, ruling) for result in self.results for ruling in result.rulings if ruling.lost)

    def document(self) -> dict[str, object]:
        """Render as JSON-able data, with the score; `read_card` reads it back."""
        fields: dict[str, object] = msgspec.to_builtins(self)
        return {"score": self.score, **fields}


def read_card(text: bytes, where: str) -> Card:
    """Read a card that `flowlaunch conformance run -o json` printed.

    Raises:
        InputError: it is none.

    """
    try:
        return msgspec.json.decode(text, type=Card)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(
            f"{where} is no scorecard: {error}", hint="Make one: flowlaunch conformance run -o json -- COMMAND."
        ) from error
