"""Findings as SARIF 2.1.0, for code hosts and editors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from flowlaunch.architect.lint.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flowlaunch.architect.lint.finding import Finding, Report, Severity

__all__ = ["sarif_log"]

_LEVELS: Final[Mapping[Severity, str]] = {"error": "error", "warning": "warning", "info": "note"}
_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif_log(reports: Iterable[Report], *, version: str) -> dict[str, Any]:
    """Write reports as one SARIF log; findings that a comment set aside are marked as suppressed."""
    index = {code: number for number, code in enumerate(RULES)}
    results = []
    for report in reports:
        results += [_result(one, index[one.code], is_ignored=False) for one in report.findings]
        results += [_result(one, index[one.code], is_ignored=True) for one in report.ignored]
    driver = {"name": "flowlaunch flow lint", "version": version, "rules": _rules()}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rules() -> list[dict[str, Any]]:
    return [
        {
            "id": rule.code,
            "name": "".join(word.capitalize() for word in rule.name.split("-")),
            "shortDescription": {"text": rule.title},
            "fullDescription": {"text": f"{rule.title} {rule.why}"},
            "defaultConfiguration": {"level": _LEVELS[rule.severity]},
            "properties": {"evidence": rule.evidence},
        }
        for rule in RULES.values()
    ]


def _result(finding: Finding, index: int, *, is_ignored: bool) -> dict[str, Any]:
    hint = f" {finding.hint}" if finding.hint else ""
    location: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": {"uri": quote(finding.file.replace("\\", "/"), safe="/:.-_~")}}
    }
    place = finding.location
    if place.line:
        region: dict[str, Any] = {"startLine": place.line, "startColumn": place.column, "endColumn": place.end_column}
        if place.excerpt:
            region["snippet"] = {"text": place.excerpt}
        location["physicalLocation"]["region"] = region
    if finding.action:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.action}]
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.message}.{hint}"},
        "locations": [location],
    }
    if is_ignored:
        result["suppressions"] = [{"kind": "inSource"}]
    return result
