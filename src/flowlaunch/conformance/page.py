"""Scorecards as a page of Markdown: clients side by side, then every lost point with its reason."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flowlaunch.conformance.scorecard import Card, Result

__all__ = ["scorecard_page"]

HEAD = """\
# Scorecard of launch clients

Made by `flowlaunch conformance page`. Each client was run under each fault in a sandbox and judged by its journal; a
cell shows points earned of possible ones. `flowlaunch conformance list` tells what happens under each fault,
`flowlaunch conformance list --checks` what each point is for.
"""


def scorecard_page(cards: Sequence[Card]) -> str:
    """Render cards as a page."""
    return "\n".join([HEAD, *_overview(cards), *(line for card in cards for line in _detail(card)), ""])


def _overview(cards: Sequence[Card]) -> Iterator[str]:
    yield from _head(["fault", *(card.client for card in cards)])
    faults = dict.fromkeys(result.trial for card in cards for result in card.results)
    for fault in faults:
        yield _row([f"`{fault}`", *(_cell(_find(card, fault)) for card in cards)])
    yield _row(["**score**", *(f"**{card.score:g} %**" for card in cards)])


def _find(card: Card, fault: str) -> Result | None:
    return next((result for result in card.results if result.trial == fault), None)


def _cell(result: Result | None) -> str:
    if result is None:
        return "not tried"
    points = f"{result.earned}/{result.possible}"
    return points if result.executions <= 1 or result.earned == result.possible else f"{points} ({_ran(result)})"


def _ran(result: Result) -> str:
    return f"{result.executions} executions"


def _detail(card: Card) -> Iterator[str]:
    yield f"\n## {_plain(card.client)}\n"
    yield f"Settings: {_plain(card.settings) or 'not told'}. {card.deadline_s:g} s for each launch.\n"
    lost = list(card.lost)
    if not lost:
        yield "Nothing was lost."
        return
    yield from _head(["fault", "check", "points", "reason"])
    for (fault, reason), rulings in groupby(lost, lambda one: (one[0], one[1].lost)):
        together = [ruling for _, ruling in rulings]
        checks = ", ".join(f"`{ruling.check}`" for ruling in together)
        yield _row([f"`{fault}`", checks, str(sum(ruling.points for ruling in together)), reason])


def _head(names: Sequence[str]) -> Iterator[str]:
    yield _row(names)
    yield "|" + "---|" * len(names)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_plain(cell).replace('|', chr(92) + '|') for cell in cells)} |"


def _plain(text: str) -> str:
    """Keep a client's own words on one line, without markup or control characters that could do anything."""
    line = " ".join(text.split()).replace("<", "&lt;")
    return "".join(character for character in line if character.isprintable())
