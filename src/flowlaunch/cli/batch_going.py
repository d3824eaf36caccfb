"""Run a batch in this terminal and end the command as the batch ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flowlaunch.cli.batch_progress import listening
from flowlaunch.cli.batch_standing import exit_for_states
from flowlaunch.cli.exits import Exit, exit_for
from flowlaunch.cli.ledgers import ledger_named, opened, spelt

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch.batch.batch_job import BatchJob
    from flowlaunch.batch.events import RunEvent
    from flowlaunch.batch.ledger import Batch
    from flowlaunch.batch.rules import Rules
    from flowlaunch.batch.work import BatchOutcome
    from flowlaunch.cli.session import Session

__all__ = ["INTERVAL_S", "exit_of", "go", "go_on", "rules_recorded", "tell_outcome"]

INTERVAL_S: Final = 10.0
"""Seconds between two lines of progress off a terminal."""
_ENDINGS: Final = {
    "finished": "the batch has ended",
    "stopped": "the batch was stopped",
    "paused": "the batch is paused",
    "cancelled": "the rest of the batch was cancelled",
    "left": "the workers go on with the batch: `flowlaunch batch watch` looks on, `batch pause` stops them",
}


def go(session: Session, job: BatchJob, target: str, *, interval_s: float = INTERVAL_S) -> Exit:
    """Run a job from its file of rows."""
    from flowlaunch.batch.job import run_batch_sync  # noqa: PLC0415 - loads the HTTP library

    for warning in getattr(job.rules, "warnings", ()):
        session.talk(f"warning: {warning.message}")
    return _ended(session, target, interval_s, lambda tell: run_batch_sync(job, on_event=tell))


def go_on(session: Session, target: str, batch_id: int, *, follows: bool | None = None) -> Exit:
    """Run a batch on from its ledger alone, with the settings that it began with."""
    from flowlaunch.batch.job import resume_batch_sync  # noqa: PLC0415 - loads the HTTP library

    ledger, settings = ledger_named(target), session.settings
    more: dict[str, Any] = {"rules": _recorded_rules(target, batch_id)}
    if follows is False:
        more["track"] = False
    return _ended(
        session,
        target,
        INTERVAL_S,
        lambda tell: resume_batch_sync(ledger, batch_id, settings=settings, on_event=tell, **more),
    )


def _recorded_rules(target: str, batch_id: int) -> Rules | None:
    with opened(target) as ledger:
        return rules_recorded(ledger.batch(batch_id))


def rules_recorded(batch: Batch) -> Rules | None:
    """Make anew what decides about rows whose calling window shut while they waited."""
    import msgspec  # noqa: PLC0415

    from flowlaunch.batch.rules import Rules  # noqa: PLC0415 - loads the rules
    from flowlaunch.cli.batch_rules import windows_of_text  # noqa: PLC0415

    told = batch.spec.settings.get("rules")
    asked = msgspec.json.decode(told).get("windows") if told else None
    return Rules(windows=windows_of_text(asked)) if isinstance(asked, dict) and asked else None


def _ended(
    session: Session, target: str, interval_s: float, run: Callable[[Callable[[RunEvent], None]], BatchOutcome]
) -> Exit:
    with listening(session, interval_s=interval_s) as tell:
        outcome = run(tell)
    session.emit(_shown(outcome))
    tell_outcome(session, outcome, target)
    return exit_of(outcome)


def _shown(outcome: BatchOutcome) -> dict[str, Any]:
    return {
        "batch_id": outcome.batch_id,
        "ended": outcome.ended,
        "reason": outcome.reason,
        "launched": outcome.launched,
        "elapsed_s": round(outcome.elapsed_s, 3),
        "states": {state: rows for state, rows in outcome.counts.items() if rows},
    }


def tell_outcome(session: Session, outcome: BatchOutcome, target: str) -> None:
    """Say how a run ended, and what to do next; a run that only looked on leaves all of that to the workers."""
    from flowlaunch.batch.report.words import next_steps, numbers_text  # noqa: PLC0415
    from flowlaunch.cli.failures import text_of  # noqa: PLC0415

    if outcome.error is not None:
        session.talk(text_of(outcome.error))
    why = f": {outcome.reason}" if outcome.reason and outcome.error is None else ""
    session.talk(f"{_ENDINGS.get(outcome.ended, outcome.ended)}{why}")
    session.talk(numbers_text(outcome.counts))
    place = spelt(target, chosen=outcome.batch_id)
    for sentence, command in next_steps(outcome.counts, place) if outcome.ended != "left" else ():
        session.talk(f"- {sentence}\n    {command}")
    session.talk(f"results: flowlaunch batch export {place} --to results.csv")


def exit_of(outcome: BatchOutcome) -> Exit:
    """Tell how `batch run` ends: doubt first, then what stopped it, then rows not launched, then failed flows."""
    by_rows = exit_for_states(outcome.counts)
    if by_rows is Exit.IN_DOUBT and outcome.ended != "left":
        return by_rows
    if outcome.error is not None:
        return exit_for(outcome.error)
    if outcome.ended in {"stopped", "left"}:
        return Exit.INTERRUPTED
    return by_rows
