"""Change one value of the profile file and leave the rest of it, comments too, as it was."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.errors import SettingsError
from flowlaunch.settings.fields import FIELDS_BY_NAME
from flowlaunch.settings.files import read_profiles
from flowlaunch.settings.secrets import quoted, write_private

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["set_value", "unset_value", "use_profile"]

_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
_NUMBER: Final = re.compile(r"[0-9]+(\.[0-9]+)?")


def set_value(path: Path, profile: str, name: str, value: str) -> None:
    """Set `name` of `profile` to `value` in the file at `path`, making both when needed.

    Raises:
        SettingsError: there is no such setting, the value is wrong for it, or it is a secret.

    """
    one = FIELDS_BY_NAME.get(name)
    if one is None:
        raise SettingsError(f"there is no setting {name!r}", hint=f"Settings are: {', '.join(FIELDS_BY_NAME)}.")
    if one.is_secret:
        raise SettingsError(
            f"{name} is a secret and does not belong in the profile file",
            hint="Store it with `flowlaunch config set-secret`, or set it in the environment.",
        )
    try:
        one.read(value)
    except ValueError as error:
        raise SettingsError(f"setting {name}: {value!r}: {error}", code="bad-setting") from error
    literal = value if _NUMBER.fullmatch(value) and name in {"timeout_s", "pace_per_minute"} else quoted(value)
    _rewrite(path, _Edit(_checked(profile), name, literal))


def unset_value(path: Path, profile: str, name: str) -> None:
    """Remove `name` from `profile`."""
    if name not in read_profiles(path).profiles.get(profile, {}):
        raise SettingsError(f"profile {profile} of {path} does not set {name}", hint="")
    _rewrite(path, _Edit(_checked(profile), name, None))


def use_profile(path: Path, profile: str) -> None:
    """Make `profile` the one that is used when none is named."""
    known = read_profiles(path).profiles
    if profile not in known:
        raise SettingsError(
            f"there is no profile {profile!r} in {path}",
            hint=f"Known profiles: {', '.join(known) or 'none'}.",
        )
    _rewrite(path, _Edit(None, "default_profile", quoted(profile)))


def _checked(profile: str) -> str:
    if not _NAME.fullmatch(profile):
        raise SettingsError(f"{profile!r} cannot name a profile", hint="Use letters, digits, underscores and hyphens.")
    return profile


@dataclass(frozen=True, slots=True)
class _Edit:
    """Put `name = literal` into a profile (None: above all sections); a literal of None removes it."""

    profile: str | None
    name: str
    literal: str | None


def _rewrite(path: Path, edit: _Edit) -> None:
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    before = read_profiles(path).profiles
    lines = text.splitlines()
    start, end = _section(lines, edit.profile)
    if start is None:
        lines += ["", f"[profiles.{edit.profile}]"] if lines else [f"[profiles.{edit.profile}]"]
        start = end = len(lines)
    named = re.compile(rf"\s*{re.escape(edit.name)}\s*=")
    at = next((n for n in range(start, end) if named.match(lines[n])), None)
    fresh = [] if edit.literal is None else [f"{edit.name} = {edit.literal}"]
    if at is None:
        while end > start and not lines[end - 1].strip():
            end -= 1
        lines[end:end] = fresh
    else:
        lines[at : at + 1] = fresh
    new = "\n".join(lines) + "\n"
    _check(path, new, before, edit)
    write_private(path, new)


def _section(lines: list[str], profile: str | None) -> tuple[int | None, int]:
    """Tell the first line after the section's head and the line after its last."""
    heads = [n for n, line in enumerate(lines) if line.lstrip().startswith("[") and "=" not in line]
    if profile is None:
        return 0, heads[0] if heads else len(lines)
    wanted = re.compile(rf"\s*\[\s*profiles\s*\.\s*[\"']?{re.escape(profile)}[\"']?\s*\]\s*(#.*)?")
    for n in heads:
        if wanted.fullmatch(lines[n]):
            return n + 1, next((later for later in heads if later > n), len(lines))
    return None, len(lines)


def _check(path: Path, text: str, before: Mapping[str, Mapping[str, Any]], edit: _Edit) -> None:
    """Make sure that the edit changed what it should and nothing else; files can be written in odd ways."""
    wanted = {key: dict(values) for key, values in before.items()}
    if edit.profile is not None:
        section = wanted.setdefault(edit.profile, {})
        section.pop(edit.name, None)
        if edit.literal is not None:
            section[edit.name] = tomllib.loads(f"value = {edit.literal}")["value"]
    try:
        is_right = tomllib.loads(text).get("profiles", {}) == wanted
    except tomllib.TOMLDecodeError:
        is_right = False
    if not is_right:
        raise SettingsError(f"{path} is written in a way that cannot be edited safely", hint="Edit it by hand.")
