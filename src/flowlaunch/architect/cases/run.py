"""Running cases of a loaded flow."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from flowlaunch.architect.cases.check import compare, line_diff
from flowlaunch.architect.cases.model import CaseResult, Mismatch
from flowlaunch.architect.cases.trace_text import trace_lines
from flowlaunch.architect.stubs.runner import run_flow_on
from flowlaunch.errors import FlowError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowlaunch.architect.cases.model import Case, CaseFile
    from flowlaunch.architect.flow import Flow
    from flowlaunch.architect.stubs.contracts import Contracts

__all__ = ["Bench", "run_case"]

_NO_SNAPSHOT: Final = "none is stored"


@dataclass(frozen=True, slots=True)
class Bench:
    """A case file with everything loaded that its cases need.

    Attributes:
        modules: common modules by name in lower case.
        snapshots: stored trace lines by the case's name.

    """

    file: CaseFile
    flow: Flow
    modules: Mapping[str, Flow] = field(default_factory=dict)
    contracts: Contracts | None = None
    snapshots: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def with_flow(self, flow: Flow) -> Bench:
        """Put another flow in the place of this one."""
        return replace(self, flow=flow)


def run_case(bench: Bench, case: Case) -> CaseResult:
    """Run one case and compare; what cannot be run is an error of its result, not an exception."""
    if case.skip:
        return CaseResult(case)
    try:
        outcome = run_flow_on(
            bench.flow,
            case.inputs,
            case.stubs,
            modules=bench.modules,
            contracts=bench.contracts,
            rules=bench.file.rules,
            now=case.now,
        )
    except FlowError as error:
        return CaseResult(case, error=f"{case.place}: {error}")
    mismatches = compare(case.expect, outcome, bench.file.place_of)
    if not case.snapshot:
        return CaseResult(case, mismatches, outcome=outcome)
    lines = trace_lines(outcome.trace)
    return CaseResult(case, (*mismatches, *_against_snapshot(bench, case, lines)), outcome=outcome, snapshot=lines)


def _against_snapshot(bench: Bench, case: Case, lines: tuple[str, ...]) -> tuple[Mismatch, ...]:
    stored = bench.snapshots.get(case.name)
    if stored is None:
        return (Mismatch(case.place, "snapshot of the trace", _NO_SNAPSHOT, "run with --update-snapshots to store it"),)
    if stored == lines:
        return ()
    return (Mismatch(case.place, "snapshot of the trace", "the stored trace", "another", line_diff(stored, lines)),)
