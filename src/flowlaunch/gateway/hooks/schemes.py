"""Verify that a message was signed by who knows the secret, lately, and tell which message it is. No I/O, no clock."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

import jmespath

from flowlaunch.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flowlaunch.gateway.hooks.spec import HmacSpec

__all__ = ["PARTS", "Forged", "HmacScheme", "Scheme", "Signed", "Stale", "StandardScheme", "message_id_of"]

PARTS: Final = frozenset({"id", "timestamp", "body"})
"""What a template of signed content may name."""

LEAST_SECRET: Final = 24
MOST_SIGNATURES: Final = 10
LONGEST_ID: Final = 200
_INSTANT: Final = re.compile(r"\d{1,12}")
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,200}")


class Forged(Exception):  # noqa: N818 - a finding, not a failure of ours
    """The message was not signed with a secret that is known, or lacks what a signed one has."""


class Stale(Exception):  # noqa: N818 - as above
    """The message was signed, too long ago or for the future: somebody may have recorded it."""

    def __init__(self, off_s: float) -> None:
        super().__init__(f"the message is {abs(off_s):.0f} s {'old' if off_s > 0 else 'ahead'}")


@dataclass(frozen=True, slots=True)
class Signed:
    """A message that is genuine; `message_id` is None when the headers name none that is signed."""

    message_id: str | None = None


class Scheme(Protocol):
    """A way to sign messages."""

    def verify(self, headers: Mapping[str, str], body: bytes, now_s: float) -> Signed:
        """Return when the message is genuine and fresh.

        Headers are by lower-case name. The signature is checked before the instant, so that who forges learns nothing
        about clocks.

        Raises:
            Forged: it is not genuine.
            Stale: it is genuine, and not fresh.

        """
        ...

    def id_in(self, document: Any) -> str | None:
        """Return the message's id where the scheme has it in the body."""
        ...


class StandardScheme:
    """Standard Webhooks, version 1.0.0: HMAC-SHA256 over `id.timestamp.body`, written `v1,<base64>`."""

    def __init__(self, secrets: Sequence[str], tolerance_s: float) -> None:
        from standardwebhooks import Webhook  # noqa: PLC0415 - only who has such a webhook loads it

        self._tolerance_s = tolerance_s
        self._signers = []
        for secret in secrets:
            if _length_of(secret) < LEAST_SECRET:
                raise SettingsError(
                    f"a secret of Standard Webhooks is base64 of {LEAST_SECRET} bytes or more",
                    code="hook-secret",
                    hint='Make one: echo "whsec_$(openssl rand -base64 32)".',
                )
            self._signers.append(Webhook(secret))

    def verify(self, headers: Mapping[str, str], body: bytes, now_s: float) -> Signed:
        """See Scheme."""
        message_id, instant, given = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
        if not _ID.fullmatch(message_id) or not _INSTANT.fullmatch(instant):
            raise Forged
        try:
            at, text = datetime.fromtimestamp(int(instant), UTC), body.decode()
        except (ValueError, OverflowError, OSError) as error:
            raise Forged from error
        expected = [signer.sign(message_id, at, text).encode() for signer in self._signers]
        _check_any(given.split(" "), expected)
        _check_fresh(int(instant), now_s, self._tolerance_s)
        return Signed(message_id)

    def id_in(self, document: Any) -> None:
        """See Scheme."""
        del document


class HmacScheme:
    """A plain HMAC of what a template names, in a header of the sender's choice."""

    def __init__(self, secrets: Sequence[str], tolerance_s: float, spec: HmacSpec) -> None:
        for secret in secrets:
            if len(secret) < LEAST_SECRET:
                raise SettingsError(
                    f"a secret of a webhook has {LEAST_SECRET} characters or more",
                    code="hook-secret",
                    hint="Make one: openssl rand -base64 32, and give it to the sender.",
                )
        self._secrets = [secret.encode() for secret in secrets]
        self._tolerance_s = tolerance_s
        self._spec = spec
        self._id_path = jmespath.compile(spec.id_path) if spec.id_path else None

    def verify(self, headers: Mapping[str, str], body: bytes, now_s: float) -> Signed:
        """See Scheme."""
        spec = self._spec
        given, fields = self._given(headers)
        instant = fields.get(spec.timestamp_field or "", headers.get((spec.timestamp or "").lower(), ""))
        has_instant = "{timestamp}" in spec.signs
        message_id = headers.get(spec.id.lower(), "") if spec.id else ""
        if (has_instant and not _INSTANT.fullmatch(instant)) or (spec.id and not _ID.fullmatch(message_id)):
            raise Forged
        before, _, after = spec.signs.partition("{body}")
        content = _filled(before, message_id, instant) + body + _filled(after, message_id, instant)
        expected = [self._written(hmac.digest(secret, content, spec.algorithm)) for secret in self._secrets]
        _check_any(given, expected)
        if has_instant:
            _check_fresh(int(instant), now_s, self._tolerance_s)
        return Signed(message_id or None)

    def id_in(self, document: Any) -> str | None:
        """See Scheme."""
        found = self._id_path.search(document) if self._id_path is not None else None
        return str(found) if isinstance(found, str | int) and not isinstance(found, bool) and found != "" else None

    def _given(self, headers: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
        """Return the signatures that a message carries, and the fields of a header of the form `t=1,v1=abc`."""
        text = headers.get(self._spec.header.lower(), "").strip()
        if self._spec.field is None:
            return [text.removeprefix(self._spec.prefix)] if text.startswith(self._spec.prefix) else [], {}
        pairs = [part.strip().partition("=") for part in text.split(",")]
        signatures = [value for name, _, value in pairs if name == self._spec.field]
        return signatures, {name: value for name, _, value in pairs}

    def _written(self, digest: bytes) -> bytes:
        return digest.hex().encode() if self._spec.encoding == "hex" else base64.b64encode(digest)


def message_id_of(signed: Signed, scheme: Scheme, document: Any, body: bytes) -> str:
    """Return what tells a message from others: its signed id, else a hash of its content."""
    named = signed.message_id or scheme.id_in(document)
    if named is None:
        return "sha256-" + hashlib.sha256(body).hexdigest()
    return named if _ID.fullmatch(named) else "id-" + hashlib.sha256(named.encode()).hexdigest()


def _length_of(secret: str) -> int:
    """Return how many bytes a secret has; 0 when it is no base64."""
    text = secret.removeprefix("whsec_")
    try:
        return len(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
    except ValueError:
        return 0


def _filled(template: str, message_id: str, instant: str) -> bytes:
    return template.replace("{id}", message_id).replace("{timestamp}", instant).encode()


def _check_any(given: Sequence[str], expected: Sequence[bytes]) -> None:
    """Compare each signature given with each expected one, in constant time, whatever has matched before."""
    matches = [
        hmac.compare_digest(one.encode("utf-8", "replace"), ours)
        for one in given[:MOST_SIGNATURES]
        for ours in expected
    ]
    if not any(matches):
        raise Forged


def _check_fresh(instant_s: int, now_s: float, tolerance_s: float) -> None:
    off_s = now_s - instant_s
    if abs(off_s) > tolerance_s:
        raise Stale(off_s)
