"""What a case file says: runs of a flow, and what must come of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flowlaunch.architect.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from flowlaunch.architect.stubs.conditions import Condition
    from flowlaunch.architect.stubs.model import Stubs
    from flowlaunch.architect.stubs.places import Path
    from flowlaunch.architect.stubs.runner import Outcome

__all__ = ["Case", "CaseFile", "CaseResult", "Expectation", "Mismatch", "StepWanted", "WantedCall"]


@dataclass(frozen=True, slots=True)
class StepWanted:
    """An action by name (`*` and `?` allowed) and, if given, the path it must leave by."""

    name: str
    path: str | None = None

    def __str__(self) -> str:
        return self.name if self.path is None else f"{self.name}: {self.path}"


@dataclass(frozen=True, slots=True)
class WantedCall:
    """A data action that must have been called."""

    action: str
    category: str = "*"
    inputs: Mapping[str, Condition] = field(default_factory=dict)
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must come of a run; None and empty mappings are not looked at.

    Attributes:
        status: `COMPLETED` unless said otherwise; `FAILED` when an error is expected.
        path: actions that ran in this order, others between them or not.
        whole_path: actions that ran, all of them.
        avoids: actions, or paths of them, that were never taken.
        calls: data actions called, all of them in order.
        calls_include: data actions called in this order, others between them or not.
        at: where the expectation is written.

    """

    at: Path = ()
    status: str = "COMPLETED"
    outputs: Mapping[str, Condition] = field(default_factory=dict)
    exit_reason: Condition | None = None
    error: Mapping[str, Condition] | None = None
    variables: Mapping[str, Condition] = field(default_factory=dict)
    path: tuple[StepWanted, ...] | None = None
    whole_path: tuple[StepWanted, ...] | None = None
    avoids: tuple[StepWanted, ...] = ()
    calls: tuple[WantedCall, ...] | None = None
    calls_include: tuple[WantedCall, ...] | None = None
    elapsed_s: Condition | None = None
    notifications: tuple[Mapping[str, Condition], ...] | None = None
    attributes: Mapping[str, Mapping[str, Condition]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """One run and what must come of it.

    Attributes:
        inputs: as written, names with their scope or without.
        stubs: the case's own, put before those of the file.
        place: `file:line` of the case.
        snapshot: whether the trace is compared with the stored one.
        skip: why it is not run, or "".

    """

    name: str
    inputs: Mapping[str, Any]
    stubs: Stubs
    expect: Expectation
    place: str
    snapshot: bool = False
    skip: str = ""
    now: datetime | None = None


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A parsed case file; paths in it are relative to its folder.

    Attributes:
        flow: path of the flow file.
        slots: values of `{{name}}` and `${name}` in the flow.
        values: paths of YAML files with slot values; `slots` win.
        contracts: paths of exported data actions, or folders of them.
        modules: common module by name -> path; others are looked for beside the flow.
        place_of: names the place of a path inside the file.

    """

    name: str
    flow: str
    cases: tuple[Case, ...]
    place_of: Any
    slots: Mapping[str, str] = field(default_factory=dict)
    values: tuple[str, ...] = ()
    lenient: bool = False
    contracts: tuple[str, ...] = ()
    modules: Mapping[str, str] = field(default_factory=dict)
    rules: Rules = field(default_factory=Rules)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """An expectation that does not hold.

    Attributes:
        place: `file:line` of the expectation.
        what: what was looked at, e.g. `output Flow.tier`.
        wanted, found: as text.
        diff: lines of a comparison, when one helps more than the two texts.

    """

    place: str
    what: str
    wanted: str
    found: str
    diff: tuple[str, ...] = ()

    def __str__(self) -> str:
        head = f"{self.place}: {self.what}"
        if self.diff:
            return "\n".join([head, *(f"  {line}" for line in self.diff)])
        return f"{head}\n  expected {self.wanted}\n  found    {self.found}"

    def as_json(self) -> dict[str, Any]:
        """Render for scripts."""
        return {"place": self.place, "what": self.what, "expected": self.wanted, "found": self.found} | (
            {"diff": list(self.diff)} if self.diff else {}
        )


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What came of a case.

    Attributes:
        error: why it could not be run to its end: a missing stub, a wrong input; "" when it could.
        outcome: the run; None when it was skipped or could not be run.
        snapshot: lines of the trace, when the case compares them.

    """

    case: Case
    mismatches: tuple[Mismatch, ...] = ()
    error: str = ""
    outcome: Outcome | None = None
    snapshot: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """`passed`, `failed`, `error` or `skipped`."""
        if self.case.skip:
            return "skipped"
        if self.error:
            return "error"
        return "failed" if self.mismatches else "passed"
