"""What is seen while an execution runs: a live line on a terminal, one line a change elsewhere."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flowlaunch.cli.terminal import may_colour, stderr_is_terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flowlaunch.cli.session import Session
    from flowlaunch.models import Execution

__all__ = ["following"]


@contextmanager
def following(session: Session, execution_id: str) -> Iterator[Callable[[Execution], None]]:
    """Give a function to call with each new state of the execution."""
    if session.quiet:
        yield _silent
    elif stderr_is_terminal():
        with _live_line(execution_id) as tell:
            yield tell
    else:
        yield _on_change(session, execution_id)


def _silent(execution: Execution) -> None:
    del execution


def _on_change(session: Session, execution_id: str) -> Callable[[Execution], None]:
    last: list[str] = []

    def tell(execution: Execution) -> None:
        if last != [execution.status]:
            last[:] = [execution.status]
            session.talk(f"execution {execution_id}: {execution.status}")

    return tell


@contextmanager
def _live_line(execution_id: str) -> Iterator[Callable[[Execution], None]]:
    from rich.console import Console  # noqa: PLC0415 - 30 ms that only a terminal pays
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    console = Console(stderr=True, no_color=not may_colour(sys.stderr))
    text = TextColumn("{task.description}", markup=False)
    with Progress(SpinnerColumn(), text, TimeElapsedColumn(), console=console, transient=True) as progress:
        task = progress.add_task(f"execution {execution_id}: launched", total=None)

        def tell(execution: Execution) -> None:
            progress.update(task, description=f"execution {execution_id}: {execution.status}")

        yield tell
