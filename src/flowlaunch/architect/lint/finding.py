"""What a rule found: its code, its place and its cure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from flowlaunch.architect.flow import ActionRef, Flow
    from flowlaunch.architect.source import Span

__all__ = ["Finding", "Hit", "Location", "Report", "Severity"]

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Hit:
    """What a check yields: a rule's code, what is wrong, and where; `span` wins over the action's own place."""

    code: str
    message: str
    hint: str = ""
    span: Span | None = None
    ref: ActionRef | None = None


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file as a person finds it.

    Attributes:
        line, column, end_column: counted from 1 and as the file has them, slots unfilled; 0 when the file has no
            lines (an export).
        excerpt: the line, or the expression, that is meant.
        caret: blanks and carets that go below the excerpt.

    """

    line: int = 0
    column: int = 0
    end_column: int = 0
    excerpt: str = ""
    caret: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding of one rule.

    Attributes:
        file: name the text was given.
        action: place in the flow, e.g. `Initial State / 2 / yes / 0 (Find order)`; empty when it is about no action.

    """

    code: str
    rule: str
    severity: Severity
    message: str
    hint: str
    file: str
    location: Location
    action: str = ""

    @property
    def place(self) -> str:
        """Give `file:line:column`, or the file and the action where there are no lines."""
        if self.location.line:
            return f"{self.file}:{self.location.line}:{self.location.column}"
        return f"{self.file}: {self.action}" if self.action else self.file

    def as_json(self) -> dict[str, Any]:
        """Render for machines."""
        return {
            "code": self.code,
            "rule": self.rule,
            "severity": self.severity,
            "file": self.file,
            "line": self.location.line or None,
            "column": self.location.column or None,
            "endColumn": self.location.end_column or None,
            "action": self.action or None,
            "message": self.message,
            "hint": self.hint or None,
            "excerpt": self.location.excerpt or None,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in one file, in the order of the text.

    Attributes:
        flow: the flow as far as it could be read; None when nothing could.
        ignored: findings that a comment in the file set aside.

    """

    file: str
    findings: tuple[Finding, ...]
    flow: Flow | None = None
    ignored: tuple[Finding, ...] = field(default=())

    def count(self, severity: Severity) -> int:
        """Count the findings of one severity."""
        return sum(finding.severity == severity for finding in self.findings)

    def fails(self, *, strict: bool = False) -> bool:
        """Tell whether there is an error, or, when strict, a warning."""
        return self.count("error") > 0 or (strict and self.count("warning") > 0)
