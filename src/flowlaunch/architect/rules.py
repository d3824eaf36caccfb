"""Points that public material does not settle, as switches; each is listed in the fidelity page of the language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Rules"]


@dataclass(frozen=True, slots=True)
class Rules:
    """How a run decides what nothing public settles; every default is a guess.

    Attributes:
        state_end: a state's list runs out with no terminal action: the run completes, or fails.
        state_variables: State variables when a state is entered again: set anew, or kept.
        loop_count: the count of a loop is read once, or before each turn.
        unset_condition: a condition that is NOT_SET: a run-time error, or taken as false.
        unset_case: a switch case (firstTrue) that is NOT_SET: a run-time error, or taken as false.
        negative_wait: a wait of negative length: does not wait, or is a run-time error.
        missing_output: a bound data action output that the answer lacks: becomes NOT_SET, or keeps its old value.
        longest_run_s: all waits of a run together; ours, so that clocks hold. Longer waits are trimmed or refused.
    Official limits, not guesses: `max_actions` an invocation and `max_error_actions` while handling an error.

    """

    state_end: Literal["complete", "fail"] = "complete"
    state_variables: Literal["reset", "keep"] = "reset"
    loop_count: Literal["once", "each turn"] = "once"
    unset_condition: Literal["error", "false"] = "error"
    unset_case: Literal["error", "false"] = "error"
    negative_wait: Literal["skip", "error"] = "skip"
    missing_output: Literal["unset", "keep"] = "unset"
    longest_run_s: float = 10 * 365 * 86_400.0
    max_actions: int = 10_000
    max_error_actions: int = 1_000
    max_task_depth: int = 200
