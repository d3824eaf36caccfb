"""Ids that are cheap to make: correlation ids, execution ids, tokens, and fixed ids made from names."""

from __future__ import annotations

import random
import secrets
import uuid

__all__ = ["NAMESPACE", "Identifiers", "fixed_id", "secret_text"]

NAMESPACE = uuid.UUID("5f1d1c51-07a4-5a0b-9c3e-5b0b7f0c1a11")


def fixed_id(*parts: str) -> str:
    """Make the same id for the same parts, in every sandbox."""
    return str(uuid.uuid5(NAMESPACE, "/".join(parts)))


def secret_text() -> str:
    """Make an access token, refresh token or authorization code."""
    return secrets.token_urlsafe(32)


class Identifiers:
    """Random ids in the form of a version 4 UUID, the same for the same seed."""

    __slots__ = ("_bits",)

    def __init__(self, seed: str) -> None:
        self._bits = random.Random(seed).getrandbits  # noqa: S311 - ids of a sandbox are no secrets

    def next_id(self) -> str:
        """Make the next id; half the cost of `uuid.uuid4`."""
        digits = f"{self._bits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
