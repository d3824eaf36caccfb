"""Where secrets are kept: the operating system's keyring, or a file that only its owner may read."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = [
    "FILE_NAME",
    "SERVICE",
    "SecretsFile",
    "keyring_secret",
    "mode_warning",
    "note_in_keyring",
    "quoted",
    "read_secrets",
    "store_in_file",
    "store_in_keyring",
    "write_private",
]

SERVICE: Final = "flowlaunch"
FILE_NAME: Final = "secrets.toml"
_TABLE: Final = "client_secrets"
_IN_KEYRING: Final = "in_keyring"


def keyring_secret(client_id: str) -> str | None:
    """Tell the secret that the keyring holds for `client_id`; None without a keyring or without an entry."""
    keyring = _keyring()
    if keyring is None:
        return None
    try:
        found: str | None = keyring.get_password(SERVICE, client_id)
    except Exception:  # noqa: BLE001 - a locked or broken keyring is the same as none: other sources follow
        return None
    return found or None


def store_in_keyring(client_id: str, secret: str) -> bool:
    """Keep `secret` in the keyring and tell whether that worked."""
    keyring = _keyring()
    if keyring is None:
        return False
    try:
        keyring.set_password(SERVICE, client_id, secret)
    except Exception:  # noqa: BLE001 - backends raise what they like; the caller offers the file instead
        return False
    return True


def _keyring() -> Any:
    if find_spec("keyring") is None:
        return None
    import keyring  # noqa: PLC0415 - an extra, and slow to load

    return keyring


@dataclass(frozen=True, slots=True)
class SecretsFile:
    """Our secrets file: client id -> secret, and the clients whose secret we put into the keyring."""

    secrets: Mapping[str, str] = field(default_factory=dict)
    in_keyring: frozenset[str] = frozenset()


def read_secrets(path: Path) -> SecretsFile:
    """Read our secrets file; one that does not exist, or belongs to another user, holds none."""
    import tomllib  # noqa: PLC0415 - most calls get by without a file

    try:
        with path.open("rb") as stream:
            document = tomllib.load(stream)
    except (FileNotFoundError, PermissionError):
        return SecretsFile()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(
            f"cannot read the secrets file {path}",
            hint="Remove it and store the secret again: flowlaunch config set-secret.",
        ) from error
    secrets, stored = document.get(_TABLE, {}), document.get(_IN_KEYRING, [])
    if not isinstance(secrets, dict) or not isinstance(stored, list):
        return SecretsFile()
    return SecretsFile({key: str(value) for key, value in secrets.items()}, frozenset(map(str, stored)))


def store_in_file(path: Path, client_id: str, secret: str) -> None:
    """Keep `secret` in the file at `path`, which only its owner may read, beside those already there."""
    held = read_secrets(path)
    _write(path, SecretsFile({**held.secrets, client_id: secret}, held.in_keyring - {client_id}))


def note_in_keyring(path: Path, client_id: str) -> None:
    """Note that the keyring holds this client's secret, so that it is asked before other sources."""
    held = read_secrets(path)
    others = {key: value for key, value in held.secrets.items() if key != client_id}
    _write(path, SecretsFile(others, held.in_keyring | {client_id}))


def _write(path: Path, held: SecretsFile) -> None:
    names = ", ".join(map(quoted, sorted(held.in_keyring)))
    lines = [f"{quoted(key)} = {quoted(value)}" for key, value in sorted(held.secrets.items())]
    write_private(path, "\n".join([f"{_IN_KEYRING} = [{names}]", f"[{_TABLE}]", *lines]) + "\n")


def write_private(path: Path, text: str) -> None:
    """Replace the file at `path` in one step, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def mode_warning(path: Path) -> str:
    """Tell what is wrong with the mode of a file that holds secrets; `""` when only its owner may read it."""
    if os.name != "posix":
        return ""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return ""
    if not mode & 0o077:
        return ""
    return f"{path} holds a secret and others may read it (mode {mode:04o}); run: chmod 600 {path}"


def quoted(text: str) -> str:
    """Spell `text` as a TOML string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'
