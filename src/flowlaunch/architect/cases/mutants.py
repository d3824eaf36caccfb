"""Which cases notice a mistake: every mutant of a flow is run through the cases that reach it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flowlaunch.architect.cases.run import run_case
from flowlaunch.architect.mutation import mutants

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flowlaunch.architect.cases.model import Case
    from flowlaunch.architect.cases.run import Bench
    from flowlaunch.architect.mutation import Mutant

__all__ = ["MutantResult", "run_mutants"]


@dataclass(frozen=True, slots=True)
class MutantResult:
    """A mutant and the cases that notice it.

    Attributes:
        reached: whether any case runs the action that was changed.

    """

    mutant: Mutant
    noticed_by: tuple[str, ...] = ()
    reached: bool = True

    @property
    def survives(self) -> bool:
        """Tell whether no case notices."""
        return not self.noticed_by

    def as_json(self) -> dict[str, Any]:
        """Render for scripts."""
        ref = self.mutant.action.ref
        return {
            "place": self.mutant.place,
            "line": ref.line,
            "action": ref.name,
            "kind": self.mutant.kind,
            "change": self.mutant.change,
            "survives": self.survives,
            "reached": self.reached,
            "noticed_by": list(self.noticed_by),
        }


@dataclass(slots=True)
class _Passing:
    """The cases of a file that pass, with the actions that each runs."""

    bench: Bench
    cases: list[tuple[Case, frozenset[int]]] = field(default_factory=list)


def run_mutants(benches: Iterable[Bench]) -> Iterator[MutantResult]:
    """Change each flow in small ways and tell which cases notice; cases that fail anyway are left out.

    Cases of several files on the same flow are taken together.
    """
    by_flow: dict[str, list[_Passing]] = {}
    for bench in benches:
        by_flow.setdefault(bench.flow.source.text, []).append(_passing(bench))
    for group in by_flow.values():
        for mutant in mutants(group[0].bench.flow):
            yield _try(mutant, group)


def _passing(bench: Bench) -> _Passing:
    passing = _Passing(bench)
    for case in bench.file.cases:
        result = run_case(bench, case)
        if result.state == "passed" and result.outcome is not None:
            entries = result.outcome.trace.entries
            ran = {entry.ref.number for entry in entries if entry.ref.flow == bench.flow.name}
            passing.cases.append((case, frozenset(ran)))
    return passing


def _try(mutant: Mutant, group: Iterable[_Passing]) -> MutantResult:
    number = mutant.action.ref.number
    reaching = [(one.bench.with_flow(mutant.flow), case) for one in group for case, ran in one.cases if number in ran]
    noticed = [case.name for bench, case in reaching if run_case(bench, case).state != "passed"]
    return MutantResult(mutant, tuple(noticed), bool(reaching))
