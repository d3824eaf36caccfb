"""Telephone numbers and SIP addresses."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from flowlaunch.architect.values import NOT_SET, NotSet, PhoneNumber
from flowlaunch.errors import FlowRuntimeError

__all__ = ["parse_phone_number"]

_SCHEMES: Final = ("sips", "sip", "tel")
_LONGEST: Final = 256


def parse_phone_number(text: str) -> PhoneNumber:
    """Read `+13178723000`, `tel:...`, `sip:user@host`; a number without `+` has no E.164 form.

    Raises:
        FlowRuntimeError: there is neither a digit nor a SIP user in it.

    """
    raw = text.strip() if len(text) <= _LONGEST else ""
    found = _parse(raw) if raw else None
    if found is None:
        raise FlowRuntimeError(f'"{text[:80]}" is not a phone number', hint="Write it like +13178723000.")
    return found


@lru_cache(maxsize=1024)
def _parse(raw: str) -> PhoneNumber | None:
    scheme, rest = _split_scheme(raw)
    if scheme != "tel":
        user, _, host = rest.partition("@")
        identity = f"{scheme}:{user}@{host.rstrip('@').lower()}"
        e164, _subscriber, dialing_code = _global_parts(user)
        return PhoneNumber(raw, scheme, f"{scheme}:{rest}", e164, user, dialing_code, identity) if rest else None
    number = rest.partition(";")[0]
    digits = "".join(char for char in number if char.isdecimal() and char.isascii())
    if not digits:
        return None
    e164, subscriber, dialing_code = _global_parts(rest)
    subscriber = subscriber or _national(digits)
    return PhoneNumber(raw, "tel", f"tel:{rest}", e164, subscriber, dialing_code, f"tel:{digits}")


def _split_scheme(raw: str) -> tuple[str, str]:
    lowered = raw.lower()
    for scheme in _SCHEMES:
        if lowered.startswith(f"{scheme}:"):
            return scheme, raw[len(scheme) + 1 :].strip()
    return ("sip" if "@" in raw else "tel"), raw


def _global_parts(text: str) -> tuple[str | NotSet, str, str | NotSet]:
    """Split a number that starts with `+` into E.164 form, subscriber number and dialing code."""
    if not text.startswith("+"):
        return NOT_SET, "", NOT_SET
    import phonenumbers  # noqa: PLC0415  # large metadata: only flows with phone numbers pay for it

    try:
        parsed = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        digits = "".join(char for char in text if char.isdecimal())
        return (f"+{digits}" if digits else NOT_SET), digits, NOT_SET
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return e164, phonenumbers.national_significant_number(parsed), str(parsed.country_code)


def _national(digits: str) -> str:
    """Drop the North American trunk digit, as the catalogue's example of 13178723000 does."""
    return digits[1:] if len(digits) == 11 and digits[0] == "1" else digits
