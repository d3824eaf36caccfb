"""Secrets that are handed out: how they are made, spelled and hashed.

A slow hash protects passwords because people choose guessable ones. Ours carry 256 bits of the system's randomness:
nobody tries them all, whatever one try costs. So one SHA-256 is enough, and a request pays a microsecond for it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Final

__all__ = ["KEY_PREFIX", "hash_of", "is_hash_of", "key_parts", "new_key_id", "new_secret", "spelled"]

KEY_PREFIX: Final = "flk"
"""Starts every API key, so that scanners for leaked secrets can know one."""

SECRET_BYTES: Final = 32
LONGEST: Final = 200
_KEY: Final = re.compile(rf"{KEY_PREFIX}_([0-9a-f]{{12}})_([A-Za-z0-9_-]{{43}})")


def new_key_id() -> str:
    """Make the public part of a key."""
    return secrets.token_hex(6)


def new_secret() -> str:
    """Make a secret of 256 bits that fits into a header and a URL's fragment."""
    return secrets.token_urlsafe(SECRET_BYTES)


def spelled(key_id: str, secret: str) -> str:
    """Return the key as its holder sends it."""
    return f"{KEY_PREFIX}_{key_id}_{secret}"


def key_parts(key: str) -> tuple[str, str] | None:
    """Return public part and secret of a key; None when the text is no key."""
    found = _KEY.fullmatch(key) if len(key) <= LONGEST else None
    return (found[1], found[2]) if found else None


def hash_of(secret: str) -> str:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_hash_of(kept: str | None, secret_hash: str) -> bool:
    """Compare hashes in constant time; nothing equals None."""
    return kept is not None and hmac.compare_digest(kept, secret_hash)
