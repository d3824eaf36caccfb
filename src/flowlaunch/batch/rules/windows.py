"""Whether a contact may be called now, and when next: in its own time, under the rules that hold for it."""

from __future__ import annotations

import datetime as dt
import functools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal
from zoneinfo import ZoneInfo, available_timezones

from flowlaunch._core.suggest import suggest
from flowlaunch.batch.decisions import Decision, Prepared
from flowlaunch.batch.numbers import country_of, to_e164, zones_of
from flowlaunch.batch.rules.book import STRICTEST
from flowlaunch.batch.rules.calendars import Calendar, parse_holidays, parse_windows
from flowlaunch.batch.rules.openings import DAY_S, MICROS, Opening, Openings, clock_signature, next_opening

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flowlaunch.batch.rules.book import RuleBook

OWN: Final = "own"
"""Name of the calendar that the caller wrote."""
_UTC_NAMES: Final = frozenset({"UTC", "Etc/UTC", "Etc/GMT", "GMT"})


class Held(Exception):  # noqa: N818 - a verdict on its way up, not an error
    """Why a contact's windows cannot be told."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


@dataclass(frozen=True, slots=True)
class WindowRules:
    """Which windows hold.

    Attributes:
        windows: the caller's own, e.g. `mon-fri 09:00-20:00`; they hold beside those of the book.
        holidays: day -> `closed` or windows, for the caller's own windows.
        book: rules of countries and regions; empty when only the caller's own hold.
        default_region: country of numbers without a `+`, and of rows whose country nothing tells.
        when_ambiguous: `hold` a contact whose number lies in zones with different clocks, or send when it is
            `all-open`, in every one of them.

    """

    windows: tuple[str, ...] = ()
    holidays: tuple[tuple[str, str], ...] = ()
    book: RuleBook | None = None
    default_region: str | None = None
    when_ambiguous: Literal["hold", "all-open"] = "hold"


class CallingWindows:
    """The windows of every contact; what was computed for a zone and a calendar is kept."""

    def __init__(self, rules: WindowRules, now_us: int) -> None:
        self._rules = rules
        self._day = now_us // MICROS // DAY_S
        self._own: tuple[Calendar, ...] = ()
        if rules.windows or not rules.book:
            self._own = (Calendar(OWN, parse_windows(rules.windows), parse_holidays(dict(rules.holidays))),)
        self._openings: dict[str, tuple[Openings, ...]] = {}
        self._signatures: dict[str, tuple[int, ...]] = {}
        self._zones_of_cell: dict[str, str | Held] = {}
        self._next: dict[tuple[str, ...], tuple[int, Opening]] = {}

    @property
    def book(self) -> RuleBook | None:
        """The rules of countries that hold, if any."""
        return self._rules.book

    @property
    def rules(self) -> WindowRules:
        """Which windows hold."""
        return self._rules

    def calendars_now(self, calendars: Sequence[str]) -> tuple[str, ...]:
        """Return the calendars that hold now for a contact who had `calendars`; raise Held when that is not known.

        Where the caller's own windows came or went meanwhile, only what a calendar says of the zone still counts.
        """
        own = [f"{OWN}@{name.partition('@')[2]}" for name in calendars] if self._own else []
        regional = [name for name in calendars if not name.startswith(f"{OWN}@")] if self._rules.book else []
        if self._rules.book and not (regional and all(self._of(name) for name in regional)):
            raise Held("unknown-region", "the rules have changed, and those for this row are not among them")
        return tuple(dict.fromkeys((*own, *regional)))

    def calendars_of(self, prepared: Prepared) -> tuple[str, ...]:
        """Return the contact's calendars as `rules@zone`, one for each number and zone; raise Held when untold."""
        numbers: list[str | None] = [self._number(phone) for phone in prepared.phones]
        names: dict[str, None] = {}
        for number in numbers or [None]:
            for zone in self._zones(prepared, number):
                if self._own:
                    names[f"{OWN}@{zone}"] = None
                if self._rules.book:
                    names[f"{self._rules_name(prepared, number)}@{zone}"] = None
        return tuple(names)

    def _number(self, phone: str) -> str:
        number = to_e164(phone, self._rules.default_region)
        if number is None:
            raise Held("unknown-number", f"{phone!r} is no telephone number, so its time zone cannot be told")
        return number

    def _zones(self, prepared: Prepared, number: str | None) -> tuple[str, ...]:
        if prepared.zone:
            return (self._named_zone(prepared.zone),)
        if number is None:
            raise Held("unknown-zone", "the row names no time zone and has no telephone number")
        zones = tuple(zone for zone in zones_of(number) if zone in _zone_names())
        if not zones:
            raise Held("unknown-zone", f"the time zone of {number} is not known from its prefix")
        by_clock: dict[tuple[int, ...], str] = {}
        for zone in zones:
            by_clock.setdefault(self._signature(zone), zone)
        if len(by_clock) > 1 and self._rules.when_ambiguous == "hold":
            shown = ", ".join(zones[:4]) + (f" and {len(zones) - 4} more" if len(zones) > 4 else "")
            raise Held("ambiguous-zone", f"{number} may lie in {shown}, which show different times")
        return tuple(by_clock.values())

    def _named_zone(self, cell: str) -> str:
        found = self._zones_of_cell.get(cell)
        if found is None:
            found = self._zones_of_cell[cell] = zone_named(cell)
        if isinstance(found, Held):
            raise found
        return found

    def _signature(self, zone: str) -> tuple[int, ...]:
        if zone not in self._signatures:
            self._signatures[zone] = clock_signature(ZoneInfo(zone), self._day)
        return self._signatures[zone]

    def _rules_name(self, prepared: Prepared, number: str | None) -> str:
        book = self._rules.book or {}
        told = (prepared.region or "").strip().upper()
        first, dash, rest = told.partition("-")
        country = (country_of(number) if number else None) or self._rules.default_region
        region: str | None
        if dash or first in book:
            country, region = first, rest or None
        else:
            region = told or None
        if country is None or country not in book:
            shown = f"the country {country!r}" if country else "the row, whose country nothing tells"
            raise Held("unknown-region", f"no rules are loaded for {shown}")
        found = book[country].calendars(region)
        if found is None:
            raise Held("unknown-region", f"{prepared.region!r} is no region of {book[country].title} in the rules")
        return found[0]

    def next_opening(self, calendars: Sequence[str], from_us: int) -> Opening | None:
        """Return when all `calendars` are open together, at or after `from_us`; None when not within a year."""
        key = tuple(calendars)
        since_us, kept = self._next.get(key, (0, Opening(0, 0)))
        if since_us <= from_us < kept.close_us:
            return Opening(max(kept.open_us, from_us), kept.close_us)
        found = next_opening([one for name in key for one in self._of(name)], from_us)
        if found is not None:
            self._next[key] = (from_us, found)
        return found

    def _of(self, name: str) -> tuple[Openings, ...]:
        if name not in self._openings:
            rules, _at, zone = name.partition("@")
            self._openings[name] = tuple(Openings(one, ZoneInfo(zone)) for one in self._calendars(rules))
        return self._openings[name]

    def _calendars(self, name: str) -> tuple[Calendar, ...]:
        if name == OWN:
            return self._own
        country, _dash, region = name.partition("-")
        rules = (self._rules.book or {}).get(country)
        found = rules.calendars(region or None) if rules is not None else None
        return found[1] if found is not None else ()

    def decide(
        self, calendars: tuple[str, ...], from_us: int, now_us: int, not_after_us: int | None, reason: str
    ) -> Decision:
        """Return when a contact with `calendars` is sent, given that it may not be before `from_us`.

        `reason` is the reason when the windows add no wait of their own.
        """
        opening = self.next_opening(calendars, from_us)
        if opening is None:
            shown = ", ".join(calendars)
            message = f"no window opens within a year for {shown}"
            return Decision(kind="hold", reason="no-opening", message=message, calendars=calendars)
        if not_after_us is not None and opening.open_us >= not_after_us:
            message = f"the next window opens {shown_instant(opening.open_us)}, after the row's not-after"
            return Decision(kind="skip", reason="misses-window", message=message, calendars=calendars)
        waits = opening.open_us > from_us
        return Decision(
            kind="launch",
            reason="waits-for-window" if waits else reason,
            message=f"the window opens {shown_instant(opening.open_us)}" if waits else "",
            not_before_us=opening.open_us if opening.open_us > now_us else None,
            not_after_us=not_after_us,
            closes_us=opening.close_us,
            calendars=calendars,
        )


