"""The table of rules: code, severity, and why the rule is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from flowlaunch.architect.lint.rule_table import TABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowlaunch.architect.lint.finding import Severity

__all__ = ["RULES", "Rule"]

_WHOLE: Final = frozenset(
    """
    FL101 FL102 FL103 FL104 FL105 FL106 FL107 FL108 FL111 FL112 FL113 FL116 FL122 FL123 FL201 FL202 FL203 FL204 FL205
    FL206 FL207 FL208 FL209 FL302
    """.split()  # noqa: SIM905 - a list of codes reads better as words
)

Evidence = Literal["official", "observed", "guess", "advice"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        code: stable, e.g. `FL101`; 0xx reading the file, 1xx paths, 2xx variables and expressions, 3xx contracts.
        name: short name, stable too.
        title: what is wrong, in one line.
        why: what it costs.
        evidence: `official` (documented by the platform), `observed` (real flows and exports), `guess`, or `advice`
            where the rule is about good habits and not about the platform.
        needs_whole_flow: whether the rule stays silent when a part of the flow could not be read.

    """

    code: str
    name: str
    severity: Severity
    title: str
    why: str
    evidence: Evidence
    needs_whole_flow: bool


def _severity(word: str) -> Severity:
    return "error" if word == "error" else "warning" if word == "warning" else "info"


def _evidence(word: str) -> Evidence:
    known: dict[str, Evidence] = {"official": "official", "observed": "observed", "guess": "guess"}
    return known.get(word, "advice")


def _rules() -> dict[str, Rule]:
    rules = (
        Rule(code, name, _severity(severity), title, why, _evidence(evidence), needs_whole_flow=code in _WHOLE)
        for code, name, severity, evidence, title, why in TABLE
    )
    return {rule.code: rule for rule in rules}


RULES: Final[Mapping[str, Rule]] = _rules()
"""Every rule by its code, in order."""
