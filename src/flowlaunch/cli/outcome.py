"""Wait for an execution and end the command as the run ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flowlaunch.cli.exits import Exit
from flowlaunch.cli.progress import following
from flowlaunch.errors import DeadlineError, ExecutionFailedError

if TYPE_CHECKING:
    from flowlaunch.cli.session import Session
    from flowlaunch.client import Client
    from flowlaunch.models import Execution, Launch

__all__ = ["WAIT_S", "failure_of", "follow"]

WAIT_S: Final = 300.0
"""How long a command waits when it is not told, in seconds."""


def follow(session: Session, client: Client, launched: Launch | str, wait_s: float | None) -> Exit:
    """Wait for the execution, print what it came to, and tell the exit code.

    Raises:
        DeadlineError: it still runs; its last state was printed.
        ExecutionFailedError: it did not complete; it was printed.

    """
    execution_id = launched if isinstance(launched, str) else launched.id
    again = f"flowlaunch wait {execution_id}"
    seen: list[Execution | Launch] = [] if isinstance(launched, str) else [launched]
    try:
        with following(session, execution_id) as tell:

            def on_status(execution: Execution) -> None:
                seen[:] = [execution]
                tell(execution)

            execution = client.wait(launched, wait_s=wait_s or WAIT_S, on_status=on_status)
    except KeyboardInterrupt:
        _print_last(session, seen)
        session.talk(f"interrupted; the execution goes on. Wait for it again: {again}")
        return Exit.INTERRUPTED
    except DeadlineError as error:
        _print_last(session, seen)
        hint = f"The execution goes on. Wait for it again: {again}"
        raise DeadlineError(error.message, timeout_s=error.timeout_s, hint=hint) from error
    session.emit(execution)
    if not execution.succeeded:
        raise failure_of(execution)
    return Exit.OK


def _print_last(session: Session, seen: list[Execution | Launch]) -> None:
    for last in seen:
        session.emit(last)


def failure_of(execution: Execution) -> ExecutionFailedError:
    """Make the error that says why `execution` did not complete, and what its code means."""
    from flowlaunch.explain.error_codes import code_entry  # noqa: PLC0415 - only for a run that failed

    told = execution.error
    where = f" in `{told.params['expression']}`" if told and told.params.get("expression") else ""
    what = f": {told.message} ({told.code}{where})" if told else ""
    reason = f", {execution.completion_reason}" if execution.completion_reason else ""
    entry = code_entry(told.code) if told else None
    return ExecutionFailedError(
        f"execution {execution.id} ended as {execution.status}{reason}{what}",
        execution=execution,
        hint=f"{entry.cause[0].upper()}{entry.cause[1:]}. {entry.cure[0].upper()}{entry.cure[1:]}." if entry else None,
    )
