"""A comparison as Markdown to paste into an issue, and as data."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from flowlaunch.parity.compare import Difference, Row

__all__ = ["Report"]

MANY: Final = 5
"""So many answers differ alike that it is told once."""
HEAD: Final = """\
# An org and the sandbox, asked the same

Made by `flowlaunch parity`, version {version}. It shows statuses, published field names, types and plain words of error
messages; `…` stands for what was left out, `#` for digits. It holds no value, id, name, token or host of the org.
"""


@dataclass(frozen=True, slots=True)
class Report:
    """Every question with both answers; `version` is flowlaunch's."""

    version: str
    rows: tuple[Row, ...]

    @property
    def different(self) -> tuple[Row, ...]:
        """The rows with a difference."""
        return tuple(row for row in self.rows if row.differences)

    @property
    def refused(self) -> tuple[Row, ...]:
        """The rows that the org refused for want of a permission."""
        return tuple(row for row in self.rows if row.is_refused)

    @property
    def common(self) -> tuple[tuple[Difference, int], ...]:
        """What differs in many answers alike, and in how many: to be told once."""
        counts = Counter(one for row in self.rows for one in row.differences)
        return tuple((one, count) for one, count in counts.items() if count >= MANY)

    def document(self) -> dict[str, Any]:
        """Render as JSON-able data."""
        return {"version": self.version, "different": len(self.different), "rows": [asdict(row) for row in self.rows]}

    def markdown(self) -> str:
        """Render as a page."""
        common = dict(self.common)
        details = [line for row in self.different for line in _detail(row, common)]
        head = HEAD.format(version=self.version)
        return "\n".join([head, *_overview(self.rows), *_everywhere(common), *details, ""])


def _overview(rows: Sequence[Row]) -> Iterator[str]:
    yield "| question | org | sandbox | differences |"
    yield "|---|---|---|---|"
    for row in rows:
        answers = [shape.summary if shape else "not asked" for shape in (row.org, row.sandbox)]
        yield _row([f"`{row.probe}`", *answers, str(len(row.differences) or "")])


def _everywhere(common: Mapping[Difference, int]) -> Iterator[str]:
    if not common:
        return
    yield "\n## In many answers\n"
    yield "| answers | what | org | sandbox |"
    yield "|---|---|---|---|"
    for one, count in common.items():
        yield _row([str(count), one.what, one.org, one.sandbox])


def _detail(row: Row, common: Container[Difference]) -> Iterator[str]:
    own = [one for one in row.differences if one not in common]
    if not own:
        return
    yield f"\n## {row.probe}\n"
    if row.is_refused:
        yield "It settles nothing: the org refused it (403), as the client lacks a permission.\n"
    elif row.settles:
        yield f"It settles {row.settles}.\n"
    yield "| what | org | sandbox |"
    yield "|---|---|---|"
    for one in own:
        yield _row([one.what, one.org, one.sandbox])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
