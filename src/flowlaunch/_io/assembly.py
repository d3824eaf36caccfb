"""Put a client together from its settings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from flowlaunch._core.api import Api
from flowlaunch._core.board import Board
from flowlaunch._core.pace import Pace
from flowlaunch._io.network import Network
from flowlaunch._io.shared import Shared
from flowlaunch._io.token_cache import TokenCache
from flowlaunch.contracts import contract_named
from flowlaunch.credentials import AccessToken, ClientCredentials, Credentials
from flowlaunch.errors import SettingsError
from flowlaunch.hooks import Teller
from flowlaunch.regions import resolve_region
from flowlaunch.settings import Settings, load_settings
from flowlaunch.settings.fields import FIELDS_BY_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowlaunch.hooks import Hook

PACE_SHARE: Final = 0.95
"""Part of the org's budget that is used: the rest absorbs what the network does to spacing."""
POLL_SHARE: Final = 0.4
"""Part of the pace that waiting may spend."""


class Unset:
    """Stands for an argument that was not given where None means something."""

    def __repr__(self) -> str:
        return "<from settings>"


UNSET: Final = Unset()


@dataclass(frozen=True, slots=True)
class Assembly:
    """The parts that both clients are made of."""

    shared: Shared
    network: Network
    board: Board


def settings_from(given: Mapping[str, Any], profile: str | None, settings: Settings | None) -> Settings:
    """Return the settings, those loaded before or now, with what the caller gave on top."""
    named = {name: value for name, value in given.items() if value is not None and not isinstance(value, Unset)}
    if "pace_per_minute" in given and given["pace_per_minute"] is None:
        named["pace_per_minute"] = None
    return load_settings(named, profile=profile) if settings is None else _overridden(settings, named)


def _overridden(settings: Settings, named: Mapping[str, Any]) -> Settings:
    """Return `settings` with the values of `named`, read as those of any source; a given client beats a token."""
    values: dict[str, Any] = {}
    for name, value in named.items():
        try:
            values[name] = FIELDS_BY_NAME[name].read(value)
        except ValueError as error:
            raise SettingsError(f"setting {name} (from argument): {error}", code="bad-setting") from error
    if {"client_id", "client_secret"} & values.keys():
        values.setdefault("access_token", None)
    return replace(settings, **values) if values else settings


def assemble(
    settings: Settings,
    *,
    credentials: Credentials | None,
    hook: Hook | None,
    sends_idempotency_key: bool,
    version: str,
) -> Assembly:
    """Put together what a client needs; nothing is opened or sent."""
    hosts = resolve_region(settings.region, login_url=settings.login_url)
    signing = credentials or _credentials(settings)
    api = Api(
        contract=contract_named(settings.contract),
        hosts=hosts,
        preflight=settings.preflight,  # type: ignore[arg-type] # Api refuses any other text
        timeout_s=settings.timeout_s,
        sends_idempotency_key=sends_idempotency_key,
        user_agent=f"flowlaunch/{version}",
    )
    budget = settings.pace_per_minute
    pace = Pace(max(1.0, budget * PACE_SHARE)) if budget is not None else None
    cache = TokenCache(settings.token_cache, signing, hosts.login_url) if settings.token_cache else None
    shared = Shared(api, signing, pace, Teller(hook), cache)
    network = Network(settings.proxy, settings.ca_file, settings.client_cert_file, settings.client_key_file)
    return Assembly(shared, network, Board(budget * PACE_SHARE * POLL_SHARE if budget is not None else None))


def _credentials(settings: Settings) -> Credentials:
    if settings.access_token:
        return AccessToken(settings.access_token)
    if settings.client_id and settings.client_secret:
        return ClientCredentials(settings.client_id, settings.client_secret)
    missing = (
        "client secret" if settings.client_id else "client id" if settings.client_secret else "client id and secret"
    )
    raise SettingsError(
        f"no credentials: the {missing} of an OAuth client is not set",
        code="no-credentials",
        hint="Set GENESYSCLOUD_OAUTHCLIENT_ID and GENESYSCLOUD_OAUTHCLIENT_SECRET, or GENESYSCLOUD_ACCESS_TOKEN.",
    )
