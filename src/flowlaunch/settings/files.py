"""The files that settings come from: our profiles, the gc CLI's profiles and `.env` files."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from flowlaunch.errors import SettingsError
from flowlaunch.settings.fields import FIELDS_BY_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ProfileFile",
    "config_path",
    "gc_config_path",
    "read_dotenv",
    "read_gc_config",
    "read_profiles",
    "read_usual_profiles",
]

_FILE_KEYS: Final = frozenset({"default_profile", "profiles"})
_DOTENV_LINE: Final = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*")
_GC_PATHS: Final = re.compile(r"(\w+)\s*:\s*([^,{}\s]+)")


@dataclass(frozen=True, slots=True)
class ProfileFile:
    """The profiles of one file: name -> setting name -> value as written."""

    path: Path
    profiles: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    default_profile: str | None = None
    warnings: tuple[str, ...] = ()


def config_path() -> Path:
    """Tell where our profiles live on this platform."""
    from platformdirs import user_config_path  # noqa: PLC0415 - 5 ms that calls with a given path need not pay

    return user_config_path("flowlaunch") / "config.toml"


def gc_config_path() -> Path:
    """Tell where the gc CLI keeps its profiles."""
    return Path("~/.gc/config.toml").expanduser() if _has_home() else Path(".gc-without-a-home")


def _has_home() -> bool:
    try:
        Path.home()
    except RuntimeError:  # a container whose user has no home
        return False
    return True


def read_profiles(path: Path) -> ProfileFile:
    """Read our own profiles; a file that does not exist holds none.

    Raises:
        SettingsError: the file cannot be read, is not TOML, or names a setting that does not exist.

    """
    document = _read_toml(path)
    stray = sorted(set(document) - _FILE_KEYS)
    if stray:
        raise SettingsError(
            f"{path} has {stray[0]!r} at its top, where only `default_profile` and `[profiles.NAME]` belong",
            hint=f"Write settings under a profile: [profiles.default] {stray[0]} = ...",
        )
    profiles = document.get("profiles", {})
    default = document.get("default_profile")
    if not isinstance(profiles, dict) or not all(isinstance(one, dict) for one in profiles.values()):
        raise SettingsError(f"{path}: `profiles` must hold one table a profile: [profiles.NAME]", hint="")
    if default is not None and not isinstance(default, str):
        raise SettingsError(f"{path}: `default_profile` must be the name of a profile", hint="")
    for name, values in profiles.items():
        _check_keys(path, name, values)
    return ProfileFile(path, profiles, default)


def _check_keys(path: Path, profile: str, values: Mapping[str, Any]) -> None:
    unknown = sorted(set(values) - set(FIELDS_BY_NAME))
    if unknown:
        from difflib import get_close_matches  # noqa: PLC0415 - only on the way to an error

        near = get_close_matches(unknown[0], FIELDS_BY_NAME, n=1, cutoff=0.5)
        raise SettingsError(
            f"unknown setting {unknown[0]!r} in profile {profile} of {path}",
            hint=f"Did you mean {near[0]}?" if near else f"Settings are: {', '.join(FIELDS_BY_NAME)}.",
        )


def _read_toml(path: Path) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - most calls get by without a file

    try:
        with path.open("rb") as stream:
            return tomllib.load(stream)
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        # The text of such an error names a place, never a value.
        raise SettingsError(f"{path} is not valid TOML: {error}", hint="Mend the file by hand.") from error
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror}", hint="Check the file's owner and mode.") from error


def read_usual_profiles() -> ProfileFile:
    """Read our own profiles where they usually are; a place that this user may not look into holds none."""
    path = config_path()
    try:
        return read_profiles(path)
    except SettingsError as error:
        if isinstance(error.__cause__, PermissionError):
            return ProfileFile(path, warnings=(f"{error.message}; going on without profiles",))
        raise


def read_gc_config(path: Path) -> ProfileFile:
    """Read the gc CLI's profiles in our names; a file that does not exist holds none.

    Its `client_credentials` is the client id. `gateway_*` becomes the region, `proxy_*` the proxy. It is not our
    file: one that cannot be read is warned about and left out.

    Source: README and config.go of the gc CLI (official).
    """
    profiles: dict[str, Mapping[str, Any]] = {}
    warnings: list[str] = []
    try:
        document = _read_toml(path)
    except SettingsError as error:
        return ProfileFile(path, warnings=(f"{error.message}; going on without the gc CLI's profiles",))
    for name, values in document.items():
        if isinstance(values, dict):
            profiles[name] = _from_gc(values)
            if values.get("gateway_username"):
                warnings.append(f"{path}: gateway_username of profile {name} is not supported and left out")
    return ProfileFile(path, profiles, warnings=tuple(warnings))


def _from_gc(values: Mapping[str, Any]) -> dict[str, Any]:
    plain = {
        "region": values.get("environment"),
        "client_id": values.get("client_credentials"),
        "client_secret": values.get("client_secret"),
        "access_token": values.get("access_token"),
        "proxy": _gc_url(values, "proxy", default_scheme="http"),
    }
    gateway = _gc_url({key: value for key, value in values.items() if "username" not in key}, "gateway")
    if gateway:
        paths = dict(_GC_PATHS.findall(str(values.get("gateway_pathparams") or "")))
        plain["region"] = gateway + paths.get("api", "").rstrip("/")
        plain["login_url"] = gateway + paths.get("login", "").rstrip("/")
    return {key: value for key, value in plain.items() if value not in (None, "")}


def _gc_url(values: Mapping[str, Any], prefix: str, *, default_scheme: str = "https") -> str | None:
    host = values.get(f"{prefix}_host")
    if not host:
        return None
    scheme = values.get(f"{prefix}_protocol") or default_scheme
    port = f":{values[f'{prefix}_port']}" if values.get(f"{prefix}_port") else ""
    user = str(values.get(f"{prefix}_username") or "")
    secret = str(values.get(f"{prefix}_password") or "")
    login = f"{quote(user, safe='')}:{quote(secret, safe='')}@" if user else ""
    return f"{scheme}://{login}{host}{port}"


def read_dotenv(path: Path) -> dict[str, str]:
    """Read `NAME=value` lines: `export`, quotes and comments are understood, nothing is substituted.

    Raises:
        SettingsError: the file cannot be read, or a line is none of these (its number is told, not its text).

    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read the environment file {path}", hint="Check its path and mode.") from error
    found: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _DOTENV_LINE.fullmatch(line)
        if match is None:
            raise SettingsError(f"line {number} of {path} is not NAME=value", hint="Mend or remove the line.")
        found[match[1]] = _unquoted(match[2])
    return found


def _unquoted(text: str) -> str:
    for quote_mark in ("'", '"'):
        if text.startswith(quote_mark):
            inner, closed, _ = text[1:].partition(quote_mark)
            return inner if closed else text
    return re.split(r"\s#", text, maxsplit=1)[0].strip()
