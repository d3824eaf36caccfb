"""Stand-ins for keys and contacts: the same text gives the same stand-in, and only the ledger's key leads back.

A plain hash of a telephone number is no secret: all numbers can be tried. The key lies beside the ledgers of a
folder (`ledger.key`, readable by its owner alone), or for a ledger in a server with the user's settings, never in
the ledger: one that is sent on tells nobody who was called.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from typing import TYPE_CHECKING, Final, Protocol

from flowlaunch.errors import LedgerError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["KEY_FILE", "FolderKey", "Key", "KeyedHash", "read_key", "write_key"]

KEY_FILE: Final = "ledger.key"
PREFIX: Final = "hash:"


class Key(Protocol):
    """Where the key is kept."""

    def find(self) -> bytes | None:
        """Return the key, or None when nothing was hashed with one yet; LedgerError when it is missing."""
        ...

    def make(self) -> bytes:
        """Return the key, making it when there is none."""
        ...

    def need(self) -> bytes:
        """Return the key that something was hashed with already; LedgerError when it is missing."""
        ...


class KeyedHash:
    """Makes stand-ins; the key is made when the first one is asked for."""

    def __init__(self, key: Key) -> None:
        self._place = key
        self._key: bytes | None = None

    def of(self, text: str) -> str:
        """Return the stand-in of `text`, the same for every ledger of the folder."""
        return PREFIX + self.digest(text.encode())

    def digest(self, content: bytes) -> str:
        """Return the keyed hash of `content` as hex."""
        if self._key is None:
            self._key = self._place.make()
        return hashlib.blake2b(content, key=self._key, digest_size=20).hexdigest()

    def known_of(self, text: str) -> str:
        """Return the stand-in that `text` has in a ledger that holds stand-ins; LedgerError without their key."""
        if self._key is None:
            self._key = self._place.need()
        return self.of(text)

    def forms_of(self, text: str) -> tuple[str, ...]:
        """Return how `text` may stand in a ledger: as it is and, where there is a key, by its stand-in."""
        if self._key is None:
            self._key = self._place.find()
        return (text,) if self._key is None else (text, self.of(text))


class FolderKey:
    """The key of all ledgers of a folder, in a file beside them."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / KEY_FILE

    def find(self) -> bytes | None:
        """Return the key of the folder, if it has one."""
        return read_key(self._path)

    def make(self) -> bytes:
        """Return the key of the folder."""
        return read_key(self._path) or write_key(self._path)

    def need(self) -> bytes:
        """Return the key of the folder."""
        key = read_key(self._path)
        if key is None:
            raise LedgerError(
                f"match hashed contacts: their key {self._path} is not there", code="ledger-key",
                hint="Restore the file; without it nobody can tell who was forgotten.",
            )  # fmt: skip
        return key


def read_key(path: Path) -> bytes | None:
    """Return the key in a file; None when there is no such file."""
    try:
        return bytes.fromhex(path.read_text(encoding="ascii").strip())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise LedgerError(
            f"read the key of hashed contacts in {path}: {error}",
            hint="Restore the file; without it hashed rows cannot be matched any more.",
        ) from error


def write_key(path: Path, key: bytes | None = None) -> bytes:
    """Make a key, unless it is given, and its file; when another process was first, return that one's."""
    key = key or secrets.token_bytes(32)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(key.hex() + "\n")
    except FileExistsError:
        found = read_key(path)
        if found is not None:
            return found
        raise
    except OSError as error:
        raise LedgerError(f"write the key of hashed contacts to {path}: {error}") from error
    return key
