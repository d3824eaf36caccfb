"""Make what lies between the gateway and strangers: webhooks in, callbacks out, sessions of the page."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flowlaunch.errors import SettingsError
from flowlaunch.gateway.access.sessions import Sessions
from flowlaunch.gateway.callbacks.masters import read_masters
from flowlaunch.gateway.callbacks.outbox import Callbacks
from flowlaunch.gateway.callbacks.sending import Sender
from flowlaunch.gateway.callbacks.targets import read_rules
from flowlaunch.gateway.hooks.receiving import Hooks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from flowlaunch.batch.ledger.store import Store
    from flowlaunch.gateway.hooks.receiving import Launching
    from flowlaunch.gateway.options import GatewayOptions
    from flowlaunch.gateway.routing.book import RouteBook

__all__ = ["Edges", "callbacks_of", "edges_of"]


@dataclass(frozen=True, slots=True)
class Edges:
    """The gateway's edges, not started yet."""

    callbacks: Callbacks
    hooks: Hooks
    sessions: Sessions


def edges_of(
    options: GatewayOptions, store: Store, launcher: Launching, routes: RouteBook, environment: Mapping[str, str]
) -> Edges:
    """Make the edges; webhooks follow the routes file when it changes.

    Raises:
        SettingsError: a rule, a secret or a webhook is wrong.

    """
    callbacks = callbacks_of(
        store,
        environment,
        allow=options.callback_allow,
        hosts=options.callback_hosts,
        secrets=options.callback_secrets,
        ca_file=options.callback_ca_file,
    )
    rules = read_rules(options.callback_allow, options.callback_hosts)
    hooks = Hooks(store, launcher, rules, environment, routes.current)
    routes.on_change(hooks.prepared)
    return Edges(callbacks, hooks, Sessions(store))


def callbacks_of(
    store: Store,
    environment: Mapping[str, str],
    *,
    allow: Sequence[str] = (),
    hosts: Sequence[str] = (),
    secrets: Sequence[str] = (),
    ca_file: Path | None = None,
) -> Callbacks:
    """Make what delivers the callbacks of a ledger; any number of processes may run one (`run`) at the same time.

    Raises:
        SettingsError: a rule or a secret is wrong.

    """
    masters = read_masters(secrets, environment, store.path)
    return Callbacks(store, Sender(read_rules(allow, hosts), tls=_tls(ca_file)), masters)


def _tls(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ValueError) as error:
            raise SettingsError(
                f"the CA file {ca_file} for callbacks cannot be used: {getattr(error, 'strerror', None) or error}",
                code="tls-files",
                hint="Give a readable PEM file.",
            ) from error
    return context
