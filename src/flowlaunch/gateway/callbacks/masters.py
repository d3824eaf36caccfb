"""The secrets that sign callbacks: one for each API key, made from the operator's master secret.

An app gets the secret of its own key, so that it can tell real callbacks from forged ones and can forge none to another
app. Nothing is kept for it: secret = HMAC-SHA256(master, key id). Each master in force signs: to change it, put the new
one first, hand out the new secrets, then take the old one away.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
from dataclasses import dataclass, field
from secrets import token_hex, token_urlsafe
from typing import TYPE_CHECKING, Final

from flowlaunch.errors import SettingsError
from flowlaunch.gateway.references import read_secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["ENVIRONMENT", "Masters", "master_file", "read_masters"]

ENVIRONMENT: Final = "FLOWLAUNCH_CALLBACK_SECRET"
SPELLED: Final = "whsec_"
LEAST_LENGTH: Final = 32
PURPOSE: Final = b"flowlaunch callback 1\n"


@dataclass(frozen=True, slots=True)
class Masters:
    """The master secrets in force, the newest first."""

    secrets: tuple[bytes, ...] = field(repr=False)

    def secrets_of(self, key_id: str) -> tuple[str, ...]:
        """Return a key's signing secrets (`whsec_…`), the one to hand out first."""
        made = (hmac.new(master, PURPOSE + key_id.encode(), hashlib.sha256).digest() for master in self.secrets)
        return tuple(SPELLED + base64.b64encode(one).decode() for one in made)


def master_file(ledger: Path) -> Path:
    """Return where the master lies that a gateway makes for itself: beside its ledger, for its owner alone."""
    return ledger.with_name(f"{ledger.name}.callback-secret")


def read_masters(references: Sequence[str], environment: Mapping[str, str], ledger: Path | None) -> Masters | None:
    """Read the masters that `references` name (`env:NAME`, `file:PATH`, `keyring:NAME`), the newest first.

    Without a reference the variable FLOWLAUNCH_CALLBACK_SECRET counts (several secrets by commas, the newest first);
    without that, a file beside the ledger, made on first use. None when the ledger is no file: there is no secret.

    Raises:
        SettingsError: one is missing or too short, or the file cannot be made.

    """
    if references:
        texts = [read_secret(reference, environment, "a callback secret") for reference in references]
    elif environment.get(ENVIRONMENT):
        texts = [text.strip() for text in environment[ENVIRONMENT].split(",")]
    elif ledger is not None:
        texts = [_own(master_file(ledger))]
    else:
        return None
    for text in texts:
        if len(text) < LEAST_LENGTH:
            raise SettingsError(
                f"a callback secret has {len(text)} characters; it needs {LEAST_LENGTH} or more",
                code="callback-secret",
                hint="Make one: openssl rand -base64 32.",
            )
    return Masters(tuple(text.encode() for text in texts))


def _own(path: Path) -> str:
    """Return the secret in a file, made now when there is none; of two processes that make one, one wins."""
    fresh = path.with_name(f"{path.name}.{token_hex(8)}.new")
    try:
        if not path.exists():
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(token_urlsafe(LEAST_LENGTH) + "\n")
            with contextlib.suppress(FileExistsError):
                os.link(fresh, path)
            fresh.unlink()
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"keep a callback secret in {path}: {error}", code="callback-secret", hint=f"Set {ENVIRONMENT} instead."
        ) from error
