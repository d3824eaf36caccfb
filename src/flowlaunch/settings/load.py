"""Settings: argument > environment > profile > gc CLI profile > default, and where each value came from.

A client secret has one source more: the operating system's keyring, asked for the client id in force, comes
right after arguments; the secrets file comes right after the profile. The two are keyed by client id, and
the gc CLI's secret is taken only with its own client id, so no secret meets another client's id by accident.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from flowlaunch.errors import SettingsError
from flowlaunch.settings.fields import FIELDS, FIELDS_BY_NAME, OFF, Field, without_password
from flowlaunch.settings.files import (
    ProfileFile,
    gc_config_path,
    read_dotenv,
    read_gc_config,
    read_profiles,
    read_usual_profiles,
)
from flowlaunch.settings.secrets import FILE_NAME, keyring_secret, mode_warning, read_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Settings", "load_settings"]

_Layer: TypeAlias = "Mapping[str, tuple[Any, str]]"
"""Values of one rank: setting name -> (value as given, source)."""

_GC_DEFAULT: Final = "DEFAULT"
_FALLBACK_PROFILE: Final = "default"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a client needs to know, and where each of it came from.

    `sources` maps the name of each setting to its source, e.g. `environment GENESYSCLOUD_REGION`.
    `warnings` are sentences for the user. Times are in seconds; `pace_per_minute` is None when pacing is off.
    """

    region: str
    login_url: str | None = None
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
    contract: str = "platform"
    preflight: str = "strict"
    timeout_s: float = 30.0
    pace_per_minute: float | None = 300.0
    proxy: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    client_cert_file: Path | None = None
    client_key_file: Path | None = None
    token_cache: Path | None = None
    flow: str | None = None
    profile: str | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def shown(self, name: str) -> str:
        """Tell the value of one setting as it may be shown: secrets masked, an absent value as `""`."""
        value = getattr(self, name)
        if name == "pace_per_minute" and value is None:
            return "off"
        if value is None:
            return ""
        if FIELDS_BY_NAME[name].is_secret:
            return "********"
        return without_password(value) if isinstance(value, str) else str(value)


@dataclass(frozen=True, slots=True)
class _Found:
    """The winning value of one setting; `rank` 0 is the strongest source, -1 means the default."""

    value: Any
    source: str
    rank: int


def load_settings(
    given: Mapping[str, object] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    profile: str | None = None,
    config_file: Path | None = None,
    gc_config_file: Path | None = None,
    dotenv_file: Path | None = None,
    keyring: Callable[[str], str | None] | None = None,
) -> Settings:
    """Gather the settings from every source, the strongest first.

    Args:
        given: setting name -> value, from flags or arguments. None means "not given", but for
            `pace_per_minute`, where it means "off".
        environ: environment to read instead of the process's; an empty variable counts as not set.
        profile: profile to use; the default is FLOWLAUNCH_PROFILE, then the file's `default_profile`.
        config_file: profiles to read instead of FLOWLAUNCH_CONFIG and the platform's usual place.
        gc_config_file: gc CLI profiles to read instead of `~/.gc/config.toml`.
        dotenv_file: file of NAME=value lines; what is set in the environment beats it.
        keyring: asked for the secret of a client id, instead of the operating system's keyring.

    Raises:
        SettingsError: a value is wrong (the message names the source that won) or a profile is unknown.

    """
    env, origins = _environment(os.environ if environ is None else environ, dotenv_file)
    named = config_file or _config_from(env)
    ours = read_profiles(named) if named else read_usual_profiles()
    theirs = read_gc_config(gc_config_file or gc_config_path())
    chosen, chosen_source = _choose_profile(profile, env, ours, theirs)
    layers = (
        _given(given or {}),
        _from_environment(env, origins),
        _from_profile(ours, chosen or _FALLBACK_PROFILE, "profile {name} in {path}"),
        _from_profile(theirs, chosen or _GC_DEFAULT, "gc profile {name} in {path}"),
    )
    found = {one.name: _resolve(one, layers) for one in FIELDS}
    _settle_token(found)
    is_off = env.get("FLOWLAUNCH_KEYRING", "").lower() in OFF
    vault = _Vault(ours.path.with_name(FILE_NAME), _no_keyring if is_off else keyring_secret, keyring)
    _settle_secret(found, layers, vault)
    _check_pairs(found)
    sources = {name: one.source for name, one in found.items()} | {"profile": chosen_source}
    warnings = (*ours.warnings, *theirs.warnings, *_warnings(found, ours, layers, chosen if profile else None))
    values = {name: one.value for name, one in found.items()}
    return Settings(**values, profile=chosen, sources=sources, warnings=warnings)


def _environment(environ: Mapping[str, str], dotenv_file: Path | None) -> tuple[dict[str, str], dict[str, str]]:
    in_file = read_dotenv(dotenv_file) if dotenv_file else {}
    env = {name: text for name, text in in_file.items() if text}
    origins = {name: f"{dotenv_file} {name}" for name in env}
    for name, text in environ.items():
        if text.strip():
            env[name] = text
            origins[name] = f"environment {name}"
    return env, origins


def _config_from(env: Mapping[str, str]) -> Path | None:
    return Path(env["FLOWLAUNCH_CONFIG"]).expanduser() if "FLOWLAUNCH_CONFIG" in env else None


