"""When a batch will be done: its windows and its budget, played forward minute by minute."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from flowlaunch.batch.rules.openings import MICROS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from flowlaunch.batch.decisions import Decision

MINUTE_US: Final = 60 * MICROS
_MAX_STEPS: Final = 200_000


class LateGroup(msgspec.Struct, frozen=True):
    """Rows that will not be sent in time: `count` of the same calendars and last instant, the first on `line`."""

    count: int
    line: int
    calendars: tuple[str, ...]
    not_after_us: int


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """How a batch will go if nothing fails.

    Attributes:
        launches: rows to be sent; finish_us: when the last is sent, None when nothing is to send or no end is seen.
        late: rows that will miss their last window or their not-after, for want of budget; `late_groups` says which.
        moved_to_next_window: rows whose first window shuts before their turn and that wait for the next one.
        budget_share: launches over what the budget would allow until the finish, 0 to 1.
        busy_minutes: minutes in which something is sent; idle minutes are those in which no window is open.

    """

    launches: int
    finish_us: int | None
    late: int = 0
    late_groups: tuple[LateGroup, ...] = ()
    moved_to_next_window: int = 0
    budget_share: float = 0.0
    busy_minutes: int = 0
    idle_minutes: int = 0


class _Key(NamedTuple):
    not_before_us: int
    closes_us: int | None
    not_after_us: int | None
    calendars: tuple[str, ...]


@dataclass
class _Group:
    """Rows alike in all that matters for time."""

    count: int
    line: int
    opens_us: int
    closes_us: int | None
    not_after_us: int | None
    calendars: tuple[str, ...]


class Forecaster:
    """Collects the decisions of a plan, then plays them forward; memory grows with different times, not rows."""

    def __init__(self, now_us: int) -> None:
        self._now_us = now_us
        self._groups: dict[_Key, _Group] = {}
        self._launches = 0

    def add(self, line: int, decision: Decision) -> None:
        """Count one row; only rows to be launched matter. Times are taken to the minute, the later one."""
        if decision.kind != "launch":
            return
        self._launches += 1
        opens_us = self._now_us
        if decision.not_before_us is not None and decision.not_before_us > opens_us:
            opens_us = -(-decision.not_before_us // MINUTE_US) * MINUTE_US
        not_after_us = decision.not_after_us
        last_us = not_after_us // MINUTE_US * MINUTE_US if not_after_us is not None else None
        key = _Key(opens_us, decision.closes_us, last_us, decision.calendars)
        group = self._groups.get(key)
        if group is not None:
            group.count += 1
        else:
            self._groups[key] = _Group(1, line, opens_us, decision.closes_us, last_us, decision.calendars)

    def forecast(
        self,
        per_minute: float | None,
        reopen: Callable[[tuple[str, ...], int, int | None, int | None], Decision] | None = None,
    ) -> Forecast:
        """Return how it will go with `per_minute` launches a minute (None: no limit).

        `reopen` is `Rules.reopen`: it says when a group whose window has shut may be sent again.
        """
        return _Play(list(self._groups.values()), self._now_us, per_minute, reopen).run(self._launches)


class _Play:
    def __init__(
        self,
        groups: Sequence[_Group],
        now_us: int,
        per_minute: float | None,
        reopen: Callable[[tuple[str, ...], int, int | None, int | None], Decision] | None,
    ) -> None:
        self.waiting = sorted((replace(group) for group in groups), key=lambda group: group.opens_us)
        self.start_us = self.now_us = now_us
        self.per_minute = per_minute
        self.reopen = reopen
        self.late: list[LateGroup] = []
        self.moved = self.busy = self.idle = 0
        self.last_us: int | None = None
        self.credit = 0.0

    def run(self, launches: int) -> Forecast:
        for _step in range(_MAX_STEPS):
            if not self.waiting:
                break
            self._shut()
            ready = [group for group in self.waiting if group.opens_us <= self.now_us]
            if ready:
                self._send(ready)
            elif self.waiting:
                self._skip_to(min(group.opens_us for group in self.waiting))
        late = sum(group.count for group in self.late)
        is_done = not self.waiting
        return Forecast(
            launches=launches - late,
            finish_us=self.last_us if is_done else None,
            late=late,
            late_groups=tuple(self.late[:20]),
            moved_to_next_window=self.moved,
            budget_share=self._share(launches - late),
            busy_minutes=self.busy,
            idle_minutes=self.idle,
        )

    def _shut(self) -> None:
        """Move groups whose window is over to their next one, or to the late ones."""
        for group in list(self.waiting):
            over = group.not_after_us is not None and self.now_us >= group.not_after_us
            shut = group.closes_us is not None and self.now_us >= group.closes_us
            if not over and not shut:
                continue
            if not over and self.reopen is not None:
                decision = self.reopen(group.calendars, self.now_us, None, group.not_after_us)
                if decision.kind == "launch":
                    group.opens_us = max(decision.not_before_us or self.now_us, self.now_us)
                    self.moved += group.count if group.opens_us > self.now_us else 0
                    group.closes_us = decision.closes_us
                    continue
            self.waiting.remove(group)
            last_us = group.not_after_us or group.closes_us or self.now_us
            self.late.append(LateGroup(group.count, group.line, group.calendars, last_us))

    def _send(self, ready: Iterable[_Group]) -> None:
        """Send one minute's budget, in the order of the source."""
        budget = float("inf") if self.per_minute is None else self.per_minute + self.credit
        whole = budget if self.per_minute is None else float(int(budget))
        left = whole
        for group in sorted(ready, key=lambda one: one.line):
            sent = min(left, group.count)
            group.count -= int(sent)
            left -= sent
            if left <= 0:
                break
        self.credit = 0.0 if self.per_minute is None else budget - whole
        self.waiting = [group for group in self.waiting if group.count > 0]
        used = 1.0 if self.per_minute is None or whole <= 0 else (whole - max(left, 0.0)) / whole
        if used > 0 and whole >= 1:
            self.last_us = self.now_us + (round(used * MINUTE_US) if self.per_minute is not None else 0)
            self.busy += 1
        self.now_us += MINUTE_US

    def _skip_to(self, at_us: int) -> None:
        minutes = max(1, -(-(at_us - self.now_us) // MINUTE_US))
        self.idle += minutes
        self.now_us = at_us if at_us > self.now_us else self.now_us + MINUTE_US
        self.credit = 0.0

    def _share(self, launches: int) -> float:
        if self.per_minute is None or self.last_us is None or self.last_us <= self.start_us:
            return 0.0
        allowed = self.per_minute * (self.last_us - self.start_us) / MINUTE_US
        return min(1.0, launches / allowed)
