"""States in words and colours, the same on every page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flowlaunch.batch.states import RowState
from flowlaunch.gateway.routing.routes import DIRECT
from flowlaunch.pages.charts import Part

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GROUPS", "STATES", "outcome_parts", "route_title", "title_of"]

_S = RowState

GROUPS: Final = (
    ("Completed", "ok", (_S.COMPLETED,)),
    ("Running", "run", (_S.LAUNCHING, _S.LAUNCHED)),
    ("Failed or refused", "bad", (_S.FAILED, _S.REFUSED, _S.REJECTED)),
    ("In doubt", "doubt", (_S.IN_DOUBT,)),
    ("Held", "wait", (_S.HELD,)),
    ("Waiting", "idle", (_S.PENDING,)),
    ("Not sent", "idle", (_S.SKIPPED, _S.CANCELLED)),
)
"""Name, tone and states of the parts that a bar of outcomes has."""

STATES: Final = tuple((state.value, title) for state, title in (
    (_S.PENDING, "Waiting"),
    (_S.LAUNCHING, "Being sent"),
    (_S.LAUNCHED, "Running"),
    (_S.COMPLETED, "Completed"),
    (_S.FAILED, "Failed"),
    (_S.REFUSED, "Refused"),
    (_S.IN_DOUBT, "In doubt"),
    (_S.HELD, "Held"),
    (_S.SKIPPED, "Skipped"),
    (_S.REJECTED, "Rejected"),
    (_S.CANCELLED, "Cancelled"),
))  # fmt: skip
"""Each state with what people call it."""

_TITLES: Final = dict(STATES)


def title_of(state: RowState | str) -> str:
    """Return what people call a state."""
    return _TITLES.get(str(state), str(state))


def route_title(name: str) -> str:
    """Return what people call a route; one that a launch by flow makes has no name worth reading."""
    return "by flow" if name.startswith(DIRECT) else name


def outcome_parts(counts: Mapping[str, int]) -> list[Part]:
    """Return the parts of a bar of outcomes that are not empty."""
    found = [Part(name, sum(counts.get(one.value, 0) for one in states), tone) for name, tone, states in GROUPS]
    return [part for part in found if part.value]
