"""Stand-ins for keys and contacts: the same text gives the same stand-in, and only the folder's key leads back.

A plain hash of a telephone number is no secret: all numbers can be tried. The key lies beside the ledgers of a
folder (`ledger.key`, readable by its owner alone), not in them: a ledger sent on tells nobody who was called.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from typing import TYPE_CHECKING, Final

from flowlaunch.errors import LedgerError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["KEY_FILE", "KeyedHash"]

KEY_FILE: Final = "ledger.key"
PREFIX: Final = "hash:"


class KeyedHash:
    """Makes stand-ins with the key of a folder; the key is made when the first one is asked for."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._key: bytes | None = None

    def of(self, text: str) -> str:
        """Return the stand-in of `text`, the same for every ledger of the folder."""
        return PREFIX + self.digest(text.encode())

    def digest(self, content: bytes) -> str:
        """Return the keyed hash of `content` as hex."""
        if self._key is None:
            self._key = self._load(make=True)
        return hashlib.blake2b(content, key=self._key, digest_size=20).hexdigest()

    def forms_of(self, text: str) -> tuple[str, ...]:
        """Return how `text` may stand in a ledger: as it is and, where the folder has a key, by its stand-in."""
        if self._key is None and self._folder is not None and not (self._folder / KEY_FILE).exists():
            return (text,)
        return (text, self.of(text))

    def _load(self, *, make: bool) -> bytes:
        if self._folder is None:
            raise LedgerError(
                "hash keys and contacts: this ledger has no folder to keep the key in",
                hint="Use a ledger file, or payloads=keep.",
            )
        path = self._folder / KEY_FILE
        try:
            return bytes.fromhex(path.read_text(encoding="ascii").strip())
        except FileNotFoundError:
            if not make:
                raise
        except (OSError, ValueError) as error:
            raise LedgerError(
                f"read the key of hashed contacts in {path}: {error}",
                hint="Restore the file; without it hashed rows cannot be matched any more.",
            ) from error
        return self._create(path)

    def _create(self, path: Path) -> bytes:
        key = secrets.token_bytes(32)
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(key.hex() + "\n")
        except FileExistsError:  # another process was first
            return self._load(make=False)
        except OSError as error:
            raise LedgerError(f"write the key of hashed contacts to {path}: {error}") from error
        return key
