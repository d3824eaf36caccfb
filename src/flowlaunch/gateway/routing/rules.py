"""The rules of a route, made ready: calling windows, attempts, do-not-contact files."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from flowlaunch.batch.rows import open_rows
from flowlaunch.batch.rules import (
    AttemptLimit,
    CallingWindows,
    DoNotContact,
    Reopener,
    Rules,
    RulesConfig,
    WindowRules,
    load_rule_book,
)
from flowlaunch.errors import InputError

if TYPE_CHECKING:
    from flowlaunch.gateway.routing.spec import RulesSpec

__all__ = ["RouteRules"]

_ATTEMPTS: Final = re.compile(r"(\d{1,4})/(\d{1,4})([mhdw])")
_PERIOD_S: Final = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
DAY_US: Final = 86_400_000_000


class RouteRules:
    """Makes the rules for one launch after the other: they remember nothing of earlier ones but what the ledger does.

    Raises:
        InputError: a window, a period or a file is wrong.

    """

    def __init__(self, spec: RulesSpec, folder: Path, default_region: str | None, now_us: int) -> None:
        self._config = RulesConfig(
            dedupe_in_file=False,
            dedupe_across=spec.once_ever,
            attempts=_attempts(spec.attempts, waits=spec.attempts_wait),
        )
        self._do_not_contact = _do_not_contact(spec, folder, default_region)
        self._window_rules = _window_rules(spec, folder, default_region)
        self._windows: tuple[int, CallingWindows] | None = None
        self.fresh(now_us)

    @property
    def asks_history(self) -> bool:
        """Whether what was launched before matters."""
        return self._config.dedupe_across or self._config.attempts is not None

    @property
    def is_empty(self) -> bool:
        """Whether nothing stands against any launch."""
        return not self.asks_history and self._do_not_contact is None and self._window_rules is None

    def fresh(self, now_us: int) -> Rules:
        """Return the rules for a launch now; windows are computed anew once a day."""
        if self._window_rules is None:
            return Rules(self._config, None, self._do_not_contact)
        day = now_us // DAY_US
        if self._windows is None or self._windows[0] != day:
            self._windows = (day, CallingWindows(self._window_rules, now_us))
        return Rules(self._config, self._windows[1], self._do_not_contact)

    def reopener(self) -> Reopener:
        """Return what decides again about launches whose window shut while they waited."""
        return Reopener(self._window_rules)

    def for_file(self, now_us: int) -> Rules:
        """Return the rules for a file of rows, in which a key goes out once."""
        return replace(self.fresh(now_us), config=msgspec.structs.replace(self._config, dedupe_in_file=True))


def _window_rules(spec: RulesSpec, folder: Path, default_region: str | None) -> WindowRules | None:
    if not (spec.windows or spec.regional or spec.rule_files):
        return None
    book = load_rule_book([folder / file for file in spec.rule_files]) if spec.regional or spec.rule_files else None
    return WindowRules(
        windows=spec.windows,
        holidays=tuple(spec.holidays.items()),
        book=book,
        default_region=default_region,
        when_ambiguous=spec.ambiguous_zone,
    )


def _do_not_contact(spec: RulesSpec, folder: Path, default_region: str | None) -> DoNotContact | None:
    if not spec.do_not_contact:
        return None
    listed = DoNotContact(default_region)
    for name in spec.do_not_contact:
        file = folder / Path(name)
        with open_rows(file) as rows:
            listed.load(rows, rows.columns, str(file))
    return listed


def _attempts(text: str | None, *, waits: bool) -> AttemptLimit | None:
    if text is None:
        return None
    found = _ATTEMPTS.fullmatch(text)
    if found is None:
        raise InputError(
            f"attempts {text!r} is no number and period", code="routes-file", hint="Write 3/7d for three in seven days."
        )
    period_s = int(found[2]) * _PERIOD_S[found[3]]
    return AttemptLimit(most=int(found[1]), period_s=period_s, when_spent="wait" if waits else "skip")
