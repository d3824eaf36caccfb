"""What an explanation is made of, and what a rule is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["EVIDENCE", "WEIGHTS", "Explanation", "Finding", "Rule", "masked"]

EVIDENCE: Final[Mapping[str, str]] = {
    "official": "read in the platform's official SDKs, tools, announcements or help pages",
    "observed": "seen when an official client was run against a server under observation",
    "reported": "told by users of the platform, with real payloads",
    "inferred": "follows from official material, but is not said there",
    "unknown": "no reliable source was found",
}
"""Evidence classes, the strongest first."""

MOST_PLACES: Final = 200
"""Places of one rule that are looked at: text of any size is explained in seconds."""

_NEAR_CHARS: Final = 300

WEIGHTS: Final[Mapping[str, str]] = {
    "wrong": "it cannot work as written",
    "risk": "it works at times, and fails or harms at others",
    "note": "worth knowing",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know about the text.

    `line` counts from 1, 0 means the text as a whole; `excerpt` is the place in the text.
    """

    rule: str
    weight: str
    line: int
    excerpt: str
    finding: str
    cure: str
    evidence: str
    source: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the text was taken for (`kind`), and the findings in the order of the text."""

    kind: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that can be seen in text.

    It applies where `pattern` matches, if `needs` matches somewhere in the text, `unless` does not match the
    place's line and `unless_anywhere` matches nowhere. `judge` looks closer: it tells the cure for this
    place, or None when all is well there. `example` triggers the rule, `counterexample` does not.
    """

    id: str
    pattern: re.Pattern[str]
    finding: str
    cure: str
    evidence: str
    source: str
    example: str
    counterexample: str
    weight: str = "wrong"
    needs: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None
    unless_anywhere: re.Pattern[str] | None = None
    judge: Callable[[re.Match[str]], str | None] | None = None

    def findings(self, text: str) -> Iterator[Finding]:
        """Find the places in `text` that this rule is about."""
        if (self.needs and not self.needs.search(text)) or (self.unless_anywhere and self.unless_anywhere.search(text)):
            return
        for match in islice(self.pattern.finditer(text), MOST_PLACES):
            excerpt = _line_at(text, match.start())
            if self.unless and self.unless.search(excerpt):
                continue
            cure = self.judge(match) if self.judge else self.cure
            if cure is not None:
                yield self.at(text, match.start(), cure)

    def at(self, text: str, position: int, cure: str | None = None) -> Finding:
        """Make a finding of this rule at `position` of `text`."""
        return Finding(
            rule=self.id,
            weight=self.weight,
            line=text.count("\n", 0, position) + 1,
            excerpt=masked(_line_at(text, position).strip()),
            finding=self.finding,
            cure=self.cure if cure is None else cure,
            evidence=self.evidence,
            source=self.source,
        )


_SECRETS: Final = re.compile(
    r"""((?:client_?secret|access_?token|refresh_?token|password)["']?\s*[:=]\s*(?:["']|(?=[^\s"'&]*&)))[^"'&\s]+"""
    r"""|(\b(?:Bearer|Basic)\s+)(?!\{)[A-Za-z0-9+/=._-]{8,}|(client_secret=)[^&\s"'{]+""",
    re.IGNORECASE,
)


def masked(text: str) -> str:
    """Tell `text` with what looks like a secret taken out: an explanation is often pasted elsewhere."""
    return _SECRETS.sub(lambda match: f"{match[1] or match[2] or match[3]}***", text)


def _line_at(text: str, position: int) -> str:
    """Tell the line at `position`, as much of it as is near."""
    first, last = max(0, position - _NEAR_CHARS), min(len(text), position + _NEAR_CHARS)
    start = text.rfind("\n", first, position) + 1 or first
    end = text.find("\n", position, last)
    return text[start : end if end >= 0 else last]