def _choose_profile(
    named: str | None, env: Mapping[str, str], ours: ProfileFile, theirs: ProfileFile
) -> tuple[str | None, str]:
    """Tell the profile in force and its source; a profile that was named must exist."""
    options = (
        (named, "argument"),
        (env.get("FLOWLAUNCH_PROFILE"), "environment FLOWLAUNCH_PROFILE"),
        (ours.default_profile, f"default_profile in {ours.path}"),
    )
    for name, source in options:
        if name:
            known = [*ours.profiles, *theirs.profiles]
            if name.lower() not in {one.lower() for one in known}:
                raise SettingsError(
                    f"there is no profile {name!r} (named by {source}) in {ours.path} or {theirs.path}",
                    code="unknown-profile",
                    hint=f"Known profiles: {', '.join(sorted(set(known))) or 'none'}. "
                    f"Make one: flowlaunch config set region us-east-1 --profile {name}",
                )
            return name, source
    return None, "default"


def _given(given: Mapping[str, object]) -> dict[str, tuple[Any, str]]:
    unknown = sorted(set(given) - set(FIELDS_BY_NAME))
    if unknown:
        raise SettingsError(f"unknown setting {unknown[0]!r}", hint=f"Settings are: {', '.join(FIELDS_BY_NAME)}.")
    return {
        name: (value, "argument") for name, value in given.items() if value is not None or name == "pace_per_minute"
    }


def _from_environment(env: Mapping[str, str], origins: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    return {
        one.name: (env[variable], origins[variable])
        for one in FIELDS
        for variable in [next((name for name in one.environment if name in env), None)]
        if variable is not None
    }


def _from_profile(file: ProfileFile, name: str, source: str) -> dict[str, tuple[Any, str]]:
    # The gc CLI writes the names of its profiles in any case, so they are compared without it.
    match = name if name in file.profiles else next((p for p in file.profiles if p.lower() == name.lower()), None)
    if match is None:
        return {}
    told = source.format(name=match, path=file.path)
    return {key: (value, told) for key, value in file.profiles[match].items()}


def _resolve(one: Field, layers: Sequence[_Layer]) -> _Found:
    for rank, layer in enumerate(layers):
        if one.name in layer:
            raw, source = layer[one.name]
            return _Found(_read(one, raw, source), source, rank)
    return _Found(one.default, "default", -1)


def _read(one: Field, raw: Any, source: str) -> Any:
    try:
        return one.read(raw)
    except ValueError as error:
        shown = "" if one.is_secret else f" {without_password(str(raw))!r}"
        raise SettingsError(
            f"setting {one.name}:{shown} (from {source}): {error}",
            code="bad-setting",
            hint=f"Mend {one.name} where it comes from: {source}.",
        ) from error


@dataclass(frozen=True, slots=True)
class _Vault:
    """Where secrets are kept; `given` is a keyring that the caller handed over."""

    file: Path
    system: Callable[[str], str | None]
    given: Callable[[str], str | None] | None


def _settle_secret(found: dict[str, _Found], layers: Sequence[_Layer], vault: _Vault) -> None:
    """Let the keyring, the secrets file and the gc CLI speak for the client id in force, each in its rank.

    Loading the system's keyring takes 0.1 s and 18 MB, so it is asked before the environment only when
    `config set-secret` put this client's secret there, and else when the environment and the profile have none.
    """
    client_id, secret = found["client_id"], found["client_secret"]
    if client_id.value is None or secret.rank == 0 or found["access_token"].value is not None:
        return
    kept = read_secrets(vault.file)
    has_secret = secret.rank in {1, 2}
    ask = vault.given or (vault.system if client_id.value in kept.in_keyring or not has_secret else _no_keyring)
    held = ask(client_id.value)
    if held:
        found["client_secret"] = _Found(held, "keyring", client_id.rank)
    elif has_secret:
        return
    elif client_id.value in kept.secrets:
        found["client_secret"] = _Found(kept.secrets[client_id.value], f"secrets file {vault.file}", 2)
    elif secret.value and layers[3].get("client_id", ("", ""))[0] != client_id.value:
        found["client_secret"] = _Found(None, "default", -1)


def _settle_token(found: dict[str, _Found]) -> None:
    """Drop an access token that a stronger source overrules with an OAuth client of its own."""
    token, client_id = found["access_token"], found["client_id"]
    if token.value is not None and client_id.value is not None and client_id.rank < token.rank:
        found["access_token"] = _Found(
            None, f"default (client_id from {client_id.source} overrules {token.source})", -1
        )


def _check_pairs(found: Mapping[str, _Found]) -> None:
    key, certificate = found["client_key_file"], found["client_cert_file"]
    if key.value is not None and certificate.value is None:
        raise SettingsError(
            f"setting client_key_file (from {key.source}) needs client_cert_file beside it",
            hint="Give the certificate too: FLOWLAUNCH_CLIENT_CERT.",
        )


def _warnings(
    found: Mapping[str, _Found], ours: ProfileFile, layers: Sequence[_Layer], asked_profile: str | None
) -> list[str]:
    told: list[str] = []
    for name in ("client_secret", "access_token"):
        source = found[name].source
        if found[name].rank == 2:
            path = ours.path.with_name(FILE_NAME) if source.startswith("secrets file") else ours.path
            told.append(mode_warning(path))
    if asked_profile:
        told += [
            f"{found[name].source} overrules {name} of profile {asked_profile}"
            for name in layers[2]
            if found[name].rank == 1
        ]
    return [text for text in told if text]


def _no_keyring(client_id: str) -> str | None:
    del client_id
    return None
