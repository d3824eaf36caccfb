"""What a caller makes of an execution's end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowlaunch.errors import ExecutionFailedError, InputError

if TYPE_CHECKING:
    from flowlaunch.models import Execution, Launch


def execution_id_of(execution: str | Launch | Execution) -> str:
    """Return the id of what names an execution."""
    found = execution if isinstance(execution, str) else execution.id
    if not found.strip():
        raise InputError("no execution was named", hint="Give the id that the launch returned.")
    return found.strip()


def failure_of(execution: Execution) -> ExecutionFailedError:
    """Build the error of an execution that ended otherwise than COMPLETED."""
    why = execution.error
    said = f": {why.message} ({why.code})" if why is not None else ""
    reason = f", {execution.completion_reason}" if execution.completion_reason else ""
    params = f" with {why.params}" if why is not None and why.params else ""
    is_unset = why is not None and why.code == "error.workflow.expression.unexpectedNull"
    hint = (
        f"{why.params.get('expression', 'A variable')} was NOT_SET: check that the input was given."
        if is_unset and why
        else None
    )
    return ExecutionFailedError(
        f"execution {execution.id} ended {execution.status}{reason}{said}{params}",
        execution=execution,
        hint=hint,
    )
