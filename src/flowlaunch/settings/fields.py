"""Every setting of flowlaunch as a table: its environment variables, its default and how its text is read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from flowlaunch.errors import SettingsError
from flowlaunch.regions import DEFAULT_REGION, resolve_region

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FIELDS", "FIELDS_BY_NAME", "OFF", "Field", "without_password"]

OFF: Final = frozenset({"off", "none", "no", "false"})
"""Words that switch a setting off."""


@dataclass(frozen=True, slots=True)
class Field:
    """One setting.

    `read` turns a value from any source (text, or what TOML and callers give) into the setting's type, and
    raises ValueError with the reason when it cannot. `environment` lists variables; the first one set wins.
    """

    name: str
    about: str
    read: Callable[[Any], Any]
    environment: tuple[str, ...] = ()
    default: Any = None
    is_secret: bool = False


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("expected a text that is not empty")
    return value.strip()


def _region(value: Any) -> str:
    try:
        resolve_region(_text(value))
    except SettingsError as error:
        raise ValueError(f"{error.message}. {error.hint}") from error
    return _text(value)


def _url(value: Any) -> str:
    text = _text(value)
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("expected a URL such as https://host:port")
    return text.rstrip("/")


def _one_of(*words: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        word = _text(value).lower()
        if word not in words:
            raise ValueError(f"expected one of {', '.join(words)}")
        return word

    return read


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError("expected a number above 0")  # noqa: TRY004 - one class for every bad value
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise ValueError("expected a number above 0") from error
    if not math.isfinite(number) or number <= 0:
        raise ValueError("expected a number above 0")
    return number


def _is_off(value: Any) -> bool:
    return value is None or value is False or (isinstance(value, str) and value.strip().lower() in OFF)


def _pace(value: Any) -> float | None:
    if _is_off(value):
        return None
    try:
        return _number(value)
    except ValueError as error:
        raise ValueError('expected launches a minute as a number above 0, or "off"') from error


def _path(value: Any) -> Path:
    return (value if isinstance(value, Path) else Path(_text(value))).expanduser()


def _existing_file(value: Any) -> Path:
    path = _path(value)
    if not path.is_file():
        raise ValueError("there is no such file")
    return path


def _cache_path(value: Any) -> Path | None:
    if _is_off(value):
        return None
    if value is True or (isinstance(value, str) and value.strip().lower() == "on"):
        from platformdirs import user_cache_path  # noqa: PLC0415 - only for those who ask for the usual place

        return user_cache_path("flowlaunch") / "tokens.json"
    return _path(value)


FIELDS: Final[tuple[Field, ...]] = (
    Field(
        "region",
        "Where the org lives: region name, domain, host, or a base URL (a sandbox, a gateway).",
        _region,
        ("GENESYSCLOUD_REGION",),
        DEFAULT_REGION,
    ),
    Field(
        "login_url",
        "Base URL of the login host when it is not the region's own.",
        _url,
        ("FLOWLAUNCH_LOGIN_URL",),
    ),
    Field(
        "client_id",
        "Id of the OAuth client (client-credentials grant).",
        _text,
        ("GENESYSCLOUD_OAUTHCLIENT_ID", "GENESYS_CLIENT_ID", "GENESYS_CLOUD_CLIENT_ID"),
    ),
    Field(
        "client_secret",
        "Secret of the OAuth client.",
        _text,
        ("GENESYSCLOUD_OAUTHCLIENT_SECRET", "GENESYS_CLIENT_SECRET", "GENESYS_CLOUD_CLIENT_SECRET"),
        is_secret=True,
    ),
    Field(
        "access_token",
        "A token obtained elsewhere; used instead of the OAuth client and never renewed.",
        _text,
        ("GENESYSCLOUD_ACCESS_TOKEN",),
        is_secret=True,
    ),
    Field(
        "flow",
        "Flow to launch when a command names none: id or exact name.",
        _text,
        ("GENESYS_FLOW_ID",),
    ),
    Field(
        "contract",
        "Wire contract: platform (the real API) or guide (the one of widespread tutorials).",
        _one_of("platform", "guide"),
        ("FLOWLAUNCH_CONTRACT",),
        "platform",
    ),
    Field(
        "preflight",
        "What a check of the input data before a launch does: strict refuses, warn tells, off skips it.",
        _one_of("strict", "warn", "off"),
        ("FLOWLAUNCH_PREFLIGHT",),
        "strict",
    ),
    Field(
        "timeout_s",
        "Seconds that one call may take, retries and waits included.",
        _number,
        ("FLOWLAUNCH_TIMEOUT",),
        30.0,
    ),
    Field(
        "pace_per_minute",
        "Requests a minute that the service allows us (95 % of it is used), or off.",
        _pace,
        ("FLOWLAUNCH_PACE",),
        300.0,
    ),
    Field("proxy", "Proxy URL for every request.", _url, ("FLOWLAUNCH_PROXY",)),
    Field(
        "ca_file",
        "PEM file of certificate authorities to trust beside the usual ones.",
        _existing_file,
        ("FLOWLAUNCH_CA_FILE",),
    ),
    Field(
        "client_cert_file",
        "PEM file of the certificate this client shows (mutual TLS).",
        _existing_file,
        ("FLOWLAUNCH_CLIENT_CERT",),
    ),
    Field(
        "client_key_file",
        "PEM file of that certificate's key, when the certificate's file does not hold it.",
        _existing_file,
        ("FLOWLAUNCH_CLIENT_KEY",),
    ),
    Field(
        "token_cache",
        "File (mode 0600) that keeps the token between commands: a path, on (the usual place) or off.",
        _cache_path,
        ("FLOWLAUNCH_TOKEN_CACHE",),
    ),
)

FIELDS_BY_NAME: Final = {field.name: field for field in FIELDS}


def without_password(url: str) -> str:
    """Tell `url` without the user name and password that it may carry."""
    head, at, rest = url.rpartition("@")
    if not at:
        return url
    scheme, slashes, _ = head.partition("://")
    return f"{scheme}{slashes}***@{rest}"
