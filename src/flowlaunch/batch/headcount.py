"""What a bare number of runs proves about rows in doubt: pure judgement, no network.

The platform counts the runs of a flow whoever launched them, without ids. Runs of strangers only make the number
larger, so a number that the rows with a known run explain in full proves that no row in doubt ran. That all of them
ran it proves only where nobody else launches the flow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Headcount", "Presence", "judge_count", "presences_in"]

Span = tuple[int, int]
Verdict = Literal["launched", "absent", "unknown"]
CLOCKS_US: Final = 30_000_000
"""How far the platform's clock and ours may differ."""


class Presence(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row that is known to run, or that may, and between which instants its run started by the platform's clock.

    `is_sure`: the platform gave its run an id; other rows may have none.
    """

    earliest_us: int
    latest_us: int
    took_us: int = 0
    is_sure: bool = True


class Headcount(msgspec.Struct, frozen=True, kw_only=True):
    """The runs of one span.

    Attributes:
        counted: what the platform counts, whoever launched them; None when it did not tell, and `why_not` says why.
        sure: rows with a known run that started in the span for certain.
        maybe: rows, not those in doubt, whose run may have started in it.
        longest_us: the longest known run: should runs be counted at their end, one may take as long (guess).

    """

    counted: int | None
    sure: int = 0
    maybe: int = 0
    longest_us: int = 0
    why_not: str = ""


def presences_in(span: Span, presences: Iterable[Presence]) -> Headcount:
    """Sum up the known rows of a span whose runs are not counted yet."""
    from_us, until_us = span
    sure = maybe = longest_us = 0
    for one in presences:
        if one.latest_us < from_us or one.earliest_us >= until_us:
            continue
        is_inside = from_us <= one.earliest_us and one.latest_us < until_us
        sure += one.is_sure and is_inside
        maybe += not (one.is_sure and is_inside)
        longest_us = max(longest_us, one.took_us)
    return Headcount(counted=None, sure=sure, maybe=maybe, longest_us=longest_us)


def judge_count(head: Headcount, doubtful: int, age_us: int, settled_us: int, *, is_sole: bool) -> tuple[Verdict, str]:
    """Return what the number proves for all rows in doubt of its span, and the numbers as words.

    Args:
        head: the numbers.
        doubtful: how many rows of the span are in doubt.
        age_us: how long ago the last of them can have been sent.
        settled_us: age from which on all runs count as counted (guess: no figure is public).
        is_sole: nobody else launches this flow.

    """
    if head.counted is None:
        return "unknown", head.why_not
    shown = f"the platform counts {_runs(head.counted)} of the flow at that time, {_rows(head.sure)} known to run"
    shown += f", {head.maybe} more may" if head.maybe else ""
    wait_us = settled_us + 2 * head.longest_us - age_us
    most = min(doubtful, head.counted - head.sure)
    open_ends = {
        f"{shown}: it has not counted all": head.counted < head.sure,
        f"{shown}; some may be counted late, so ask again in {wait_us / 1e6:.0f} s": wait_us > 0,
        f"{shown}: nothing shows that it counts them at all": not head.counted,
    }
    for why, is_so in open_ends.items():
        if is_so:
            return "unknown", why
    if head.counted == head.sure:
        return "absent", f"{shown}: none is left for a row in doubt"
    if is_sole and head.counted >= head.sure + head.maybe + doubtful:
        return "launched", f"{shown}, and nobody else launches it: every row in doubt ran"
    return "unknown", f"{shown}: at most {most} of {_rows(doubtful)} in doubt ran, or somebody else's"


def _runs(number: int) -> str:
    return "1 run" if number == 1 else f"{number} runs"


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number} rows"
