"""Telephone numbers and addresses in the one form in which they are compared; zones and countries of numbers."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

_PLAIN: Final = re.compile(r"\+[1-9]\d{6,14}")
_NUMBERLIKE: Final = re.compile(r"[+(]?(?:[ ()/.-]*\d){6,}[ ()/.-]*")
_UNKNOWN_ZONE: Final = "Etc/Unknown"


@functools.lru_cache(maxsize=256)
def to_e164(text: str, default_region: str | None = None) -> str | None:
    """Return a telephone number as E.164 (`+4930123456`), or None when it is none.

    `default_region` (`DE`) is the country of numbers that do not begin with `+`; without it those are none.
    """
    text = text.strip()
    if _PLAIN.fullmatch(text):
        plain = _plain_number(text)
        if plain is not None:
            return text if plain else None
    return _parsed(text, default_region)


def zones_of(number: str) -> tuple[str, ...]:
    """Return the time zones in which an E.164 number may lie, by its prefix; empty when that is not known."""
    parsed = parts_of(number)
    zones = () if parsed is None else _library().zones(parsed)
    return tuple(zone for zone in zones if zone != _UNKNOWN_ZONE)


def country_of(number: str) -> str | None:
    """Return the country of an E.164 number as two letters, or None when it belongs to none."""
    parsed = parts_of(number)
    return None if parsed is None else _library().country(parsed)


@functools.lru_cache(maxsize=256)
def parts_of(number: str) -> Any:
    """Return an E.164 number in the library's form, or None when it is none; cut, since parsing costs 80 us."""
    found = _PLAIN.fullmatch(number)
    sizes = (size for size in (1, 2, 3) if found and number[1 : 1 + size] in _codes())
    size = next(sizes, 0)
    if not size:
        return None
    national = number[1 + size :]
    zeros = min(len(national) - len(national.lstrip("0")), len(national) - 1)
    return _library().number(
        country_code=int(number[1 : 1 + size]),
        national_number=int(national),
        italian_leading_zero=True if zeros else None,
        number_of_leading_zeros=zeros if zeros > 1 else None,
    )


def to_address(text: str) -> str | None:
    """Return an e-mail address without blanks around it and in lower case, or None when it is none."""
    address = text.strip().lower()
    name, at, host = address.rpartition("@")
    return address if name and at and host and " " not in address else None


def normal_contact(text: str, default_region: str | None = None) -> str | None:
    """Return who is reached in the form in which attempts are counted: a number, an address or the text itself."""
    text = text.strip()
    if not text:
        return None
    if "@" in text:
        return to_address(text) or text
    looks_like_number = text[0] in "+0(" and _NUMBERLIKE.fullmatch(text) is not None
    return (to_e164(text, default_region) if looks_like_number else None) or text


class _Library(NamedTuple):
    """The parts of phonenumbers in use; loading them takes 70 ms, so it waits until a number is asked about."""

    parse: Callable[..., Any]
    error: type[Exception]
    is_possible: Callable[[Any], bool]
    country: Callable[[Any], str | None]
    zones: Callable[[Any], tuple[str, ...]]
    e164: Callable[[Any], str]
    number: Callable[..., Any]


@functools.cache
def _library() -> _Library:
    import phonenumbers  # noqa: PLC0415 - loaded when a number is asked about
    from phonenumbers import timezone  # noqa: PLC0415 - as above

    return _Library(
        phonenumbers.parse,
        phonenumbers.NumberParseException,
        lambda number: phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE,
        phonenumbers.region_code_for_number,
        timezone.time_zones_for_number,
        lambda number: phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164),
        phonenumbers.PhoneNumber,
    )


def _parsed(text: str, default_region: str | None) -> str | None:
    library = _library()
    try:
        number = library.parse(text, default_region)
    except library.error:
        return None
    return library.e164(number) if library.is_possible(number) and not number.extension else None


class _Plan(NamedTuple):
    """What parsing looks at in one country's numbers: the prefix that it would take off, and possible lengths."""

    prefix: re.Pattern[str] | None
    lengths: frozenset[int]


def _plain_number(text: str) -> bool | None:
    """Whether a number written as E.164 is a possible one; None when parsing might change it.

    A short cut: parsing costs 80 us, and most lists are written so.
    """
    plans = _plans()
    for size in (1, 2, 3):
        plan = plans.get(text[1 : 1 + size])
        if plan is not None:
            national = text[1 + size :]
            if national[0] == "0" or plan.prefix is None or plan.prefix.match(national):
                return None
            return True if len(national) in plan.lengths else None
    return None


@functools.cache
def _codes() -> frozenset[str]:
    import phonenumbers  # noqa: PLC0415 - loaded when a number is asked about

    return frozenset(map(str, phonenumbers.COUNTRY_CODE_TO_REGION_CODE))


@functools.cache
def _plans() -> dict[str, _Plan]:
    import phonenumbers  # noqa: PLC0415 - loaded when a number is asked about

    plans = {}
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        found = phonenumbers.PhoneMetadata.metadata_for_region(regions[0], None)
        if found is None or found.national_prefix_transform_rule:
            continue
        prefix = found.national_prefix_for_parsing
        general = found.general_desc
        lengths = frozenset(general.possible_length if general is not None else ())
        plans[str(code)] = _Plan(re.compile(prefix) if prefix else None, lengths)
    return plans
