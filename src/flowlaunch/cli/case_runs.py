"""Running case files for the command line: in this process or in several, summed up as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from flowlaunch.architect.coverage import FlowCoverage
    from flowlaunch.testing import CaseResult, FileResult

__all__ = ["CaseRun", "FileRun", "case_files", "coverage_of", "run_files"]

SUFFIXES = (".test.yaml", ".test.yml")


@dataclass(frozen=True, slots=True)
class CaseRun:
    """One case that was run: plain data that passes from process to process."""

    name: str
    place: str
    state: str
    seconds: float
    error: str = ""
    skip: str = ""
    mismatches: tuple[str, ...] = ()
    detail: tuple[dict[str, Any], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Render for scripts."""
        shown = {"name": self.name, "place": self.place, "state": self.state, "seconds": round(self.seconds, 6)}
        more = {"error": self.error, "skip": self.skip, "mismatches": list(self.detail)}
        return shown | {key: value for key, value in more.items() if value}


@dataclass(frozen=True, slots=True)
class FileRun:
    """One case file that was run; `counts` are its coverage."""

    path: str
    problem: str = ""
    cases: tuple[CaseRun, ...] = ()
    counts: dict[tuple[str, int, str | None], int] = field(default_factory=dict)

    def count(self, state: str) -> int:
        """Count the cases in a state."""
        return sum(case.state == state for case in self.cases)


def case_files(paths: Iterable[Path]) -> list[Path]:
    """Give the case files meant: a folder stands for the `*.test.yaml` in it, at any depth.

    Raises:
        click.UsageError: a folder holds none.

    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(one for one in path.rglob("*") if one.name.lower().endswith(SUFFIXES))
        if not inside:
            raise click.UsageError(f"there are no case files in {path} (*{SUFFIXES[0]})")
        found += inside
    return list(dict.fromkeys(found))


def run_files(paths: Sequence[Path], *, jobs: int, only: str | None, update_snapshots: bool) -> list[FileRun]:
    """Run case files, in `jobs` processes; few files are split so that each process has work."""
    if jobs <= 1:
        return [_run(path, only, update_snapshots, (0, 1)) for path in paths]
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415 - only for those who ask
    from multiprocessing import get_context  # noqa: PLC0415

    parts = 1 if update_snapshots else max(1, -(-jobs // len(paths)))
    work = [(path, (number, parts)) for path in paths for number in range(parts)]
    run = partial(_run_unit, only, update_snapshots)
    with ProcessPoolExecutor(min(jobs, len(work)), mp_context=get_context("spawn")) as pool:
        done = list(pool.map(run, work))
    return [_joined(done[start : start + parts]) for start in range(0, len(done), parts)]


def _run_unit(only: str | None, update_snapshots: bool, unit: tuple[Path, tuple[int, int]]) -> FileRun:
    return _run(unit[0], only, update_snapshots, unit[1])


def _run(path: Path, only: str | None, update_snapshots: bool, part: tuple[int, int]) -> FileRun:
    from flowlaunch.testing import run_cases  # noqa: PLC0415 - loads the flow language

    return _summed_up(run_cases(path, only=only, update_snapshots=update_snapshots, part=part))


def _summed_up(result: FileResult) -> FileRun:
    from flowlaunch.architect.coverage import counts_of  # noqa: PLC0415

    counts: dict[tuple[str, int, str | None], int] = {}
    for one in result.results:
        if one.outcome is not None:
            for key, count in counts_of(one.outcome.trace).items():
                counts[key] = counts.get(key, 0) + count
    pairs = zip(result.results, result.seconds, strict=False)
    cases = tuple(_case_run(one, seconds) for one, seconds in pairs)
    return FileRun(result.path, "" if result.problem is None else _told(result.problem), cases, counts)


def _told(problem: Any) -> str:
    from flowlaunch.cli.failures import text_of  # noqa: PLC0415

    return text_of(problem)


def _case_run(result: CaseResult, seconds: float) -> CaseRun:
    case = result.case
    return CaseRun(
        case.name,
        case.place,
        result.state,
        seconds,
        result.error,
        case.skip,
        tuple(map(str, result.mismatches)),
        tuple(one.as_json() for one in result.mismatches),
    )


def _joined(parts: Sequence[FileRun]) -> FileRun:
    """Put the parts of one file together, its cases in their order."""
    counts: dict[tuple[str, int, str | None], int] = {}
    for part in parts:
        for key, count in part.counts.items():
            counts[key] = counts.get(key, 0) + count
    longest = max(len(part.cases) for part in parts)
    cases = [part.cases[row] for row in range(longest) for part in parts if row < len(part.cases)]
    return FileRun(parts[0].path, parts[0].problem, tuple(cases), counts)


def coverage_of(runs: Iterable[FileRun]) -> list[FlowCoverage]:
    """Count what the cases took, one report a flow; files on the same flow are taken together."""
    from flowlaunch.architect.coverage import Coverage  # noqa: PLC0415
    from flowlaunch.errors import FlowError  # noqa: PLC0415
    from flowlaunch.testing import open_case_file  # noqa: PLC0415

    by_flow: dict[str, Coverage] = {}
    for run in runs:
        try:
            bench = open_case_file(run.path)
        except FlowError:
            continue
        coverage = by_flow.setdefault(bench.flow.source.name, Coverage())
        for flow in (bench.flow, *bench.modules.values()):
            coverage.know(flow)
        coverage.add_counts(run.counts)
    return [report for coverage in by_flow.values() for report in coverage.report()]
