"""What happened to a batch as a whole, told one event at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flowlaunch.batch.events import EVENT_KINDS
from flowlaunch.batch.ledger.shapes import place_of
from flowlaunch.batch.report.scales import count_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flowlaunch.batch.ledger.shapes import EventRecord

__all__ = ["HIDDEN_KINDS", "happening"]

HIDDEN_KINDS: Final = frozenset({"changed", "paused", "unpaused", "work-started", "work-stopped"})
"""Kinds that another event tells better: who asked for a change, or that the runner began."""


def happening(event: EventRecord) -> tuple[str, str]:
    """Tell an event as a word and a sentence."""
    if event.kind == "row-settled" and event.row_id is not None:
        return "settled", _settled(event.row_id, event.facts)
    tell = _TELLERS.get(event.kind)
    if tell is not None:
        return tell(event.facts)
    said = str(event.facts.get("message") or EVENT_KINDS.get(event.kind, "")) or _plain(event.facts)
    return event.kind.replace("-", " "), said + _by(event.facts, said)


def _controls(facts: Mapping[str, Any]) -> tuple[str, str]:
    words: list[str] = []
    head = "changed"
    if "paused" in facts:
        head = "paused" if facts["paused"] else "resumed"
        words.append(str(facts.get("pause_reason") or ("no reason given" if facts["paused"] else "")))
    if facts.get("cancelled"):
        head = "cancelled"
    if "rate_per_minute" in facts:
        rate = facts["rate_per_minute"]
        words.append("rate as at the beginning" if rate is None else f"rate {count_text(rate)} a minute")
    if "concurrency" in facts:
        words.append(f"{facts['concurrency'] or 'as at the beginning'} launches in flight")
    said = ", ".join(filter(None, words))
    return head, (said + _by(facts, said)).strip()


def _created(facts: Mapping[str, Any]) -> tuple[str, str]:
    return "created", f"from {facts.get('source', 'its source')}"


def _taken_over(facts: Mapping[str, Any]) -> tuple[str, str]:
    return "taken over", f"the runner before, process {facts.get('pid')} on {facts.get('host')}, had died"


def _abandoned(facts: Mapping[str, Any]) -> tuple[str, str]:
    rows = int(facts.get("in_doubt", 0))
    return "in doubt", f"{count_text(rows)} {'row' if rows == 1 else 'rows'} in flight when the runner died"


def _moved(word: str, what: str) -> Callable[[Mapping[str, Any]], tuple[str, str]]:
    def tell(facts: Mapping[str, Any]) -> tuple[str, str]:
        rows = int(facts.get("rows", 0))
        return word, f"{count_text(rows)} {'row' if rows == 1 else 'rows'} {what}" + _by(facts, "")

    return tell


def _settled(row_id: int, facts: Mapping[str, Any]) -> str:
    _, number = place_of(row_id)
    grounds = f": {facts['grounds']}" if facts.get("grounds") else ""
    return f"row {count_text(number)} was {facts.get('verdict', 'settled')}{grounds}" + _by(facts, grounds)


def _by(facts: Mapping[str, Any], said: str) -> str:
    by = facts.get("by")
    return f" (by {by})" if by and str(by) not in said else ""


def _plain(facts: Mapping[str, Any]) -> str:
    """Spell the plain facts of an event that nobody has words for."""
    return ", ".join(
        f"{name.replace('_', ' ')} {value}"
        for name, value in facts.items()
        if name != "by" and isinstance(value, str | int | float) and value != ""
    )


_TELLERS: Final[Mapping[str, Callable[[Mapping[str, Any]], tuple[str, str]]]] = {
    "batch-created": _created,
    "controls-changed": _controls,
    "taken-over": _taken_over,
    "rows-abandoned": _abandoned,
    "rows-retried": _moved("retry", "get another attempt"),
    "rows-released": _moved("released", "were held and may go now"),
    "rows-cancelled": _moved("cancelled", "are not launched any more"),
}
"""Kind of event -> what puts it into words; other kinds carry their own."""
