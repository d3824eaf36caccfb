"""What the report says: the verdict, the next steps, the meaning of causes and reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flowlaunch.batch.decisions import REASONS
from flowlaunch.batch.events import EVENT_KINDS
from flowlaunch.batch.report.scales import count_text
from flowlaunch.batch.states import RowState
from flowlaunch.explain.error_codes import code_entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flowlaunch.batch.results.summary import Summary, Verdict
    from flowlaunch.batch.results.tally import Cause

__all__ = ["HEADS", "advice_on", "headline", "meaning_of_event", "meaning_of_reason", "next_steps", "rows_text"]

HEADS: Final[Mapping[Verdict, str]] = {
    "unfinished": "The batch has not ended yet.",
    "in-doubt": "The batch has ended, and some rows are in doubt.",
    "not-launched": "The batch has ended, and some rows were not launched.",
    "failed": "Every row was launched, and some flows failed.",
    "done": "Every row was launched, and every flow completed.",
}
"""Verdict -> the report's first sentence."""

_REASONS_OF_RUNNER: Final[Mapping[str, str]] = {
    "abandoned": "the runner ended (killed, power cut) while the row was in flight",
    "launch-in-doubt": "the request was sent and its answer was lost",
    "cancelled": "somebody cancelled the rest of the batch",
    "settled-absent": "somebody settled that the row had not been launched",
    "retried": "somebody asked for a new attempt",
}

_SINGULAR: Final = {"were": "was", "have": "has", "are": "is"}

_STEPS: Final = (
    (RowState.IN_DOUBT, "may have been launched. Look for evidence and settle them.", "flowlaunch batch reconcile"),
    (RowState.PENDING, "were not sent yet. Run the batch again to go on.", "flowlaunch batch resume --run"),
    (RowState.LAUNCHED, "have no known end. Run the batch again to follow them.", "flowlaunch batch resume --run"),
    (
        RowState.FAILED,
        "were launched, and their flows failed. When the cause is mended, ask for new attempts.",
        "flowlaunch batch retry --state failed",
    ),
    (
        RowState.REFUSED,
        "were refused by the platform; nothing was done. Mend the cause and ask for new attempts.",
        "flowlaunch batch retry --state refused",
    ),
    (
        RowState.HELD,
        "are held until a person has looked at them. Mend them in the rejects file and launch that.",
        "flowlaunch batch export --rejects",
    ),
    (
        RowState.REJECTED,
        "are rejected: they cannot be read or converted. Mend them in the rejects file and launch that.",
        "flowlaunch batch export --rejects",
    ),
)
"""State of rows that somebody should do something about -> what, and the command for it."""


def rows_text(count: int) -> str:
    """Spell a number of rows."""
    return f"{count_text(count)} {'row' if count == 1 else 'rows'}"


def headline(summary: Summary) -> tuple[str, str]:
    """Tell the verdict in a sentence, and the numbers behind it in another."""
    states = summary.states
    parts = [f"{count_text(summary.launched)} of {rows_text(summary.rows)} launched"]
    for state, words in (
        (RowState.COMPLETED, "completed"),
        (RowState.FAILED, "failed"),
        (RowState.LAUNCHED, "without a known end"),
        (RowState.IN_DOUBT, "in doubt"),
    ):
        if states.get(state.value):
            parts.append(f"{count_text(states[state.value])} {words}")
    if summary.not_launched:
        parts.append(f"{count_text(summary.not_launched)} not launched")
    if summary.skipped:
        parts.append(f"{count_text(summary.skipped)} skipped by a rule")
    return HEADS[summary.verdict], ", ".join(parts) + "."


def next_steps(summary: Summary, target: str) -> Iterator[tuple[str, str]]:
    """Yield what to do next: a sentence, and the command for it; `target` is the ledger, as the shell takes it."""
    for state, words, command in _STEPS:
        count = summary.states.get(state.value, 0)
        if count:
            name, *options = command.split(" --")
            options = [f" --{option}" for option in options]
            yield f"{rows_text(count)} {_agreeing(words, count)}", f"{name} {target}{''.join(options)}"


def _agreeing(words: str, count: int) -> str:
    """Make the verb fit one row."""
    if count != 1:
        return words
    verb, _, rest = words.partition(" ")
    return f"{_SINGULAR.get(verb, verb)} {rest}"


def meaning_of_reason(reason: str) -> str:
    """Tell what a reason slug means, as far as it is known."""
    if reason in REASONS:
        return REASONS[reason]
    if reason in _REASONS_OF_RUNNER:
        return _REASONS_OF_RUNNER[reason]
    entry = code_entry(reason)
    return entry.cause if entry else ""


def advice_on(cause: Cause) -> str:
    """Tell what a cause means and what to do about it; empty when only its message is known."""
    entry = code_entry(cause.code)
    if entry is None:
        return meaning_of_reason(cause.code)
    return f"{entry.cause[:1].upper()}{entry.cause[1:]}: {entry.cure}."


def meaning_of_event(kind: str, facts: Mapping[str, Any]) -> str:
    """Tell an event in words: its own message, else what its kind means, and who did it."""
    message = str(facts.get("message") or EVENT_KINDS.get(kind, ""))
    by = facts.get("by")
    return f"{message} (by {by})" if by and str(by) not in message else message
