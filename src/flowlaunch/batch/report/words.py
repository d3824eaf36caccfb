"""What the report says: the verdict, the next steps, the meaning of causes and reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flowlaunch.batch.decisions import REASONS
from flowlaunch.batch.report.scales import count_text
from flowlaunch.batch.results.summary import LAUNCHED_STATES, NOT_LAUNCHED_STATES
from flowlaunch.batch.states import RowState
from flowlaunch.explain.error_codes import code_entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flowlaunch.batch.results.summary import Verdict
    from flowlaunch.batch.results.tally import Cause

__all__ = ["HEADS", "advice_on", "meaning_of_reason", "next_steps", "numbers_text", "rows_text"]

HEADS: Final[Mapping[Verdict, str]] = {
    "unfinished": "The batch has not ended yet.",
    "in-doubt": "The batch has ended, and some rows are in doubt.",
    "not-launched": "The batch has ended, and some rows were not launched.",
    "failed": "Every row was launched, and some flows failed.",
    "ends-unknown": "Every row was launched, and how some flows ended is not known.",
    "done": "Every row was launched, and no flow failed.",
}
"""Verdict -> the report's first sentence."""

_REASONS_OF_RUNNER: Final[Mapping[str, str]] = {
    "abandoned": "the runner ended (killed, power cut) while the row was in flight",
    "launch-in-doubt": "the request was sent and its answer was lost",
    "cancelled": "somebody cancelled the rest of the batch",
    "settled-absent": "somebody settled that the row had not been launched",
    "gone": "the platform knows no such execution any more, so its end was not learnt",
    "settled-without-id": "somebody settled that it was launched, without the id of its execution",
    "settled": "somebody settled that it was launched",
    "unreadable": "its execution could not be read again and again, so its end was not learnt",
    "still-running": "its execution still ran after 72 hours and is not followed any more",
    "retried": "somebody asked for a new attempt",
}

_SINGULAR: Final = {"were": "was", "have": "has", "are": "is"}

_STEPS: Final = (
    (RowState.IN_DOUBT, "may have been launched. Look for evidence and settle them.", "flowlaunch batch reconcile", ""),
    (
        RowState.LAUNCHING,
        "were in flight when the runner ended. They are in doubt as soon as the batch goes on.",
        "flowlaunch batch resume",
        "--run",
    ),
    (RowState.PENDING, "were not sent yet. Run the batch again to go on.", "flowlaunch batch resume", "--run"),
    (
        RowState.LAUNCHED,
        "have no known end. Run the batch again to follow those that were not given up.",
        "flowlaunch batch resume",
        "--run",
    ),
    (
        RowState.FAILED,
        "were launched, and their flows failed. When the cause is mended, ask for new attempts.",
        "flowlaunch batch retry",
        "--state failed",
    ),
    (
        RowState.REFUSED,
        "were refused by the platform; nothing was done. Mend the cause and ask for new attempts.",
        "flowlaunch batch retry",
        "--state refused",
    ),
    (
        RowState.HELD,
        "are held until a person has looked at them. Mend them in the rejects file and launch that.",
        "flowlaunch batch export",
        "--rejects",
    ),
    (
        RowState.REJECTED,
        "are rejected: they cannot be read or converted. Mend them in the rejects file and launch that.",
        "flowlaunch batch export",
        "--rejects",
    ),
)
"""(state, what its rows are and what to do, the command, its options) for rows that want attention."""


def rows_text(count: int) -> str:
    """Spell a number of rows."""
    return f"{count_text(count)} {'row' if count == 1 else 'rows'}"


def numbers_text(states: Mapping[str, int]) -> str:
    """Spell how many rows there are and what became of them, from the rows by state."""
    launched = sum(states.get(state, 0) for state in LAUNCHED_STATES)
    parts = [f"{count_text(launched)} of {rows_text(sum(states.values()))} launched"]
    for state, words in (
        (RowState.COMPLETED, "completed"),
        (RowState.FAILED, "failed"),
        (RowState.LAUNCHED, "without a known end"),
        (RowState.IN_DOUBT, "in doubt"),
    ):
        if states.get(state):
            parts.append(f"{count_text(states[state])} {words}")
    not_launched = sum(states.get(state, 0) for state in NOT_LAUNCHED_STATES)
    if not_launched:
        parts.append(f"{count_text(not_launched)} not launched")
    if states.get(RowState.SKIPPED):
        parts.append(f"{count_text(states[RowState.SKIPPED])} skipped by a rule")
    return f"{', '.join(parts)}."


def next_steps(states: Mapping[str, int], target: str) -> Iterator[tuple[str, str]]:
    """Yield what to do next: a sentence, and the command for it; `target` is the ledger, as the shell takes it."""
    for state, words, command, options in _STEPS:
        count = states.get(state, 0)
        if count:
            yield f"{rows_text(count)} {_agreeing(words, count)}", f"{command} {target} {options}".rstrip()


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
