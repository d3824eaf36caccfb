"""What is seen while a batch runs: a bar on a terminal, a line per interval elsewhere, events for machines."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import msgspec

from flowlaunch.cli.terminal import may_colour, stderr_is_terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rich.console import RenderableType
    from rich.progress import Task

    from flowlaunch.batch.events import RunEvent
    from flowlaunch.cli.session import Session

__all__ = ["events_as_lines", "listening", "progress_text"]

_WAITS: Final[Mapping[str, str]] = {
    "pace": "",
    "window": "waiting for calling windows",
    "pause": "PAUSED",
    "outage": "the service cannot be reached",
    "push-back": "the service asked for silence",
    "ramp": "ramp: waiting for the first flows to end",
    "workers": "waiting for a worker to join",
    "ends": "following executions to their end",
}
"""What holds the next row back -> how it is said."""

_MOVING: Final = frozenset({"pace", "", None})
"""What the next row may wait for while the speed of the last minute still tells when all is through."""

_QUIET_KINDS: Final = frozenset({"progress", "in-doubt", "refused"})
"""Kinds that are not told one by one: the counts hold them. The first of each is."""

_TOLD: Final = (("completed", "completed"), ("failed", "failed"), ("refused", "refused"), ("in_doubt", "in doubt"))


@contextmanager
def listening(session: Session, *, interval_s: float) -> Iterator[Callable[[RunEvent], None]]:
    """Give a function to call with each event of a run."""
    if session.output == "jsonl" and not session.query:
        yield events_as_lines
    elif session.quiet:
        yield _ignore
    elif stderr_is_terminal():
        with _bar() as tell:
            yield tell
    else:
        yield _Lines(session, interval_s)


def _ignore(event: RunEvent) -> None:
    del event


def events_as_lines(event: RunEvent) -> None:
    """Write an event as one JSON line on standard output."""
    fields = {"kind": event.kind, "at": event.at, "message": event.message, **event.fields}
    sys.stdout.write(msgspec.json.encode(fields).decode() + "\n")
    sys.stdout.flush()


class _FirstOnly:
    """Lets every event pass, and of those that come by the thousand only the first."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def text(self, event: RunEvent) -> str | None:
        """Tell what to say about an event, or None."""
        if event.kind == "progress":
            return None
        more = ""
        if event.kind in _QUIET_KINDS:
            if event.kind in self._seen:
                return None
            self._seen.add(event.kind)
            more = " (further ones are counted, not told)"
        head = event.kind.replace("-", " ")
        return f"{head}: {event.message}{more}" if event.message else f"{head}{more}"


class _Lines:
    """One line per interval, and one for each thing that happens."""

    def __init__(self, session: Session, interval_s: float) -> None:
        self._session, self._interval_s = session, interval_s
        self._first = _FirstOnly()
        self._last_s: float | None = None

    def __call__(self, event: RunEvent) -> None:
        """Take an event."""
        at_s = event.at.timestamp()
        if event.kind == "progress":
            if self._last_s is None or at_s - self._last_s >= self._interval_s:
                self._last_s = at_s
                self._session.talk(f"{event.at:%H:%M:%S} {progress_text(event.fields)}")
            return
        said = self._first.text(event)
        if said:
            self._session.talk(f"{event.at:%H:%M:%S} {said}")


def progress_text(fields: Mapping[str, Any]) -> str:
    """Spell a progress event in one line."""
    sent, total = progress_of(fields.get("counts", {}))
    parts = [f"{sent:,} of {total:,} rows", rate_text(fields)]
    parts += [
        _outcomes_text(fields.get("counts", {})),
        _eta_text(fields),
        _WAITS.get(fields.get("waiting_for", ""), ""),
    ]
    return ", ".join(filter(None, parts))


def progress_of(counts: Mapping[str, int]) -> tuple[int, int]:
    """Tell how many rows have left, and how many there are to leave."""
    never = sum(counts.get(state, 0) for state in ("skipped", "rejected", "held", "cancelled"))
    total = sum(counts.values()) - never
    return total - counts.get("pending", 0) - counts.get("launching", 0), total


def rate_text(fields: Mapping[str, Any]) -> str:
    """Spell the rate, and the budget it is held against."""
    rate, budget = fields.get("launched_per_minute"), fields.get("budget_per_minute")
    if rate is None:
        return ""
    return f"{rate:,.0f} a minute" + (f" of {budget:,.0f}" if budget else "")


def _outcomes_text(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{counts[state]:,} {words}" for state, words in _TOLD if counts.get(state))


def _eta_text(fields: Mapping[str, Any]) -> str:
    from flowlaunch.batch.report.scales import span_text  # noqa: PLC0415 - only while something is shown

    eta_s = fields.get("eta_s")
    return f"{span_text(eta_s)} to go" if eta_s and fields.get("waiting_for") in _MOVING else ""


@contextmanager
def _bar() -> Iterator[Callable[[RunEvent], None]]:
    from rich.console import Console  # noqa: PLC0415 - 30 ms that only a terminal pays
    from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TextColumn  # noqa: PLC0415
    from rich.table import Column  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    class Facts(ProgressColumn):
        """The second half of the line: rate, outcomes, what it waits for."""

        def render(self, task: Task) -> RenderableType:
            """Spell the last progress event."""
            return Text(str(task.fields.get("facts", "")), style="dim")

    console = Console(stderr=True, no_color=not may_colour(sys.stderr), highlight=False)
    facts = Facts(table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1))
    columns = (SpinnerColumn(), BarColumn(bar_width=20), TextColumn("{task.percentage:>3.0f} %"), facts)
    with Progress(*columns, console=console, transient=True, expand=True) as progress:
        bar = progress.add_task("", total=None, facts="reading the rows")
        first = _FirstOnly()

        def tell(event: RunEvent) -> None:
            if event.kind == "progress":
                sent, total = progress_of(event.fields.get("counts", {}))
                progress.update(bar, completed=sent, total=total or 1, facts=progress_text(event.fields))
                return
            said = first.text(event)
            if said:
                console.print(Text(f"{event.at.astimezone():%H:%M:%S} {said}"))

        yield tell
