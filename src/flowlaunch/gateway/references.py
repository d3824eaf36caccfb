"""Where a secret is: settings and routes name its place, never the secret itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from flowlaunch.errors import SettingsError
from flowlaunch.settings.secrets import keyring_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["read_secret"]


def read_secret(reference: str, environment: Mapping[str, str], what: str) -> str:
    """Return the secret that `env:NAME`, `file:PATH` or `keyring:NAME` names; `what` it is, for messages.

    Raises:
        SettingsError: there is none there, or the text is no reference. The message never shows the text of what may
            be a secret written down by mistake.

    """
    kind, colon, name = reference.partition(":")
    read = _KINDS.get(kind)
    if not colon or read is None or not name:
        raise SettingsError(
            f"{what} is named by a text that is no reference",
            code="secret-reference",
            hint="Write env:NAME, file:PATH or keyring:NAME, and keep the secret itself out of the file.",
        )
    text = read(name, environment)
    if not text:
        raise SettingsError(
            f"{what} should be in {kind}:{name}, and there is none",
            code="secret-missing",
            hint=_CURES[kind],
        )
    return text


def _from_environment(name: str, environment: Mapping[str, str]) -> str:
    return environment.get(name, "").strip()


def _from_file(name: str, _environment: Mapping[str, str]) -> str:
    try:
        return Path(name).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""


def _from_keyring(name: str, _environment: Mapping[str, str]) -> str:
    return keyring_secret(name) or ""


_KINDS: Final[Mapping[str, Callable[[str, Mapping[str, str]], str]]] = {
    "env": _from_environment,
    "file": _from_file,
    "keyring": _from_keyring,
}

_CURES: Final[Mapping[str, str]] = {
    "env": "Set the variable in the gateway's environment.",
    "file": "Write it into the file, readable by the gateway's user.",
    "keyring": "Store it in the keyring, under the service flowlaunch.",
}
