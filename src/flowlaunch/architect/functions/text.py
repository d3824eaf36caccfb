"""Functions on strings."""

from __future__ import annotations

from typing import Final

from flowlaunch.architect.collation import compare_text, fold
from flowlaunch.architect.functions.catalogue import Family
from flowlaunch.architect.languages import detect_language
from flowlaunch.architect.render import MAX_TEXT_CHARS, joined
from flowlaunch.architect.values import NOT_SET, NetworkObject, NotSet
from flowlaunch.errors import FlowRuntimeError

_TEXT: Final = Family("text")
_EMAIL: Final = Family("email")


@_TEXT.define("Append(initialText: str?, textToAppend: str?...) -> str")
def _append(*texts: str | NotSet) -> str:
    return joined(text for text in texts if text is not NOT_SET)


@_TEXT.define("Left(srcString: str, length: int) -> str")
def _left(text: str, length: int) -> str:
    return text[: max(length, 0)]


@_TEXT.define("Right(srcString: str, length: int) -> str")
def _right(text: str, length: int) -> str:
    return text[-length:] if length > 0 else ""


@_TEXT.define("Substring(text: str, start: int, length: int) -> str")
def _substring(text: str, start: int, length: int) -> str:
    return text[max(start, 0) : max(start, 0) + max(length, 0)]


@_TEXT.define("Length(text: str) -> int")
def _length(text: str) -> int:
    return len(text)


@_TEXT.define("Lower(text: str) -> str")
def _lower(text: str) -> str:
    return text.lower()


@_TEXT.define("Upper(text: str) -> str")
def _upper(text: str) -> str:
    return text.upper()


@_TEXT.define("Trim(stringToTrim: str) -> str")
def _trim(text: str) -> str:
    return text.strip()


@_TEXT.define("LTrim(value: str) -> str")
def _trim_left(text: str) -> str:
    return text.lstrip()


@_TEXT.define("RTrim(stringToTrim: str) -> str")
def _trim_right(text: str) -> str:
    return text.rstrip()


@_TEXT.define("Reverse(text: str) -> str")
def _reverse(text: str) -> str:
    return text[::-1]


@_TEXT.define("Replace(text: str, findString: str, replacementString: str?) -> str")
def _replace(text: str, sought: str, replacement: str | NotSet) -> str:
    if not sought:
        return text
    new = "" if replacement is NOT_SET else replacement
    growth = len(new) - len(sought)
    if growth > 0 and len(text) + text.count(sought) * growth > MAX_TEXT_CHARS:
        raise FlowRuntimeError(f"the result would be longer than {MAX_TEXT_CHARS:,} characters")
    return text.replace(sought, new)


@_TEXT.define("Contains(stringToSearch: str, textToFind: str) -> bln")
def _contains(text: str, sought: str) -> bool:
    return sought in text


@_TEXT.define("Contains(stringToSearch: str, textToFind: str, ignoreCase: bln) -> bln")
def _contains_any_case(text: str, sought: str, ignore_case: bool) -> bool:
    return fold(sought) in fold(text) if ignore_case else sought in text


@_TEXT.define("FindString(stringToSearch: str, textToFind: str) -> int")
def _find_string(text: str, sought: str) -> int:
    return text.find(sought)


@_TEXT.define("FindString(stringToSearch: str, textToFind: str, ignoreCase: bln) -> int")
def _find_string_any_case(text: str, sought: str, ignore_case: bool) -> int:
    return fold(text).find(fold(sought)) if ignore_case else text.find(sought)


@_TEXT.define("FindString(stringToSearch: str, textToFind: str, occurrenceNumber: int) -> int")
def _find_occurrence(text: str, sought: str, occurrence: int) -> int:
    if occurrence < 1:
        raise FlowRuntimeError(f"the occurrence must be 1 or more, not {occurrence}")
    if not sought:
        return 0 if occurrence == 1 else -1
    at = -1
    for _ in range(min(occurrence, len(text) + 1)):
        at = text.find(sought, at + 1)
        if at < 0:
            return -1
    return at


@_TEXT.define("FindString(stringToSearch: str, textToFind: str, occurrenceNumber: int, ignoreCase: bln) -> int")
def _find_occurrence_any_case(text: str, sought: str, occurrence: int, ignore_case: bool) -> int:
    if ignore_case:
        return _find_occurrence(fold(text), fold(sought), occurrence)
    return _find_occurrence(text, sought, occurrence)


@_TEXT.define("Compare(stringToCompare: str?, stringToCompareTo: str?) -> int")
def _compare(left: str | NotSet, right: str | NotSet) -> int:
    if left is NOT_SET or right is NOT_SET:
        return (left is not NOT_SET) - (right is not NOT_SET)
    return compare_text(left, right)


@_TEXT.define("Compare(stringToCompare: str?, stringToCompareTo: str?, ignoreCase: bln) -> int")
def _compare_any_case(left: str | NotSet, right: str | NotSet, ignore_case: bool) -> int:
    if ignore_case and left is not NOT_SET and right is not NOT_SET:
        return compare_text(fold(left), fold(right))
    return _compare(left, right)


@_TEXT.define("Split(textToSplit: str, delimiter: str) -> str[]")
def _split(text: str, delimiter: str) -> tuple[str, ...]:
    if not text:
        return ("",)
    return tuple(text.split(delimiter)) if delimiter else tuple(text)


@_TEXT.define("DetectLanguage(stringToSearch: str?, defaultString: str?) -> str")
def _detect_language(text: str | NotSet, default: str | NotSet) -> str | NotSet:
    found = "" if text is NOT_SET else detect_language(text)
    return found or default


@_EMAIL.define("MakeEmailAddress(address: str) -> cpx_email_address")
def _make_email_address(address: str) -> NetworkObject:
    return _make_named_email_address(address, NOT_SET)


@_EMAIL.define("MakeEmailAddress(address: str, name: str?) -> cpx_email_address")
def _make_named_email_address(address: str, name: str | NotSet) -> NetworkObject:
    return NetworkObject("cpx_email_address", address, "" if name is NOT_SET else name, {"name": name})


def _email_parts(address: str | NotSet | NetworkObject) -> tuple[str, str] | None:
    text = address.id if isinstance(address, NetworkObject) else address
    if text is NOT_SET:
        return None
    local, at, domain = text.strip().rpartition("@")
    return (local, domain) if at and local and domain else None


@_EMAIL.define(
    "EmailAddressDomainPart(emailAddress: cpx_email_address) -> str",
    "EmailAddressDomainPart(emailAddressString: str?) -> str",
)
def _domain_part(address: str | NotSet | NetworkObject) -> str | NotSet:
    parts = _email_parts(address)
    return parts[1] if parts else NOT_SET


@_EMAIL.define(
    "EmailAddressLocalPart(emailAddress: cpx_email_address) -> str",
    "EmailAddressLocalPart(emailAddressString: str?) -> str",
)
def _local_part(address: str | NotSet | NetworkObject) -> str | NotSet:
    parts = _email_parts(address)
    return parts[0] if parts else NOT_SET
