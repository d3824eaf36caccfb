"""What `flow test` and `flow cover` print: cases, mismatches, coverage, mutants, JUnit XML."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape, quoteattr

import click

from flowlaunch.cli.terminal import may_colour, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from flowlaunch.architect.coverage import FlowCoverage
    from flowlaunch.cli.case_runs import CaseRun, FileRun
    from flowlaunch.testing import MutantResult

__all__ = ["coverage_rows", "junit_xml", "show_cases", "show_coverage", "show_mutants", "total_percent"]

_COLOURS: Final = {"passed": "green", "failed": "red", "error": "red", "skipped": "yellow"}
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def show_cases(runs: Iterable[FileRun], *, is_short: bool) -> None:
    """Print every case that did not pass with its reasons, and the others by name unless short."""
    for run in runs:
        click.echo(_styled(run.path, bold=True))
        if run.problem:
            click.echo(_indented(run.problem, 2))
        for case in run.cases:
            if is_short and case.state == "passed":
                continue
            label = _styled(case.state.ljust(7), fg=_COLOURS[case.state])
            click.echo(f"  {label} {printable(case.name)}{f' ({case.skip})' if case.skip else ''}")
            for text in (case.error, *case.mismatches):
                if text:
                    click.echo(_indented(printable(text), 10))


def _indented(text: str, width: int) -> str:
    return "\n".join(f"{' ' * width}{line}" for line in text.splitlines())


def _styled(text: str, **style: Any) -> str:
    return click.style(text, **style) if may_colour(sys.stdout) else text


def coverage_rows(reports: Iterable[FlowCoverage]) -> list[dict[str, Any]]:
    """Give one row a flow: what was taken of how much."""
    return [
        {
            "flow": report.flow.name,
            "file": report.flow.source.name,
            "actions": f"{report.actions_hit}/{len(report.actions)}",
            "paths": f"{report.paths_hit}/{report.paths_total}",
            "switch_cases": f"{report.cases_hit}/{report.cases_total}",
            "percent": f"{_floor(report.percent):.1f}",
        }
        for report in reports
    ]


def _floor(percent: float) -> float:
    """Round down to one place, so that 100.0 means all."""
    return int(percent * 10) / 10


def total_percent(reports: Sequence[FlowCoverage]) -> float:
    """Give the share of actions and paths over all flows, in percent."""
    total = sum(len(report.actions) + report.paths_total for report in reports)
    hit = sum(report.actions_hit + report.paths_hit for report in reports)
    return 100.0 * hit / total if total else 100.0


def show_coverage(reports: Sequence[FlowCoverage]) -> None:
    """Print what no case took, line by line."""
    for report in reports:
        for line in report.missing():
            click.echo(f"  {printable(line)}")


def show_mutants(results: Sequence[MutantResult]) -> None:
    """Print which mutants survive, and which cases notice how many of the others."""
    survivors = [one for one in results if one.survives]
    noticed: dict[str, int] = {}
    for one in results:
        for name in one.noticed_by:
            noticed[name] = noticed.get(name, 0) + 1
    click.echo(f"\n{len(results)} mutants, {len(results) - len(survivors)} noticed, {len(survivors)} survive")
    for one in survivors:
        why = "no case notices" if one.reached else "no case gets there"
        click.echo(f"  {_styled('survives', fg='red')} {printable(str(one.mutant))} ({why})")
    for name, count in sorted(noticed.items(), key=lambda pair: -pair[1]):
        click.echo(f"  {count:>5} noticed by {printable(name)}")


# -- JUnit -------------------------------------------------------------------------------------------------------


def junit_xml(runs: Sequence[FileRun]) -> str:
    """Write the cases as JUnit XML: one suite a file, an unreadable file as one error."""
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", *_suites(runs), "</testsuites>", ""])


def _suites(runs: Sequence[FileRun]) -> Iterator[str]:
    for run in runs:
        seconds = sum(case.seconds for case in run.cases)
        errors = run.count("error") + bool(run.problem)
        yield (
            f"  <testsuite name={_attribute(run.path)} tests={_attribute(len(run.cases) + bool(run.problem))} "
            f"failures={_attribute(run.count('failed'))} errors={_attribute(errors)} "
            f'skipped={_attribute(run.count("skipped"))} time="{seconds:.6f}">'
        )
        if run.problem:
            yield f'    <testcase classname={_attribute(Path(run.path).stem)} name={_attribute("load")} time="0">'
            yield f"      {_outcome('error', run.problem)}"
            yield "    </testcase>"
        for case in run.cases:
            yield from _testcase(run, case)
        yield "  </testsuite>"


def _testcase(run: FileRun, case: CaseRun) -> Iterator[str]:
    file, _, line = case.place.rpartition(":")
    head = (
        f"    <testcase classname={_attribute(Path(run.path).stem)} name={_attribute(case.name)} "
        f'file={_attribute(file)} line={_attribute(line)} time="{case.seconds:.6f}"'
    )
    if case.state == "passed":
        yield f"{head}/>"
        return
    yield f"{head}>"
    if case.state == "skipped":
        yield f"      <skipped message={_attribute(case.skip)}/>"
    else:
        kind = "failure" if case.state == "failed" else "error"
        yield f"      {_outcome(kind, case.error or chr(10).join(case.mismatches))}"
    yield "    </testcase>"


def _outcome(kind: str, text: str) -> str:
    first = text.splitlines()[0] if text else ""
    return f"<{kind} message={_attribute(first)}>{escape(_NOT_XML.sub('?', text))}</{kind}>"


def _attribute(value: Any) -> str:
    return quoteattr(_NOT_XML.sub("?", str(value)))
