"""Rules of countries and their regions, as data: TOML files that come with the program or from the caller.

They are a start for the caller's own check and not legal advice; every file says what it rests on.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from flowlaunch._core.suggest import suggest
from flowlaunch.batch.rules.calendars import Calendar, parse_holidays, parse_week
from flowlaunch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

STRICTEST: Final = "*"
RuleEvidence = Literal["official", "reported", "unverified"]
"""How sure a rule is: the law or the authority's own page was read, another page says so, or nobody looked it up."""
Texts = str | list[str]


class _Region(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    basis: str = ""
    evidence: RuleEvidence = "unverified"
    source: str = ""
    windows: dict[str, Texts] | None = None
    holidays: dict[str, Texts] = {}


class _Country(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: str
    title: str
    basis: str
    note: str
    windows: dict[str, Texts]
    evidence: RuleEvidence = "unverified"
    source: str = ""
    holidays: dict[str, Texts] = {}
    subdivisions: list[str] = []
    without_region: Literal["strictest", "country"] = "strictest"
    regions: dict[str, _Region] = {}


@dataclass(frozen=True, slots=True)
class Grounds:
    """What one table of rules rests on: the rule in words, how sure it is, and where it was read."""

    title: str
    basis: str
    evidence: RuleEvidence
    source: str


@dataclass(frozen=True, slots=True)
class CountryRules:
    """The calendars of one country: its own, and those of regions with rules of their own.

    `subdivisions` are regions that exist and have no rules here; a region beyond both is unknown.
    """

    code: str
    title: str
    basis: str
    note: str
    calendar: Calendar
    regions: Mapping[str, Calendar]
    subdivisions: frozenset[str]
    is_strict_without_region: bool
    grounds: Mapping[str, Grounds]
    """Name of a calendar (`US`, `US-FL`) -> what it rests on."""
    text: str = field(default="", repr=False, compare=False)
    """The TOML that was read: whoever keeps it can read the same rules again, wherever the file is."""

    def calendars(self, region: str | None) -> tuple[str, tuple[Calendar, ...]] | None:
        """Return a name and the calendars that hold in `region` (`FL`); None when it is unknown.

        For a contact whose region is not told, or has no rules here, all calendars hold, unless the file says that
        the country's own is enough.
        """
        is_without = region is None or (region in self.subdivisions and region not in self.regions)
        if region == STRICTEST or (is_without and self.is_strict_without_region and self.regions):
            return f"{self.code}-{STRICTEST}", (self.calendar, *self.regions.values())
        if region is not None and region in self.regions:
            return f"{self.code}-{region}", (self.regions[region],)
        return (self.code, (self.calendar,)) if is_without else None


RuleBook = dict[str, CountryRules]


def load_rule_book(files: Iterable[Path] = ()) -> RuleBook:
    """Return the rules that come with the program, with those of `files` in their places.

    Raises InputError, naming file and place, when a file is no rule file.
    """
    book: RuleBook = {}
    packaged = resources.files("flowlaunch.batch.rules") / "regions"
    for entry in sorted(packaged.iterdir(), key=lambda one: one.name):
        if entry.name.endswith(".toml"):
            rules = read_rules(entry.read_text(encoding="utf-8"), entry.name)
            book[rules.code] = rules
    for path in files:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"read the rules {path}: {error}", code="rules-file", hint="Check the path of the rule file."
            ) from error
        rules = read_rules(text, str(path))
        book[rules.code] = rules
    return book


def read_rules(text: str, source: str) -> CountryRules:
    """Return the rules that a TOML text writes; `source` names it in errors."""
    document: dict[str, object] = {}
    try:
        document = tomllib.loads(text)
        read = msgspec.convert(document, _Country)
        return replace(_country(read), text=text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"read the rules {source}: no TOML ({error})", code="rules-file", hint="Mend it.") from error
    except msgspec.ValidationError as error:
        known = ", ".join(_Country.__struct_fields__)
        meant = next((suggest(name, _Country.__struct_fields__) for name in document), None)
        hint = f"Known here: {known}." + (f" Did you mean {meant}?" if meant and meant not in document else "")
        raise InputError(f"read the rules {source}: {error}", code="rules-file", hint=hint) from error
    except InputError as error:
        raise InputError(f"read the rules {source}: {error.message}", code="rules-file", hint=error.hint) from error


def _country(read: _Country) -> CountryRules:
    code = read.code.upper()
    calendar = Calendar(code, parse_week(read.windows), parse_holidays(read.holidays))
    regions = {}
    for name, region in read.regions.items():
        week = calendar.week if region.windows is None else parse_week(region.windows)
        holidays = (*parse_holidays(region.holidays), *calendar.holidays)
        regions[name.upper()] = replace(calendar, name=f"{code}-{name.upper()}", week=week, holidays=holidays, _kept={})
    return CountryRules(
        code=code,
        title=read.title,
        basis=read.basis,
        note=read.note,
        calendar=calendar,
        regions=regions,
        subdivisions=frozenset(one.upper() for one in read.subdivisions),
        is_strict_without_region=read.without_region == "strictest",
        grounds={code: Grounds(read.title, read.basis, read.evidence, read.source)}
        | {
            f"{code}-{name.upper()}": Grounds(one.title, one.basis, one.evidence, one.source)
            for name, one in read.regions.items()
        },
    )
