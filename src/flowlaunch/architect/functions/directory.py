"""Functions that look objects of the organization up; the host answers them."""

from __future__ import annotations

import re
from typing import Any, Final

from flowlaunch.architect.functions.catalogue import Family
from flowlaunch.architect.values import NOT_SET, Duration, NetworkObject, NotSet, Opaque, Value

_SEARCH: Final = Family("search")
_LANGUAGE: Final = Family("language")

_ID_RE: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
"""The older functions took an id where today's take a name; both are accepted."""

_FINDERS: Final = (
    ("FindUser", "usr", "email"),
    ("FindUserById", "usr", "id"),
    ("FindQueue", "que", "name"),
    ("FindQueueById", "que", "id"),
    ("FindSkill", "skl", "name"),
    ("FindLanguageSkill", "lac", "name"),
    ("FindGroup", "grp", "name"),
    ("FindEmergencyGroup", "emg", "name"),
    ("FindSchedule", "sch", "name"),
    ("FindScheduleGroup", "scg", "name"),
)


def _define_finder(name: str, code: str, by: str) -> None:
    def find(host: Any, key: str | NotSet) -> Value:
        if key is NOT_SET or not key.strip():
            return NOT_SET
        found: Value = host.find(code, key, by)
        if found is NOT_SET and by == "name" and _ID_RE.fullmatch(key):
            found = host.find(code, key, "id")
        return found

    _SEARCH.define(f"{name}(key: str?) -> {code}", f"{name}(key: nts?) -> {code}", needs_host=True)(find)


for _finder in _FINDERS:
    _define_finder(*_finder)


def _define_prompt_finder(name: str, prefix: str) -> None:
    def find(host: Any, key: str | NotSet) -> Value:
        if key is NOT_SET or not key.strip():
            return NOT_SET
        plain = key[len(prefix) :] if key.lower().startswith(prefix.lower()) else key
        found: Value = host.find("pmt", plain, "name")
        return Opaque("pmt", found.name or plain) if isinstance(found, NetworkObject) else found

    _SEARCH.define(f"{name}(promptName: str?) -> pmt", f"{name}(promptName: nts?) -> pmt", needs_host=True)(find)


_define_prompt_finder("FindUserPrompt", "Prompt.")
_define_prompt_finder("FindSystemPrompt", "PromptSystem.")


@_SEARCH.define(
    "FindQueueEstimatedWaitTime(queue: que) -> dur",
    "GetQueueEstimatedWaitTime(queue: que) -> dur",
    "FindQueueEstimatedWaitTime(queue: que, mediaType: str) -> dur",
    "GetQueueEstimatedWaitTime(queue: que, mediaType: str) -> dur",
)
def _estimated_wait(queue: NetworkObject, _media_type: str = "") -> Duration | NotSet:
    known = queue.properties.get("estimatedWaitTime")
    return known if isinstance(known, Duration) else NOT_SET


@_LANGUAGE.define("GetDefaultLanguage() -> str", needs_host=True, is_hidden=True)
def _default_language(host: Any) -> str:
    return str(getattr(host, "default_language", "en-us"))


@_LANGUAGE.define("GetSupportedLanguages() -> str[]", needs_host=True, is_hidden=True)
def _supported_languages(host: Any) -> tuple[str, ...]:
    return tuple(getattr(host, "supported_languages", ("en-us",)))
