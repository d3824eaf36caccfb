"""A file that keeps tokens between runs, so that command-line calls do not sign in every time."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import stat
import tempfile
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

from flowlaunch._core.tokens import Held, is_token
from flowlaunch.credentials import AccessToken, Saml2Bearer
from flowlaunch.hooks import logger

if TYPE_CHECKING:
    from pathlib import Path

    from flowlaunch._core.steps import Moment
    from flowlaunch.credentials import Credentials


class TokenCache:
    """Tokens by OAuth client and login host, in one JSON file that only its owner can read (mode 0600).

    A file that others can read is not believed and is written anew. Whatever goes wrong with the file costs a
    sign-in and nothing else.
    """

    def __init__(self, path: Path, credentials: Credentials, login_url: str) -> None:
        self._path = path
        self._key = _key(credentials, login_url)

    def load(self, now: Moment) -> Held | None:
        """Return the kept token, unless it is about to expire."""
        kept = self._read().get(self._key) if self._key else None
        if not isinstance(kept, dict):
            return None
        token, refresh_token = kept.get("access_token"), kept.get("refresh_token", "")
        try:
            expires_s, renew_s = float(kept["expires_unix_s"]), float(kept["renew_unix_s"])
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
        if not (now.unix_s < renew_s <= expires_s < math.inf):
            return None
        if not isinstance(token, str) or not is_token(token) or not isinstance(refresh_token, str):
            return None
        return Held(token, 1, now.mono_s + renew_s - now.unix_s, expires_s, refresh_token)

    def save(self, held: Held, now: Moment) -> None:
        """Keep `held`, beside what the file has for other clients."""
        if not self._key:
            return
        kept = {name: entry for name, entry in self._read().items() if _is_live(entry, now)}
        kept[self._key] = {
            "access_token": held.token,
            "refresh_token": held.refresh_token,
            "expires_unix_s": held.expires_unix_s,
            "renew_unix_s": now.unix_s + held.renew_at_s - now.mono_s,
        }
        try:
            self._write(json.dumps(kept))
        except OSError as error:
            logger.warning("the token cache %s could not be written: %s", self._path, error.strerror)

    def _read(self) -> dict[str, Any]:
        try:
            mode = self._path.stat().st_mode
            if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
                logger.warning("the token cache %s can be read by others: it is not used", self._path)
                return {}
            read = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        return read if isinstance(read, dict) else {}

    def _write(self, text: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=".token-")  # created with mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(name, self._path)  # noqa: PTH105 - the name is text here
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(name)  # noqa: PTH108 - the name is text here
            raise


def _key(credentials: Credentials, login_url: str) -> str:
    """Return a name for these credentials that tells nothing of them.

    Whatever they consist of counts: a changed secret is another name, and so is another person's code.
    """
    if isinstance(credentials, (AccessToken, Saml2Bearer)):
        return ""
    parts = (login_url, type(credentials).__name__, *astuple(credentials))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _is_live(entry: object, now: Moment) -> bool:
    expires_s = entry.get("expires_unix_s") if isinstance(entry, dict) else None
    return isinstance(expires_s, (int, float)) and expires_s > now.unix_s
