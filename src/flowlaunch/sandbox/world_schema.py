"""Which fields a world file may have, and of which kind each is."""

from __future__ import annotations

import difflib
from typing import Any

from flowlaunch.errors import SandboxError

__all__ = ["FIELDS", "FLOW_TYPES", "GRANTS", "START_EVENTS", "check_entry"]

TEXT, LIST, MAP, FLAG, NUMBER, WHOLE, ANY = (
    "text",
    "a list",
    "a mapping",
    "true or false",
    "a number",
    "a whole number",
    "",
)
_TYPES: dict[str, tuple[type, ...]] = {
    TEXT: (str, int, float),
    LIST: (list, tuple),
    MAP: (dict,),
    FLAG: (bool,),
    NUMBER: (int, float),
    WHOLE: (int,),
}


def _of(text: str = "", lists: str = "", maps: str = "", flags: str = "", **others: str) -> dict[str, str]:
    named = {TEXT: text, LIST: lists, MAP: maps, FLAG: flags}
    return {name: kind for kind, names in named.items() for name in names.split()} | others


FIELDS: dict[str, dict[str, str]] = {
    "world": _of(
        lists="divisions clients users flows actions data_actions queues contacts organizations skills groups "
        "conversations",
        maps="organization roles tables decision_tables schedules things slots language",
    ),
    "language": _of(maps="rules dialect"),
    "organization": _of("id name"),
    "division": _of("id name"),
    "client": _of("id secret name", "roles grants scopes redirect_uris", token_life_s=WHOLE),
    "user": _of("id name email", "roles", "properties"),
    "role assignment": _of("role", "divisions"),
    "flow": _of(
        "id name file type division description start_event",
        "versions required",
        "slots",
        "published shared deleted active",
    ),
    "conversation": _of("id participant", "", "attributes"),
}
GRANTS = ("CLIENT-CREDENTIALS", "CODE", "SAML2-BEARER")
START_EVENTS = ("specific", "generic")
_TYPE_NAMES = (
    "BOT BUSINESSPROCESS COMMONMODULE DIGITALBOT EMAILSEND INBOUNDCALL INBOUNDCHAT INBOUNDEMAIL INBOUNDSHORTMESSAGE "
    "INQUEUECALL INQUEUEEMAIL INQUEUESHORTMESSAGE OUTBOUNDCALL SECURECALL SPEECH SURVEYINVITE VOICE VOICEMAIL "
    "VOICESURVEY WORKFLOW WORKITEM"
)
FLOW_TYPES = frozenset(_TYPE_NAMES.split())


def check_entry(entry: Any, kind: str, name: str) -> dict[str, Any]:
    """Check one entry of the world `name`: known fields only, each of its kind. A field may be null.

    Raises:
        SandboxError: names the field, and the one that may have been meant.

    """
    if not isinstance(entry, dict):
        raise SandboxError(f"{name}: a {kind} must have named fields, not {entry!r}")
    known = FIELDS[kind]
    for key, value in entry.items():
        if key not in known:
            near = difflib.get_close_matches(str(key), known, 1)
            hint = f"Did you mean `{near[0]}`?" if near else f"Known: {', '.join(sorted(known))}."
            raise SandboxError(f"{name}: a {kind} has no field `{key}`", hint=hint)
        if value is not None and not _fits(value, known[key]):
            raise SandboxError(f"{name}: `{key}` of a {kind} must be {known[key]}, not {value!r}")
    return entry


def _fits(value: Any, kind: str) -> bool:
    if kind == ANY:
        return True
    return isinstance(value, _TYPES[kind]) and (kind == FLAG or not isinstance(value, bool))