def zone_named(cell: str) -> str | Held:
    """Return the IANA zone that a cell names, or why it names none.

    Abbreviations and offsets (`EST`, `+02:00`) do not say when clocks are changed, so they are no zones here.
    """
    names = _zone_names()
    if cell in names and ("/" in cell or cell in _UTC_NAMES) and (not cell.startswith("Etc/") or cell in _UTC_NAMES):
        return cell
    meant = suggest(cell, names) if "/" in cell and not cell.startswith("Etc/") else None
    hint = f"did you mean {meant}?" if meant else "write an IANA name such as Europe/Berlin or America/New_York"
    return Held("unknown-zone", f"{cell!r} is no time zone of a place; {hint}")


@functools.lru_cache(maxsize=1_024)
def shown_instant(at_us: int) -> str:
    """Return an instant for people, in UTC to the second."""
    moment = dt.datetime.fromtimestamp(at_us // MICROS, dt.UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def regional_notes(book: RuleBook, used: Iterable[str] | None = None) -> tuple[str, ...]:
    """Return what the rules of each country rest on and how sure that is, to be shown before a run that uses them.

    `used` are names of calendars (`US-FL`, `US-*`); None: every country of the book.
    """
    names = list(book) if used is None else sorted(set(used))
    notes: dict[str, None] = {}
    for name in names:
        country, _dash, region = name.partition("-")
        rules = book.get(country)
        if rules is None:
            continue
        if region == STRICTEST:
            by_evidence = Counter(one.evidence for one in rules.grounds.values())
            shown = ", ".join(f"{count} {evidence}" for evidence, count in sorted(by_evidence.items()))
            notes[f"{rules.title}, the strictest of {len(rules.grounds)} tables ({shown})"] = None
        elif (one := rules.grounds.get(name)) is not None:
            notes[f"{one.title} ({one.evidence}): {one.basis}"] = None
        notes[f"{rules.title}: {rules.note}"] = None
    return tuple(notes)


_NAMES: set[str] = set()


def _zone_names() -> set[str]:
    if not _NAMES:
        _NAMES.update(available_timezones())
    return _NAMES
