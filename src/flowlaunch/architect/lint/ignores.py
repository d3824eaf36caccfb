"""Comments that set findings aside: `# flowlaunch: ignore FL119` on the line meant or on a line above it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flowlaunch.architect.lint.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flowlaunch.architect.lint.finding import Finding

__all__ = ["Ignore", "matches", "read_ignores"]

_COMMENT: Final = re.compile(r"(?:^|(?<=\s))#\s{0,9}flowlaunch:\s{0,9}(ignore-file|ignore)\b([^#\r\n]{0,400})")
_WORD: Final = re.compile(r"[^\s,]+")


@dataclass(frozen=True, slots=True)
class Ignore:
    """One comment: `target` is the line whose findings it hides, 0 for the whole file."""

    line: int
    column: int
    target: int
    codes: frozenset[str]
    unknown: tuple[str, ...]

    def hides(self, finding: Finding) -> bool:
        """Tell whether it sets this finding aside."""
        return finding.code in self.codes and self.target in {0, finding.location.line}


def read_ignores(text: str) -> tuple[Ignore, ...]:
    """Find the comments of a file; one that stands alone on its line is about the next line that is no comment."""
    if "flowlaunch:" not in text:
        return ()
    lines = text.splitlines()
    found = []
    for number, line in enumerate(lines, 1):
        match = _COMMENT.search(line)
        if match is None:
            continue
        codes, unknown = matches(_WORD.findall(match[2].partition(" -")[0]))
        target = 0 if match[1] == "ignore-file" else _target(lines, number)
        found.append(Ignore(number, match.start() + 1, target, codes, unknown))
    return tuple(found)


def _target(lines: list[str], number: int) -> int:
    if not lines[number - 1].lstrip().startswith("#"):
        return number
    following = (n for n in range(number + 1, len(lines) + 1) if _says_something(lines[n - 1]))
    return next(following, number)


def _says_something(line: str) -> bool:
    stripped = line.lstrip()
    return bool(stripped) and not stripped.startswith("#")


def matches(words: Iterable[str]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Read codes, their beginnings (`FL1`) and names of rules; also give the words that are none."""
    codes: set[str] = set()
    unknown: list[str] = []
    for word in words:
        low = word.lower()
        hit = {
            rule.code
            for rule in RULES.values()
            if rule.name == low or (low[:2] == "fl" and rule.code.lower().startswith(low))
        }
        codes |= hit
        unknown += [] if hit else [word]
    return frozenset(codes), tuple(unknown)
