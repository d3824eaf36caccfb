"""What was seen of a client in one trial, as plain data for the judge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flowlaunch.conformance.trials import LAUNCH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowlaunch.conformance.task import About, Statement, Task

__all__ = ["Observation", "Seen"]


@dataclass(frozen=True, slots=True)
class Seen:
    """One request in the sandbox's journal; `status` None: it was not answered; `at_s` on the monotonic clock."""

    operation: str
    status: int | None
    fault: str
    at_s: float

    @property
    def leaves_doubt(self) -> bool:
        """Whether its answer, or the lack of one, left open what became of the request."""
        is_cut = self.fault in {"TruncatedJson", "DripBody"}
        return self.status is None or self.status >= 500 or is_cut


@dataclass(frozen=True, slots=True)
class Observation:
    """One trial as it went.

    Attributes:
        statements: what the client said, in order.
        mistakes: lines of the client that break the contract, each as a reason.
        exit_code: None when it had to be killed.
        took_s: from the first request to the last statement, or to the end if there was none; None without a request.
        executions: execution id -> its status, as the sandbox has it: the truth.
        is_met: whether the client met the trial's outage, if it has one.
        talk: the end of what it wrote to standard error.

    """

    task: Task
    statements: tuple[Statement, ...] = ()
    mistakes: tuple[str, ...] = ()
    about: About | None = None
    exit_code: int | None = None
    took_s: float | None = None
    requests: tuple[Seen, ...] = ()
    executions: Mapping[str, str] = field(default_factory=dict)
    is_met: bool = True
    talk: str = ""

    @property
    def posts(self) -> tuple[Seen, ...]:
        """The launch requests that arrived."""
        return tuple(seen for seen in self.requests if seen.operation == LAUNCH)
