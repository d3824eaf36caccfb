"""`flow test` and `flow cover`: run case files, tell what fails, and show which paths were taken."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from flowlaunch.cli.case_reports import (
    coverage_rows,
    junit_xml,
    show_cases,
    show_coverage,
    show_mutants,
    total_percent,
)
from flowlaunch.cli.case_runs import case_files, coverage_of, run_files
from flowlaunch.cli.exits import Exit
from flowlaunch.cli.session import Session, command_options
from flowlaunch.errors import FlowError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flowlaunch.architect.coverage import FlowCoverage
    from flowlaunch.cli.case_runs import FileRun
    from flowlaunch.testing import MutantResult

__all__ = ["cover_command", "test_command"]

_OPTIONS: Final = (
    click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(exists=True, path_type=Path)),
    click.option("-j", "--jobs", type=click.IntRange(min=0), default=1, metavar="N", help="Processes; 0: one a core."),
    click.option("-k", "--only", metavar="TEXT", help="Run the cases whose name contains TEXT."),
    click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write JUnit XML to this file."),
    click.option(
        "--update-snapshots", is_flag=True, help="Store the traces of cases with `snapshot: true` as they are."
    ),
    click.option(
        "--fail-under", type=click.FloatRange(0, 100), metavar="P", help="Fail when less than P % is covered."
    ),
    click.option("--mutate", is_flag=True, help="Change the flows in small ways and show which cases notice."),
)


def _case_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@click.command("test")
@_case_options
@command_options(settings=False)
@click.pass_context
def test_command(ctx: click.Context, /, session: Session, files: Sequence[Path], **options: Any) -> None:
    """Run case files and tell which expectations fail.

    FILE is a case file (YAML), or a folder with `*.test.yaml` files. Exit code 1 says that a case failed, or
    that less was covered than --fail-under asks for.
    """
    ctx.exit(_go(session, files, is_cover=False, drawing=None, **options))


@click.command("cover")
@_case_options
@click.option("--drawing", type=click.Path(dir_okay=False, path_type=Path), help="Draw the coverage: .html or .svg.")
@command_options(settings=False)
@click.pass_context
def cover_command(ctx: click.Context, /, session: Session, files: Sequence[Path], **options: Any) -> None:
    """Run case files and show which paths of the flows they take.

    Counts actions, output paths and switch cases over all cases, and lists what no case took. A path counts
    when it is filled, or when a run can take it all the same: the failure and timeout of every data action.
    """
    ctx.exit(_go(session, files, is_cover=True, **options))


def _go(
    session: Session,
    files: Sequence[Path],
    *,
    is_cover: bool,
    jobs: int,
    only: str | None,
    junit: Path | None,
    update_snapshots: bool,
    fail_under: float | None,
    mutate: bool,
    drawing: Path | None,
) -> Exit:
    started_s = time.perf_counter()
    workers = jobs or os.cpu_count() or 1
    runs = run_files(case_files(files), jobs=workers, only=only, update_snapshots=update_snapshots)
    seconds = time.perf_counter() - started_s
    if junit is not None:
        _write(junit, junit_xml(runs))
    reports = coverage_of(runs) if is_cover or fail_under is not None else []
    mutated = _mutate(runs) if mutate else []
    if session.output == "table" and not session.query:
        _tell(session, runs, reports, mutated if mutate else None, seconds, is_cover=is_cover)
    else:
        session.emit(_document(runs, reports, mutated if mutate else None, seconds))
    if drawing is not None:
        _draw(session, drawing, reports)
    return _verdict(session, runs, reports, fail_under)


def _tell(
    session: Session,
    runs: Sequence[FileRun],
    reports: Sequence[FlowCoverage],
    mutated: Sequence[MutantResult] | None,
    seconds: float,
    *,
    is_cover: bool,
) -> None:
    show_cases(runs, is_short=session.quiet)
    if is_cover:
        click.echo()
        session.emit(coverage_rows(reports))
        show_coverage(reports)
    if mutated is not None:
        show_mutants(mutated)
    counts = [
        f"{_count(runs, state)} {state}" for state in ("passed", "failed", "error", "skipped") if _count(runs, state)
    ]
    click.echo(f"\n{', '.join(counts) or 'no cases'} in {seconds:.2f} s")


def _count(runs: Sequence[FileRun], state: str) -> int:
    broken = sum(bool(run.problem) for run in runs) if state == "error" else 0
    return sum(run.count(state) for run in runs) + broken


def _document(
    runs: Sequence[FileRun],
    reports: Sequence[FlowCoverage],
    mutated: Sequence[MutantResult] | None,
    seconds: float,
) -> dict[str, Any]:
    states = ("passed", "failed", "error", "skipped")
    shown: dict[str, Any] = {
        **{state: _count(runs, state) for state in states},
        "seconds": round(seconds, 6),
        "files": [
            {"path": run.path, "problem": run.problem or None, "cases": [case.as_json() for case in run.cases]}
            for run in runs
        ],
    }
    if reports:
        shown["coverage"] = {
            "percent": round(total_percent(reports), 2),
            "flows": [{**report.as_json(), "missing": report.missing()} for report in reports],
        }
    if mutated is not None:
        survivors = sum(one.survives for one in mutated)
        shown["mutants"] = {
            "made": len(mutated),
            "noticed": len(mutated) - survivors,
            "survive": survivors,
            "detail": [one.as_json() for one in mutated],
        }
    return shown


def _verdict(
    session: Session, runs: Sequence[FileRun], reports: Sequence[FlowCoverage], fail_under: float | None
) -> Exit:
    if fail_under is not None and total_percent(reports) < fail_under:
        session.talk(
            f"error[coverage] {total_percent(reports):.2f} % is covered; --fail-under asks for {fail_under:g} %"
        )
        return Exit.ERROR
    return Exit.ERROR if _count(runs, "failed") + _count(runs, "error") else Exit.OK


def _mutate(runs: Sequence[FileRun]) -> list[MutantResult]:
    from flowlaunch.testing import open_case_file, run_mutants  # noqa: PLC0415 - loads the flow language

    benches = []
    for run in runs:
        try:
            benches.append(open_case_file(run.path))
        except FlowError:  # told with the cases
            continue
    return list(run_mutants(benches))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def _draw(session: Session, path: Path, reports: Sequence[FlowCoverage]) -> None:
    """Draw the first flow with its coverage; further flows go into files of their own."""
    from flowlaunch.architect.drawing import html_of, overlay_of_coverage, svg_of  # noqa: PLC0415 - only when asked

    draw = {".svg": svg_of, ".html": html_of}.get(path.suffix.lower())
    if draw is None:
        raise InputError(f"cannot draw into {path}: its name ends neither in .html nor in .svg")
    for number, report in enumerate(reports):
        target = path if not number else path.with_stem(f"{path.stem}-{number + 1}")
        _write(target, draw(report.flow, overlay_of_coverage(report.as_json(), report.flow)))
        session.talk(f"drew {report.flow.name} into {target}")
